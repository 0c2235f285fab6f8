"""What a run needs on this machine: the peers' Python environments, Java, our own programs. And which versions these are."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHES = ROOT / "benches"
TARGET = ROOT / "target"
WORK = TARGET / "benches"
"""Everything that a run makes goes here, but for results that are kept."""

CORES = len(os.sched_getaffinity(0))

PACKAGES = {
    "peers": ["pyspark==4.3.0", "duckdb==2.0.0", "tpchgen-cli", "pyarrow", "pandas<3", "scipy", "psutil"],
    "sail": ["pysail==0.7.2", "pyspark-client==4.1.3", "pandas<3", "pyarrow", "scipy", "psutil"],
}
TOLD = ["pyspark", "duckdb", "pysail", "pyspark-client", "tpchgen-cli", "pyarrow", "pandas", "scipy"]
"""Packages whose versions go into the results."""


class Problem(Exception):
    """Something that whoever runs this can do something about; the message says what."""


def say(text: str) -> None:
    print(text, flush=True)


class Environment:
    """Makes each thing when it is first asked for, so that a run of one suite needs no more than that."""

    @cached_property
    def peers(self) -> Path:
        """The Python with Spark and DuckDB, which also compares rows."""
        return venv("peers")

    @cached_property
    def sail(self) -> Path:
        return venv("sail")

    @cached_property
    def java(self) -> str:
        """Its version."""
        if shutil.which("java") is None:
            install_java()
        first = run_text(["java", "-version"], "Java").splitlines()[0]
        return first.split('"')[1] if '"' in first else first

    @cached_property
    def fleet(self) -> Path:
        path = TARGET / "release" / "fleet"
        if not prebuilt():
            say("building fleet (release)")
            build(["cargo", "build", "--release", "--workspace"])
        if not path.is_file():
            raise Problem(f"{path}: is not there; run `cargo build --release --workspace`, or unset BENCH_NO_BUILD")
        return path

    @cached_property
    def queries(self) -> Path:
        """Our program that runs the queries of a folder."""
        if prebuilt():
            return newest_queries()
        say("building queries (bench profile)")
        arguments = ["--workspace", "--bench", "queries", "--no-run", "--message-format=json"]
        for line in build(["cargo", "bench", *arguments]).splitlines():
            message = json.loads(line)
            if message.get("target", {}).get("name") == "queries" and message.get("executable"):
                return Path(message["executable"])
        raise Problem("cargo bench --bench queries: named no executable; look at benches/Cargo.toml for the target `queries`")

    def tpch_queries(self) -> Path:
        """The TPC-H queries that come with Sail's package."""
        for folder in self.sail.parents[1].glob("lib/python*/site-packages/pysail/data/tpch/queries"):
            return folder
        raise Problem(f"{self.sail.parents[1]}: its pysail has no data/tpch/queries; pin a version that has in PACKAGES")


def prebuilt() -> bool:
    return os.environ.get("BENCH_NO_BUILD") == "1"


def newest_queries() -> Path:
    folder = TARGET / "release" / "deps"
    found = [path for path in folder.glob("queries-*") if not path.suffix and os.access(path, os.X_OK)]
    if not found:
        raise Problem(f"{folder}/queries-*: is not there; run `cargo bench --workspace --bench queries --no-run`")
    return max(found, key=lambda path: path.stat().st_mtime)


def build(command: Sequence[str]) -> str:
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise Problem(f"{' '.join(command)}: failed; what it printed is above")
    return ended.stdout


def venv(name: str) -> Path:
    """The interpreter of an environment with the packages of `name`, made again where these have changed."""
    folder = WORK / name
    python, marker, wanted = folder / "bin" / "python", folder / "packages.txt", "\n".join(PACKAGES[name])
    if marker.is_file() and marker.read_text() == wanted:
        return python
    say(f"making the Python environment {folder.relative_to(ROOT)}: {', '.join(PACKAGES[name])}")
    shutil.rmtree(folder, ignore_errors=True)
    run_text(["python3", "-m", "venv", str(folder)], "install python3-venv")
    run_text([str(python), "-m", "pip", "install", "--quiet", *PACKAGES[name]], "the network and the package index")
    marker.write_text(wanted)
    return python


def install_java() -> None:
    say("java is missing: installing default-jre-headless with apt-get")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "default-jre-headless"]):
        run_text([*sudo, "apt-get", *arguments], "install a Java runtime of version 17 or later by hand")


def run_text(command: Sequence[str], advice: str) -> str:
    """What a command prints; `advice` says what to look at where it fails."""
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise Problem(f"{command[0]}: is not there; check {advice}") from None
    if ended.returncode:
        raise Problem(f"{' '.join(command)}: failed, check {advice}; it printed:\n{ended.stdout[-2000:]}")
    return ended.stdout


def versions(environment: Environment) -> dict[str, str]:
    """Of what this run has used: nothing is made or built to be asked."""
    told = {"python": platform.python_version(), "rustc": run_text(["rustc", "--version"], "Rust").split()[1]}
    used = vars(environment)
    if "fleet" in used:
        told["fleet"] = run_text([str(environment.fleet), "--version"], "the build").strip().removeprefix("fleet ")
    if "java" in used:
        told["java"] = environment.java
    told |= {"datafusion": locked("datafusion"), "ballista": locked("ballista-core")}
    for name in {"peers", "sail"} & set(used):
        listed = json.loads(run_text([str(used[name]), "-m", "pip", "list", "--format=json"], "pip"))
        for package in listed:
            if package["name"].lower() in TOLD:
                told.setdefault(package["name"].lower(), package["version"])
    return dict(sorted(told.items()))


def locked(crate: str) -> str:
    lines = (ROOT / "Cargo.lock").read_text().splitlines()
    for name, version in zip(lines, lines[1:]):
        if name == f'name = "{crate}"':
            return version.split('"')[1]
    return "unknown"


def machine() -> dict[str, str | int]:
    facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    models = [value.strip() for name, value in facts.items() if name.strip() == "model name"]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": CORES,
        "memory_bytes": memory,
        "processor": models[0] if models else platform.machine(),
        "kernel": platform.release(),
    }


def commit() -> dict[str, str | bool]:
    name = run_text(["git", "-C", str(ROOT), "rev-parse", "HEAD"], "git").strip()
    changed = run_text(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"], "git").strip()
    return {"commit": name, "changed": bool(changed)}


def clean_variables(temporary: Path | None = None) -> dict[str, str]:
    """The variables for a program that is measured: none of our settings, and temporary files where they can be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    kept |= {"PYTHONPATH": str(BENCHES), "PYTHONDONTWRITEBYTECODE": "1"}
    if temporary is not None:
        temporary.mkdir(parents=True, exist_ok=True)
        kept["TMPDIR"] = str(temporary)
    return kept
