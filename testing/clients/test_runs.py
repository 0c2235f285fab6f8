"""Runs: submitted, watched, listed, cancelled, retried, backfilled."""

import random
import time
import unittest
import uuid
from datetime import datetime, timezone

from google.protobuf.timestamp_pb2 import Timestamp
from service import (
    CANCELLED,
    FAILED,
    FINAL,
    QUEUED,
    RUNNING,
    SECONDS,
    SUCCEEDED,
    Case,
    catalog_api,
    jobs_api,
    runs_api,
    steps,
)

STEP_FINAL = {
    runs_api.STEP_STATE_SUCCEEDED,
    runs_api.STEP_STATE_UP_TO_DATE,
    runs_api.STEP_STATE_FAILED,
    runs_api.STEP_STATE_CANCELLED,
    runs_api.STEP_STATE_SKIPPED,
}
# Of one watched run, at most.
MESSAGES_PER_SECOND = 4
DONE = {runs_api.STEP_STATE_SUCCEEDED, runs_api.STEP_STATE_UP_TO_DATE}


def models(*names: str):
    return jobs_api.ModelNames(names=names)


def day(text: str) -> Timestamp:
    instant = Timestamp()
    instant.FromDatetime(datetime.fromisoformat(text))
    return instant


class Submitting(Case):
    def test_a_run_says_what_was_asked_for(self):
        before = time.time()
        run = self.caller.submit(
            job="monthly_fleet_performance", interval="2026-01-26..2026-02-03", priority=-7, verify=True
        )
        self.assertEqual(str(uuid.UUID(run.id)), run.id)
        self.assertEqual(run.job, "monthly_fleet_performance")
        self.assertEqual(
            list(run.models),
            ["operations.dispatch_reliability", "operations.utilization", "statistics.parameter_daily"],
        )
        self.assertEqual((run.interval.start, run.interval.end), (day("2026-01-26"), day("2026-02-03")))
        self.assertEqual((run.priority, run.verify, run.submitted_by), (-7, True, self.caller.user))
        self.assertEqual((run.origin, run.backfill_id), (runs_api.RUN_ORIGIN_CLIENT, ""))
        self.assertAlmostEqual(run.submitted_at.ToDatetime(timezone.utc).timestamp(), before, delta=SECONDS)
        self.assertEqual(run.retries, 0)
        run = self.caller.ended(run.id)
        self.assertEqual(run.state, SUCCEEDED, run.reason)
        # Nothing that is found up to date is computed, and so verified, again.
        for step in run.steps:
            self.assertTrue(step.verified or step.state == runs_api.STEP_STATE_UP_TO_DATE, step)

    def test_every_form_of_interval_is_read(self):
        for text, start, end in [
            ("2026-03", "2026-03-01", "2026-04-01"),
            ("2026-W10", "2026-03-02", "2026-03-09"),
            ("2026-03-05", "2026-03-05", "2026-03-06"),
            ("2026-03-01..2026-03-08", "2026-03-01", "2026-03-08"),
        ]:
            with self.subTest(text):
                run = self.caller.submit(models=models("testing.counted"), interval=text)
                self.assertEqual((run.interval.start, run.interval.end), (day(start), day(end)))
        run = self.caller.submit(models=models("testing.counted"))
        self.assertFalse(run.HasField("interval"))
        self.assertEqual((run.job, list(run.models)), ("", ["testing.counted"]))

    def test_a_parameter_is_set_for_every_model_or_for_one_which_goes_first(self):
        # Nothing else computes this table, which is up to date only where the same numbers made it.
        for parameters, state in [
            ({"flights_min": 7.0}, runs_api.STEP_STATE_SUCCEEDED),
            ({"testing.frequent.flights_min": 7.0}, runs_api.STEP_STATE_UP_TO_DATE),
            ({"flights_min": 8.0, "testing.frequent.flights_min": 7.0}, runs_api.STEP_STATE_UP_TO_DATE),
            ({"flights_min": 8.0}, runs_api.STEP_STATE_SUCCEEDED),
            ({}, runs_api.STEP_STATE_SUCCEEDED),
        ]:
            with self.subTest(parameters):
                run = self.caller.submit(models=models("testing.frequent"), parameters=parameters)
                self.assertEqual(dict(run.parameters), parameters)
                run = self.caller.ended(run.id)
                self.assertEqual(steps(run)["testing.frequent"].state, state, run.reason)

    def test_a_run_that_nobody_names_is_the_addresses(self):
        run = self.as_user(None).submit(models=models("testing.counted"))
        self.assertEqual(run.submitted_by, "127.0.0.1")

    def test_the_same_key_answers_with_the_same_run(self):
        request = {"models": models("testing.counted"), "idempotency_key": self.key()}
        first = self.caller.jobs("SubmitRun", **request)
        self.assertFalse(first.existed)
        self.caller.ended(first.run.id)
        again = self.caller.jobs("SubmitRun", **request)
        self.assertTrue(again.existed)
        self.assertEqual((again.run.id, again.run.state), (first.run.id, SUCCEEDED))
        # The key is the caller's own.
        others = self.as_user(f"user-{uuid.uuid4()}").jobs("SubmitRun", **request)
        self.assertFalse(others.existed)
        self.assertNotEqual(others.run.id, first.run.id)

    def test_a_key_of_128_bytes_and_the_highest_and_lowest_priority_are_taken(self):
        for priority in [-100, 100]:
            key = self.key().ljust(128, "-")
            run = self.caller.submit(models=models("testing.counted"), priority=priority, idempotency_key=key)
            self.assertEqual(run.priority, priority)


class Watching(Case):
    def test_a_run_is_told_of_until_it_ends(self):
        run = self.caller.submit(job="monthly_fleet_performance")
        began = time.monotonic()
        messages = list(self.caller.watch(run.id))
        # The first comes at once.
        self.assertLessEqual(len(messages), 1 + MESSAGES_PER_SECOND * (time.monotonic() - began))
        states = [message.run.state for message in messages]
        self.assertEqual(states[-1], SUCCEEDED, messages[-1].run.reason)
        self.assertFalse(FINAL & set(states[:-1]), "nothing follows a final state")
        sequences = [message.run.sequence for message in messages]
        self.assertEqual(sequences, sorted(set(sequences)), "the sequence grows")
        last = messages[-1].run
        self.assertEqual(last, self.caller.run(run.id), "the last message is the run as it stands")
        self.assertEqual((last.steps_done, last.steps_total), (len(last.steps), len(last.steps)))
        self.assertTrue(all(step.state in DONE for step in last.steps))
        self.assertLess(0, last.steps_total)
        self.assertLessEqual(last.submitted_at.ToNanoseconds(), last.started_at.ToNanoseconds())
        self.assertLess(last.started_at.ToNanoseconds(), last.ended_at.ToNanoseconds())

    def test_what_a_step_did_is_still_told_when_it_is_over(self):
        # A number that no other run asks for, so that there is something to compute.
        run = self.caller.submit(models=models("testing.frequent"), parameters={"flights_min": 10 * random.random()})
        done, read = 0, 0
        for message in self.caller.watch(run.id):
            step = steps(message.run).get("testing.frequent", runs_api.Step())
            self.assertLessEqual(done, step.progress.tasks_done, "tasks that are over stay so")
            self.assertLessEqual(read, step.progress.rows_read)
            done, read = step.progress.tasks_done, step.progress.rows_read
        self.assertEqual(step.state, runs_api.STEP_STATE_SUCCEEDED, step.reason)
        self.assertLess(0, step.progress.tasks_total)
        self.assertEqual(step.progress.tasks_done, step.progress.tasks_total)
        self.assertLess(0, step.progress.rows_read)
        self.assertEqual(step.progress.rows_written, 4)
        self.assertEqual([stage.number for stage in step.stages], list(range(1, len(step.stages) + 1)))
        self.assertLess(0, len(step.stages))
        for stage in step.stages:
            self.assertEqual((stage.tasks_done, stage.tasks_running), (stage.tasks_total, 0))
            # They are absent where the stage was over before the scheduler looked.
            if stage.HasField("started_at") and stage.HasField("ended_at"):
                self.assertLessEqual(stage.started_at.ToNanoseconds(), stage.ended_at.ToNanoseconds())

    def test_the_first_message_names_all_steps_and_later_ones_those_that_changed(self):
        run = self.caller.submit_slow()
        self.under_way(run.id, "testing.slow")
        stream = self.caller.watch(run.id)
        before = next(stream)
        self.assertEqual(set(before.changed_steps), set(steps(before.run)))
        self.caller.jobs("CancelRun", run_id=run.id)
        for message in stream:
            changed = {name for name, step in steps(message.run).items() if step != steps(before.run).get(name)}
            self.assertEqual(set(message.changed_steps), changed)
            before = message
        self.assertEqual(before.run.state, CANCELLED)

    def test_a_watch_goes_on_after_the_last_sequence_seen(self):
        run = self.caller.submit_slow()
        self.under_way(run.id, "testing.slow")
        seen = next(self.caller.watch(run.id)).run.sequence
        # With another sequence than the run's the state comes at once.
        self.assertLess(0, next(self.caller.watch(run.id, after_sequence=seen + 10**9, seconds=SECONDS)).run.sequence)
        stream = self.caller.watch(run.id, after_sequence=seen)
        self.caller.jobs("CancelRun", run_id=run.id)
        messages = [message.run for message in stream]
        sequences = [seen] + [message.sequence for message in messages]
        self.assertEqual(sequences, sorted(set(sequences)), "only what came after, each once")
        self.assertEqual(messages[-1].state, CANCELLED)

    def test_a_run_that_has_ended_gets_one_message(self):
        run = self.caller.ended(self.caller.submit(models=models("testing.counted")).id)
        for after in [0, run.sequence - 1, run.sequence, run.sequence + 1]:
            with self.subTest(after_sequence=after):
                messages = list(self.caller.watch(run.id, after_sequence=after, seconds=SECONDS))
                self.assertEqual([message.run for message in messages], [run])


class Listing(Case):
    def test_runs_come_latest_first_in_pages(self):
        submitted = [self.caller.submit(models=models("testing.counted")).id for _ in range(7)]
        whole = self.caller.jobs("ListRuns", submitted_by=self.caller.user)
        self.assertEqual([run.id for run in whole.runs], submitted[::-1])
        self.assertEqual(whole.next_page_token, "")
        found, token, sizes = [], "", []
        while not found or token:
            page = self.caller.jobs("ListRuns", submitted_by=self.caller.user, page_size=3, page_token=token)
            found += [run.id for run in page.runs]
            sizes.append(len(page.runs))
            token = page.next_page_token
            if len(sizes) == 1:
                self.caller.submit(models=models("testing.counted"))
        self.assertEqual((found, sizes), (submitted[::-1], [3, 3, 1]), "runs submitted since are not in later pages")

    def test_each_filter_lets_only_its_runs_pass(self):
        of_models = self.caller.ended(self.caller.submit(models=models("testing.counted")).id)
        failed = self.caller.ended(self.caller.submit(job="failing").id)
        self.assertEqual((of_models.state, failed.state), (SUCCEEDED, FAILED))
        mine = {"submitted_by": self.caller.user}

        def listed(**filters) -> list:
            return [run.id for run in self.caller.jobs("ListRuns", **mine, **filters).runs]

        self.assertEqual(listed(), [failed.id, of_models.id])
        self.assertEqual(listed(job="failing"), [failed.id])
        self.assertEqual(listed(job="no such job"), [])
        self.assertEqual(listed(states=[SUCCEEDED]), [of_models.id])
        self.assertEqual(listed(states=[SUCCEEDED, FAILED]), [failed.id, of_models.id])
        self.assertEqual(listed(states=[QUEUED, RUNNING]), [])
        self.assertEqual(listed(submitted_after=failed.submitted_at), [failed.id])
        self.assertEqual(listed(submitted_before=failed.submitted_at), [of_models.id])
        self.assertEqual(
            listed(submitted_after=of_models.submitted_at, submitted_before=failed.submitted_at), [of_models.id]
        )
        self.assertEqual(listed(backfill_id=str(uuid.uuid4())), [])

    def test_a_listed_run_lacks_only_its_steps(self):
        run = self.caller.ended(self.caller.submit(models=models("testing.counted")).id)
        [listed] = self.caller.jobs("ListRuns", submitted_by=self.caller.user).runs
        del run.steps[:]
        self.assertEqual(listed, run)


class Cancelling(Case):
    def test_a_run_under_way_stops_within_seconds_and_a_retry_goes_on_from_there(self):
        run = self.caller.submit_slow()
        self.under_way(run.id, "testing.slow")
        cancelled = self.caller.jobs("CancelRun", run_id=run.id, reason="enough seen").run
        asked_at = time.monotonic()
        self.assertTrue(cancelled.cancel_requested)
        self.eventually("slots given back", lambda: self.slots_used() == 0, SECONDS)
        run = self.caller.ended(run.id)
        self.assertLess(time.monotonic() - asked_at, SECONDS)
        self.assertEqual((run.state, run.failure), (CANCELLED, runs_api.FAILURE_KIND_UNSPECIFIED))
        self.assertIn(self.caller.user, run.reason)
        self.assertEqual(steps(run)["testing.slow"].state, runs_api.STEP_STATE_CANCELLED)
        counted = steps(run)["testing.counted"]
        self.assertIn(counted.state, DONE)
        again = self.caller.jobs("CancelRun", run_id=run.id).run
        self.assertEqual(again, run, "asking again changes nothing")

        retried = self.caller.jobs("RetryRun", run_id=run.id).run
        self.assertEqual((retried.id, retried.retries, retried.cancel_requested), (run.id, 1, False))
        self.assertIn(retried.state, [QUEUED, RUNNING])
        self.assertFalse(retried.HasField("ended_at"))
        self.assertEqual(retried.submitted_at, run.submitted_at)
        self.assertLess(run.sequence, retried.sequence)
        ended = self.caller.ended(run.id)
        self.assertEqual((ended.state, ended.retries), (SUCCEEDED, 1), ended.reason)
        self.assertEqual((ended.parameters, ended.models), (run.parameters, run.models))
        self.assertEqual(steps(ended)["testing.counted"], counted, "what succeeded is not run again")
        slow = steps(ended)["testing.slow"]
        self.assertEqual(slow.state, runs_api.STEP_STATE_SUCCEEDED)
        self.assertEqual([attempt.number for attempt in slow.attempts], [1, 2])

    def test_a_queued_or_just_begun_run_is_cancelled(self):
        run = self.caller.submit_slow()
        self.assertTrue(self.caller.jobs("CancelRun", run_id=run.id, reason="a slip").run.cancel_requested)
        run = self.caller.ended(run.id)
        self.assertEqual(run.state, CANCELLED)
        self.assertTrue(run.HasField("ended_at"))
        self.assertFalse([step for step in run.steps if step.state not in STEP_FINAL])


class Failing(Case):
    def test_a_failed_run_says_why_and_a_retry_tries_only_what_failed(self):
        run = self.caller.ended(self.caller.submit(job="failing").id)
        self.assertEqual((run.state, run.failure), (FAILED, runs_api.FAILURE_KIND_QUERY), run.reason)
        self.assertIn("testing.failing", run.reason)
        found = steps(run)
        self.assertEqual(found["testing.failing"].state, runs_api.STEP_STATE_FAILED)
        self.assertEqual(found["testing.failing"].attempts[-1].failure, runs_api.FAILURE_KIND_QUERY)
        self.assertNotEqual(found["testing.failing"].attempts[-1].reason, "")
        self.assertEqual(found["testing.behind"].state, runs_api.STEP_STATE_SKIPPED)
        self.assertIn("testing.failing", found["testing.behind"].after)
        self.assertEqual(run.steps_done, run.steps_total)

        self.caller.jobs("RetryRun", run_id=run.id)
        again = self.caller.ended(run.id)
        self.assertEqual((again.id, again.state, again.retries), (run.id, FAILED, 1))
        self.assertEqual(steps(again)["testing.counted"], found["testing.counted"])
        self.assertEqual([attempt.number for attempt in steps(again)["testing.failing"].attempts], [1, 2])

    def test_a_broken_check_is_a_failure_of_its_own_kind(self):
        run = self.caller.ended(self.caller.submit(models=models("testing.unlawful")).id)
        self.assertEqual((run.state, run.failure), (FAILED, runs_api.FAILURE_KIND_CHECK))
        self.assertFalse(steps(run)["testing.unlawful"].HasField("output"))

    def test_what_takes_longer_than_it_may_is_stopped(self):
        run = self.caller.ended(self.caller.submit(models=models("testing.limited")).id)
        self.assertEqual((run.state, run.failure), (FAILED, runs_api.FAILURE_KIND_TIMEOUT), run.reason)
        limited = steps(run)["testing.limited"]
        self.assertEqual(limited.state, runs_api.STEP_STATE_FAILED)
        self.assertEqual(limited.attempts[-1].failure, runs_api.FAILURE_KIND_TIMEOUT)
        self.assertIn("time_limit", limited.attempts[-1].reason)
        self.eventually("slots given back", lambda: self.slots_used() == 0, SECONDS)

        run = self.caller.ended(self.caller.submit(job="limited", parameters={"threshold": random.random()}).id)
        self.assertEqual((run.state, run.failure), (FAILED, runs_api.FAILURE_KIND_TIMEOUT), run.reason)
        self.assertIn("time_limit", run.reason)
        self.eventually("slots given back", lambda: self.slots_used() == 0, SECONDS)


class Backfilling(Case):
    def test_a_range_becomes_a_run_for_each_unit(self):
        request = {
            "job": "monthly_fleet_performance",
            "start": "2026-01-01",
            "end": "2026-03-01",
            "priority": 5,
            "idempotency_key": self.key(),
        }
        made = self.caller.jobs("Backfill", **request)
        self.assertFalse(made.existed)
        self.assertEqual(len(made.run_ids), 2)
        runs = [self.caller.ended(run_id) for run_id in made.run_ids]
        self.assertEqual([run.state for run in runs], [SUCCEEDED] * 2, [run.reason for run in runs])
        spans = [(run.interval.start, run.interval.end) for run in runs]
        self.assertEqual(
            spans, [(day("2026-01-01"), day("2026-02-01")), (day("2026-02-01"), day("2026-03-01"))]
        )
        for run in runs:
            self.assertEqual((run.origin, run.backfill_id), (runs_api.RUN_ORIGIN_BACKFILL, made.backfill_id))
            self.assertEqual((run.job, run.priority, run.submitted_by), (request["job"], 5, self.caller.user))
        # One at once where nothing else is said.
        self.assertLessEqual(runs[0].ended_at.ToNanoseconds(), runs[1].started_at.ToNanoseconds())
        listed = self.caller.jobs("ListRuns", backfill_id=made.backfill_id).runs
        self.assertEqual({run.id for run in listed}, set(made.run_ids))
        again = self.caller.jobs("Backfill", **request)
        self.assertTrue(again.existed)
        self.assertEqual((again.backfill_id, again.run_ids), (made.backfill_id, made.run_ids))

    def test_units_are_days_weeks_or_months(self):
        for unit, start, end, count in [
            (catalog_api.INTERVAL_UNIT_DAY, "2026-01-30", "2026-02-02", 3),
            (catalog_api.INTERVAL_UNIT_WEEK, "2026-01-26", "2026-02-09", 2),
            (catalog_api.INTERVAL_UNIT_MONTH, "2026-02-01", "2026-03-01", 1),
        ]:
            with self.subTest(unit):
                made = self.caller.jobs(
                    "Backfill", job="monthly_fleet_performance", start=start, end=end, unit=unit, parallelism=2
                )
                self.assertEqual(len(made.run_ids), count)
                for run_id in made.run_ids:
                    self.assertEqual(self.caller.ended(run_id).state, SUCCEEDED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
