//! Noticing that a file has changed, by looking at it now and then.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells changed files from unchanged ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark(Vec<(PathBuf, Option<Stamp>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

impl Mark {
    /// Of these files as they are now; one that is missing has a mark too.
    pub fn of<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self(paths.into_iter().map(|path| (path.as_ref().to_owned(), stamp(path.as_ref()))).collect())
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: found.modified().ok()?, length: found.len(), inode: found.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_with_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        let missing = Mark::of([&file]);
        std::fs::write(&file, "1").expect("written");
        let first = Mark::of([&file]);
        assert_ne!(first, missing);
        assert_eq!(first, Mark::of([&file]));
        std::fs::write(&file, "22").expect("written");
        assert_ne!(first, Mark::of([&file]));
    }
}
