//! PostgreSQL servers: Debian's, and one with TimescaleDB, both of a test's own.

mod installation;
mod timescale;

use std::fs::File;
use std::io::{Seek, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use self::installation::Installation;
pub use self::timescale::Timescale;
use crate::{Error, Process, free_port};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Logged by a server whose killed predecessor's backends have not all noticed yet.
const PREDECESSOR_LINGERS: &str = "pre-existing shared memory block";

/// Durability is left to the operating system: a killed server keeps its data, a power cut would not.
/// There is no socket file, whose path may not be longer than 107 bytes.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "dynamic_shared_memory_type=mmap",
    "timezone=UTC",
];

/// A PostgreSQL 15 server on 127.0.0.1, with the superuser `postgres` and no password.
pub struct Postgres {
    process: Process,
    installation: Installation,
    port: u16,
    directory: TempDir,
}

/// How the server ends its sessions, as PostgreSQL's documentation names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Transactions are rolled back, and what is committed is written out.
    Fast,
    /// Everything is dropped, and the next start recovers from the log.
    Immediate,
}

impl Postgres {
    pub fn start() -> Result<Self, Error> {
        Self::start_installed(Installation::debian()?)
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// The URL of `database`, a name that needs no escaping in a URL.
    pub fn database_url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database and returns its URL.
    pub fn create_database(&self, name: &str) -> Result<String, Error> {
        let quoted = name.replace('"', "\"\"");
        self.psql("postgres", &format!("create database \"{quoted}\";"))?;
        Ok(self.database_url(name))
    }

    /// Runs SQL statements, each in a transaction of its own, and returns their rows: one a line,
    /// columns parted by `|`, no headings.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let input = as_input(sql).map_err(Error::io("write the SQL for psql"))?;
        let output = self
            .installation
            .command("psql")
            .args(["--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1"])
            .arg(self.database_url(database))
            .stdin(input)
            .output()
            .map_err(Error::io("start psql"))?;
        if !output.status.success() {
            return Err(Error::Failed {
                program: "psql".into(),
                status: output.status,
                output: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Stops the server, and returns when it is down; `restart` brings it back.
    pub fn stop(&self, shutdown: Shutdown) -> Result<(), Error> {
        self.process.signal(match shutdown {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        })?;
        self.process.wait(STOP_TIMEOUT).map(|_| ())
    }

    /// Stops the server in order, if it still runs, and starts it again on the same data and port.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop(Shutdown::Fast)?;
        self.process = launch(&self.installation, &self.directory, self.port)?;
        Ok(())
    }

    /// Kills the server as a crash would; `restart` brings it back, with every committed row.
    pub fn kill(&self) {
        self.process.kill9();
    }

    fn start_installed(installation: Installation) -> Result<Self, Error> {
        let directory = installation.directory()?;
        initialise(&installation, &directory)?;
        let port = free_port().map_err(Error::io("find a free port"))?;
        Ok(Self { process: launch(&installation, &directory, port)?, installation, port, directory })
    }
}

impl Drop for Postgres {
    /// SIGQUIT ends the server at once but lets it give back its shared memory.
    fn drop(&mut self) {
        let _ = self.stop(Shutdown::Immediate);
    }
}

fn initialise(installation: &Installation, directory: &TempDir) -> Result<(), Error> {
    let initdb = Process::spawn(
        installation
            .command("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(installation.data(directory)),
    )?;
    if initdb.wait(START_TIMEOUT)?.success() { Ok(()) } else { Err(initdb.ended("the database was initialised")) }
}

fn launch(installation: &Installation, directory: &TempDir, port: u16) -> Result<Process, Error> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let mut command = installation.command("postgres");
        command.arg("-D").arg(installation.data(directory));
        set(&mut command, SETTINGS);
        set(&mut command, installation.settings());
        command.args(["-c", &format!("port={port}")]);
        let process = Process::spawn(&mut command)?;
        match process.wait_for_line("database system is ready to accept connections", START_TIMEOUT) {
            Err(Error::Ended { output, .. }) if output.contains(PREDECESSOR_LINGERS) && Instant::now() < deadline => {
                thread::sleep(RETRY_INTERVAL);
            }
            outcome => return outcome.map(|_| process),
        }
    }
}

fn set(command: &mut Command, settings: &[&str]) {
    for setting in settings {
        command.args(["-c", setting]);
    }
}

/// A file and not a pipe, which psql's own output could keep from being drained.
fn as_input(text: &str) -> std::io::Result<Stdio> {
    let mut file: File = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}
