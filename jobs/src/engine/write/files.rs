//! The Parquet files that a task has open, one for each partition whose rows it is at.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{cast, partition, take, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use parquet::arrow::{ArrowSchemaConverter, AsyncArrowWriter};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use super::{WriteSpec, external, statistics};
use crate::storage::Folder;
use crate::warehouse::DataFile;

/// A file is closed, and the next begun, at this size.
const FILE_BYTES: usize = 256 << 20;
/// What an open file may hold in memory before its rows are written out.
const BUFFERED_BYTES: usize = 64 << 20;
/// The same of one that is read soon: whoever reads it holds as much.
const BUFFERED_BYTES_SHORT_LIVED: usize = 8 << 20;
/// How many files a task keeps open. Rows come one partition after the other, or are of very few.
const OPEN_FILES: usize = 4;
const ROWS_PER_GROUP: usize = 256 * 1024;
/// A file whose first rows are fewer is small: opening it costs more than what it holds.
const SMALL_ROWS: usize = 4096;

pub(super) struct OpenFiles {
    store: Arc<dyn ObjectStore>,
    folder: Folder,
    spec: WriteSpec,
    /// The schema of the files: the input's, without partition columns.
    schema: SchemaRef,
    kept_columns: Vec<usize>,
    partition_column: Option<usize>,
    properties: WriterProperties,
    properties_of_small: WriterProperties,
    /// By partition value, the one written to last at the end.
    open: Vec<(Option<String>, OpenFile)>,
    closed: Vec<DataFile>,
}

struct OpenFile {
    path: String,
    writer: AsyncArrowWriter<BufWriter>,
}

impl OpenFiles {
    pub fn new(
        store: Arc<dyn ObjectStore>,
        folder: Folder,
        spec: WriteSpec,
        input: SchemaRef,
        executor_id: String,
    ) -> Result<Self> {
        let partition_column = match spec.partition_columns.as_slice() {
            [] => None,
            [column] => Some(input.index_of(column)?),
            more => {
                return Err(DataFusionError::NotImplemented(format!("{} partition columns, expected one", more.len())));
            }
        };
        let kept_columns: Vec<usize> =
            (0..input.fields().len()).filter(|index| Some(*index) != partition_column).collect();
        let fields: Vec<_> = kept_columns.iter().map(|index| Arc::clone(&input.fields()[*index])).collect();
        let schema = Arc::new(Schema::new(fields));
        let plain = WriterProperties::builder()
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .set_key_value_metadata(Some(vec![KeyValue::new("fleet.executor_id".to_owned(), executor_id)]))
            .set_compression(Compression::SNAPPY);
        let (properties, properties_of_small) = match spec.short_lived {
            true => {
                let properties = plain.set_statistics_enabled(EnabledStatistics::None);
                let properties = without_dictionaries_of_measurements(properties, &schema)?;
                (properties.clone(), properties)
            }
            // Zstandard makes a context of 160 kB for every column that is written or read.
            false => (
                plain.clone().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)),
                plain.set_statistics_enabled(EnabledStatistics::Chunk),
            ),
        };
        Ok(Self {
            store,
            folder,
            spec,
            schema,
            kept_columns,
            partition_column,
            properties: properties.build(),
            // An index of pages tells nothing of a column of one.
            properties_of_small: properties_of_small.set_offset_index_disabled(true).build(),
            open: Vec::new(),
            closed: Vec::new(),
        })
    }

    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let kept = batch.project(&self.kept_columns)?;
        match self.partition_column {
            None => self.append(None, &kept).await,
            Some(column) => {
                for (value, runs) in runs_by_value(batch.column(column))? {
                    self.append(value, &rows_of(&kept, &runs)?).await?;
                }
                Ok(())
            }
        }
    }

    /// Closes every file and tells what was written.
    pub async fn close(mut self) -> Result<Vec<DataFile>> {
        for (value, file) in std::mem::take(&mut self.open) {
            self.finish(value, file).await?;
        }
        Ok(self.closed)
    }

    async fn append(&mut self, value: Option<String>, batch: &RecordBatch) -> Result<()> {
        let mut file = match self.open.iter().position(|(open, _)| *open == value) {
            Some(place) => self.open.remove(place).1,
            None => self.begin(value.as_deref(), batch.num_rows())?,
        };
        file.writer.write(batch).await?;
        if file.writer.bytes_written() + file.writer.in_progress_size() > FILE_BYTES {
            return self.finish(value, file).await;
        }
        let buffered = if self.spec.short_lived { BUFFERED_BYTES_SHORT_LIVED } else { BUFFERED_BYTES };
        if file.writer.memory_size() > buffered {
            file.writer.flush().await?;
        }
        self.open.push((value, file));
        if self.open.len() > OPEN_FILES {
            let (value, file) = self.open.remove(0);
            self.finish(value, file).await?;
        }
        Ok(())
    }

    fn begin(&self, value: Option<&str>, rows: usize) -> Result<OpenFile> {
        let name = format!("{}-{}.parquet", self.spec.fingerprint_of(value), uuid::Uuid::new_v4());
        let path = match self.spec.partition_columns.first() {
            None => name,
            Some(column) => format!("{column}={}/{name}", value.unwrap_or("__HIVE_DEFAULT_PARTITION__")),
        };
        let location = self.folder.path_of(&path).map_err(external)?;
        let sink = BufWriter::new(Arc::clone(&self.store), location);
        let properties = if rows < SMALL_ROWS { &self.properties_of_small } else { &self.properties };
        let writer = AsyncArrowWriter::try_new(sink, Arc::clone(&self.schema), Some(properties.clone()))?;
        Ok(OpenFile { path, writer })
    }

    async fn finish(&mut self, value: Option<String>, mut file: OpenFile) -> Result<()> {
        let metadata = file.writer.finish().await?;
        self.closed.push(DataFile {
            path: file.path,
            size_bytes: file.writer.bytes_written() as u64,
            rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0),
            partition: self.spec.partition_columns.iter().map(|column| (column.clone(), value.clone())).collect(),
            statistics: Some(statistics::of_file(&metadata, &self.schema)?),
            modified_ms: chrono::Utc::now().timestamp_millis(),
        });
        Ok(())
    }
}

/// Looking measurements up in a dictionary takes longer than to write them out.
fn without_dictionaries_of_measurements(
    mut properties: WriterPropertiesBuilder,
    schema: &Schema,
) -> Result<WriterPropertiesBuilder> {
    let columns = ArrowSchemaConverter::new().convert(schema)?;
    for column in columns.columns().iter().filter(|column| column.physical_type() == Type::DOUBLE) {
        properties = properties.set_column_dictionary_enabled(column.path().clone(), false);
    }
    Ok(properties)
}

/// The values of a partition column, each with the runs of its rows.
fn runs_by_value(column: &ArrayRef) -> Result<BTreeMap<Option<String>, Vec<Range<usize>>>> {
    let runs = partition(std::slice::from_ref(column))?.ranges();
    let firsts: UInt64Array = runs.iter().map(|run| run.start as u64).collect();
    let texts = cast(&take(column, &firsts, None)?, &DataType::Utf8)?;
    let mut by_value = BTreeMap::<_, Vec<_>>::new();
    for (text, run) in texts.as_string::<i32>().iter().zip(runs) {
        by_value.entry(text.map(str::to_owned)).or_default().push(run);
    }
    Ok(by_value)
}

fn rows_of(batch: &RecordBatch, runs: &[Range<usize>]) -> Result<RecordBatch> {
    match runs {
        [run] => Ok(batch.slice(run.start, run.len())),
        runs => {
            let rows: UInt64Array = runs.iter().cloned().flatten().map(|row| row as u64).collect();
            Ok(take_record_batch(batch, &rows)?)
        }
    }
}
