"""What is measured, and how large: the options of `python3 -m compare`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compare.data import Fleet
from compare.environment import WORK, Environment

SUITES = ["engine", "jobs", "growth", "micro"]
ENGINES = ["datafusion", "fleet-embedded", "fleet-cluster", "sail", "duckdb", "spark"]
EXECUTORS = 2
"""Of one slot each, in `fleet-cluster`."""

EXAMPLE = """\
Example: python3 -m compare --suite engine --scale 1 --engine datafusion --engine fleet-cluster --runs 5
Results are rendered again by: python3 -m compare --render results/A.json results/B.json
BENCH_NO_BUILD=1 takes our programs as they are in target/release."""


@dataclass(frozen=True)
class Sizes:
    """How much is read: those that results are published of, and small ones that show whether the harness works."""

    scales: list[str]
    jobs: Fleet
    lives: tuple[int, int]
    """Groups, and lives in each."""
    base: Fleet
    base_lives: tuple[int, int]
    factors: list[int]
    """Of the base fleet's aircraft, and of the groups of the base lives."""
    executors: list[int]
    executors_factor: int
    history_days: list[int]
    """Before the days that are added, which are of the beginning of a month in either case."""
    small_files: list[int]


FULL = Sizes(
    scales=["1", "10"],
    jobs=Fleet(aircraft=100, days=365, telemetry_rate_hz=0.009),
    lives=(100_000, 50),
    base=Fleet(aircraft=10, days=90),
    base_lives=(10_000, 50),
    factors=[1, 3, 10, 30],
    executors=[1, 2, 4],
    executors_factor=30,
    history_days=[33, 1096, 3653],
    small_files=[2_000, 20_000, 200_000],
)
QUICK = Sizes(
    scales=["0.01"],
    jobs=Fleet(aircraft=2, days=20, telemetry_rate_hz=0.01),
    lives=(200, 20),
    base=Fleet(aircraft=1, days=20),
    base_lives=(100, 20),
    factors=[1, 2],
    executors=[1, 2],
    executors_factor=2,
    history_days=[10, 40],
    small_files=[200, 2_000],
)


@dataclass
class Options:
    suites: list[str]
    engines: list[str]
    sizes: Sizes
    scales: list[str]
    runs: int
    """Warm ones, after the first."""
    quick: bool
    out: Path
    render: list[Path]

    def described(self) -> dict[str, object]:
        return {"suites": self.suites, "engines": self.engines, "runs": self.runs, "quick": self.quick}


@dataclass
class Context:
    """What every suite gets."""

    environment: Environment
    options: Options
    folder: Path
    """For what this run makes and needs no longer when it is over, but for its logs."""
    checkpoint: Callable[[], None]
    """Writes what has been measured so far."""


def parse() -> Options:
    parser = argparse.ArgumentParser(
        prog="python3 -m compare",
        description="Measures this project beside Spark, Sail and DuckDB, and compares their rows before any time is shown.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", action="append", choices=SUITES, help="what is measured; may be repeated (all)")
    parser.add_argument("--scale", action="append", help="of TPC-H, 1 being about 1 GB; may be repeated (1 and 10)")
    parser.add_argument("--runs", type=positive, help="warm runs after the first, cold one (3)")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="which engines; may be repeated (all)")
    parser.add_argument("--out", type=Path, default=WORK / "results", help="folder of the results (target/benches/results)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether the harness works")
    parser.add_argument(
        "--render", type=Path, nargs="+", metavar="FILE", default=[],
        help="measure nothing, write RESULTS.md from these files; a suite of a later one replaces that of an earlier one",
    )
    given = parser.parse_args()
    sizes = QUICK if given.quick else FULL
    return Options(
        suites=given.suite or SUITES,
        engines=given.engine or ENGINES,
        sizes=sizes,
        scales=given.scale or sizes.scales,
        runs=given.runs or (1 if given.quick else 3),
        quick=given.quick,
        out=given.out,
        render=given.render,
    )


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number
