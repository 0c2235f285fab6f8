//! Where `install.sh` puts what it installs: `.servers/` beside the workspace, or `$TEST_SERVERS_DIR`.

use std::path::{Path, PathBuf};

use crate::Error;

/// The Python interpreter that has DuckDB, for recomputing a result without this project's code.
pub fn python() -> Result<PathBuf, Error> {
    existing("python", servers_directory().join("python/bin/python"))
}

pub(crate) fn servers_directory() -> PathBuf {
    match std::env::var_os("TEST_SERVERS_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.servers"),
    }
}

/// Returns `path` if it is there; `server` is the name that `install.sh` knows it by.
pub(crate) fn existing(server: &'static str, path: PathBuf) -> Result<PathBuf, Error> {
    if path.exists() { Ok(path) } else { Err(Error::NotInstalled { server, path }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_says_how_to_install_it() {
        let error = existing("minio", PathBuf::from("/nonexistent/minio")).unwrap_err();
        assert!(error.to_string().contains("run `make install-test-servers"), "{error}");
    }
}
