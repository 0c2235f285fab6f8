//! Where bytes live: folders named by URL (`file:///…` or `s3://…`), and the object stores behind them.
//!
//! Every process (driver, scheduler, executor) makes its own clients from the environment, so that no
//! credential ever travels inside a plan.

mod local;
mod registry;
mod requests;

use std::fmt;
use std::sync::Arc;

use datafusion::datasource::object_store::ObjectStoreUrl;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

pub use registry::Stores;
pub use requests::{Requested, Watch};

use crate::{Error, Result};

/// A folder in an object store. Its URL always ends in `/`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Folder {
    url: Url,
}

impl Folder {
    /// Reads a URL (`file:///data`, `s3://bucket/prefix`) or a local path, which may be relative.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |problem: String| Error::invalid(format!("folder `{text}`"), problem);
        let mut url = match Url::parse(text) {
            Ok(url) if url.scheme() == "file" || url.scheme() == "s3" => url,
            Ok(url) if url.scheme().len() > 1 => {
                return Err(invalid(format!("scheme `{}` is not known, expected file:// or s3://", url.scheme())));
            }
            _ => {
                let path = std::path::absolute(text).map_err(|error| invalid(error.to_string()))?;
                Url::from_directory_path(&path).map_err(|()| invalid("not a path that a URL can name".into()))?
            }
        };
        if url.scheme() == "s3" && url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("names no bucket, expected s3://bucket/prefix".into()));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self { url })
    }

    /// The folder below this one, `relative` being plain names separated by `/`.
    pub fn join(&self, relative: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{}/", self.url.path(), relative.trim_matches('/')));
        Self { url }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The folder's path inside its store.
    pub fn path(&self) -> Result<Path> {
        Path::from_url_path(self.url.path()).map_err(|error| Error::invalid(self.to_string(), error.to_string()))
    }

    /// The path inside its store of a file that has this path below the folder.
    pub fn path_of(&self, file: &str) -> Result<Path> {
        let file = Path::parse(file).map_err(|error| Error::invalid(file, error.to_string()))?;
        Ok(Path::from_iter(self.path()?.parts().chain(file.parts())))
    }

    /// What DataFusion calls the store: scheme and bucket.
    pub fn store_url(&self) -> Result<ObjectStoreUrl> {
        let text = &self.url[..url::Position::BeforePath];
        ObjectStoreUrl::parse(text).map_err(Error::engine(self.to_string()))
    }

    pub fn store(&self, stores: &Stores) -> Result<Arc<dyn ObjectStore>> {
        stores.open(&self.url)
    }

    /// All files in the folder and below it, in no order.
    pub async fn files(&self, stores: &Stores) -> Result<Vec<ObjectMeta>> {
        let path = self.path()?;
        let listed = match self.url.to_file_path() {
            // The store of local files looks at each entry several times, at folders too.
            Ok(root) if self.url.scheme() == "file" => {
                let walked = tokio::task::spawn_blocking(move || local::files(&root, &path)).await;
                walked.unwrap_or_else(|error| Err(error.into()))
            }
            _ => self.store(stores)?.list(Some(&path)).try_collect().await,
        };
        listed.map_err(Error::storage(self))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_ends_in_a_slash_and_joins_names() {
        let folder = Folder::parse("s3://bucket/fleet").unwrap();
        assert_eq!(folder.join("landing/flights").to_string(), "s3://bucket/fleet/landing/flights/");
        assert_eq!(folder.join("x").path().unwrap().as_ref(), "fleet/x");
    }

    #[test]
    fn a_local_path_becomes_a_file_url() {
        assert_eq!(Folder::parse("/data/a b").unwrap().to_string(), "file:///data/a%20b/");
    }

    #[test]
    fn an_unknown_scheme_is_refused_by_name() {
        let error = Folder::parse("gopher://x/y").unwrap_err().to_string();
        assert!(error.contains("gopher") && error.contains("s3://"), "{error}");
    }
}
