"""The fleet's jobs, here and as users of other engines would write them: ingestion, rates, daily statistics, life models."""

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from compare import cluster, data, measure
from compare.environment import Problem, clean_variables, say
from compare.fleet import INGESTION, MODELS, Place
from compare.options import EXECUTORS, Context
from compare.suites.engine import check, program, settle

WORKLOADS = ["ingest", "rates", "parameter_daily", "weibull"]
OURS = ["fleet-embedded", "fleet-cluster"]


def run(context: Context, results: dict[str, Any]) -> None:
    sizes, environment = context.options.sizes, context.environment
    files = data.fleet(environment, sizes.jobs)
    lives = data.lives(environment, *sizes.lives)
    results |= {
        "fleet": sizes.jobs.described() | {"landing_bytes": data.size_bytes(files / "landing")},
        "lives": {"groups": sizes.lives[0], "each": sizes.lives[1]},
        "runs": context.options.runs,
        "workloads": {workload: {} for workload in WORKLOADS},
    }
    engines = [engine for engine in context.options.engines if engine != "datafusion"]
    for engine in engines:
        out = context.folder / "jobs" / engine
        data.warm(files)
        data.warm(lives)
        measured = Ours(context, engine, files, lives, out) if engine in OURS else Peer(context, engine, files, lives, out)
        with measured:
            for workload in WORKLOADS:
                say(f"jobs: {workload} on {engine}")
                results["workloads"][workload][engine] = attempt(measured, workload)
                context.checkpoint()
    for workload in WORKLOADS:
        compare(context, workload, results["workloads"][workload])
    context.checkpoint()


def attempt(measured: "Ours | Peer", workload: str) -> dict[str, Any]:
    """A failure is a result: it does not end the run."""
    try:
        return measured.run(workload)
    except Problem as problem:
        say(f"  failed: {str(problem).splitlines()[0][:200]}")
        return {"cold_seconds": None, "warm_seconds": [], "error": str(problem)}


class Peer:
    """Another engine: a process for each workload, in which run 0 is the first."""

    def __init__(self, context: Context, engine: str, files: Path, lives: Path, out: Path) -> None:
        self.context, self.engine, self.files, self.lives, self.out = context, engine, files, lives, out

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, workload: str) -> dict[str, Any]:
        runs, out = self.context.options.runs, self.out / workload
        inputs = {
            "ingest": ["--landing", str(self.files / "landing"), "--reference", str(self.files / "reference")],
            "weibull": ["--lives", str(self.lives / "lives.parquet")],
        }.get(workload, ["--tables", str(self.out / "ingest" / f"run-{runs}")])
        outcome = measure.run(
            program(self.context.environment, self.engine)
            + ["--job", workload, *inputs, "--runs", str(runs), "--out", str(out)],
            log=self.out / f"{workload}.log",
            variables=clean_variables(self.out / "tmp"),
        )
        for record in outcome.records:
            if "error" in record:
                raise Problem(record["error"])
        outcome.check(f"{workload} on {self.engine}")
        seconds = [record["seconds"] for record in outcome.records]
        return {
            "start_seconds": outcome.ready_seconds,
            "cold_seconds": (outcome.ready_seconds or 0.0) + seconds[0],
            "warm_seconds": seconds[1:],
            "peak_bytes": outcome.peak_bytes,
            "rows": str(out / f"run-{runs}"),
        }


class Ours:
    """Our commands. Embedded, each run is a process. Of a cluster, whose processes stay, the scheduler is asked; its runs after the
    first are warm."""

    def __init__(self, context: Context, engine: str, files: Path, lives: Path, out: Path) -> None:
        self.context, self.files, self.lives, self.out = context, files, lives, out
        self.mode = engine
        self.place = Place(context.environment, files, out / "served")
        clustered, tables = engine == "fleet-cluster", self.place.tables
        self.starting = cluster.started(context.environment, out / "cluster", EXECUTORS, tables=tables) if clustered else nullcontext()

    def __enter__(self) -> "Ours":
        self.place.cluster = self.starting.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.starting.__exit__(*error)

    def run(self, workload: str) -> dict[str, Any]:
        if self.place.cluster:
            cluster.rest()
        if workload == "weibull":
            return self.weibull()
        return self.submitted(workload) if self.place.cluster else self.commands(workload)

    def submitted(self, workload: str) -> dict[str, Any]:
        """Before every run its tables are removed."""
        warehouse, outcomes = self.place.warehouse, []
        for _ in range(self.context.options.runs + 1):
            if workload == "ingest":
                shutil.rmtree(warehouse, ignore_errors=True)
                outcome = self.place.submit(INGESTION)
            else:
                for model in MODELS[workload]:
                    shutil.rmtree(warehouse / model.replace(".", "/"), ignore_errors=True)
                outcome = self.place.submit("--models", ",".join(MODELS[workload]))
            outcomes.append(outcome.check(f"{workload}, {self.mode}"))
        seconds = [outcome.seconds for outcome in outcomes]
        return {
            "cluster_start_seconds": self.place.cluster.start_seconds,
            "cold_seconds": seconds[0],
            "warm_seconds": seconds[1:],
            "peak_bytes": highest(outcomes),
            "rows": str(warehouse),
        }

    def commands(self, workload: str) -> dict[str, Any]:
        """Every run begins with a warehouse that has no such tables. None is warm."""
        outcomes = []
        for run in range(self.context.options.runs + 1):
            place = Place(self.context.environment, self.files, self.out / workload / f"run-{run}")
            if workload == "ingest":
                outcomes.append(place.run("ingest").check(f"fleet ingest, {self.mode}"))
            else:
                ingested = self.out / "ingest" / f"run-{self.context.options.runs}" / "warehouse"
                if not ingested.is_dir():
                    raise Problem(f"{workload}: nothing was ingested to compute it from")
                place.copy_of(ingested)
                outcomes.append(place.run("run", *MODELS[workload]).check(f"fleet run, {self.mode}"))
            if run > 0:
                shutil.rmtree(self.out / workload / f"run-{run - 1}", ignore_errors=True)
        seconds = [outcome.seconds for outcome in outcomes]
        return {
            "cold_seconds": seconds[0],
            "process_seconds": seconds,
            "warm_seconds": [],
            "peak_bytes": highest(outcomes),
            "rows": str(place.warehouse),
        }

    def weibull(self) -> dict[str, Any]:
        out = self.out / "weibull"
        outcome = self.place.fit(self.lives, self.context.options.runs, out / "weibull").check("queries --queries weibull.sql")
        first, *others = [record["seconds"] for record in outcome.records]
        return {
            "start_seconds": outcome.ready_seconds,
            "cold_seconds": (outcome.ready_seconds or 0.0) + first,
            "warm_seconds": others,
            "peak_bytes": outcome.peak_bytes,
            "rows": str(out),
        }


def highest(outcomes: list[measure.Outcome]) -> dict[str, int]:
    return {name: max(it.peak_bytes.get(name, 0) for it in outcomes) for name in outcomes[-1].peak_bytes}


def compare(context: Context, workload: str, engines: dict[str, Any]) -> None:
    """Each engine's rows with ours."""
    ran = [name for name, figures in engines.items() if not figures.get("error")]
    expected = next((name for name in OURS if name in ran), None)
    if expected is None:
        say(f"  {workload}: not compared, as we have no rows of our own")
        return
    pairs = [
        {"case": workload, "engine": name, "expected": engines[expected]["rows"], "rows": engines[name]["rows"]}
        for name in ran if name != expected
    ]
    found = {pair["engine"]: pair["difference"] for pair in check(context.environment, "jobs", pairs)}
    first_to_last = [expected, *(name for name in ran if name != expected)]
    settle(workload, {name: engines[name] for name in first_to_last}, found)
    say(f"  {workload}: rows of {len(pairs)} engines compared with {expected}")
