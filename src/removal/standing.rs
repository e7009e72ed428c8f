//! What the worker has seen and done, for those who watch the program. It counts
//! what this instance did; how an outbox stands is the same for all instances.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;

use crate::db::{PerStore, Store};
use crate::writes::outbox::Standing;

/// How a row of an outbox was left after it was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Everything is done, and the row is gone.
    Done,
    /// A store failed; later again.
    PutOff,
    /// It waits for a person.
    Parked,
    /// The lease was another's by then, who does it again.
    Lost,
}

impl Step {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Done, Self::PutOff, Self::Parked, Self::Lost];

    /// The word in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::PutOff => "put_off",
            Self::Parked => "parked",
            Self::Lost => "lost",
        }
    }
}

/// Counts what the worker does.
#[derive(Debug, Default)]
pub struct Standings {
    standings: Mutex<PerStore<Option<(SystemTime, Standing)>>>,
    steps: [Counter; Step::ALL.len()],
    purged: PerStore<Counter>,
}

impl Standings {
    /// How the outbox of `store` stood when it was last looked at; none before
    /// that, and for a store without an outbox.
    #[must_use]
    pub fn standing(&self, store: Store) -> Option<(SystemTime, Standing)> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)[store]
    }

    /// How many times a row was left that way.
    #[must_use]
    pub fn steps(&self, step: Step) -> u64 {
        self.steps[step as usize].get()
    }

    /// How many records of finished writes were deleted for their age.
    #[must_use]
    pub fn purged(&self, store: Store) -> u64 {
        self.purged[store].get()
    }

    pub(super) fn saw(&self, store: Store, standing: Standing) {
        let now = SystemTime::now();
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)[store] = Some((now, standing));
    }

    pub(super) fn took(&self, step: Step) {
        self.steps[step as usize].inc();
    }

    pub(super) fn deleted(&self, store: Store, records: u64) {
        self.purged[store].inc_by(records);
    }
}
