//! Files on a local disk, each looked at once: on a network's file system a look is what takes the time.

use std::io::ErrorKind;
use std::path::Path;

use object_store::{Error, ObjectMeta, Result};
use walkdir::WalkDir;

/// The files below `root`, whose path in the store is `path`. Links are followed; what vanishes meanwhile is left out.
pub(super) fn files(root: &Path, path: &object_store::path::Path) -> Result<Vec<ObjectMeta>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root).follow_links(true) {
        let looked = entry.and_then(|entry| match entry.file_type().is_file() {
            true => entry.metadata().map(|metadata| Some((entry, metadata))),
            false => Ok(None),
        });
        let (entry, metadata) = match looked {
            Ok(Some(file)) => file,
            Ok(None) => continue,
            Err(error) if error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound) => continue,
            Err(error) => return Err(of_disk(error)),
        };
        let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let below = below.to_str().ok_or_else(|| of_disk(format!("{}: the name is not UTF-8", below.display())))?;
        if is_half_written(below) {
            continue;
        }
        files.push(ObjectMeta {
            location: path.parts().chain(object_store::path::Path::parse(below)?.parts()).collect(),
            last_modified: metadata.modified().map_err(of_disk)?.into(),
            size: metadata.len(),
            e_tag: None,
            version: None,
        });
    }
    Ok(files)
}

/// While the store writes a file it is `<name>#<number>`, and the store refuses to read or delete what has such a name.
fn is_half_written(name: &str) -> bool {
    let number = name.rsplit('/').next().and_then(|name| name.split_once('#')).map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_disk(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "local files", source: error.into() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn listed(root: &Path) -> Result<Vec<(String, u64)>> {
        let mut listed: Vec<_> = files(root, &"data/landing".into())?
            .into_iter()
            .map(|file| (file.location.to_string(), file.size))
            .collect();
        listed.sort();
        Ok(listed)
    }

    #[test]
    fn files_of_all_depths_are_found_also_behind_links() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(root.path().join("2026-01-01/deep")).unwrap();
        fs::write(root.path().join("2026-01-01/deep/a b.csv"), "12345").unwrap();
        fs::write(root.path().join("loose.csv"), "").unwrap();
        fs::write(root.path().join("2026-01-01/half-written.csv#1"), "1").unwrap();
        fs::write(elsewhere.path().join("c.csv"), "123").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("2026-01-02")).unwrap();
        std::os::unix::fs::symlink("gone", root.path().join("dangling.csv")).unwrap();
        let expected = [("2026-01-01/deep/a b.csv", 5), ("2026-01-02/c.csv", 3), ("loose.csv", 0)];
        assert_eq!(listed(root.path()).unwrap(), expected.map(|(name, size)| (format!("data/landing/{name}"), size)));
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_one_that_holds_itself_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(listed(&root.path().join("none")).unwrap(), []);
        std::os::unix::fs::symlink(root.path(), root.path().join("itself")).unwrap();
        let error = listed(root.path()).unwrap_err().to_string();
        assert!(error.contains("itself"), "{error}");
    }
}
