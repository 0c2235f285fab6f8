//! One time of leading: goes on with the runs that a former leader left, starts queued ones, fires schedules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_jobs::run::Turns;
use fleet_jobs::warehouse::Guard;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::deadline::Deadline;
use super::execution::Execute;
use super::live::{Live, Seen};
use super::recorder::patiently;
use super::{Error, Service, schedules};
use crate::cluster::{ClusterPlane, Tasks};
use crate::ledger::{self, Fence, Limits, QueueEntry, Run, RunId, choose};

/// How often stages are looked at.
const STAGES_EVERY: Duration = Duration::from_millis(250);
/// The queue is looked at when something changed, and as often as this in any case.
const QUEUE_EVERY: Duration = Duration::from_secs(2);

pub struct Term {
    pub fence: Fence,
    pub since: DateTime<Utc>,
    pub deadline: Arc<Deadline>,
    pub plane: ClusterPlane,
    execute: Execute,
    executing: Mutex<HashMap<RunId, Executing>>,
    /// Something may have to be started.
    wake: Notify,
    /// A schedule may have to be looked at.
    pub(super) schedule_changed: Notify,
    limits: Limits,
}

struct Executing {
    entry: QueueEntry,
    live: Arc<Live>,
    cancel: Arc<Notify>,
}

impl Term {
    /// Opens the cluster plane to executors.
    pub(super) async fn begin(
        service: &Service,
        fence: Fence,
        deadline: Arc<Deadline>,
        tasks: Tasks,
    ) -> super::Result<Self> {
        let plane = ClusterPlane::start(service.settings.cluster_address, &service.settings.cluster_host, tasks);
        let plane = plane.await.map_err(|error| Error::unfit("cluster plane", error.to_string()))?;
        let url = format!("http://{}", plane.address);
        let mut runner = service.setup.runner(&url).await?;
        let may_commit = Arc::clone(&deadline);
        runner.warehouse = runner.warehouse.guarded(Guard::new(move || may_commit.may_commit()));
        let execute = Execute {
            ledger: service.ledger.clone(),
            fence: fence.clone(),
            instance: service.settings.instance.clone(),
            setup: service.setup.clone(),
            runner,
            changes: service.changes.clone(),
            metrics: Arc::clone(&service.metrics),
        };
        Ok(Self {
            fence,
            since: Utc::now(),
            deadline,
            plane,
            execute,
            executing: Mutex::default(),
            wake: Notify::new(),
            schedule_changed: Notify::new(),
            limits: service.limits(),
        })
    }

    /// Leads until an error of the ledger says that it no longer does.
    pub(super) async fn lead(&self, service: &Service) -> ledger::Error {
        let runs = async {
            match self.dispatch(service).await {
                Ok(never) => match never {},
                Err(error) => error,
            }
        };
        tokio::select! {
            error = runs => error,
            error = schedules::fire(service, self) => error,
            () = self.look_at_stages(service) => std::future::pending().await,
        }
    }

    /// Tells that the queue, or what runs, is another.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops a run if it is executed here.
    pub fn cancel(&self, run: RunId) {
        if let Some(executing) = self.executing().get(&run) {
            executing.cancel.notify_one();
        }
    }

    /// What a run that is executed here does.
    pub fn seen(&self, run: RunId) -> Option<Seen> {
        self.executing().get(&run).map(|executing| executing.live.seen())
    }

    pub fn turns(&self) -> &Turns {
        &self.execute.runner.turns
    }

    /// Runs that are executed here.
    pub fn running(&self) -> usize {
        self.executing().len()
    }

    async fn dispatch(&self, service: &Service) -> ledger::Result<std::convert::Infallible> {
        let ledger = &service.ledger;
        let mut executions = JoinSet::new();
        for run in patiently(|| ledger.running()).await? {
            tracing::info!(run = %run.id, "going on with a run");
            patiently(|| ledger.close_lost_attempts(&self.fence, run.id, Utc::now())).await?;
            self.spawn(&mut executions, run).await;
        }
        loop {
            self.start_queued(service, &mut executions).await?;
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(QUEUE_EVERY) => {}
                Some(ended) = executions.join_next() => match ended {
                    Ok((run, result)) => {
                        self.executing().remove(&run);
                        service.changes.changed(run);
                        self.schedule_changed.notify_one();
                        result?;
                    }
                    Err(error) => tracing::error!(%error, "an execution ended badly"),
                },
            }
        }
    }

    async fn start_queued(
        &self,
        service: &Service,
        executions: &mut JoinSet<(RunId, ledger::Result<()>)>,
    ) -> ledger::Result<()> {
        if self.running() >= self.limits.runs_max {
            return Ok(());
        }
        let queued = patiently(|| service.ledger.queued()).await?;
        let running: Vec<QueueEntry> = self.executing().values().map(|executing| executing.entry.clone()).collect();
        for id in choose(&queued, &running, &self.limits) {
            match patiently(|| service.ledger.start_run(&self.fence, id, Utc::now())).await {
                Ok(run) => {
                    self.spawn(executions, run).await;
                    service.changes.changed(id);
                }
                // It was cancelled meanwhile.
                Err(ledger::Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn spawn(&self, executions: &mut JoinSet<(RunId, ledger::Result<()>)>, run: Run) {
        let (live, cancel, id) = (Arc::new(Live::default()), Arc::new(Notify::new()), run.id);
        let executing =
            Executing { entry: QueueEntry::from(&run), live: Arc::clone(&live), cancel: Arc::clone(&cancel) };
        self.executing().insert(id, executing);
        let execute = self.execute.clone();
        let partitions = self.partitions().await;
        executions.spawn(async move { (id, execute.execute(run, partitions, live, cancel).await) });
    }

    /// Into how many parts the work of a run that starts now is cut.
    async fn partitions(&self) -> Option<usize> {
        let slots: u32 = self.plane.executors().await.iter().map(|executor| executor.slots).sum();
        let slots = usize::try_from(slots).unwrap_or(0);
        (slots > 0 && self.execute.setup.partitions.is_none()).then_some(slots * 2)
    }

    async fn look_at_stages(&self, service: &Service) {
        loop {
            tokio::time::sleep(STAGES_EVERY).await;
            if self.running() == 0 {
                continue;
            }
            for (job, stages) in self.plane.stages().await {
                let Some((run, step)) = job.split_once('/') else { continue };
                let Ok(run) = run.parse() else { continue };
                let live = self.executing().get(&run).map(|executing| Arc::clone(&executing.live));
                if live.is_some_and(|live| live.reached(step, stages)) {
                    service.changes.changed(run);
                }
            }
        }
    }

    fn executing(&self) -> MutexGuard<'_, HashMap<RunId, Executing>> {
        self.executing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
