//! Whether the jobs that schedules wait for exist, and whether none waits for itself.

use std::collections::{BTreeMap, BTreeSet};

use super::schedule::Schedule;

/// Checks all schedules of a catalogue, by job. The problem comes with the job that it is in.
pub fn check_schedules(schedules: &BTreeMap<&str, &Schedule>) -> Result<(), (String, String)> {
    for (job, schedule) in schedules {
        let wrong = |problem: String| (job.to_string(), format!("schedule: {problem}"));
        schedule.check().map_err(wrong)?;
        if let Some(unknown) = schedule.after.iter().find(|name| !schedules.contains_key(name.as_str())) {
            let known: Vec<&str> = schedules.keys().filter(|name| *name != job).copied().collect();
            return Err(wrong(format!("after `{unknown}`: no such job; known are {}", known.join(", "))));
        }
        if awaited(schedules, job).contains(job) {
            return Err(wrong(format!(
                "after `{}`: the job would wait for itself; leave out one of the jobs on the way",
                schedule.after.join(", ")
            )));
        }
    }
    Ok(())
}

/// The jobs that a job waits for, directly or through others.
fn awaited<'a>(schedules: &BTreeMap<&'a str, &'a Schedule>, job: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![job];
    while let Some(job) = open.pop() {
        let Some(schedule) = schedules.get(job) else { continue };
        open.extend(schedule.after.iter().map(String::as_str).filter(|name| found.insert(*name)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(jobs: &[(&str, &str)]) -> Result<(), (String, String)> {
        let read = |after: &str| serde_saphyr::from_str(&format!("cron: '@daily'\nafter: [{after}]")).unwrap();
        let schedules: Vec<(&str, Schedule)> = jobs.iter().map(|(job, after)| (*job, read(after))).collect();
        check_schedules(&schedules.iter().map(|(job, schedule)| (*job, schedule)).collect())
    }

    #[test]
    fn a_job_waits_for_jobs_that_exist_and_not_for_itself() {
        assert_eq!(check(&[("a", ""), ("b", "a"), ("c", "a, b")]), Ok(()));
        let (job, problem) = check(&[("a", ""), ("b", "z")]).unwrap_err();
        assert_eq!((job.as_str(), problem.as_str()), ("b", "schedule: after `z`: no such job; known are a"));
        for circle in [&[("a", "a")][..], &[("a", "b"), ("b", "a")], &[("a", "b"), ("b", "c"), ("c", "b")]] {
            assert!(check(circle).unwrap_err().1.contains("wait for itself"), "{circle:?}");
        }
    }
}
