//! How a store is reached, which may change: a password that is rotated, in a file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::mysql::MySqlConnectOptions;

use super::connection::place;
use super::error::explain;
use super::{AnyStore, Db, connect, options};
use crate::mark::Mark;
use crate::reload::{Reloaded, Take};

/// How long a server may take to say whether it takes a new URL.
const PATIENCE: Duration = Duration::from_secs(5);

/// The options of a store's connections.
#[derive(Debug)]
pub struct Access {
    current: ArcSwap<MySqlConnectOptions>,
    file: Option<FileOfUrl>,
}

/// The file that holds the URL.
#[derive(Debug)]
struct FileOfUrl {
    path: PathBuf,
    opened: Mark,
    /// What it said when that was taken.
    taken: Mutex<String>,
}

/// What a file says now, and has not said before.
pub(super) struct Fresh {
    text: String,
    pub(super) options: MySqlConnectOptions,
}

impl From<MySqlConnectOptions> for Access {
    fn from(options: MySqlConnectOptions) -> Self {
        Self { current: ArcSwap::from_pointee(options), file: None }
    }
}

impl Access {
    /// From a file whose URL has been read already.
    #[must_use]
    pub fn from_file(options: MySqlConnectOptions, path: PathBuf) -> Self {
        let opened = Mark::of([&path]);
        let taken = Mutex::new(url_in(&path).unwrap_or_default());
        Self { file: Some(FileOfUrl { path, opened, taken }), ..Self::from(options) }
    }

    pub(super) fn current(&self) -> Arc<MySqlConnectOptions> {
        self.current.load_full()
    }

    /// What the file says now; none without one, or when it says what is in force.
    pub(super) fn read(&self, store: AnyStore) -> Option<Result<Fresh, String>> {
        let file = self.file.as_ref()?;
        let text = match url_in(&file.path) {
            Ok(text) => text,
            Err(error) => return Some(Err(error)),
        };
        if *file.taken.lock().unwrap_or_else(PoisonError::into_inner) == text {
            return None;
        }
        Some(options(store, &text).map(|options| Fresh { text, options }))
    }

    /// Takes what a file has said, once it has opened the door.
    pub(super) fn take(&self, fresh: Fresh) {
        if let Some(file) = &self.file {
            *file.taken.lock().unwrap_or_else(PoisonError::into_inner) = fresh.text;
        }
        self.current.store(Arc::new(fresh.options));
    }
}

fn url_in(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim_start_matches('\u{feff}').trim_end().to_owned())
}

/// The file with a store's URL.
pub struct UrlFile(Db);

impl UrlFile {
    /// That of `db`, where there is one.
    #[must_use]
    pub fn of(db: &Db) -> Option<Self> {
        db.access().file.as_ref().map(|_| Self(db.clone()))
    }
}

impl Reloaded for UrlFile {
    fn name(&self) -> &'static str {
        self.0.store().url_variable()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.0.access().file.iter().map(|file| file.path.clone()).collect()
    }

    fn opened(&self) -> Mark {
        self.0.access().file.as_ref().map(|file| file.opened.clone()).unwrap_or_default()
    }

    /// In force for every new connection; those that there are stay. A URL counts when it
    /// opens the door, and no other does, such as one that was cut; it is tried again when
    /// the old one opens no door any more.
    fn read(&self) -> Result<Take<'_>, String> {
        let Some(fresh) = self.0.access().read(self.0.store()) else {
            return Ok(Box::new(|| "what it was".to_owned()));
        };
        let fresh = fresh?;
        let runtime = tokio::runtime::Handle::current();
        let try_out = async { tokio::time::timeout(PATIENCE, connect(&fresh.options, None)).await };
        let tried = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(try_out)).join());
        match tried {
            Ok(Ok(Ok(_))) => {}
            Ok(Ok(Err(error))) => return Err(explain(&error)),
            _ => return Err(format!("{}: no answer within {PATIENCE:?}", place(&fresh.options))),
        }
        Ok(Box::new(move || {
            let told = place(&fresh.options);
            self.0.access().take(fresh);
            told
        }))
    }
}
