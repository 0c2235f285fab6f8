//! From options to a runner: the catalogue, the warehouse, and the engine here or on a cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fleet_executor::{Embedded, start_embedded};
use fleet_jobs::Error;
use fleet_jobs::catalog::Catalog;
use fleet_jobs::engine::{ClusterClient, Engine, runtime, session_config, session_state};
use fleet_jobs::ingest::Landing;
use fleet_jobs::progress::Progress;
use fleet_jobs::publish::Publisher;
use fleet_jobs::run::Runner;
use fleet_jobs::storage::{Folder, Stores};
use fleet_jobs::warehouse::Warehouse;
use fleet_scheduler::{Scheduler, Tasks};
use tokio::sync::Notify;

use crate::options::Common;

/// A runner, and what must live as long as it.
pub struct Session {
    pub runner: Runner,
    pub landing: Landing,
    _embedded: Option<(Scheduler, Embedded)>,
}

/// What a command needs of a session beyond the common options.
#[derive(Default)]
pub struct Needs<'a> {
    pub verify: bool,
    pub publish: Option<&'a str>,
}

impl Session {
    pub async fn open(common: &Common, needs: Needs<'_>, progress: Arc<dyn Progress>) -> anyhow::Result<Self> {
        let catalog = Arc::new(Catalog::load(common.catalog.as_deref()).await?);
        let data = Folder::parse(&common.data)?;
        if let (None, "file", Ok(path)) = (&common.warehouse, data.url().scheme(), data.url().to_file_path())
            && !path.exists()
        {
            return Err(Error::invalid(format!("data folder {}", path.display()), "does not exist; pass --data").into());
        }
        let root = match &common.warehouse {
            Some(warehouse) => Folder::parse(warehouse)?,
            None => data.join("warehouse"),
        };
        let publisher = match needs.publish {
            Some(url) => Some(Publisher::connect(url).await.map_err(Error::from)?),
            None => None,
        };
        let stores = Stores::new();
        let slots = slots(common);
        let partitions = common.partitions.unwrap_or(slots * 2).max(1);
        let shared = runtime(Arc::clone(&stores)).map_err(Error::engine("session"))?;
        let state = session_state(session_config(partitions), Arc::clone(&shared)).map_err(Error::engine("session"))?;
        let (url, embedded) = match common.scheduler.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => (url.to_owned(), None),
            None => {
                let (scheduler, executor) = embedded(slots, &stores).await?;
                (format!("http://{}", scheduler.address), Some((scheduler, executor)))
            }
        };
        let cluster = ClusterClient::connect(&url, &state).await?;
        let verifier = match needs.verify {
            true => {
                Some(Engine::in_process(session_state(session_config(1), shared).map_err(Error::engine("session"))?))
            }
            false => None,
        };
        let warehouse = Warehouse::new(root, stores);
        let engine = Engine::on_cluster(state, cluster);
        let runner = Runner { catalog, warehouse, engine, verifier, publisher, parallel_steps: slots, progress };
        Ok(Self { runner, landing: Landing::new(data), _embedded: embedded })
    }
}

/// The task slots of this process.
pub fn slots(common: &Common) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    common.slots.unwrap_or_else(cores).max(1)
}

async fn embedded(slots: usize, stores: &Arc<Stores>) -> anyhow::Result<(Scheduler, Embedded)> {
    let wake = Arc::new(Notify::new());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let scheduler = Scheduler::start(address, "127.0.0.1", Tasks::Pulled(Arc::clone(&wake))).await?;
    let executor = start_embedded(scheduler.address, slots, Arc::clone(stores), wake).await?;
    Ok((scheduler, executor))
}
