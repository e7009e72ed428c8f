//! Keys whose answers are made of many rows have a lane of their own, so that nobody else waits
//! behind them.
//!
//! How many rows stand behind a key is known once it was answered ([`Batch::ROWS_BEHIND`]), or was
//! not in time. Such numbers are remembered; what is asked together with more than [`HEAVY`] of them goes by the
//! heavy lane, where one batch runs at a time. That costs nothing on the write; sums that were
//! kept as purchases are written would put one hot row under all purchases of a product that
//! sells well.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::OnceLock;

use foldhash::{HashSet, HashSetExt as _};
use moka::sync::Cache;

use super::group::Group;
use super::loader::{Batch, Key};

/// So many rows are heavy: some tens of milliseconds of a database.
pub(super) const HEAVY: u64 = 20_000;

/// A batch of either lane takes no further group when it has this many rows to read.
pub(super) const MOST_ROWS: u64 = 5 * HEAVY;

/// With fewer rows a key is not worth remembering.
const NOTABLE: u64 = HEAVY / 100;

/// So many keys are remembered, the ones that were asked for last and often.
const REMEMBERED: u64 = 10_000;

/// By which lane a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What most of them ask.
    Light,
    /// What has many rows behind it.
    Heavy,
}

impl Lane {
    pub(super) const ALL: [Self; 2] = [Self::Light, Self::Heavy];

    /// More in flight would make batches smaller, not answers faster.
    pub(super) const fn in_flight(self) -> usize {
        match self {
            Self::Light => 2,
            Self::Heavy => 1,
        }
    }
}

/// What is known of the keys of a loader. Most loaders have none of these.
pub(super) struct Weights<K>(OnceLock<Cache<K, u64>>);

impl<K: Key> Weights<K> {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Remembers how many rows stood behind what was found.
    pub(super) fn note<L: Batch<K>>(&self, found: &HashMap<K, L::Value>) {
        let Some(rows_behind) = L::ROWS_BEHIND else { return };
        for (key, value) in found {
            let rows = rows_behind(value);
            if rows >= NOTABLE {
                self.0.get_or_init(|| Cache::new(REMEMBERED)).insert(*key, rows);
            } else if let Some(known) = self.0.get() {
                // Its rows may have been removed.
                known.invalidate(key);
            }
        }
    }

    /// Remembers that a group which was asked for alone was not answered in time: otherwise what
    /// takes longest would hold up everybody whenever it is asked for. One that was innocent is
    /// set right by its next answer.
    pub(super) fn note_slow<L: Batch<K>>(&self, group: &Group<K, L::Value>) {
        if L::ROWS_BEHIND.is_some() {
            let known = self.0.get_or_init(|| Cache::new(REMEMBERED));
            group.keys().into_iter().for_each(|key| known.insert(key, HEAVY + 1));
        }
    }

    /// Rows behind the keys of a group, as far as they are known.
    pub(super) fn of<V>(&self, group: &Group<K, V>) -> u64
    where
        K: Hash,
        V: Clone + Send + Sync + 'static,
    {
        let Some(known) = self.0.get() else { return 0 };
        let mut seen = HashSet::new();
        let keys = group.keys().into_iter().filter(|key| seen.insert(*key));
        keys.filter_map(|key| known.get(&key)).sum()
    }
}
