use std::time::Instant;

use tokio::task::JoinSet;

use super::*;

/// The most that a backfill may have, which the issue on the job service wants queued in 2 s.
const RUNS_MAX: i64 = 4_000;
const SECONDS_MAX: u64 = 2;
const DAY_SECONDS: i64 = 86_400;

fn day(number: i64) -> Interval {
    Interval { start: at(number * DAY_SECONDS), end: at((number + 1) * DAY_SECONDS) }
}

fn days(count: i64, parallelism: u32) -> NewBackfill {
    NewBackfill {
        job: "daily".to_owned(),
        models: vec!["operations.utilization".to_owned()],
        ingest: true,
        intervals: (0..count).map(day).collect(),
        parallelism,
        parameters: BTreeMap::from([("window".to_owned(), 0.1)]),
        priority: 3,
        submitted_by: "ada".to_owned(),
        idempotency_key: None,
    }
}

fn keyed(key: &str) -> NewBackfill {
    NewBackfill { idempotency_key: Some(key.to_owned()), ..days(3, 1) }
}

async fn counts(ledger: &Ledger) -> (u64, u64, u64) {
    let state = ledger.queue_state().await.unwrap();
    assert_eq!(state.queued_by_submitter.values().sum::<u64>(), state.queued);
    (state.queued, state.held, state.running)
}

on_both! {
    async fn a_backfill_is_a_run_for_each_interval_in_their_order(fixture: Fixture) {
        let mut new = days(5, 2);
        new.intervals.reverse();
        let backfilled = fixture.ledger.backfill(new, NO_LIMIT, at(9)).await.unwrap();
        assert!(!backfilled.existing && backfilled.runs.is_sorted());
        for (number, id) in (0..5).zip(&backfilled.runs) {
            let run = fixture.ledger.get(*id).await.unwrap().unwrap();
            assert_eq!((run.interval, run.origin), (Some(day(number)), Origin::Backfill { id: backfilled.id }));
            assert_eq!((run.job.as_deref(), run.models.len(), run.ingest, run.priority), (Some("daily"), 1, true, 3));
            assert_eq!((run.parameters["window"], run.submitted_at, run.version), (0.1, at(9), 1));
        }
        let filter = RunFilter { backfill: Some(backfilled.id), ..RunFilter::default() };
        fixture.submit(request("ada"), 10).await;
        let mut listed: Vec<_> =
            fixture.ledger.list(&filter, 10, None).await.unwrap().runs.iter().map(|run| run.id).collect();
        listed.reverse();
        assert_eq!(listed, backfilled.runs);
        let queued = fixture.ledger.queued().await.unwrap();
        let limits = Limits { runs_max: 9, job_runs_max: BTreeMap::new() };
        assert_eq!(choose(&queued, &[], &limits)[..2], backfilled.runs[..2]);
        assert_eq!(choose(&queued, &[], &limits).len(), 3);
    }

    async fn four_thousand_runs_are_queued_in_time(fixture: Fixture) {
        let begun = Instant::now();
        let backfilled = fixture.ledger.backfill(days(RUNS_MAX, 4), 4, at(0)).await.unwrap();
        let took = begun.elapsed();
        println!("{RUNS_MAX} runs backfilled in {took:?}");
        assert_eq!(backfilled.runs.len(), RUNS_MAX as usize);
        assert!(took < Duration::from_secs(SECONDS_MAX), "{took:?}");
        assert_eq!(counts(&fixture.ledger).await, (4, RUNS_MAX as u64 - 4, 0));
    }

    async fn what_is_held_back_does_not_count(fixture: Fixture) {
        let (ledger, fence) = (&fixture.ledger, fixture.leader().await);
        let runs = ledger.backfill(days(5, 2), 2, at(0)).await.unwrap().runs;
        assert_eq!(counts(ledger).await, (2, 3, 0));
        let full = ledger.submit(request("grace"), 2, at(1)).await.map(drop);
        let second = ledger.backfill(days(1, 1), 2, at(1)).await.map(drop);
        for error in [full.unwrap_err(), second.unwrap_err()] {
            assert!(matches!(error, Error::QueueFull { limit: 2, queued: 2 }), "{error}");
        }
        ledger.submit(request("grace"), 3, at(1)).await.unwrap();
        assert_eq!(counts(ledger).await, (3, 3, 0));
        // Those that run take the places of those that wait.
        ledger.start_run(&fence, runs[0], at(2)).await.unwrap();
        assert_eq!(counts(ledger).await, (2, 3, 1));
        ledger.start_run(&fence, runs[1], at(2)).await.unwrap();
        assert_eq!(counts(ledger).await, (1, 3, 2));
        let state = ledger.queue_state().await.unwrap();
        assert_eq!(state.queued_by_submitter, BTreeMap::from([("grace".to_owned(), 1)]));
        // One that is retried is held back as well, and needs no place in the queue.
        ledger.finish_run(&fence, runs[0], RunOutcome::Cancelled, None, None, at(3)).await.unwrap();
        assert_eq!(counts(ledger).await, (2, 2, 1));
        ledger.requeue(runs[0], 0, 2).await.unwrap();
        assert_eq!(counts(ledger).await, (2, 3, 1));
    }

    async fn the_same_backfill_with_the_same_key_is_one(fixture: Fixture) {
        let mut clients = JoinSet::new();
        for _ in 0..10 {
            let ledger = fixture.ledger.clone();
            clients.spawn(async move { ledger.backfill(keyed("k"), 1, at(1)).await.unwrap() });
        }
        let answers = clients.join_all().await;
        assert_eq!(answers.iter().filter(|answer| !answer.existing).count(), 1);
        assert!(answers.iter().all(|answer| (answer.id, &answer.runs) == (answers[0].id, &answers[0].runs)));
        assert_eq!(fixture.ledger.queued().await.unwrap().len(), 3);
        let others = [
            NewBackfill { job: "weekly".to_owned(), ..keyed("k") },
            NewBackfill { models: Vec::new(), ..keyed("k") },
            NewBackfill { ingest: false, ..keyed("k") },
            NewBackfill { intervals: vec![day(0), day(1)], ..keyed("k") },
            NewBackfill { parallelism: 2, ..keyed("k") },
            NewBackfill { parameters: BTreeMap::new(), ..keyed("k") },
            NewBackfill { priority: 0, ..keyed("k") },
        ];
        for other in others {
            let error = fixture.ledger.backfill(other, NO_LIMIT, at(2)).await.unwrap_err();
            assert!(matches!(error, Error::Conflict { .. }), "{error}");
            assert!(error.to_string().contains(&answers[0].id.to_string()), "{error}");
        }
        let grace = NewBackfill { submitted_by: "grace".to_owned(), ..keyed("k") };
        assert!(!fixture.ledger.backfill(grace, NO_LIMIT, at(2)).await.unwrap().existing);
    }

    async fn runs_and_backfills_share_their_keys(fixture: Fixture) {
        let backfill = fixture.ledger.backfill(keyed("backfill"), NO_LIMIT, at(1)).await.unwrap().id;
        let run = fixture.submit(with_key("run"), 1).await.id;
        let by_run = fixture.ledger.submit(with_key("backfill"), NO_LIMIT, at(2)).await.unwrap_err();
        assert!(matches!(by_run, Error::Conflict { .. }) && by_run.to_string().contains(&backfill.to_string()));
        let by_backfill = fixture.ledger.backfill(keyed("run"), NO_LIMIT, at(2)).await.unwrap_err();
        assert!(matches!(by_backfill, Error::Conflict { .. }) && by_backfill.to_string().contains(&run.to_string()));
    }

    async fn a_backfill_that_will_not_do_leaves_nothing(fixture: Fixture) {
        let overlapping = Interval { start: day(1).start, end: day(2).end };
        let bad = [
            ("intervals", days(0, 1)),
            ("intervals", days(RUNS_MAX + 1, 1)),
            ("intervals", NewBackfill { intervals: vec![day(2), day(0), overlapping], ..days(1, 1) }),
            ("interval", NewBackfill { intervals: vec![Interval { end: at(0), ..day(0) }], ..days(1, 1) }),
            ("parallelism", days(1, 0)),
            ("parameter \"p\"", NewBackfill { parameters: [("p".to_owned(), f64::INFINITY)].into(), ..days(1, 1) }),
            ("submitted_by", NewBackfill { submitted_by: String::new(), ..days(1, 1) }),
            ("idempotency_key", keyed("")),
            ("job", NewBackfill { job: String::new(), ..days(1, 1) }),
        ];
        for (what, new) in bad {
            let error = fixture.ledger.backfill(new, NO_LIMIT, at(1)).await.unwrap_err();
            assert!(matches!(&error, Error::Invalid { what: named, .. } if named == what), "{error}");
        }
        assert_eq!(fixture.ledger.queued().await.unwrap(), []);
        let none = "select count(*) as backfills from backfill";
        let backfills = fixture.ledger.database.row(sqlx::query(none)).await.unwrap().unwrap();
        assert_eq!(row::count(&backfills, "backfills").unwrap(), 0);
    }
}
