"""What the cluster says of itself and of its only executor."""

import time
import unittest

from service import CANCELLED, RUNNING, SECONDS, Case, cluster_api


class Executors(Case):
    def test_an_executor_is_known(self):
        [executor] = self.caller.cluster("ListExecutors").executors
        info = self.caller.cluster("GetClusterInfo")
        self.assertEqual(executor.state, cluster_api.EXECUTOR_STATE_ACTIVE)
        self.assertEqual((executor.slots, executor.slots_used), (2, 0))
        self.assertEqual(executor.version, info.scheduler.version)
        self.assertTrue(executor.flight_port and executor.task_port)
        self.assertFalse(executor.HasField("drain_deadline_at"))
        self.assertLess(0, executor.memory_bytes, "of the process")
        now = time.time()
        self.assertAlmostEqual(executor.last_heartbeat_at.ToNanoseconds() / 1e9, now, delta=60)
        self.assertLess(executor.started_at.ToNanoseconds() / 1e9, now)

    def test_the_cluster_is_described(self):
        info = self.caller.cluster("GetClusterInfo")
        scheduler, leader, queue = info.scheduler, info.leader, info.queue
        self.assertEqual(leader.instance_id, scheduler.instance_id)
        self.assertEqual(leader.address, self.address)
        self.assertLess(0, leader.epoch)
        self.assertLess(leader.since.ToNanoseconds(), scheduler.clock_at.ToNanoseconds())
        self.assertLess(scheduler.clock_at.ToNanoseconds(), leader.lease_ends_at.ToNanoseconds())
        self.assertAlmostEqual(scheduler.clock_at.ToNanoseconds() / 1e9, time.time(), delta=60)
        age = (scheduler.clock_at.ToNanoseconds() - scheduler.started_at.ToNanoseconds()) / 1e9
        self.assertAlmostEqual(scheduler.uptime.ToNanoseconds() / 1e9, age, delta=SECONDS)
        self.assertLessEqual({"datafusion", "ballista"}, set(scheduler.components))
        self.assertRegex(scheduler.catalog_digest, "^[0-9a-f]+$")
        self.assertEqual((queue.queued, queue.running, queue.held), (0, 0, 0))
        self.assertTrue(queue.queued_max and queue.running_max)
        self.assertEqual(info.ledger, cluster_api.LEDGER_KIND_SQLITE)
        self.assertRegex(info.warehouse, "^file://.*/warehouse")
        self.assertEqual((info.executors, info.slots, info.slots_used), (1, 2, 0))

    def test_a_run_takes_slots(self):
        run = self.caller.submit_slow()
        self.under_way(run.id, "testing.slow")
        info = self.caller.cluster("GetClusterInfo")
        [executor] = self.caller.cluster("ListExecutors").executors
        self.assertEqual((info.slots_used, executor.slots_used, info.queue.running), (1, 1, 1))
        self.caller.jobs("CancelRun", run_id=run.id)
        self.eventually("a free executor", lambda: self.slots_used() == 0, SECONDS)
        self.caller.ended(run.id)

    def test_a_run_cancelled_as_it_begins_leaves_no_job(self):
        run = self.caller.submit_slow()
        self.eventually("a running run", lambda: self.caller.run(run.id).state == RUNNING)
        self.caller.jobs("CancelRun", run_id=run.id)
        self.assertEqual(self.caller.ended(run.id).state, CANCELLED)
        # By then a job that nobody cancelled has a slot, and keeps it for longer than we look.
        time.sleep(1)
        self.eventually("a free executor", lambda: self.slots_used() == 0, SECONDS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
