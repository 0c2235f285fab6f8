//! The commands that ask the job service: they submit, follow and show runs, and look at jobs, tables and executors.
//!
//! Knows the front door by its contract `fleet.v1` alone. Never opens a table, and never decides what is computed.

mod backfill;
mod cluster;
mod connect;
mod control;
pub mod error;
mod follow;
mod jobs;
mod json;
mod lineage;
pub mod options;
mod route;
mod runs;
pub mod show;
mod submit;
mod text;
mod values;
mod watch;

pub use self::connect::{Client, Patience};
pub use self::error::Error;
use self::options::{Command, Connection, ExecutorsAction, JobsAction, RunsAction};

/// Does what was asked for, and prints what came of it. The error has the exit code.
pub async fn run(command: &Command, connection: &Connection, json: bool) -> Result<(), Error> {
    let mut client = Client::new(connection, Patience::default())?;
    ask(command, &mut client, json).await
}

/// Shows one run.
pub async fn show_run(options: &options::RunsShow, connection: &Connection, json: bool) -> Result<(), Error> {
    show::show(&mut Client::new(connection, Patience::default())?, options, json).await
}

/// As `run`, by a client that is there already.
pub async fn ask(command: &Command, client: &mut Client, json: bool) -> Result<(), Error> {
    match command {
        Command::Submit(options) => submit::submit(client, options, json).await,
        Command::Watch(options) => watch::watch(client, options, json).await,
        Command::Cancel(options) => control::cancel(client, options, json).await,
        Command::Retry(options) => control::retry(client, options, json).await,
        Command::Backfill(options) => backfill::backfill(client, options, json).await,
        Command::Jobs(options) => match (&options.job, &options.action) {
            (Some(job), Some(_)) => {
                Err(Error::WrongUse(format!("jobs {job}: expected a job to show or something to do, not both")))
            }
            (_, Some(JobsAction::Pause(pause))) => jobs::pause(client, pause, json).await,
            (_, Some(JobsAction::Resume(resume))) => jobs::resume(client, resume, json).await,
            (Some(job), None) => jobs::show(client, job, json).await,
            (None, None) => jobs::list(client, json).await,
        },
        Command::Runs(options) => match &options.action {
            Some(RunsAction::Show(options)) => show::show(client, options, json).await,
            None => runs::runs(client, options, json).await,
        },
        Command::Lineage(options) => lineage::lineage(client, options, json).await,
        Command::Executors(options) => match &options.action {
            Some(ExecutorsAction::Drain(options)) => cluster::drain(client, options, json).await,
            None => cluster::executors(client, json).await,
        },
        Command::Status => cluster::status(client, json).await,
    }
}
