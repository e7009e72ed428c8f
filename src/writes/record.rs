//! The record of a write: one row in the table `idempotency` of the store that
//! is written to, made in the same transaction.
//!
//! With a key of the caller's it answers the same write sent again with what
//! came of the first. With a key of our own it tells what became of a write whose
//! COMMIT was never answered.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_graphql::Context;
use serde::Serialize;
use uuid::Uuid;

use super::erro::{CodigoErro, Erro};
use crate::db::{Db, End, Statement, StoreError, Tally, Transaction, Work};
use crate::kernel::{ContextExt as _, GraphError, GraphResult, code};

/// How long a caller's key is remembered.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// How long a record without a caller's key is kept: it serves the write itself.
pub const GENERATED_KEPT: Duration = Duration::from_hours(1);

/// Rows that one purge statement deletes at most.
const PURGED_AT_ONCE: u64 = 1_000;

/// The longest key.
const MOST_KEY: usize = 64;

/// Which write this is.
#[derive(Clone, Debug)]
pub struct Record {
    user: Arc<str>,
    key: String,
    generated: bool,
    operation: &'static str,
    digest: [u8; 32],
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    operation: String,
    digest: Vec<u8>,
    result: Option<u64>,
}

impl Record {
    /// The record of `write` by the user of this request: under the key of the
    /// input, else that of the header `Idempotency-Key`, else one of our own.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` when the caller's key is none; that of the input was looked at
    /// before.
    pub fn of(
        ctx: &Context<'_>,
        given: Option<&str>,
        operation: &'static str,
        write: &impl Serialize,
    ) -> GraphResult<Self> {
        let request = ctx.request();
        let given = given.or(request.idempotency_key.as_deref());
        if let Some(key) = given
            && !is_key(key)
        {
            return Err(GraphError::bad_input(format!(
                "`chaveIdempotencia`, or the header Idempotency-Key, must have 1 to {MOST_KEY} visible ASCII characters."
            )));
        }
        let bytes = serde_json::to_vec(write)
            .map_err(|error| GraphError::bad_input(format!("The input cannot be kept: {error}.")))?;
        Ok(Self {
            user: Arc::clone(&request.requester.nome),
            key: given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
            generated: given.is_none(),
            operation,
            digest: *blake3::hash(&bytes).as_bytes(),
        })
    }

    /// Whether the caller chose the key, and may have used it before.
    #[must_use]
    pub const fn may_be_known(&self) -> bool {
        !self.generated
    }

    /// What the known record says about this write.
    ///
    /// # Errors
    /// `IDEMPOTENCY_MISMATCH` when it is about another.
    pub fn recall(&self, known: &Known) -> GraphResult<u64> {
        if known.operation != self.operation || known.digest != self.digest {
            return Err(GraphError::Input(
                code::IDEMPOTENCY_MISMATCH,
                "This idempotency key was used for another operation or another input.".into(),
            ));
        }
        known.result.ok_or_else(|| {
            GraphError::Input(code::CONFLICT, "A write with this idempotency key is under way.".into())
        })
    }

    /// Looks for the record without a lock: what is not committed is not seen.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, db: &Db, tally: &Arc<Tally>) -> Result<Option<Known>, StoreError> {
        let statement = self.identified("idempotency.por_chave", SELECT);
        let rows: Vec<KnownRow> = db.read_primary(statement, std::slice::from_ref(tally)).await?;
        Ok(rows.into_iter().next().map(Known::from))
    }

    /// Reads the record as it is now: waits for the transaction that is writing
    /// it, if there is one.
    pub(super) async fn find_locked(&self, tx: &mut Transaction<'_>) -> Result<Option<Known>, StoreError> {
        static TEXT: LazyLock<String> = LazyLock::new(|| format!("{SELECT} FOR UPDATE"));
        let rows: Vec<KnownRow> = tx.read(self.identified("idempotency.trava", &TEXT)).await?;
        Ok(rows.into_iter().next().map(Known::from))
    }

    fn identified(&self, name: &'static str, text: &'static str) -> Statement {
        Statement::new(name, text).bind(&*self.user).bind(self.key.as_str())
    }

    /// Claims the key. [`Fault::Duplicate`](crate::db::Fault::Duplicate) when it
    /// is taken, after waiting for whoever is taking it.
    pub(super) async fn insert(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let text = "\
INSERT INTO `idempotency` (`user_name`, `idempotency_key`, `generated`, `operation`, `digest`)
VALUES (?, ?, ?, ?, ?)";
        let statement = self
            .identified("idempotency.nova", text)
            .bind(self.generated)
            .bind(self.operation)
            .bind(self.digest.as_slice());
        tx.write(statement).await.map(|_| ())
    }

    /// Notes what came of the write.
    pub(super) async fn settle(&self, tx: &mut Transaction<'_>, result: u64) -> Result<(), StoreError> {
        let text = "UPDATE `idempotency` SET `result` = ? WHERE `user_name` = ? AND `idempotency_key` = ?";
        let statement = Statement::new("idempotency.resultado", text)
            .bind(result)
            .bind(&*self.user)
            .bind(self.key.as_str());
        tx.write(statement).await.map(|_| ())
    }
}

const SELECT: &str = "\
SELECT `operation`, `digest`, `result`
FROM `idempotency`
WHERE `user_name` = ? AND `idempotency_key` = ?";

type KnownRow = (String, Vec<u8>, Option<u64>);

impl From<KnownRow> for Known {
    fn from((operation, digest, result): KnownRow) -> Self {
        Self { operation, digest, result }
    }
}

/// Looks for a record under lock, in a transaction of its own.
pub(super) struct Lookup<'a>(pub &'a Record);

impl Work for Lookup<'_> {
    type Output = Option<Known>;

    fn name(&self) -> &'static str {
        "idempotency.procura"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        self.0.find_locked(tx).await.map(End::Rollback)
    }
}

/// Deletes the records of a store whose time has passed, a few at a time, and
/// returns how many.
///
/// # Errors
/// The store's; what was deleted before stays deleted.
pub async fn purge(db: &Db) -> Result<u64, StoreError> {
    let text = "\
DELETE FROM `idempotency`
WHERE `generated` = ? AND `created_at` < CURRENT_TIMESTAMP(6) - INTERVAL ? SECOND
ORDER BY `created_at`
LIMIT 1000";
    let mut purged = 0;
    for (generated, kept) in [(true, GENERATED_KEPT), (false, KEPT)] {
        loop {
            let statement = Statement::new("idempotency.limpeza", text).bind(generated).bind(kept.as_secs());
            let rows = db.write(statement, &Arc::default()).await?.rows;
            purged += rows;
            if rows < PURGED_AT_ONCE {
                break;
            }
        }
    }
    Ok(purged)
}

/// Records of a store that say nothing of an effect: there should be none, since
/// record and effect are one transaction.
///
/// # Errors
/// The store's.
pub async fn without_effect(db: &Db) -> Result<u64, StoreError> {
    let text = "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `idempotency` WHERE `result` IS NULL";
    let rows: Vec<(u64,)> = db.read_primary(Statement::new("idempotency.sem_efeito", text), &[]).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// Deletes the records that say nothing of an effect, so that their keys can be
/// used again.
///
/// # Errors
/// The store's.
pub async fn forget_without_effect(db: &Db) -> Result<u64, StoreError> {
    let text = "DELETE FROM `idempotency` WHERE `result` IS NULL";
    Ok(db.write(Statement::new("idempotency.esquece", text), &Arc::default()).await?.rows)
}

/// Writes, reads and deletes a record and undoes it all, to see whether the user may.
///
/// # Errors
/// The store's, as a write would have it.
pub async fn try_out(db: &Db) -> Result<(), StoreError> {
    db.transaction(&TryOut(uuid::Uuid::now_v7().to_string()), &Arc::default()).await
}

struct TryOut(String);

impl Work for TryOut {
    type Output = ();

    fn name(&self) -> &'static str {
        "registro.ensaia"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        let insert = "\
INSERT INTO `idempotency` (`user_name`, `idempotency_key`, `generated`, `operation`, `digest`)
VALUES ('', ?, TRUE, 'ensaio', REPEAT('x', 32))";
        tx.write(Statement::new("registro.ensaio", insert).bind(&*self.0)).await?;
        for text in [
            "UPDATE `idempotency` SET `result` = 1 WHERE `user_name` = '' AND `idempotency_key` = ?",
            "DELETE FROM `idempotency` WHERE `user_name` = '' AND `idempotency_key` = ?",
        ] {
            tx.write(Statement::new("registro.ensaio", text).bind(&*self.0)).await?;
        }
        Ok(End::Rollback(()))
    }
}

/// A key that is none, as an input has it.
pub(super) fn wrong_key() -> Erro {
    let mensagem =
        format!("A chave de idempotência deve ter de 1 a {MOST_KEY} caracteres ASCII visíveis, sem espaços.");
    Erro::em("chaveIdempotencia", CodigoErro::Invalido, mensagem)
}

/// Whether a text can be a key: 1 to 64 visible ASCII characters.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (1..=MOST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
