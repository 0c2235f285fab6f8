use super::*;

on_both! {
    async fn a_run_is_read_whole(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        assert_eq!(ledger.whole(RunId::new(at(0))).await.unwrap(), None);
        let run = fixture.started(&fence, &[]).await.id;
        let steps = [
            PlannedStep { name: "source.flights".into(), position: 0, kind: StepKind::Ingest, after: Vec::new() },
            PlannedStep {
                name: "operations.utilization".into(),
                position: 1,
                kind: StepKind::Model,
                after: vec!["source.flights".into()],
            },
        ];
        ledger.plan_steps(&fence, run, &steps, at(1)).await.unwrap();
        for (second, step) in (2..).zip(["source.flights", "operations.utilization"]) {
            let inputs = vec![version("source.tails", second), version("source.flights", 4)];
            ledger.start_step(&fence, run, step, FIRST, at(second as i64)).await.unwrap();
            let end = StepEnd { inputs, ..end(StepOutcome::Succeeded) };
            ledger.finish_step(&fence, run, step, &end, at(second as i64)).await.unwrap();
        }
        let whole = ledger.whole(run).await.unwrap().unwrap();
        assert_eq!(whole.run, ledger.get(run).await.unwrap().unwrap());
        assert_eq!(whole.steps, ledger.steps(run).await.unwrap());
        assert_eq!(whole.attempts, ledger.attempts(run).await.unwrap());
        let told: Vec<_> = whole.steps.iter().map(|step| (step.name.as_str(), step.kind, step.after.len())).collect();
        assert_eq!(told, [("source.flights", StepKind::Ingest, 0), ("operations.utilization", StepKind::Model, 1)]);
        let read: Vec<_> = whole.inputs.iter().map(|(step, input)| (step.as_str(), input.version)).collect();
        let (first, second) = ("operations.utilization", "source.flights");
        assert_eq!(read, [(first, 4), (first, 3), (second, 4), (second, 2)]);
    }

    async fn what_is_read_whole_is_of_one_moment(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let run = fixture.started(&fence, &["a"]).await;
        let (writer, fence, id) = (ledger.clone(), fence, run.id);
        let writing = tokio::spawn(async move {
            for _ in 0..50 {
                writer.start_step(&fence, id, "a", FIRST, at(2)).await.unwrap();
                writer.fail_attempt(&fence, id, "a", FailureKind::Cluster, "lost", at(3)).await.unwrap();
            }
        });
        while !writing.is_finished() {
            let whole = ledger.whole(run.id).await.unwrap().unwrap();
            let open = whole.attempts.iter().filter(|attempt| attempt.ended_at.is_none()).count() as u64;
            let attempts = whole.attempts.len() as u64;
            assert_eq!(whole.run.version, 3 + 2 * attempts - open);
            assert_eq!((whole.steps[0].attempts, whole.steps[0].state == StepState::Running), (attempts, open == 1));
        }
        writing.await.unwrap();
    }

    async fn runs_are_tallied_together(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let waiting = fixture.submit(request("ada"), 0).await.id;
        let first = fixture.started(&fence, &["a", "b", "c"]).await.id;
        let second = fixture.started(&fence, &["a"]).await.id;
        for step in ["a", "b"] {
            ledger.start_step(&fence, first, step, FIRST, at(2)).await.unwrap();
            let end = StepEnd { rows: 3, bytes: 50, ..end(StepOutcome::Succeeded) };
            ledger.finish_step(&fence, first, step, &end, at(2)).await.unwrap();
        }
        let tallies = ledger.tallies(&[waiting, first, second]).await.unwrap();
        let expected = [
            (first, Tally { steps: 3, steps_ended: 2, rows: 6, bytes: 100 }),
            (second, Tally { steps: 1, ..Tally::default() }),
        ];
        assert_eq!(tallies, BTreeMap::from(expected));
        assert!(ledger.tallies(&[]).await.unwrap().is_empty());
    }
}
