//! The `fleet` binary: one command line for the laptop and the cluster.
//!
//! It parses, connects and prints; everything else is in the libraries.

mod client;
mod commands;
mod display;
mod logging;
mod options;
mod recorded;
mod session;
mod settings;

use std::process::ExitCode;

use fleet_jobs::Error;

use crate::client::error::{CHECK_FAILED, FAILED, INTERRUPTED, WRONG_USE};
use crate::options::Command;

/// As quick as any where many threads allocate, and it gives memory back. `.cargo/config.toml` sets it up.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let traces = {
        let _inside = runtime.enter();
        match logging::start(&cli.common) {
            Ok(traces) => traces,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(WRONG_USE);
            }
        }
    };
    // These have more to do than to end.
    let heeds_interrupts = matches!(cli.command, Command::Scheduler(_) | Command::Executor(_) | Command::Client(_));
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli) => Some(ended),
            _ = tokio::signal::ctrl_c(), if !heeds_interrupts => None,
        }
    });
    // It waits for what the runtime sends.
    traces.finish();
    // Tasks that are still running (servers, polls) end with the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match ended {
        None => {
            eprintln!("interrupted; nothing half-done is visible, and the same command goes on from here");
            ExitCode::from(INTERRUPTED)
        }
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            let interrupted = matches!(error.downcast_ref(), Some(client::Error::Interrupted(_)));
            eprintln!("{}{}", if interrupted { "" } else { "error: " }, told(&error));
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
    if let Some(error) = error.downcast_ref::<client::Error>() {
        return error.code();
    }
    match error.downcast_ref::<Error>() {
        Some(Error::CheckFailed { .. } | Error::VerifyFailed { .. }) => CHECK_FAILED,
        _ => FAILED,
    }
}
