//! What a store was asked since the program started, for the metrics. A request's
//! own part is on its [`Tally`](super::Tally).

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::Fault;

/// Counts a store's statements. BEGIN, COMMIT and ROLLBACK, and the search for a
/// connection to begin on, are counted where they fail.
#[derive(Debug)]
pub struct Usage {
    answered: Counter,
    failed: [Counter; Fault::ALL.len()],
    refused: Counter,
    rows: Counter,
    duration: Histogram,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            answered: Counter::default(),
            failed: std::array::from_fn(|_| Counter::default()),
            refused: Counter::default(),
            rows: Counter::default(),
            // 0.25 ms to 4 s.
            duration: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
        }
    }
}

impl Usage {
    /// Records a statement that ended: well, or with a fault.
    pub(super) fn record(&self, rows: u64, time: Duration, fault: Option<Fault>) {
        match fault {
            None => _ = self.answered.inc(),
            Some(fault) => self.fail(fault),
        }
        self.rows.inc_by(rows);
        self.duration.observe(time.as_secs_f64());
    }

    /// Records a failure that is not a statement's.
    pub(super) fn fail(&self, fault: Fault) {
        self.failed[fault as usize].inc();
    }

    /// Records that the store was left alone.
    pub(super) fn refuse(&self) {
        self.refused.inc();
    }

    /// How many statements ended in which way.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let failed = Fault::ALL.into_iter().map(|fault| (fault.name(), self.failed[fault as usize].get()));
        std::iter::once(("answered", self.answered.get())).chain(failed)
    }

    /// Statements that were answered.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Uses that were refused because the circuit was open.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// How long the statements took, those of a read with the wait for a
    /// connection.
    #[must_use]
    pub const fn duration(&self) -> &Histogram {
        &self.duration
    }

    /// Rows read or changed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.get()
    }
}

/// A store's connections right now.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// How many there may be.
    pub most: usize,
    /// Open and free.
    pub idle: usize,
    /// Running a statement or a transaction.
    pub used: usize,
    /// How many statements wait for one.
    pub waiting: usize,
}
