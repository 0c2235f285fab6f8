//! Every option of the command line, each with its variable `FLEET_*`; `fleet.toml` takes the same names.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use fleet_jobs::catalog::Interval;
use fleet_report::Week;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::client;

/// Raw airline files to published reliability figures, on a laptop or on a cluster.
#[derive(Parser, Debug)]
#[command(name = "fleet", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub connection: client::options::Connection,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Settings: a flag wins over its variable FLEET_*, which wins over fleet.toml (keys are the flags' names; a command's \
own are in a table named for it, as [command.generate]).
Exit codes: 0 done, 1 failed, 2 wrong use (or no such job or run), 3 a check or a verification failed, 4 the run was \
cancelled, 5 no server leads or answers, 6 the queue is full, 130 interrupted.
Example: fleet demo";

#[derive(Args, Debug, Clone)]
pub struct Common {
    /// Folder or URL (file://, s3://) that holds landing/ and reference/.
    #[arg(long, global = true, env = "FLEET_DATA", default_value = "fleet-data")]
    pub data: String,
    /// Folder or URL of the tables; <data>/warehouse where it is left out.
    #[arg(long, global = true, env = "FLEET_WAREHOUSE")]
    pub warehouse: Option<String>,
    /// Folder of your own sources, models and jobs, added to the built-in ones or put in their place.
    #[arg(long, global = true, env = "FLEET_CATALOG")]
    pub catalog: Option<PathBuf>,
    /// Cluster plane of the scheduler to run on, http://host:50050 (executors: several, separated by commas, of which one
    /// leads); in this process where it is left out.
    #[arg(long, global = true, env = "FLEET_SCHEDULER")]
    pub scheduler: Option<String>,
    /// Task slots of the executor in this process, and how many steps of a run go on at once; one a core where it is
    /// left out.
    #[arg(long, global = true, env = "FLEET_SLOTS")]
    pub slots: Option<usize>,
    /// Into how many parts work is cut, or more where whole tables are large; twice the slots where it is left out.
    #[arg(long, global = true, env = "FLEET_PARTITIONS")]
    pub partitions: Option<usize>,
    /// One JSON object a line instead of text.
    #[arg(long, global = true, env = "FLEET_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
    /// What is logged to standard error: error, warn, info, debug, or per module as in fleet_jobs=debug; our own errors
    /// where it is left out.
    #[arg(long, global = true, env = "FLEET_LOG", value_parser = log_filter)]
    pub log: Option<String>,
    /// How logs are written: text, or one JSON object a line.
    #[arg(long, global = true, env = "FLEET_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Where traces of runs and steps are sent, an OpenTelemetry collector's gRPC endpoint such as http://localhost:4317;
    /// nowhere where it is left out.
    #[arg(long, global = true, env = "FLEET_TRACES")]
    pub traces: Option<String>,
    /// Settings file; ./fleet.toml where it is left out and there is one.
    #[arg(long, global = true, env = "FLEET_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Checks what is to be logged: a bare word that is no level would be taken for a module, and log nothing.
fn log_filter(text: &str) -> Result<String, String> {
    let bare = |part: &&str| !part.contains('=') && part.trim().parse::<LevelFilter>().is_err();
    match text.split(',').find(bare) {
        Some(part) => Err(format!("`{part}` is no level; expected error, warn, info, debug or module=level")),
        None => EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string()),
    }
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a fleet of 10 aircraft and 90 days, ingest it, compute, verify, and show the figures.
    #[command(after_help = "Example: fleet demo --dir /tmp/fleet-demo")]
    Demo(Demo),
    /// Write the files of a made-up fleet, with the truth behind them.
    #[command(after_help = "Example: fleet generate --data /tmp/fleet --aircraft 20 --days 365 --seed 7")]
    Generate(Generate),
    /// Bring new landing files into the source tables.
    #[command(after_help = "Example: fleet ingest --data s3://airline/fleet flights events")]
    Ingest(Ingest),
    /// Compute jobs or models (all, if none is named) where their input changed, here or on a cluster plane.
    #[command(after_help = "Example: fleet run reliability.component --interval 2026-03 --verify")]
    Run(Run),
    /// Show the distributed stages of a model as they are planned, without running it.
    #[command(after_help = "Example: fleet plan operations.utilization")]
    Plan(Plan),
    /// List the tables with their versions and sizes.
    #[command(after_help = "Example: fleet tables --data /tmp/fleet")]
    Tables,
    /// Query tables and views with SQL.
    #[command(after_help = "Example: fleet query \"select * from reliability.component limit 5\" --format csv")]
    Query(Query),
    /// List the functions of reliability science that SQL may call, or describe one.
    #[command(after_help = "Example: fleet functions weibull_fit")]
    Functions(Functions),
    /// Write the weekly reliability report, one HTML file.
    #[command(after_help = "Example: fleet report --week 2026-W10 --out report.html")]
    Report(Report),
    /// Put computed tables into PostgreSQL or TimescaleDB.
    #[command(after_help = "Example: fleet publish operations.utilization --publish postgres://fleet@localhost/fleet")]
    Publish(Publish),
    /// Serve as the cluster's scheduler: keep, start and watch runs. Of several on one ledger one leads.
    #[command(
        after_help = "Example: fleet scheduler --data s3://airline/fleet --ledger postgres://fleet@localhost/fleet"
    )]
    Scheduler(Scheduler),
    /// Serve as one of the cluster's executors.
    #[command(after_help = "Example: fleet executor --scheduler http://localhost:50050 --slots 4")]
    Executor(Executor),
    /// Check what a cluster needs: object store, ledger, database, scheduler, executors, clocks; say what to do.
    #[command(after_help = "Example: fleet doctor --data s3://airline/fleet --ledger postgres://fleet@localhost/fleet")]
    Doctor(Doctor),
    #[command(flatten)]
    Client(client::options::Command),
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Where files and tables go. A fleet that is there already is used again.
    #[arg(long, env = "FLEET_DEMO_DIR", default_value = "fleet-demo")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args, Debug)]
pub struct Generate {
    /// Aircraft in the fleet.
    #[arg(long, env = "FLEET_GENERATE_AIRCRAFT", default_value_t = 10)]
    pub aircraft: u32,
    /// Days flown.
    #[arg(long, env = "FLEET_GENERATE_DAYS", default_value_t = 90)]
    pub days: u32,
    /// The first day flown, UTC.
    #[arg(long, env = "FLEET_GENERATE_FIRST_DAY", default_value = "2026-01-01")]
    pub first_day: NaiveDate,
    /// Everything random follows from it: same seed and options, same bytes.
    #[arg(long, env = "FLEET_GENERATE_SEED", default_value_t = 42)]
    pub seed: u64,
    /// Mean flights of an aircraft a day.
    #[arg(long, env = "FLEET_GENERATE_FLIGHTS_PER_DAY", default_value_t = 8.0)]
    pub flights_per_day: f64,
    /// Also write telemetry, which outweighs all the rest.
    #[arg(long, env = "FLEET_GENERATE_TELEMETRY", value_parser = FalseyValueParser::new())]
    pub telemetry: bool,
    /// Samples a second of each telemetry parameter.
    #[arg(long, env = "FLEET_GENERATE_SAMPLE_RATE_HZ", default_value_t = 1.0)]
    pub sample_rate_hz: f64,
    /// Telemetry parameters, separated by commas.
    #[arg(
        long,
        env = "FLEET_GENERATE_PARAMETERS",
        value_delimiter = ',',
        default_value = "n1_pct,egt_c,oil_pressure_psi,vibration_ips"
    )]
    pub parameters: Vec<String>,
    /// Share of rows damaged on purpose, 0 to 1.
    #[arg(long, env = "FLEET_GENERATE_DAMAGED_SHARE", default_value_t = 0.001)]
    pub damaged_share: f64,
    /// Share of rows delivered late, 0 to 0.5.
    #[arg(long, env = "FLEET_GENERATE_LATE_SHARE", default_value_t = 0.01)]
    pub late_share: f64,
    /// Share of files delivered twice, 0 to 1.
    #[arg(long, env = "FLEET_GENERATE_DUPLICATE_SHARE", default_value_t = 0.005)]
    pub duplicate_share: f64,
}

#[derive(Args, Debug)]
pub struct Ingest {
    /// Sources to ingest; all where none is named.
    pub sources: Vec<String>,
    #[command(flatten)]
    pub ledger: RunLedger,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Run {
    #[command(subcommand)]
    pub action: Option<client::options::RunsAction>,
    /// Jobs or models; all models where none is named.
    pub names: Vec<String>,
    /// Only these days: 2026-03, 2026-W10, 2026-03-05 or 2026-03-01..2026-03-08; all there is where it is left out.
    #[arg(long, env = "FLEET_INTERVAL")]
    pub interval: Option<Interval>,
    /// Compute everything again on single-process DataFusion, and commit only what agrees.
    #[arg(long, env = "FLEET_VERIFY", value_parser = FalseyValueParser::new())]
    pub verify: bool,
    /// Show the stages as they were executed, with their metrics.
    #[arg(long, env = "FLEET_STAGES", value_parser = FalseyValueParser::new())]
    pub stages: bool,
    #[command(flatten)]
    pub ledger: RunLedger,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args, Debug)]
pub struct RunLedger {
    /// What keeps the run: sqlite:///PATH or postgres://…; <data>/ledger.sqlite where it is left out and the data is a
    /// folder of this machine, and nothing otherwise.
    #[arg(long, env = "FLEET_LEDGER", hide_env_values = true)]
    pub ledger: Option<String>,
}

#[derive(Args, Debug)]
pub struct Database {
    /// PostgreSQL to publish to: postgres://user:password@host:5432/database.
    #[arg(long, env = "FLEET_PUBLISH", hide_env_values = true)]
    pub publish: Option<String>,
}

#[derive(Args, Debug)]
pub struct Plan {
    /// The model, as schema.table.
    pub model: String,
    /// The days to plan for, of a model that is computed by day or month; its latest unit where it is left out.
    #[arg(long, env = "FLEET_INTERVAL")]
    pub interval: Option<Interval>,
}

#[derive(Args, Debug)]
pub struct Query {
    /// One SELECT over tables and views, as in `fleet tables`; `quarantine` is short for ledger.quarantine.
    pub sql: String,
    /// How rows are printed.
    #[arg(long, env = "FLEET_FORMAT", default_value = "table")]
    pub format: Format,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Args, Debug)]
pub struct Functions {
    /// The function to describe; all are listed where it is left out.
    pub name: Option<String>,
}

#[derive(Args, Debug)]
pub struct Report {
    /// The week, as 2026-W10; the latest that has figures where it is left out.
    #[arg(long, env = "FLEET_REPORT_WEEK")]
    pub week: Option<Week>,
    /// The file to write; one that is there is replaced.
    #[arg(long, env = "FLEET_REPORT_OUT", default_value = "report.html")]
    pub out: PathBuf,
}

#[derive(Args, Debug)]
pub struct Publish {
    /// Models to publish; all that ask for it where none is named.
    pub names: Vec<String>,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args, Debug)]
pub struct Scheduler {
    /// Address that executors find this scheduler at. The cluster plane has no authentication: open it to executors only.
    #[arg(long, env = "FLEET_BIND", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port of the cluster plane; 0 picks a free one.
    #[arg(long, env = "FLEET_SCHEDULER_PORT", default_value_t = 50050)]
    pub port: u16,
    /// The name or address at which executors and clients reach this scheduler; the address it listens on where it is
    /// left out.
    #[arg(long, env = "FLEET_ADVERTISED_HOST")]
    pub advertised_host: Option<String>,
    /// Port of the front door, where clients come in; 0 picks a free one.
    #[arg(long, env = "FLEET_FRONT_DOOR_PORT", default_value_t = 50060)]
    pub front_door_port: u16,
    /// Address of the front door. It has no authentication yet: whoever reaches it can run, cancel and drain.
    #[arg(long, env = "FLEET_INSECURE_FRONT_DOOR_BIND", default_value = "127.0.0.1")]
    pub insecure_front_door_bind: IpAddr,
    /// What keeps the runs: sqlite:///PATH, or postgres://user:password@host:5432/database, which several schedulers
    /// share; <data>/ledger.sqlite where it is left out.
    #[arg(long, env = "FLEET_LEDGER", hide_env_values = true)]
    pub ledger: Option<String>,
    /// Runs at once; others wait.
    #[arg(long, env = "FLEET_RUNS_MAX", default_value = "4")]
    pub runs_max: NonZeroUsize,
    /// Steps at once, of all runs together.
    #[arg(long, env = "FLEET_STEPS_MAX", default_value = "8")]
    pub steps_max: NonZeroUsize,
    /// Runs that may wait; more are refused.
    #[arg(long, env = "FLEET_QUEUE_MAX", default_value_t = 10_000)]
    pub queue_max: u64,
    /// How long steps that have begun may take when the process is told to stop, in seconds; another scheduler goes on
    /// with what is not done then.
    #[arg(long, env = "FLEET_GRACE_SECONDS", default_value_t = 30)]
    pub grace_seconds: u64,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// The ledger that the schedulers share, as in `fleet scheduler --ledger`; not looked at where it is left out.
    #[arg(long, env = "FLEET_LEDGER", hide_env_values = true)]
    pub ledger: Option<String>,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args, Debug)]
pub struct Executor {
    /// Address to listen on.
    #[arg(long, env = "FLEET_BIND", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port of the shuffle files; 0 picks a free one.
    #[arg(long, env = "FLEET_EXECUTOR_PORT", default_value_t = 50051)]
    pub port: u16,
    /// Port at which the scheduler gives tasks; 0 picks a free one.
    #[arg(long, env = "FLEET_EXECUTOR_TASK_PORT", default_value_t = 50052)]
    pub task_port: u16,
    /// The name or address at which others reach this executor; the address it listens on where it is left out.
    #[arg(long, env = "FLEET_ADVERTISED_HOST")]
    pub advertised_host: Option<String>,
    /// Bound of all tasks' memory together, bytes, 0 for none; 70 % of the container's or machine's where it is left out.
    #[arg(long, env = "FLEET_MEMORY_BYTES")]
    pub memory_bytes: Option<u64>,
    /// Folder of the shuffle files, the same for all executors of a host; a temporary one where it is left out.
    #[arg(long, env = "FLEET_WORK_DIR")]
    pub work_dir: Option<PathBuf>,
}
