"""What the peers' programs have in common: their options, the order of what they run, and the lines they print.

Queries:  --tables DIR --queries DIR --runs N --out DIR
A job:    --job ingest --landing DIR --reference DIR --runs N --out DIR
          --job rates|parameter_daily --tables DIR --runs N --out DIR
          --job weibull --lives FILE --runs N --out DIR

Lines: `{"ready": seconds}`, then `{"case": …, "run": …, "seconds": …, "rows": …}` or `{"case": …, "run": …, "error": …}`.
Run 0 is the first in this process. Rows of a query's last run go to `OUT/<case>.parquet`, those of a job to `OUT/run-<n>/`.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

STARTED = time.monotonic()
CORES = len(os.sched_getaffinity(0))


class Engine(ABC):
    """An engine that has been started."""

    jobs: str
    """The module below `compare.jobs` with this engine's jobs."""

    @property
    @abstractmethod
    def handle(self) -> Any:
        """What the jobs take first: a session or a connection."""

    @abstractmethod
    def register(self, name: str, files: str) -> None:
        """Makes Parquet files, `files` being a path or a glob, the table `name`."""

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Runs a statement that has no rows."""

    @abstractmethod
    def fetch(self, query: str) -> pyarrow.Table:
        """All rows of a query."""

    def close(self) -> None:
        """Ends what would keep the process from ending."""


def serve(start: Callable[[], Engine]) -> None:
    """Runs what the command line asks for."""
    options = parse()
    engine = start()
    options.out.mkdir(parents=True, exist_ok=True)
    (run_job if options.job else run_queries)(engine, options)
    engine.close()


def run_queries(engine: Engine, options: argparse.Namespace) -> None:
    for name, files in tables(options.tables):
        engine.register(name, files)
    tell({"ready": time.monotonic() - STARTED})
    for file in sorted(options.queries.glob("*.sql")):
        run_query(engine, file, options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--job", choices=["ingest", "rates", "parameter_daily", "weibull"])
    parser.add_argument("--landing")
    parser.add_argument("--reference")
    parser.add_argument("--lives")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def tables(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        yield path.stem, str(path / "*.parquet" if path.is_dir() else path)


def run_query(engine: Engine, file: Path, options: argparse.Namespace) -> None:
    case, statements = file.stem, list(statements_of(file.read_text()))
    rows: pyarrow.Table | None = None

    def once() -> int:
        nonlocal rows
        for statement in statements:
            if statement.lower().startswith(("select", "with")):
                rows = engine.fetch(statement)
            else:
                engine.execute(statement)
        return 0 if rows is None else rows.num_rows

    if run_all(case, options.runs, lambda _: once()) and rows is not None:
        pyarrow.parquet.write_table(rows, options.out / f"{case}.parquet")


def statements_of(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            yield statement.strip()


def run_job(engine: Engine, options: argparse.Namespace) -> None:
    job = getattr(importlib.import_module(f"compare.jobs.{engine.jobs}"), options.job)
    tell({"ready": time.monotonic() - STARTED})
    inputs = {
        "ingest": [options.landing, options.reference],
        "weibull": [options.lives],
    }.get(options.job, [str(options.tables)])

    def once(run: int) -> None:
        job(engine.handle, *inputs, str(options.out / f"run-{run}"))

    def remove_former(run: int) -> None:
        if run > 0:
            shutil.rmtree(options.out / f"run-{run - 1}", ignore_errors=True)

    run_all(options.job, options.runs, once, after=remove_former)


def run_all(
    case: str, runs: int, once: Callable[[int], int | None], after: Callable[[int], None] = lambda _: None
) -> bool:
    """Runs a case once cold and `runs` times more, up to its first failure. Says whether there was none."""
    for run in range(runs + 1):
        started = time.perf_counter()
        try:
            rows = once(run)
        except Exception as error:  # Whatever an engine raises is its answer.
            tell({"case": case, "run": run, "error": f"{type(error).__name__}: {error}"[:2000]})
            return False
        tell({"case": case, "run": run, "seconds": time.perf_counter() - started, "rows": rows})
        after(run)
    return True


def tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
