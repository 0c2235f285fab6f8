"""A client of the job service, and what its tests have in common."""

import os
import random
import sys
import time
import unittest
import uuid

# Nothing is left beside the sources.
sys.dont_write_bytecode = True

import grpc  # noqa: E402
from contract import (  # noqa: E402
    cluster_service_pb2,
    cluster_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    run_pb2,
)

# Shorter names for what every test writes.
jobs_api, runs_api, cluster_api, catalog_api = job_service_pb2, run_pb2, cluster_service_pb2, job_pb2

# Generous: the machine may be building or running other tests meanwhile.
PATIENCE_SECONDS = 240
# What the contract calls "within seconds".
SECONDS = 5
CALL_SECONDS = 30
POLL_SECONDS = 0.1

QUEUED, RUNNING = runs_api.RUN_STATE_QUEUED, runs_api.RUN_STATE_RUNNING
SUCCEEDED, FAILED, CANCELLED = runs_api.RUN_STATE_SUCCEEDED, runs_api.RUN_STATE_FAILED, runs_api.RUN_STATE_CANCELLED
FINAL = {SUCCEEDED, FAILED, CANCELLED}


class Caller:
    """Someone who calls a front door, `host:port`, under a name of their own."""

    def __init__(self, address: str, user: str | None = None):
        self.user = user
        self.channel = grpc.insecure_channel(address)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self._cluster = cluster_service_pb2_grpc.ClusterServiceStub(self.channel)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_) -> None:
        self.channel.close()

    @property
    def metadata(self):
        return [("fleet-user", self.user)] if self.user else []

    def jobs(self, rpc: str, **fields):
        request = getattr(jobs_api, f"{rpc}Request")(**fields)
        return getattr(self._jobs, rpc)(request, metadata=self.metadata, timeout=CALL_SECONDS)

    def cluster(self, rpc: str, **fields):
        request = getattr(cluster_api, f"{rpc}Request")(**fields)
        return getattr(self._cluster, rpc)(request, metadata=self.metadata, timeout=CALL_SECONDS)

    def submit(self, **fields):
        return self.jobs("SubmitRun", **fields).run

    def submit_slow(self):
        """A run of the job `slow` that has something to compute, whatever ran before."""
        return self.submit(job="slow", parameters={"threshold": random.random()})

    def run(self, run_id: str):
        return self.jobs("GetRun", run_id=run_id).run

    def watch(self, run_id: str, after_sequence: int = 0, seconds: float = PATIENCE_SECONDS):
        """The stream of a run's states."""
        request = jobs_api.WatchRunRequest(run_id=run_id, after_sequence=after_sequence)
        return self._jobs.WatchRun(request, metadata=self.metadata, timeout=seconds)

    def ended(self, run_id: str):
        """The run in its final state."""
        for message in self.watch(run_id):
            last = message.run
        return last


class Case(unittest.TestCase):
    """A test of the front door that `$FLEET_FRONT_DOOR` names. Each has a user of its own, whom none of its runs are
    shared with."""

    # A difference is shown whole.
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # Nothing runs but what a test asked for, whatever the time of day.
        with Caller(os.environ["FLEET_FRONT_DOOR"]) as caller:
            for job in caller.jobs("ListJobs").jobs:
                if job.HasField("schedule"):
                    caller.jobs("PauseSchedule", job=job.name)

    def setUp(self):
        self.address = os.environ["FLEET_FRONT_DOOR"]
        self.caller = self.as_user(f"user-{uuid.uuid4()}")

    def as_user(self, user: str | None) -> Caller:
        return self.enterContext(Caller(self.address, user))

    def key(self) -> str:
        """An idempotency key that nobody else has."""
        return str(uuid.uuid4())

    def refused(self, code: grpc.StatusCode, call, *naming: str) -> grpc.RpcError:
        """The status that a call must end with; its message has each of `naming`."""
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call()
            self.fail(f"expected {code.name}, got an answer: {answer}")
        status = raised.exception
        self.assertEqual(status.code().name, code.name, status.details())
        for name in naming:
            self.assertIn(name, status.details())
        return status

    def eventually(self, what: str, found, seconds: float = PATIENCE_SECONDS):
        """The first value of `found()` that holds."""
        until = time.monotonic() + seconds
        while True:
            value = found()
            if value:
                return value
            self.assertLess(time.monotonic(), until, f"not within {seconds} s: {what}")
            time.sleep(POLL_SECONDS)

    def under_way(self, run_id: str, step: str):
        """The run once a task of `step` runs on an executor."""

        def found():
            run = self.caller.run(run_id)
            self.assertNotIn(run.state, FINAL, run)
            known = steps(run)
            return run if step in known and any(stage.tasks_running for stage in known[step].stages) else None

        return self.eventually(f"a running task of {step}", found)

    def slots_used(self) -> int:
        return self.caller.cluster("GetClusterInfo").slots_used


def steps(run) -> dict:
    return {step.name: step for step in run.steps}


def metadata_of(status: grpc.RpcError) -> dict:
    return dict(status.trailing_metadata())
