"""What more aircraft, more executors and a longer history cost us: time, memory of each process, bytes, requests to the store."""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from compare import cluster, data, measure, slowed, store
from compare.data import Fleet
from compare.environment import Problem, say
from compare.fleet import INGESTION, MODELS, Place
from compare.options import EXECUTORS, Context
from compare.slowed import Processors

FIRST_DAY = date(2026, 1, 1)
"""The default of `fleet generate --first-day`."""


def run(context: Context, results: dict[str, Any]) -> None:
    sizes = context.options.sizes
    lives = {"groups": sizes.base_lives[0], "each": sizes.base_lives[1]}
    results |= {"base": sizes.base.described(), "base_lives": lives, "executors_of_sizes": EXECUTORS, "sizes": [], "executors": [], "one_more_day": [], "small_files": []}
    for factor in sizes.factors:
        results["sizes"].append(grown(context, factor, EXECUTORS))
        context.checkpoint()
    try:
        scaled(context, results)
    except slowed.NoGroups as error:
        say(f"growth: more executors: {error}")
        results["executors_error"] = str(error)
    for days in sizes.history_days:
        results["one_more_day"].append(one_more_day(context, days))
        context.checkpoint()
    for count in sizes.small_files:
        results["small_files"].append(small_files(context, count))
        context.checkpoint()


def scaled(context: Context, results: dict[str, Any]) -> None:
    """The same on more executors, where each process has a processor of its own."""
    sizes = context.options.sizes
    # For the executors, the scheduler and the driver; what is left of this machine is the object store's.
    with slowed.processors(max(sizes.executors) + 3) as processors:
        results["processor_share"] = processors.share
        for executors in sizes.executors:
            results["executors"].append(grown(context, sizes.executors_factor, executors, processors))
            context.checkpoint()


def grown(context: Context, factor: int, executors: int, processors: Processors | None = None) -> dict[str, Any]:
    """A fleet of so many times the aircraft, ingested into an empty warehouse and computed; and so many times the lives, fitted."""
    base, (groups, each) = context.options.sizes.base, context.options.sizes.base_lives
    fleet = Fleet(base.aircraft * factor, base.days)
    files, lives = data.fleet(context.environment, fleet), data.lives(context.environment, groups * factor, each)
    say(f"growth: {fleet.aircraft} aircraft on {executors} executors")
    data.warm(files)
    data.warm(lives)
    folder = context.folder / "growth" / f"{fleet.name}-on-{executors}{'-slow' if processors else ''}"
    entry: dict[str, Any] = {"factor": factor, "executors": executors, "landing_bytes": data.size_bytes(files / "landing")}
    folder.mkdir(parents=True)
    with store.started(folder) as objects:
        with cluster.started(context.environment, folder / "cluster", executors, objects.variables, processors) as running:
            place = Place(context.environment, files, folder, running, objects)
            entry["steps"] = [*steps(place, None), step_of_fits(place, lives)]
    place.remove()
    return entry


def one_more_day(context: Context, days: int) -> dict[str, Any]:
    """A history of so many days is there; then files come, a day after the other.

    The first day is computed by a driver of its own, the second by the scheduler, which looks at the tables for the first time, and the
    third by the scheduler again.
    """
    fleet = Fleet(context.options.sizes.base.aircraft, days + 3)
    files = data.fleet(context.environment, fleet)
    folder = context.folder / "growth" / f"one-more-day-after-{days}"
    first, second, third = (FIRST_DAY + timedelta(days=days + more) for more in range(3))
    delivered, held_back = without_from(files, folder / "data", first)
    say(f"growth: one more day on {days} days of {fleet.aircraft} aircraft")
    with store.started(folder) as objects:
        place = Place(context.environment, delivered, folder, store=objects)
        tables = place.tables
        with cluster.started(context.environment, folder / "cluster", EXECUTORS, objects.variables, tables=tables) as place.cluster:
            entry: dict[str, Any] = {"history_days": days, "aircraft": fleet.aircraft, "history": steps(place, None)}
            entry["added_bytes"] = sum(path.stat().st_size for path in held_back if day_of(path, files) == first)
            deliver(held_back, files, first, delivered)
            cluster.rest()
            entry["by_driver"] = steps(place, first)
            for name, day in [("by_scheduler_first", second), ("by_scheduler_again", third)]:
                deliver(held_back, files, day, delivered)
                cluster.rest()
                entry[name] = submitted_steps(place, day)
    place.remove()
    return entry


def small_files(context: Context, count: int) -> dict[str, Any]:
    """So many files of one row each, ingested into an empty warehouse; and once more, when there is nothing new."""
    files = data.small_files(count)
    data.warm(files)
    folder = context.folder / "growth" / files.name
    say(f"growth: {count} small files")
    folder.mkdir(parents=True)
    with store.started(folder) as objects:
        with cluster.started(context.environment, folder / "cluster", EXECUTORS, objects.variables) as running:
            place = Place(context.environment, files, folder, running, objects)
            steps = [step(name, place, place.run("ingest", "utilization")) for name in ("ingest", "ingest again")]
    place.remove()
    return {"files": count, "steps": steps}


def without_from(files: Path, folder: Path, last: date) -> tuple[Path, list[Path]]:
    """The files delivered before a day, as links in `folder`; and those of that day and after, which are left out."""
    held_back = [path for path in sorted((files / "landing").rglob("*")) if path.is_file() and day_of(path, files) >= last]
    if not held_back:
        raise Problem(f"{files}/landing: has no files of {last}; remove the folder, so that it is made again")
    left_out = set(held_back)

    def ignored(parent: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(parent, name) in left_out}

    folder.mkdir(parents=True)
    for part in ("landing", "reference"):
        shutil.copytree(files / part, folder / part, copy_function=os.link, ignore=ignored)
    return folder, held_back


def day_of(path: Path, files: Path) -> date:
    """Of `landing/<source>/<day>/…`."""
    return date.fromisoformat(path.relative_to(files / "landing").parts[1])


def deliver(held_back: list[Path], files: Path, day: date, folder: Path) -> None:
    for path in held_back:
        if day_of(path, files) == day:
            place = folder / path.relative_to(files)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)


def steps(place: Place, day: date | None) -> list[dict[str, Any]]:
    """Ingestion, then each of the jobs' models; of one day, only for the interval that holds it."""
    measured = [step("ingest", place, place.run("ingest"))]
    for job, models in MODELS.items():
        measured.append(step(job, place, place.run("run", *models, *interval(job, day))))
    return measured


def step_of_fits(place: Place, lives: Path) -> dict[str, Any]:
    """The file of lives is on the local disk, so that the store knows nothing of what is read."""
    try:
        outcome = place.fit(lives, 0, place.folder / "fits").check("queries --queries weibull.sql")
    except Problem as problem:
        say(f"  weibull: failed: {str(problem).splitlines()[0][:200]}")
        return {"step": "weibull", "error": str(problem)}
    measured = step("weibull", place, outcome)
    return measured | {"bytes_read": measured["bytes_scanned"]}


def submitted_steps(place: Place, day: date) -> list[dict[str, Any]]:
    """The same, by the scheduler. Its job of ingestion also lays views."""
    measured = [step("ingest", place, place.submit(INGESTION))]
    for job, models in MODELS.items():
        measured.append(step(job, place, place.submit("--models", ",".join(models), *interval(job, day))))
    return measured


def interval(job: str, delivered: date | None) -> list[str]:
    """What was delivered on a day is of the day before."""
    if delivered is None:
        return []
    day = delivered - timedelta(days=1)
    return ["--interval", f"{day:%Y-%m}" if job == "rates" else day.isoformat()]


def step(name: str, place: Place, outcome: measure.Outcome) -> dict[str, Any]:
    if outcome.code:
        say(f"  {name}: failed: {measure.tail(outcome.log, 1)[:200]}")
        return {"step": name, "error": measure.tail(outcome.log, 1)}
    say(f"  {name}: {outcome.seconds:.2f} s")
    measured = {
        "step": name,
        "seconds": outcome.seconds,
        "peak_bytes": outcome.peak_bytes,
        "rows": rows_of(outcome.records),
    } | stages_of(outcome.records)
    if place.store:
        counts = place.store.counts()
        measured |= {"bytes_read": counts.read_bytes, "bytes_written": counts.written_bytes, "requests": counts.requests}
    return measured


def rows_of(records: list[measure.Record]) -> int:
    """Rows that tables keep, of an ingestion; rows written, of a run; rows that came, of a query."""
    for record in records:
        if record.get("event") == "ingested":
            return sum(source["rows_kept"] for source in record["sources"])
    if queried := [record["rows"] for record in records if "case" in record]:
        return sum(queried)
    if submitted := [record["run"] for record in records if "run" in record]:
        return submitted[-1]["progress"]["rows_written"]
    return sum(record["rows"] for record in records if record.get("event") == "done")


def stages_of(records: list[measure.Record]) -> dict[str, int]:
    """None of what a scheduler did: it tells of no bytes of shuffles."""
    stages = [stage for record in records for stage in record.get("stages", [])]
    if not stages:
        return {}
    return {
        "stages": len(stages),
        "bytes_scanned": sum(stage["bytes_scanned"] for stage in stages),
        "bytes_shuffled": sum(stage["bytes_shuffled"] for stage in stages),
    }
