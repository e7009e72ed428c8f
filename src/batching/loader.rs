//! What a store implements so that its rows are found in batches: async-graphql's
//! [`Loader`], and the little that our scheduler wants to know beside it.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::Loader;
use foldhash::{HashSet, HashSetExt as _};

use crate::db::{AnyStore, Columns, Db, StoreError, Tally};

/// What is asked for: everything that changes the answer is in it. A type of its
/// own for each question, so that the number of a client is never asked of the
/// products.
pub trait Key: Copy + Eq + Hash + Send + Sync + 'static {}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Key for K {}

/// A key, and the columns that are wanted of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted<K> {
    /// Whose rows.
    pub key: K,
    /// At least these.
    pub columns: Columns,
}

impl<K: Key> Wanted<K> {
    /// These columns of the rows of many.
    #[must_use]
    pub fn all(keys: Vec<K>, columns: Columns) -> Vec<Self> {
        keys.into_iter().map(|key| Self { key, columns }).collect()
    }

    /// What a statement asks that serves all of these, which are different: each key once, and
    /// every column that one of them wants.
    #[must_use]
    pub fn together(wanted: &[Self]) -> (Vec<K>, Columns) {
        let columns = wanted.iter().fold(Columns::KEYS, |all, wanted| all.and(wanted.columns));
        let keys = wanted.iter().map(|wanted| wanted.key);
        if wanted.windows(2).all(|two| two[0].columns == two[1].columns) {
            return (keys.collect(), columns);
        }
        let mut seen = HashSet::new();
        (keys.filter(|key| seen.insert(*key)).collect(), columns)
    }

    /// What was found for each of these, of what was found for their keys.
    #[must_use]
    pub fn shared<V: Clone>(wanted: &[Self], found: &foldhash::HashMap<K, V>) -> HashMap<Self, V> {
        wanted.iter().filter_map(|wanted| Some((*wanted, found.get(&wanted.key)?.clone()))).collect()
    }
}

/// Where the rows are, and for whom they are read.
pub trait Source: Send + Sync + 'static {
    /// Whose rows these are.
    fn store(&self) -> AnyStore;

    /// How long a key may wait to be asked for, behind batches of the same kind. What has
    /// waited longer is not asked any more: a slow store would gather a queue that
    /// outlives those who stand in it.
    fn patience(&self) -> Duration;

    /// The same rows, read for the requests with these tallies.
    #[must_use]
    fn serving(&self, audience: Vec<Arc<Tally>>) -> Self;
}

/// How many rows an answer was made of.
pub type RowsBehind<V> = fn(&V) -> u64;

/// A question that a source answers in batches: `load` finds `keys`, all different
/// and at most [`MOST`](Self::MOST), in one statement; an absent key is simply not in
/// the map.
pub trait Batch<K: Key>: Source + Loader<K, Error = StoreError> {
    /// The name in spans and logs, as in `clientes.por_id`.
    const NAME: &'static str;

    /// The most keys that one call takes.
    const MOST: usize;

    /// How many rows of the store were read for the answer of one key, where these can be
    /// many: keys with many go by a lane of their own.
    const ROWS_BEHIND: Option<RowsBehind<<Self as Loader<K>>::Value>> = None;
}

/// The rows of the store whose handle is `S`: what its loaders are implemented for,
/// one impl a key.
///
/// The requests that a batch serves are part of the value that loads it, and not of
/// the call: the trait's `load` has no room for them.
pub struct Rows<S> {
    db: Db,
    audience: Arc<[Arc<Tally>]>,
    handle: PhantomData<fn() -> S>,
}

impl<S> Rows<S> {
    /// The rows of a database, read for nobody yet.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, audience: Arc::default(), handle: PhantomData }
    }

    /// Where they are.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Whose tallies count what is read.
    #[must_use]
    pub fn audience(&self) -> &[Arc<Tally>] {
        &self.audience
    }
}

impl<S> Clone for Rows<S> {
    fn clone(&self) -> Self {
        Self { db: self.db.clone(), audience: Arc::clone(&self.audience), handle: PhantomData }
    }
}

impl<S> fmt::Debug for Rows<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rows").field(&self.db).finish()
    }
}

impl<S: 'static> Source for Rows<S> {
    fn store(&self) -> AnyStore {
        self.db.store()
    }

    /// As long as a statement may take in all: its wait for a connection and its run.
    fn patience(&self) -> Duration {
        self.db.patience()
    }

    fn serving(&self, audience: Vec<Arc<Tally>>) -> Self {
        Self { db: self.db.clone(), audience: audience.into(), handle: PhantomData }
    }
}
