//! The object stores of a process, opened on first use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use url::Url;

use super::requests::{Watch, Watched};
use crate::{Error, Result};

/// A registry that knows local files and S3. S3 clients take address, region and keys from the usual
/// `AWS_*` variables, and use conditional writes, on which Delta commits rely.
#[derive(Default)]
pub struct Stores {
    open: RwLock<HashMap<String, Arc<dyn ObjectStore>>>,
    watched: Option<Watched>,
}

impl Stores {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Whose requests over HTTP are told.
    pub fn watched(watch: Watch) -> Arc<Self> {
        Arc::new(Self { watched: Some(Watched(watch)), ..Self::default() })
    }

    pub fn open(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let name = key(url);
        if let Some(store) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(Arc::clone(store));
        }
        let store = self.connect(url)?;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(open.entry(name).or_insert(store)))
    }

    fn connect(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        match url.scheme() {
            "file" => Ok(Arc::new(LocalFileSystem::new())),
            "s3" => {
                let bucket = url.host_str().unwrap_or_default();
                let plain_http = ["AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                    .iter()
                    .any(|name| std::env::var(name).is_ok_and(|value| value.starts_with("http://")));
                let mut builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_allow_http(plain_http)
                    .with_conditional_put(S3ConditionalPut::ETagMatch);
                if let Some(watched) = &self.watched {
                    builder = builder.with_http_connector(watched.clone());
                }
                Ok(Arc::new(builder.build().map_err(Error::storage(url))?))
            }
            other => {
                let problem = format!("no object store for `{other}://`, expected file:// or s3://");
                Err(Error::invalid(url.to_string(), problem))
            }
        }
    }
}

fn key(url: &Url) -> String {
    url[..url::Position::BeforePath].to_owned()
}

impl ObjectStoreRegistry for Stores {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(key(url), store)
    }

    fn get_store(&self, url: &Url) -> datafusion::error::Result<Arc<dyn ObjectStore>> {
        self.open(url).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(open.keys()).finish()
    }
}
