//! Does to the processes what a plan says, and undoes it.

use std::time::{Duration, Instant};

use crate::airline::Airline;
use crate::cluster::Cluster;
use crate::disturbance::{Disturbance, Plan};
use crate::kit::PATIENCE;

/// The lease lasts for 9 s without being prolonged; a standby looks twice a second.
const TAKEOVER_MAX: Duration = Duration::from_secs(15);
/// In which steps that have begun may end: the schedulers' default, and what else their end takes.
const GRACE: Duration = Duration::from_secs(30 + 10);
/// After which a leader that was frozen knows that it leads no longer.
const NOTICE: Duration = Duration::from_secs(10);

/// What a fault did to who leads.
#[derive(Default)]
pub struct Outcome {
    /// From the fault until another scheduler led.
    pub takeover: Option<Duration>,
    pub former: Option<Former>,
}

/// A scheduler that led until another took over.
pub struct Former {
    pub instance: String,
    /// When that was, in microseconds since 1970, by the database's clock.
    pub until: i64,
}

pub fn perform(plan: &Plan, airline: &mut Airline, cluster: &mut Cluster) -> Outcome {
    match plan.disturbance {
        Disturbance::LeaderKilled | Disturbance::LeaderFrozen | Disturbance::LeaderTerminated => {
            return of_leader(plan, airline, cluster);
        }
        Disturbance::StandbyKilled => {
            let standby = 1 - cluster.leader();
            cluster.schedulers[standby].kill();
            cluster.look_after_for(plan.away);
            cluster.schedulers[standby].start_again(&cluster.ground.place);
        }
        Disturbance::ExecutorKilled => {
            cluster.executors[plan.executor].kill();
            cluster.look_after_for(plan.away);
            cluster.executors[plan.executor].start_again(&cluster.ground.place);
        }
        Disturbance::ExecutorsKilled => {
            cluster.executors.iter_mut().for_each(|executor| executor.kill());
            cluster.look_after_for(plan.away);
            cluster.executors.iter_mut().for_each(|executor| executor.start_again(&cluster.ground.place));
        }
        Disturbance::PostgresStopped(shutdown) => {
            airline.postgres.stop(shutdown).unwrap();
            cluster.look_after_for(plan.away);
            airline.postgres.restart().unwrap();
        }
        Disturbance::MinioKilled => {
            airline.s3.server.kill();
            cluster.look_after_for(plan.away);
            airline.s3.server.restart().unwrap();
        }
    }
    Outcome::default()
}

fn of_leader(plan: &Plan, airline: &Airline, cluster: &mut Cluster) -> Outcome {
    let leader = cluster.leader();
    let holder = airline.ask(&cluster.ground.ledger, "select holder from fleet_ledger.lease;");
    let instance = holder.split('@').next().unwrap().to_owned();
    let began = Instant::now();
    match plan.disturbance {
        Disturbance::LeaderKilled => cluster.schedulers[leader].kill(),
        Disturbance::LeaderFrozen => cluster.schedulers[leader].process.freeze().unwrap(),
        _ => cluster.schedulers[leader].terminate(),
    }
    let (mut undo_at, mut undone, mut taken) = (None, false, None);
    while !undone || taken.is_none() {
        assert!(began.elapsed() < PATIENCE, "nobody took over, or the one that led never ended");
        cluster.look_after();
        if taken.is_none() && (cluster.leads(1 - leader) || undone && cluster.leads(leader)) {
            let now = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint;";
            taken = Some((began.elapsed(), airline.ask(&cluster.ground.ledger, now).parse().unwrap()));
        }
        if undo_at.is_none() && is_away(plan, cluster, leader) {
            undo_at = Some(Instant::now() + plan.away);
        }
        if !undone && undo_at.is_some_and(|at| Instant::now() >= at) {
            undone = true;
            undo(plan, cluster, leader);
        }
    }
    let Some((takeover, until)) = taken else { return Outcome::default() };
    let bound = if plan.disturbance == Disturbance::LeaderTerminated { GRACE } else { TAKEOVER_MAX };
    assert!(takeover < bound, "a scheduler took over after {takeover:?}, which is more than {bound:?}");
    Outcome { takeover: Some(takeover), former: Some(Former { instance, until }) }
}

/// Whether the leader is as the plan wants it: one that is told to stop takes a while.
fn is_away(plan: &Plan, cluster: &Cluster, leader: usize) -> bool {
    let process = &cluster.schedulers[leader].process;
    if plan.disturbance == Disturbance::LeaderTerminated && !process.is_running() {
        let status = process.wait(Duration::ZERO).unwrap();
        assert!(status.success(), "a scheduler that was told to stop ended with {status}");
    }
    plan.disturbance == Disturbance::LeaderFrozen || !process.is_running()
}

fn undo(plan: &Plan, cluster: &mut Cluster, leader: usize) {
    if plan.disturbance != Disturbance::LeaderFrozen {
        return cluster.schedulers[leader].start_again(&cluster.ground.place);
    }
    assert!(cluster.leads(1 - leader), "nobody took over from a frozen leader");
    cluster.schedulers[leader].process.thaw().unwrap();
    let until = Instant::now() + NOTICE;
    while cluster.leads(leader) {
        assert!(Instant::now() < until, "a leader that was frozen for {:?} still leads", plan.away);
        cluster.look_after();
    }
}
