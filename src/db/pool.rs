//! A store's pool, and the one road a read takes through it: breaker, slot,
//! deadline, record. A write takes [`transaction`](super::transaction).
//!
//! The pool is `deadpool` over plain driver connections. The driver's own pool
//! pings the server every time a connection comes back: one extra round trip a
//! statement, a third of all CPU. Nothing pings here; instead a connection whose
//! statement failed or was dropped is closed, and a read that meets a dead
//! connection is sent once more on a fresh one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, TimeoutType};
use futures_util::TryStreamExt as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use sqlx::{Connection as _, Row as _};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::connection::{IdleLimit, ServerSide, connect, place};
use super::error::spoils_connection;
use super::outside::outside;
use super::replicas::{self, ReplicaLimits, Replicas};
use super::statement::{self, note_failure};
use super::tally::Unreadable;
use super::{
    Access, AnyStore, BreakerLimits, Circuit, Connection, Connections, Fault, FromColumns, Ran, Reading,
    Statement, StoreError, Tally, Usage,
};

/// How long things may take and how many there may be, per store.
#[derive(Clone, Copy, Debug)]
pub struct DbLimits {
    /// Connections.
    pub connections: usize,
    /// How long a statement may wait for a connection, and a connection for
    /// the server.
    pub acquire: Duration,
    /// How long a statement may run. The server is told a little less, so that
    /// it gives up first and the connection stays usable.
    pub statement: Duration,
    /// How long the server waits for the next word of a transaction, in seconds: a process
    /// that is frozen, or a machine that died without a word, holds its locks no longer.
    pub silence: u64,
    /// When to leave the store alone.
    pub breaker: BreakerLimits,
}

impl Default for DbLimits {
    fn default() -> Self {
        Self {
            connections: 10,
            acquire: Duration::from_millis(500),
            statement: Duration::from_secs(2),
            silence: 10,
            breaker: BreakerLimits::default(),
        }
    }
}

impl DbLimits {
    /// What the server is told.
    fn server_side(self) -> ServerSide {
        let ahead = (self.statement / 10).min(Duration::from_millis(100));
        ServerSide { statement: self.statement - ahead, silence: self.silence }
    }
}

/// How a store answers right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Up,
    /// All connections are taken, or the server takes no more.
    Busy,
    /// It did not, and why (for the log, not for strangers).
    Down(Arc<str>),
}

/// A store's database. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Db(pub(super) Arc<Inner>);

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.store).finish()
    }
}

pub(super) struct Inner {
    pub(super) store: AnyStore,
    pub(super) pool: managed::Pool<Manager>,
    pub(super) limits: DbLimits,
    pub(super) circuit: Circuit,
    pub(super) usage: Usage,
    /// Who else may answer a read; none where nobody may.
    pub(super) replicas: Option<Box<Replicas>>,
    /// Its name, where this is a replica.
    replica: Option<Arc<str>>,
    killers: Arc<Semaphore>,
}

pub(super) struct Manager {
    store: AnyStore,
    access: Access,
    limits: DbLimits,
    /// Of a trial: whether its one connection was made.
    trial: Option<AtomicBool>,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Connection, sqlx::Error> {
        // Boxed: a handshake is rare and its future is large, and every statement's
        // future would have room for it.
        let mut connection = self.connect().await?;
        if let Some(was_made) = &self.trial {
            if was_made.swap(true, Ordering::Relaxed) {
                let lost = "the connection of the trial was lost, and with it what had been tried";
                return Err(sqlx::Error::Protocol(lost.to_owned()));
            }
            // Nobody else waits for what it holds, and its rows may come slowly.
            let patient = match connection.idle {
                IdleLimit::ByTransaction => {
                    "SET SESSION wait_timeout = 28800, SESSION idle_transaction_timeout = 0"
                }
                _ => "SET SESSION wait_timeout = 28800",
            };
            sqlx::raw_sql(patient).execute(&mut connection.mysql).await?;
            sqlx::raw_sql("START TRANSACTION").execute(&mut connection.mysql).await?;
            connection.idle = IdleLimit::Unset;
        }
        Ok(connection)
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        metrics: &Metrics,
    ) -> managed::RecycleResult<sqlx::Error> {
        if connection.busy {
            return Err(RecycleError::message("a statement was left unfinished"));
        }
        if connection.idle.most().is_some_and(|most| metrics.last_used() > most) {
            return Err(RecycleError::message("idle for so long that the server may have given it up"));
        }
        Ok(())
    }
}

impl Manager {
    async fn connect(&self) -> Result<Connection, sqlx::Error> {
        let limit = Some(self.limits.server_side());
        let failed = match Box::pin(connect(&self.access.current(), limit)).await {
            Err(error) => error,
            made => return made,
        };
        // The password may have been rotated a moment ago, or the server has moved. What the
        // file says counts when it opens the door.
        let Some(Ok(fresh)) = self.access.read(self.store) else { return Err(failed) };
        let Ok(connection) = Box::pin(connect(&fresh.options, limit)).await else { return Err(failed) };
        tracing::info!(store = %self.store, "the URL was read again: the old one opens no door any more");
        self.access.take(fresh);
        Ok(connection)
    }
}

/// The row, or that it cannot be read because of a value in it, and the reason. Anything else
/// that keeps it from being read is our mistake.
fn readable<R: FromColumns>(
    store: AnyStore,
    reading: Reading,
    row: &MySqlRow,
) -> Result<Result<R, (Unreadable, sqlx::Error)>, sqlx::Error> {
    match R::from_columns(row, reading) {
        Ok(read) => Ok(Ok(read)),
        Err(error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))) => {
            Ok(Err((Unreadable { store, id: row.try_get("id").ok() }, error)))
        }
        Err(error) => Err(error),
    }
}

impl Db {
    /// A pool that connects when it is first used, so that a store that is down
    /// does not keep the program from starting.
    #[must_use]
    pub fn new(store: impl Into<AnyStore>, access: impl Into<Access>, limits: DbLimits) -> Self {
        Self::over(Manager { store: store.into(), access: access.into(), limits, trial: None }, None, None)
    }

    /// As [`new`](Self::new), with replicas that may answer reads once they are watched
    /// ([`watch_replicas`](Self::watch_replicas)). Each has a pool, a circuit and counters of its
    /// own.
    #[must_use]
    pub fn replicated(
        store: impl Into<AnyStore>,
        access: impl Into<Access>,
        limits: DbLimits,
        replicas: Vec<MySqlConnectOptions>,
        bounds: ReplicaLimits,
    ) -> Self {
        let store = store.into();
        let manager = |access: Access| Manager { store, access, limits, trial: None };
        let replica = |options: MySqlConnectOptions| {
            let name = replicas::name_of(&options);
            Self::over(manager(options.into()), None, Some(name))
        };
        let replicas: Vec<Self> = replicas.into_iter().map(replica).collect();
        let replicas = (!replicas.is_empty()).then(|| Box::new(Replicas::new(replicas, bounds)));
        Self::over(manager(access.into()), replicas, None)
    }

    /// The same database, where all that is read and written goes through one
    /// transaction, which is undone when the last clone is dropped. A transaction in it
    /// is part of that one and undoes nothing by itself; a statement that fails undoes
    /// itself alone. When the connection is lost, everything after it fails.
    #[must_use]
    pub fn trial(&self) -> Self {
        let limits = DbLimits { connections: 1, ..self.0.limits };
        let trial = Some(AtomicBool::new(false));
        let access = (*self.options()).clone().into();
        Self::over(Manager { store: self.store(), access, limits, trial }, None, None)
    }

    fn over(manager: Manager, replicas: Option<Box<Replicas>>, replica: Option<Arc<str>>) -> Self {
        let (store, limits) = (manager.store, manager.limits);
        let pool = managed::Pool::builder(manager)
            .max_size(limits.connections.max(1))
            .wait_timeout(Some(limits.acquire))
            .create_timeout(Some(limits.acquire))
            .runtime(Runtime::Tokio1)
            .build();
        let Ok(pool) = pool else {
            unreachable!("a pool with a runtime can be built");
        };
        Self(Arc::new(Inner {
            store,
            pool,
            limits,
            circuit: Circuit::new(store, limits.breaker).of_replica(replica.clone()),
            usage: Usage::default(),
            replicas,
            replica,
            killers: Arc::new(Semaphore::new(2)),
        }))
    }

    /// How it is reached, for work that needs a connection of its own.
    #[must_use]
    pub fn options(&self) -> Arc<MySqlConnectOptions> {
        self.access().current()
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.pool.manager().access
    }

    /// How long a read may take in all: its wait for a connection and its run.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.0.limits.acquire + self.0.limits.statement
    }

    /// Whose database this is.
    #[must_use]
    pub fn store(&self) -> AnyStore {
        self.0.store
    }

    /// Runs a read and returns its rows. `audience` is every request that the
    /// statement serves; each has it on its tally.
    ///
    /// A replica may answer, when each request in the audience may see what was so a moment
    /// ago. What is read for no request comes from the primary: whoever works on a whole
    /// store, or is about to write. One that fails there is sent once to the primary.
    ///
    /// A row that cannot be read is left out, and noted on the tally; where several requests are
    /// served, that is a failure instead, since it may be nothing to most of them: each is to
    /// ask for itself.
    ///
    /// # Errors
    /// [`StoreError`], in bounded time: the wait for a connection, plus the
    /// statement's deadline, at most twice.
    pub async fn read<R>(&self, statement: Statement, audience: &[Arc<Tally>]) -> Result<Vec<R>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        Ok(self.read_all(statement, audience).await?.into_iter().flatten().collect())
    }

    /// As [`read`](Self::read), with `None` in the place of each row that cannot be read,
    /// for whoever counts them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_all<R>(
        &self,
        statement: Statement,
        audience: &[Arc<Tally>],
    ) -> Result<Vec<Option<R>>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        let server = self.0.replicas.as_ref().and_then(|replicas| replicas.choose(audience)).unwrap_or(self);
        self.read_at(server, statement, audience).await
    }

    /// As [`read`](Self::read), from the primary: what must see all that is committed.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_primary<R>(
        &self,
        statement: Statement,
        audience: &[Arc<Tally>],
    ) -> Result<Vec<R>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        Ok(self.read_at(self, statement, audience).await?.into_iter().flatten().collect())
    }

    async fn read_at<R>(
        &self,
        server: &Self,
        statement: Statement,
        audience: &[Arc<Tally>],
    ) -> Result<Vec<Option<R>>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        let span = statement::span(self.0.store, statement.name);
        let outcome = self.read_in_span(server, statement, audience).instrument(span.clone()).await;
        note_failure(&span, outcome.as_ref().err());
        outcome
    }

    async fn read_in_span<R>(
        &self,
        mut server: &Self,
        statement: Statement,
        audience: &[Arc<Tally>],
    ) -> Result<Vec<Option<R>>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        let store = self.0.store;
        let name = statement.name;
        // Before the breaker is asked: it says nothing about the store.
        self.0.check(&statement)?;
        let begun = Instant::now();
        // However many servers are asked, for those who wait it is one statement.
        let mut outcome = loop {
            let is_replica = server.0.replica.is_some();
            let asked = if is_replica { Instant::now() } else { begun };
            match (server.0.enter(asked), is_replica) {
                (Err(_), true) => server = self,
                (Err(refused), false) => return Err(refused),
                (Ok(()), _) => {
                    let outcome = server.attempt(&statement).await;
                    match &outcome {
                        Err(error) if is_replica && replicas::may_do_elsewhere(error.fault) => {
                            server.gave_up(name, asked, error);
                            server = self;
                        }
                        _ => break outcome,
                    }
                }
            }
        };
        if matches!(&outcome, Err(error) if error.fault == Fault::Lost) {
            // The server went away and came back: every idle connection is as
            // dead as this one was.
            server.0.pool.retain(|_, _| false);
            outcome = server.attempt(&statement).await;
        }
        let time = begun.elapsed();
        let rows = outcome.as_ref().map_or(0, |rows: &Vec<Result<R, Unreadable>>| rows.len() as u64);
        let text = statement.text;
        let again = audience.iter().any(|tally| tally.keeps_arguments(time)).then(|| Arc::new(statement));
        let (requests, failed) = (audience.len(), outcome.is_err());
        for tally in audience {
            let (again, replica) = (again.clone(), server.0.replica.clone());
            tally.record(Ran { store, name, text, begun, time, rows, requests, failed, replica, again });
        }
        let unreadable = || outcome.iter().flatten().filter_map(|row| row.as_ref().err());
        // For whom a row cannot be read, when others wanted other columns or rows, is found by
        // asking for each.
        let is_anybodys = requests > 1 && unreadable().next().is_some();
        if let ([tally], false) = (audience, is_anybodys) {
            unreadable().for_each(|row| tally.unreadable(*row));
        }
        server.0.usage.record(rows, time, outcome.as_ref().err().map(|error| error.fault));
        let span = tracing::Span::current();
        span.record("rows", rows);
        span.record("micros", u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        if self.0.replicas.is_some() {
            span.record("server.address", place(&server.options()));
        }
        if outcome.is_ok() {
            tracing::debug!(requests = audience.len(), "statement");
        }
        server.0.learn(name, begun + time, outcome.as_ref().err());
        if is_anybodys {
            return Err(StoreError::new(store, Fault::Unreadable, "a row cannot be read for one of several"));
        }
        outcome.map(|rows| rows.into_iter().map(Result::ok).collect())
    }

    /// Notes of a replica that it has failed a read, which goes to the primary now.
    fn gave_up(&self, name: &str, asked: Instant, error: &StoreError) {
        if error.fault == Fault::Lost {
            // Its other idle connections are dead as well.
            self.0.pool.retain(|_, _| false);
        }
        self.0.usage.record(0, asked.elapsed(), Some(error.fault));
        self.0.learn(name, Instant::now(), Some(error));
    }

    pub(super) async fn attempt<R>(
        &self,
        statement: &Statement,
    ) -> Result<Vec<Result<R, Unreadable>>, StoreError>
    where
        R: FromColumns + Send + Unpin,
    {
        let store = self.0.store;
        let mut lease = self.lease().await?;
        let Some(connection) = lease.connection.as_mut() else {
            unreachable!("a lease holds its connection until it is dropped");
        };
        connection.busy = true;
        let query = sqlx::query_with(statement.text, statement.arguments.clone());
        let mut unreadable = Vec::new();
        // Read as they come, so that they are not kept twice.
        let run = async {
            let mut rows = Vec::new();
            let mut stream = query.fetch(&mut connection.mysql);
            while let Some(row) = stream.try_next().await? {
                rows.push(readable(store, statement.reading, &row)?.map_err(|(row, reason)| {
                    unreadable.push((row.id, reason));
                    row
                }));
            }
            Ok(rows)
        };
        match tokio::time::timeout(self.0.limits.statement, outside(run)).await {
            Ok(Ok(rows)) => {
                connection.busy = false;
                let statement = statement.name;
                for (id, reason) in unreadable {
                    tracing::warn!(%store, statement, id, %reason, "a row cannot be read and is left out");
                }
                Ok(rows)
            }
            Ok(Err(error)) => {
                connection.busy = spoils_connection(&error);
                lease.finished = true;
                Err(StoreError::statement(store, &error))
            }
            Err(_) => Err(StoreError::new(
                store,
                Fault::Timeout,
                format!("no answer within {:?}", self.0.limits.statement),
            )),
        }
    }

    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let store = self.0.store;
        let wait = self.0.limits.acquire;
        let connection = self.0.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                StoreError::new(store, Fault::Busy, format!("no connection became free within {wait:?}"))
            }
            PoolError::Backend(error) => StoreError::connecting(store, &error),
            error => StoreError::new(
                store,
                Fault::Unavailable,
                format!("{}: no connection within {wait:?}: {error}", place(&self.options())),
            ),
        })?;
        Ok(Lease { db: &self.0, connection: Some(connection), finished: false })
    }

    /// Asks the store for nothing, to see whether it answers. Goes around the
    /// breaker, and closes it when the store is back.
    pub async fn health(&self) -> Health {
        let ping = async {
            let ping = Statement::new("ping", "SELECT 1");
            let outcome = self.attempt::<(i64,)>(&ping).await;
            match outcome {
                Err(error) if error.fault == Fault::Lost => {
                    self.0.pool.retain(|_, _| false);
                    self.attempt::<(i64,)>(&ping).await
                }
                outcome => outcome,
            }
        };
        let outcome = ping.await;
        self.0.learn("ping", Instant::now(), outcome.as_ref().err());
        match outcome {
            Ok(_) => Health::Up,
            Err(error) if error.fault == Fault::Busy => Health::Busy,
            Err(error) => Health::Down(error.detail),
        }
    }

    /// What the store was asked since the program started.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.0.usage
    }

    /// The store's connections right now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let status = self.0.pool.status();
        let idle = status.available.min(status.size);
        Connections { most: status.max_size, idle, used: status.size - idle, waiting: status.waiting }
    }

    /// Why the store is being left alone, when it is.
    #[must_use]
    pub fn resting_because(&self) -> Option<Arc<str>> {
        self.0.circuit.open_reason()
    }
}

impl Inner {
    /// Whether all that is done here is undone.
    pub(super) fn is_trial(&self) -> bool {
        self.pool.manager().trial.is_some()
    }

    /// Asks the breaker, before anything else is done for a statement.
    pub(super) fn enter(&self, now: Instant) -> Result<(), StoreError> {
        self.circuit.enter(now).inspect_err(|_| self.usage.refuse())
    }

    /// Learns how a use of the store ended.
    pub(super) fn learn(&self, work: &str, now: Instant, failure: Option<&StoreError>) {
        self.circuit.learn(work, now, failure);
    }

    /// Refuses a statement that the wire cannot carry, before anything else is
    /// done for it.
    pub(super) fn check(&self, statement: &Statement) -> Result<(), StoreError> {
        statement.check(self.store).inspect_err(|error| {
            self.usage.fail(error.fault);
            tracing::warn!(store = %self.store, statement = statement.name, fault = error.fault.name(), reason = %error.detail, "statement not sent");
        })
    }
}

/// A connection on loan. Dropped in mid-statement (a deadline passed, or nobody
/// waits any more), it gives its slot back at once, and the statement that the
/// server is still working on is killed from another connection.
pub(super) struct Lease<'a> {
    db: &'a Inner,
    pub(super) connection: Option<Object<Manager>>,
    /// Nothing is under way on the server, whatever the connection's state.
    pub(super) finished: bool,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.busy {
            return;
        }
        let abandoned = Object::take(connection);
        if self.finished {
            return;
        }
        // At most two at a time; beyond that the server's own limit, a little
        // below ours, ends the statement.
        let Ok(permit) = Arc::clone(&self.db.killers).try_acquire_owned() else {
            return;
        };
        let options = self.db.pool.manager().access.current();
        let patience = self.db.limits.acquire;
        let (id, server) = (abandoned.id, abandoned.server.clone());
        drop(abandoned);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(patience, kill(&options, id, &server)).await;
            drop(permit);
        });
    }
}

/// Ends what connection `id` of `server` is doing. Behind a balancer the new connection may
/// lead to another server, where that number is somebody else's; then nothing is done, and
/// the server's own limit ends the statement.
async fn kill(options: &MySqlConnectOptions, id: u64, server: &str) -> Result<(), sqlx::Error> {
    let mut spare = connect(options, None).await?;
    if spare.server == server {
        let text = sqlx::AssertSqlSafe(format!("KILL QUERY {id}"));
        sqlx::raw_sql(text).execute(&mut spare.mysql).await?;
    }
    spare.mysql.close().await
}
