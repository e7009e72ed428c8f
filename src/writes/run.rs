//! From a checked input to what came of it.

use std::future::Future;
use std::sync::Arc;

use async_graphql::Context;
use serde::Serialize;

use super::erro::Erro;
use super::record::{self, Known, Lookup, Record};
use crate::db::{Db, End, Fault, StoreError, Tally, Transaction, Work};
use crate::kernel::{ContextExt as _, GraphResult, Papel};

/// What a write does to its store.
pub enum Outcome {
    /// It is done; this is the number of the row.
    Done(u64),
    /// It cannot be done, and a person can mend why.
    Refused(Vec<Erro>),
}

/// A checked input that will change one store. What it serialises to is what
/// makes two inputs the same.
pub trait Write: Serialize + Send + Sync {
    /// The mutation's name.
    const OPERATION: &'static str;

    /// Looks at what the store itself cannot see, before anything is written: the
    /// references to other stores. Returns what a person can mend.
    fn prepare(&mut self, ctx: &Context<'_>) -> impl Future<Output = GraphResult<Vec<Erro>>> + Send {
        let _ = ctx;
        async { Ok(Vec::new()) }
    }

    /// Does it. May run several times, so it has no effect outside of the
    /// transaction.
    fn apply(&self, tx: &mut Transaction<'_>) -> impl Future<Output = Result<Outcome, StoreError>> + Send;
}

/// A write that is done, now or when it was first sent.
pub struct Done<W> {
    /// The number of the row.
    pub id: u64,
    /// The write.
    pub write: W,
}

/// Makes a write: asks for the papel, recalls what came of it when it was made
/// before, and otherwise makes it, with its record, in one transaction. `given` is
/// the input's own idempotency key.
///
/// # Errors
/// What a person cannot mend: `FORBIDDEN`, `IDEMPOTENCY_MISMATCH`, `CONFLICT`,
/// `OUTCOME_UNKNOWN`, the store's.
pub async fn run<W: Write>(
    ctx: &Context<'_>,
    db: &Db,
    given: Option<&str>,
    checked: Result<W, Vec<Erro>>,
) -> GraphResult<Result<Done<W>, Vec<Erro>>> {
    ctx.require(Papel::Editor)?;
    let wrong_key = given.filter(|key| !record::is_key(key)).map(|_| record::wrong_key());
    let mut write = match (checked, wrong_key) {
        (Ok(write), None) => write,
        (Ok(_), Some(erro)) => return Ok(Err(vec![erro])),
        (Err(erros), erro) => return Ok(Err(erros.into_iter().chain(erro).collect())),
    };
    let tally = ctx.scope().tally();
    let record = Record::of(ctx, given, W::OPERATION, &write)?;
    if record.may_be_known()
        && let Some(known) = record.find(db, tally).await?
    {
        let id = record.recall(&known)?;
        return Ok(Ok(Done { id, write }));
    }
    let erros = write.prepare(ctx).await?;
    if !erros.is_empty() {
        return Ok(Err(erros));
    }
    Ok(match perform(db, &Recorded { record: &record, write: &write }, tally).await? {
        Settled::Done(id) => Ok(Done { id, write }),
        Settled::Known(known) => {
            let id = record.recall(&known)?;
            Ok(Done { id, write })
        }
        Settled::Refused(erros) => Err(erros),
    })
}

/// When nobody knows whether COMMIT happened, the record tells; only when it is
/// not there has nothing happened, and the write is made again.
async fn perform<W: Write>(
    db: &Db,
    work: &Recorded<'_, W>,
    tally: &Arc<Tally>,
) -> Result<Settled, StoreError> {
    let unknown = match db.transaction(work, tally).await {
        Err(error) if error.fault == Fault::OutcomeUnknown => error,
        settled => return settled,
    };
    match db.transaction(&Lookup(work.record), tally).await {
        Ok(Some(known)) => Ok(Settled::Known(known)),
        Ok(None) => db.transaction(work, tally).await,
        Err(_) => Err(unknown),
    }
}

enum Settled {
    Done(u64),
    Refused(Vec<Erro>),
    Known(Known),
}

/// A write and its record, in one transaction.
struct Recorded<'a, W> {
    record: &'a Record,
    write: &'a W,
}

impl<W: Write> Work for Recorded<'_, W> {
    type Output = Settled;

    fn name(&self) -> &'static str {
        W::OPERATION
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Settled>, StoreError> {
        match self.record.insert(tx).await {
            Err(error) if error.fault == Fault::Duplicate => {
                return match self.record.find_locked(tx).await? {
                    Some(known) => Ok(End::Rollback(Settled::Known(known))),
                    // Whoever had it gave it up in between.
                    None => Err(StoreError { fault: Fault::Deadlock, ..error }),
                };
            }
            inserted => inserted?,
        }
        Ok(match self.write.apply(tx).await? {
            Outcome::Done(id) => {
                self.record.settle(tx, id).await?;
                End::Commit(Settled::Done(id))
            }
            Outcome::Refused(erros) => End::Rollback(Settled::Refused(erros)),
        })
    }
}
