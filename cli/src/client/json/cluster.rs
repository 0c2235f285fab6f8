//! The cluster and its executors.

use fleet_proto::v1::{Executor, GetClusterInfoResponse, Leader, Queue, Scheduler};
use serde_json::{Value, json};

use super::{instant, optional, seconds};
use crate::client::text;

pub fn executor(executor: &Executor) -> Value {
    json!({
        "id": executor.id,
        "host": executor.host,
        "flight_port": executor.flight_port,
        "task_port": executor.task_port,
        "slots": executor.slots,
        "slots_used": executor.slots_used,
        "version": executor.version,
        "memory_bytes_max": executor.memory_bytes_max,
        "memory_bytes": executor.memory_bytes,
        "started_at": instant(executor.started_at.as_ref()),
        "last_heartbeat_at": instant(executor.last_heartbeat_at.as_ref()),
        "state": text::executor_state(executor.state),
        "drain_deadline_at": instant(executor.drain_deadline_at.as_ref()),
    })
}

pub fn cluster_info(info: &GetClusterInfoResponse) -> Value {
    json!({
        "scheduler": optional(info.scheduler.as_ref(), scheduler),
        "leader": optional(info.leader.as_ref(), leader),
        "queue": optional(info.queue.as_ref(), queue),
        "ledger": text::ledger(info.ledger),
        "warehouse": info.warehouse,
        "executors": info.executors,
        "slots": info.slots,
        "slots_used": info.slots_used,
    })
}

fn scheduler(scheduler: &Scheduler) -> Value {
    json!({
        "instance_id": scheduler.instance_id,
        "version": scheduler.version,
        "components": scheduler.components,
        "catalog_digest": scheduler.catalog_digest,
        "started_at": instant(scheduler.started_at.as_ref()),
        "uptime": seconds(scheduler.uptime.as_ref()),
        "clock_at": instant(scheduler.clock_at.as_ref()),
    })
}

fn leader(leader: &Leader) -> Value {
    json!({
        "instance_id": leader.instance_id,
        "address": leader.address,
        "epoch": leader.epoch,
        "since": instant(leader.since.as_ref()),
        "lease_ends_at": instant(leader.lease_ends_at.as_ref()),
    })
}

fn queue(queue: &Queue) -> Value {
    json!({
        "queued": queue.queued,
        "queued_max": queue.queued_max,
        "held": queue.held,
        "running": queue.running,
        "running_max": queue.running_max,
        "queued_by_submitter": queue.queued_by_submitter,
    })
}
