//! What runs are computed with: the catalogue, the tables, where files land, and the database to publish to.

use std::sync::Arc;

use fleet_jobs::catalog::Catalog;
use fleet_jobs::engine::{ClusterClient, Engine, runtime, session_config, session_state};
use fleet_jobs::ingest::Landing;
use fleet_jobs::progress::Silent;
use fleet_jobs::publish::Publisher;
use fleet_jobs::run::{Runner, Turns};
use fleet_jobs::warehouse::Warehouse;
use fleet_jobs::{Error, Result};

/// As long as there is no executor.
const PARTITIONS: usize = 8;

#[derive(Clone)]
pub struct Setup {
    pub catalog: Arc<Catalog>,
    pub warehouse: Warehouse,
    pub landing: Landing,
    /// Into how many parts work is cut; twice as many as the executors have slots where it is left out.
    pub partitions: Option<usize>,
    /// How many steps go on at once.
    pub steps_max: usize,
    /// PostgreSQL to publish to.
    pub publish: Option<String>,
}

impl Setup {
    /// A runner on the cluster whose scheduler is at `url`, without a verifier, without a publisher, and silent.
    pub async fn runner(&self, url: &str) -> Result<Runner> {
        let shared = runtime(Arc::clone(self.warehouse.stores())).map_err(Error::engine("session"))?;
        let state = session_state(session_config(self.partitions.unwrap_or(PARTITIONS)), shared)
            .map_err(Error::engine("session"))?;
        let cluster = ClusterClient::connect(url, &state).await?;
        Ok(self.runner_on(Engine::on_cluster(state, cluster)))
    }

    /// A runner in this process, for small queries.
    pub fn local_runner(&self) -> Result<Runner> {
        Ok(self.runner_on(self.verifier()?))
    }

    fn runner_on(&self, engine: Engine) -> Runner {
        Runner {
            catalog: Arc::clone(&self.catalog),
            warehouse: self.warehouse.clone(),
            engine,
            verifier: None,
            publisher: None,
            turns: Turns::new(self.steps_max),
            progress: Arc::new(Silent),
        }
    }

    /// One process that computes everything again.
    pub fn verifier(&self) -> Result<Engine> {
        let shared = runtime(Arc::clone(self.warehouse.stores())).map_err(Error::engine("session"))?;
        Ok(Engine::in_process(session_state(session_config(1), shared).map_err(Error::engine("session"))?))
    }

    pub async fn publisher(&self) -> Result<Option<Publisher>> {
        match &self.publish {
            Some(url) => Ok(Some(Publisher::connect(url).await?)),
            None => Ok(None),
        }
    }
}
