use super::*;

/// A run of which `a` succeeded and `b` failed at its second attempt, before `c`.
async fn failed(fixture: &Fixture, fence: &Fence) -> Run {
    let ledger = &fixture.ledger;
    let run = fixture.started(fence, &["a", "b", "c"]).await.id;
    let succeeded = StepEnd {
        inputs: vec![version("source.flights", 3)],
        output: Some(version("a", 7)),
        rows: 9,
        ..end(StepOutcome::Succeeded)
    };
    let failed = StepEnd { inputs: vec![version("a", 7)], rows: 5, ..end(StepOutcome::Failed) };
    ledger.start_step(fence, run, "a", FIRST, at(2)).await.unwrap();
    ledger.finish_step(fence, run, "a", &succeeded, at(3)).await.unwrap();
    ledger.start_step(fence, run, "b", FIRST, at(3)).await.unwrap();
    ledger.fail_attempt(fence, run, "b", FailureKind::Cluster, "executor lost", at(4)).await.unwrap();
    ledger.start_step(fence, run, "b", FIRST, at(5)).await.unwrap();
    ledger.finish_step(fence, run, "b", &failed, at(6)).await.unwrap();
    ledger.finish_run(fence, run, RunOutcome::Failed, Some(FailureKind::Query), Some("b failed"), at(7)).await.unwrap()
}

on_both! {
    async fn a_failed_run_goes_on_from_the_steps_that_did_not_succeed(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = failed(&fixture, &fence).await;
        let before = ledger.steps(run.id).await.unwrap();
        let queued = ledger.requeue(run.id, 0, NO_LIMIT).await.unwrap();
        let expected = Run {
            version: run.version + 1,
            state: RunState::Queued,
            retries: 1,
            reason: None,
            failure: None,
            started_at: None,
            ended_at: None,
            ..run.clone()
        };
        assert_eq!(queued, expected);
        assert_eq!(ledger.queued().await.unwrap()[0].id, run.id);

        let steps = ledger.steps(run.id).await.unwrap();
        assert_eq!(steps[0], before[0]);
        for step in &steps[1..] {
            assert_eq!((step.state, step.rows, step.ended_at, &step.reason), (StepState::Pending, 0, None, &None));
            assert_eq!((&step.failure, &step.output), (&None, &None));
        }
        let inputs = ledger.whole(run.id).await.unwrap().unwrap().inputs;
        assert_eq!(inputs, [("a".to_owned(), version("source.flights", 3))]);

        let started = ledger.start_run(&fence, run.id, at(20)).await.unwrap();
        assert_eq!((started.started_at, started.submitted_at), (Some(at(20)), run.submitted_at));
        let steps = ledger.plan_steps(&fence, run.id, &planned(&["a", "b", "d"]), at(20)).await.unwrap();
        let states: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.state)).collect();
        let (pending, skipped) = (StepState::Pending, StepState::Skipped);
        assert_eq!(states, [("a", StepState::Succeeded), ("b", pending), ("c", skipped), ("d", pending)]);
        assert_eq!(ledger.start_step(&fence, run.id, "b", FIRST, at(21)).await.unwrap().number, 3);
    }

    async fn a_cancelled_run_can_be_taken_up_again(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.submit(request("ada"), 0).await.id;
        ledger.request_cancel(run, "grace", "by mistake", at(1)).await.unwrap();
        let queued = ledger.requeue(run, 0, NO_LIMIT).await.unwrap();
        assert_eq!((queued.state, queued.cancel_requested, queued.cancelled_by), (RunState::Queued, false, None));
        let started = ledger.start_run(&fence, run, at(3)).await.unwrap();
        ledger.finish_run(&fence, run, RunOutcome::Cancelled, None, None, at(4)).await.unwrap();
        assert_eq!(started.retries, 1);
        assert_eq!(ledger.requeue(run, 1, NO_LIMIT).await.unwrap().retries, 2);
    }

    async fn a_retry_that_is_repeated_is_one(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = failed(&fixture, &fence).await.id;
        let queued = ledger.requeue(run, 0, 1).await.unwrap();
        assert_eq!(ledger.requeue(run, 0, 1).await.unwrap(), queued);
        let again = ledger.requeue(run, 1, NO_LIMIT).await.map(drop);
        ledger.start_run(&fence, run, at(9)).await.unwrap();
        let begun = ledger.requeue(run, 0, NO_LIMIT).await.map(drop);
        ledger.finish_run(&fence, run, RunOutcome::Cancelled, None, None, at(10)).await.unwrap();
        let late = ledger.requeue(run, 0, NO_LIMIT).await.map(drop);
        let succeeded = fixture.started(&fence, &[]).await.id;
        ledger.finish_run(&fence, succeeded, RunOutcome::Succeeded, None, None, at(10)).await.unwrap();
        let succeeded = ledger.requeue(succeeded, 0, NO_LIMIT).await.map(drop);
        for refusal in [again, begun, late, succeeded] {
            assert!(matches!(refusal, Err(Error::Conflict { .. })), "{refusal:?}");
        }
        let unknown = ledger.requeue(RunId::new(at(0)), 0, NO_LIMIT).await.unwrap_err();
        assert!(matches!(unknown, Error::NotFound { .. }), "{unknown}");
    }

    async fn a_full_queue_takes_no_retry(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = failed(&fixture, &fence).await;
        let waiting = fixture.submit(request("ada"), 8).await.id;
        let error = ledger.requeue(run.id, 0, 1).await.unwrap_err();
        assert!(matches!(error, Error::QueueFull { limit: 1, queued: 1 }), "{error}");
        assert_eq!(ledger.get(run.id).await.unwrap(), Some(run.clone()));
        ledger.start_run(&fence, waiting, at(9)).await.unwrap();
        ledger.requeue(run.id, 0, 1).await.unwrap();
    }
}
