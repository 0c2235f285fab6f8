//! A folder of one test's own with a fleet's files and tables, and the commands run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fleet_testing::{Process, fleet_binary};
use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, Row};

/// Where `fleet` runs: its data, its warehouse, and the options and variables that every command gets.
pub struct Place {
    folder: PathBuf,
    data: String,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    _temporary: Option<TempDir>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// An empty place, removed when dropped.
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut place = Self::at(temporary.path().to_owned());
        place._temporary = Some(temporary);
        place
    }

    /// A place in a folder that stays.
    pub fn at(folder: PathBuf) -> Self {
        fs::create_dir_all(folder.join("tmp")).unwrap();
        let data = folder.join("data");
        Self { data: data.to_str().unwrap().to_owned(), folder, options: vec![], variables: vec![], _temporary: None }
    }

    /// A new place with copies of another's delivered files, and none of its tables.
    pub fn with_files_of(other: &Place) -> Self {
        let place = Self::new();
        fs::create_dir_all(place.data_folder()).unwrap();
        for part in ["landing", "reference", "truth"] {
            copy_folder(&other.data_folder().join(part), &place.data_folder().join(part));
        }
        place
    }

    pub fn with_option(mut self, name: &str, value: &str) -> Self {
        self.options.extend([name.to_owned(), value.to_owned()]);
        self
    }

    pub fn with_variables(mut self, variables: Vec<(String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Data in another folder or at a URL.
    pub fn with_data(mut self, data: &str) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn landing(&self) -> PathBuf {
        self.data_folder().join("landing")
    }

    /// Writes `text` as the delivered file `landing/<file>`.
    pub fn deliver(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.landing().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The command `fleet …` on this place, in its folder. It knows no variables `FLEET_*` of the outside.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        if program.file_name().is_some_and(|name| name == "timeout") {
            command.arg("--kill-after=10").arg(PATIENCE.as_secs().to_string()).arg(fleet_binary().unwrap());
        }
        command.args(arguments).arg("--data").arg(&self.data).args(&self.options).current_dir(&self.folder);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLEET_")) {
            command.env_remove(name);
        }
        command.env("TMPDIR", self.folder.join("tmp")).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `fleet …` to its end, whatever that is.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        // Coreutils' timeout ends it even if this test process is killed while it waits.
        let output = self.command(Path::new("timeout"), arguments).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs `fleet …`, which must succeed.
    pub fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "fleet {arguments:?} failed:\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Starts `fleet …` and goes on.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::spawn(&mut self.command(&fleet_binary().unwrap(), arguments)).unwrap()
    }

    pub fn ingest_and_run(&self) {
        self.done(&["ingest"]);
        self.done(&["run"]);
    }

    /// The rows of a query, in the order that it gives.
    pub fn rows(&self, sql: &str) -> Vec<Row> {
        let ran = self.done(&["query", sql, "--format", "json"]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{sql}: {error}\n{}", ran.stdout))
    }

    /// What `fleet tables` lists, by table.
    pub fn tables(&self) -> std::collections::BTreeMap<String, Value> {
        let ran = self.done(&["tables", "--json"]);
        let listed = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        listed.map(|table| (table["table"].as_str().unwrap().to_owned(), table)).collect()
    }

    /// The actions of one Delta log entry of a table in this place's own folder.
    pub fn delta_actions(&self, table: &str, version: u64) -> Vec<Value> {
        let log = self.data_folder().join("warehouse").join(table.replace('.', "/")).join("_delta_log");
        let text = fs::read_to_string(log.join(format!("{version:020}.json"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "cannot copy {} to {}", from.display(), to.display());
}
