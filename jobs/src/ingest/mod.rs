//! Ingestion: new landing files into `source.*`, damaged records into `ledger.quarantine`, and what became of each
//! file into `ledger.ingested_file`.
//!
//! Two distributed passes. The first reads every new file once into a staging folder, rows, damaged records and one
//! summary a file. Then the driver knows which files were delivered before and which partitions are touched, and the second
//! merges the rows into those they belong to, of rows with one key the last delivered standing.
//!
//! **Invariant:** the source's table is committed first, then the quarantine, then the manifest. A process that dies
//! in between leaves files that the manifest does not know, which the next run ingests again to the same result.

mod account;
mod discover;
mod keys;
mod merge;
mod stage;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::FutureExt;

pub use discover::Landing;

use account::Accounted;
use discover::{KnownFiles, NewFile};
use stage::Staged;

use crate::landing::SourceSpec;
use crate::progress::{Ended, Event};
use crate::run::{Run, Runner, StepReport, graph};
use crate::warehouse::TableName;
use crate::{Error, Result};

/// How many files of a source are read and merged at once, and how many bytes of them for each task, in the order of their
/// delivery, so that plans, their results and what tasks hold stay small.
const FILES_AT_ONCE: usize = 20_000;
const TASK_BYTES_AT_ONCE: u64 = 16 << 20;

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
    pub partitions_rewritten: u64,
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
        self.remove_old(&self.warehouse.root().join("_staging"), std::iter::empty()).await;
        for problem in self.patiently(|| landing.strangers(self)).await? {
            self.progress.report(Event::Notice { step: "landing", text: &problem });
        }
        let sources: Vec<_> = sources.into_iter().filter(|source| !run.done.contains(&step_of(source))).collect();
        let steps: Vec<String> = sources.iter().map(|source| step_of(source)).collect();
        self.progress.report(Event::Planned { steps: &steps });
        let ingest = |place: usize| {
            let (runner, source) = (self.clone(), Arc::clone(&sources[place]));
            let (landing, run) = (landing.clone(), run.clone());
            graph::apart(async move { runner.ingest_in_turn(&landing, &source, &run).await })
        };
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
        // An attempt that fails has accounted for some files, which the next one finds known.
        let done = Mutex::new(None);
        let ingest = |runner: Self| {
            let done = &done;
            async move { runner.ingest_new(landing, source, run, done).await }
        };
        self.attempts(&step, "looking for new files", ingest).await?;
        let Some(done) = done.into_inner().unwrap_or_else(PoisonError::into_inner) else {
            let table = TableName::new("source", &source.name);
            let version = self.patiently(|| self.warehouse.version(&table)).await?;
            let report = StepReport { table: step, version, up_to_date: true, ..StepReport::default() };
            self.progress.report(Event::Ended(Ended { report: &report, elapsed: started.elapsed(), note: "" }));
            return Ok(SourceReport { source: source.name.clone(), ..SourceReport::default() });
        };
        let Accounted { report, version, written_bytes, written_files, .. } = done;
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
            partitions: usize::try_from(report.partitions_rewritten).unwrap_or(usize::MAX),
            ..StepReport::default()
        };
        self.progress.report(Event::Ended(Ended { report: &step, elapsed: started.elapsed(), note: &note }));
        Ok(report)
    }

    /// Reads, merges and accounts for the files of a source that are new, a portion after the other; while one is merged, the
    /// next is read.
    async fn ingest_new(
        &self,
        landing: &Landing,
        source: &Arc<SourceSpec>,
        run: &Run,
        done: &Mutex<Option<Accounted>>,
    ) -> Result<()> {
        let step = step_of(source);
        let mut known = self.known_files(&source.name).await?;
        let new = landing.new_files(self, source, &known).await?;
        let bytes_at_once = TASK_BYTES_AT_ONCE * self.engine.partitions() as u64;
        let mut portions = portions(&new, bytes_at_once);
        let mut read = 0;
        let mut staging = |files: &[NewFile]| {
            let doing = match files.len() == new.len() {
                true => format!("reading {} files", new.len()),
                false => format!("reading files {} to {} of {}", read + 1, read + files.len(), new.len()),
            };
            self.progress.report(Event::Started { step: &step, doing: &doing });
            read += files.len();
            self.stage(landing, source, files.to_vec())
        };
        let mut next = match portions.next() {
            Some(files) => Some(staging(files).await?),
            None => None,
        };
        while let Some(staged) = next {
            let accounted = self.ingest_staged(source, staged, &known, run);
            let (accounted, following) = match portions.next() {
                Some(files) => futures::join!(accounted, staging(files).map(Some)),
                None => (accounted.await, None),
            };
            if let (Err(_), Some(Ok(following))) = (&accounted, &following) {
                self.remove_folder(&following.folder).await;
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().add(accounted?);
            next = following.transpose()?;
            if next.is_some() {
                known = self.known_files(&source.name).await?;
            }
        }
        Ok(())
    }

    /// Merges and accounts for what was read of some files of a source.
    async fn ingest_staged(
        &self,
        source: &Arc<SourceSpec>,
        mut staged: Staged,
        known: &KnownFiles,
        run: &Run,
    ) -> Result<Accounted> {
        let step = step_of(source);
        staged.decide(known);
        let accounted = self.merge_staged(source, &staged, run).await;
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

/// The files that are read and merged at once.
fn portions(mut files: &[NewFile], bytes_at_once: u64) -> impl Iterator<Item = &[NewFile]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |file: &&NewFile| {
            bytes += file.file.size_bytes;
            bytes <= bytes_at_once
        };
        let fitting = files.iter().take(FILES_AT_ONCE).take_while(fits).count();
        let (first, rest) = files.split_at(fitting.max(1).min(files.len()));
        files = rest;
        (!first.is_empty()).then_some(first)
    })
}

fn step_of(source: &SourceSpec) -> String {
    format!("source.{}", source.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landing::LandingFile;

    #[test]
    fn portions_hold_so_many_files_and_bytes() {
        let files = |sizes: &[u64]| -> Vec<NewFile> {
            let file =
                |size_bytes| LandingFile { path: String::new(), name: String::new(), delivered_on: None, size_bytes };
            let new = |size: &u64| NewFile { file: file(*size), modified_at: chrono::DateTime::UNIX_EPOCH };
            sizes.iter().map(new).collect()
        };
        let lengths = |sizes: &[u64]| portions(&files(sizes), 100_000).map(<[NewFile]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[]), [0_usize; 0]);
        assert_eq!(lengths(&vec![1; 2 * FILES_AT_ONCE + 1]), [FILES_AT_ONCE, FILES_AT_ONCE, 1]);
        // One that is too large goes alone.
        assert_eq!(lengths(&[50_000, 50_000, 1, 150_000, 50_000]), [2, 1, 1, 1]);
    }
}
