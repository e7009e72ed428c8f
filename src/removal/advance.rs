//! How a removal gets on: a row of the outbox is leased, its steps in the other stores
//! are taken ([`cliente`](super::cliente), [`produto`](super::produto)), and it is done,
//! put off or parked. Each step may be repeated, by several instances at once, and to the
//! same effect; so a step that was done and not noted is done again.

use std::time::Duration;

use super::{Progress, Removals, Step};
use crate::db::{Db, Fault, Store, StoreError};
use crate::failpoint::reach;
use crate::writes::outbox::{self, Leased, Task};

/// After so many attempts, work that our own mistake keeps from succeeding waits
/// for a person. A store that is down is tried for ever.
const ATTEMPTS: u32 = 10;

/// So many attempts are remembered of a store that was down: its pauses grow to 16 s, and
/// when it is back there are attempts left.
const PATIENT: u32 = 5;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

impl Removals {
    /// Works on row `id` of the outbox of `store`, unless somebody else does;
    /// `None` then.
    ///
    /// # Errors
    /// The store's whose outbox it is. What fails in the others is noted in the
    /// row, to be done later.
    pub async fn advance(&self, store: Store, id: u64) -> Result<Option<Progress>, StoreError> {
        let home = self.home(store)?;
        let Some(leased) = outbox::take(home, id, &self.owner).await? else {
            return Ok(None);
        };
        reach("removal", "leased");
        if let Some(other) = &leased.taken_over_from {
            tracing::info!(%store, outbox = id, from = other, "lease taken over: its owner has not renewed it");
        }
        let work = async {
            Some(match leased.task? {
                Task::RemoverCliente => self.forget_cliente(&leased).await,
                Task::RemoverProduto => self.forget_produto(&leased).await,
            })
        };
        let worked = tokio::select! {
            worked = work => worked,
            () = until_lost(home, &leased) => {
                self.took(Step::Lost, true);
                return Ok(Some(Progress::default()));
            }
        };
        let Some((progress, failure)) = worked else {
            let ours = leased.park(home, "this program does not know the task; upgrade it").await?;
            self.took(Step::Parked, ours);
            return Ok(Some(Progress::default()));
        };
        match failure {
            None => {
                reach("removal", "before_done");
                let ours = leased.done(home).await?;
                reach("removal", "done");
                self.took(Step::Done, ours);
                tracing::info!(%store, outbox = id, task = name(&leased), target_id = leased.target, attempts = leased.attempts, ours, "removal finished");
            }
            Some(error) => self.put_off(home, &leased, &error).await?,
        }
        Ok(Some(progress))
    }

    async fn put_off(&self, home: &Db, leased: &Leased, error: &StoreError) -> Result<(), StoreError> {
        let why = error.to_string();
        if error.fault == Fault::Internal && leased.attempts >= ATTEMPTS {
            tracing::error!(outbox = leased.id, task = name(leased), target_id = leased.target, reason = %why, "removal parked: it needs a person; see `quarteto check`");
            self.took(Step::Parked, leased.park(home, &why).await?);
        } else {
            // What is tried in vain because a store is down says nothing against the removal.
            let attempts = match error.fault {
                Fault::Internal => leased.attempts,
                _ => leased.attempts.min(PATIENT),
            };
            let pause = pause_after(attempts);
            tracing::warn!(outbox = leased.id, task = name(leased), target_id = leased.target, attempts = leased.attempts, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), reason = %why, "removal put off");
            self.took(Step::PutOff, leased.postpone(home, attempts, pause, &why).await?);
        }
        Ok(())
    }

    /// Counts the step, which is `ours` when the lease still was.
    fn took(&self, step: Step, ours: bool) {
        self.standings.took(if ours { step } else { Step::Lost });
    }
}

/// Renews a lease for as long as it is ours. A store that does not answer decides nothing.
async fn until_lost(home: &Db, leased: &Leased) {
    loop {
        tokio::time::sleep(outbox::RENEWAL).await;
        if let Ok(false) = leased.renew(home).await {
            return;
        }
    }
}

fn name(leased: &Leased) -> &'static str {
    leased.task.map_or("unknown", Task::name)
}

/// 1 s, 2 s, 4 s … with up to a quarter more, so that instances do not march in
/// step.
fn pause_after(attempts: u32) -> Duration {
    let doubled = Duration::from_secs(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    doubled.mul_f64(1.0 + rand::random_range(0.0..0.25))
}
