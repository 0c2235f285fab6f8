//! The scan of landing files that Ballista distributes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{
    FileGroup, FileOpenFuture, FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::expressions::Expressions;
use super::reader::Reader;
use super::rows::landing_schema;
use super::spec::SourceSpec;

const SMALL_FILE_BYTES: u64 = 1 << 20;

/// A file to read.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LandingFile {
    /// Path in the object store.
    pub path: String,
    /// Path below the landing folder, by which everything else names the file.
    pub name: String,
    pub delivered_on: Option<NaiveDate>,
    pub size_bytes: u64,
}

/// Files of one source, grouped into the partitions of a scan. Travels inside the plan.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct LandingScan {
    pub store: String,
    pub source: SourceSpec,
    pub groups: Vec<Vec<LandingFile>>,
}

impl LandingScan {
    /// The scan as a physical plan: a leaf that Ballista knows how to slice.
    pub fn into_plan(self) -> Result<Arc<dyn ExecutionPlan>> {
        let store = ObjectStoreUrl::parse(&self.store)?;
        let source = Arc::new(LandingSource::new(Arc::new(self.source)));
        let groups = self.groups.into_iter().map(|files| FileGroup::new(files.into_iter().map(partitioned).collect()));
        let config = FileScanConfigBuilder::new(store, source).with_file_groups(groups.collect()).build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Recognises a scan of ours in a plan.
    pub(crate) fn of(config: &FileScanConfig) -> Option<Self> {
        let source: &dyn std::any::Any = config.file_source().as_ref();
        let source = source.downcast_ref::<LandingSource>()?;
        let groups = config
            .file_groups
            .iter()
            .map(|group| group.iter().filter_map(|file| file.extension::<LandingFile>().cloned()).collect());
        Some(Self {
            store: config.object_store_url.as_str().to_owned(),
            source: source.spec.as_ref().clone(),
            groups: groups.collect(),
        })
    }
}

fn partitioned(file: LandingFile) -> PartitionedFile {
    let mut partitioned = PartitionedFile::new(file.path.clone(), file.size_bytes);
    partitioned.object_meta.location = Path::parse(&file.path).unwrap_or_else(|_| Path::from(file.path.as_str()));
    partitioned.with_extension(file)
}

#[derive(Clone)]
struct LandingSource {
    spec: Arc<SourceSpec>,
    schema: TableSchema,
    batch_rows: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl LandingSource {
    fn new(spec: Arc<SourceSpec>) -> Self {
        let schema = TableSchema::from(landing_schema(&spec));
        Self { spec, schema, batch_rows: 8192, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl FileSource for LandingSource {
    fn create_file_opener(
        &self,
        object_store: Arc<dyn ObjectStore>,
        _base_config: &FileScanConfig,
        _partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let expressions = Expressions::of(&self.spec).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Arc::new(LandingOpener {
            store: object_store,
            spec: Arc::clone(&self.spec),
            expressions,
            batch_rows: self.batch_rows,
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows: batch_size, ..self.clone() })
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &'static str {
        "landing"
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn fmt_extra(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", source={}", self.spec.name)
    }

    /// Lines are counted from the file's beginning, so a file is never split.
    fn supports_repartitioning(&self) -> bool {
        false
    }
}

struct LandingOpener {
    store: Arc<dyn ObjectStore>,
    spec: Arc<SourceSpec>,
    expressions: Option<Arc<Expressions>>,
    batch_rows: usize,
}

impl FileOpener for LandingOpener {
    fn open(&self, partitioned_file: PartitionedFile) -> Result<FileOpenFuture> {
        let Some(file) = partitioned_file.extension::<LandingFile>().cloned() else {
            return Err(DataFusionError::Internal(format!("{} is no landing file", partitioned_file.path())));
        };
        let delivered_on = file.delivered_on.map(|date| date.to_epoch_days());
        let reader = Reader::new(&self.spec, self.expressions.clone(), file.name, delivered_on, self.batch_rows);
        let store = Arc::clone(&self.store);
        let path = partitioned_file.object_meta.location;
        Ok(Box::pin(async move {
            let seen = Arc::new(Mutex::new(Seen::default()));
            let bytes = watched(contents(store.get(&path).await?).await?, Arc::clone(&seen));
            let bytes = compression(&path).convert_stream(bytes)?;
            let open = OpenFile { store, path, seen, bytes, reader, ready: Vec::new(), state: State::Reading };
            Ok(stream::try_unfold(open, OpenFile::next).boxed())
        }))
    }
}

fn compression(path: &Path) -> FileCompressionType {
    match path.extension() {
        Some("gz") => FileCompressionType::GZIP,
        Some("zst") => FileCompressionType::ZSTD,
        _ => FileCompressionType::UNCOMPRESSED,
    }
}

/// The bytes of a file as they come; those of a small one at once, for each piece is a turn of a thread that reads.
async fn contents(file: GetResult) -> Result<BoxStream<'static, object_store::Result<bytes::Bytes>>> {
    match file.meta.size <= SMALL_FILE_BYTES {
        true => Ok(stream::iter([Ok(file.bytes().await?)]).boxed()),
        false => Ok(file.into_stream()),
    }
}

/// What went by on the way from the store to the decompressor.
#[derive(Default)]
struct Seen {
    digest: Sha256,
    /// The store failed, which is worth another attempt and says nothing about the file.
    store_failed: bool,
}

/// Passes the bytes on, and hashes them as they go by.
fn watched(
    bytes: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    seen: Arc<Mutex<Seen>>,
) -> BoxStream<'static, Result<bytes::Bytes>> {
    bytes
        .inspect(move |chunk| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match chunk {
                Ok(chunk) => seen.digest.update(chunk),
                Err(_) => seen.store_failed = true,
            }
        })
        .map_err(DataFusionError::from)
        .boxed()
}

struct OpenFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    seen: Arc<Mutex<Seen>>,
    bytes: BoxStream<'static, Result<bytes::Bytes>>,
    reader: Reader,
    ready: Vec<RecordBatch>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    Ending,
    /// As `Ending`, the decompressor having failed before the file's end.
    EndingEarly,
    Done,
}

impl OpenFile {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Ok(Some((batch, self)));
            }
            if self.state == State::Done {
                return Ok(None);
            }
            let last = self.state != State::Reading;
            if let Some(batches) = self.reader.drain(last)? {
                self.ready = batches;
                self.ready.reverse();
            } else if last {
                let sha256 = self.sha256().await?;
                self.ready.push(self.reader.summary(&sha256)?);
                self.state = State::Done;
            } else {
                self.read().await?;
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        match self.bytes.next().await {
            Some(Ok(chunk)) => self.reader.feed(&chunk),
            None => self.state = State::Ending,
            Some(Err(error)) if self.seen.lock().unwrap_or_else(PoisonError::into_inner).store_failed => {
                return Err(error);
            }
            Some(Err(error)) => {
                self.reader.unreadable(&error.strip_backtrace());
                self.state = State::EndingEarly;
            }
        }
        Ok(())
    }

    /// The hash of the file as delivered. One that could not be decompressed to its end is read again for it.
    async fn sha256(&mut self) -> Result<String> {
        let digest = match self.state {
            State::EndingEarly => {
                let mut whole = Sha256::new();
                let mut bytes = self.store.get(&self.path).await?.into_stream();
                while let Some(chunk) = bytes.next().await {
                    whole.update(chunk?);
                }
                whole.finalize()
            }
            _ => self.seen.lock().unwrap_or_else(PoisonError::into_inner).digest.clone().finalize(),
        };
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
