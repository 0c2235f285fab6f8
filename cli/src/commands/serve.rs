//! `fleet scheduler` and `fleet executor`: processes that serve until they are told to stop.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use fleet_scheduler::{Scheduler, Tasks};

use crate::display::say;
use crate::options::{self, Common};
use crate::session::slots;

const SCHEDULER_PORT: u16 = 50050;

pub async fn scheduler(options: &options::Scheduler) -> anyhow::Result<()> {
    let host = options.advertised_host.clone().unwrap_or_else(|| options.bind.to_string());
    let scheduler = Scheduler::start(SocketAddr::from((options.bind, options.port)), &host, Tasks::Pushed).await?;
    say(format_args!("scheduler listening on {}", scheduler.address));
    let mut terminated =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("signals")?;
    tokio::select! {
        ended = scheduler.wait() => Ok(ended?),
        _ = terminated.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

pub async fn executor(common: &Common, options: options::Executor) -> anyhow::Result<()> {
    let url = common.scheduler.clone().unwrap_or_else(|| format!("http://127.0.0.1:{SCHEDULER_PORT}"));
    let (scheduler_host, scheduler_port) = host_and_port(&url)?;
    let options = fleet_executor::Options {
        bind: options.bind,
        advertised_host: options.advertised_host,
        port: options.port,
        task_port: options.task_port,
        scheduler_host,
        scheduler_port,
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
