"""Runs a program and tells how long it took, what lines it printed, and the peak memory of its processes."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from compare.environment import Problem

PATIENCE_SECONDS = 3 * 3600
"""How long a program may print nothing."""

SAMPLE_SECONDS = 0.2

SHARED_SHARE = 0.01
"""How much of the time the system may take to tell which pages a process shares, for which it walks over all of them."""

Record = dict[str, Any]


@dataclass
class Outcome:
    """A program that has ended."""

    code: int
    seconds: float
    ready_seconds: float | None = None
    """From its start to its line `ready`."""
    records: list[Record] = field(default_factory=list)
    """The JSON lines it printed, but for `ready`."""
    peak_bytes: dict[str, int] = field(default_factory=dict)
    log: Path = Path()
    cluster_start_seconds: float | None = None
    """From the start of a cluster's first process until all were ready, where it ran on one of our clusters."""

    def check(self, name: str) -> "Outcome":
        if self.code:
            raise Problem(f"{name}: ended with {self.code}: {tail(self.log, 1)}; look at {self.log}")
        return self


def run(
    command: Sequence[str],
    *,
    log: Path,
    variables: dict[str, str],
    name: str = "client",
    others: dict[str, int] | None = None,
    on_record: Callable[[Record], None] = lambda _: None,
) -> Outcome:
    """Runs a program to its end. `others` are processes, by name and id, whose memory is watched with it, from what they hold now."""
    log.parent.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(code=0, seconds=0.0, log=log)
    for pid in [os.getpid(), *(others or {}).values()]:
        forget_high_water(pid)
    with log.open("ab") as errors:
        started = time.perf_counter()
        process = start(command, errors, variables)
        try:
            with watch({name: process.pid} | (others or {})) as peaks:
                for line in lines_of(process):
                    take(line, outcome, started, on_record, errors)
                _, status, usage = os.wait4(process.pid, 0)
                outcome.seconds = time.perf_counter() - started
            outcome.code = process.returncode = os.waitstatus_to_exitcode(status)
            # The system's own figure covers what ended between two samples. Of a tree, it is its largest process; and never less
            # than what this process held, as whose copy the program began.
            peaks.at_least(name, usage.ru_maxrss * 1024)
            outcome.peak_bytes = peaks.by_name()
        finally:
            end(process)
    return outcome


def start(command: Sequence[str], errors: IO[bytes], variables: dict[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=variables, text=True, start_new_session=True
        )
    except OSError as error:
        raise Problem(f"{command[0]}: cannot be started: {error}") from None


def take(
    line: str, outcome: Outcome, started: float, on_record: Callable[[Record], None], errors: IO[bytes]
) -> None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        errors.write(line.encode())
        errors.flush()
    elif "ready" in record:
        outcome.ready_seconds = time.perf_counter() - started
    else:
        outcome.records.append(record)
        on_record(record)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """Lines as they come. A program that prints nothing for too long is killed, which ends them."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            os.killpg(process.pid, signal.SIGKILL)
            return
        if line is None:
            return
        yield line


def end(process: subprocess.Popen[Any], patience_seconds: float = 0.0) -> None:
    """Ends a program and what it has started: asked first where there is patience."""
    if process.returncode is None and patience_seconds:
        process.terminate()
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if process.returncode is None:
        process.wait()


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""


class Peaks:
    """Peak resident memory of some processes and all they start, from the kernel's high-water mark of each (VmHWM).

    A name's figure is the highest sum over its processes that lived at one time, with all their pages. `total` is that over
    all names, in which a page that several processes share, as those of one program do, counts once; `shared` is what the
    figures of the names are more.
    """

    def __init__(self, roots: dict[str, int]) -> None:
        self.roots = roots
        self.highest: dict[str, int] = {}
        self.known = set(roots.values())
        """Processes that the sample before has seen: a fork that has yet to become its program looks as large as its parent."""
        self.shared: dict[int, tuple[int, float]] = {}
        """What of a process's pages counts in others, and when to look again."""

    def sample(self) -> None:
        children = children_by_parent()
        held, shared, seen = 0, 0, set(self.roots.values())
        for name, root in self.roots.items():
            parts: dict[str, int] = {}
            for pid in tree(root, children):
                seen.add(pid)
                if pid not in self.known or not (highest := high_water_bytes(pid)):
                    continue
                part = name if pid == root else f"{name}: {text_of(pid, 'comm').strip()}"
                parts[part] = parts.get(part, 0) + highest
                shared += self.counted_elsewhere(pid)
            for part, value in parts.items():
                self.at_least(part, value)
            held += sum(parts.values())
        self.known = seen
        if len(seen) > 1 and held - shared > self.highest.get("total", 0):
            self.highest["total"], self.highest["shared"] = held - shared, shared

    def counted_elsewhere(self, pid: int) -> int:
        """As it was last looked at."""
        value, again = self.shared.get(pid, (0, 0.0))
        started = time.perf_counter()
        if started < again:
            return value
        value = shared_bytes(pid)
        ended = time.perf_counter()
        self.shared[pid] = value, ended + (ended - started) / SHARED_SHARE
        return value

    def at_least(self, name: str, value: int) -> None:
        self.highest[name] = max(self.highest.get(name, 0), value)

    def by_name(self) -> dict[str, int]:
        if len(self.roots) == 1:
            self.at_least("total", self.highest.get(next(iter(self.roots)), 0))
        return self.highest


@contextmanager
def watch(roots: dict[str, int]) -> Iterator[Peaks]:
    peaks, over = Peaks(roots), threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            peaks.sample()

    peaks.sample()
    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peaks
    finally:
        over.set()
        sampler.join()
        peaks.sample()


def children_by_parent() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := text_of(int(entry), "stat")):
            # The name before the last parenthesis may hold anything.
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
    return children


def tree(root: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield root
    for child in children.get(root, ()):
        yield from tree(child, children)


def high_water_bytes(pid: int) -> int:
    for line in text_of(pid, "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def shared_bytes(pid: int) -> int:
    """Of a process's resident pages, each of which counts here by its share, what counts in other processes."""
    sizes = {
        name: int(value.split()[0]) * 1024
        for name, _, value in (line.partition(":") for line in text_of(pid, "smaps_rollup").splitlines())
        if name in ("Rss", "Pss")
    }
    return sizes.get("Rss", 0) - sizes.get("Pss", 0)


def forget_high_water(pid: int) -> None:
    """From now on the process's high-water mark is what it holds, and what it comes to hold."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except (FileNotFoundError, ProcessLookupError):
        pass


def text_of(pid: int, file: str) -> str:
    """Empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
