//! One time of leading: goes on with the runs that a former leader left, starts queued ones, fires schedules.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use fleet_jobs::run::Turns;
use fleet_jobs::warehouse::Guard;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::deadline::Deadline;
use super::execution::{Ended, Execute};
use super::live::{Live, Seen};
use super::recorder::patiently;
use super::{Error, Service, schedules};
use crate::cluster::{ClusterPlane, Tasks};
use crate::ledger::{self, Fence, Limits, QueueEntry, Run, RunId, choose};

/// Of so many runs that ended it is still told what their stages were.
const ENDED_MAX: usize = 1_000;
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
    /// Held wherever a run goes from here to `ended` or back, so that it is always in one of them.
    executing: Mutex<HashMap<RunId, Executing>>,
    /// What the runs that ended last had come to, the oldest first.
    ended: Mutex<VecDeque<(RunId, Arc<Live>)>>,
    /// Something may have to be started.
    wake: Notify,
    /// A schedule may have to be looked at.
    pub(super) schedule_changed: Notify,
    limits: Limits,
}

type Executions = JoinSet<(RunId, ledger::Result<Ended>)>;

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
        let leads = Arc::clone(&deadline);
        let leads = Arc::new(move || !leads.is_over());
        let plane = ClusterPlane::start(service.settings.cluster_address, &service.settings.cluster_host, tasks, leads);
        let plane = plane.await.map_err(|error| Error::unfit("cluster plane", error.to_string()))?;
        let url = format!("http://{}", plane.address);
        let mut runner = service.setup.runner(&url).await?;
        let may_commit = Arc::clone(&deadline);
        runner.warehouse = runner.warehouse.guarded(Guard::new(move || may_commit.leave()));
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
            ended: Mutex::default(),
            wake: Notify::new(),
            schedule_changed: Notify::new(),
            limits: service.limits(),
        })
    }

    /// Leads until it cannot, and says why.
    pub(super) async fn lead(&self, service: &Service) -> String {
        let runs = async {
            match self.dispatch(service).await {
                Ok(never) => match never {},
                Err(error) => error.to_string(),
            }
        };
        tokio::select! {
            problem = runs => problem,
            error = schedules::fire(service, self) => error.to_string(),
            () = self.plane.ended() => "the cluster plane serves no longer".to_owned(),
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

    /// What a run that is executed here does, or did.
    pub fn seen(&self, run: RunId) -> Option<Seen> {
        let executing = self.executing();
        if let Some(executing) = executing.get(&run) {
            return Some(executing.live.seen());
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().rev().find(|(ended, _)| *ended == run).map(|(_, live)| live.seen())
    }

    /// From now on the run is executed. It goes on from what it had come to when it ended before.
    fn begins(&self, run: &Run, cancel: Arc<Notify>) -> Arc<Live> {
        let mut executing = self.executing();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let place = ended.iter().position(|(ended, _)| *ended == run.id);
        let live = place.and_then(|place| ended.remove(place)).map(|(_, live)| live).unwrap_or_default();
        executing.insert(run.id, Executing { entry: QueueEntry::from(run), live: Arc::clone(&live), cancel });
        live
    }

    fn over(&self, run: RunId) {
        let mut executing = self.executing();
        let Some(executed) = executing.remove(&run) else { return };
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push_back((run, executed.live));
        if ended.len() > ENDED_MAX {
            ended.pop_front();
        }
    }

    pub fn turns(&self) -> &Turns {
        &self.execute.runner.turns
    }

    /// Runs that are executed here.
    pub fn running(&self) -> usize {
        self.executing().len()
    }

    async fn dispatch(&self, service: &Service) -> ledger::Result<std::convert::Infallible> {
        let mut executions = JoinSet::new();
        self.take_over_lost(service, &mut executions).await?;
        loop {
            self.start_queued(service, &mut executions).await?;
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(QUEUE_EVERY) => self.take_over_lost(service, &mut executions).await?,
                Some(ended) = executions.join_next() => match ended {
                    Ok((run, result)) => {
                        self.over(run);
                        match result {
                            Ok(Ended::Recorded) => service.changes.ended(run),
                            _ => service.changes.changed(run),
                        }
                        self.schedule_changed.notify_one();
                        if result? == Ended::Abandoned {
                            self.take_over(service, &mut executions, run).await?;
                        }
                    }
                    Err(error) => tracing::error!(%error, "an execution ended badly"),
                },
            }
        }
    }

    /// Goes on with the runs that nobody executes any more.
    async fn take_over_lost(&self, service: &Service, executions: &mut Executions) -> ledger::Result<()> {
        for run in patiently(|| service.ledger.running(Utc::now())).await? {
            if !self.executing().contains_key(&run.id) {
                self.take_over(service, executions, run.id).await?;
            }
        }
        Ok(())
    }

    /// Goes on with a run from its last committed step.
    async fn take_over(&self, service: &Service, executions: &mut Executions, id: RunId) -> ledger::Result<()> {
        patiently(|| service.ledger.close_lost_attempts(&self.fence, id, Utc::now())).await?;
        if let Some(run) = patiently(|| service.ledger.get(id)).await? {
            tracing::info!(run = %id, "going on with a run");
            self.spawn(executions, run).await;
        }
        Ok(())
    }

    async fn start_queued(&self, service: &Service, executions: &mut Executions) -> ledger::Result<()> {
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

    async fn spawn(&self, executions: &mut Executions, run: Run) {
        let (cancel, id) = (Arc::new(Notify::new()), run.id);
        let live = self.begins(&run, Arc::clone(&cancel));
        let execute = self.execute.clone();
        let partitions = self.partitions().await;
        let span = tracing::info_span!("run", run = %id, job = run.job);
        let executed = async move { (id, execute.execute(run, partitions, live, cancel).await) };
        executions.spawn(executed.instrument(span));
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
            let stalled = self.plane.executors().await.is_empty();
            let executing =
                || self.executing().iter().map(|(run, it)| (*run, Arc::clone(&it.live))).collect::<Vec<_>>();
            for (run, live) in executing() {
                if live.stalls(stalled) {
                    service.changes.changed(run);
                }
            }
            for (job, name, stages) in self.plane.stages().await {
                let Some((run, step)) = name.split_once('/') else { continue };
                let Ok(run) = run.parse() else { continue };
                let live = self.executing().get(&run).map(|executing| Arc::clone(&executing.live));
                if live.is_some_and(|live| live.reached(step, &job, stages)) {
                    service.changes.changed(run);
                }
            }
        }
    }

    fn executing(&self) -> MutexGuard<'_, HashMap<RunId, Executing>> {
        self.executing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
