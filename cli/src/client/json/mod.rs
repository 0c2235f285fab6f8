//! Messages as JSON: the contract's field names, every field always there, enums as lower-case words, instants as
//! RFC 3339, durations in seconds. An absent message is null.

mod cluster;
mod job;
mod lineage;
mod run;

pub use cluster::{cluster_info, executor};
pub use job::{job, job_with_models};
pub use lineage::{lineage, lineage_summary};
pub use run::{backfilled, run, submitted, watched};

use chrono::{DateTime, SecondsFormat, Utc};
use prost_types::{Duration, Timestamp};
use serde_json::{Value, json};

use super::text;

fn instant(instant: Option<&Timestamp>) -> Value {
    let nanos = |instant: &Timestamp| u32::try_from(instant.nanos).unwrap_or(0);
    let time = instant.and_then(|instant| DateTime::from_timestamp(instant.seconds, nanos(instant)));
    json!(time.map(|time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
}

fn seconds(duration: Option<&Duration>) -> Value {
    json!(duration.map(text::span))
}

fn list<'a, T: 'a>(messages: &'a [T], one: impl FnMut(&'a T) -> Value) -> Value {
    messages.iter().map(one).collect()
}

fn optional<T>(message: Option<&T>, one: impl FnOnce(&T) -> Value) -> Value {
    message.map_or(Value::Null, one)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fleet_proto::v1::*;
    use prost::Message;

    use super::*;

    /// The fields of each message of the contract.
    fn contract() -> BTreeMap<String, BTreeSet<String>> {
        let set = prost_types::FileDescriptorSet::decode(fleet_proto::FILE_DESCRIPTOR_SET).unwrap();
        let messages = set.file.iter().filter(|file| file.package() == "fleet.v1").flat_map(|file| &file.message_type);
        let fields = |message: &prost_types::DescriptorProto| {
            message.field.iter().map(|field| field.name().to_owned()).collect()
        };
        messages.map(|message| (message.name().to_owned(), fields(message))).collect()
    }

    fn keys(value: &Value) -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn json_has_every_field_of_the_contract() {
        let step = Step {
            attempts: vec![Attempt::default()],
            progress: Some(Progress::default()),
            output: Some(TableVersion::default()),
            stages: vec![Stage::default()],
            ..Step::default()
        };
        let run = Run { interval: Some(Interval::default()), steps: vec![step], ..Run::default() };
        let watched = watched(&WatchRunResponse { run: Some(run), ..WatchRunResponse::default() });
        let step = &watched["run"]["steps"][0];
        let job = Job { schedule: Some(Schedule::default()), ..Job::default() };
        let model = Model { parameters: vec![ModelParameter::default()], ..Model::default() };
        let job = job_with_models(&GetJobResponse { job: Some(job), models: vec![model] });
        let info = cluster_info(&GetClusterInfoResponse {
            scheduler: Some(Scheduler::default()),
            leader: Some(Leader::default()),
            queue: Some(Queue::default()),
            ..GetClusterInfoResponse::default()
        });
        let node = LineageNode { productions: vec![Production::default()], ..LineageNode::default() };
        let lineage = lineage(&GetLineageResponse {
            nodes: vec![node],
            files: vec![SourceFile::default()],
            ..GetLineageResponse::default()
        });
        let submitted = submitted(&SubmitRunResponse::default());
        let backfilled = backfilled(&BackfillResponse::default());
        let executor = executor(&Executor::default());
        let shown = [
            ("WatchRunResponse", &watched),
            ("Run", &watched["run"]),
            ("Interval", &watched["run"]["interval"]),
            ("Step", step),
            ("Attempt", &step["attempts"][0]),
            ("Progress", &step["progress"]),
            ("TableVersion", &step["output"]),
            ("Stage", &step["stages"][0]),
            ("GetJobResponse", &job),
            ("Job", &job["job"]),
            ("Schedule", &job["job"]["schedule"]),
            ("Model", &job["models"][0]),
            ("ModelParameter", &job["models"][0]["parameters"][0]),
            ("GetClusterInfoResponse", &info),
            ("Scheduler", &info["scheduler"]),
            ("Leader", &info["leader"]),
            ("Queue", &info["queue"]),
            ("Executor", &executor),
            ("GetLineageResponse", &lineage),
            ("LineageNode", &lineage["nodes"][0]),
            ("Production", &lineage["nodes"][0]["productions"][0]),
            ("SourceFile", &lineage["files"][0]),
            ("SubmitRunResponse", &submitted),
            ("BackfillResponse", &backfilled),
        ];
        let contract = contract();
        for (name, value) in shown {
            assert_eq!(keys(value), contract[name], "{name}");
        }
    }
}
