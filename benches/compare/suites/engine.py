"""TPC-H: the same queries over the same Parquet files on each engine, rows compared before times count."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from compare import cluster, data, measure
from compare.environment import Environment, Problem, clean_variables, say
from compare.options import EXECUTORS, Context
from compare.results import case_order


def run(context: Context, results: dict[str, Any]) -> None:
    results |= {"runs": context.options.runs, "scales": {}}
    queries = context.environment.tpch_queries()
    for scale in context.options.scales:
        tables = data.tpch(context.environment, scale)
        measured = results["scales"][scale] = {"bytes": data.size_bytes(tables), "engines": {}}
        out = context.folder / f"engine-{scale}"
        for engine in context.options.engines:
            say(f"engine: TPC-H at scale {scale} on {engine}")
            data.warm(tables)
            measured["engines"][engine] = run_engine(context, engine, tables, queries, out / engine)
            context.checkpoint()
        compare(context, measured["engines"], out)
        context.checkpoint()


def run_engine(context: Context, engine: str, tables: Path, queries: Path, out: Path) -> dict[str, Any]:
    """All queries in one process. One that ends before it is through is started again behind the query it died of."""
    out.mkdir(parents=True)
    left = sorted(file.stem for file in queries.glob("*.sql"))
    measured: dict[str, Any] = {"queries": {}}
    while left:
        folder = some_queries(queries, left, out / "queries")
        outcome = run_queries(context, engine, tables, folder, out)
        measured.setdefault("start_seconds", outcome.ready_seconds)
        measured.setdefault("cluster_start_seconds", outcome.cluster_start_seconds)
        add_peaks(measured.setdefault("peak_bytes", {}), outcome.peak_bytes)
        add_records(measured["queries"], outcome.records)
        left = [case for case in left if case not in measured["queries"]]
        if outcome.ready_seconds is None or not outcome.code:
            why = "was not run" if outcome.ready_seconds else f"did not start: {measure.tail(outcome.log, 5)}"
            measured["queries"] |= {case: {"seconds": [], "error": why} for case in left}
            left = []
        else:
            left = after_death(measured["queries"], left, context.options.runs, outcome)
    failed = [case for case, query in measured["queries"].items() if query.get("error")]
    say(f"  {len(measured['queries']) - len(failed)} queries done" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return measured


def after_death(
    queries: dict[str, Any], left: list[str], runs: int, outcome: measure.Outcome
) -> list[str]:
    """Notes of which query a process died, and gives those behind it."""
    halfway = [case for case, query in queries.items() if not query.get("error") and len(query["seconds"]) <= runs]
    died = halfway[-1] if halfway else left[0] if left else None
    if died is None:
        return []
    queries[died] = {"seconds": [], "error": f"the process ended with {outcome.code}; see {outcome.log}"}
    return [case for case in left if case != died]


def run_queries(context: Context, engine: str, tables: Path, queries: Path, out: Path) -> measure.Outcome:
    """Runs an engine's program over the queries of a folder."""
    arguments = ["--tables", str(tables), "--queries", str(queries), "--runs", str(context.options.runs), "--out", str(out)]
    how = {"log": out / "log.txt", "variables": clean_variables(out / "tmp"), "on_record": tell_failure}
    with ExitStack() as stack:
        command, others, started = program(context.environment, engine), {}, None
        if engine == "fleet-cluster":
            started = stack.enter_context(cluster.started(context.environment, out / "cluster", EXECUTORS))
            command, others = [*command, started.url], started.processes
        outcome = measure.run([*command, *arguments], others=others, **how)
        outcome.cluster_start_seconds = started.start_seconds if started else None
        return outcome


def program(environment: Environment, engine: str) -> list[str]:
    """The command of an engine, to which its options are added."""
    if engine in ("duckdb", "spark"):
        if engine == "spark":
            _ = environment.java
        return [str(environment.peers), "-m", f"compare.peers.{engine}"]
    if engine == "sail":
        return [str(environment.sail), "-m", "compare.peers.sail"]
    mode = {"datafusion": ["in-process"], "fleet-embedded": ["embedded"], "fleet-cluster": []}[engine]
    return [str(environment.queries), "--mode", *mode]


def some_queries(queries: Path, cases: Iterable[str], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for case in cases:
        os.symlink(queries / f"{case}.sql", folder / f"{case}.sql")
    return folder


def tell_failure(record: measure.Record) -> None:
    if "error" in record:
        say(f"  {record['case']}: failed: {record['error'].splitlines()[0][:160]}")


def add_records(queries: dict[str, Any], records: list[measure.Record]) -> None:
    for record in records:
        query = queries.setdefault(record["case"], {"seconds": [], "rows": None, "error": None})
        if "error" in record:
            query["error"] = record["error"]
        else:
            query["seconds"].append(record["seconds"])
            query["rows"] = record["rows"]


def add_peaks(peaks: dict[str, int], more: dict[str, int]) -> None:
    for name, value in more.items():
        peaks[name] = max(peaks.get(name, 0), value)


def compare(context: Context, engines: dict[str, Any], out: Path) -> None:
    """Each engine's rows with those of the first that has any."""
    cases = sorted({case for engine in engines.values() for case in engine["queries"]}, key=case_order)
    pairs, ran = [], {}
    for case in cases:
        ran[case] = [name for name, engine in engines.items() if has_rows(engine["queries"].get(case))]
        first, *others = ran[case] or [""]
        pairs += [(case, first, other) for other in others]
    by_file, found = [], {}
    for case, first, other in pairs:
        counts = [engines[name]["queries"][case]["rows"] for name in (first, other)]
        # A result without rows may be no file.
        if 0 in counts:
            found[case, other] = None if counts[0] == counts[1] else f"{counts[1]} rows, expected {counts[0]}"
            continue
        files = {"expected": str(out / first / f"{case}.parquet"), "rows": str(out / other / f"{case}.parquet")}
        by_file.append({"case": case, "engine": other} | files)
    for pair in check(context.environment, "queries", by_file):
        found[pair["case"], pair["engine"]] = pair["difference"]
    for case in cases:
        figures = {name: engines[name]["queries"][case] for name in ran[case]}
        settle(case, figures, {name: found.get((case, name)) for name in ran[case]})
    say(f"  rows compared: {len(pairs)} pairs, {sum(text is not None for text in found.values())} differ")


def has_rows(query: dict[str, Any] | None) -> bool:
    return query is not None and not query.get("error") and query.get("rows") is not None


def settle(case: str, figures: dict[str, dict[str, Any]], found: dict[str, str | None]) -> None:
    """Marks the figures of a case that may not be shown: of engines that differ from the first, and of all if half do."""
    names = list(figures)
    differing = [name for name in names if found.get(name)]
    for name in differing:
        say(f"  {case}: {name} differs from {names[0]}: {found[name]}")
    all_differ = differing and 2 * len(differing) >= len(names)
    for name in names:
        others = f"from {', '.join(differing)}" if all_differ else None
        figures[name] |= {"compared_with": [other for other in names if other != name], "differs": found.get(name) or others}


def check(environment: Environment, what: str, pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pairs with what differs in each."""
    if not pairs:
        return []
    ended = subprocess.run(
        [str(environment.peers), "-m", "compare.rows", what],
        input="".join(json.dumps(pair) + "\n" for pair in pairs),
        capture_output=True, text=True, env=clean_variables(),
    )
    if ended.returncode:
        raise Problem(f"comparing rows: failed; look at benches/compare/rows.py:\n{ended.stderr[-2000:]}")
    return [json.loads(line) for line in ended.stdout.splitlines()]
