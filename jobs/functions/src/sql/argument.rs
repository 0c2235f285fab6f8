//! The arguments of a function: which there are, which may be left out, and which of them a call gives.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::expressions::Literal;

/// What an argument holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A number, read as DOUBLE.
    Number,
    /// Numbers of a sample: one a row, read as DOUBLE, or a list of them a row. Nulls in a list do not count.
    Sample,
    /// A BOOLEAN; numbers count as true where they are not 0.
    Flag,
    /// A text or a whole number that tells rows apart.
    Name,
    /// A literal text, one of these.
    Choice(&'static [&'static str]),
    /// A literal share, between 0 and 1 and neither of them.
    Share,
}

/// Whether an argument must be given, and be there in every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Presence {
    /// Given, and rows in which it is null do not count.
    Required,
    /// Given, and null says something.
    Nullable,
    /// May be left out.
    Optional,
}

/// One argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    pub about: &'static str,
}

impl Argument {
    pub const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, presence: Presence::Required, about }
    }

    pub const fn nullable(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, presence: Presence::Nullable, about }
    }

    pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, presence: Presence::Optional, about }
    }

    fn must_be_given(&self) -> bool {
        self.presence != Presence::Optional
    }
}

impl Kind {
    /// The type a value is read as, if it can be.
    fn read_as(self, given: &DataType) -> Option<DataType> {
        let text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let null = given.is_null();
        match self {
            Self::Number | Self::Share | Self::Sample if given.is_numeric() || null => Some(DataType::Float64),
            Self::Sample => numbers(given),
            Self::Flag if given == &DataType::Boolean || given.is_integer() || null => Some(DataType::Boolean),
            Self::Name if text || given.is_integer() || null => Some(DataType::Utf8),
            Self::Choice(_) if text => Some(DataType::Utf8),
            _ => None,
        }
    }

    pub fn is_constant(self) -> bool {
        matches!(self, Self::Choice(_) | Self::Share)
    }

    /// The type of a gathered value.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Number | Self::Share | Self::Sample => DataType::Float64,
            Self::Flag => DataType::Boolean,
            Self::Name | Self::Choice(_) => DataType::Utf8,
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Number => "a number".to_owned(),
            Self::Sample => "a number or a list of numbers".to_owned(),
            Self::Flag => "a boolean".to_owned(),
            Self::Name => "a text or whole number".to_owned(),
            Self::Choice(choices) => format!("one of '{}'", choices.join("', '")),
            Self::Share => "a literal between 0 and 1".to_owned(),
        }
    }
}

/// The type that lists of numbers are read as: their own where it is that of a list of DOUBLE.
fn numbers(given: &DataType) -> Option<DataType> {
    match given {
        DataType::List(item) if item.data_type() == &DataType::Float64 => Some(given.clone()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if item.data_type().is_numeric() || item.data_type().is_null() =>
        {
            Some(DataType::new_list(DataType::Float64, true))
        }
        _ => None,
    }
}

/// How a call's values fall to the arguments: each value to the next argument that can read it.
pub(crate) fn assigned(function: &str, arguments: &[Argument], given: &[DataType]) -> Result<Vec<Option<usize>>> {
    let mut positions = vec![None; arguments.len()];
    let mut next = 0;
    for (position, data_type) in given.iter().enumerate() {
        while next < arguments.len() && arguments[next].kind.read_as(data_type).is_none() {
            if arguments[next].must_be_given() {
                let Argument { name, kind, .. } = arguments[next];
                return plan_err!(
                    "{}: `{name}` is {data_type}, expected {}",
                    usage(function, arguments),
                    kind.expected()
                );
            }
            next += 1;
        }
        let Some(slot) = positions.get_mut(next) else {
            return plan_err!(
                "{}: argument {} ({data_type}) is not understood",
                usage(function, arguments),
                position + 1
            );
        };
        *slot = Some(position);
        next += 1;
    }
    match arguments.iter().zip(&positions).find(|(argument, position)| argument.must_be_given() && position.is_none()) {
        Some((argument, _)) => plan_err!("{}: `{}` is missing", usage(function, arguments), argument.name),
        None => Ok(positions),
    }
}

/// The types that a call's values are turned into.
pub(crate) fn coerced(function: &str, arguments: &[Argument], given: &[DataType]) -> Result<Vec<DataType>> {
    let positions = assigned(function, arguments, given)?;
    let mut types = given.to_vec();
    for (argument, position) in arguments.iter().zip(positions) {
        if let Some(position) = position {
            types[position] = argument.kind.read_as(&given[position]).unwrap_or_else(|| argument.kind.data_type());
        }
    }
    Ok(types)
}

/// `name(a, b [, c])`.
pub(crate) fn usage(function: &str, arguments: &[Argument]) -> String {
    let mut text = format!("{function}(");
    for (index, argument) in arguments.iter().enumerate() {
        match (index, argument.must_be_given()) {
            (0, _) => text.push_str(argument.name),
            (_, true) => text.push_str(&format!(", {}", argument.name)),
            (_, false) => text.push_str(&format!(" [, {}]", argument.name)),
        }
    }
    text.push(')');
    text
}

/// The arguments that are the same for every row, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constants(Vec<(&'static str, ScalarValue)>);

impl Constants {
    /// Reads the literals of a call.
    pub fn of(
        function: &str,
        arguments: &[Argument],
        exprs: &[Arc<dyn PhysicalExpr>],
        given: &[DataType],
    ) -> Result<Self> {
        let mut constants = Vec::new();
        for (argument, position) in arguments.iter().zip(assigned(function, arguments, given)?) {
            let (true, Some(position)) = (argument.kind.is_constant(), position) else { continue };
            let literal = exprs.get(position).and_then(|expr| expr.downcast_ref::<Literal>());
            let Some(value) = literal.map(Literal::value).filter(|value| allowed(argument.kind, value)) else {
                return plan_err!("{function}: `{}`, expected {}", argument.name, argument.kind.expected());
            };
            constants.push((argument.name, value.clone()));
        }
        Ok(Self(constants))
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            ScalarValue::Float64(value) => *value,
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.try_as_str().flatten()
    }

    fn get(&self, name: &str) -> Option<&ScalarValue> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

fn allowed(kind: Kind, value: &ScalarValue) -> bool {
    match kind {
        Kind::Choice(choices) => value.try_as_str().flatten().is_some_and(|text| choices.contains(&text)),
        Kind::Share => matches!(value, ScalarValue::Float64(Some(share)) if *share > 0.0 && *share < 1.0),
        Kind::Number | Kind::Sample | Kind::Flag | Kind::Name => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGUMENTS: &[Argument] = &[
        Argument::required("duration", Kind::Number, ""),
        Argument::required("observed", Kind::Flag, ""),
        Argument::optional("entry", Kind::Number, ""),
        Argument::optional("bounds", Kind::Choice(&["wald", "profile"]), ""),
    ];

    #[test]
    fn a_value_falls_to_the_next_argument_that_can_read_it() {
        let given = [DataType::Int64, DataType::Boolean, DataType::Utf8];
        assert_eq!(assigned("fit", ARGUMENTS, &given).unwrap(), [Some(0), Some(1), None, Some(2)]);
        let types = coerced("fit", ARGUMENTS, &given).unwrap();
        assert_eq!(types, [DataType::Float64, DataType::Boolean, DataType::Utf8]);
    }

    #[test]
    fn a_sample_is_numbers_or_lists_of_them() {
        const SAMPLE: &[Argument] = &[Argument::required("sample", Kind::Sample, "")];
        let doubles = DataType::new_list(DataType::Float64, true);
        for (given, expected) in [
            (DataType::Int32, DataType::Float64),
            (doubles.clone(), doubles.clone()),
            (DataType::new_large_list(DataType::Float64, true), doubles.clone()),
            (DataType::new_fixed_size_list(DataType::Int64, 3, true), doubles),
        ] {
            assert_eq!(coerced("summary", SAMPLE, &[given]).unwrap(), [expected]);
        }
        let texts = DataType::new_list(DataType::Utf8, true);
        let refused = coerced("summary", SAMPLE, &[texts]).unwrap_err().to_string();
        assert!(refused.contains("expected a number or a list of numbers"), "{refused}");
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        let refused = |given: &[DataType]| assigned("fit", ARGUMENTS, given).unwrap_err().to_string();
        let usage = "fit(duration, observed [, entry] [, bounds])";
        assert!(refused(&[DataType::Float64]).contains(&format!("{usage}: `observed` is missing")));
        assert!(refused(&[DataType::Utf8]).contains("`duration` is Utf8, expected a number"));
        let text_twice = [DataType::Float64, DataType::Boolean, DataType::Utf8, DataType::Utf8];
        assert!(refused(&text_twice).contains("argument 4 (Utf8) is not understood"));
    }
}
