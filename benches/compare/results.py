"""The file of a run: everything measured, with what it was measured on. A file a run, named for its start (UTC)."""

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from compare import environment
from compare.environment import Environment, Problem
from compare.options import Options

FORMAT = 1

Results = dict[str, Any]


def begin(options: Options) -> tuple[Path, Results]:
    now = datetime.now(timezone.utc)
    results = {
        "format": FORMAT,
        "started_at": now.isoformat(timespec="seconds"),
        "git": environment.commit(),
        "machine": environment.machine(),
        "options": options.described(),
        "versions": {},
        "suites": {},
    }
    return options.out / f"{now:%Y%m%dT%H%M%SZ}.json", results


def write(file: Path, results: Results, used: Environment) -> None:
    results["versions"] = environment.versions(used)
    results["saved_at"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    # Paths are of this machine, and say nothing to others.
    text = json.dumps(results, indent=1).replace(f"{environment.ROOT}/", "")
    partial.write_text(text + "\n")
    partial.rename(file)


def read(file: Path) -> Results:
    try:
        results = json.loads(file.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise Problem(f"{file}: cannot be read: {error}; name a file that a run wrote") from None
    if not isinstance(results, dict) or results.get("format") != FORMAT:
        raise Problem(f"{file}: is no result of this version (format {FORMAT}); measure again")
    return results


def case_order(case: str) -> list[tuple[int, str]]:
    """q2 before q10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", case)]
