//! `fleet generate`: a made-up fleet's files.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use fleet_generator::{Options, Summary, Telemetry};
use fleet_jobs::storage::Folder;

use crate::display::{Display, grouped, say};
use crate::options::{Common, Generate};

pub fn generate(common: &Common, options: &Generate) -> anyhow::Result<()> {
    let folder = Folder::parse(&common.data)?;
    if folder.url().scheme() != "file" {
        bail!("generate: writes local files only, and {folder} is elsewhere; generate into a folder and copy it there");
    }
    let Ok(out) = folder.url().to_file_path() else { bail!("generate: {folder} is not a local folder") };
    let telemetry = options
        .telemetry
        .then(|| Telemetry { sample_rate_hz: options.sample_rate_hz, parameters: options.parameters.clone() });
    let made = Options {
        aircraft: options.aircraft,
        days: options.days,
        first_day: options.first_day,
        seed: options.seed,
        flights_per_day: options.flights_per_day,
        telemetry,
        damaged_share: options.damaged_share,
        late_share: options.late_share,
        duplicate_share: options.duplicate_share,
    };
    let started = Instant::now();
    let summary = files(common, &made, &out)?;
    if common.json {
        say(format_args!(
            "{}",
            serde_json::json!({
                "files": summary.files, "rows": summary.rows, "bytes": summary.bytes, "damaged_rows": summary.damaged_rows,
                "late_files": summary.late_files, "duplicate_files": summary.duplicate_files,
                "seconds": started.elapsed().as_secs_f64(),
            })
        ));
    }
    Ok(())
}

/// Writes the files, telling how far it is.
pub fn files(common: &Common, options: &Options, out: &Path) -> anyhow::Result<Summary> {
    let display = Display::new(common.json, false);
    let shown = AtomicU32::new(0);
    let tell = |progress: fleet_generator::Progress| {
        let tenth = progress.days_done * 10 / progress.days_total.max(1);
        if shown.fetch_max(tenth, Ordering::Relaxed) < tenth {
            display.line(&format!(
                "  day {} of {}: {} rows",
                progress.days_done,
                progress.days_total,
                grouped(progress.rows)
            ));
        }
    };
    let summary =
        fleet_generator::generate(options, out, &tell).with_context(|| format!("generate into {}", out.display()))?;
    display.finish();
    display.line(&format!(
        "  {} files, {} rows ({} damaged on purpose), {} MB",
        grouped(summary.files),
        grouped(summary.rows),
        grouped(summary.damaged_rows),
        summary.bytes / 1_000_000,
    ));
    Ok(summary)
}
