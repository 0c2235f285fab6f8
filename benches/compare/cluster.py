"""A cluster of our own processes on this machine: a scheduler and executors of one slot each."""

import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from compare import measure
from compare.environment import Environment, Problem, clean_variables
from compare.slowed import Processors

EXECUTOR_MEMORY_BYTES = 2 << 30
START_SECONDS = 60.0
STOP_SECONDS = 15.0
REST_SECONDS = 10.0
"""For what a job took to be given back, as far as it is."""


@dataclass
class Cluster:
    url: str
    """Of the cluster plane."""
    front_door: str
    processes: dict[str, int]
    """Process ids, by name."""
    start_seconds: float
    processors: Processors | None
    """Where each process has a processor of its own, and so has what runs on the cluster."""

    @property
    def slots(self) -> int:
        """One of each executor; the scheduler has none."""
        return len(self.processes) - 1


def rest() -> None:
    """Lets the processes give back what the job before took."""
    time.sleep(REST_SECONDS)


@contextmanager
def started(
    environment: Environment,
    folder: Path,
    executors: int,
    variables: dict[str, str] | None = None,
    processors: Processors | None = None,
    tables: Sequence[str] = (),
) -> Iterator[Cluster]:
    """A cluster that is ready, with its own ledger and its files and logs in `folder`; it ends with the block.

    `tables` are the options that name the data and the warehouse of the scheduler's own runs.
    """
    began = time.perf_counter()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    fleet, ledger = str(environment.fleet), f"sqlite://{folder / 'ledger.sqlite'}"
    tables = tables or ["--data", str(folder / "data")]
    with ExitStack() as stack:
        scheduler = Server(
            [fleet, "scheduler", *tables, "--ledger", ledger, "--port", "0", "--front-door-port", "0"],
            folder, "scheduler", variables, processors,
        )
        stack.callback(scheduler.stop)
        front_door = "http://" + scheduler.wait_for(r"front door listening on ([^,\s]+)")
        url = "http://" + scheduler.wait_for(r"cluster plane listening on (\S+)")
        processes = {"scheduler": scheduler.process.pid}
        servers = []
        for number in range(1, executors + 1):
            server = Server(
                [fleet, "executor", "--scheduler", url, "--slots", "1", "--port", "0", "--task-port", "0"]
                + ["--memory-bytes", str(EXECUTOR_MEMORY_BYTES), "--work-dir", str(folder / "shuffle")],
                folder, f"executor {number}", variables, processors,
            )
            stack.callback(server.stop)
            servers.append(server)
            processes[server.name] = server.process.pid
        for server in servers:
            server.wait_for(r"listening on ports (\d+)")
        yield Cluster(url, front_door, processes, time.perf_counter() - began, processors)


class Server:
    """A process that serves until it is stopped."""

    def __init__(
        self, command: list[str], folder: Path, name: str, variables: dict[str, str] | None, processors: Processors | None
    ) -> None:
        self.name = name
        self.log = folder / f"{name.replace(' ', '-')}.log"
        self.lines: queue.Queue[str] = queue.Queue()
        self.errors = self.log.open("ab")
        variables = clean_variables(folder / "tmp") | (variables or {})
        command = processors.command(name, command) if processors else command
        self.process: subprocess.Popen[str] = measure.start(command, self.errors, variables)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)

    def wait_for(self, pattern: str) -> str:
        """The first group of a line that has the pattern; lines before it are passed over."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and (self.process.poll() is None or not self.lines.empty()):
            try:
                line = self.lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if found := re.search(pattern, line):
                return found[1]
        raise Problem(f"{self.name}: did not say `{pattern}`; look at {self.log}:\n{measure.tail(self.log)}")

    def stop(self) -> None:
        measure.end(self.process, STOP_SECONDS)
        self.errors.close()
