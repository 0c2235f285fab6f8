"""Reads a source in Spark: lines of text, parsed in the plan.

Only so does a damaged line stay known as it was, can its bytes and its quotes be checked, and be put in quarantine
alone.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from compare.jobs.sources import Source

TYPES = {
    "string": "string",
    "integer": "bigint",
    "float": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "parameters": "map<string, array<double>>",
    "components": "array<struct<position: string, ata: string, part_number: string, serial: string, "
    "installed_at: timestamp, hours_at_install: double, cycles_at_install: bigint, "
    "hours_since_install: double, cycles_since_install: bigint>>",
    "modifications": "array<struct<bulletin: string, status: string, embodied_at: timestamp>>",
}
MALFORMED = "_malformed"


def read(spark: SparkSession, source: Source, paths: list[str]) -> DataFrame:
    """The source's columns, and `_file`, `_place`, `_raw` and `_fault`."""
    lines = spark.read.text(paths).select(
        F.col("_metadata.file_path").alias("_file"),
        F.monotonically_increasing_id().alias("_place"),
        F.col("value").alias("_raw"),
    )
    options = {"columnNameOfCorruptRecord": MALFORMED}
    fields = ", ".join([*(f"`{field.name}` {TYPES[field.type]}" for field in source.fields), f"{MALFORMED} string"])
    if source.format == "csv":
        lines = lines.where(F.col("_raw") != source.header)
        parsed = F.from_csv("_raw", fields, options | {"escape": '"'})
    else:
        lines = lines.where(F.trim("_raw") != "")
        parsed = F.from_json("_raw", fields, options)
    broken = (
        F.when(~F.is_valid_utf8("_raw"), "invalid UTF-8")
        .when(F.octet_length("_raw") > source.max_record_bytes, "over-long line")
        .when(F.lit(source.format == "csv") & odd_quotes("_raw"), "broken quote")
        .when(F.col("_row").isNull() | F.col(f"_row.{MALFORMED}").isNotNull(), "malformed")
    )
    rows = lines.withColumn("_row", parsed).withColumn("_fault", broken)
    rows = rows.select("_file", "_place", "_raw", "_fault", "_row.*").drop(MALFORMED)
    return judged(source, rows)


def odd_quotes(column: str) -> Column:
    """Whether a line opens a quote that it does not close. The parser would take it to the end of the line for text."""
    return F.expr(f"(length({column}) - length(replace({column}, '\"', ''))) % 2 = 1")


def judged(source: Source, rows: DataFrame) -> DataFrame:
    """Adds to `_fault` what is wrong with values: missing, not allowed, out of range."""
    checks = [F.col("_fault")]
    for field in source.fields:
        value = F.col(field.name)
        if field.required:
            checks.append(F.when(value.isNull(), "missing required field"))
        if field.values:
            checks.append(F.when(~value.isin(*field.values), "unknown value"))
        if field.low is not None:
            checks.append(F.when(value < field.low, "out of range"))
        if field.high is not None:
            checks.append(F.when(value > field.high, "out of range"))
        if field.type == "parameters":
            lengths = F.array_distinct(F.transform(F.map_values(value), lambda samples: F.size(samples)))
            checks.append(F.when(F.size(lengths) != 1, "lists of unequal length"))
    # The text is wanted of damaged records only.
    rows = rows.withColumn("_fault", F.coalesce(*checks))
    return rows.withColumn("_raw", F.when(F.col("_fault").isNotNull(), F.col("_raw")))
