//! The `fleet` binary: one command line for the laptop and the cluster.
//!
//! It parses, connects and prints; everything else is in the libraries.

mod commands;
mod display;
mod options;
mod session;
mod settings;

use std::process::ExitCode;

use fleet_jobs::Error;
use tracing_subscriber::EnvFilter;

use crate::options::{Cli, Command};

/// What scripts can rely on; `fleet --help` lists them.
const FAILED: u8 = 1;
const WRONG_USE: u8 = 2;
const CHECK_FAILED: u8 = 3;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match settings::parse() {
        Ok(cli) => cli,
        Err(settings::Refused::Clap(error)) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(WRONG_USE) } else { ExitCode::SUCCESS };
        }
        Err(settings::Refused::Settings(problem)) => {
            eprintln!("error: {problem}");
            return ExitCode::from(WRONG_USE);
        }
    };
    start_logging(&cli);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let serves = matches!(cli.command, Command::Scheduler(_) | Command::Executor(_));
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli) => Some(ended),
            _ = tokio::signal::ctrl_c(), if !serves => None,
        }
    });
    // Tasks that are still running (servers, polls) end with the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match ended {
        None => {
            eprintln!("interrupted; nothing half-done is visible, and the same command goes on from here");
            ExitCode::from(INTERRUPTED)
        }
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("error: {}", told(&error));
            ExitCode::from(code(&error))
        }
    }
}

/// The error with its causes, but none twice: ours say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(Error::CheckFailed { .. } | Error::VerifyFailed { .. }) => CHECK_FAILED,
        _ => FAILED,
    }
}

fn start_logging(cli: &Cli) {
    let quiet = "off,fleet=error,fleet_jobs=error,fleet_scheduler=error,fleet_executor=error";
    let filter = cli.common.log.as_deref().unwrap_or(quiet);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(quiet));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
