use super::*;

/// A run of one step that ends with this version of `operations.utilization`.
async fn ended(fixture: &Fixture, fence: &Fence, outcome: StepOutcome, output: u64, second: i64) -> RunId {
    let ledger = &fixture.ledger;
    let run = fixture.started(fence, &["operations.utilization"]).await.id;
    ledger.start_step(fence, run, "operations.utilization", FIRST, at(second)).await.unwrap();
    let end = StepEnd {
        output: Some(version("operations.utilization", output)),
        inputs: vec![
            version("sources.flights", output + 10),
            version("sources.flights", 3),
            version("sources.tails", 0),
        ],
        ..self::end(outcome)
    };
    ledger.finish_step(fence, run, "operations.utilization", &end, at(second)).await.unwrap();
    run
}

on_both! {
    async fn a_table_leads_to_all_that_committed_it_and_to_what_they_read(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let table = "operations.utilization";
        assert_eq!(ledger.version_of(table, None).await.unwrap(), None);
        let wrote_4 = ended(&fixture, &fence, StepOutcome::Succeeded, 4, 5).await;
        let found_4 = ended(&fixture, &fence, StepOutcome::UpToDate, 4, 6).await;
        // The writer of 5 was lost.
        let found_5 = ended(&fixture, &fence, StepOutcome::UpToDate, 5, 7).await;
        ended(&fixture, &fence, StepOutcome::UpToDate, 5, 8).await;
        let failed = ended(&fixture, &fence, StepOutcome::Failed, 6, 9).await;
        let wrote_7 = ended(&fixture, &fence, StepOutcome::Succeeded, 7, 10).await;

        let all = ledger.productions(table, u64::MAX, 10).await.unwrap();
        let told: Vec<_> = all.iter().map(|production| (production.run, production.version)).collect();
        assert_eq!(told, [(wrote_7, 7), (found_5, 5), (wrote_4, 4)]);
        assert_eq!((all[0].step.as_str(), all[0].committed_at, all[0].files), (table, at(10), 0));
        for (production, version_7) in all.iter().zip([7, 5, 4]) {
            assert_eq!(production.inputs, [version("sources.flights", version_7 + 10), version("sources.tails", 0)]);
        }
        assert_eq!(ledger.productions(table, 6, 10).await.unwrap(), all[1..]);
        assert_eq!(ledger.productions(table, 7, 2).await.unwrap(), all[..2]);
        assert_eq!(ledger.productions(table, 3, 10).await.unwrap(), []);
        assert_eq!(ledger.productions("operations.nothing", 9, 10).await.unwrap(), []);

        assert_eq!(ledger.version_of(table, None).await.unwrap(), Some(7));
        assert_eq!(ledger.version_of(table, Some(found_4)).await.unwrap(), Some(4));
        assert_eq!(ledger.version_of(table, Some(failed)).await.unwrap(), None);
    }
}
