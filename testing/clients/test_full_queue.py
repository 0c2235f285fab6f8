"""What a scheduler refuses that has no executor, runs one run at once and lets two wait, and what a queued run says."""

import time
import unittest

import grpc
from service import CANCELLED, FINAL, QUEUED, RUNNING, SECONDS, Case, catalog_api, metadata_of, runs_api

FULL = grpc.StatusCode.RESOURCE_EXHAUSTED
QUEUE_MAX = 2
# Of WatchRun, when there is nothing to tell.
REPEAT_SECONDS = 15
WATCHERS = 5_000


class FullQueue(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.empty)
        self.running = self.caller.submit_slow().id
        self.eventually("a run that runs", lambda: self.caller.run(self.running).state == RUNNING)

    def empty(self):
        """Leaves the queue as it was."""

        def active() -> list:
            return list(self.caller.jobs("ListRuns", states=[QUEUED, RUNNING], page_size=500).runs)

        def is_empty() -> bool:
            for run in active():
                if not run.cancel_requested:
                    self.caller.jobs("CancelRun", run_id=run.id)
            return not active()

        self.eventually("an empty queue", is_empty)

    def fill(self) -> list:
        return [self.caller.submit_slow().id for _ in range(QUEUE_MAX)]

    def refused_as_full(self, call):
        pushback = metadata_of(self.refused(FULL, call))["grpc-retry-pushback-ms"]
        self.assertLess(0, int(pushback))

    def test_one_run_too_many_is_refused_and_told_when_to_ask_again(self):
        queued = self.fill()
        self.refused_as_full(self.caller.submit_slow)
        queue = self.caller.cluster("GetClusterInfo").queue
        self.assertEqual((queue.queued, queue.queued_max), (QUEUE_MAX, QUEUE_MAX))
        self.assertEqual((queue.running, queue.running_max), (1, 1))
        self.assertEqual(dict(queue.queued_by_submitter), {self.caller.user: QUEUE_MAX})
        # Place is made by a run that leaves.
        self.caller.jobs("CancelRun", run_id=queued[0])
        self.caller.submit_slow()

    def test_a_key_that_has_a_run_is_answered_all_the_same(self):
        request = {"job": "slow", "idempotency_key": self.key()}
        first = self.caller.jobs("SubmitRun", **request)
        self.caller.submit_slow()
        self.refused_as_full(self.caller.submit_slow)
        again = self.caller.jobs("SubmitRun", **request)
        self.assertEqual((again.run.id, again.existed), (first.run.id, True))

    def test_a_retry_is_refused_as_a_submission_is(self):
        cancelled = self.caller.submit_slow().id
        self.caller.jobs("CancelRun", run_id=cancelled)
        before = self.caller.ended(cancelled)
        self.fill()
        self.refused_as_full(lambda: self.caller.jobs("RetryRun", run_id=cancelled))
        self.assertEqual(self.caller.run(cancelled), before)

    def test_of_a_backfill_only_what_parallelism_lets_pass_counts(self):
        request = {"job": "monthly_fleet_performance", "start": "2026-01-01", "unit": catalog_api.INTERVAL_UNIT_DAY}
        made = self.caller.jobs("Backfill", end="2026-01-11", parallelism=2, **request)
        self.assertEqual(len(made.run_ids), 10)
        queue = self.caller.cluster("GetClusterInfo").queue
        self.assertEqual((queue.queued, queue.held), (2, 8))
        # All or none.
        self.refused_as_full(lambda: self.caller.jobs("Backfill", end="2026-01-11", **request))
        listed = self.caller.jobs("ListRuns", submitted_by=self.caller.user).runs
        self.assertEqual({run.backfill_id for run in listed}, {made.backfill_id, ""})

    def test_4000_units_are_taken_of_days_and_of_months(self):
        for unit, start, end in [
            (catalog_api.INTERVAL_UNIT_DAY, "2000-01-01", "2010-12-14"),
            (catalog_api.INTERVAL_UNIT_MONTH, "1600-01-01", "1933-05-01"),
        ]:
            with self.subTest(unit=unit):
                made = self.caller.jobs("Backfill", job="monthly_fleet_performance", start=start, end=end, unit=unit)
                self.assertEqual(len(made.run_ids), 4_000)

    def test_a_queued_run_says_what_it_waits_for(self):
        run = self.caller.run(self.caller.submit_slow().id)
        self.assertEqual((run.state, run.steps_total), (QUEUED, 0))
        self.assertNotEqual(run.reason, "")
        self.assertFalse(run.HasField("started_at"))

    def test_a_queued_run_is_cancelled_for_good(self):
        run_id = self.caller.submit_slow().id
        self.caller.jobs("CancelRun", run_id=run_id, reason="a slip")
        run = self.caller.ended(run_id)
        self.assertEqual((run.state, run.failure), (CANCELLED, runs_api.FAILURE_KIND_UNSPECIFIED))
        self.assertFalse(run.HasField("started_at"))
        self.assertTrue(run.HasField("ended_at"))

    def test_of_queued_runs_the_highest_priority_starts_first_and_of_equal_ones_the_oldest(self):
        low = self.caller.submit(job="slow", priority=-1).id
        high = self.caller.submit(job="slow", priority=1).id
        self.caller.jobs("CancelRun", run_id=self.running)
        self.eventually("a run that runs", lambda: self.caller.run(high).state == RUNNING)
        self.assertEqual(self.caller.run(low).state, QUEUED)
        later = self.caller.submit(job="slow", priority=-1).id
        self.caller.jobs("CancelRun", run_id=high)
        self.eventually("a run that runs", lambda: self.caller.run(low).state == RUNNING)
        self.assertEqual(self.caller.run(later).state, QUEUED)

    def test_a_run_of_which_there_is_nothing_to_tell_is_repeated_with_its_sequence(self):
        run_id = self.caller.submit_slow().id
        stream = self.caller.watch(run_id, seconds=3 * REPEAT_SECONDS)
        first = next(stream)
        told_at = time.monotonic()
        second = next(stream)
        self.assertAlmostEqual(time.monotonic() - told_at, REPEAT_SECONDS, delta=SECONDS)
        self.assertEqual((second.run.sequence, list(second.changed_steps)), (first.run.sequence, []))
        self.assertEqual(second.run, first.run)
        stream.cancel()

    def test_too_many_watchers_are_refused_and_leave_room_when_they_go(self):
        run_id = self.caller.submit_slow().id
        streams = []
        try:
            with self.assertRaises(grpc.RpcError) as raised:
                for _ in range(WATCHERS):
                    streams.append(self.caller.watch(run_id))
                    next(streams[-1])
            self.assertEqual(raised.exception.code(), FULL)
        finally:
            for stream in streams:
                stream.cancel()

        def is_told() -> bool:
            try:
                return next(self.caller.watch(run_id, seconds=SECONDS)).run.state not in FINAL
            except grpc.RpcError as refused:
                self.assertEqual(refused.code(), FULL)
                return False

        self.eventually("a place for a watcher", is_told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
