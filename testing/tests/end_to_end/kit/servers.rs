//! A cluster of real processes, and object storage with a fleet's files in it.

use std::fs;
use std::path::Path;

use fleet_testing::{Minio, Process};
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::{PATIENCE, Place};

const SLOTS: &str = "2";

/// A scheduler and executors; all are killed when this is dropped.
pub struct Cluster {
    /// Of the cluster plane.
    pub url: String,
    /// Host and port of the front door.
    pub front_door: String,
    pub executors: Vec<Process>,
    pub scheduler: Process,
}

impl Cluster {
    /// Starts the processes on free ports, in the folder and with the variables of `place`.
    pub fn start(place: &Place, executors: usize) -> Self {
        let ledger = format!("sqlite://{}", place.folder().join("ledger.sqlite").display());
        let scheduler =
            place.start(&["scheduler", "--port", "0", "--front-door-port", "0", "--ledger", ledger.as_str()]);
        let line = scheduler.wait_for_line("front door listening on ", PATIENCE).unwrap();
        let front_door = line.split([' ', ',']).nth(4).unwrap().to_owned();
        let line = scheduler.wait_for_line("cluster plane listening on ", PATIENCE).unwrap();
        let url = format!("http://{}", line.rsplit(' ').next().unwrap());
        let arguments = ["executor", "--port", "0", "--task-port", "0", "--slots", SLOTS, "--scheduler", url.as_str()];
        let executors: Vec<Process> = (0..executors).map(|_| place.start(&arguments)).collect();
        for executor in &executors {
            executor.wait_for_line(" listening on ports ", PATIENCE).unwrap();
        }
        Self { url, front_door, executors, scheduler }
    }

    /// What the executors call themselves.
    pub fn executor_ids(&self) -> Vec<String> {
        let first_word = |executor: &Process| {
            let line = executor.wait_for_line(" listening on ports ", PATIENCE).unwrap();
            line.split(' ').next().unwrap().to_owned()
        };
        self.executors.iter().map(first_word).collect()
    }
}

/// A MinIO server with the bucket `airline`.
pub struct S3 {
    pub server: Minio,
    pub store: AmazonS3,
    runtime: tokio::runtime::Runtime,
}

impl S3 {
    pub fn start() -> Self {
        let server = Minio::start().unwrap();
        server.create_bucket("airline").unwrap();
        let builder = server.env().into_iter().fold(AmazonS3Builder::new(), |builder, (name, value)| {
            builder.with_config(name.to_ascii_lowercase().parse().unwrap(), value)
        });
        let store = builder.with_bucket_name("airline").build().unwrap();
        Self { server, store, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    /// Puts every file of a folder under `prefix`.
    pub fn upload(&self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let key = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                self.upload(&path, &key);
            } else {
                let payload = PutPayload::from(fs::read(&path).unwrap());
                self.runtime.block_on(self.store.put(&object_store::path::Path::from(key), payload)).unwrap();
            }
        }
    }

    /// Copies every object under `prefix` to a folder.
    pub fn download(&self, prefix: &str, folder: &Path) {
        let from = object_store::path::Path::from(prefix);
        self.runtime.block_on(async {
            let objects: Vec<_> = self.store.list(Some(&from)).try_collect().await.unwrap();
            for object in objects {
                let bytes = self.store.get(&object.location).await.unwrap().bytes().await.unwrap();
                // A partition's folder, day=2026-01-01, keeps its name.
                let path = folder.join(object.location.as_ref());
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        });
    }
}
