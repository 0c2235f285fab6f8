//! Which PostgreSQL is run, where its files are, and as whom: it refuses to run as root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Error;
use crate::installed::{existing, servers_directory};

/// The account that Debian's packages make for the server.
const ACCOUNT: &str = "postgres";

pub(super) struct Installation {
    /// The server's root directory: `/`, or a Debian root of its own that is entered by `chroot`.
    root: PathBuf,
    binaries: &'static str,
    settings: &'static [&'static str],
    /// The user and group to become, if this process is root.
    account: Option<(u32, u32)>,
}

impl Installation {
    pub(super) fn debian() -> Result<Self, Error> {
        Self::at("postgres", PathBuf::from("/"), "/usr/lib/postgresql/15/bin", &[])
    }

    pub(super) fn timescale() -> Result<Self, Error> {
        let root = servers_directory().join("timescale");
        let settings =
            &["shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off", "max_worker_processes=32"];
        let found = Self::at("timescaledb", root, "/usr/lib/postgresql/17/bin", settings)?;
        match found.account {
            Some(_) => Ok(found),
            None => Err(Error::NeedsRoot { server: "timescaledb" }),
        }
    }

    fn at(
        server: &'static str,
        root: PathBuf,
        binaries: &'static str,
        settings: &'static [&'static str],
    ) -> Result<Self, Error> {
        for program in ["initdb", "postgres", "psql"] {
            existing(server, root.join(&binaries[1..]).join(program))?;
        }
        let account = match rustix::process::geteuid().is_root() {
            true => Some(ids(&root).map_err(Error::io(format!("find the account {ACCOUNT}")))?),
            false => None,
        };
        Ok(Self { root, binaries, settings, account })
    }

    pub(super) fn settings(&self) -> &[&str] {
        self.settings
    }

    /// A directory that the server may write to, within its root.
    pub(super) fn directory(&self) -> Result<TempDir, Error> {
        let action = "make a data directory";
        let directory = match self.is_separate() {
            true => tempfile::tempdir_in(self.root.join("var/tmp")),
            false => tempfile::tempdir(),
        };
        let directory = directory.map_err(Error::io(action))?;
        if let Some((user, group)) = self.account {
            chown(directory.path(), Some(user), Some(group)).map_err(Error::io(action))?;
        }
        Ok(directory)
    }

    /// The data directory as the server sees it.
    pub(super) fn data(&self, directory: &TempDir) -> PathBuf {
        let data = directory.path().join("data");
        match data.strip_prefix(&self.root) {
            Ok(inside) => Path::new("/").join(inside),
            Err(_) => data,
        }
    }

    /// One of PostgreSQL's programs, to be run as the server's user and without this process's
    /// environment, whose `PG…` variables it would heed. Each of the programs used to get there
    /// replaces itself by the next, so the child's id is the server's.
    pub(super) fn command(&self, program: &str) -> Command {
        let path = Path::new(self.binaries).join(program);
        let mut command = match (self.is_separate(), self.account) {
            (true, _) => {
                wrapped("chroot", [format!("--userspec={ACCOUNT}:{ACCOUNT}").as_ref(), self.root.as_os_str()], path)
            }
            (false, Some((user, group))) => wrapped(
                "setpriv",
                [format!("--reuid={user}").as_ref(), format!("--regid={group}").as_ref(), "--init-groups".as_ref()],
                path,
            ),
            (false, None) => Command::new(path),
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/");
        command
    }

    fn is_separate(&self) -> bool {
        self.root != Path::new("/")
    }
}

fn wrapped<const COUNT: usize>(wrapper: &str, arguments: [&OsStr; COUNT], program: PathBuf) -> Command {
    let mut command = Command::new(wrapper);
    command.args(arguments).arg(program);
    command
}

fn ids(root: &Path) -> io::Result<(u32, u32)> {
    let accounts = fs::read_to_string(root.join("etc/passwd"))?;
    parse_ids(&accounts).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not in etc/passwd"))
}

/// passwd(5): name, password, user id, group id, and more, parted by colons.
fn parse_ids(accounts: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(ACCOUNT))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_found_by_its_name() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\npostgres:x:100:102:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(parse_ids(accounts), Some((100, 102)));
        assert_eq!(parse_ids("postgresql:x:1:1::/:/bin/sh\n"), None);
    }
}
