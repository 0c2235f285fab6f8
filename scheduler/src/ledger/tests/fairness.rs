use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn entry(number: u128, submitter: &str, job: Option<&str>, priority: i32) -> QueueEntry {
    QueueEntry {
        id: id(number),
        job: job.map(str::to_owned),
        submitted_by: submitter.to_owned(),
        priority,
        submitted_at: at(number as i64),
        backfill: None,
        parallelism: None,
    }
}

fn backfill(number: u128) -> BackfillId {
    uuid::Uuid::from_u128(number).to_string().parse().unwrap()
}

/// One of the runs of a backfill, which were all submitted at once.
fn part(number: u128, backfill_number: u128, parallelism: u32) -> QueueEntry {
    QueueEntry {
        submitted_at: at(0),
        backfill: Some(backfill(backfill_number)),
        parallelism: Some(parallelism),
        ..entry(number, "ada", Some("daily"), 0)
    }
}

fn id(number: u128) -> RunId {
    uuid::Uuid::from_u128(number).to_string().parse().unwrap()
}

fn ids<const COUNT: usize>(numbers: [u128; COUNT]) -> Vec<RunId> {
    numbers.into_iter().map(id).collect()
}

fn limits(runs_max: usize) -> Limits {
    Limits { runs_max, job_runs_max: BTreeMap::new() }
}

#[test]
fn within_a_submitter_the_first_goes_first() {
    let queued = [entry(3, "ada", None, 0), entry(1, "ada", None, 0), entry(2, "ada", None, 0)];
    assert_eq!(choose(&queued, &[], &limits(2)), ids([1, 2]));
}

#[test]
fn a_submitter_with_many_runs_does_not_hold_up_the_others() {
    let mut queued: Vec<_> = (1..=100).map(|number| entry(number, "ada", None, 0)).collect();
    queued.extend([entry(200, "grace", None, 0), entry(201, "grace", None, 0)]);
    assert_eq!(choose(&queued, &[], &limits(4)), ids([1, 200, 2, 201]));
    let running = [entry(0, "ada", None, 0), entry(150, "grace", None, 0), entry(151, "grace", None, 0)];
    assert_eq!(choose(&queued, &running, &limits(6)), ids([1, 2, 200]));
}

#[test]
fn priority_goes_before_fairness() {
    let queued = [entry(1, "grace", None, 0), entry(2, "ada", None, 5), entry(3, "ada", None, 5)];
    assert_eq!(choose(&queued, &[], &limits(3)), ids([2, 3, 1]));
}

#[test]
fn a_job_at_its_limit_holds_up_nobody() {
    let daily = Some("daily");
    let queued = [entry(1, "ada", daily, 9), entry(2, "ada", daily, 9), entry(3, "ada", Some("weekly"), 0)];
    let limits = Limits { runs_max: 10, job_runs_max: BTreeMap::from([("daily".to_owned(), 1)]) };
    assert_eq!(choose(&queued, &[], &limits), ids([1, 3]));
    assert_eq!(choose(&queued, &[entry(0, "grace", daily, 0)], &limits), ids([3]));
}

#[test]
fn a_backfill_runs_few_at_once_in_the_order_of_its_intervals_and_holds_up_nobody() {
    let mut queued: Vec<_> = (1..=50).rev().map(|number| part(number, 1, 2)).collect();
    queued.extend([part(100, 2, 1), part(101, 2, 1), entry(200, "ada", None, 0)]);
    assert_eq!(choose(&queued, &[], &limits(10)), ids([1, 2, 100, 200]));
    let running = [QueueEntry { parallelism: None, ..part(1, 1, 2) }];
    queued.retain(|entry| entry.id != id(1));
    assert_eq!(choose(&queued, &running, &limits(10)), ids([2, 100, 200]));
    let running = [part(1, 1, 2), part(2, 1, 2), part(3, 1, 2)];
    assert_eq!(choose(&queued, &running, &limits(10)), ids([100, 200]));
}

#[test]
fn nothing_starts_where_too_much_runs() {
    let running = [entry(1, "ada", None, 0), entry(2, "ada", None, 0)];
    assert_eq!(choose(&[entry(3, "grace", None, 9)], &running, &limits(1)), []);
}

fn entries(first: u128) -> impl Strategy<Value = Vec<QueueEntry>> {
    let fields = (0..4_usize, 0..4_usize, -1..2_i32, 0..6_u128);
    vec(fields, 0..40).prop_map(move |fields| {
        let numbered = fields.into_iter().zip(first..);
        numbered
            .map(|((submitter, job, priority, backfill), number)| {
                let job = [None, Some("daily"), Some("weekly"), Some("hourly")][job];
                match backfill {
                    1..=3 => part(number, backfill, backfill as u32),
                    _ => entry(number, ["ada", "grace", "joan", "mary"][submitter], job, priority),
                }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn what_is_chosen_fits_the_limits_and_nothing_that_fits_is_left(
        queued in entries(1_000),
        running in entries(1),
        runs_max in 0..60_usize,
        daily_max in 0..10_usize,
        weekly_max in 0..10_usize,
    ) {
        let job_runs_max = BTreeMap::from([("daily".to_owned(), daily_max), ("weekly".to_owned(), weekly_max)]);
        let limits = Limits { runs_max, job_runs_max };
        let chosen = choose(&queued, &running, &limits);
        let by_id: HashMap<_, _> = queued.iter().map(|entry| (entry.id, entry)).collect();
        let (mut left, mut all) = (by_id.clone(), running.clone());
        for run in &chosen {
            let entry = left.remove(run);
            prop_assert!(entry.is_some(), "not queued, or chosen twice: {run}");
            all.extend(entry.cloned());
        }
        prop_assert!(chosen.is_empty() || all.len() <= runs_max);
        let of_job = |job: &str| all.iter().filter(|entry| entry.job.as_deref() == Some(job)).count();
        for (job, max) in &limits.job_runs_max {
            prop_assert!(of_job(job) <= (*max).max(running.iter().filter(|it| it.job.as_ref() == Some(job)).count()));
        }
        let of_backfill = |id| all.iter().filter(|entry| entry.backfill == Some(id)).count();
        for (number, max) in [(1, 1), (2, 2), (3, 3)] {
            let before = running.iter().filter(|entry| entry.backfill == Some(backfill(number))).count();
            prop_assert!(of_backfill(backfill(number)) <= before.max(max));
        }
        let fits = |entry: &&QueueEntry| {
            let job = entry.job.as_ref();
            let part = entry.backfill.zip(entry.parallelism);
            let has_place = part.is_none_or(|(id, max)| of_backfill(id) < max as usize);
            has_place && job.and_then(|job| limits.job_runs_max.get(job).map(|max| of_job(job) < *max)).unwrap_or(true)
        };
        prop_assert!(all.len() >= runs_max || !left.values().copied().any(|entry| fits(&entry)));
    }

    #[test]
    fn submitters_who_all_wait_get_equal_shares(counts in vec(5..20_usize, 2..5), slots in 1..10_usize) {
        let names = ["ada", "grace", "joan", "mary"];
        let mut queued = Vec::new();
        for (name, count) in names.iter().zip(&counts) {
            for _ in 0..*count {
                queued.push(entry(queued.len() as u128 + 1, name, None, 0));
            }
        }
        let chosen = choose(&queued, &[], &limits(slots));
        let of = |name: &str| queued.iter().filter(|it| it.submitted_by == name && chosen.contains(&it.id)).count();
        let shares: Vec<usize> = names[..counts.len()].iter().map(|name| of(name)).collect();
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        prop_assert!(most - least <= 1 || counts.iter().min().unwrap() == least, "{shares:?}");
        prop_assert_eq!(shares.iter().sum::<usize>(), slots.min(queued.len()));
    }

    #[test]
    fn the_order_of_the_queue_does_not_matter(queued in entries(1_000), running in entries(1), slots in 0..60_usize) {
        let mut turned = queued.clone();
        turned.reverse();
        prop_assert_eq!(choose(&queued, &running, &limits(slots)), choose(&turned, &running, &limits(slots)));
    }
}
