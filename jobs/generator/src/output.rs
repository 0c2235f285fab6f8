//! The output folder: whole files only, each written under a temporary name outside `landing/` and then renamed, so
//! that a generator killed half way leaves no half file.

use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::GzBuilder;

use crate::Error;

const ZSTD_LEVEL: i32 = 3;

pub(crate) struct Output {
    root: PathBuf,
    staging: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

/// A file that grows during the run and takes its place at the end.
pub(crate) struct Growing {
    writer: BufWriter<fs::File>,
    staged: PathBuf,
    target: PathBuf,
}

impl Encoding {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The same bytes for the same input: no time stamps within.
    pub(crate) fn encode(self, bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(bytes),
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), level);
                encoder.write_all(&bytes)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(&bytes, ZSTD_LEVEL),
        }
    }
}

impl Output {
    /// Refuses a folder whose `landing/` holds anything.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let landing = root.join("landing");
        if landing.exists() {
            let mut entries = fs::read_dir(&landing).map_err(Error::io("read", &landing))?;
            if entries.next().is_some() {
                return Err(Error::OutputNotEmpty { path: landing });
            }
        }
        let staging = root.join(".partial");
        for folder in [&landing, &staging] {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        Ok(Self { root: root.to_owned(), staging })
    }

    /// Puts a whole file at a path relative to the root.
    pub(crate) fn put(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let (staged, target) = self.paths(relative);
        fs::write(&staged, bytes).map_err(Error::io("write", &staged))?;
        place(&staged, &target)
    }

    pub(crate) fn grow(&self, relative: &str) -> Result<Growing, Error> {
        let (staged, target) = self.paths(relative);
        let file = fs::File::create(&staged).map_err(Error::io("create", &staged))?;
        Ok(Growing { writer: BufWriter::new(file), staged, target })
    }

    pub(crate) fn close(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.staging).map_err(Error::io("remove", &self.staging))
    }

    fn paths(&self, relative: &str) -> (PathBuf, PathBuf) {
        let staged = self.staging.join(relative.replace('/', "_"));
        (staged, self.root.join(relative))
    }
}

impl Growing {
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.writer.write_all(bytes).map_err(Error::io("write", &self.staged))
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.writer.flush().map_err(Error::io("write", &self.staged))?;
        place(&self.staged, &self.target)
    }
}

/// Renames a whole file to its place, whose folder is made only when it turns out to be missing.
fn place(staged: &Path, target: &Path) -> Result<(), Error> {
    let renamed = match (fs::rename(staged, target), target.parent()) {
        (Err(error), Some(folder)) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            fs::rename(staged, target)
        }
        (renamed, _) => renamed,
    };
    renamed.map_err(Error::io("rename to", target))
}
