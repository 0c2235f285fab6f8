"""Every refusal that the contract promises has its status code, names the field, and says what was expected."""

import math
import unittest
import uuid

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from service import QUEUED, SUCCEEDED, Case, catalog_api, jobs_api, runs_api

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
UNFIT = grpc.StatusCode.FAILED_PRECONDITION

MONTHLY = "monthly_fleet_performance"
DAY_SECONDS = 86_400
NOBODY = "00000000-0000-7000-8000-000000000000"


def models(*names: str):
    return jobs_api.ModelNames(names=names)


class Refusals(Case):
    def refused_by(self, code, rpc: str, *naming: str, **fields):
        with self.subTest(rpc, **fields):
            return self.refused(code, lambda: self.caller.jobs(rpc, **fields), *naming)

    def succeeded(self) -> str:
        """A run that has succeeded."""
        run = self.caller.ended(self.caller.submit(models=models("testing.counted")).id)
        self.assertEqual(run.state, SUCCEEDED, run.reason)
        return run.id


class Jobs(Refusals):
    def test_an_unknown_job_is_not_found_and_the_known_ones_are_named(self):
        self.refused_by(NOT_FOUND, "GetJob", "no_such_job", MONTHLY, "slow", job="no_such_job")
        for rpc in ["PauseSchedule", "ResumeSchedule", "SubmitRun"]:
            self.refused_by(NOT_FOUND, rpc, "no_such_job", job="no_such_job")
        self.refused_by(NOT_FOUND, "Backfill", "no_such_job", job="no_such_job", start="2026-01-01", end="2026-02-01")

    def test_a_job_without_schedule_is_neither_paused_nor_resumed(self):
        for rpc in ["PauseSchedule", "ResumeSchedule"]:
            self.refused_by(UNFIT, rpc, "slow", job="slow")


class Submitting(Refusals):
    def test_no_target_or_an_empty_one_is_invalid(self):
        for target in [{}, {"job": ""}, {"models": models()}]:
            self.refused_by(INVALID, "SubmitRun", **target)

    def test_an_unknown_model_is_not_found(self):
        self.refused_by(NOT_FOUND, "SubmitRun", "testing.absent", models=models("testing.counted", "testing.absent"))

    def test_a_model_that_is_no_table_name_is_refused(self):
        self.refused_by(INVALID, "SubmitRun", "models", models=models("counted"))

    def test_an_interval_that_cannot_be_read_or_is_empty_is_invalid(self):
        empty = ["2026-03-05..2026-03-05", "2026-03-05..2026-03-01"]
        for interval in ["soon", "2026-13", "2026-W54", "2026-02-30", *empty]:
            self.refused_by(INVALID, "SubmitRun", "interval", job=MONTHLY, interval=interval)

    def test_a_parameter_of_no_model_of_the_run_is_invalid(self):
        for parameters in [{"thresholds": 1.0}, {"testing.slow.nothing": 1.0}, {"testing.counted.threshold": 1.0}]:
            self.refused_by(INVALID, "SubmitRun", next(iter(parameters)), job="slow", parameters=parameters)
        self.refused_by(INVALID, "SubmitRun", "threshold", job=MONTHLY, parameters={"threshold": 1.0})

    def test_a_parameter_that_is_not_finite_is_invalid(self):
        for value in [math.nan, math.inf, -math.inf]:
            self.refused_by(INVALID, "SubmitRun", "threshold", job="slow", parameters={"threshold": value})

    def test_a_priority_out_of_range_is_invalid(self):
        for priority in [101, -101, 2**31 - 1, -(2**31)]:
            self.refused_by(INVALID, "SubmitRun", "priority", "100", job=MONTHLY, priority=priority)

    def test_a_key_of_more_than_128_bytes_is_invalid(self):
        # Bytes are counted, not characters.
        for key in ["k" * 129, "é" * 65]:
            self.refused_by(INVALID, "SubmitRun", "idempotency_key", "128", job=MONTHLY, idempotency_key=key)

    def test_a_key_of_another_request_already_exists_and_names_the_run(self):
        key = self.key()
        run = self.caller.submit(models=models("testing.counted"), idempotency_key=key)
        counted = {"models": models("testing.counted"), "idempotency_key": key}
        for other in [
            {"job": MONTHLY, "idempotency_key": key},
            {"models": models("operations.utilization"), "idempotency_key": key},
            {**counted, "interval": "2026-01"},
            {**counted, "priority": 1},
            {**counted, "verify": True},
        ]:
            self.refused_by(EXISTS, "SubmitRun", run.id, **other)
        again = self.caller.jobs("SubmitRun", **counted)
        self.assertEqual((again.run.id, again.existed), (run.id, True))

    def test_nothing_is_queued_by_a_refused_request(self):
        self.refused_by(INVALID, "SubmitRun", job=MONTHLY, priority=101)
        self.assertEqual(len(self.caller.jobs("ListRuns", submitted_by=self.caller.user).runs), 0)


class Backfilling(Refusals):
    def refused_range(self, start: str, end: str, *naming: str, **fields):
        return self.refused_by(INVALID, "Backfill", *naming, job=MONTHLY, start=start, end=end, **fields)

    def test_days_that_cannot_be_read_are_invalid(self):
        self.refused_range("2026-01", "2026-02-01", "start")
        self.refused_range("2026-01-01", "", "end")
        self.refused_range("2026-01-01", "2026-02-30", "end")

    def test_an_empty_range_is_invalid(self):
        self.refused_range("2026-01-01", "2026-01-01")
        self.refused_range("2026-02-01", "2026-01-01")

    def test_a_range_that_is_not_of_whole_units_is_invalid(self):
        self.refused_range("2026-01-02", "2026-03-01", "start")
        self.refused_range("2026-01-01", "2026-02-15", "end")
        # 2026-01-01 is a Thursday.
        self.refused_range("2026-01-01", "2026-01-12", "start", unit=catalog_api.INTERVAL_UNIT_WEEK)

    def test_more_than_4000_units_are_invalid(self):
        self.refused_range("2000-01-01", "2010-12-15", unit=catalog_api.INTERVAL_UNIT_DAY)
        self.refused_range("1600-01-01", "1933-06-01", unit=catalog_api.INTERVAL_UNIT_MONTH)

    def test_an_unknown_unit_is_invalid(self):
        self.refused_range("2026-01-01", "2026-02-01", "unit", unit=99)

    def test_what_is_invalid_in_a_run_is_invalid_in_many(self):
        for field, value in {
            "parameters": {"nothing": 1.0},
            "priority": 101,
            "idempotency_key": "k" * 129,
        }.items():
            self.refused_range("2026-01-01", "2026-02-01", field, **{field: value})

    def test_a_key_of_another_request_already_exists(self):
        key = self.key()
        request = {"job": MONTHLY, "start": "2026-01-01", "end": "2026-02-01", "idempotency_key": key}
        self.caller.jobs("Backfill", **request)
        self.refused_by(EXISTS, "Backfill", **{**request, "end": "2026-03-01"})
        self.assertTrue(self.caller.jobs("Backfill", **request).existed)

    def test_a_key_of_a_submitted_run_already_exists(self):
        key = self.key()
        self.caller.submit(job=MONTHLY, idempotency_key=key)
        self.refused_by(EXISTS, "Backfill", job=MONTHLY, start="2026-01-01", end="2026-02-01", idempotency_key=key)


class Runs(Refusals):
    def of_run(self, code, rpc: str, run_id: str):
        if rpc == "WatchRun":
            with self.subTest(rpc, run_id=run_id):
                return self.refused(code, lambda: list(self.caller.watch(run_id)))
        return self.refused_by(code, rpc, run_id=run_id)

    def test_an_id_that_is_no_uuid_is_invalid(self):
        for rpc in ["GetRun", "WatchRun", "CancelRun", "RetryRun"]:
            for run_id in ["", "7", "no-uuid"]:
                self.of_run(INVALID, rpc, run_id)
        self.refused_by(INVALID, "ListRuns", "backfill_id", backfill_id="7")
        self.refused_by(INVALID, "GetLineage", "run_id", table="operations.utilization", run_id="7")

    def test_an_unknown_run_is_not_found(self):
        for rpc in ["GetRun", "WatchRun", "CancelRun", "RetryRun"]:
            self.of_run(NOT_FOUND, rpc, NOBODY)

    def test_a_succeeded_run_is_neither_cancelled_nor_retried(self):
        run_id = self.succeeded()
        before = self.caller.run(run_id)
        for rpc in ["CancelRun", "RetryRun"]:
            self.of_run(UNFIT, rpc, run_id)
        self.assertEqual(self.caller.run(run_id), before)

    def test_a_failed_run_is_not_cancelled(self):
        run = self.caller.ended(self.caller.submit(job="failing").id)
        self.of_run(UNFIT, "CancelRun", run.id)
        self.assertEqual(self.caller.run(run.id), run)

    def test_a_run_under_way_is_not_retried(self):
        run = self.caller.submit_slow()
        try:
            self.of_run(UNFIT, "RetryRun", run.id)
        finally:
            self.caller.jobs("CancelRun", run_id=run.id)


class Listing(Refusals):
    def test_a_page_token_of_other_filters_or_of_no_list_is_invalid(self):
        for _ in range(2):
            self.caller.submit(models=models("testing.counted"))
        filters = {"submitted_by": self.caller.user}
        token = self.caller.jobs("ListRuns", page_size=1, **filters).next_page_token
        self.assertNotEqual(token, "")
        for other in [
            {"submitted_by": "somebody"},
            {**filters, "job": MONTHLY},
            {**filters, "states": [QUEUED]},
            {**filters, "backfill_id": str(uuid.uuid4())},
            {},
        ]:
            self.refused_by(INVALID, "ListRuns", "page_token", page_token=token, **other)
        for nothing in ["x", token[:-1], token + "0", token.upper() + "!"]:
            self.refused_by(INVALID, "ListRuns", "page_token", page_token=nothing, **filters)

    def test_an_unspecified_or_unknown_state_is_invalid(self):
        for state in [runs_api.RUN_STATE_UNSPECIFIED, 99, -1]:
            self.refused_by(INVALID, "ListRuns", "states", states=[state])

    def test_an_empty_time_range_is_invalid(self):
        for after, before in [(10, 10), (11, 10)]:
            self.refused_by(
                INVALID,
                "ListRuns",
                "submitted",
                submitted_after=Timestamp(seconds=after),
                submitted_before=Timestamp(seconds=before),
            )


class Lineage(Refusals):
    def test_a_table_that_is_not_schema_and_table_is_invalid(self):
        for table in ["", "utilization", "a.b.c"]:
            self.refused_by(INVALID, "GetLineage", "table", table=table)

    def test_a_table_that_was_never_committed_is_not_found(self):
        self.refused_by(NOT_FOUND, "GetLineage", "testing.absent", table="testing.absent")
        run_id = self.succeeded()
        self.refused_by(NOT_FOUND, "GetLineage", run_id, table="operations.utilization", run_id=run_id)
        self.refused_by(NOT_FOUND, "GetLineage", table="testing.counted", run_id=NOBODY)

    def test_an_interval_that_cannot_be_read_is_invalid(self):
        self.succeeded()
        self.refused_by(INVALID, "GetLineage", "interval", table="testing.counted", interval="soon")

    def test_a_page_token_of_another_request_is_invalid(self):
        self.succeeded()
        self.refused_by(INVALID, "GetLineage", "page_token", table="testing.counted", page_token="x")
        ingested = self.caller.ended(self.caller.submit(job="daily_data_ingestion").id)
        self.assertEqual(ingested.state, SUCCEEDED, ingested.reason)
        token = self.caller.jobs("GetLineage", table="source.flights", page_size=1).next_page_token
        self.assertNotEqual(token, "")
        for other in [
            {"table": "source.utilization"},
            {"table": "source.flights", "interval": "2026-01"},
            {"table": "source.flights", "depth_max": 1},
        ]:
            self.refused_by(INVALID, "GetLineage", "page_token", page_token=token, **other)


class Executors(Refusals):
    def test_an_unknown_executor_is_not_found(self):
        with self.subTest():
            self.refused(NOT_FOUND, lambda: self.caller.cluster("DrainExecutor", executor_id="nobody"), "nobody")

    def test_a_grace_period_out_of_range_is_invalid(self):
        [executor] = self.caller.cluster("ListExecutors").executors
        for seconds, nanos in [(-1, 0), (0, -1), (DAY_SECONDS, 1), (DAY_SECONDS + 1, 0)]:
            with self.subTest(seconds=seconds, nanos=nanos):
                drain = {"executor_id": executor.id, "grace_period": Duration(seconds=seconds, nanos=nanos)}
                self.refused(INVALID, lambda drain=drain: self.caller.cluster("DrainExecutor", **drain), "grace_period")
        [after] = self.caller.cluster("ListExecutors").executors
        self.assertEqual(after.state, executor.state)


if __name__ == "__main__":
    unittest.main(verbosity=2)
