//! The steps of a removal in the other stores. Each may be repeated, by several
//! instances at once, and to the same effect; so a step that was done and not
//! noted is done again.

use std::time::Duration;

use super::{Consistency, Step};
use crate::db::{Db, Fault, Store, StoreError};
use crate::failpoint::reach;
use crate::relay::{ClienteId, ProdutoId};
use crate::stores::{catalogo, enderecos, inventario};
use crate::writes::outbox::{self, Leased, PoliticaCompras, Task};

/// After so many attempts, work that our own mistake keeps from succeeding waits
/// for a person. A store that is down is tried for ever.
const ATTEMPTS: u32 = 10;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What has been done of a removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The store `enderecos` has nothing more to do.
    pub enderecos: bool,
    /// The store `inventario` has nothing more to do.
    pub inventario: bool,
    /// The store `catalogo` has nothing more to do.
    pub catalogo: bool,
}

impl Progress {
    /// Everything is done.
    pub const WHOLE: Self = Self { enderecos: true, inventario: true, catalogo: true };
}

impl Consistency {
    /// Works on row `id` of the outbox of `store`, unless somebody else does;
    /// `None` then.
    ///
    /// # Errors
    /// The store's whose outbox it is. What fails in the others is noted in the
    /// row, to be done later.
    pub async fn advance(&self, store: Store, id: u64) -> Result<Option<Progress>, StoreError> {
        let home = &self.databases[store];
        let Some(leased) = outbox::take(home, id, &self.owner).await? else {
            return Ok(None);
        };
        reach("removal", "leased");
        let (progress, failure) = match leased.task {
            Some(Task::RemoverCliente) => self.forget_cliente(home, &leased).await,
            Some(Task::RemoverProduto) => self.forget_produto(&leased).await,
            None => {
                let ours = leased.park(home, "this program does not know the task; upgrade it").await?;
                self.took(Step::Parked, ours);
                return Ok(Some(Progress::default()));
            }
        };
        match failure {
            None => {
                reach("removal", "before_done");
                let ours = leased.done(home).await?;
                reach("removal", "done");
                self.took(Step::Done, ours);
                tracing::info!(%store, outbox = id, task = ?leased.task, target_id = leased.target, attempts = leased.attempts, ours, "removal finished");
            }
            Some(error) => self.put_off(home, &leased, &error).await?,
        }
        Ok(Some(progress))
    }

    /// Both stores are tried, whatever comes of the first.
    async fn forget_cliente(&self, home: &Db, leased: &Leased) -> (Progress, Option<StoreError>) {
        let cliente = ClienteId(leased.target);
        let addresses = enderecos::forget_cliente(&self.databases[Store::Enderecos], cliente).await;
        reach("removal", "enderecos");
        let purchases = self.forget_purchases(home, leased, cliente).await;
        reach("removal", "inventario");
        let progress =
            Progress { enderecos: addresses.is_ok(), inventario: purchases.is_ok(), catalogo: true };
        (progress, addresses.err().or(purchases.err()))
    }

    async fn forget_purchases(
        &self,
        home: &Db,
        leased: &Leased,
        cliente: ClienteId,
    ) -> Result<(), StoreError> {
        let db = &self.databases[Store::Inventario];
        let kept = leased.policy == PoliticaCompras::Manter;
        inventario::forget_cliente(db, cliente, kept).await?;
        reach("removal", "noted");
        while !kept && inventario::delete_some_of(db, cliente).await? == inventario::DELETED_AT_ONCE {
            reach("removal", "some_deleted");
            if !leased.renew(home).await? {
                return Err(StoreError::new(db.store(), Fault::Busy, "another instance has taken over"));
            }
        }
        Ok(())
    }

    async fn forget_produto(&self, leased: &Leased) -> (Progress, Option<StoreError>) {
        let deleted = catalogo::delete(&self.databases[Store::Catalogo], ProdutoId(leased.target)).await;
        reach("removal", "catalogo");
        (Progress { catalogo: deleted.is_ok(), ..Progress::WHOLE }, deleted.err())
    }

    async fn put_off(&self, home: &Db, leased: &Leased, error: &StoreError) -> Result<(), StoreError> {
        let why = error.to_string();
        if error.fault == Fault::Internal && leased.attempts >= ATTEMPTS {
            tracing::error!(outbox = leased.id, task = ?leased.task, target_id = leased.target, reason = %why, "removal parked: it needs a person; see `quarteto check`");
            self.took(Step::Parked, leased.park(home, &why).await?);
        } else {
            let pause = pause_after(leased.attempts);
            tracing::warn!(outbox = leased.id, task = ?leased.task, target_id = leased.target, attempts = leased.attempts, ?pause, reason = %why, "removal put off");
            self.took(Step::PutOff, leased.postpone(home, pause, &why).await?);
        }
        Ok(())
    }

    /// Counts the step, which is `ours` when the lease still was.
    fn took(&self, step: Step, ours: bool) {
        self.watch.took(if ours { step } else { Step::Lost });
    }
}

/// 1 s, 2 s, 4 s … with up to a quarter more, so that instances do not march in
/// step.
fn pause_after(attempts: u32) -> Duration {
    let doubled = Duration::from_secs(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    doubled.mul_f64(1.0 + rand::random_range(0.0..0.25))
}
