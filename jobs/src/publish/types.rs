//! Which PostgreSQL type an Arrow column becomes.
//!
//! | Arrow | PostgreSQL | note |
//! |---|---|---|
//! | `Boolean` | `boolean` | |
//! | `Int8`, `UInt8`, `Int16` | `smallint` | |
//! | `UInt16`, `Int32` | `integer` | |
//! | `UInt32`, `Int64`, `UInt64` | `bigint` | a `UInt64` above 2⁶³ − 1 is an error |
//! | `Float16`, `Float32` | `real` | NaN and infinities are kept |
//! | `Float64` | `double precision` | NaN and infinities are kept |
//! | `Decimal*` | `numeric` | exact, up to 38 digits |
//! | `Date32`, `Date64` | `date` | |
//! | `Timestamp` with a zone | `timestamp with time zone` | nanoseconds are cut to microseconds |
//! | `Timestamp` without | `timestamp without time zone` | likewise |
//! | `Time32`, `Time64` | `time without time zone` | likewise |
//! | `Duration` | `interval` | likewise |
//! | `Utf8`, `LargeUtf8`, `Utf8View` | `text` | U+0000, which PostgreSQL refuses, is written `\x00` |
//! | `Binary*`, `FixedSizeBinary` | `bytea` | |
//! | `Dictionary` | as its values | |
//! | lists of the above | an array of it | not of timestamps with a zone, see the next line |
//! | other lists, `Struct`, `Map` | `jsonb` | NaN and infinities become null, times ISO 8601, binary hexadecimal |
//!
//! Anything else (`Null`, `Union`, `Interval`) has no column type: the model casts it.

use datafusion::arrow;

use arrow::array::new_empty_array;
use arrow::datatypes::{DataType, Field, TimeUnit};
use arrow::json::writer::{EncoderOptions, make_encoder};
use std::sync::Arc;

const TIMESTAMPTZ: &str = "timestamp with time zone";

/// How a column is stored, and the Arrow type that its values have when they are encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// The type's name as PostgreSQL's `format_type` prints it, so that it compares with the catalogue.
    pub sql: String,
    pub wire: DataType,
    /// Values are rendered to JSON text first.
    pub json: bool,
}

impl ColumnType {
    /// `None` where PostgreSQL has nothing for the type.
    pub fn of(data_type: &DataType) -> Option<Self> {
        if let Some((sql, wire)) = scalar(data_type) {
            return Some(Self { sql: sql.to_owned(), wire, json: false });
        }
        let element = list_element(data_type).and_then(|element| scalar(element.data_type()));
        match element {
            // The encoder writes the element type of a `timestamp` in either case, which the server checks.
            Some((sql, wire)) if sql != TIMESTAMPTZ => {
                let wire = DataType::List(Arc::new(Field::new("item", wire, true)));
                Some(Self { sql: format!("{sql}[]"), wire, json: false })
            }
            _ => is_json(data_type).then(|| Self { sql: "jsonb".to_owned(), wire: DataType::Utf8View, json: true }),
        }
    }

    /// Whether a batch's column of type `given` fits in without loss.
    pub fn takes(&self, given: &DataType) -> bool {
        Self::of(given).is_some_and(|given| given.sql == self.sql || widens(&given.sql, &self.sql))
    }

    pub fn is_date(&self) -> bool {
        self.wire == DataType::Date32
    }

    pub fn is_time(&self) -> bool {
        matches!(self.wire, DataType::Date32 | DataType::Timestamp(..))
    }
}

/// Whether every value of `from` is a value of `to`: PostgreSQL type names.
pub fn widens(from: &str, to: &str) -> bool {
    matches!((from, to), ("smallint", "integer" | "bigint") | ("integer", "bigint") | ("real", "double precision"))
}

fn scalar(data_type: &DataType) -> Option<(&'static str, DataType)> {
    use DataType::*;
    Some(match data_type {
        Boolean => ("boolean", Boolean),
        Int8 | UInt8 | Int16 => ("smallint", Int16),
        UInt16 | Int32 => ("integer", Int32),
        UInt32 | Int64 | UInt64 => ("bigint", Int64),
        Float16 | Float32 => ("real", Float32),
        Float64 => ("double precision", Float64),
        Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale) if *scale <= 38 => {
            ("numeric", Decimal128(38, (*scale).max(0)))
        }
        Date32 | Date64 => ("date", Date32),
        Timestamp(_, Some(_)) => (TIMESTAMPTZ, Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        Timestamp(_, None) => ("timestamp without time zone", Timestamp(TimeUnit::Microsecond, None)),
        Time32(_) | Time64(_) => ("time without time zone", Time64(TimeUnit::Microsecond)),
        Duration(_) => ("interval", Duration(TimeUnit::Microsecond)),
        Utf8 | LargeUtf8 | Utf8View => ("text", Utf8View),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => ("bytea", LargeBinary),
        Dictionary(_, values) => return scalar(values),
        _ => return None,
    })
}

fn list_element(data_type: &DataType) -> Option<&Field> {
    use DataType::*;
    match data_type {
        List(element) | LargeList(element) | ListView(element) | LargeListView(element) => Some(element),
        FixedSizeList(element, _) => Some(element),
        _ => None,
    }
}

fn is_json(data_type: &DataType) -> bool {
    let nested = matches!(data_type, DataType::Struct(_) | DataType::Map(..)) || list_element(data_type).is_some();
    let field = Arc::new(Field::new("value", data_type.clone(), true));
    nested && make_encoder(&field, &new_empty_array(data_type), &EncoderOptions::default()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::compute::can_cast_types;

    fn sql(data_type: &DataType) -> Option<String> {
        ColumnType::of(data_type).map(|column| column.sql)
    }

    fn list(element: DataType) -> DataType {
        DataType::List(Arc::new(Field::new_list_field(element, true)))
    }

    #[test]
    fn every_type_becomes_what_the_table_says() {
        use DataType::*;
        let dictionary = |values| Dictionary(Box::new(Int32), Box::new(values));
        let zoned = Timestamp(TimeUnit::Nanosecond, Some("+00:00".into()));
        let pair = Struct(vec![Field::new("part", Utf8View, true), Field::new("share", Float64, true)].into());
        let map = Map(
            Arc::new(Field::new(
                "entries",
                Struct(vec![Field::new("keys", Utf8, false), Field::new("values", Float64, true)].into()),
                false,
            )),
            false,
        );
        let expected = [
            (Boolean, "boolean"),
            (Int8, "smallint"),
            (UInt8, "smallint"),
            (UInt16, "integer"),
            (Int32, "integer"),
            (UInt32, "bigint"),
            (Int64, "bigint"),
            (UInt64, "bigint"),
            (Float32, "real"),
            (Float64, "double precision"),
            (Decimal128(10, 2), "numeric"),
            (Decimal256(76, 4), "numeric"),
            (Date32, "date"),
            (Date64, "date"),
            (Timestamp(TimeUnit::Second, None), "timestamp without time zone"),
            (zoned.clone(), "timestamp with time zone"),
            (Time32(TimeUnit::Second), "time without time zone"),
            (Duration(TimeUnit::Nanosecond), "interval"),
            (LargeUtf8, "text"),
            (dictionary(Utf8), "text"),
            (BinaryView, "bytea"),
            (FixedSizeBinary(4), "bytea"),
            (list(Float64), "double precision[]"),
            (list(dictionary(Utf8)), "text[]"),
            (FixedSizeList(Arc::new(Field::new_list_field(Int64, true)), 2), "bigint[]"),
            (LargeListView(Arc::new(Field::new_list_field(Utf8, true))), "text[]"),
        ];
        for (data_type, name) in expected {
            let column = ColumnType::of(&data_type).unwrap();
            assert_eq!(column.sql, name, "{data_type}");
            assert!(!column.json && can_cast_types(&data_type, &column.wire), "{data_type}");
        }
        for data_type in [pair.clone(), map, list(pair), list(zoned), list(list(Int32))] {
            assert_eq!(sql(&data_type).as_deref(), Some("jsonb"), "{data_type}");
        }
        for data_type in [Null, Interval(arrow::datatypes::IntervalUnit::MonthDayNano), list(Null)] {
            assert_eq!(sql(&data_type).filter(|name| name != "jsonb"), None, "{data_type}");
        }
    }

    #[test]
    fn a_column_takes_narrower_values_and_no_others() {
        let bigint = ColumnType::of(&DataType::Int64).unwrap();
        for given in [DataType::Int64, DataType::Int8, DataType::UInt32] {
            assert!(bigint.takes(&given), "{given}");
        }
        for given in [DataType::Float64, DataType::Utf8, DataType::Null] {
            assert!(!bigint.takes(&given), "{given}");
        }
        assert!(!ColumnType::of(&DataType::Int32).unwrap().takes(&DataType::Int64));
        assert!(!ColumnType::of(&DataType::Float64).unwrap().takes(&DataType::Int64));
        assert!(ColumnType::of(&DataType::Utf8).unwrap().takes(&DataType::Utf8View));
    }
}
