//! Small files of tables, kept whole by the process that reads them: to ask a store for a part takes longer than to read all.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheValue};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::{BoxFuture, FutureExt};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

/// What a small file takes at most.
pub const SMALL_FILE_BYTES: u64 = 64 << 10;

/// What a process keeps of them: two years' months of some tables.
const KEPT_BYTES: usize = 4 << 20;

/// The small files that a process has read last.
pub struct SmallFiles {
    files: DefaultCache<Path, SmallFile>,
}

/// A file's content, and what tells whether the file is still the same.
#[derive(Clone)]
struct SmallFile {
    content: Bytes,
    version: ObjectMeta,
}

impl CacheValue for SmallFile {
    fn size(&self) -> usize {
        size_of::<Self>() + self.content.len()
    }
}

impl SmallFiles {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { files: DefaultCache::new(KEPT_BYTES) })
    }
}

impl fmt::Debug for SmallFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmallFiles({})", self.files.len())
    }
}

/// Opens files as `inner` does, and reads the small ones among those kept.
#[derive(Debug)]
pub struct KeepSmallFiles {
    pub inner: Arc<dyn ParquetFileReaderFactory>,
    pub kept: Arc<SmallFiles>,
}

impl ParquetFileReaderFactory for KeepSmallFiles {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let version = file.object_meta.clone();
        let inner = self.inner.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        if version.size > SMALL_FILE_BYTES {
            return Ok(inner);
        }
        Ok(Box::new(SmallFileReader { inner, version, kept: Arc::clone(&self.kept) }))
    }
}

struct SmallFileReader {
    inner: Box<dyn AsyncFileReader + Send>,
    version: ObjectMeta,
    kept: Arc<SmallFiles>,
}

impl SmallFileReader {
    async fn content(&mut self) -> parquet::errors::Result<Bytes> {
        let files = &self.kept.files;
        match files.get(&self.version.location) {
            Some(file) if file.version == self.version => Ok(file.content),
            _ => {
                let content = self.inner.get_bytes(0..self.version.size).await?;
                let file = SmallFile { content: content.clone(), version: self.version.clone() };
                files.put(&self.version.location, file);
                Ok(content)
            }
        }
    }
}

impl AsyncFileReader for SmallFileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move { part(&self.content().await?, &range) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            let content = self.content().await?;
            ranges.iter().map(|range| part(&content, range)).collect()
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        self.inner.get_metadata(options)
    }
}

fn part(content: &Bytes, range: &Range<u64>) -> parquet::errors::Result<Bytes> {
    let place = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let Some((start, end)) = place.filter(|(start, end)| start <= end && *end <= content.len()) else {
        return Err(ParquetError::EOF(format!("bytes {range:?} of a file of {}", content.len())));
    };
    Ok(content.slice(start..end))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Files of zeros, and how often one is asked for.
    #[derive(Clone, Debug, Default)]
    struct Zeros(Arc<AtomicUsize>);

    impl ParquetFileReaderFactory for Zeros {
        fn create_reader(
            &self,
            _partition_index: usize,
            _file: PartitionedFile,
            _metadata_size_hint: Option<usize>,
            _metrics: &ExecutionPlanMetricsSet,
        ) -> Result<Box<dyn AsyncFileReader + Send>> {
            Ok(Box::new(self.clone()))
        }
    }

    impl AsyncFileReader for Zeros {
        fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
            std::future::ready(Ok(bytes.into())).boxed()
        }

        fn get_metadata<'a>(
            &'a mut self,
            _options: Option<&'a ArrowReaderOptions>,
        ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
            std::future::ready(Err(ParquetError::General("zeros have no metadata".to_owned()))).boxed()
        }
    }

    #[tokio::test]
    async fn a_small_file_is_asked_for_once_and_again_when_it_is_another() {
        let zeros = Zeros::default();
        let files = KeepSmallFiles { inner: Arc::new(zeros.clone()), kept: SmallFiles::new() };
        let asked = async |path: &str, size: u64, ranges: &[Range<u64>]| {
            let before = zeros.0.load(Ordering::Relaxed);
            let metrics = ExecutionPlanMetricsSet::new();
            let mut reader = files.create_reader(0, PartitionedFile::new(path, size), None, &metrics).unwrap();
            let parts = reader.get_byte_ranges(ranges.to_vec()).await?;
            assert!(parts.iter().zip(ranges).all(|(part, range)| part.len() as u64 == range.end - range.start));
            Ok::<_, ParquetError>(zeros.0.load(Ordering::Relaxed) - before)
        };
        assert_eq!(asked("month", 100, &[0..10, 90..100]).await.unwrap(), 1);
        assert_eq!(asked("month", 100, &[5..60, 0..1]).await.unwrap(), 0);
        assert_eq!(asked("month", 101, &[5..60, 0..1]).await.unwrap(), 1, "another file of the same name");
        let beyond = asked("month", 101, &[0..1, 60..102]).await.unwrap_err().to_string();
        assert!(beyond.contains("60..102") && beyond.contains("101"), "{beyond}");

        let large = SMALL_FILE_BYTES + 1;
        assert_eq!(asked("year", large, &[0..10, 90..100]).await.unwrap(), 2);
        assert_eq!(asked("year", large, &[0..10, 90..100]).await.unwrap(), 2);

        // Those that were not read for long make room for others.
        for number in 0..KEPT_BYTES as u64 / SMALL_FILE_BYTES {
            asked(&number.to_string(), SMALL_FILE_BYTES, &[0..1, 1..2]).await.unwrap();
        }
        assert_eq!(asked("month", 101, &[0..1, 1..2]).await.unwrap(), 1);
    }
}
