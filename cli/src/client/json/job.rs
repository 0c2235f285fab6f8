//! Jobs, their schedules and models.

use fleet_proto::v1::{GetJobResponse, Job, Model, ModelParameter, Schedule};
use serde_json::{Value, json};

use super::{instant, list, optional, seconds};
use crate::client::text;

pub fn job_with_models(response: &GetJobResponse) -> Value {
    json!({ "job": optional(response.job.as_ref(), job), "models": list(&response.models, model) })
}

pub fn job(job: &Job) -> Value {
    json!({
        "name": job.name,
        "description": job.description,
        "models": job.models,
        "ingest": job.ingest,
        "default_interval": text::interval_unit(job.default_interval),
        "schedule": optional(job.schedule.as_ref(), schedule),
        "running_max": job.running_max,
    })
}

fn schedule(schedule: &Schedule) -> Value {
    json!({
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "overlap": text::overlap(schedule.overlap),
        "catch_up": text::catch_up(schedule.catch_up),
        "start_deadline": seconds(schedule.start_deadline.as_ref()),
        "after_jobs": schedule.after_jobs,
        "paused": schedule.paused,
        "paused_by": schedule.paused_by,
        "paused_at": instant(schedule.paused_at.as_ref()),
        "pause_reason": schedule.pause_reason,
        "last_firing": instant(schedule.last_firing.as_ref()),
        "next_firings": list(&schedule.next_firings, |firing| instant(Some(firing))),
    })
}

fn model(model: &Model) -> Value {
    json!({
        "name": model.name,
        "description": model.description,
        "grain": model.grain,
        "key": model.key,
        "materialisation": text::materialisation(model.materialisation),
        "partition": model.partition,
        "unit": text::interval_unit(model.unit),
        "inputs": model.inputs,
        "parameters": list(&model.parameters, parameter),
        "publish": model.publish,
    })
}

fn parameter(parameter: &ModelParameter) -> Value {
    json!({ "name": parameter.name, "default_value": parameter.default_value })
}
