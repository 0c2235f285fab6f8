//! Runs the SQL files of a folder over the Parquet files of another, on plain DataFusion or on a cluster, and tells how
//! long each took, as lines of JSON. `python3 -m compare` sets it beside other engines, whose programs take the same
//! options.

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use datafusion::arrow::array::RecordBatch;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use fleet_executor::{Embedded, start_embedded};
use fleet_jobs::engine::{ClusterClient, Engine, Outcome, Stage, runtime, session_config, session_state};
use fleet_jobs::storage::Stores;
use fleet_scheduler::cluster::{ClusterPlane, Tasks};
use serde_json::json;
use tokio::sync::Notify;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs the queries of a folder over tables of Parquet files.
///
/// Example: queries --mode embedded --tables tpch-1 --queries queries --runs 3 --out rows
#[derive(Parser)]
struct Options {
    /// `in-process` (DataFusion with its own settings), `embedded`, or the URL of a scheduler's cluster plane.
    #[arg(long)]
    mode: String,
    /// Folder of `<table>.parquet` files, or of folders of them.
    #[arg(long)]
    tables: PathBuf,
    /// Folder of `<case>.sql` files.
    #[arg(long)]
    queries: PathBuf,
    /// How often each query runs after its first time.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Folder for the rows of each query's last run.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Into how many parts plans are cut; as many as there are cores if left out.
    #[arg(long)]
    partitions: Option<usize>,
    /// A setting, `name=value`, for trying what it does.
    #[arg(long = "set")]
    settings: Vec<String>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the queries run on, and what must live as long.
struct Target {
    context: SessionContext,
    /// None on plain DataFusion.
    engine: Option<Engine>,
    _embedded: Option<(ClusterPlane, Embedded)>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let started = Instant::now();
    let options = Options::parse();
    let target = Target::open(&options).await?;
    tables(&target.context, &options.tables).await?;
    tell(&json!({ "ready": started.elapsed().as_secs_f64() }));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&options.queries)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        let case = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let sql = std::fs::read_to_string(&file)?;
        let mut outcome = Outcome { batches: Vec::new(), stages: Vec::new() };
        for run in 0..=options.runs {
            let started = Instant::now();
            match target.run(&case, &sql).await {
                Ok(done) => outcome = done,
                Err(error) => {
                    tell(&json!({ "case": case, "run": run, "error": error.to_string() }));
                    outcome.batches.clear();
                    break;
                }
            }
            let seconds = started.elapsed().as_secs_f64();
            let rows: usize = outcome.batches.iter().map(RecordBatch::num_rows).sum();
            let of_stage =
                |stage: &Stage| json!({ "bytes_scanned": stage.bytes_scanned, "bytes_shuffled": stage.bytes_shuffled });
            let stages: Vec<_> = outcome.stages.iter().map(of_stage).collect();
            tell(&json!({ "case": case, "run": run, "seconds": seconds, "rows": rows, "stages": stages }));
        }
        if let (Some(out), Some(_)) = (&options.out, outcome.batches.first()) {
            let path = out.join(format!("{case}.parquet"));
            let rows = target.context.read_batches(outcome.batches)?;
            rows.write_parquet(&path.to_string_lossy(), DataFrameWriteOptions::new(), None).await?;
        }
    }
    Ok(())
}

impl Target {
    async fn open(options: &Options) -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let partitions = options.partitions.unwrap_or(cores);
        if options.mode == "in-process" {
            let config = set(SessionConfig::new().with_target_partitions(partitions), &options.settings)?;
            return Ok(Self { context: SessionContext::new_with_config(config), engine: None, _embedded: None });
        }
        let stores = Stores::new();
        let config = set(session_config(partitions), &options.settings)?;
        let state = session_state(config, runtime(Arc::clone(&stores))?)?;
        let (url, embedded) = match options.mode.as_str() {
            "embedded" => {
                let wake = Arc::new(Notify::new());
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let tasks = Tasks::Pulled(Arc::clone(&wake));
                let plane = ClusterPlane::start(address, "127.0.0.1", tasks, Arc::new(|| true)).await?;
                let executor = start_embedded(plane.address, cores, stores, wake).await?;
                (format!("http://{}", plane.address), Some((plane, executor)))
            }
            url => (url.to_owned(), None),
        };
        let cluster = ClusterClient::connect(&url, &state).await?;
        let mut engine = Engine::on_cluster(state.clone(), cluster).labelled("bench");
        if embedded.is_some() {
            engine = engine.within_a_process();
        }
        let context = SessionContext::new_with_state(state);
        Ok(Self { context, engine: Some(engine), _embedded: embedded })
    }

    /// What the statement gave that is not there to make or drop something.
    async fn run(&self, case: &str, sql: &str) -> Result<Outcome> {
        let mut outcome = Outcome { batches: Vec::new(), stages: Vec::new() };
        for statement in sql.split(';').filter(|statement| !is_blank(statement)) {
            let query = self.context.sql(statement).await?;
            let defines = matches!(query.logical_plan(), LogicalPlan::Ddl(_) | LogicalPlan::EmptyRelation(_));
            match &self.engine {
                Some(engine) if !defines => {
                    let plan = query.create_physical_plan().await?;
                    outcome = engine.collect(case, plan).await?;
                }
                _ if defines => _ = query.collect().await?,
                _ => outcome.batches = query.collect().await?,
            }
        }
        Ok(outcome)
    }
}

fn set(config: SessionConfig, settings: &[String]) -> Result<SessionConfig> {
    settings.iter().try_fold(config, |mut config, setting| {
        let (name, value) = setting.split_once('=').ok_or(format!("--set {setting}: expected name=value"))?;
        config.options_mut().set(name, value)?;
        Ok(config)
    })
}

async fn tables(context: &SessionContext, folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(name), Some(path)) = (path.file_stem().and_then(|stem| stem.to_str()), path.to_str()) else {
            continue;
        };
        context.register_parquet(name, path, ParquetReadOptions::default()).await?;
    }
    Ok(())
}

fn is_blank(statement: &str) -> bool {
    statement.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("--"))
}

fn tell(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
