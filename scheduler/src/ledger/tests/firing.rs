use tokio::task::JoinSet;

use super::*;

fn firing(fire_at: DateTime<Utc>) -> NewRun {
    let origin = Origin::Scheduled { job: "daily".to_owned(), fire_at };
    NewRun { origin, ..request("schedule") }
}

on_both! {
    async fn a_firing_is_one_run_however_many_ask(fixture: Fixture) {
        let fence = fixture.leader().await;
        let mut schedulers = JoinSet::new();
        for _ in 0..10 {
            let (ledger, fence) = (fixture.ledger.clone(), fence.clone());
            schedulers.spawn(async move {
                let mut runs = Vec::new();
                for minute in 0..5 {
                    let fire_at = at(60 * minute);
                    runs.extend(ledger.fire(&fence, "daily", fire_at, firing(fire_at), at(600)).await.unwrap());
                }
                runs
            });
        }
        let mut runs = schedulers.join_all().await.concat();
        runs.sort_by_key(|run| run.id);
        assert_eq!(runs.len(), 5);
        let mut queued: Vec<_> = fixture.ledger.queued().await.unwrap().into_iter().map(|entry| entry.id).collect();
        queued.sort();
        assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), queued);
        assert!(runs.iter().all(|run| matches!(run.origin, Origin::Scheduled { .. })));
        let state = fixture.ledger.schedule("daily").await.unwrap().unwrap();
        assert_eq!((state.paused, state.last_fire_at), (false, Some(at(240))));
    }

    async fn two_jobs_fire_at_the_same_time(fixture: Fixture) {
        let fence = fixture.leader().await;
        for job in ["daily", "weekly"] {
            assert!(fixture.ledger.fire(&fence, job, at(5), firing(at(5)), at(6)).await.unwrap().is_some());
            assert!(fixture.ledger.fire(&fence, job, at(5), firing(at(5)), at(7)).await.unwrap().is_none());
        }
        let jobs: Vec<_> = fixture.ledger.schedules().await.unwrap().into_iter().map(|state| state.job).collect();
        assert_eq!(jobs, ["daily", "weekly"]);
    }

    async fn a_paused_schedule_does_not_fire(fixture: Fixture) {
        let fence = fixture.leader().await;
        assert_eq!(fixture.ledger.schedule("daily").await.unwrap(), None);
        let paused = fixture.ledger.pause_schedule("daily", "ada", at(1)).await.unwrap();
        assert_eq!(paused, fixture.ledger.schedule("daily").await.unwrap().unwrap());
        assert_eq!((paused.paused, paused.changed_by.as_deref(), paused.changed_at), (true, Some("ada"), Some(at(1))));
        assert_eq!(fixture.ledger.fire(&fence, "daily", at(2), firing(at(2)), at(2)).await.unwrap(), None);
        let resumed = fixture.ledger.resume_schedule("daily", "grace", at(3)).await.unwrap();
        assert_eq!((resumed.paused, resumed.last_fire_at), (false, None));
        assert!(fixture.ledger.fire(&fence, "daily", at(2), firing(at(2)), at(4)).await.unwrap().is_some());
    }

    async fn catching_up_does_not_move_the_last_firing_back(fixture: Fixture) {
        let fence = fixture.leader().await;
        for second in [10, 5, 7] {
            let fired = fixture.ledger.fire(&fence, "daily", at(second), firing(at(second)), at(20)).await;
            assert!(fired.unwrap().is_some());
        }
        assert_eq!(fixture.ledger.schedule("daily").await.unwrap().unwrap().last_fire_at, Some(at(10)));
    }
}
