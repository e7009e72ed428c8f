//! What one request cost, store by store.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{AnyStore, PerStore, Statement};

/// Counts the statements that a request took part in, and keeps the first of them. A
/// statement shared by several requests is counted in each of them.
#[derive(Debug, Default)]
pub struct Tally {
    four: PerStore<Counters>,
    acessos: Counters,
    unreadable: Mutex<Vec<Unreadable>>,
    ran: Mutex<Vec<Ran>>,
    keeps_arguments: AtomicBool,
    must_see_writes: AtomicBool,
}

/// A statement that a request took part in.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Where.
    pub store: AnyStore,
    /// Its name, as in `clientes.por_id`.
    pub name: &'static str,
    /// With placeholders.
    pub text: &'static str,
    /// When a connection was asked for.
    pub begun: Instant,
    /// Until the last row had come.
    pub time: Duration,
    /// Rows read or changed.
    pub rows: u64,
    /// How many requests it served.
    pub requests: usize,
    /// Whether it failed.
    pub failed: bool,
    /// The replica that answered; none when it was the primary.
    pub replica: Option<Arc<str>>,
    /// With its arguments, where somebody will ask how it was done. They are never written
    /// anywhere.
    pub again: Option<Arc<Statement>>,
}

/// Statements of one request that are kept.
const MOST_RAN: usize = 64;

/// From here on a statement is kept with its arguments, so that the database can be asked
/// how it does it.
const SLOW: Duration = Duration::from_millis(50);

/// A row that cannot be read: another program has written what the table's rules do not
/// allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which store.
    pub store: AnyStore,
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
    pub store: AnyStore,
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
        let mut rows = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() < MOST_UNREADABLE && !rows.contains(&row) {
            rows.push(row);
        }
    }

    /// The rows that could not be read.
    #[must_use]
    pub fn unreadable_rows(&self) -> Vec<Unreadable> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on every statement is kept with its arguments.
    pub fn keep_arguments(&self) {
        self.keeps_arguments.store(true, Relaxed);
    }

    /// Whether a statement that took so long is kept with its arguments.
    pub(super) fn keeps_arguments(&self, time: Duration) -> bool {
        time >= SLOW || self.keeps_arguments.load(Relaxed)
    }

    /// From now on nothing is read for this request but from the primaries: it writes, or
    /// must see what was written.
    pub fn see_writes(&self) {
        self.must_see_writes.store(true, Relaxed);
    }

    /// Whether it must see all that was written.
    pub(super) fn must_see_writes(&self) -> bool {
        self.must_see_writes.load(Relaxed)
    }

    /// Records one statement.
    pub(crate) fn record(&self, ran: Ran) {
        let counters = self.of(ran.store);
        counters.statements.fetch_add(1, Relaxed);
        counters.rows.fetch_add(ran.rows, Relaxed);
        let micros = u64::try_from(ran.time.as_micros()).unwrap_or(u64::MAX);
        counters.micros.fetch_add(micros, Relaxed);
        if ran.failed {
            counters.failures.fetch_add(1, Relaxed);
        }
        let mut all = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_RAN {
            all.push(ran);
        }
    }

    /// The first statements, in the order in which they ended.
    #[must_use]
    pub fn ran(&self) -> Vec<Ran> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of(&self, store: AnyStore) -> &Counters {
        match store {
            AnyStore::One(store) => &self.four[store],
            AnyStore::Acessos => &self.acessos,
        }
    }

    /// The stores that were asked, in their usual order.
    pub fn stores(&self) -> impl Iterator<Item = StoreTally> {
        AnyStore::ALL.into_iter().filter_map(|store| {
            let counters = self.of(store);
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
