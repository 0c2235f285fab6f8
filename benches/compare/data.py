"""What the engines read: TPC-H tables, fleets and lives, each made once; and files made warm."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from compare.environment import ROOT, WORK, Environment, clean_variables, run_text, say

DATA = WORK / "data"


@dataclass(frozen=True)
class Fleet:
    """The options of `fleet generate` that set the size of a made-up fleet."""

    aircraft: int
    days: int
    telemetry_rate_hz: float = 0.0
    """Samples a second; 0 for no telemetry."""

    @property
    def name(self) -> str:
        telemetry = f"-{self.telemetry_rate_hz:g}hz" if self.telemetry_rate_hz else ""
        return f"fleet-{self.aircraft}x{self.days}{telemetry}"

    def described(self) -> dict[str, float]:
        return asdict(self)


def tpch(environment: Environment, scale: str) -> Path:
    """The folder of `<table>.parquet` of a scale."""

    def make(folder: Path) -> None:
        program = environment.peers.parent / "tpchgen-cli"
        run_text([str(program), "parquet", "-s", scale, "--output-dir", str(folder), "--quiet"], "the disk's free space")

    return made_once(f"tpch-{scale}", make)


def fleet(environment: Environment, size: Fleet) -> Path:
    """The folder with `landing/` and `reference/`."""

    def make(folder: Path) -> None:
        command = [str(environment.fleet), "generate", "--data", str(folder)]
        command += ["--aircraft", str(size.aircraft), "--days", str(size.days)]
        if size.telemetry_rate_hz:
            command += ["--telemetry", "--sample-rate-hz", str(size.telemetry_rate_hz)]
        run_text(command, "the disk's free space")

    return made_once(size.name, make)


def lives(environment: Environment, groups: int, size: int) -> Path:
    """The folder with `lives.parquet`: `groups` groups of `size` lives to fit."""

    def make(folder: Path) -> None:
        command = [str(environment.peers), "-m", "compare.jobs.lives", str(folder / "lives.parquet")]
        run_text_in_benches([*command, "--groups", str(groups), "--size", str(size)])

    return made_once(f"lives-{groups}x{size}", make)


def small_files(count: int) -> Path:
    """The folder with `landing/` of so many files of one row each: the hours of a hundred aircraft by day."""

    def make(folder: Path) -> None:
        for number in range(count):
            day, tail = date(2026, 1, 1) + timedelta(days=number // 100), f"EI-T{number % 100:02}"
            file = folder / f"landing/utilization/{day}/{tail}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"tail,date,flight_hours,flight_cycles\n{tail},{day},8.5,6\n")

    return made_once(f"small-files-{count}", make)


def run_text_in_benches(command: list[str]) -> str:
    variables = [f"{name}={value}" for name, value in clean_variables().items() if name.startswith("PYTHON")]
    return run_text(["env", *variables, *command], "benches/compare/jobs")


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is whole or not there: it is made beside, and moved into place."""
    folder, partial = DATA / name, DATA / f"{name}.partial"
    if not folder.is_dir():
        say(f"making {folder.relative_to(ROOT)}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        make(partial)
        partial.rename(folder)
    return folder


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def warm(folder: Path) -> None:
    """Reads every file once, so that the first engine does not pay for the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass
