"""The catalogue's jobs and their schedules, and where tables came from."""

import json
import os
import unittest
import uuid
from datetime import datetime, timezone
from pathlib import Path

from service import SUCCEEDED, Caller, Case, catalog_api, steps

INGESTION, MONTHLY, WEEKLY = "daily_data_ingestion", "monthly_fleet_performance", "weekly_reliability_analysis"


class Jobs(Case):
    def test_all_jobs_are_listed_by_name(self):
        jobs = self.caller.jobs("ListJobs").jobs
        names = [job.name for job in jobs]
        self.assertEqual(names, sorted(names))
        self.assertLessEqual({INGESTION, MONTHLY, WEEKLY, "slow", "failing"}, set(names))
        by_name = {job.name: job for job in jobs}
        self.assertTrue(by_name[INGESTION].ingest)
        self.assertFalse(by_name[MONTHLY].ingest)
        self.assertEqual(by_name[MONTHLY].default_interval, catalog_api.INTERVAL_UNIT_MONTH)
        self.assertFalse(by_name["slow"].HasField("schedule"))
        for job in jobs:
            self.assertNotEqual(job.description, "")
            self.assertLess(0, job.running_max)

    def test_a_job_comes_with_its_models_each_after_what_it_reads(self):
        answer = self.caller.jobs("GetJob", job=WEEKLY)
        place = {model.name: position for position, model in enumerate(answer.models)}
        self.assertLess(set(answer.job.models), set(place))
        for model in answer.models:
            self.assertNotEqual((model.description, model.grain), ("", ""))
            for name in model.inputs:
                if not name.startswith(("source.", "ledger.")):
                    self.assertLess(place[name], place[model.name], f"{model.name} reads {name}")

    def test_a_model_is_told_as_its_header_says(self):
        by_name = {model.name: model for model in self.caller.jobs("GetJob", job=MONTHLY).models}
        model = by_name["operations.utilization"]
        self.assertEqual(list(model.key), ["month", "tail"])
        self.assertEqual((model.partition, model.unit), ("month", catalog_api.INTERVAL_UNIT_MONTH))
        self.assertEqual((model.materialisation, model.publish), (catalog_api.MATERIALISATION_PARTITION, True))
        self.assertEqual(list(model.inputs), ["staging.stg_utilization"])
        view = by_name["staging.stg_utilization"]
        self.assertEqual((view.materialisation, view.partition), (catalog_api.MATERIALISATION_VIEW, ""))
        self.assertEqual(list(view.inputs), ["source.utilization"])
        [slow] = [model for model in self.caller.jobs("GetJob", job="slow").models if model.name == "testing.slow"]
        self.assertEqual([(it.name, it.default_value) for it in slow.parameters], [("threshold", 0.5)])


class Schedules(Case):
    def setUp(self):
        super().setUp()
        self.caller.jobs("ResumeSchedule", job=MONTHLY)
        self.addCleanup(self.caller.jobs, "PauseSchedule", job=MONTHLY)

    def schedule(self):
        return self.caller.jobs("GetJob", job=MONTHLY).job.schedule

    def test_the_next_five_firings_are_told(self):
        schedule = self.schedule()
        self.assertEqual((schedule.cron, schedule.time_zone, schedule.paused), ("0 6 1 * *", "UTC", False))
        self.assertNotEqual(schedule.overlap, catalog_api.OVERLAP_POLICY_UNSPECIFIED)
        self.assertNotEqual(schedule.catch_up, catalog_api.CATCH_UP_POLICY_UNSPECIFIED)
        firings = [firing.ToDatetime() for firing in schedule.next_firings]
        self.assertEqual(len(firings), 5)
        self.assertEqual(firings, sorted(set(firings)))
        for firing in firings:
            self.assertEqual((firing.day, firing.hour, firing.minute, firing.second), (1, 6, 0, 0))
        now = self.caller.cluster("GetClusterInfo").scheduler.clock_at.ToDatetime()
        self.assertLess(now, firings[0])
        self.assertLess((firings[0] - now).days, 32)

    def test_a_paused_schedule_says_who_when_and_why_and_fires_no_more(self):
        before = datetime.now(timezone.utc).timestamp()
        paused = self.caller.jobs("PauseSchedule", job=MONTHLY, reason="hangar closed").job.schedule
        self.assertEqual((paused.paused, paused.paused_by), (True, self.caller.user))
        self.assertEqual(paused.pause_reason, "hangar closed")
        self.assertAlmostEqual(paused.paused_at.ToDatetime(timezone.utc).timestamp(), before, delta=60)
        self.assertEqual(list(paused.next_firings), [])
        self.assertEqual(self.schedule(), paused)
        [listed] = [job for job in self.caller.jobs("ListJobs").jobs if job.name == MONTHLY]
        self.assertEqual(listed.schedule, paused)

    def test_pausing_again_changes_only_the_reason(self):
        paused = self.caller.jobs("PauseSchedule", job=MONTHLY, reason="hangar closed").job.schedule
        another = self.as_user(f"user-{uuid.uuid4()}")
        again = another.jobs("PauseSchedule", job=MONTHLY, reason="audit").job.schedule
        self.assertEqual(again.pause_reason, "audit")
        again.pause_reason = paused.pause_reason
        self.assertEqual(again, paused)

    def test_a_resumed_schedule_fires_again(self):
        self.caller.jobs("PauseSchedule", job=MONTHLY, reason="hangar closed")
        resumed = self.caller.jobs("ResumeSchedule", job=MONTHLY).job.schedule
        self.assertEqual((resumed.paused, resumed.paused_by, resumed.pause_reason), (False, "", ""))
        self.assertFalse(resumed.HasField("paused_at"))
        self.assertEqual(len(resumed.next_firings), 5)
        self.assertEqual(self.caller.jobs("ResumeSchedule", job=MONTHLY).job.schedule, resumed)

    def test_a_paused_job_may_still_be_asked_for(self):
        self.caller.jobs("PauseSchedule", job=MONTHLY)
        self.assertEqual(self.caller.ended(self.caller.submit(job=MONTHLY).id).state, SUCCEEDED)


class Lineage(Case):
    """Of tables that runs of the service ingested and computed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with Caller(os.environ["FLEET_FRONT_DOOR"]) as caller:
            for job in [INGESTION, WEEKLY, MONTHLY]:
                run = caller.ended(caller.submit(job=job).id)
                assert run.state == SUCCEEDED, run.reason

    def lineage(self, table: str, **fields):
        return self.caller.jobs("GetLineage", table=table, **fields)

    def test_it_goes_from_a_table_down_to_the_delivered_files(self):
        answer = self.lineage("operations.utilization")
        self.assertEqual(answer.nodes[0].table.table, "operations.utilization")
        self.assertEqual({node.table.table for node in answer.nodes}, {"operations.utilization", "source.utilization"})
        self.assertLess(0, answer.files_total)
        self.assertEqual(len(answer.files), answer.files_total)
        for file in answer.files:
            self.assertEqual(file.source, "utilization")
            self.assertRegex(file.sha256, "^[0-9a-f]{64}$")
            self.assertRegex(file.delivered_on, r"^\d{4}-\d{2}-\d{2}$")
            self.assertIn("utilization/", file.file)
            self.assertTrue(file.size_bytes and file.HasField("ingested_at"))
            ingested_by = self.caller.run(file.run_id)
            self.assertEqual(ingested_by.job, INGESTION)
        places = [(file.source, file.delivered_on, file.file) for file in answer.files]
        self.assertEqual(places, sorted(places))

    def test_a_file_is_named_by_its_url(self):
        files = self.lineage("operations.utilization").files
        self.assertLess(0, len(files))
        for file in files:
            self.assertRegex(file.file, r"^[a-z0-9]+://.*/landing/utilization/\d{4}-\d{2}-\d{2}/utilization-")

    def test_each_table_comes_once_before_its_inputs(self):
        for table in ["reliability.component", "reliability.survival_curve", "reliability.rogue_unit"]:
            with self.subTest(table):
                nodes = self.lineage(table).nodes
                versions = [(node.table.table, node.table.version) for node in nodes]
                self.assertEqual(len(versions), len(set(versions)))
                for position, node in enumerate(nodes):
                    for read in (read for production in node.productions for read in production.inputs):
                        at = versions.index((read.table, read.version))
                        self.assertLess(position, at, f"{node.table.table} reads {read.table}")

    def test_a_production_is_a_step_of_a_run(self):
        for node in self.lineage("operations.utilization").nodes:
            table = node.table
            self.assertTrue(node.productions, table)
            self.assertEqual(node.productions[0].version, table.version, "the latest first")
            for production in node.productions:
                step = steps(self.caller.run(production.run_id))[production.step]
                self.assertEqual((step.output.table, step.output.version), (table.table, production.version))
                self.assertEqual(list(step.inputs), list(production.inputs))
                self.assertTrue(production.HasField("committed_at"))
                self.assertLess(0, production.rows)

    def test_a_production_names_its_partitions(self):
        [node] = [it for it in self.lineage("operations.utilization").nodes if it.table.table.startswith("operations")]
        partitions = [list(production.partitions) for production in node.productions]
        self.assertEqual(sorted(sum(partitions, [])), ["2026-01-01", "2026-02-01"])
        [source] = [it for it in self.lineage("operations.utilization").nodes if it.table.table.startswith("source")]
        months = sorted(month for production in source.productions for month in production.partitions)
        self.assertEqual(months, ["2026-01-01", "2026-02-01"])

    def test_a_production_counts_the_delivered_files_and_the_rows_that_are_in_the_table(self):
        for source in ["alerts", "events", "parts_catalog", "performance", "scheduled_maintenance", "utilization"]:
            answer = self.lineage(f"source.{source}")
            [node] = answer.nodes
            with self.subTest("files", source=source):
                self.assertEqual(sum(production.files for production in node.productions), answer.files_total)
            with self.subTest("rows", source=source):
                kept = sum(file.rows_kept for file in answer.files)
                self.assertEqual(sum(production.rows for production in node.productions), kept)
        [computed, _] = self.lineage("operations.utilization").nodes
        self.assertEqual([production.files for production in computed.productions], [0])

    def test_an_ingest_step_counts_the_rows_and_files_of_the_table(self):
        warehouse = Path(self.caller.cluster("GetClusterInfo").warehouse.removeprefix("file://"))
        for source in ["alerts", "events", "parts_catalog", "performance", "utilization"]:
            answer = self.lineage(f"source.{source}")
            [production] = answer.nodes[0].productions
            step = steps(self.caller.run(production.run_id))[production.step]
            log = warehouse / "source" / source / "_delta_log" / f"{step.output.version:020}.json"
            added = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
            with self.subTest("rows", source=source):
                self.assertEqual(step.progress.rows_written, sum(file.rows_kept for file in answer.files))
            with self.subTest("files", source=source):
                self.assertEqual(step.files, len(added))
            with self.subTest("bytes", source=source):
                self.assertEqual(step.progress.bytes_written, sum(file["size"] for file in added))

    def test_a_file_of_which_no_row_is_in_the_table_is_not_behind_it(self):
        files = self.lineage("source.utilization").files
        self.assertEqual([file.file for file in files if file.rows_kept == 0], [])

    def test_only_so_many_steps_back_are_gone(self):
        nodes = self.lineage("operations.utilization", depth_max=1).nodes
        self.assertIn("operations.utilization", [node.table.table for node in nodes])
        deep = self.lineage("reliability.survival_curve").nodes
        shallow = self.lineage("reliability.survival_curve", depth_max=1).nodes
        self.assertLess(len(shallow), len(deep))

    def test_what_one_run_committed_is_told(self):
        latest = self.lineage("operations.utilization")
        run_id = latest.nodes[0].productions[0].run_id
        self.assertEqual(self.lineage("operations.utilization", run_id=run_id).nodes, latest.nodes)

    def test_an_interval_leaves_only_files_behind_those_days(self):
        # The made-up files hold the day that they are named for, and are delivered later: one of these nine days later.
        files = self.lineage("source.utilization", interval="2026-01-29").files
        names = sorted(Path(file.file).name for file in files)
        self.assertEqual(names, ["utilization-2026-01-29-late.csv", "utilization-2026-01-29.csv"])

    def test_files_come_in_pages(self):
        whole = self.lineage("operations.utilization")
        found, token, pages = [], "", 0
        while pages == 0 or token:
            page = self.lineage("operations.utilization", page_size=3, page_token=token)
            self.assertEqual(bool(page.nodes), pages == 0, "nodes are on the first page only")
            self.assertEqual(page.files_total, whole.files_total)
            self.assertLessEqual(len(page.files), 3)
            found += page.files
            token, pages = page.next_page_token, pages + 1
        self.assertEqual(found, list(whole.files))


if __name__ == "__main__":
    unittest.main(verbosity=2)
