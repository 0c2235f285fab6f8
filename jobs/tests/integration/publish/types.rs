//! Values of every type that a model may have, read back as text.

use super::*;

#[tokio::test]
async fn every_type_arrives_as_it_was_sent() {
    let database = database().await;
    let instant = 1_772_323_200_000_000; // 2026-03-01T00:00:00Z in microseconds
    let zoned = |unit, value: ArrayRef| {
        datafusion::arrow::compute::cast(&value, &DataType::Timestamp(unit, Some("UTC".into()))).unwrap()
    };
    let tail: ArrayRef = Arc::new(StringArray::from(vec![Some("D-AAAA"), None]));
    let share: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.25), Some(f64::NAN)]));
    let mut shares = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
    shares.keys().append_value("egt\u{0}_c");
    shares.values().append_value(0.75);
    shares.append(true).unwrap();
    shares.append(false).unwrap();
    let mut texts = ListBuilder::new(StringViewBuilder::new());
    texts.append_value([Some("a"), None, Some("b\u{0}")]);
    texts.append_null();
    let mut times = ListBuilder::new(TimestampMicrosecondBuilder::new().with_timezone("UTC"));
    times.append_value([Some(instant)]);
    times.append_null();
    let dictionary: DictionaryArray<datafusion::arrow::datatypes::Int32Type> =
        [Some("CRUISE"), None].into_iter().collect();
    let numbers = vec![Some(vec![Some(1.5), None]), Some(vec![])];
    let columns: Vec<(&str, ArrayRef, &str, [Option<&str>; 2])> = vec![
        ("truth", Arc::new(BooleanArray::from(vec![Some(true), None])), "boolean", [Some("true"), None]),
        ("tiny", Arc::new(UInt8Array::from(vec![255, 0])), "smallint", [Some("255"), Some("0")]),
        ("short", Arc::new(UInt16Array::from(vec![65535, 0])), "integer", [Some("65535"), Some("0")]),
        ("long", Arc::new(UInt64Array::from(vec![Some(1 << 40), None])), "bigint", [Some("1099511627776"), None]),
        ("float", Arc::new(Float32Array::from(vec![1.5, f32::INFINITY])), "real", [Some("1.5"), Some("Infinity")]),
        ("double", Arc::new(Float64Array::from(vec![0.1, f64::NAN])), "double precision", [Some("0.1"), Some("NaN")]),
        (
            "cost",
            Arc::new(Decimal128Array::from(vec![123_456, -5]).with_precision_and_scale(12, 2).unwrap()),
            "numeric",
            [Some("1234.56"), Some("-0.05")],
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![days("2026-03-01"), -1])),
            "date",
            [Some("2026-03-01"), Some("1969-12-31")],
        ),
        (
            "at",
            zoned(TimeUnit::Nanosecond, Arc::new(Int64Array::from(vec![Some(instant * 1000), None]))),
            "timestamp with time zone",
            [Some("2026-03-01 00:00:00+00"), None],
        ),
        (
            "local",
            Arc::new(TimestampSecondArray::from(vec![instant / 1_000_000, 0])),
            "timestamp without time zone",
            [Some("2026-03-01 00:00:00"), Some("1970-01-01 00:00:00")],
        ),
        (
            "time",
            Arc::new(Time32SecondArray::from(vec![3600, 0])),
            "time without time zone",
            [Some("01:00:00"), Some("00:00:00")],
        ),
        (
            "duration",
            Arc::new(DurationSecondArray::from(vec![90, 0])),
            "interval",
            [Some("00:01:30"), Some("00:00:00")],
        ),
        ("text", Arc::new(LargeStringArray::from(vec![Some("é\u{0}'"), None])), "text", [Some("é\\x00'"), None]),
        ("phase", Arc::new(dictionary), "text", [Some("CRUISE"), None]),
        (
            "bytes",
            Arc::new(BinaryViewArray::from(vec![Some(&b"\x00\xff"[..]), None])),
            "bytea",
            [Some("\\x00ff"), None],
        ),
        (
            "numbers",
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(numbers)),
            "double precision[]",
            [Some("{1.5,NULL}"), Some("{}")],
        ),
        ("texts", Arc::new(texts.finish()), "text[]", [Some(r#"{a,NULL,"b\\x00"}"#), None]),
        ("times", Arc::new(times.finish()), "jsonb", [Some(r#"["2026-03-01T00:00:00Z"]"#), None]),
        (
            "driver",
            Arc::new(StructArray::try_from(vec![("tail", tail), ("share", share)]).unwrap()),
            "jsonb",
            [Some(r#"{"tail": "D-AAAA", "share": 0.25}"#), Some(r#"{"tail": null, "share": null}"#)],
        ),
        ("shares", Arc::new(shares.finish()), "jsonb", [Some(r#"{"egt\\x00_c": 0.75}"#), None]),
    ];
    let mut table = component();
    (table.key, table.time_column) = (vec![], None);
    table.columns = columns.iter().map(|column_| column(column_.0, column_.1.data_type().clone(), "")).collect();
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.iter().map(|column| (column.0, column.1.clone(), true)));
    let batches = stream::iter([Ok::<_, io::Error>(batch.unwrap())]);
    database.publisher.publish(&table, &Replace::Whole, &publication("a"), batches).await.unwrap();

    let mut connection = database.pool.acquire().await.unwrap();
    query("set time zone 'UTC'").execute(&mut *connection).await.unwrap();
    for (name, _, sql, values) in columns {
        let found: Vec<(String, Option<String>)> = query_as(AssertSqlSafe(format!(
            "select format_type(atttypid, atttypmod), \"{name}\"::text
             from reliability.component, pg_attribute
             where attrelid = 'reliability.component'::regclass and attname = '{name}' order by component.ctid"
        )))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        let expected = values.map(|value| (sql.to_owned(), value.map(str::to_owned)));
        assert_eq!(found, expected, "{name}");
    }
}
