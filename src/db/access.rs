//! How a store is reached, which may change: a password that is rotated, in a file.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sqlx::mysql::MySqlConnectOptions;

use super::{Db, Store, options};
use crate::mark::Mark;
use crate::reload::{Reloaded, Take};

/// The options of a store's connections.
#[derive(Debug)]
pub struct Access {
    current: ArcSwap<MySqlConnectOptions>,
    /// The file that holds the URL.
    file: Option<(PathBuf, Mark)>,
}

impl From<MySqlConnectOptions> for Access {
    fn from(options: MySqlConnectOptions) -> Self {
        Self { current: ArcSwap::from_pointee(options), file: None }
    }
}

impl Access {
    /// From a file whose URL has been read already.
    #[must_use]
    pub fn from_file(options: MySqlConnectOptions, file: PathBuf) -> Self {
        let mark = Mark::of([&file]);
        Self { file: Some((file, mark)), ..Self::from(options) }
    }

    pub(super) fn current(&self) -> Arc<MySqlConnectOptions> {
        self.current.load_full()
    }

    pub(super) fn set(&self, options: MySqlConnectOptions) {
        self.current.store(Arc::new(options));
    }

    /// What the file says now; none without one, or when it cannot be used.
    pub(super) fn read(&self, store: Store) -> Option<Result<MySqlConnectOptions, String>> {
        let (file, _) = self.file.as_ref()?;
        let read = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
        Some(read.and_then(|text| options(store, text.trim_start_matches('\u{feff}').trim_end())))
    }
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
        self.0.access().file.iter().map(|(path, _)| path.clone()).collect()
    }

    fn opened(&self) -> Mark {
        self.0.access().file.as_ref().map(|(_, mark)| mark.clone()).unwrap_or_default()
    }

    /// In force for every new connection; those that there are stay.
    fn read(&self) -> Result<Take<'_>, String> {
        let fresh =
            self.0.access().read(self.0.store()).unwrap_or_else(|| Err("there is no file".to_owned()))?;
        Ok(Box::new(move || {
            let place = format!("{}:{}", fresh.get_host(), fresh.get_port());
            self.0.access().set(fresh);
            place
        }))
    }
}
