use tokio::task::JoinSet;

use super::*;
use crate::schedule::{RunId as PlannedRun, RunRef, Waiting, wake_at};

const HOURLY: &str = "cron: '0 * * * *'";
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

struct Scheduler<'a> {
    ledger: &'a Ledger,
    fence: Fence,
}

impl Scheduler<'_> {
    async fn record(&self, definition: &JobDefinition, second: i64) -> Recorded {
        self.ledger.record_firings(&self.fence, definition, fired, at(second)).await.unwrap()
    }

    async fn start(&self, run: RunId, second: i64) {
        self.ledger.start_run(&self.fence, run, at(second)).await.unwrap();
    }

    async fn succeed(&self, run: RunId, second: i64) {
        self.start(run, second).await;
        self.ledger.finish_run(&self.fence, run, RunOutcome::Succeeded, None, None, at(second)).await.unwrap();
    }
}

async fn scheduler(fixture: &Fixture) -> Scheduler<'_> {
    Scheduler { ledger: &fixture.ledger, fence: fixture.leader().await }
}

/// All that is recorded: from which firing to which, in which state, and with how many runs.
async fn firings(ledger: &Ledger, job: &str) -> Vec<(DateTime<Utc>, DateTime<Utc>, FiringState, bool)> {
    let select = "select fire_at, coalesce(last, fire_at) as last, state, run_id from firing where job = $1
                  order by fire_at";
    let rows = ledger.database.rows(sqlx::query(select).bind(job)).await.unwrap();
    let firing = |row| {
        let has_run = row::optional_text(row, "run_id").unwrap().is_some();
        let (first, last) = (row::instant(row, "fire_at").unwrap(), row::instant(row, "last").unwrap());
        (first, last, row::text(row, "state").unwrap().parse().unwrap(), has_run)
    };
    rows.iter().map(firing).collect()
}

fn fire_times(runs: &[Run]) -> Vec<DateTime<Utc>> {
    let fire_at = |run: &Run| match &run.origin {
        Origin::Scheduled { fire_at, .. } => *fire_at,
        origin => panic!("{origin:?}"),
    };
    runs.iter().map(fire_at).collect()
}

on_both! {
    async fn a_new_job_fires_from_now_on(fixture: Fixture) {
        let scheduler = scheduler(&fixture).await;
        let daily = definition("daily", HOURLY);
        assert_eq!(scheduler.record(&daily, HOUR / 2).await, Recorded::default());
        let recorded = scheduler.record(&daily, HOUR).await;
        let run = &recorded.runs[0];
        assert_eq!((recorded.runs.len(), &recorded.cancel[..], &recorded.notes[..]), (1, &[][..], &[][..]));
        assert_eq!(run.origin, Origin::Scheduled { job: "daily".to_owned(), fire_at: at(HOUR) });
        assert_eq!(run.interval, Some(Interval { start: at(-DAY), end: at(0) }));
        assert_eq!(fixture.ledger.get(run.id).await.unwrap().as_ref(), Some(run));
        assert_eq!(fixture.ledger.queued().await.unwrap()[0].id, run.id);
        assert_eq!(scheduler.record(&daily, HOUR).await, Recorded::default());
        assert_eq!(firings(&fixture.ledger, "daily").await, [(at(HOUR), at(HOUR), FiringState::Ran, true)]);
        let state = fixture.ledger.schedule("daily").await.unwrap().unwrap();
        assert_eq!((state.enabled_since, state.last_fire_at, state.paused), (at(HOUR / 2), Some(at(HOUR)), false));
    }

    async fn a_firing_is_one_run_however_many_ask(fixture: Fixture) {
        let first = scheduler(&fixture).await;
        let yaml = "cron: '* * * * *'\nconcurrency: allow\ncatch_up: all";
        let jobs = ["daily", "weekly"].map(|job| definition(job, yaml));
        for job in &jobs {
            first.record(job, 0).await;
        }
        let mut schedulers = JoinSet::new();
        for number in 0..10 {
            let (ledger, fence, jobs) = (fixture.ledger.clone(), first.fence.clone(), jobs.clone());
            schedulers.spawn(async move {
                let mut runs = Vec::new();
                for minute in 1..=5 {
                    let (job, now) = (&jobs[(number + minute) % 2], at(60 * minute as i64));
                    runs.extend(ledger.record_firings(&fence, job, fired, now).await.unwrap().runs);
                }
                runs
            });
        }
        let mut runs = schedulers.join_all().await.concat();
        for job in &jobs {
            runs.extend(first.record(job, 300).await.runs);
        }
        assert_eq!(runs.len(), 10);
        assert_eq!(fixture.ledger.queued().await.unwrap().len(), 10);
        let minutes = [60, 120, 180, 240, 300].map(|second| (at(second), at(second), FiringState::Ran, true));
        for job in ["daily", "weekly"] {
            assert_eq!(firings(&fixture.ledger, job).await, minutes);
        }
    }

    async fn what_was_missed_is_caught_up_in_order_whatever_the_queue_holds(fixture: Fixture) {
        let scheduler = scheduler(&fixture).await;
        let all = definition("daily", &format!("{HOURLY}\nconcurrency: allow\ncatch_up: all"));
        scheduler.record(&all, 0).await;
        let recorded = scheduler.record(&all, 1_500 * HOUR).await;
        assert_eq!((recorded.runs.len(), recorded.notes.len()), (1_000, 1));
        let range = &recorded.notes[0];
        assert_eq!((range.fire_at, range.last, range.state), (at(HOUR), Some(at(500 * HOUR)), FiringState::Missed));
        assert_eq!(fire_times(&recorded.runs), (501..=1_500).map(|hour| at(hour * HOUR)).collect::<Vec<_>>());
        assert!(recorded.runs.is_sorted_by_key(|run| run.id));
        let firings = firings(&fixture.ledger, "daily").await;
        assert_eq!((firings.len(), firings[0]), (1_001, (at(HOUR), at(500 * HOUR), FiringState::Missed, false)));
    }

    async fn a_run_under_way_is_waited_for_or_replaced(fixture: Fixture) {
        let scheduler = scheduler(&fixture).await;
        let forbid = definition("forbid", HOURLY);
        let replace = definition("replace", &format!("{HOURLY}\nconcurrency: replace"));
        for job in [&forbid, &replace] {
            scheduler.record(job, 0).await;
        }
        scheduler.record(&forbid, HOUR).await;
        let skipped = scheduler.record(&forbid, 2 * HOUR).await;
        assert_eq!((skipped.runs.len(), skipped.notes[0].state), (0, FiringState::Skipped));

        let first = scheduler.record(&replace, HOUR).await.runs[0].id;
        let second = scheduler.record(&replace, 2 * HOUR).await;
        assert_eq!(second.cancel, [first]);
        let cancelled = fixture.ledger.get(first).await.unwrap().unwrap();
        assert_eq!((cancelled.state, cancelled.cancelled_by.as_deref()), (RunState::Cancelled, Some("schedule")));
        assert_eq!(cancelled.reason.as_deref(), Some("replaced by the run of 2026-03-01T02:00:00Z"));
        let second = second.runs[0].id;
        scheduler.start(second, 2 * HOUR).await;
        assert_eq!(scheduler.record(&replace, 3 * HOUR).await.cancel, [second]);
        let asked = fixture.ledger.get(second).await.unwrap().unwrap();
        assert_eq!((asked.state, asked.cancel_requested), (RunState::Running, true));
    }

    async fn a_firing_waits_for_other_jobs(fixture: Fixture) {
        let scheduler = scheduler(&fixture).await;
        let first = definition("daily", "cron: '0 4 * * *'");
        let second = definition("report", "cron: '0 6 * * *'\nafter: [daily]\nwait_limit: 8h");
        for job in [&first, &second] {
            scheduler.record(job, 0).await;
        }
        let run = scheduler.record(&first, 4 * HOUR).await.runs[0].id;
        let waits = scheduler.record(&second, 6 * HOUR).await;
        assert_eq!((waits.runs.len(), waits.notes[0].state), (0, FiringState::Waiting));
        assert_eq!(waits.notes[0].reason, "waits for daily");
        let states = fixture.ledger.job_states(&[first.clone(), second.clone()], at(7 * HOUR)).await.unwrap();
        assert_eq!(states[0].running, [RunRef { id: PlannedRun(run.to_string()), fire_at: at(4 * HOUR) }]);
        assert_eq!(states[1].waiting, [Waiting { fire_at: at(6 * HOUR), since: at(6 * HOUR) }]);
        assert_eq!(wake_at(at(7 * HOUR), &states), Some(at(14 * HOUR)));
        scheduler.succeed(run, 7 * HOUR).await;
        let states = fixture.ledger.job_states(&[first.clone(), second.clone()], at(8 * HOUR)).await.unwrap();
        assert_eq!(wake_at(at(8 * HOUR), &states), Some(at(8 * HOUR)));
        assert_eq!(fire_times(&scheduler.record(&second, 8 * HOUR).await.runs), [at(6 * HOUR)]);
        assert_eq!(scheduler.record(&second, 9 * HOUR).await, Recorded::default());
        assert_eq!(firings(&fixture.ledger, "report").await, [(at(6 * HOUR), at(6 * HOUR), FiringState::Ran, true)]);
        // The next day nothing comes.
        scheduler.record(&second, DAY + 6 * HOUR).await;
        let late = scheduler.record(&second, DAY + 14 * HOUR).await;
        assert_eq!((late.notes[0].state, late.notes[0].fire_at), (FiringState::Missed, at(DAY + 6 * HOUR)));
    }

    async fn a_paused_schedule_does_not_fire(fixture: Fixture) {
        let (scheduler, ledger) = (scheduler(&fixture).await, &fixture.ledger);
        let daily = definition("daily", &format!("{HOURLY}\ncatch_up: all\nconcurrency: allow\nafter: [other]"));
        scheduler.record(&daily, 0).await;
        assert_eq!(scheduler.record(&daily, HOUR).await.notes.len(), 1);
        let paused = ledger.pause_schedule("daily", "ada", "a visit", at(HOUR + 1)).await.unwrap();
        assert_eq!(Some(&paused), ledger.schedule("daily").await.unwrap().as_ref());
        assert_eq!((paused.paused_by.as_deref(), paused.paused_at), (Some("ada"), Some(at(HOUR + 1))));
        let again = ledger.pause_schedule("daily", "grace", "", at(HOUR + 2)).await.unwrap();
        assert_eq!(again, ScheduleState { pause_reason: None, ..paused });
        assert_eq!(scheduler.record(&daily, 3 * HOUR).await, Recorded::default());

        let resumed = ledger.resume_schedule("daily", "grace", at(3 * HOUR + 1)).await.unwrap().unwrap();
        assert_eq!((resumed.paused, resumed.enabled_since, &resumed.paused_by), (false, at(3 * HOUR + 1), &None));
        assert_eq!(ledger.resume_schedule("daily", "ada", at(9 * HOUR)).await.unwrap(), Some(resumed));
        assert_eq!(scheduler.record(&daily, 4 * HOUR).await.notes[0].fire_at, at(4 * HOUR));
        let (skipped, waiting) = (FiringState::Skipped, FiringState::Waiting);
        let expected = [(at(HOUR), at(HOUR), skipped, false), (at(4 * HOUR), at(4 * HOUR), waiting, false)];
        assert_eq!(firings(ledger, "daily").await, expected);
    }

    async fn a_schedule_is_paused_before_it_is_seen(fixture: Fixture) {
        let (scheduler, ledger) = (scheduler(&fixture).await, &fixture.ledger);
        assert_eq!(ledger.schedule("daily").await.unwrap(), None);
        assert_eq!(ledger.resume_schedule("daily", "ada", at(0)).await.unwrap(), None);
        ledger.pause_schedule("daily", "ada", "", at(1)).await.unwrap();
        let daily = definition("daily", HOURLY);
        scheduler.record(&daily, HOUR / 2).await;
        assert_eq!(scheduler.record(&daily, HOUR).await, Recorded::default());
        ledger.resume_schedule("daily", "ada", at(HOUR + 1)).await.unwrap();
        assert_eq!(fire_times(&scheduler.record(&daily, 2 * HOUR).await.runs), [at(2 * HOUR)]);
    }

    async fn a_schedule_that_is_changed_begins_anew(fixture: Fixture) {
        let (scheduler, ledger) = (scheduler(&fixture).await, &fixture.ledger);
        let waits = definition("daily", &format!("{HOURLY}\nafter: [other]"));
        scheduler.record(&waits, 0).await;
        scheduler.record(&waits, HOUR).await;
        let changed = definition("daily", "cron: '30 * * * *'\ncatch_up: all\nconcurrency: allow");
        let states = ledger.job_states(std::slice::from_ref(&changed), at(4 * HOUR)).await.unwrap();
        assert_eq!((states[0].enabled_since, &states[0].waiting[..]), (at(4 * HOUR), &[][..]));
        assert_eq!(scheduler.record(&changed, 4 * HOUR).await, Recorded::default());
        assert_eq!(ledger.schedule("daily").await.unwrap().unwrap().enabled_since, at(4 * HOUR));
        assert_eq!(fire_times(&scheduler.record(&changed, 5 * HOUR).await.runs), [at(9 * HOUR / 2)]);
        assert_eq!(firings(ledger, "daily").await[0], (at(HOUR), at(HOUR), FiringState::Skipped, false));
    }

    async fn a_run_that_cannot_be_stored_leaves_nothing(fixture: Fixture) {
        let scheduler = scheduler(&fixture).await;
        let daily = definition("daily", HOURLY);
        scheduler.record(&daily, 0).await;
        for new in [with_key("k"), NewRun { submitted_by: String::new(), ..request("schedule") }] {
            let made = |_, _| new.clone();
            let error = scheduler.ledger.record_firings(&scheduler.fence, &daily, made, at(HOUR)).await.unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }), "{error}");
        }
        assert_eq!(firings(scheduler.ledger, "daily").await, []);
        assert_eq!(scheduler.record(&daily, HOUR).await.runs.len(), 1);
    }
}
