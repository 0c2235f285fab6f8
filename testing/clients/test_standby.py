"""Two schedulers on one ledger: what the one that does not lead, `$FLEET_STANDBY`, answers."""

import os
import unittest

import grpc
from service import Case, cluster_api, jobs_api, metadata_of

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
NOBODY = "00000000-0000-7000-8000-000000000000"

JOB = {"job": "monthly_fleet_performance"}
RUN = {"run_id": NOBODY}
REQUESTS = {
    "ListJobs": {},
    "GetJob": JOB,
    "SubmitRun": JOB,
    "GetRun": RUN,
    "ListRuns": {},
    "CancelRun": RUN,
    "RetryRun": RUN,
    "Backfill": {**JOB, "start": "2026-01-01", "end": "2026-02-01"},
    "PauseSchedule": JOB,
    "ResumeSchedule": JOB,
    "GetLineage": {"table": "operations.utilization"},
}


class Standby(Case):
    def setUp(self):
        super().setUp()
        self.leader = self.caller
        self.address = os.environ["FLEET_STANDBY"]
        self.standby = self.as_user(self.leader.user)

    def test_every_call_is_refused_and_the_leader_named(self):
        calls = {rpc: lambda rpc=rpc: self.standby.jobs(rpc, **REQUESTS[rpc]) for rpc in REQUESTS}
        calls["WatchRun"] = lambda: list(self.standby.watch(NOBODY))
        calls["ListExecutors"] = lambda: self.standby.cluster("ListExecutors")
        calls["DrainExecutor"] = lambda: self.standby.cluster("DrainExecutor", executor_id="nobody")
        rpcs = {rpc.name for rpc in jobs_api.DESCRIPTOR.services_by_name["JobService"].methods}
        rpcs |= {rpc.name for rpc in cluster_api.DESCRIPTOR.services_by_name["ClusterService"].methods}
        self.assertEqual(set(calls) | {"GetClusterInfo"}, rpcs, "none is left out")
        for rpc, call in calls.items():
            with self.subTest(rpc):
                status = self.refused(UNAVAILABLE, call)
                self.assertEqual(metadata_of(status).get("fleet-leader"), os.environ["FLEET_FRONT_DOOR"])
        listed = self.leader.jobs("ListRuns", submitted_by=self.leader.user).runs
        self.assertEqual(len(listed), 0, "nothing was changed")

    def test_it_tells_who_leads(self):
        of_leader, of_standby = (it.cluster("GetClusterInfo") for it in [self.leader, self.standby])
        self.assertTrue(of_leader.HasField("queue"))
        self.assertFalse(of_standby.HasField("queue"))
        self.assertNotEqual(of_standby.scheduler.instance_id, of_leader.scheduler.instance_id)
        self.assertEqual(of_standby.scheduler.catalog_digest, of_leader.scheduler.catalog_digest)
        leader = of_standby.leader
        self.assertEqual(leader.instance_id, of_leader.scheduler.instance_id)
        self.assertEqual((leader.address, leader.epoch), (os.environ["FLEET_FRONT_DOOR"], of_leader.leader.epoch))
        self.assertTrue(leader.HasField("lease_ends_at"))
        self.assertTrue(of_leader.leader.HasField("since"))
        self.assertFalse(leader.HasField("since"))

    def test_a_shared_ledger_is_postgresql(self):
        for caller in [self.leader, self.standby]:
            self.assertEqual(caller.cluster("GetClusterInfo").ledger, cluster_api.LEDGER_KIND_POSTGRESQL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
