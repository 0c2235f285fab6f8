"""What Prometheus finds at a scheduler whose tables are in S3, before and after a run."""

import os
import random
import re
import urllib.request

from service import SUCCEEDED, Case, jobs_api

SAMPLE = re.compile(r"^(?P<name>\w+)(?:{(?P<labels>.*)})? (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


def scraped() -> list[tuple[str, dict[str, str], float]]:
    with urllib.request.urlopen(f"http://{os.environ['FLEET_FRONT_DOOR']}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    found = [SAMPLE.match(line) for line in lines if not line.startswith("#")]
    return [(each["name"], dict(LABEL.findall(each["labels"] or "")), float(each["value"])) for each in found]


class Scraping(Case):
    def total(self, name: str, **labels: str) -> float:
        return sum(value for each, its, value in scraped() if each == name and labels.items() <= its.items())

    def grows(self, before: dict, *figures: tuple[str, dict]) -> None:
        for name, labels in figures:
            now = self.total(name, **labels)
            self.assertLess(before.get(str((name, labels)), 0), now, (name, labels))

    def test_a_run_moves_the_figures_that_people_watch(self):
        figures = [
            ("fleet_runs_ended_total", {"outcome": "succeeded"}),
            ("fleet_run_seconds_count", {}),
            ("fleet_steps_ended_total", {"outcome": "succeeded"}),
            ("fleet_step_seconds_count", {"step": "testing.frequent"}),
            ("fleet_stages_total", {}),
            ("fleet_tasks_total", {}),
            ("fleet_rows_written_total", {}),
            ("fleet_bytes_written_total", {}),
            ("fleet_bytes_scanned_total", {}),
            ("fleet_bytes_shuffled_total", {}),
            ("fleet_rpc_seconds_count", {"rpc": "SubmitRun"}),
            ("fleet_ledger_seconds_count", {"operation": "read"}),
            ("fleet_ledger_seconds_count", {"operation": "write"}),
            ("fleet_ledger_seconds_sum", {}),
            ("fleet_object_store_seconds_count", {"method": "GET", "outcome": "ok"}),
            ("fleet_object_store_seconds_count", {"method": "PUT", "outcome": "ok"}),
            ("fleet_object_store_seconds_sum", {}),
        ]
        before = {str(figure): self.total(figure[0], **figure[1]) for figure in figures}
        parameters = {"flights_min": 10 * random.random()}
        run = self.caller.submit(
            models=jobs_api.ModelNames(names=["testing.frequent"]), parameters=parameters
        )
        ended = self.caller.ended(run.id)
        self.assertEqual(ended.state, SUCCEEDED, ended.reason)
        self.grows(before, *figures)

    def test_executors_and_the_queue_are_told_as_they_stand(self):
        self.assertEqual(self.total("fleet_scheduler_leader"), 1)
        executors = self.caller.cluster("ListExecutors").executors
        self.assertLess(0, len(executors))
        for executor in executors:
            self.assertEqual(self.total("fleet_executor_slots", executor=executor.id), executor.slots)
        self.eventually("memory told", lambda: self.total("fleet_executor_memory_bytes") > 1 << 20)
        run = self.caller.submit_slow()
        self.under_way(run.id, "testing.slow")
        self.assertLess(0, self.total("fleet_runs", state="running"))
        self.eventually("slots in use", lambda: self.total("fleet_executor_slots_used") > 0)
        self.caller.jobs("CancelRun", run_id=run.id)
        self.caller.ended(run.id)
        self.assertLess(0, self.total("fleet_runs_ended_total", job="slow", outcome="cancelled"))

    def test_a_probe_is_answered(self):
        with urllib.request.urlopen(f"http://{os.environ['FLEET_FRONT_DOOR']}/healthz", timeout=30) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b"ok\n"))
