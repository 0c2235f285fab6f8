"""Criterion's benchmarks of parts of the program, read from the estimates that it leaves."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from compare.environment import ROOT, TARGET, Problem, run_text, say
from compare.options import Context

BENCHES = ["functions", "landing_reader", "writing", "small_query"]


def run(context: Context, results: dict[str, Any]) -> None:
    started = time.time()
    run_text([str(ROOT / "testing/install.sh"), "postgres"], "testing/install.sh")
    for bench in BENCHES:
        say(f"micro: cargo bench --bench {bench}")
        quick = ["--", "--quick"] if context.options.quick else []
        command = ["cargo", "bench", "--workspace", "--bench", bench, *quick]
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
            raise Problem(f"{' '.join(command)}: failed; what it printed is above")
    results["benchmarks"] = estimates(TARGET / "criterion", started)
    context.checkpoint()


def estimates(folder: Path, since: float) -> dict[str, dict[str, float]]:
    """By `group/benchmark`, of those measured since; bytes or rows where the benchmark tells how many it reads."""
    found = {}
    for path in sorted(folder.glob("**/new/estimates.json")):
        if path.stat().st_mtime < since:
            continue
        mean = json.loads(path.read_text())["mean"]
        about = json.loads((path.parent / "benchmark.json").read_text())
        interval = mean["confidence_interval"]
        entry = {
            "mean_seconds": mean["point_estimate"] / 1e9,
            "lower_seconds": interval["lower_bound"] / 1e9,
            "upper_seconds": interval["upper_bound"] / 1e9,
            "confidence": interval["confidence_level"],
        }
        throughput = about.get("throughput") or {}
        counted = {name: throughput[kind] for kind, name in [("Bytes", "bytes"), ("Elements", "rows")] if kind in throughput}
        found[about["full_id"]] = entry | counted
    if not found:
        raise Problem(f"{folder}: has no new estimates; look at what cargo bench printed")
    return found
