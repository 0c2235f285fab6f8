//! Ingestion: new landing files into `source.*`, damaged records into `ledger.quarantine`, and what became of each
//! file into `ledger.ingested_file`.
//!
//! Two distributed passes. The first reads every new file once into a staging folder, rows, damaged records and one
//! summary a file. Then the driver knows which files were delivered before and which days are touched, and the second
//! merges the rows into the days they belong to, of rows with one key the last delivered standing.
//!
//! **Invariant:** the source's table is committed first, then the quarantine, then the manifest. A process that dies
//! in between leaves files that the manifest does not know, which the next run ingests again to the same result.

mod account;
mod discover;
mod keys;
mod merge;
mod stage;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

pub use discover::Landing;

use account::Accounted;
use discover::NewFile;

use crate::landing::SourceSpec;
use crate::progress::{Ended, Event};
use crate::run::{Run, Runner, StepReport, graph};
use crate::warehouse::TableName;
use crate::{Error, Result};

/// How many files of a source are read and merged at once, in the order of their delivery, so that plans
/// and their results stay small.
const FILES_AT_ONCE: usize = 20_000;

/// What ingestion did with one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SourceReport {
    pub source: String,
    pub files_ingested: u64,
    pub files_skipped: u64,
    pub rows_in: i64,
    pub rows_kept: i64,
    pub rows_replaced: i64,
    pub rows_quarantined: i64,
    pub days_rewritten: u64,
}

impl SourceReport {
    /// Whether every row is accounted for.
    pub fn adds_up(&self) -> bool {
        self.rows_in == self.rows_kept + self.rows_replaced + self.rows_quarantined
    }
}

impl Runner {
    /// Ingests the new files of the sources named, or of all. Where one fails, the others go on; the error is that of the
    /// first.
    pub async fn ingest(&self, landing: &Landing, names: &[String], run: &Run) -> Result<Vec<SourceReport>> {
        let sources: Vec<_> = match names {
            [] => self.catalog.sources.values().cloned().collect(),
            names => names.iter().map(|name| self.catalog.source(name).cloned()).collect::<Result<_>>()?,
        };
        self.remove_old(&self.warehouse.root().join("_staging"), &BTreeSet::new()).await;
        for problem in landing.strangers(self).await? {
            self.progress.report(Event::Notice { step: "landing", text: &problem });
        }
        let sources: Vec<_> = sources.into_iter().filter(|source| !run.done.contains(&step_of(source))).collect();
        let steps: Vec<String> = sources.iter().map(|source| step_of(source)).collect();
        self.progress.report(Event::Planned { steps: &steps });
        let ingest = |place: usize| self.ingest_in_turn(landing, &sources[place], run);
        let none = vec![BTreeSet::new(); sources.len()];
        let outcomes = graph::walk(&none, ingest, |_, _| {}).await;
        self.gathered(outcomes, &steps)
    }

    async fn ingest_in_turn(&self, landing: &Landing, source: &Arc<SourceSpec>, run: &Run) -> Result<SourceReport> {
        let step = step_of(source);
        let _turn = self.turns.take(&step).await;
        let report = self.ingest_source(landing, source, run).await;
        if let Err(error) = &report {
            self.progress.report(Event::Failed { step: &step, error });
        }
        report
    }

    async fn ingest_source(&self, landing: &Landing, source: &Arc<SourceSpec>, run: &Run) -> Result<SourceReport> {
        let started = Instant::now();
        let step = step_of(source);
        let look = |runner: Self| async move {
            let known = runner.known_files(&source.name).await?;
            landing.new_files(&runner, source, &known).await
        };
        let new = self.attempts(&step, "looking for new files", look).await?;
        if new.is_empty() {
            let version = self.warehouse.version(&TableName::new("source", &source.name)).await?;
            let report = StepReport { table: step, version, up_to_date: true, ..StepReport::default() };
            self.progress.report(Event::Ended(Ended { report: &report, elapsed: started.elapsed(), note: "" }));
            return Ok(SourceReport { source: source.name.clone(), ..SourceReport::default() });
        }
        let mut done = Accounted::default();
        let mut read = 0;
        for files in new.chunks(FILES_AT_ONCE) {
            let doing = match read {
                0 if files.len() == new.len() => format!("reading {} files", new.len()),
                _ => format!("reading files {} to {} of {}", read + 1, read + files.len(), new.len()),
            };
            let ingest = |runner: Self| async move { runner.ingest_files(landing, source, files, run).await };
            done.add(self.attempts(&step, &doing, ingest).await?);
            read += files.len();
        }
        let Accounted { report, version, written_bytes, written_files } = done;
        let note = format!(
            "{} kept, {} replaced, {} quarantined",
            report.rows_kept, report.rows_replaced, report.rows_quarantined
        );
        let step = StepReport {
            table: step,
            version,
            rows: u64::try_from(report.rows_kept).unwrap_or(0),
            bytes: written_bytes,
            files: written_files,
            partitions: usize::try_from(report.days_rewritten).unwrap_or(usize::MAX),
            ..StepReport::default()
        };
        self.progress.report(Event::Ended(Ended { report: &step, elapsed: started.elapsed(), note: &note }));
        Ok(report)
    }

    /// Reads, merges and accounts for some files of a source.
    async fn ingest_files(
        &self,
        landing: &Landing,
        source: &Arc<SourceSpec>,
        files: &[NewFile],
        run: &Run,
    ) -> Result<Accounted> {
        let step = step_of(source);
        let known = self.known_files(&source.name).await?;
        let staged = self.stage(landing, source, files.to_vec(), &known).await?;
        let accounted = {
            // All sources share the manifest and the quarantine.
            let _shared = self.turns.table("ledger.ingested_file").await;
            self.merge_staged(source, &staged, run).await
        };
        self.remove_folder(&staged.folder).await;
        let accounted = accounted?;
        let report = &accounted.report;
        if !report.adds_up() {
            let problem = format!(
                "{} rows came in, but {} were kept, {} replaced and {} quarantined; please report this",
                report.rows_in, report.rows_kept, report.rows_replaced, report.rows_quarantined
            );
            return Err(Error::invalid(step, problem));
        }
        for file in &staged.files {
            if let Some(notes) = &file.notes {
                self.progress.report(Event::Notice { step: &step, text: &format!("{}: {notes}", file.file) });
            }
        }
        Ok(accounted)
    }
}

fn step_of(source: &SourceSpec) -> String {
    format!("source.{}", source.name)
}
