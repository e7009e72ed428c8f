//! A transaction in one store: repeated where that is safe, and never where it
//! is not.
//!
//! | what happened | what is done |
//! | --- | --- |
//! | no connection, or it died before COMMIT was sent | the server has undone it: once more on a fresh connection |
//! | deadlock, snapshot conflict (also at COMMIT on Galera and Group Replication) | the whole transaction again, 5 to 50 ms later and then ever later, for twice a statement's deadline |
//! | a row stayed locked | once more |
//! | a statement's deadline passed, by the server's clock or by ours | given up, rolled back |
//! | the connection died at COMMIT, or its deadline passed | [`Fault::OutcomeUnknown`]: the caller must look |
//! | a row with a number could not be read | it is left out and noted, as outside; what would be committed without it is undone |

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row as _};
use tracing::{Instrument as _, Span};

use super::error::spoils_connection;
use super::outside::outside;
use super::pool::Inner;
use super::statement::{self, note_failure};
use super::tally::Unreadable;
use super::{AnyStore, Connection, Db, Fault, FromColumns, Ran, Reading, Statement, StoreError, Tally};
use crate::failpoint::reach;

/// COMMIT may wait for other servers (Galera stalls while a node is frozen), and
/// to give up on it costs more than to wait: so many times a statement's limit.
const COMMIT_PATIENCE: u32 = 4;

/// How a transaction ends, and what the caller gets in either case.
pub enum End<T> {
    /// Keep it.
    Commit(T),
    /// Undo it.
    Rollback(T),
}

/// What is done in a transaction. It may run several times, so it has no effect
/// outside of the store.
pub trait Work: Sync {
    /// What the caller gets.
    type Output: Send;

    /// What spans and logs show, as in `clientes.criar`.
    fn name(&self) -> &'static str;

    /// Does it.
    fn run(
        &self,
        tx: &mut Transaction<'_>,
    ) -> impl Future<Output = Result<End<Self::Output>, StoreError>> + Send;
}

/// What a statement changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows that the statement found, changed or not.
    pub rows: u64,
    /// The id that the server gave to the (first) inserted row.
    pub id: u64,
}

/// A transaction under way.
pub struct Transaction<'a> {
    db: &'a Inner,
    connection: &'a mut Connection,
    tally: &'a Arc<Tally>,
    /// A row was left out that could not be read.
    is_blind: bool,
}

/// Rows, and the numbers of those among them that cannot be read.
type Read<R> = (Vec<R>, Vec<u64>);

impl Transaction<'_> {
    /// Runs a SELECT, which sees what the transaction has written. A row that cannot be
    /// read is left out and noted on the tally, as in a read outside; a transaction that
    /// has met one may look for what to say, and is never committed.
    ///
    /// # Errors
    /// [`StoreError`]; the transaction must then end, by returning it.
    pub async fn read<R>(&mut self, statement: Statement) -> Result<Vec<R>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        self.db.check(&statement)?;
        let begun = Instant::now();
        let (name, text, reading) = (statement.name, statement.text, statement.reading);
        let query = sqlx::query_with(text, statement.arguments);
        let Connection { mysql, spoilt, .. } = &mut *self.connection;
        let run = async {
            let (mut read, mut unreadable) = (Vec::new(), Vec::new());
            let mut rows = query.fetch(mysql);
            while let Some(row) = rows.try_next().await? {
                match readable(&row, reading)? {
                    Ok(row) => read.push(row),
                    Err(id) => unreadable.push(id),
                }
            }
            Ok((read, unreadable))
        };
        let span = statement::span(self.db.store, name);
        let outcome = bounded(self.db, spoilt, patience(self.db), run).instrument(span.clone()).await;
        let rows = outcome.as_ref().map_or(0, |(read, unreadable): &Read<R>| read.len() + unreadable.len());
        self.record((name, text), &span, begun, rows as u64, outcome.as_ref().err());
        let (read, unreadable) = outcome?;
        for id in unreadable {
            self.leave_out(name, id);
        }
        Ok(read)
    }

    fn leave_out(&mut self, statement: &'static str, id: u64) {
        let store = self.db.store;
        tracing::warn!(%store, statement, id, "a row cannot be read and is left out of a transaction");
        self.tally.unreadable(Unreadable { store, id: Some(id) });
        self.is_blind = true;
    }

    /// Runs an INSERT, UPDATE or DELETE.
    ///
    /// # Errors
    /// [`StoreError`]. After [`Fault::Duplicate`] the transaction may go on: that
    /// statement alone did nothing. After any other it must end, by returning it.
    pub async fn write(&mut self, statement: Statement) -> Result<Written, StoreError> {
        self.db.check(&statement)?;
        let begun = Instant::now();
        let (name, text) = (statement.name, statement.text);
        let query = sqlx::query_with(text, statement.arguments);
        let Connection { mysql, spoilt, .. } = &mut *self.connection;
        let span = statement::span(self.db.store, name);
        let run = bounded(self.db, spoilt, patience(self.db), query.execute(mysql));
        let outcome = run.instrument(span.clone()).await;
        let rows = outcome.as_ref().map_or(0, sqlx::mysql::MySqlQueryResult::rows_affected);
        self.record((name, text), &span, begun, rows, outcome.as_ref().err());
        outcome.map(|result| Written { rows: result.rows_affected(), id: result.last_insert_id() })
    }

    /// Where it runs.
    #[must_use]
    pub const fn store(&self) -> AnyStore {
        self.db.store
    }

    /// The driver's connection, for an INSERT of many rows.
    pub const fn mysql(&mut self) -> &mut MySqlConnection {
        &mut self.connection.mysql
    }

    fn record(
        &self,
        (name, text): (&'static str, &'static str),
        span: &Span,
        begun: Instant,
        rows: u64,
        error: Option<&StoreError>,
    ) {
        let time = begun.elapsed();
        let fault = error.map(|error| error.fault);
        // A value that is taken is an answer to the person who writes.
        let failed = fault.is_some_and(|fault| fault != Fault::Duplicate);
        let store = self.db.store;
        let (again, replica) = (None, None);
        self.tally.record(Ran { store, name, text, begun, time, rows, requests: 1, failed, replica, again });
        self.db.usage.record(rows, time, fault);
        span.record("rows", rows);
        span.record("micros", u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        note_failure(span, error);
        span.in_scope(|| tracing::debug!("statement"));
    }
}

impl Db {
    /// Runs `work` in a transaction. BEGIN and COMMIT are not on the tally.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is done then, but for [`Fault::OutcomeUnknown`].
    pub async fn transaction<W: Work>(&self, work: &W, tally: &Arc<Tally>) -> Result<W::Output, StoreError> {
        let span = tracing::debug_span!(
            "transaction",
            db.system.name = "mysql",
            db.namespace = self.0.store.name(),
            db.operation.name = work.name(),
            error.type = tracing::field::Empty,
        );
        let outcome = self.transaction_in_span(work, tally).instrument(span.clone()).await;
        note_failure(&span, outcome.as_ref().err());
        outcome
    }

    /// Runs one INSERT, UPDATE or DELETE as a transaction of its own.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub async fn write(&self, statement: Statement, tally: &Arc<Tally>) -> Result<Written, StoreError> {
        self.transaction(&Single(statement), tally).await
    }

    async fn transaction_in_span<W: Work>(
        &self,
        work: &W,
        tally: &Arc<Tally>,
    ) -> Result<W::Output, StoreError> {
        let store = self.0.store;
        let begun = Instant::now();
        self.0.enter(begun)?;
        let mut repeated = 0;
        let outcome = loop {
            let outcome = self.transaction_once(work, tally).await;
            match &outcome {
                Err(error)
                    if !self.0.is_trial() && self.0.may_repeat(error.fault, repeated, begun.elapsed()) =>
                {
                    tracing::debug!(%store, work = work.name(), fault = error.fault.name(), "transaction begun again");
                    if error.fault == Fault::Lost {
                        self.0.pool.retain(|_, _| false);
                    } else {
                        tokio::time::sleep(pause(repeated)).await;
                    }
                    repeated += 1;
                }
                _ => break outcome,
            }
        };
        self.0.learn(work.name(), Instant::now(), outcome.as_ref().err());
        outcome
    }

    async fn transaction_once<W: Work>(&self, work: &W, tally: &Arc<Tally>) -> Result<W::Output, StoreError> {
        let db = &*self.0;
        let mut lease = counted(db, self.lease().await)?;
        let Some(connection) = lease.connection.as_mut() else {
            unreachable!("a lease holds its connection until it is dropped");
        };
        connection.busy = true;
        let outcome = in_transaction(db, connection, work, tally).await;
        // Whatever the server answered in full leaves the connection usable; a
        // connection that is dropped busy takes its transaction with it.
        connection.busy = connection.spoilt || matches!(&outcome, Err(error) if is_broken(error.fault));
        lease.finished = !matches!(&outcome, Err(error) if error.fault == Fault::Timeout);
        outcome
    }
}

struct Single(Statement);

impl Work for Single {
    type Output = Written;

    fn name(&self) -> &'static str {
        self.0.name
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Written>, StoreError> {
        tx.write(self.0.clone()).await.map(End::Commit)
    }
}

async fn in_transaction<W: Work>(
    db: &Inner,
    connection: &mut Connection,
    work: &W,
    tally: &Arc<Tally>,
) -> Result<W::Output, StoreError> {
    if db.is_trial() {
        let mut tx = Transaction { db, connection, tally, is_blind: false };
        return match work.run(&mut tx).await? {
            End::Commit(output) | End::Rollback(output) => Ok(output),
        };
    }
    let (begin, idle) = connection.idle.begin();
    counted(db, command(db, connection, &begin, 1).await)?;
    connection.idle = idle;
    let mut tx = Transaction { db, connection, tally, is_blind: false };
    let ended = work.run(&mut tx).await;
    let is_blind = tx.is_blind;
    match ended {
        Ok(End::Commit(_)) if is_blind => {
            counted(db, command(db, connection, "ROLLBACK", 1).await)?;
            let why = "a row that the transaction would have had to see cannot be read";
            Err(StoreError::new(db.store, Fault::Unreadable, why))
        }
        Ok(End::Commit(output)) => {
            counted(db, commit(db, connection, work.name()).await)?;
            Ok(output)
        }
        Ok(End::Rollback(output)) => {
            counted(db, command(db, connection, "ROLLBACK", 1).await)?;
            Ok(output)
        }
        Err(error) if connection.spoilt || is_broken(error.fault) => Err(error),
        Err(error) => {
            // After a lock wait the server has undone the statement alone.
            counted(db, command(db, connection, "ROLLBACK", 1).await)?;
            Err(error)
        }
    }
}

/// The row, or the number of one with a value in it that cannot be read. A row that has
/// no number is none of the graph's, and nothing can be said without it.
fn readable<R: FromColumns>(row: &MySqlRow, reading: Reading) -> Result<Result<R, u64>, sqlx::Error> {
    match R::from_columns(row, reading) {
        Ok(read) => Ok(Ok(read)),
        Err(error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))) => {
            row.try_get("id").map(Err).map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

async fn commit(db: &Inner, connection: &mut Connection, work: &str) -> Result<(), StoreError> {
    reach(work, "before_commit");
    let committed = command(db, connection, "COMMIT", COMMIT_PATIENCE).await;
    reach(work, "after_commit");
    committed.map_err(|error| match error.fault {
        Fault::Lost | Fault::Timeout | Fault::Slow | Fault::Unavailable => {
            StoreError { fault: Fault::OutcomeUnknown, ..error }
        }
        _ => error,
    })
}

/// Counts a failure that is not a statement's.
fn counted<T>(db: &Inner, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    outcome.inspect_err(|error| db.usage.fail(error.fault))
}

/// Whether the connection is unusable after this failure.
fn is_broken(fault: Fault) -> bool {
    matches!(fault, Fault::Lost | Fault::Timeout | Fault::Unavailable | Fault::OutcomeUnknown)
}

impl Inner {
    /// Whether a transaction that ended so is begun again. In a storm of deadlocks each
    /// round has one that gets through, so what counts is time and no number of rounds.
    fn may_repeat(&self, fault: Fault, repeated: u32, since: Duration) -> bool {
        match fault {
            Fault::Deadlock => since < self.limits.statement * 2,
            Fault::Locked | Fault::Lost => repeated == 0,
            _ => false,
        }
    }
}

/// How long to stand back for others: at random, so that those who met once do not meet
/// again, and longer the more there seem to be.
fn pause(repeated: u32) -> Duration {
    let most = 50 * u64::from(repeated + 1).min(4);
    Duration::from_millis(rand::random_range(5..most))
}

/// How long a statement of a transaction may run: half as long again as a read,
/// since it may wait for a row, and the server (which looks at waits once a second)
/// should be the one that gives up.
fn patience(db: &Inner) -> Duration {
    db.limits.statement + db.limits.statement / 2
}

async fn command(
    db: &Inner,
    connection: &mut Connection,
    text: &str,
    patience: u32,
) -> Result<(), StoreError> {
    let Connection { mysql, spoilt, .. } = connection;
    bounded(db, spoilt, db.limits.statement * patience, sqlx::raw_sql(AssertSqlSafe(text)).execute(mysql))
        .await
        .map(|_| ())
}

/// Waits for the server for so long, and notes when the connection is `spoilt`.
async fn bounded<T>(
    db: &Inner,
    spoilt: &mut bool,
    patience: Duration,
    run: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(patience, outside(run)).await {
        Ok(outcome) => outcome.map_err(|error| {
            *spoilt |= spoils_connection(&error);
            StoreError::statement(db.store, &error)
        }),
        Err(_) => Err(StoreError::new(db.store, Fault::Timeout, format!("no answer within {patience:?}"))),
    }
}
