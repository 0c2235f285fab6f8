use super::*;

on_both! {
    async fn every_write_counts_and_one_that_is_repeated_does_not(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.submit(request("ada"), 0).await.id;
        let version = async || ledger.get(run).await.unwrap().unwrap().version;
        macro_rules! counts_once {
            ($write:expr) => {
                let before = version().await;
                $write.await.unwrap();
                assert_eq!(version().await, before + 1);
                $write.await.unwrap();
                assert_eq!(version().await, before + 1);
            };
        }
        assert_eq!(version().await, 1);
        counts_once!(ledger.start_run(&fence, run, at(1)));
        counts_once!(ledger.plan_steps(&fence, run, &planned(&["a", "b"]), at(1)));
        counts_once!(ledger.plan_steps(&fence, run, &planned(&["a"]), at(1)));
        counts_once!(ledger.start_step(&fence, run, "a", FIRST, at(1)));
        counts_once!(ledger.fail_attempt(&fence, run, "a", FailureKind::Cluster, "lost", at(1)));
        counts_once!(ledger.start_step(&fence, run, "a", FIRST, at(1)));
        counts_once!(ledger.close_lost_attempts(&fence, run, at(1)));
        counts_once!(ledger.request_cancel(run, "ada", "", at(1)));
        counts_once!(ledger.finish_step(&fence, run, "a", &end(StepOutcome::Failed), at(1)));
        counts_once!(ledger.finish_run(&fence, run, RunOutcome::Cancelled, None, None, at(1)));
        counts_once!(ledger.requeue(run, 0, NO_LIMIT));
        counts_once!(ledger.request_cancel(run, "ada", "", at(1)));
    }
}
