//! Two schedulers on one ledger and two executors, each started again when it dies.

use std::thread;
use std::time::{Duration, Instant};

use fleet_testing::free_port;

use crate::airline::{Airline, Ground};
use crate::kit::PATIENCE;
use crate::story::{say, tell};
use crate::supervised::Supervised;

const LOG: &str = "warn,fleet_scheduler=info,fleet_executor=info,fleet_jobs=info";
const LOOK: Duration = Duration::from_millis(50);

pub struct Cluster {
    pub ground: Ground,
    pub schedulers: [Supervised; 2],
    pub executors: [Supervised; 2],
    /// Of the front doors, `host:port`.
    pub servers: Vec<String>,
    /// What ended without being told to.
    pub ended: Vec<String>,
}

impl Cluster {
    /// Starts all of them, and waits until one scheduler leads and the executors know it.
    pub fn start(airline: &Airline, ground: Ground) -> Self {
        let ports = [(); 4].map(|()| free_port().unwrap());
        let [ledger, published] =
            [&ground.ledger, &ground.published].map(|database| airline.postgres.database_url(database));
        let scheduler = |name, port: u16, door: u16| {
            let (port, door) = (port.to_string(), door.to_string());
            let arguments = ["scheduler", "--port", &port, "--front-door-port", &door, "--log", LOG];
            let databases = ["--ledger", &ledger, "--publish", &published];
            Supervised::start(&ground.place, name, &[&arguments[..], &databases].concat())
        };
        let schedulers = [scheduler("scheduler-0", ports[0], ports[2]), scheduler("scheduler-1", ports[1], ports[3])];
        let servers = schedulers.iter().map(|scheduler| scheduler.word("front door listening on ", 4)).collect();
        let urls = format!("http://127.0.0.1:{},http://127.0.0.1:{}", ports[0], ports[1]);
        let arguments =
            ["executor", "--port", "0", "--task-port", "0", "--slots", "2", "--scheduler", &urls, "--log", LOG];
        let executors = ["executor-0", "executor-1"].map(|name| Supervised::start(&ground.place, name, &arguments));
        let cluster = Self { ground, schedulers, executors, servers, ended: Vec::new() };
        cluster.leader();
        for executor in &cluster.executors {
            executor.word(" listening on ports ", 0);
        }
        cluster
    }

    /// Which scheduler leads, once one does.
    pub fn leader(&self) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = (0..self.schedulers.len()).find(|index| self.leads(*index)) {
                return leader;
            }
            assert!(Instant::now() < until, "no scheduler leads for {PATIENCE:?}");
            thread::sleep(LOOK);
        }
    }

    /// What the scheduler said last of whether it leads.
    pub fn leads(&self, scheduler: usize) -> bool {
        let process = &self.schedulers[scheduler].process;
        let says = |line: &String| line.starts_with("leading; ") || line.starts_with("standing by");
        process.is_running() && process.lines().into_iter().rfind(says).is_some_and(|line| line.starts_with("leading"))
    }

    /// Starts again what ended by itself, and waits a little.
    pub fn look_after(&mut self) {
        for process in self.schedulers.iter_mut().chain(&mut self.executors) {
            self.ended.extend(process.look_after(&self.ground.place));
        }
        thread::sleep(LOOK);
    }

    pub fn look_after_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look_after();
        }
    }

    /// The runs as the service tells them, and everything that the processes printed.
    fn tell_all(&self) {
        let servers: Vec<String> = self.servers.iter().map(|server| format!("http://{server}")).collect();
        let servers = ["--server", &servers.join(",")];
        let runs = self.ground.place.run(&[&["runs", "--json"], &servers[..]].concat());
        tell(format_args!("{}{}", runs.stdout, runs.stderr));
        for run in runs.stdout.lines().filter_map(|run| serde_json::from_str::<serde_json::Value>(run).ok()) {
            let id = run["id"].as_str().unwrap_or_default();
            let shown = self.ground.place.run(&[&["runs", "show", id], &servers[..]].concat());
            tell(format_args!("{}{}", shown.stdout, shown.stderr));
        }
        for process in self.schedulers.iter().chain(&self.executors) {
            tell(format_args!("{}", process.lines().join("\n")));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            say(format_args!("a round failed; ended by themselves: {:?}", self.ended));
            self.tell_all();
        }
    }
}
