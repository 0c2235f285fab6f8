//! One round: three runs on a cluster of its own, with one fault or none while they go on.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use crate::airline::Airline;
use crate::client::Client;
use crate::cluster::Cluster;
use crate::commits::{self, Commit};
use crate::disturbance::{Disturbance, Plan};
use crate::faults::{self, Outcome};
use crate::judge;
use crate::kit::State;
use crate::published::Published;

const DAILY: &str = "daily_data_ingestion";
const WEEKLY: &str = "weekly_reliability_analysis";
const MONTHLY: &str = "monthly_fleet_performance";

/// A run that the client asked for.
pub struct Asked {
    pub job: &'static str,
    pub key: String,
    pub run: String,
}

/// What every other round is compared with.
pub struct Undisturbed {
    /// From asking for the first run to the end of the last.
    pub takes: Duration,
    state: State,
    published: Published,
    commits: BTreeMap<String, Vec<Commit>>,
}

/// A round that passed.
pub struct Played {
    pub takeover: Option<Duration>,
    pub takes: Duration,
    lost: usize,
    /// Commits more than undisturbed, by table.
    surplus: BTreeMap<String, usize>,
    repeated: u32,
    was_running: bool,
}

pub fn undisturbed(airline: &mut Airline) -> Undisturbed {
    let ground = airline.ground("undisturbed");
    let cluster = Cluster::start(airline, ground);
    let mut client = client(&cluster);
    let (asked, takes) = ask(&mut client);
    let lost = judge::runs(&mut client, &asked);
    assert!(lost.is_empty(), "attempts failed undisturbed: {lost:?}");
    judge::firings(&mut client, airline, &cluster.ground);
    assert!(cluster.ended.is_empty(), "{:?}", cluster.ended);
    let published = Published::of(airline, &cluster.ground.published);
    assert!(published.rows() > 0, "nothing is published");
    let commits = commits::of(airline, &cluster.ground);
    Undisturbed { takes, state: State::of(&cluster.ground.place), published, commits }
}

pub fn disturbed(airline: &mut Airline, undisturbed: &Undisturbed, plan: &Plan) -> Played {
    airline.mend();
    let ground = airline.ground(&format!("seed-{}", plan.seed));
    let mut cluster = Cluster::start(airline, ground);
    let mut client = client(&cluster);
    let (asked, takes, outcome, was_running) = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&mut client));
        cluster.look_after_for(undisturbed.takes.mul_f64(plan.share));
        let was_running = !asking.is_finished();
        let outcome = faults::perform(plan, airline, &mut cluster);
        while !asking.is_finished() {
            cluster.look_after();
        }
        let (asked, takes) = asking.join().unwrap_or_else(|panic| resume_unwind(panic));
        (asked, takes, outcome, was_running)
    });
    let lost = judge::runs(&mut client, &asked);
    judge::firings(&mut client, airline, &cluster.ground);
    let Outcome { takeover, former } = outcome;
    if let Some(former) = former {
        judge::former_leader(&former, airline, &cluster.ground);
    }
    Published::of(airline, &cluster.ground.published).assert_same(&undisturbed.published);
    State::of(&cluster.ground.place).assert_same(&undisturbed.state, "disturbed");
    let commits = commits::of(airline, &cluster.ground);
    if plan.disturbance == Disturbance::LeaderFrozen {
        commits::assert_none_is_stale(&commits);
    }
    assert!(cluster.ended.is_empty(), "ended without being told to: {:?}", cluster.ended);
    let surplus = commits::surplus(&commits, &undisturbed.commits);
    Played { takeover, takes, lost: lost.len(), surplus, repeated: client.repeated(), was_running }
}

/// With no schedule enabled that fires by the time of day.
fn client(cluster: &Cluster) -> Client {
    let mut client = Client::of(&cluster.servers);
    for job in [DAILY, WEEKLY, MONTHLY] {
        client.pause(job);
    }
    client
}

/// Asks for the runs and watches them to their end, whatever happens meanwhile.
fn ask(client: &mut Client) -> (Vec<Asked>, Duration) {
    let began = Instant::now();
    let mut asked = Vec::new();
    for jobs in [&[DAILY][..], &[WEEKLY, MONTHLY]] {
        for &job in jobs {
            let key = format!("{job} of the round");
            let run = client.submit(job, &key).run.unwrap().id;
            asked.push(Asked { job, key, run });
        }
        for asked in &asked[asked.len() - jobs.len()..] {
            client.watch(&asked.run);
        }
    }
    (asked, began.elapsed())
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { takeover, takes, lost, surplus, repeated, was_running } = self;
        write!(f, "passed; runs took {:.1} s", takes.as_secs_f64())?;
        if let Some(takeover) = takeover {
            write!(f, ", another led after {:.1} s", takeover.as_secs_f64())?;
        }
        let late = if *was_running { "" } else { ", when the runs were over" };
        write!(f, ", {lost} attempts lost, asked again {repeated} times{late}")?;
        if surplus.is_empty() { Ok(()) } else { write!(f, ", committed more often: {surplus:?}") }
    }
}
