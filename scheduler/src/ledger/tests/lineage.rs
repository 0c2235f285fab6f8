use super::*;

/// A run of one step that ends with this version of `operations.utilization`.
async fn ended(fixture: &Fixture, fence: &Fence, outcome: StepOutcome, output: u64, second: i64) -> RunId {
    let ledger = &fixture.ledger;
    let run = fixture.started(fence, &["operations.utilization"]).await.id;
    ledger.start_step(fence, run, "operations.utilization", at(second)).await.unwrap();
    let end = StepEnd {
        output: Some(version("operations.utilization", output)),
        inputs: vec![
            version("sources.flights", output + 10),
            version("sources.flights", 3),
            version("sources.tails", 0),
        ],
        ..StepEnd::new(outcome)
    };
    ledger.finish_step(fence, run, "operations.utilization", &end, at(second)).await.unwrap();
    run
}

on_both! {
    async fn a_version_leads_to_the_step_that_wrote_it_and_to_its_inputs(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let wrote_4 = ended(&fixture, &fence, StepOutcome::Succeeded, 4, 5).await;
        let found_4 = ended(&fixture, &fence, StepOutcome::UpToDate, 4, 6).await;
        let wrote_5 = ended(&fixture, &fence, StepOutcome::Succeeded, 5, 7).await;
        ended(&fixture, &fence, StepOutcome::Failed, 6, 8).await;

        let runs = |steps: Vec<Step>| steps.into_iter().map(|step| step.run).collect::<Vec<_>>();
        assert_eq!(runs(ledger.producers("operations.utilization", Some(4)).await.unwrap()), [wrote_4, found_4]);
        assert_eq!(runs(ledger.producers("operations.utilization", Some(5)).await.unwrap()), [wrote_5]);
        assert_eq!(runs(ledger.producers("operations.utilization", Some(1)).await.unwrap()), []);
        assert_eq!(runs(ledger.producers("operations.nothing", None).await.unwrap()), []);
        let inputs = ledger.inputs(wrote_4, "operations.utilization").await.unwrap();
        assert_eq!(inputs, [version("sources.flights", 14), version("sources.tails", 0)]);
    }

    async fn the_latest_version_is_one_that_was_committed(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let wrote_5 = ended(&fixture, &fence, StepOutcome::Succeeded, 5, 7).await;
        ended(&fixture, &fence, StepOutcome::Succeeded, 4, 8).await;
        ended(&fixture, &fence, StepOutcome::Failed, 6, 9).await;
        let latest = ledger.producers("operations.utilization", None).await.unwrap();
        assert_eq!(latest.len(), 1);
        assert_eq!((latest[0].run, &latest[0].output), (wrote_5, &Some(version("operations.utilization", 5))));
    }
}
