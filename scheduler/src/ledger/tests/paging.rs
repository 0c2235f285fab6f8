use std::collections::BTreeSet;

use super::*;

on_both! {
    async fn pages_neither_repeat_nor_miss_a_run_while_new_ones_arrive(fixture: Fixture) {
        let mut before = BTreeSet::new();
        for number in 0..50 {
            // Seven at a time were submitted in the same microsecond.
            before.insert(fixture.submit(request("ada"), number / 7).await.id);
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = fixture.ledger.list(&RunFilter::default(), 8, after).await.unwrap();
            seen.extend(page.runs);
            fixture.submit(request("grace"), 100).await;
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(seen.len(), 50);
        assert_eq!(seen.iter().map(|run| run.id).collect::<BTreeSet<_>>(), before);
        assert!(seen.is_sorted_by(|left, right| (left.submitted_at, left.id) > (right.submitted_at, right.id)));
    }

    async fn a_page_that_holds_all_is_the_last(fixture: Fixture) {
        for second in 0..4 {
            fixture.submit(request("ada"), second).await;
        }
        assert_eq!(fixture.ledger.list(&RunFilter::default(), 4, None).await.unwrap().next, None);
        assert!(fixture.ledger.list(&RunFilter::default(), 3, None).await.unwrap().next.is_some());
        assert_eq!(fixture.ledger.list(&RunFilter::default(), u32::MAX, None).await.unwrap().runs.len(), 4);
        let error = fixture.ledger.list(&RunFilter::default(), 0, None).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }

    async fn filters_restrict_together(fixture: Fixture) {
        let fence = fixture.leader().await;
        let weekly = || NewRun { job: Some("weekly".to_owned()), ..request("ada") };
        let first = fixture.submit(request("ada"), 1).await.id;
        let second = fixture.submit(weekly(), 2).await.id;
        let third = fixture.submit(request("grace"), 3).await.id;
        let fourth = fixture.submit(NewRun { submitted_by: "grace".to_owned(), ..weekly() }, 4).await.id;
        fixture.ledger.start_run(&fence, second, at(5)).await.unwrap();
        fixture.ledger.request_cancel(third, "ada", "no", at(5)).await.unwrap();

        let all = RunFilter::default;
        let (queued, running, cancelled) = (RunState::Queued, RunState::Running, RunState::Cancelled);
        let cases = [
            (all(), vec![fourth, third, second, first]),
            (RunFilter { job: Some("weekly".to_owned()), ..all() }, vec![fourth, second]),
            (RunFilter { submitted_by: Some("grace".to_owned()), ..all() }, vec![fourth, third]),
            (RunFilter { states: vec![queued], ..all() }, vec![fourth, first]),
            (RunFilter { states: vec![running, cancelled], ..all() }, vec![third, second]),
            (RunFilter { since: Some(at(2)), until: Some(at(4)), ..all() }, vec![third, second]),
            (
                RunFilter {
                    job: Some("weekly".to_owned()),
                    submitted_by: Some("ada".to_owned()),
                    backfill: None,
                    states: vec![running],
                    since: Some(at(0)),
                    until: Some(at(9)),
                },
                vec![second],
            ),
            (RunFilter { job: Some("' or true --".to_owned()), ..all() }, vec![]),
        ];
        for (filter, expected) in cases {
            let page = fixture.ledger.list(&filter, 10, None).await.unwrap();
            assert_eq!(page.runs.iter().map(|run| run.id).collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }
}
