"""Many clients that submit runs at once and wait for them.

    load.py FRONT_DOOR CLIENTS RUNS

Every run must succeed, and be listed once. How long GetRun takes meanwhile is printed, and before that, how long it takes
on a cluster that is idle from a submission to the start of the first task.
"""

import random
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

# Nothing is left beside the sources.
sys.dont_write_bytecode = True

from service import SUCCEEDED, Caller, jobs_api  # noqa: E402

JOB = "monthly_fleet_performance"
PAGE_SIZE = 500
PROBE_EVERY_SECONDS = 0.02
IDLE_RUNS = 20


class Client:
    """One of the many, with a connection and a name of its own."""

    def __init__(self, address: str):
        self.address, self.user, self.runs = address, f"user-{uuid.uuid4()}", []

    def work(self, count: int) -> list:
        with Caller(self.address, self.user) as caller:
            for _ in range(count):
                self.runs.append(caller.submit(job=JOB, idempotency_key=str(uuid.uuid4())).id)
            return [caller.ended(run_id) for run_id in self.runs]

    def listed(self) -> list:
        found, token = [], ""
        with Caller(self.address) as caller:
            while not found or token:
                page = caller.jobs("ListRuns", submitted_by=self.user, page_size=PAGE_SIZE, page_token=token)
                found += [run.id for run in page.runs]
                token = page.next_page_token
        return found


class Probe(threading.Thread):
    """Asks for one run after the other until it is told to stop."""

    def __init__(self, address: str, clients: list):
        super().__init__()
        self.address, self.clients, self.stopped, self.seconds = address, clients, threading.Event(), []

    def run(self):
        with Caller(self.address) as caller:
            while not self.stopped.wait(PROBE_EVERY_SECONDS):
                for run_id in [client.runs[-1] for client in self.clients if client.runs]:
                    began = time.monotonic()
                    caller.run(run_id)
                    self.seconds.append(time.monotonic() - began)
                    if self.stopped.wait(PROBE_EVERY_SECONDS):
                        return

    def percentile(self, percent: int) -> float:
        return sorted(self.seconds)[min(len(self.seconds) * percent // 100, len(self.seconds) - 1)]


def idle(address: str) -> tuple[list[float], list[float]]:
    """Of runs one after the other that have something to compute: seconds from before the call to the start of the first
    task, of those that took long enough for their stages to be looked at, and to the end of the run."""
    to_task, to_end = [], []
    with Caller(address, f"user-{uuid.uuid4()}") as caller:
        for number in range(IDLE_RUNS):
            began = time.time()
            models = jobs_api.ModelNames(names=["testing.frequent"])
            run = caller.submit(models=models, parameters={"flights_min": number + random.random()})
            ended = caller.ended(run.id)
            assert ended.state == SUCCEEDED, ended.reason
            stages = [stage for step in ended.steps for stage in step.stages if stage.HasField("started_at")]
            if stages:
                to_task.append(min(stage.started_at.ToNanoseconds() for stage in stages) / 1e9 - began)
            to_end.append(ended.ended_at.ToNanoseconds() / 1e9 - began)
    return sorted(to_task), sorted(to_end)


def told(seconds: list[float]) -> str:
    if not seconds:
        return "not seen"
    return f"median {1e3 * seconds[len(seconds) // 2]:.0f} ms, at most {1e3 * seconds[-1]:.0f} ms of {len(seconds)}"


def main(address: str, clients_count: int, runs: int):
    to_task, to_end = idle(address)
    print(f"on an idle cluster, from submission to the first task: {told(to_task)}; to the end of the run: {told(to_end)}")
    clients = [Client(address) for _ in range(clients_count)]
    probe = Probe(address, clients)
    probe.start()
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(clients_count) as threads:
            ended = sum(threads.map(lambda client: client.work(runs // clients_count), clients), [])
    finally:
        probe.stopped.set()
        probe.join()
    took = time.monotonic() - began
    bad = [run for run in ended if run.state != SUCCEEDED]
    assert not bad, bad[:3]
    assert len({run.id for run in ended}) == runs, "a run is there twice"
    for client in clients:
        assert sorted(client.listed()) == sorted(client.runs), client.user
    print(f"{runs} runs of {clients_count} clients in {took:.1f} s")
    p50, p99 = (1e3 * probe.percentile(percent) for percent in [50, 99])
    print(f"GetRun meanwhile: p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(probe.seconds)} calls")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
