"""DuckDB, in its own process, with a thread a core."""

from __future__ import annotations

import duckdb
import pyarrow

from compare.peers.protocol import CORES, Engine, serve


class DuckDb(Engine):
    jobs = "duckdb_jobs"

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": CORES})
        self.connection.execute("set TimeZone = 'UTC'")

    @property
    def handle(self) -> duckdb.DuckDBPyConnection:
        return self.connection

    def register(self, name: str, files: str) -> None:
        self.connection.execute(f"create view \"{name}\" as select * from read_parquet('{files}')")

    def execute(self, statement: str) -> None:
        self.connection.execute(statement)

    def fetch(self, query: str) -> pyarrow.Table:
        return self.connection.sql(query).to_arrow_table()


if __name__ == "__main__":
    serve(DuckDb)
