//! One connection to a store, set up the way every statement expects.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

/// More than the texts a store can produce: over TCP an evicted statement costs
/// a 40 ms stall, because the driver leaves Nagle's algorithm on and closing a
/// statement is a packet without an answer.
pub(super) const STATEMENT_CACHE: usize = 512;

/// How long whoever works on a whole store (migrates it, say) waits for a connection.
pub(super) const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// A connection whose session is set up, and its number on the server.
#[derive(Debug)]
pub struct Connection {
    pub(super) mysql: MySqlConnection,
    pub(super) id: u64,
    /// Set while a statement is under way: a connection that is dropped busy
    /// has unread bytes in it and is never used again.
    pub(super) busy: bool,
    /// Set when a statement of a transaction has failed in such a way that no other
    /// can follow.
    pub(super) spoilt: bool,
    /// Which server it leads to: behind a balancer the next may lead to another, where
    /// `id` is somebody else's.
    pub(super) server: String,
    pub(super) idle: IdleLimit,
}

/// How long the server waits for the next word on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdleLimit {
    /// MariaDB tells a transaction from none: short in one, long outside.
    ByTransaction,
    /// MySQL does not: long until the first transaction, and then so many seconds.
    Long { silence: u64 },
    /// As in a transaction, ever after.
    Short { silence: u64 },
    /// The server's own, for work that is not a request's.
    Unset,
}

/// What the server itself enforces.
#[derive(Clone, Copy, Debug)]
pub struct ServerSide {
    /// How long a statement may run.
    pub statement: Duration,
    /// How many seconds a transaction may be silent.
    pub silence: u64,
}

/// How many seconds a connection may be idle in the pool.
const IN_POOL: u64 = 600;

impl IdleLimit {
    /// For how long a connection may be idle before it is better made anew than asked: well
    /// before the server gives it up.
    pub(super) fn most(self) -> Option<Duration> {
        match self {
            Self::ByTransaction | Self::Long { .. } => Some(Duration::from_secs(IN_POOL / 2)),
            Self::Short { silence } => Some(Duration::from_secs(silence) / 2),
            Self::Unset => None,
        }
    }

    /// What begins a transaction, and what holds from then on.
    pub(super) fn begin(self) -> (Cow<'static, str>, Self) {
        match self {
            // One round trip, as BEGIN alone.
            Self::Long { silence } => {
                (format!("SET SESSION wait_timeout = {silence}; BEGIN").into(), Self::Short { silence })
            }
            other => ("BEGIN".into(), other),
        }
    }
}

impl Connection {
    /// The driver's connection, for work that is not a single read: migrations
    /// and seeding.
    pub fn mysql(&mut self) -> &mut MySqlConnection {
        &mut self.mysql
    }

    /// Gives up what we know about the connection.
    #[must_use]
    pub fn into_mysql(self) -> MySqlConnection {
        self.mysql
    }
}

/// Opens a connection and sets up its session: full `sql_mode`, UTC, a named
/// collation that MariaDB and MySQL both know, short lock waits, and where
/// `limits` are given, what the server enforces.
///
/// # Errors
/// Whatever the driver says.
pub async fn connect(
    options: &MySqlConnectOptions,
    limits: Option<ServerSide>,
) -> Result<Connection, sqlx::Error> {
    set_up(options, limits).await.map_err(|error| named(error, options))
}

async fn set_up(
    options: &MySqlConnectOptions,
    limits: Option<ServerSide>,
) -> Result<Connection, sqlx::Error> {
    let mut mysql = MySqlConnection::connect_with(options).await?;
    let row = sqlx::raw_sql(
        "SELECT CAST(CONNECTION_ID() AS UNSIGNED), VERSION(), \
         CONCAT_WS('/', @@hostname, @@port, @@server_id, @@datadir)",
    )
    .fetch_one(&mut mysql)
    .await?;
    let id: u64 = row.try_get(0)?;
    let version: String = row.try_get(1)?;
    let server: String = row.try_get(2)?;
    let idle = match limits {
        None => IdleLimit::Unset,
        Some(_) if version.contains("MariaDB") => IdleLimit::ByTransaction,
        Some(limits) => IdleLimit::Long { silence: limits.silence },
    };
    let setup = session_setup(idle, limits);
    sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut mysql).await?;
    Ok(Connection { mysql, id, busy: false, spoilt: false, server, idle })
}

/// Where a server is, for messages: no user and no password.
pub(super) fn place(options: &MySqlConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// A failure to get to the server, with the server's name in it. What the server says
/// itself has a number, by which it is told apart, and stays as it is.
fn named(error: sqlx::Error, options: &MySqlConnectOptions) -> sqlx::Error {
    let place = place(options);
    match error {
        sqlx::Error::Io(io) => sqlx::Error::Io(std::io::Error::new(io.kind(), format!("{place}: {io}"))),
        sqlx::Error::Tls(why) => sqlx::Error::Tls(format!("{place}: {why}").into()),
        sqlx::Error::Protocol(why) => sqlx::Error::Protocol(format!("{place}: {why}")),
        sqlx::Error::Configuration(why) => sqlx::Error::Configuration(format!("{place}: {why}").into()),
        other => other,
    }
}

/// Built from constants and numbers only.
fn session_setup(idle: IdleLimit, limits: Option<ServerSide>) -> String {
    // MariaDB lacks the first three by default; both accept this list.
    let mut sql = String::from(
        "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_520_ci, \
         SESSION sql_mode = 'ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,STRICT_TRANS_TABLES,\
         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         SESSION time_zone = '+00:00', \
         SESSION lock_wait_timeout = 5",
    );
    // Less than the statement's own limit, so that a row that is locked is told
    // from a server that is slow.
    let lock_wait = limits.map_or(5, |limits| (limits.statement.as_secs() / 2).clamp(1, 5));
    let _ = write!(sql, ", SESSION innodb_lock_wait_timeout = {lock_wait}");
    if let Some(ServerSide { statement, silence }) = limits {
        let _ = write!(sql, ", SESSION wait_timeout = {IN_POOL}");
        let _ = match idle {
            IdleLimit::ByTransaction => write!(
                sql,
                ", SESSION idle_transaction_timeout = {silence}, SESSION max_statement_time = {}",
                statement.as_secs_f64()
            ),
            _ => write!(sql, ", SESSION max_execution_time = {}", statement.as_millis()),
        };
    }
    sql
}
