"""A processor of its own for each of some processes, on a machine that has fewer: each gets the same share of this machine's
time, by a control group, so that they scale as on so many slower processors."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compare.environment import CORES

GROUPS = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 10_000
"""A process that has used its share waits for the rest of a period: a short one, for that is in the time of every answer."""


class NoGroups(Exception):
    """This machine does not let us share out its time; the message says why."""


@dataclass(frozen=True)
class Processors:
    folder: Path
    """Of the control groups."""
    share: float
    """Of one of this machine's cores."""

    def command(self, name: str, command: Sequence[str]) -> list[str]:
        """The command, to be run on the processor of this name."""
        group = self.folder / name.replace(" ", "-")
        group.mkdir(exist_ok=True)
        quota = str(int(PERIOD_MICROSECONDS * self.share))
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(quota)
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs"), *command]


@contextmanager
def processors(count: int) -> Iterator[Processors]:
    """So many processors, and what is left for all else as fast as this machine is."""
    # Version 1 has a hierarchy for each controller, version 2 one for all.
    above = GROUPS / "cpu" if (GROUPS / "cpu").is_dir() else GROUPS
    folder = above / f"fleet-benches-{os.getpid()}"
    try:
        folder.mkdir()
        if above == GROUPS:
            for group in (above, folder):
                (group / "cgroup.subtree_control").write_text("+cpu")
    except OSError as error:
        raise NoGroups(f"{folder}: no control group for processor time: {error}; run as root, where {GROUPS} can be written") from None
    try:
        yield Processors(folder, CORES / count)
    finally:
        for group in [*folder.glob("*/"), folder]:
            remove(group)


def remove(group: Path) -> None:
    """A group can be removed a moment after its last process has ended."""
    for _ in range(50):
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.1)
