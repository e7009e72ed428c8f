//! What one request cost, store by store.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{PerStore, Store};

/// Counts the statements that a request took part in. A statement shared by
/// several requests is counted in each of them.
#[derive(Debug, Default)]
pub struct Tally(PerStore<Counters>, Mutex<Vec<Unreadable>>);

/// A row that cannot be read: another program has written what the table's rules do not
/// allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which store.
    pub store: Store,
    /// Its number; none when not even that can be read.
    pub id: Option<u64>,
}

/// Unreadable rows that a request is told of.
const MOST_UNREADABLE: usize = 100;

#[derive(Debug, Default)]
struct Counters {
    statements: AtomicU32,
    rows: AtomicU64,
    micros: AtomicU64,
    failures: AtomicU32,
}

/// What a request asked of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreTally {
    /// Which store.
    pub store: Store,
    /// Statements sent.
    pub statements: u32,
    /// Rows that came back, all of the statement's, also when it was shared.
    pub rows: u64,
    /// Time spent waiting for them, summed over statements.
    pub time: Duration,
    /// Statements that failed.
    pub failures: u32,
}

impl Tally {
    /// Notes a row that cannot be read; once each.
    pub(super) fn unreadable(&self, row: Unreadable) {
        let mut rows = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() < MOST_UNREADABLE && !rows.contains(&row) {
            rows.push(row);
        }
    }

    /// The rows that could not be read.
    #[must_use]
    pub fn unreadable_rows(&self) -> Vec<Unreadable> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records one statement.
    pub fn record(&self, store: Store, rows: u64, time: Duration, failed: bool) {
        let counters = &self.0[store];
        counters.statements.fetch_add(1, Relaxed);
        counters.rows.fetch_add(rows, Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        counters.micros.fetch_add(micros, Relaxed);
        if failed {
            counters.failures.fetch_add(1, Relaxed);
        }
    }

    /// The stores that were asked, in their usual order.
    pub fn stores(&self) -> impl Iterator<Item = StoreTally> {
        self.0.iter().filter_map(|(store, counters)| {
            let statements = counters.statements.load(Relaxed);
            (statements > 0).then(|| StoreTally {
                store,
                statements,
                rows: counters.rows.load(Relaxed),
                time: Duration::from_micros(counters.micros.load(Relaxed)),
                failures: counters.failures.load(Relaxed),
            })
        })
    }
}
