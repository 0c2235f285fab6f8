//! `fleet scheduler` and `fleet executor`: processes that serve until they are told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use fleet_jobs::storage::Stores;
use fleet_scheduler::cluster::Tasks;
use fleet_scheduler::front_door;
use fleet_scheduler::metrics::Metrics;
use fleet_scheduler::service::{Service, Settings, Setup};
use tokio::sync::watch;

use crate::display::say;
use crate::options::{self, Common};
use crate::recorded::{beside_data, ledger_of};
use crate::session::{setup, slots};

const SCHEDULER_PORT: u16 = 50050;

pub async fn scheduler(common: &Common, options: options::Scheduler) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::new()?);
    let watching = Arc::clone(&metrics);
    let stores = Stores::watched(Arc::new(move |request| watching.requested(request)));
    let setup = setup(common, options.steps_max.get(), stores).await?;
    let setup = Setup { publish: options.database.publish.clone(), ..setup };
    let url = match &options.ledger {
        Some(url) => url.clone(),
        None => match beside_data(common)? {
            Some(url) => url,
            None => bail!(
                "ledger: none is given, and {} is no folder of this machine to keep one in; pass --ledger",
                common.data
            ),
        },
    };
    let any = [options.bind, options.insecure_front_door_bind].iter().any(std::net::IpAddr::is_unspecified);
    reachable(any, options.advertised_host.as_deref())?;
    let ledger = ledger_of(&url, &setup.warehouse).await?.measured(metrics.ledger_seconds.clone());
    let listener = front_door::bind((options.insecure_front_door_bind, options.front_door_port).into()).await?;
    let host = |bind: std::net::IpAddr| options.advertised_host.clone().unwrap_or_else(|| bind.to_string());
    let front_door = listener.local_addr()?;
    let settings = Settings {
        instance: uuid::Uuid::now_v7().to_string(),
        front_door: format!("{}:{}", host(options.insecure_front_door_bind), front_door.port()),
        cluster_address: SocketAddr::from((options.bind, options.port)),
        cluster_host: host(options.bind),
        runs_max: options.runs_max.get(),
        queue_max: options.queue_max,
        grace: Duration::from_secs(options.grace_seconds),
    };
    let service = Service::new(settings, setup, ledger.clone(), metrics);
    let (stop, stopped) = watch::channel(false);
    let (door_stop, door_stopped) = watch::channel(false);
    let leading = service.start(Arc::new(|| Tasks::Pushed), stopped);
    say(format_args!("front door listening on {front_door}, ledger in {}", ledger.place()));
    tokio::spawn(tell_leading(Arc::clone(&service)));
    let mut serving = tokio::spawn(front_door::serve(service, listener, door_stopped));
    tokio::select! {
        ended = &mut serving => ended??,
        told = told_to_stop() => told?,
    }
    say("stopping: steps that have begun go on, no other begins");
    stop.send_replace(true);
    leading.await?;
    door_stop.send_replace(true);
    // Streams of clients are open for as long as these like.
    _ = tokio::time::timeout(Duration::from_secs(1), serving).await;
    ledger.close().await;
    Ok(())
}

/// Whoever listens on all addresses has to say at which one others find it.
fn reachable(listens_on_all: bool, advertised_host: Option<&str>) -> anyhow::Result<()> {
    if listens_on_all && advertised_host.is_none() {
        bail!(
            "--advertised-host: is missing, and nobody can be reached at 0.0.0.0; pass the name or address of this machine"
        );
    }
    Ok(())
}

async fn told_to_stop() -> anyhow::Result<()> {
    let mut terminated =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("signals")?;
    tokio::select! {
        _ = terminated.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("signals"),
    }
}

/// Says when this scheduler begins to lead, and who does where it stands by.
async fn tell_leading(service: Arc<Service>) {
    let (mut leading, mut leader) = (service.leading(), service.leader());
    let mut told = String::new();
    loop {
        let changed = tokio::select! {
            changed = leading.changed() => changed,
            changed = leader.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        leader.borrow_and_update();
        let address = leading.borrow_and_update().as_ref().map(|term| term.plane.address);
        let now = match (address, service.leader_address()) {
            (Some(address), _) => format!("leading; cluster plane listening on {address}"),
            (None, Some(other)) => format!("standing by; {other} leads"),
            (None, None) if told.is_empty() || *service.draining().borrow() => continue,
            (None, None) => "standing by".to_owned(),
        };
        if now != told {
            say(&now);
            told = now;
        }
    }
}

pub async fn executor(common: &Common, options: options::Executor) -> anyhow::Result<()> {
    reachable(options.bind.is_unspecified(), options.advertised_host.as_deref())?;
    let url = common.scheduler.clone().unwrap_or_else(|| format!("http://127.0.0.1:{SCHEDULER_PORT}"));
    let schedulers = url.split(',').map(|url| host_and_port(url.trim())).collect::<anyhow::Result<Vec<_>>>()?;
    let options = fleet_executor::Options {
        bind: options.bind,
        advertised_host: options.advertised_host,
        port: options.port,
        task_port: options.task_port,
        schedulers,
        slots: slots(common),
        memory_bytes: options.memory_bytes,
        work_folder: options.work_dir,
    };
    let ready = |id: &str, port: u16, task_port: u16| {
        say(format_args!("{id} listening on ports {port} and {task_port} for {url}"))
    };
    Ok(fleet_executor::run(options, ready).await?)
}

fn host_and_port(url: &str) -> anyhow::Result<(String, u16)> {
    let place = url.strip_prefix("http://").map(|place| place.trim_end_matches('/'));
    let parts = place.and_then(|place| place.rsplit_once(':'));
    match parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?))) {
        Some(parts) => Ok(parts),
        None => bail!("scheduler `{url}`: expected http://host:port, as in http://localhost:{SCHEDULER_PORT}"),
    }
}
