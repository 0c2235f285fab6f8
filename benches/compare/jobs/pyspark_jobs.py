"""The fleet's jobs for Spark, and for Sail, which speaks Spark's protocol.

Tables are plain Parquet folders, not partitioned: a day of a fleet is far smaller than a file should be, and the jobs
below read whole tables.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark import StorageLevel, cloudpickle
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from compare.jobs import bounds, fit, sail_reader, spark_reader
from compare.jobs.sources import DELIVERED, MEASURED, REFERENCE, TELEMETRY, Source, files

# Workers get functions by value: they need not find these modules.
for module in (bounds, fit):
    cloudpickle.register_pickle_by_value(module)

STAGED = "staged"

SOURCES_AT_ONCE = 2
"""One source's last tasks leave a core idle, which another's first can have."""


def ingest(spark: SparkSession, landing: str, reference: str, out: str) -> None:
    """Reads all sources, and writes `<out>/<source>` and `<out>/quarantine/<source>`.

    Of rows with one key, the one delivered last stands: by path, which begins with the day, then by the row's place in
    the file. That place is `monotonically_increasing_id`, which rises within a file as long as the file is one split;
    these are, and compressed ones always.
    """
    settings(spark)
    delivered = {source: files(source, landing) for source in DELIVERED}
    delivered |= {source: [str(Path(reference, f"{source.name}.json"))] for source in REFERENCE}
    with ThreadPoolExecutor(SOURCES_AT_ONCE) as threads:
        given = [(source, paths) for source, paths in delivered.items() if paths]
        for running in [threads.submit(ingest_source, spark, source, paths, out) for source, paths in given]:
            running.result()
    shutil.rmtree(Path(out, STAGED), ignore_errors=True)


def ingest_source(spark: SparkSession, source: Source, paths: list[str], out: str) -> None:
    if is_sail(spark):
        # Sail takes no notice of `persist`: a folder stands in for it.
        staged = f"{out}/{STAGED}/{source.name}"
        sail_reader.read(spark, source, paths).write.mode("overwrite").parquet(staged)
        rows = spark.read.parquet(staged)
    else:
        rows = spark_reader.read(spark, source, paths).persist(StorageLevel.MEMORY_AND_DISK)
    newest = Window.partitionBy(*source.key).orderBy(F.desc("_file"), F.desc("_place"))
    kept = exploded(source, rows.where("_fault is null")).withColumn("_age", F.row_number().over(newest))
    kept.where("_age = 1").select(*source.names, "_file").write.mode("overwrite").parquet(f"{out}/{source.name}")
    damaged = rows.where("_fault is not null").selectExpr("_file", "_fault as reason", "_raw as raw")
    damaged.write.mode("overwrite").parquet(f"{out}/quarantine/{source.name}")
    rows.unpersist()


def rates(spark: SparkSession, tables: str, out: str) -> None:
    """Monthly rates of parts and of chapters: `component.sql` and `chapter.sql`."""
    settings(spark)
    for name in ("utilization", "events", "parts_catalog", "system_tree"):
        spark.read.parquet(f"{tables}/{name}").createOrReplaceTempView(name)
    fields = "lower double, upper double, mtbur double"
    spark.udf.register("poisson_bounds", F.pandas_udf(bounds.bounds_frame, fields))
    for name in ("component", "chapter"):
        query = Path(__file__).with_name(f"{name}.sql").read_text()
        spark.sql(query).write.mode("overwrite").parquet(f"{out}/{name}")


def parameter_daily(spark: SparkSession, tables: str, out: str) -> None:
    """Daily statistics of each recorded and each measured parameter, with exact percentiles."""
    settings(spark)
    performance = spark.read.parquet(f"{tables}/performance")
    day = F.to_date("recorded_at").alias("date")
    identity = ["date", "tail", "engine_position", "phase"]
    values = performance.select(day, *identity[1:], *MEASURED).unpivot(identity, list(MEASURED), "parameter", "value")
    if Path(tables, TELEMETRY.name).exists():
        telemetry = spark.read.parquet(f"{tables}/{TELEMETRY.name}")
        samples = telemetry.select(
            F.to_date("started_at").alias("date"),
            "tail",
            F.lit(None).cast("bigint").alias("engine_position"),
            F.lit(None).cast("string").alias("phase"),
            "parameter",
            F.explode("samples").alias("value"),
        )
        values = values.unionByName(samples)
    percentile = F.percentile("value", F.array(F.lit(0.05), F.lit(0.5), F.lit(0.95)))
    daily = values.where("value is not null").groupBy(*identity, "parameter").agg(
        F.count("value").alias("count"),
        F.avg("value").alias("mean"),
        F.stddev_samp("value").alias("stddev"),
        F.min("value").alias("min"),
        percentile.alias("percentiles"),
        F.max("value").alias("max"),
    )
    names = ["count", "mean", "stddev", "min", "p05", "p50", "p95", "max"]
    for place, name in enumerate(("p05", "p50", "p95")):
        daily = daily.withColumn(name, F.col("percentiles")[place])
    result = daily.select(*identity, "parameter", *names)
    result.write.mode("overwrite").parquet(f"{out}/parameter_daily")


def weibull(spark: SparkSession, lives: str, out: str) -> None:
    """A Weibull fit of each unit's lives, with scipy's `brentq`.

    The lives are collected into lists, of which a pandas function gets thousands at a time. A grouped map, by
    `applyInArrow` or `applyInPandas`, gives the same rows in four to ten times as long: with fifty lives a group, what
    it costs is a table and a call for each.
    """
    settings(spark)
    units = spark.read.parquet(lives).groupBy("unit").agg(
        F.collect_list("duration").alias("durations"),
        F.collect_list("failed").alias("failed"),
    )
    fields = "eta double, beta double, failures bigint, log_likelihood double"
    fits = units.select("unit", F.pandas_udf(fit.weibull_frame, fields)("durations", "failed").alias("fit"))
    fits.select("unit", "fit.*").write.mode("overwrite").parquet(f"{out}/weibull")


def settings(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    # Hundreds of paths are listed sooner here than by a task each.
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.threshold", "100000")


def is_sail(spark: SparkSession) -> bool:
    """Spark in this process has a JVM; what is spoken to over Connect here is Sail."""
    return type(spark).__module__.startswith("pyspark.sql.connect")


def exploded(source: Source, rows: DataFrame) -> DataFrame:
    """One row a parameter, where a record holds several."""
    if not source.is_exploded:
        return rows
    others = [name for name in rows.columns if name != "parameters"]
    return rows.select(*others, F.explode("parameters").alias("parameter", "samples"))
