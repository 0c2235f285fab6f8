//! `fleet jobs`.

use std::collections::BTreeSet;

use fleet_proto::v1::{
    GetJobRequest, GetJobResponse, Job, ListJobsRequest, Materialisation, Model, PauseScheduleRequest,
    ResumeScheduleRequest, Schedule,
};

use super::connect::Client;
use super::error::Error;
use super::json;
use super::options::{JobsPause, JobsResume};
use super::text::{self, Tree};
use crate::display::say;

pub async fn list(client: &mut Client, json: bool) -> Result<(), Error> {
    let response =
        client.call("list jobs", |mut services| async move { services.jobs.list_jobs(ListJobsRequest {}).await });
    let jobs = response.await?.jobs;
    if json {
        jobs.iter().for_each(|job| say(json::job(job)));
    } else {
        table(&jobs).iter().for_each(say);
    }
    Ok(())
}

pub async fn show(client: &mut Client, job: &str, json: bool) -> Result<(), Error> {
    let response = client.call(format!("show job {job}"), |mut services| {
        let request = GetJobRequest { job: job.to_owned() };
        async move { services.jobs.get_job(request).await }
    });
    let response = response.await?;
    if json {
        say(json::job_with_models(&response));
    } else {
        in_full(&response).iter().for_each(say);
    }
    Ok(())
}

pub async fn pause(client: &mut Client, options: &JobsPause, json: bool) -> Result<(), Error> {
    let response = client.call(format!("pause job {}", options.job), |mut services| {
        let request = PauseScheduleRequest { job: options.job.clone(), reason: options.reason.clone() };
        async move { services.jobs.pause_schedule(request).await }
    });
    tell(&response.await?.job.unwrap_or_default(), json);
    Ok(())
}

pub async fn resume(client: &mut Client, options: &JobsResume, json: bool) -> Result<(), Error> {
    let response = client.call(format!("resume job {}", options.job), |mut services| {
        let request = ResumeScheduleRequest { job: options.job.clone() };
        async move { services.jobs.resume_schedule(request).await }
    });
    tell(&response.await?.job.unwrap_or_default(), json);
    Ok(())
}

fn tell(job: &Job, json: bool) {
    if json {
        say(json::job(job));
        return;
    }
    let next = job.schedule.as_ref().map(next).unwrap_or_default();
    say(format_args!("{} {next}", job.name));
}

fn table(jobs: &[Job]) -> Vec<String> {
    let mut table = text::Table::new(&["job", "schedule", "zone", "next", "about"]);
    for job in jobs {
        let schedule = job.schedule.as_ref();
        table.row([
            job.name.clone(),
            schedule.map_or("by hand", |schedule| &schedule.cron).to_owned(),
            schedule.map(|schedule| schedule.time_zone.clone()).unwrap_or_default(),
            schedule.map(next).unwrap_or_default(),
            job.description.clone(),
        ]);
    }
    table.lines()
}

/// The next firing, or why there is none.
fn next(schedule: &Schedule) -> String {
    match schedule.next_firings.first() {
        _ if schedule.paused => format!("paused by {}", schedule.paused_by),
        Some(firing) => text::instant(Some(firing)),
        None => "never".to_owned(),
    }
}

fn in_full(response: &GetJobResponse) -> Vec<String> {
    let job = response.job.clone().unwrap_or_default();
    let mut lines = text::fields(&[
        ("job", job.name.clone()),
        ("about", job.description.clone()),
        ("ingests", if job.ingest { "new landing files, before it computes".to_owned() } else { String::new() }),
        ("interval", format!("one {} a run", text::interval_unit(job.default_interval))),
        ("at once", if job.running_max == 0 { String::new() } else { text::counted(job.running_max.into(), "run") }),
    ]);
    match &job.schedule {
        Some(schedule) => lines.extend(schedule_lines(schedule)),
        None => lines.push("schedule     none: it runs by hand".to_owned()),
    }
    lines.extend(graph(&job, &response.models).lines());
    lines
}

fn schedule_lines(schedule: &Schedule) -> Vec<String> {
    let deadline = schedule.start_deadline.as_ref().map(|deadline| text::seconds(text::span(deadline)));
    let firings: Vec<String> = schedule.next_firings.iter().map(|firing| text::instant(Some(firing))).collect();
    let paused = format!(
        "since {} by {}: {}",
        text::instant(schedule.paused_at.as_ref()),
        schedule.paused_by,
        schedule.pause_reason
    );
    text::fields(&[
        ("schedule", format!("{} {}", schedule.cron, schedule.time_zone)),
        ("overlap", text::overlap(schedule.overlap)),
        ("catch up", text::catch_up(schedule.catch_up)),
        ("start within", deadline.unwrap_or_default()),
        ("after", schedule.after_jobs.join(", ")),
        ("paused", if schedule.paused { paused } else { String::new() }),
        ("last firing", text::instant(schedule.last_firing.as_ref())),
        ("next firings", firings.join(", ")),
    ])
}

/// The job's models, each with what it reads below it, in full where it comes first.
fn graph(job: &Job, models: &[Model]) -> Tree {
    let mut tree = Tree::new("models");
    let mut shown = BTreeSet::new();
    job.models.iter().for_each(|name| tree.push(branch(name, models, &mut shown)));
    tree
}

fn branch(name: &str, models: &[Model], shown: &mut BTreeSet<String>) -> Tree {
    let Some(model) = models.iter().find(|model| model.name == name) else { return Tree::new(name) };
    if !shown.insert(name.to_owned()) {
        return Tree::new(format!("{name} (above)"));
    }
    let mut tree = Tree::new(format!("{name:<34} {}", kept(model)));
    for parameter in &model.parameters {
        tree.leaf(format!("${} = {}", parameter.name, parameter.default_value));
    }
    model.inputs.iter().for_each(|input| tree.push(branch(input, models, shown)));
    tree
}

/// How a model's result is kept, and whether it is published.
fn kept(model: &Model) -> String {
    let how = match model.materialisation() {
        Materialisation::Partition => format!("by {} of {}", text::interval_unit(model.unit), model.partition),
        _ => text::materialisation(model.materialisation),
    };
    if model.publish { format!("{how}, published") } else { how }
}

#[cfg(test)]
mod tests {
    use fleet_proto::v1::ModelParameter;
    use prost_types::Timestamp;

    use super::*;

    fn weekly() -> Job {
        Job {
            name: "weekly".to_owned(),
            description: "The weekly figures.".to_owned(),
            models: vec!["reliability.component".to_owned(), "reliability.trend".to_owned()],
            ingest: true,
            default_interval: 2,
            schedule: Some(Schedule {
                cron: "0 6 * * 1".to_owned(),
                time_zone: "Europe/Paris".to_owned(),
                overlap: 2,
                catch_up: 1,
                next_firings: vec![Timestamp { seconds: 1_773_032_400, nanos: 0 }],
                ..Schedule::default()
            }),
            running_max: 1,
        }
    }

    fn model(name: &str, inputs: &[&str]) -> Model {
        Model {
            name: name.to_owned(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            materialisation: Materialisation::Whole.into(),
            ..Model::default()
        }
    }

    #[test]
    fn jobs_are_a_table() {
        let mut paused = weekly();
        paused.name = "paused".to_owned();
        paused.schedule.as_mut().unwrap().paused = true;
        paused.schedule.as_mut().unwrap().paused_by = "ann".to_owned();
        let by_hand = Job { name: "by_hand".to_owned(), description: "Now and then.".to_owned(), ..Job::default() };
        assert_eq!(
            table(&[weekly(), paused, by_hand]),
            [
                "job      schedule   zone          next                  about",
                "weekly   0 6 * * 1  Europe/Paris  2026-03-09T05:00:00Z  The weekly figures.",
                "paused   0 6 * * 1  Europe/Paris  paused by ann         The weekly figures.",
                "by_hand  by hand                                        Now and then.",
            ]
        );
    }

    #[test]
    fn a_job_is_shown_with_its_graph() {
        let mut component = model("reliability.component", &["staging.stg_events", "source.flights"]);
        component.parameters.push(ModelParameter { name: "confidence".to_owned(), default_value: 0.9 });
        component.publish = true;
        let mut staged = model("staging.stg_events", &["source.events"]);
        staged.materialisation = Materialisation::View.into();
        let mut trend = model("reliability.trend", &["reliability.component"]);
        trend.materialisation = Materialisation::Partition.into();
        trend.partition = "month".to_owned();
        trend.unit = 3;
        let response = GetJobResponse { job: Some(weekly()), models: vec![staged, component, trend] };
        assert_eq!(
            in_full(&response).join("\n"),
            "\
job          weekly
about        The weekly figures.
ingests      new landing files, before it computes
interval     one week a run
at once      1 run
schedule     0 6 * * 1 Europe/Paris
overlap      forbid
catch up     skip
next firings 2026-03-09T05:00:00Z
models
├─ reliability.component              whole, published
│  ├─ $confidence = 0.9
│  ├─ staging.stg_events                 view
│  │  └─ source.events
│  └─ source.flights
└─ reliability.trend                  by month of month
   └─ reliability.component (above)"
        );
    }
}
