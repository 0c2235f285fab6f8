//! `fleet doctor`: everything that a cluster needs, looked at one by one.

use std::fmt;
use std::time::Duration;

use anyhow::bail;
use chrono::Utc;
use fleet_jobs::catalog::Catalog;
use fleet_jobs::publish::Publisher;
use fleet_jobs::storage::{Folder, Stores};
use fleet_proto::v1;
use fleet_scheduler::ledger::Ledger;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions};
use serde_json::json;

use crate::client::options::Connection;
use crate::client::{Client, Patience};
use crate::display::say;
use crate::options::{self, Common};
use crate::session::warehouse_folder;

/// Clocks that differ by more mislead whoever reads logs; nothing is decided by them.
const CLOCKS_APART: Duration = Duration::from_secs(2);

/// What was found of one thing.
enum Finding {
    Fine(String),
    /// What is wrong, and what to do.
    Wrong {
        problem: String,
        advice: &'static str,
    },
    /// Why it was not looked at.
    Left(&'static str),
}

pub async fn doctor(common: &Common, connection: &Connection, options: &options::Doctor) -> anyhow::Result<()> {
    let mut wrong = 0;
    let mut tell = |thing: &str, finding: Finding| {
        wrong += u32::from(matches!(finding, Finding::Wrong { .. }));
        if common.json { say(as_json(thing, &finding)) } else { say(as_line(thing, &finding)) }
    };
    let catalog = Catalog::load(common.catalog.as_deref()).await;
    tell("catalogue", of_catalog(&catalog));
    tell("data", data(common).await);
    tell("warehouse", warehouse(common).await);
    tell("ledger", ledger(options.ledger.as_deref()).await);
    tell("database", database(options.database.publish.as_deref()).await);
    let patience = Patience { call: Duration::from_secs(5), ..Patience::default() };
    let mut client = Client::new(connection, patience)?;
    let digest = catalog.as_ref().map(Catalog::digest).unwrap_or_default();
    let mut leads = false;
    for server in &connection.server {
        let info = client.call_at(server, |mut services| async move {
            services.cluster.get_cluster_info(v1::GetClusterInfoRequest {}).await
        });
        let info = info.await;
        leads |= info.as_ref().is_some_and(|info| info.queue.is_some());
        tell(&format!("scheduler {server}"), scheduler(info.as_ref(), &digest));
    }
    let executors = match leads {
        true => executors(&mut Client::new(connection, patience)?).await,
        false => Finding::Left("none of these schedulers leads"),
    };
    tell("executors", executors);
    match wrong {
        0 => Ok(()),
        1 => bail!("one thing is wrong"),
        many => bail!("{many} things are wrong"),
    }
}

fn as_line(thing: &str, finding: &Finding) -> String {
    match finding {
        Finding::Fine(text) => format!("fine   {thing}: {text}"),
        Finding::Wrong { problem, advice } => format!("wrong  {thing}: {problem}\n       {advice}"),
        Finding::Left(why) => format!("-      {thing}: not looked at, {why}"),
    }
}

fn as_json(thing: &str, finding: &Finding) -> serde_json::Value {
    match finding {
        Finding::Fine(text) => json!({ "check": thing, "state": "fine", "text": text }),
        Finding::Wrong { problem, advice } => {
            json!({ "check": thing, "state": "wrong", "text": problem, "advice": advice })
        }
        Finding::Left(why) => json!({ "check": thing, "state": "left", "text": why }),
    }
}

fn wrong(problem: impl fmt::Display, advice: &'static str) -> Finding {
    Finding::Wrong { problem: problem.to_string(), advice }
}

fn of_catalog(catalog: &fleet_jobs::Result<Catalog>) -> Finding {
    match catalog {
        Ok(catalog) => Finding::Fine(format!(
            "{} sources, {} models, {} jobs, digest {}",
            catalog.sources.len(),
            catalog.models.len(),
            catalog.jobs.len(),
            catalog.digest()
        )),
        Err(error) => wrong(error, "Mend the file that is named; `fleet plan` shows whether a model plans."),
    }
}

async fn data(common: &Common) -> Finding {
    let advice = "Check --data and the store's credentials (AWS_* variables); a new folder needs landing/ in it.";
    let listed = async {
        let folder = Folder::parse(&common.data)?.join("landing");
        let (store, path) = (folder.store(&Stores::new())?, folder.path()?);
        let listing = store.list_with_delimiter(Some(&path)).await.map_err(fleet_jobs::Error::storage(&folder))?;
        Ok::<_, fleet_jobs::Error>((folder.to_string(), listing.common_prefixes.len() + listing.objects.len()))
    };
    match listed.await {
        Ok((folder, 0)) => wrong(format!("{folder} is empty, or not there"), advice),
        Ok((folder, entries)) => Finding::Fine(format!("{folder} has {entries} folders and files")),
        Err(error) => wrong(error, advice),
    }
}

/// Writes, reads and removes an object, and writes it a second time on condition that it is not there.
async fn warehouse(common: &Common) -> Finding {
    let tried = async {
        let folder = warehouse_folder(common)?;
        let (store, root) = (folder.store(&Stores::new())?, folder.path()?);
        let name = format!("_doctor-{}", uuid::Uuid::new_v4());
        let path = Path::from_iter(root.parts().chain(Path::from(name).parts()));
        let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let failed = || fleet_jobs::Error::storage(&folder);
        store.put_opts(&path, "doctor".into(), create()).await.map_err(failed())?;
        let again = store.put_opts(&path, "again".into(), create()).await;
        let read = async { store.get(&path).await?.bytes().await }.await.map_err(failed());
        store.delete(&path).await.map_err(failed())?;
        let refused = matches!(again, Err(object_store::Error::AlreadyExists { .. }));
        Ok::<_, fleet_jobs::Error>((folder.to_string(), refused && read?.as_ref() == b"doctor"))
    };
    match tried.await {
        Ok((folder, true)) => {
            Finding::Fine(format!("{folder} can be written, read and deleted, and refuses to create an object twice"))
        }
        Ok((folder, false)) => wrong(
            format!("{folder} lets an object be created twice: two runs could commit one version of a table"),
            "Use a store with conditional writes (If-None-Match), such as S3 or a present MinIO.",
        ),
        Err(error) => wrong(error, "Check --warehouse, the bucket, and that its credentials may write and delete."),
    }
}

async fn ledger(url: Option<&str>) -> Finding {
    let Some(url) = url else { return Finding::Left("as no --ledger is given") };
    let opened = async {
        let ledger = Ledger::open(url).await?;
        ledger.ping().await?;
        ledger.queue_state().await.map(|state| (ledger.place().to_owned(), state))
    };
    match opened.await {
        Ok((place, state)) => Finding::Fine(format!("{place}: {} runs wait, {} run", state.queued, state.running)),
        Err(error) => wrong(error, "Check --ledger, and that its user may create a schema in the database."),
    }
}

async fn database(url: Option<&str>) -> Finding {
    let Some(url) = url else { return Finding::Left("as no --publish is given") };
    match Publisher::connect(url).await {
        Ok(_) => Finding::Fine("can be connected to".to_owned()),
        Err(error) => wrong(error, "Check --publish, and that the database is up and lets this machine in."),
    }
}

fn scheduler(info: Option<&v1::GetClusterInfoResponse>, digest: &str) -> Finding {
    let Some(scheduler) = info.and_then(|info| info.scheduler.as_ref()) else {
        return wrong(
            "does not answer",
            "Start `fleet scheduler`, or pass --server http://host:port of its front door.",
        );
    };
    let own = env!("CARGO_PKG_VERSION");
    if scheduler.version != own {
        let problem = format!("is version {}, this is {own}", scheduler.version);
        return wrong(problem, "Install one version everywhere.");
    }
    let clock = scheduler
        .clock_at
        .as_ref()
        .and_then(|at| chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?));
    let apart = clock.map(|clock| (Utc::now() - clock).abs().to_std().unwrap_or_default()).unwrap_or_default();
    if apart > CLOCKS_APART {
        let problem = format!("its clock and this one are {:.1} s apart", apart.as_secs_f64());
        return wrong(problem, "Let both follow one time server (NTP).");
    }
    if scheduler.catalog_digest != digest {
        let problem = format!("computes by another catalogue, digest {}", scheduler.catalog_digest);
        return wrong(problem, "Give it, and this command, the same --catalog and version.");
    }
    let leader = info.and_then(|info| info.leader.as_ref());
    let leads = leader.is_some_and(|leader| leader.instance_id == scheduler.instance_id);
    match (leads, leader) {
        (true, _) => Finding::Fine(format!("leads, version {own}")),
        (false, Some(leader)) => Finding::Fine(format!("stands by, version {own}; {} leads", leader.address)),
        (false, None) => wrong("stands by, and nobody leads", "Wait ten seconds; then look at its log for why."),
    }
}

async fn executors(client: &mut Client) -> Finding {
    let listed = client.call("list executors", |mut services| async move {
        services.cluster.list_executors(v1::ListExecutorsRequest {}).await
    });
    let executors = match listed.await {
        Ok(listed) => listed.executors,
        Err(error) => return wrong(error, "Look at the scheduler's log."),
    };
    let own = env!("CARGO_PKG_VERSION");
    let is_active = |executor: &&v1::Executor| executor.state() == v1::ExecutorState::Active;
    let active = executors.iter().filter(is_active).count();
    if active == 0 {
        return wrong(
            "none is there to compute anything",
            "Start `fleet executor --scheduler` with the cluster plane's address.",
        );
    }
    match executors.iter().find(|executor| executor.version != own) {
        Some(other) => wrong(
            format!("{} is version {}, this is {own}", other.id, other.version),
            "Install one version everywhere.",
        ),
        None => {
            let slots: u32 = executors.iter().map(|executor| executor.slots).sum();
            Finding::Fine(format!("{active} active of {}, {slots} slots", executors.len()))
        }
    }
}
