"""Apache Spark in local mode: a JVM beside this client, as one would tune it for a single machine."""

from __future__ import annotations

import os
import re
import sys
import tempfile

import pyarrow
from pyspark.sql import SparkSession

from compare.peers.protocol import CORES, Engine, serve

SETTINGS = {
    "spark.driver.memory": "8g",
    "spark.driver.maxResultSize": "4g",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.sql.adaptive.enabled": "true",
    # The default of 200 is for clusters: with few cores, most of the time would go to empty tasks.
    "spark.sql.shuffle.partitions": str(2 * CORES),
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


class Connected(Engine):
    """What Spark and those who speak its protocol have in common."""

    jobs = "pyspark_jobs"

    def __init__(self, session: SparkSession) -> None:
        self.session = session

    @property
    def handle(self) -> SparkSession:
        return self.session

    def register(self, name: str, files: str) -> None:
        self.session.read.parquet(files).createOrReplaceTempView(name)

    def execute(self, statement: str) -> None:
        # A view that outlives the session cannot read one that does not.
        self.session.sql(re.sub(r"^create view", "create temporary view", statement)).collect()

    def fetch(self, query: str) -> pyarrow.Table:
        return self.session.sql(query).toArrow()


def start() -> Connected:
    # Its Python workers would take the first `python3` there is, which lacks the packages.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{CORES}]").appName("compare")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp(prefix="spark-"))
    return Connected(builder.getOrCreate())


if __name__ == "__main__":
    serve(start)
