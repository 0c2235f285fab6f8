//! `fleet executors` and `fleet status`.

use fleet_proto::v1::{
    DrainExecutorRequest, Executor, GetClusterInfoRequest, GetClusterInfoResponse, ListExecutorsRequest,
};

use super::connect::Client;
use super::error::Error;
use super::options::ExecutorsDrain;
use super::{json, text};
use crate::display::say;

pub async fn executors(client: &mut Client, json: bool) -> Result<(), Error> {
    let response = client.call("list executors", |mut services| async move {
        services.cluster.list_executors(ListExecutorsRequest {}).await
    });
    tell(&response.await?.executors, json);
    Ok(())
}

pub async fn drain(client: &mut Client, options: &ExecutorsDrain, json: bool) -> Result<(), Error> {
    let grace = prost_types::Duration { seconds: options.grace.num_seconds(), nanos: options.grace.subsec_nanos() };
    let response = client.call(format!("drain executor {}", options.id), |mut services| {
        let request = DrainExecutorRequest {
            executor_id: options.id.clone(),
            grace_period: Some(grace),
            reason: options.reason.clone().unwrap_or_default(),
        };
        async move { services.cluster.drain_executor(request).await }
    });
    tell(response.await?.executor.as_slice(), json);
    Ok(())
}

fn tell(executors: &[Executor], json: bool) {
    if json {
        executors.iter().for_each(|executor| say(json::executor(executor)));
    } else {
        table(executors).iter().for_each(say);
    }
}

fn table(executors: &[Executor]) -> Vec<String> {
    let headings = ["executor", "host", "state", ">slots", ">memory", "version", "started", "heard", "drained by"];
    let mut table = text::Table::new(&headings);
    for executor in executors {
        let bound = if executor.memory_bytes_max == 0 {
            String::new()
        } else {
            format!(" of {}", text::bytes(executor.memory_bytes_max))
        };
        table.row([
            executor.id.clone(),
            executor.host.clone(),
            text::executor_state(executor.state),
            format!("{}/{}", executor.slots_used, executor.slots),
            format!("{}{bound}", text::bytes(executor.memory_bytes)),
            executor.version.clone(),
            text::instant(executor.started_at.as_ref()),
            text::instant(executor.last_heartbeat_at.as_ref()),
            text::instant(executor.drain_deadline_at.as_ref()),
        ]);
    }
    table.lines()
}

/// Every scheduler answers; the leader alone knows the queue, and is asked where there is one.
pub async fn status(client: &mut Client, json: bool) -> Result<(), Error> {
    let mut info = cluster_info(client).await?;
    if let (None, Some(leader)) = (&info.queue, &info.leader) {
        let of_leader = client.call_at(&leader.address, |mut services| async move {
            services.cluster.get_cluster_info(GetClusterInfoRequest {}).await
        });
        info = of_leader.await.unwrap_or(info);
    }
    if json {
        say(json::cluster_info(&info));
    } else {
        in_full(&info).iter().for_each(say);
    }
    Ok(())
}

async fn cluster_info(client: &mut Client) -> Result<GetClusterInfoResponse, Error> {
    let response = client.call("show status", |mut services| async move {
        services.cluster.get_cluster_info(GetClusterInfoRequest {}).await
    });
    response.await
}

fn in_full(info: &GetClusterInfoResponse) -> Vec<String> {
    let leader = match &info.leader {
        Some(leader) => format!(
            "{} ({}), epoch {}, since {}",
            leader.address,
            leader.instance_id,
            leader.epoch,
            text::instant(leader.since.as_ref())
        ),
        None => "none; runs wait until a scheduler takes the lease".to_owned(),
    };
    let scheduler = info.scheduler.clone().unwrap_or_default();
    let components = scheduler.components.iter().map(|(name, version)| format!("{name} {version}"));
    let uptime = scheduler.uptime.as_ref().map(|uptime| format!(", up {}", text::seconds(text::span(uptime))));
    let mut fields = vec![
        ("leader", leader),
        (
            "answered by",
            format!("{}, fleet {}{}", scheduler.instance_id, scheduler.version, uptime.unwrap_or_default()),
        ),
        ("built on", components.collect::<Vec<_>>().join(", ")),
        ("catalogue", scheduler.catalog_digest.clone()),
    ];
    match &info.queue {
        Some(queue) => {
            let waiting = queue.queued_by_submitter.iter().map(|(who, runs)| format!("{who} {runs}"));
            fields.push(("running", format!("{} of {} runs at most", queue.running, queue.running_max)));
            fields.push(("queued", format!("{} of {} runs at most", queue.queued, queue.queued_max)));
            fields.push(("queued by", waiting.collect::<Vec<_>>().join(", ")));
            fields.push(("held back", text::counted(queue.held.into(), "run")));
        }
        None => fields.push(("queue", "known to the leader alone".to_owned())),
    }
    fields
        .push(("executors", format!("{} active, {} of {} slots in use", info.executors, info.slots_used, info.slots)));
    fields.push(("ledger", text::ledger(info.ledger)));
    fields.push(("warehouse", info.warehouse.clone()));
    text::fields(&fields)
}

#[cfg(test)]
mod tests {
    use fleet_proto::v1::{Leader, Queue, Scheduler};
    use prost_types::{Duration, Timestamp};

    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn executors_are_a_table() {
        let executor = Executor {
            id: "e1".to_owned(),
            host: "host-a".to_owned(),
            slots: 4,
            slots_used: 3,
            version: "0.1.0".to_owned(),
            memory_bytes_max: 2 << 30,
            memory_bytes: 300 << 20,
            started_at: at(1_773_014_400),
            last_heartbeat_at: at(1_773_014_410),
            state: 1,
            ..Executor::default()
        };
        let draining =
            Executor { id: "e2".to_owned(), state: 2, drain_deadline_at: at(1_773_015_000), ..executor.clone() };
        assert_eq!(
            table(&[executor, draining]),
            [
                "executor  host    state     slots                memory  version  started               heard                 drained by",
                "e1        host-a  active      3/4  300.0 MiB of 2.0 GiB  0.1.0    2026-03-09T00:00:00Z  2026-03-09T00:00:10Z",
                "e2        host-a  draining    3/4  300.0 MiB of 2.0 GiB  0.1.0    2026-03-09T00:00:00Z  2026-03-09T00:00:10Z  2026-03-09T00:10:00Z",
            ]
        );
    }

    #[test]
    fn the_leader_tells_the_queue() {
        let info = GetClusterInfoResponse {
            scheduler: Some(Scheduler {
                instance_id: "s1".to_owned(),
                version: "0.1.0".to_owned(),
                components: [("ballista".to_owned(), "55.0.0".to_owned())].into(),
                catalog_digest: "abc".to_owned(),
                uptime: Some(Duration { seconds: 10_920, nanos: 0 }),
                ..Scheduler::default()
            }),
            leader: Some(Leader {
                instance_id: "s1".to_owned(),
                address: "host:50060".to_owned(),
                epoch: 3,
                since: at(1_773_014_400),
                lease_ends_at: None,
            }),
            queue: Some(Queue {
                queued: 3,
                queued_max: 100,
                held: 1,
                running: 2,
                running_max: 4,
                queued_by_submitter: [("ann".to_owned(), 2), ("schedule".to_owned(), 1)].into(),
            }),
            ledger: 2,
            warehouse: "s3://airline/fleet/warehouse".to_owned(),
            executors: 3,
            slots: 12,
            slots_used: 5,
        };
        assert_eq!(
            in_full(&info).join("\n"),
            "\
leader       host:50060 (s1), epoch 3, since 2026-03-09T00:00:00Z
answered by  s1, fleet 0.1.0, up 3 h 02 min
built on     ballista 55.0.0
catalogue    abc
running      2 of 4 runs at most
queued       3 of 100 runs at most
queued by    ann 2, schedule 1
held back    1 run
executors    3 active, 5 of 12 slots in use
ledger       postgresql
warehouse    s3://airline/fleet/warehouse"
        );
    }

    #[test]
    fn without_a_leader_nothing_is_known_of_the_queue() {
        let text = in_full(&GetClusterInfoResponse::default()).join("\n");
        assert!(text.contains("leader       none; runs wait until a scheduler takes the lease"));
        assert!(text.contains("queue        known to the leader alone"));
    }
}
