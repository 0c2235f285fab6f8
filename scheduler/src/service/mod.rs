//! The job service: durable runs of jobs and models, whatever process dies.
//!
//! Requests change the ledger; whoever leads makes true what the ledger says. Everything that a leader knows and the
//! ledger does not can be lost without harm.

mod changes;
mod deadline;
mod error;
mod execution;
mod leader;
mod lineage;
mod live;
mod local;
mod recorder;
mod requests;
mod schedules;
mod setup;
mod term;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use changes::Changes;
pub use error::{Error, Result};
pub use lineage::{Lineage, LineageNode, LineageRequest, Made, SourceFile};
pub use live::{Seen, StepSeen};
pub use local::LocalRun;
pub use requests::{BackfillRequest, SubmitRequest, Target};
pub use setup::Setup;
pub use term::Term;

use crate::cluster::Tasks;
use crate::ledger::{Lease, Ledger, Limits};
use crate::metrics::Metrics;

/// Makes what a cluster plane is started with, anew for each time of leading.
pub type TasksOf = Arc<dyn Fn() -> Tasks + Send + Sync>;

/// How the service is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of this process, new each time that it starts.
    pub instance: String,
    /// `host:port` at which clients reach this front door.
    pub front_door: String,
    /// Where the cluster plane listens while this process leads, and how executors reach it.
    pub cluster_address: SocketAddr,
    pub cluster_host: String,
    /// Runs at once, and runs that may wait.
    pub runs_max: usize,
    pub queue_max: u64,
    /// How long steps that have begun may take when the process is told to stop.
    pub grace: Duration,
}

pub struct Service {
    pub settings: Settings,
    pub setup: Setup,
    pub ledger: Ledger,
    pub started_at: DateTime<Utc>,
    pub started: Instant,
    pub changes: Changes,
    pub metrics: Arc<Metrics>,
    /// The present term, where this process leads.
    leading: watch::Sender<Option<Arc<Term>>>,
    /// The lease as it was last seen.
    leader: watch::Sender<Option<Lease>>,
    /// Whether the process is about to stop.
    draining: watch::Sender<bool>,
}

impl Service {
    pub fn new(settings: Settings, setup: Setup, ledger: Ledger, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            settings,
            setup,
            ledger,
            started_at: Utc::now(),
            started: Instant::now(),
            changes: Changes::default(),
            metrics,
            leading: watch::Sender::new(None),
            leader: watch::Sender::new(None),
            draining: watch::Sender::new(false),
        })
    }

    /// Leads, or stands by, until `stop` is true.
    pub fn start(self: &Arc<Self>, tasks: TasksOf, stop: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(leader::run(Arc::clone(self), tasks, stop))
    }

    /// The present term.
    ///
    /// # Errors
    /// `NotLeader` where this process does not lead, or is about to stop.
    pub fn term(&self) -> Result<Arc<Term>> {
        let term = self.leading.borrow().clone();
        match term {
            Some(term) if !term.deadline.is_over() && !*self.draining.borrow() => Ok(term),
            _ => Err(Error::NotLeader { leader: self.leader_address() }),
        }
    }

    /// Tells when this process begins or ends to lead.
    pub fn leading(&self) -> watch::Receiver<Option<Arc<Term>>> {
        self.leading.subscribe()
    }

    /// Tells when the lease is seen anew.
    pub fn leader(&self) -> watch::Receiver<Option<Lease>> {
        self.leader.subscribe()
    }

    /// Whether the process is about to stop.
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// The lease as this process knows it.
    pub fn lease(&self) -> Option<Lease> {
        self.leader.borrow().clone()
    }

    /// Where another leader's front door is.
    pub fn leader_address(&self) -> Option<String> {
        let lease = self.lease()?;
        let (instance, address) = lease.holder.split_once('@')?;
        (instance != self.settings.instance).then(|| address.to_owned())
    }

    /// What the lease calls this process.
    fn holder(&self) -> String {
        format!("{}@{}", self.settings.instance, self.settings.front_door)
    }

    fn limits(&self) -> Limits {
        let limit = |(name, job): (&String, &fleet_jobs::catalog::Job)| Some((name.clone(), job.running_max?.get()));
        let job_runs_max: BTreeMap<String, usize> = self.setup.catalog.jobs.iter().filter_map(limit).collect();
        Limits { runs_max: self.settings.runs_max, job_runs_max }
    }
}
