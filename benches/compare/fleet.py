"""Our commands, run on a warehouse of their own."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from compare import measure
from compare.cluster import Cluster
from compare.environment import BENCHES, Environment, Problem, clean_variables
from compare.store import Store

MODELS = {
    "rates": ["reliability.component", "reliability.ata_alert"],
    "parameter_daily": ["statistics.parameter_daily"],
}
"""What is computed for each of the jobs that other engines compute too."""

INGESTION = "daily_data_ingestion"
"""The built-in job of that."""


@dataclass
class Place:
    """A warehouse and its ledger, over landing files that others may read too."""

    environment: Environment
    data: Path
    folder: Path
    cluster: Cluster | None = None
    """None for an embedded one, in the command's own process."""
    store: Store | None = None
    """Of the tables; None where they are in the folder."""

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def tables(self) -> list[str]:
        """The options that name the data and the warehouse."""
        return ["--data", str(self.data), "--warehouse", f"{self.store.url}/warehouse" if self.store else str(self.warehouse)]

    @property
    def partitions(self) -> list[str]:
        """Into how many parts a cluster has plans cut: two a slot, as `fleet` does where it is its own."""
        return ["--partitions", str(2 * self.cluster.slots)]

    def run(self, command: str, *arguments: str) -> measure.Outcome:
        """Runs a command to its end, well or not."""
        options = [*self.tables, "--json", "--ledger", f"sqlite://{self.folder / 'ledger.sqlite'}"]
        if self.cluster:
            options += ["--scheduler", self.cluster.url, *self.partitions]
        return self.measured("driver", [str(self.environment.fleet), command, *arguments, *options])

    def submit(self, *arguments: str) -> measure.Outcome:
        """Has the cluster's scheduler, which must be one of these tables, do it, and waits for the end, well or not."""
        program = [str(self.environment.fleet), "submit", *arguments, "--wait", "--json", "--server", self.cluster.front_door]
        return self.measured("client", program)

    def fit(self, lives: Path, runs: int, out: Path) -> measure.Outcome:
        """Fits each group's lives, and `runs` times more in that process. A query over a file, as no model fits lives that are nobody's."""
        queries = self.folder / "queries"
        queries.mkdir(parents=True, exist_ok=True)
        shutil.copy(BENCHES / "compare" / "jobs" / "weibull.sql", queries)
        out.mkdir(parents=True)
        program = [str(self.environment.queries), "--tables", str(lives), "--queries", str(queries), "--runs", str(runs), "--out", str(out)]
        if self.cluster:
            program += ["--mode", self.cluster.url, *self.partitions]
        else:
            program += ["--mode", "embedded"]
        outcome = self.measured("driver", program)
        for record in outcome.records:
            if "error" in record:
                raise Problem(record["error"])
        return outcome

    def measured(self, name: str, program: list[str]) -> measure.Outcome:
        if self.cluster and self.cluster.processors:
            program = self.cluster.processors.command(name, program)
        self.folder.mkdir(parents=True, exist_ok=True)
        return measure.run(
            program,
            log=self.folder / "log.txt",
            variables=clean_variables(self.folder / "tmp") | (self.store.variables if self.store else {}),
            name=name,
            others=self.cluster.processes if self.cluster else None,
        )

    def copy_of(self, other: Path) -> None:
        """Takes another warehouse's tables. Their files never change, so that links will do."""
        shutil.copytree(other, self.warehouse, copy_function=os.link)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
