//! One connection to a store, set up the way every statement expects.

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
/// collation that MariaDB and MySQL both know, short lock waits, and
/// `statement_limit` enforced by the server where given.
///
/// # Errors
/// Whatever the driver says.
pub async fn connect(
    options: &MySqlConnectOptions,
    statement_limit: Option<Duration>,
) -> Result<Connection, sqlx::Error> {
    set_up(options, statement_limit).await.map_err(|error| named(error, options))
}

async fn set_up(
    options: &MySqlConnectOptions,
    statement_limit: Option<Duration>,
) -> Result<Connection, sqlx::Error> {
    let mut mysql = MySqlConnection::connect_with(options).await?;
    let row =
        sqlx::raw_sql("SELECT CAST(CONNECTION_ID() AS UNSIGNED), VERSION()").fetch_one(&mut mysql).await?;
    let id: u64 = row.try_get(0)?;
    let version: String = row.try_get(1)?;
    let setup = session_setup(&version, statement_limit);
    sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut mysql).await?;
    Ok(Connection { mysql, id, busy: false, spoilt: false })
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
fn session_setup(version: &str, limit: Option<Duration>) -> String {
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
    let lock_wait = limit.map_or(5, |limit| (limit.as_secs() / 2).clamp(1, 5));
    let _ = write!(sql, ", SESSION innodb_lock_wait_timeout = {lock_wait}");
    if let Some(limit) = limit {
        let limit = if version.contains("MariaDB") {
            format!(", SESSION max_statement_time = {}", limit.as_secs_f64())
        } else {
            format!(", SESSION max_execution_time = {}", limit.as_millis())
        };
        sql.push_str(&limit);
    }
    sql
}
