//! Who works through the outboxes, beside the requests: one loop in every
//! instance.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::Instrument as _;

use super::{Progress, Removals};
use crate::db::{Store, StoreError, Tally};
use crate::failpoint::reach;
use crate::writes::outbox::{self, Open, Task};
use crate::writes::record;

/// How often an instance looks for what others have left.
const PULSE: Duration = Duration::from_secs(1);

/// How often an instance counts what is in the outboxes.
const LOOK: Duration = Duration::from_secs(15);

/// How often the records are purged whose time has passed.
const PURGE: Duration = Duration::from_secs(600);

/// How many rows one look takes.
const ROWS: u32 = 20;

/// How long a mutation waits for the other stores before it answers that they are
/// pending.
const PATIENCE: Duration = Duration::from_secs(2);

impl Removals {
    /// Works through the outboxes for as long as the program runs.
    pub async fn run(self: Arc<Self>) {
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut purge_at = Instant::now() + PULSE;
        let mut look_at = Instant::now();
        loop {
            tokio::select! {
                _ = pulse.tick() => {}
                () = self.wake.notified() => {}
            }
            let worked = self.round().await;
            if worked > 0 || Instant::now() >= look_at {
                self.look().await;
                look_at = Instant::now() + LOOK;
            }
            if Instant::now() >= purge_at {
                self.purge().await;
                purge_at = Instant::now() + PURGE;
            }
        }
    }

    /// Works on everything that is due now, and returns how much that was.
    pub async fn round(&self) -> usize {
        let mut worked = 0;
        for (store, db) in self.homes() {
            // The failure is in the log already, with its statement.
            let due = outbox::due(db, ROWS).await.unwrap_or_default();
            for id in due {
                worked += usize::from(matches!(self.advance(store, id).await, Ok(Some(_))));
            }
        }
        worked
    }

    /// Counts what is in the outboxes, for [`Standings`](super::Standings).
    pub async fn look(&self) {
        for (store, db) in self.homes() {
            // The failure is in the log already, with its statement.
            if let Ok(standing) = outbox::standing(db).await {
                self.standings.saw(store, standing);
            }
        }
    }

    /// Everything that is still to be done, with the store where it began.
    ///
    /// # Errors
    /// The store's that could not be asked.
    pub async fn open(&self) -> Result<Vec<(Store, Open)>, StoreError> {
        const PAGE: u32 = 500;
        let mut all = Vec::new();
        for (store, db) in self.homes() {
            let mut after = 0;
            loop {
                let rows = outbox::open(db, after, PAGE).await?;
                let Some(last) = rows.last() else { break };
                after = last.id;
                all.extend(rows.into_iter().map(|row| (store, row)));
            }
        }
        Ok(all)
    }

    /// What waits for a person, with the store where it began: so many of each store at most.
    ///
    /// # Errors
    /// The store's that could not be asked.
    pub async fn parked(&self, most: u32, audience: &[Arc<Tally>]) -> Result<Vec<(Store, Open)>, StoreError> {
        let mut all = Vec::new();
        for (store, db) in self.homes() {
            let rows = outbox::parked(db, most, audience).await?;
            all.extend(rows.into_iter().map(|row| (store, row)));
        }
        Ok(all)
    }

    /// Makes everything due that only waits for its time.
    ///
    /// # Errors
    /// The store's.
    pub async fn hasten(&self) -> Result<(), StoreError> {
        for (_, db) in self.homes() {
            outbox::hasten(db).await?;
        }
        Ok(())
    }

    /// Makes everything due, also what waits for a person.
    ///
    /// # Errors
    /// The store's.
    pub async fn retake(&self) -> Result<(), StoreError> {
        for (_, db) in self.homes() {
            outbox::unpark(db).await?;
        }
        self.hasten().await
    }

    async fn purge(&self) {
        for (store, db) in self.here.iter() {
            match record::purge(db).await {
                Ok(0) | Err(_) => {}
                Ok(purged) => {
                    self.standings.deleted(store, purged);
                    tracing::info!(%store, purged, "old idempotency records deleted");
                }
            }
        }
    }

    /// Finishes what a mutation has just begun in `store`, and says how far it has
    /// come after a short while. It goes on in any case.
    pub async fn finish(self: &Arc<Self>, store: Store, task: Task, target: u64) -> Progress {
        let this = Arc::clone(self);
        let work = async move { this.finish_now(store, task, target).await };
        let work = tokio::spawn(work.in_current_span());
        match timeout(PATIENCE, work).await {
            Ok(Ok(Ok(progress))) => progress,
            _ => {
                self.wake.notify_one();
                Progress::default()
            }
        }
    }

    async fn finish_now(&self, store: Store, task: Task, target: u64) -> Result<Progress, StoreError> {
        reach("removal", "begun");
        match outbox::find(self.home(store)?, task, target).await? {
            // Done by another instance already, or long ago.
            None => Ok(Progress::WHOLE),
            Some(id) => Ok(self.advance(store, id).await?.unwrap_or_default()),
        }
    }
}
