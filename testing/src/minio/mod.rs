//! A MinIO server: object storage that speaks S3, with conditional writes.

mod health;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::installed::{existing, servers_directory};
use crate::{Error, Process, free_port};

const REGION: &str = "us-east-1";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A MinIO server on 127.0.0.1 with one drive, and keys drawn when it starts.
pub struct Minio {
    process: Process,
    settings: Settings,
    directory: TempDir,
}

struct Settings {
    port: u16,
    access_key: String,
    secret_key: String,
}

impl Minio {
    pub fn start() -> Result<Self, Error> {
        let random = "read random bytes";
        let settings = Settings {
            port: free_port().map_err(Error::io("find a free port"))?,
            access_key: random_hex(10).map_err(Error::io(random))?,
            secret_key: random_hex(20).map_err(Error::io(random))?,
        };
        let directory = tempfile::tempdir().map_err(Error::io("make a data directory"))?;
        Ok(Self { process: launch(&settings, directory.path())?, settings, directory })
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.settings.port)
    }

    pub fn region(&self) -> &'static str {
        REGION
    }

    pub fn access_key(&self) -> &str {
        &self.settings.access_key
    }

    pub fn secret_key(&self) -> &str {
        &self.settings.secret_key
    }

    /// Makes an empty bucket: to MinIO, a directory on its drive is one.
    pub fn create_bucket(&self, name: &str) -> Result<(), Error> {
        fs::create_dir(self.directory.path().join(name)).map_err(Error::io(format!("make the bucket {name}")))
    }

    /// The environment by which S3 clients find this server: `object_store`, the AWS SDKs, DuckDB.
    pub fn env(&self) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        [
            ("AWS_ACCESS_KEY_ID", self.access_key()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key()),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", REGION),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Stops the server in order, if it still runs, and starts it again on the same data and port.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.terminate()?;
        self.process.wait(STOP_TIMEOUT)?;
        self.process = launch(&self.settings, self.directory.path())?;
        Ok(())
    }

    /// Kills the server as a crash would; `restart` brings it back, with every object that was stored.
    pub fn kill(&self) {
        self.process.kill9();
    }
}

/// The keys go by the environment, which other users cannot read, and never by the command line.
fn launch(settings: &Settings, directory: &Path) -> Result<Process, Error> {
    let program = existing("minio", servers_directory().join("bin/minio"))?;
    let process = Process::spawn(
        Command::new(program)
            .args(["server", "--address", &format!("127.0.0.1:{}", settings.port)])
            .arg(directory)
            .env_clear()
            .env("HOME", directory)
            .env("MINIO_ROOT_USER", &settings.access_key)
            .env("MINIO_ROOT_PASSWORD", &settings.secret_key)
            .env("MINIO_REGION", REGION)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off"),
    )?;
    let deadline = Instant::now() + START_TIMEOUT;
    while !health::is_ready(settings.port) {
        let expected = "it was ready";
        if !process.is_running() {
            return Err(process.ended(expected));
        }
        if Instant::now() >= deadline {
            return Err(process.timed_out(expected, START_TIMEOUT));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(process)
}

fn random_hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0_u8; bytes];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
