"""Executors that are drained while they run a task; each test takes one of the cluster's three away."""

import time
import unittest

from google.protobuf.duration_pb2 import Duration
from service import FINAL, SUCCEEDED, Case, cluster_api, steps

MINUTE = 60
DEFAULT_GRACE_MINUTES = 10


class Draining(Case):
    def executors(self) -> dict:
        return {it.id: it for it in self.caller.cluster("ListExecutors").executors}

    def busy(self):
        """A run under way, and the executor that runs it."""
        run = self.caller.submit_slow()
        self.addCleanup(self.stop, run.id)
        self.under_way(run.id, "testing.slow")
        [executor] = self.eventually("a busy executor", lambda: [it for it in self.executors().values() if it.slots_used])
        return run.id, executor

    def stop(self, run_id: str):
        if self.caller.run(run_id).state not in FINAL:
            self.caller.jobs("CancelRun", run_id=run_id)

    def drain(self, executor_id: str, **fields):
        asked_at = time.time()
        drained = self.caller.cluster("DrainExecutor", executor_id=executor_id, **fields).executor
        self.assertEqual((drained.id, drained.state), (executor_id, cluster_api.EXECUTOR_STATE_DRAINING))
        return drained.drain_deadline_at.ToNanoseconds() / 1e9 - asked_at

    def test_an_executor_ends_what_it_has_and_stops(self):
        run_id, executor = self.busy()
        self.assertAlmostEqual(self.drain(executor.id, grace_period=Duration(seconds=3_600)), 3_600, delta=MINUTE)
        # Asking again changes the grace period.
        self.assertAlmostEqual(self.drain(executor.id, reason="oil"), DEFAULT_GRACE_MINUTES * MINUTE, delta=MINUTE)
        with self.subTest("only active executors are counted"):
            others = [it for it in self.executors().values() if it.state == cluster_api.EXECUTOR_STATE_ACTIVE]
            info = self.caller.cluster("GetClusterInfo")
            counted = (info.executors, info.slots, info.slots_used)
            self.assertEqual(counted, (len(others), sum(it.slots for it in others), 0))
        ended = self.caller.ended(run_id)
        self.assertEqual(ended.state, SUCCEEDED, ended.reason)
        slow = steps(ended)["testing.slow"]
        self.assertEqual([attempt.number for attempt in slow.attempts], [1], "what it had was not begun again")
        self.assertEqual([stage.tasks_repeated for stage in slow.stages if stage.tasks_repeated], [])
        self.eventually("the executor stopped", lambda: executor.id not in self.executors())

    def test_without_grace_what_an_executor_has_is_begun_again_elsewhere(self):
        run_id, executor = self.busy()
        self.assertAlmostEqual(self.drain(executor.id, grace_period=Duration()), 0, delta=MINUTE)
        self.eventually("the executor stopped", lambda: executor.id not in self.executors())
        self.assertNotIn(self.caller.run(run_id).state, FINAL, "the executor did not wait for its task")
        ended = self.caller.ended(run_id)
        self.assertEqual(ended.state, SUCCEEDED, ended.reason)


if __name__ == "__main__":
    unittest.main(verbosity=2)
