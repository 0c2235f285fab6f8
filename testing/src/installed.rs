//! Where `install.sh` puts what it installs: `.servers/` beside the workspace, or `$TEST_SERVERS_DIR`.

use std::path::{Path, PathBuf};

use crate::Error;

/// The Python interpreter that has DuckDB, for recomputing a result without this project's code, and what a gRPC client
/// is generated with.
pub fn python() -> Result<PathBuf, Error> {
    existing("python", servers_directory().join("python/bin/python"))
}

/// The program that calls a gRPC service by its reflection.
pub fn grpcurl() -> Result<PathBuf, Error> {
    existing("python", servers_directory().join("python/bin/grpcurl"))
}

/// The program that checks, formats and compares `.proto` files, in the version that `proto/check.sh` needs.
pub fn buf() -> Result<PathBuf, Error> {
    existing("buf", servers_directory().join("buf/node_modules/.bin/buf"))
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
