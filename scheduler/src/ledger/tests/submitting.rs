use tokio::task::JoinSet;

use super::*;

fn everything() -> NewRun {
    NewRun {
        job: Some("weekly".to_owned()),
        models: vec!["operations.utilization".to_owned(), "reliability.mtbur".to_owned()],
        ingest: true,
        interval: Some(Interval { start: at(-86_400), end: at(0) }),
        parameters: BTreeMap::from([("Ærø \"Air\"\0".to_owned(), 0.1 + 0.2), ("small".to_owned(), -5e-324)]),
        priority: -7,
        verify: true,
        submitted_by: "ada".to_owned(),
        idempotency_key: Some("k".to_owned()),
        origin: Origin::Submitted,
    }
}

on_both! {
    async fn a_run_is_read_back_as_it_was_submitted(fixture: Fixture) {
        let now = at(1) + TimeDelta::nanoseconds(1_234_567);
        let submitted = fixture.ledger.submit(everything(), NO_LIMIT, now).await.unwrap();
        assert!(!submitted.existing);
        let run = fixture.ledger.get(submitted.run.id).await.unwrap().unwrap();
        assert_eq!(run, submitted.run);
        assert_eq!((run.parameters, run.interval), (everything().parameters, everything().interval));
        assert_eq!((run.origin, run.verify, run.version, run.retries), (Origin::Submitted, true, 1, 0));
        assert_eq!(run.submitted_at, at(1) + TimeDelta::microseconds(1_234));
        assert_eq!((run.state, run.cancel_requested), (RunState::Queued, false));
    }

    async fn a_run_that_is_not_there_is_none(fixture: Fixture) {
        let unknown = RunId::new(at(0));
        assert_eq!(fixture.ledger.get(unknown).await.unwrap(), None);
        assert_eq!(fixture.ledger.steps(unknown).await.unwrap(), []);
        let error = fixture.ledger.request_cancel(unknown, "ada", "no longer needed", at(1)).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(&unknown.to_string()));
    }

    async fn the_same_request_with_the_same_key_is_one_run(fixture: Fixture) {
        let first = fixture.ledger.submit(everything(), 1, at(1)).await.unwrap();
        // The queue is full by now, which does not matter to a request that is in it.
        let second = fixture.ledger.submit(everything(), 1, at(2)).await.unwrap();
        assert!(!first.existing && second.existing);
        assert_eq!(first.run, second.run);
        let other = NewRun { submitted_by: "grace".to_owned(), ..everything() };
        assert_ne!(fixture.submit(other, 3).await.id, first.run.id);
    }

    async fn another_request_with_the_same_key_is_a_conflict(fixture: Fixture) {
        let first = fixture.submit(everything(), 1).await;
        let others = [
            NewRun { job: None, ..everything() },
            NewRun { models: Vec::new(), ..everything() },
            NewRun { ingest: false, ..everything() },
            NewRun { interval: None, ..everything() },
            NewRun { parameters: BTreeMap::new(), ..everything() },
            NewRun { priority: 0, ..everything() },
            NewRun { verify: false, ..everything() },
        ];
        for other in others {
            let error = fixture.ledger.submit(other, NO_LIMIT, at(2)).await.unwrap_err();
            assert!(matches!(error, Error::Conflict { .. }) && !error.is_retriable(), "{error}");
            assert!(error.to_string().contains(&first.id.to_string()), "{error}");
        }
        assert_eq!(fixture.ledger.queued().await.unwrap().len(), 1);
    }

    async fn twenty_clients_with_one_key_get_one_run(fixture: Fixture) {
        // Connections are opened in the first rounds: the later ones are those that collide.
        for round in 0..10 {
            let mut clients = JoinSet::new();
            for _ in 0..20 {
                let (ledger, new) = (fixture.ledger.clone(), with_key(&round.to_string()));
                clients.spawn(async move { ledger.submit(new, NO_LIMIT, at(1)).await.unwrap() });
            }
            let answers = clients.join_all().await;
            assert_eq!(answers.iter().filter(|answer| !answer.existing).count(), 1);
            assert!(answers.iter().all(|answer| answer.run == answers[0].run));
            assert_eq!(fixture.ledger.queued().await.unwrap().len(), round + 1);
        }
    }

    async fn twenty_clients_do_not_overfill_the_queue(fixture: Fixture) {
        let mut clients = JoinSet::new();
        for number in 0..20 {
            let ledger = fixture.ledger.clone();
            clients.spawn(async move { ledger.submit(with_key(&number.to_string()), 7, at(1)).await });
        }
        let answers = clients.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7);
        for error in answers.into_iter().filter_map(|answer| answer.err()) {
            assert!(matches!(error, Error::QueueFull { limit: 7, queued: 7 }) && error.is_retriable(), "{error}");
        }
        // One that starts makes room.
        let fence = fixture.leader().await;
        let waiting = fixture.ledger.queued().await.unwrap()[0].id;
        fixture.ledger.start_run(&fence, waiting, at(2)).await.unwrap();
        fixture.ledger.submit(with_key("later"), 7, at(3)).await.unwrap();
    }

    async fn what_cannot_be_stored_is_named(fixture: Fixture) {
        let bad = [
            ("run", NewRun { job: None, models: Vec::new(), ingest: false, ..everything() }),
            ("submitted_by", NewRun { submitted_by: String::new(), ..everything() }),
            ("job", NewRun { job: Some("a\0b".to_owned()), ..everything() }),
            ("idempotency_key", with_key(&"k".repeat(10_000))),
            ("interval", NewRun { interval: Some(Interval { start: at(1), end: at(1) }), ..everything() }),
            ("run", NewRun { parameters: BTreeMap::from([("x".repeat(300_000), 1.0)]), ..everything() }),
            ("parameter \"p\"", NewRun { parameters: BTreeMap::from([("p".to_owned(), f64::NAN)]), ..everything() }),
            ("origin", NewRun { origin: Origin::Backfill { id: BackfillId::new(at(0)) }, ..everything() }),
            (
                "origin",
                NewRun { origin: Origin::Scheduled { job: "daily".to_owned(), fire_at: at(0) }, ..everything() },
            ),
        ];
        for (what, new) in bad {
            let error = fixture.ledger.submit(new, NO_LIMIT, at(1)).await.unwrap_err();
            assert!(matches!(&error, Error::Invalid { what: named, .. } if named == what), "{error}");
        }
        assert_eq!(fixture.ledger.queued().await.unwrap(), []);
    }
}
