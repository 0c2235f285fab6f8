use tokio::join;

use super::*;

fn states(steps: &[Step]) -> Vec<(&str, StepState)> {
    steps.iter().map(|step| (step.name.as_str(), step.state)).collect()
}

on_both! {
    async fn a_run_goes_from_the_queue_to_its_end(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a", "b"]).await;
        assert_eq!((run.state, run.started_at), (RunState::Running, Some(at(1))));
        assert_eq!(ledger.queued().await.unwrap(), []);
        assert_eq!(ledger.running(at(1)).await.unwrap(), std::slice::from_ref(&run));

        let attempt = ledger.start_step(&fence, run.id, "a", FIRST, at(2)).await.unwrap();
        assert_eq!((attempt.number, attempt.started_at, attempt.outcome), (1, at(2), None));
        let mut written = end(StepOutcome::Succeeded);
        (written.rows, written.bytes, written.partitions, written.files) = (12, 3_400, 5, 6);
        (written.verified, written.published_rows) = (true, Some(11));
        let step = ledger.finish_step(&fence, run.id, "a", &written, at(4)).await.unwrap();
        assert_eq!((step.rows, step.bytes, step.partitions, step.files, step.attempts), (12, 3_400, 5, 6, 1));
        assert_eq!((step.verified, step.published_rows), (true, Some(11)));
        assert_eq!((step.started_at, step.ended_at), (Some(at(2)), Some(at(4))));

        let early = ledger.finish_run(&fence, run.id, RunOutcome::Succeeded, None, None, at(5)).await.unwrap_err();
        assert!(matches!(early, Error::Conflict { .. }) && early.to_string().contains("\"b\" is pending"), "{early}");
        ledger.finish_step(&fence, run.id, "b", &end(StepOutcome::UpToDate), at(5)).await.unwrap();
        let ended = ledger.finish_run(&fence, run.id, RunOutcome::Succeeded, None, None, at(6)).await.unwrap();
        assert_eq!((ended.state, ended.ended_at), (RunState::Succeeded, Some(at(6))));
        assert_eq!(ledger.get(run.id).await.unwrap().unwrap(), ended);
        assert_eq!(ledger.running(at(6)).await.unwrap(), []);
        let attempts = ledger.attempts(run.id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!((attempts[0].ended_at, attempts[0].outcome), (Some(at(4)), Some(AttemptOutcome::Succeeded)));
    }

    async fn a_new_leader_goes_on_behind_the_last_step_that_ended(fixture: Fixture) {
        let (ledger, first) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&first, &["a", "b", "c"]).await.id;
        ledger.start_step(&first, run, "a", FIRST, at(2)).await.unwrap();
        let done = ledger.finish_step(&first, run, "a", &end(StepOutcome::Succeeded), at(3)).await.unwrap();
        ledger.start_step(&first, run, "b", FIRST, at(4)).await.unwrap();

        let second = ledger.acquire_or_renew(LEADER, "second", at(20), TTL).await.unwrap().unwrap().fence();
        assert_eq!(ledger.running(at(20)).await.unwrap()[0].id, run);
        assert_eq!(ledger.close_lost_attempts(&second, run, at(21)).await.unwrap(), 1);
        assert_eq!(ledger.close_lost_attempts(&second, run, at(22)).await.unwrap(), 0);
        let steps = ledger.plan_steps(&second, run, &planned(&["a", "b", "c"]), at(22)).await.unwrap();
        let pending = StepState::Pending;
        assert_eq!(states(&steps), [("a", StepState::Succeeded), ("b", pending), ("c", pending)]);
        assert_eq!(steps[0], done);
        assert_eq!(ledger.start_step(&second, run, "b", FIRST, at(23)).await.unwrap().number, 2);
        let lost = &ledger.attempts(run).await.unwrap()[1];
        assert_eq!((lost.step.as_str(), lost.number, lost.ended_at), ("b", 1, Some(at(21))));
        assert_eq!((lost.outcome, lost.failure), (Some(AttemptOutcome::Lost), Some(FailureKind::Leader)));
        assert_eq!(lost.reason.as_deref(), Some("the scheduler stopped"));
    }

    async fn a_step_that_failed_is_tried_again(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await.id;
        ledger.start_step(&fence, run, "a", FIRST, at(2)).await.unwrap();
        let (lost, cluster) = ("executor lost\0", FailureKind::Cluster);
        let step = ledger.fail_attempt(&fence, run, "a", cluster, lost, at(3)).await.unwrap();
        assert_eq!((step.state, step.reason.as_deref()), (StepState::BackingOff, Some("executor lost\u{fffd}")));
        assert_eq!(step.failure, Some(FailureKind::Cluster));
        let again = ledger.fail_attempt(&fence, run, "a", cluster, lost, at(4)).await.unwrap();
        assert_eq!(again, step);
        let error = ledger.fail_attempt(&fence, run, "a", FailureKind::Cluster, "again", at(3)).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert_eq!(ledger.start_step(&fence, run, "a", FIRST, at(4)).await.unwrap().number, 2);
        let step = &ledger.steps(run).await.unwrap()[0];
        assert_eq!((step.state, &step.failure, &step.reason), (StepState::Running, &None, &None));
        let failed = end(StepOutcome::Failed).because("x".repeat(1_000_000));
        let step = ledger.finish_step(&fence, run, "a", &failed, at(5)).await.unwrap();
        assert_eq!((step.state, step.attempts, step.started_at), (StepState::Failed, 2, Some(at(2))));
        assert_eq!(step.reason.unwrap().len(), 4_000);
        let attempts = ledger.attempts(run).await.unwrap();
        let ends: Vec<_> = attempts.iter().map(|it| (it.outcome.unwrap(), it.failure.unwrap())).collect();
        let failed = AttemptOutcome::Failed;
        assert_eq!(ends, [(failed, FailureKind::Cluster), (failed, FailureKind::Query)]);
        let failure = Some(FailureKind::Query);
        let reason = Some("step a failed");
        let run = ledger.finish_run(&fence, run, RunOutcome::Failed, failure, reason, at(6)).await.unwrap();
        assert_eq!((run.state, run.failure, run.reason.as_deref()), (RunState::Failed, failure, Some("step a failed")));
    }

    async fn a_step_that_backs_off_can_end_and_ends_with_its_run(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a", "b"]).await.id;
        for step in ["a", "b"] {
            ledger.start_step(&fence, run, step, FIRST, at(2)).await.unwrap();
            ledger.fail_attempt(&fence, run, step, FailureKind::Storage, "refused", at(3)).await.unwrap();
        }
        assert_eq!(ledger.close_lost_attempts(&fence, run, at(4)).await.unwrap(), 0);
        let backing_off = StepState::BackingOff;
        assert_eq!(states(&ledger.steps(run).await.unwrap()), [("a", backing_off), ("b", backing_off)]);
        let early = ledger.finish_step(&fence, run, "a", &end(StepOutcome::Succeeded), at(5)).await.unwrap_err();
        assert!(matches!(early, Error::Conflict { .. }), "{early}");
        ledger.finish_step(&fence, run, "a", &end(StepOutcome::Failed), at(5)).await.unwrap();
        let early = ledger.finish_run(&fence, run, RunOutcome::Succeeded, None, None, at(6)).await.unwrap_err();
        assert!(early.to_string().contains("\"b\" is backing_off"), "{early}");
        ledger.finish_run(&fence, run, RunOutcome::Failed, Some(FailureKind::Query), None, at(6)).await.unwrap();
        let steps = ledger.steps(run).await.unwrap();
        assert_eq!(states(&steps), [("a", StepState::Failed), ("b", StepState::Skipped)]);
        assert_eq!((steps[0].failure, steps[1].failure), (Some(FailureKind::Query), None));
    }

    async fn what_failed_says_how(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await.id;
        let kind = Some(FailureKind::Memory);
        let unkind = [
            ledger.finish_step(&fence, run, "a", &StepEnd::new(StepOutcome::Failed), at(2)).await.map(drop),
            ledger
                .finish_step(&fence, run, "a", &StepEnd { failure: kind, ..end(StepOutcome::Skipped) }, at(2))
                .await
                .map(drop),
            ledger.finish_run(&fence, run, RunOutcome::Failed, None, None, at(2)).await.map(drop),
            ledger.finish_run(&fence, run, RunOutcome::Cancelled, kind, None, at(2)).await.map(drop),
        ];
        for refusal in unkind {
            assert!(matches!(&refusal, Err(Error::Invalid { what, .. }) if what == "failure"), "{refusal:?}");
        }
    }

    async fn an_attempt_is_not_taken_over_from_another_instance(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await.id;
        let attempt = ledger.start_step(&fence, run, "a", FIRST, at(2)).await.unwrap();
        assert_eq!(attempt.instance, FIRST);
        let error = ledger.start_step(&fence, run, "a", "second", at(3)).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        ledger.close_lost_attempts(&fence, run, at(4)).await.unwrap();
        let attempt = ledger.start_step(&fence, run, "a", "second", at(5)).await.unwrap();
        assert_eq!((attempt.number, attempt.instance.as_str()), (2, "second"));
    }

    async fn a_run_that_ends_leaves_nothing_open(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let (failed, cancelled) = (RunOutcome::Failed, RunOutcome::Cancelled);
        for (outcome, state) in [(failed, StepState::Skipped), (cancelled, StepState::Cancelled)] {
            let run = fixture.started(&fence, &["a", "b"]).await.id;
            ledger.start_step(&fence, run, "a", FIRST, at(2)).await.unwrap();
            let failure = Some(FailureKind::Timeout).filter(|_| outcome == failed);
            ledger.finish_run(&fence, run, outcome, failure, None, at(3)).await.unwrap();
            let steps = ledger.steps(run).await.unwrap();
            assert_eq!(states(&steps), [("a", state), ("b", state)]);
            assert!(steps.iter().all(|step| step.ended_at == Some(at(3)) && step.reason.is_some()));
            assert_eq!(ledger.attempts(run).await.unwrap()[0].outcome, Some(AttemptOutcome::Cancelled));
        }
    }

    async fn repeating_an_operation_changes_nothing(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await;
        assert_eq!(ledger.start_run(&fence, run.id, at(9)).await.unwrap(), run);
        let attempt = ledger.start_step(&fence, run.id, "a", FIRST, at(2)).await.unwrap();
        assert_eq!(ledger.start_step(&fence, run.id, "a", FIRST, at(9)).await.unwrap(), attempt);
        let succeeded = end(StepOutcome::Succeeded);
        let step = ledger.finish_step(&fence, run.id, "a", &succeeded, at(3)).await.unwrap();
        assert_eq!(ledger.finish_step(&fence, run.id, "a", &succeeded, at(9)).await.unwrap(), step);
        let ended = ledger.finish_run(&fence, run.id, RunOutcome::Succeeded, None, None, at(4)).await.unwrap();
        assert_eq!(ledger.finish_run(&fence, run.id, RunOutcome::Succeeded, None, None, at(9)).await.unwrap(), ended);
        assert_eq!(ledger.attempts(run.id).await.unwrap().len(), 1);
    }

    async fn what_has_ended_stays_as_it_is(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a", "b"]).await.id;
        let never_started = ledger.finish_step(&fence, run, "b", &end(StepOutcome::Succeeded), at(2)).await;
        ledger.finish_step(&fence, run, "a", &end(StepOutcome::Skipped), at(2)).await.unwrap();
        let started_again = ledger.start_step(&fence, run, "a", FIRST, at(3)).await.map(drop);
        let ended_again = ledger.finish_step(&fence, run, "a", &end(StepOutcome::Failed), at(3)).await.map(drop);
        ledger.finish_run(&fence, run, RunOutcome::Failed, Some(FailureKind::Query), None, at(4)).await.unwrap();
        let conflicts = [
            never_started.map(drop),
            started_again,
            ended_again,
            ledger.start_run(&fence, run, at(5)).await.map(drop),
            ledger.plan_steps(&fence, run, &planned(&["c"]), at(5)).await.map(drop),
            ledger.start_step(&fence, run, "b", FIRST, at(5)).await.map(drop),
            ledger.finish_run(&fence, run, RunOutcome::Cancelled, None, None, at(5)).await.map(drop),
        ];
        for conflict in conflicts {
            assert!(matches!(conflict, Err(Error::Conflict { .. })), "{conflict:?}");
        }
    }

    async fn planning_again_skips_what_is_no_longer_planned(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a", "b", "c"]).await.id;
        ledger.start_step(&fence, run, "a", FIRST, at(2)).await.unwrap();
        ledger.finish_step(&fence, run, "a", &end(StepOutcome::Succeeded), at(2)).await.unwrap();
        let steps = ledger.plan_steps(&fence, run, &planned(&["d", "c"]), at(3)).await.unwrap();
        let (pending, skipped) = (StepState::Pending, StepState::Skipped);
        let mut found = states(&steps);
        found.sort();
        assert_eq!(found, [("a", StepState::Succeeded), ("b", skipped), ("c", pending), ("d", pending)]);
        let twice = ledger.plan_steps(&fence, run, &planned(&["e", "e"]), at(4)).await.unwrap_err();
        assert!(matches!(&twice, Error::Invalid { what, .. } if what.contains('e')), "{twice}");
        let unknown = ledger.start_step(&fence, run, "z", FIRST, at(4)).await.unwrap_err();
        assert!(matches!(&unknown, Error::NotFound { what } if what.contains("\"z\"")), "{unknown}");
    }

    async fn a_run_that_waits_is_cancelled_at_once(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.submit(request("ada"), 0).await.id;
        let cancelled = ledger.request_cancel(run, "ada", "ada asked", at(2)).await.unwrap();
        assert_eq!((cancelled.state, cancelled.ended_at), (RunState::Cancelled, Some(at(2))));
        assert_eq!((cancelled.reason.as_deref(), cancelled.cancelled_by.as_deref()), (Some("ada asked"), Some("ada")));
        assert_eq!(ledger.request_cancel(run, "grace", "again", at(3)).await.unwrap(), cancelled);
        assert_eq!(ledger.queued().await.unwrap(), []);
        let error = ledger.start_run(&fence, run, at(4)).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }) && error.to_string().contains("cancelled"), "{error}");
    }

    async fn a_process_has_its_own_run_to_itself_until_its_lease_expires(fixture: Fixture) {
        let (ledger, leader) = (&fixture.ledger, fixture.leader().await);
        let (run, lease) = ledger.begin_own(request("ada"), at(1), TTL).await.unwrap();
        assert_eq!((run.state, run.started_at), (RunState::Running, Some(at(1))));
        let own = lease.fence();
        ledger.plan_steps(&own, run.id, &planned(&["a", "b"]), at(1)).await.unwrap();
        ledger.start_step(&own, run.id, "a", FIRST, at(2)).await.unwrap();
        assert_eq!(ledger.queued().await.unwrap(), []);
        assert_eq!(ledger.running(at(10)).await.unwrap(), []);
        ledger.acquire_or_renew(&lease.name, &lease.holder, at(10), TTL).await.unwrap().unwrap();
        assert_eq!(ledger.running(at(19)).await.unwrap(), []);

        assert_eq!(ledger.running(at(20)).await.unwrap()[0].id, run.id);
        assert_eq!(ledger.close_lost_attempts(&leader, run.id, at(20)).await.unwrap(), 1);
        let late = ledger.finish_step(&own, run.id, "a", &end(StepOutcome::Succeeded), at(21)).await.unwrap_err();
        assert!(matches!(late, Error::Fenced { .. }), "{late}");
        ledger.start_step(&leader, run.id, "a", FIRST, at(22)).await.unwrap();
        assert_eq!(ledger.running(at(23)).await.unwrap()[0].id, run.id);
    }

    async fn a_run_that_runs_is_cancelled_by_its_leader(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await.id;
        let asked = ledger.request_cancel(run, "ada", "ada asked", at(2)).await.unwrap();
        assert_eq!((asked.state, asked.cancel_requested, asked.ended_at), (RunState::Running, true, None));
        assert_eq!(ledger.request_cancel(run, "grace", "again", at(3)).await.unwrap(), asked);
        assert!(ledger.running(at(2)).await.unwrap()[0].cancel_requested);
        let ended = ledger.finish_run(&fence, run, RunOutcome::Cancelled, None, None, at(3)).await.unwrap();
        assert_eq!((ended.state, ended.reason.as_deref()), (RunState::Cancelled, Some("ada asked")));
        assert_eq!(ledger.request_cancel(run, "ada", "again", at(4)).await.unwrap(), ended);
    }

    async fn a_wish_that_comes_too_late_is_no_reason(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &[]).await.id;
        ledger.request_cancel(run, "ada", "ada asked", at(2)).await.unwrap();
        let ended = ledger.finish_run(&fence, run, RunOutcome::Succeeded, None, None, at(3)).await.unwrap();
        assert_eq!((ended.state, ended.reason), (RunState::Succeeded, None));
    }

    async fn starting_and_cancelling_at_once_do_not_both_succeed(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        for _ in 0..20 {
            let run = fixture.submit(request("ada"), 0).await.id;
            let (started, cancelled) =
                join!(ledger.start_run(&fence, run, at(1)), ledger.request_cancel(run, "ada", "ada asked", at(1)));
            let (cancelled, found) = (cancelled.unwrap(), ledger.get(run).await.unwrap().unwrap());
            assert!(found.cancel_requested);
            let expected = if started.is_ok() { RunState::Running } else { RunState::Cancelled };
            assert_eq!((found.state, cancelled.state), (expected, expected));
        }
    }
}
