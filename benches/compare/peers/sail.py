"""Sail in local mode: its server is a thread of this process, and Spark's thin client speaks to it."""

from __future__ import annotations

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

from compare.peers.protocol import serve
from compare.peers.spark import Connected


class Sail(Connected):
    def __init__(self) -> None:
        self.server = SparkConnectServer("127.0.0.1", 0)
        self.server.start(background=True)
        host, port = self.server.listening_address
        super().__init__(SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate())
        self.session.conf.set("spark.sql.session.timeZone", "UTC")

    def close(self) -> None:
        self.session.stop()
        self.server.stop()


if __name__ == "__main__":
    serve(Sail)
