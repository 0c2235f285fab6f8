use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::*;

async fn acquire(fixture: &Fixture, holder: &str, second: i64) -> Option<Lease> {
    fixture.ledger.acquire_or_renew(LEADER, holder, at(second), TTL).await.unwrap()
}

on_both! {
    async fn a_lease_is_taken_over_only_when_it_has_expired(fixture: Fixture) {
        let first = acquire(&fixture, "first", 0).await.unwrap();
        assert_eq!((first.token, first.expires_at), (1, at(10)));
        assert_eq!(acquire(&fixture, "second", 9).await, None);
        let renewed = acquire(&fixture, "first", 5).await.unwrap();
        assert_eq!((renewed.token, renewed.expires_at), (1, at(15)));
        assert_eq!(acquire(&fixture, "second", 14).await, None);
        assert_eq!(fixture.ledger.lease(LEADER).await.unwrap(), Some(renewed));
        let second = acquire(&fixture, "second", 15).await.unwrap();
        assert_eq!((second.holder.as_str(), second.token, second.expires_at), ("second", 2, at(25)));
        assert_eq!(acquire(&fixture, "first", 16).await, None);
        assert_eq!(acquire(&fixture, "first", 25).await.unwrap().token, 3);
    }

    async fn a_lease_that_nobody_took_is_kept_after_its_time(fixture: Fixture) {
        acquire(&fixture, "first", 0).await.unwrap();
        assert_eq!(acquire(&fixture, "first", 60).await.unwrap().token, 1);
    }

    async fn a_released_lease_is_free_and_its_token_is_dead(fixture: Fixture) {
        let first = acquire(&fixture, "first", 0).await.unwrap();
        let run = fixture.submit(request("ada"), 0).await;
        fixture.ledger.release(&first.fence()).await.unwrap();
        assert_eq!(fixture.ledger.lease(LEADER).await.unwrap(), None);
        let error = fixture.ledger.start_run(&first.fence(), run.id, at(1)).await.unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error}");
        let second = acquire(&fixture, "second", 1).await.unwrap();
        assert_eq!(second.token, 2);
        // Too late to have any effect.
        fixture.ledger.release(&first.fence()).await.unwrap();
        assert_eq!(fixture.ledger.lease(LEADER).await.unwrap(), Some(second));
    }

    async fn of_twenty_contenders_one_leads(fixture: Fixture) {
        for round in 0..5 {
            let mut contenders = JoinSet::new();
            for number in 0..20 {
                let ledger = fixture.ledger.clone();
                let holder = format!("{round}-{number}");
                contenders.spawn(async move { ledger.acquire_or_renew(LEADER, &holder, at(10 * round), TTL).await });
            }
            let leases: Vec<_> = contenders.join_all().await.into_iter().filter_map(Result::unwrap).collect();
            assert_eq!(leases.len(), 1);
            assert_eq!(leases[0].token, round as u64 + 1);
        }
    }

    async fn a_stale_leader_writes_nothing(fixture: Fixture) {
        let stale = fixture.leader().await;
        let running = fixture.started(&stale, &["a"]).await.id;
        let waiting = fixture.submit(request("ada"), 0).await.id;
        fixture.ledger.start_step(&stale, running, "a", FIRST, at(2)).await.unwrap();
        acquire(&fixture, "second", 20).await.unwrap();

        let ledger = &fixture.ledger;
        let now = at(21);
        let refusals = [
            ledger.start_run(&stale, waiting, now).await.map(drop),
            ledger.plan_steps(&stale, running, &planned(&["a", "b"]), now).await.map(drop),
            ledger.start_step(&stale, running, "a", FIRST, now).await.map(drop),
            ledger.fail_attempt(&stale, running, "a", FailureKind::Cluster, "gone", now).await.map(drop),
            ledger.finish_step(&stale, running, "a", &end(StepOutcome::Succeeded), now).await.map(drop),
            ledger.finish_run(&stale, running, RunOutcome::Failed, Some(FailureKind::Query), None, now).await.map(drop),
            ledger.close_lost_attempts(&stale, running, now).await.map(drop),
            ledger.record_firings(&stale, &definition("daily", "cron: '@hourly'"), fired, now).await.map(drop),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Err(Error::Fenced { token: 1, .. })), "{refusal:?}");
        }
        assert_eq!(ledger.get(running).await.unwrap().unwrap().state, RunState::Running);
        assert_eq!(ledger.get(waiting).await.unwrap().unwrap().state, RunState::Queued);
        let steps = ledger.steps(running).await.unwrap();
        assert_eq!((steps.len(), steps[0].state, steps[0].attempts), (1, StepState::Running, 1));
        assert_eq!(ledger.schedule("daily").await.unwrap(), None);
    }

    async fn a_takeover_waits_for_a_write_that_is_under_way(fixture: Fixture) {
        let fence = fixture.leader().await;
        let mut writing = fixture.ledger.database.begin_fenced(&fence).await.unwrap();
        let ledger = fixture.ledger.clone();
        let mut takeover = tokio::spawn(async move { ledger.acquire_or_renew(LEADER, "second", at(20), TTL).await });
        assert!(timeout(Duration::from_millis(300), &mut takeover).await.is_err());
        let write = "insert into schedule (job, enabled_since) values ('daily', 0)";
        writing.execute(sqlx::query(write)).await.unwrap();
        writing.commit().await.unwrap();
        assert_eq!(takeover.await.unwrap().unwrap().unwrap().token, 2);
        assert!(fixture.ledger.schedule("daily").await.unwrap().is_some());
    }
}

/// Its transaction, and with it the lock on the lease, is ended by the server.
#[tokio::test]
async fn a_leader_that_hangs_in_a_transaction_does_not_keep_the_lease() {
    let fixture = Fixture::postgres().await;
    let fence = fixture.leader().await;
    let mut hanging = fixture.ledger.database.begin_fenced(&fence).await.unwrap();
    let second = timeout(Duration::from_secs(9), acquire(&fixture, "second", 20)).await.unwrap().unwrap();
    assert_eq!(second.token, 2);
    sleep(Duration::from_millis(100)).await;
    let error = hanging.execute(sqlx::query("delete from lease")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(fixture.ledger.lease(LEADER).await.unwrap(), Some(second));
}
