//! From options to a runner: the catalogue, the warehouse, and the engine here or on a cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fleet_executor::{Embedded, start_embedded};
use fleet_jobs::Error;
use fleet_jobs::catalog::Catalog;
use fleet_jobs::ingest::Landing;
use fleet_jobs::progress::Progress;
use fleet_jobs::run::Runner;
use fleet_jobs::storage::{Folder, Stores};
use fleet_jobs::warehouse::Warehouse;
use fleet_scheduler::cluster::{ClusterPlane, Tasks};
use fleet_scheduler::service::Setup;
use tokio::sync::Notify;

use crate::options::Common;

/// A runner, and what must live as long as it.
pub struct Session {
    pub runner: Runner,
    pub landing: Landing,
    _embedded: Option<(ClusterPlane, Embedded)>,
}

/// What a command needs of a session beyond the common options.
#[derive(Default)]
pub struct Needs<'a> {
    pub verify: bool,
    pub publish: Option<&'a str>,
}

impl Session {
    pub async fn open(common: &Common, needs: Needs<'_>, progress: Arc<dyn Progress>) -> anyhow::Result<Self> {
        let slots = slots(common);
        let setup = Setup {
            publish: needs.publish.map(str::to_owned),
            partitions: Some(common.partitions.unwrap_or(slots * 2).max(1)),
            ..setup(common, slots, Stores::new()).await?
        };
        let publisher = setup.publisher().await?;
        let (url, embedded) = match common.scheduler.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => (url.to_owned(), None),
            None => {
                let (plane, executor) = embedded(slots, setup.warehouse.stores()).await?;
                (format!("http://{}", plane.address), Some((plane, executor)))
            }
        };
        let verifier = if needs.verify { Some(setup.verifier()?) } else { None };
        let mut runner = Runner { verifier, publisher, progress, ..setup.runner(&url).await? };
        if embedded.is_some() {
            runner.engine = runner.engine.within_a_process();
        }
        Ok(Self { runner, landing: setup.landing, _embedded: embedded })
    }
}

/// The catalogue, the tables and the landing folder that the options name.
pub async fn setup(common: &Common, steps_max: usize, stores: Arc<Stores>) -> anyhow::Result<Setup> {
    let catalog = Arc::new(Catalog::load(common.catalog.as_deref()).await?);
    let warehouse = Warehouse::new(warehouse_folder(common)?, stores);
    let (landing, partitions) = (Landing::new(Folder::parse(&common.data)?), common.partitions);
    Ok(Setup { catalog, warehouse, landing, partitions, steps_max, publish: None })
}

/// Where the tables are. Beside data they are only where the data are: a store that makes folders by itself would make
/// one for a name that is mistyped.
pub fn warehouse_folder(common: &Common) -> fleet_jobs::Result<Folder> {
    let data = Folder::parse(&common.data)?;
    if let Some(warehouse) = &common.warehouse {
        return Folder::parse(warehouse);
    }
    if let ("file", Ok(path)) = (data.url().scheme(), data.url().to_file_path())
        && !path.exists()
    {
        return Err(Error::invalid(format!("data folder {}", path.display()), "does not exist; pass --data"));
    }
    Ok(data.join("warehouse"))
}

/// The task slots of this process.
pub fn slots(common: &Common) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    common.slots.unwrap_or_else(cores).max(1)
}

async fn embedded(slots: usize, stores: &Arc<Stores>) -> anyhow::Result<(ClusterPlane, Embedded)> {
    let wake = Arc::new(Notify::new());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let plane = ClusterPlane::start(address, "127.0.0.1", Tasks::Pulled(Arc::clone(&wake)), Arc::new(|| true)).await?;
    let executor = start_embedded(plane.address, slots, Arc::clone(stores), wake).await?;
    Ok((plane, executor))
}
