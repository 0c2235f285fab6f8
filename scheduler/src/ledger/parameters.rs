//! Parameters as the ledger keeps them: a JSON object of texts, each the shortest that reads back as the same number.
//! JSON's own numbers would not do: whether a reader rounds them correctly depends on how it was built.

use std::collections::BTreeMap;

use super::{Error, Result, row};

const COLUMN: &str = "parameters";

pub(super) fn text(parameters: &BTreeMap<String, f64>) -> Result<String> {
    let mut texts = BTreeMap::new();
    for (name, value) in parameters {
        if !value.is_finite() {
            return Err(Error::invalid(format!("parameter {name:?}"), format!("expected a number, found {value}")));
        }
        texts.insert(name, format!("{value:?}"));
    }
    serde_json::to_string(&texts).map_err(|error| Error::invalid(COLUMN, error.to_string()))
}

pub(super) fn parse(text: &str) -> Result<BTreeMap<String, f64>> {
    let texts: BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|error| row::damaged(COLUMN, error.to_string()))?;
    let number = |(name, text): (String, String)| match text.parse() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(row::damaged(COLUMN, format!("{name}: {text:?} is no number"))),
    };
    texts.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_is_read_back_to_the_last_bit(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let parameters = BTreeMap::from([("a \"name\"\0".to_owned(), value)]);
            match text(&parameters) {
                Ok(text) => prop_assert_eq!(parse(&text).unwrap()["a \"name\"\0"].to_bits(), bits),
                Err(error) => prop_assert!(!value.is_finite(), "{}", error),
            }
        }
    }
}
