"""`python3 -m compare`, from the folder `benches`."""

import os
import signal
import sys
import time
from pathlib import Path

from compare import options, results
from compare.environment import WORK, Environment, Problem, say
from compare.options import Context, Options
from compare.render import render
from compare.suites import engine, growth, jobs, micro

RUN = {"engine": engine.run, "jobs": jobs.run, "growth": growth.run, "micro": micro.run}


def main() -> int:
    given = options.parse()
    # Asked to end in whichever way, it ends what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given.render:
            say(f"written: {render(given.render)}")
            return 0
        return measure(given)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was measured before is in the results", file=sys.stderr)
        return 130


def measure(given: Options) -> int:
    environment = Environment()
    file, measured = results.begin(given)
    folder = WORK / "runs" / file.stem
    context = Context(environment, given, folder, lambda: results.write(file, measured, environment))
    failed = []
    for suite in given.suites:
        say(f"suite {suite}")
        started = time.monotonic()
        try:
            RUN[suite](context, measured["suites"].setdefault(suite, {}))
        except Problem as problem:
            failed.append(suite)
            print(f"error: suite {suite}: {problem}", file=sys.stderr)
            del measured["suites"][suite]
        say(f"suite {suite}: {time.monotonic() - started:.0f} s")
    context.checkpoint()
    say(f"written: {file}")
    if failed:
        say(f"not measured: {', '.join(failed)}; what they left is in {folder}")
        return 1
    page = render([file], file.with_suffix(".md"))
    say(f"written: {page}")
    keep_logs(folder)
    return 0


def keep_logs(folder: Path) -> None:
    """Removes tables and rows, which are large."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            if not name.endswith((".log", "log.txt")):
                Path(parent, name).unlink()
        if not os.listdir(parent):
            Path(parent).rmdir()


if __name__ == "__main__":
    sys.exit(main())
