//! One module a command; each opens what it needs, does it, and prints.

mod compute;
mod demo;
mod doctor;
mod functions;
mod generate;
mod query;
mod report;
mod serve;

use crate::client;
use crate::client::options::RunsAction;
use crate::options::{Cli, Command};

pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let common = cli.common;
    match cli.command {
        Command::Demo(options) => demo::demo(&common, &options).await,
        Command::Generate(options) => {
            tokio::task::spawn_blocking(move || generate::generate(&common, &options)).await?
        }
        Command::Ingest(options) => compute::ingest(&common, &options).await,
        Command::Run(options) => match &options.action {
            Some(RunsAction::Show(show)) => Ok(client::show_run(show, &cli.connection, common.json).await?),
            None => compute::run(&common, &options).await,
        },
        Command::Publish(options) => compute::publish(&common, &options).await,
        Command::Plan(options) => query::plan(&common, &options).await,
        Command::Tables => query::tables(&common).await,
        Command::Query(options) => query::query(&common, &options).await,
        Command::Functions(options) => functions::functions(&common, &options),
        Command::Report(options) => report::report(&common, &options).await,
        Command::Scheduler(options) => serve::scheduler(&common, options).await,
        Command::Executor(options) => serve::executor(&common, options).await,
        Command::Doctor(options) => doctor::doctor(&common, &cli.connection, &options).await,
        Command::Client(command) => Ok(client::run(&command, &cli.connection, common.json).await?),
    }
}
