use std::time::Instant;

use tokio::task::JoinSet;

use super::*;

/// The bound of the issue on the job service: of GetRun, with 1,000 queued runs and 20 clients.
const GET_MILLISECONDS_MAX: u128 = 50;

on_both! {
    async fn a_thousand_runs_of_twenty_clients_are_submitted_and_read_in_time(fixture: Fixture) {
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for client in 0..20 {
            let ledger = fixture.ledger.clone();
            clients.spawn(async move {
                let mut runs = Vec::new();
                for number in 0..50 {
                    let new = NewRun { idempotency_key: Some(number.to_string()), ..request(&client.to_string()) };
                    runs.push(ledger.submit(new, NO_LIMIT, at(number)).await.unwrap().run.id);
                }
                runs
            });
        }
        let runs = clients.join_all().await.concat();
        let submitting = begun.elapsed();

        let mut clients = JoinSet::new();
        for client in 0..20 {
            let (ledger, runs) = (fixture.ledger.clone(), runs.clone());
            clients.spawn(async move {
                let mut times = Vec::new();
                for number in 0..100 {
                    let run = runs[(client * 37 + number * 61) % runs.len()];
                    let begun = Instant::now();
                    assert!(ledger.get(run).await.unwrap().is_some());
                    times.push(begun.elapsed());
                }
                times
            });
        }
        let mut times = clients.join_all().await.concat();
        times.sort();
        let p99 = times[times.len() * 99 / 100];
        let begun = Instant::now();
        let queued = fixture.ledger.queued().await.unwrap();
        let queue = begun.elapsed();
        let p50 = times[times.len() / 2];
        println!("1,000 submitted in {submitting:?}; get: p50 {p50:?}, p99 {p99:?}; queue read in {queue:?}");
        assert_eq!(queued.len(), 1_000);
        assert!(p99.as_millis() < GET_MILLISECONDS_MAX, "{p99:?}");
    }
}
