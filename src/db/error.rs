//! What can go wrong between us and a store, by what may be done about it.

use std::sync::Arc;

use super::Store;

/// The class of a failure. It decides what is retried, what trips the breaker
/// and which code the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store could not be reached, refused us, or lacks its tables.
    Unavailable,
    /// The connection died while a statement was under way.
    Lost,
    /// A statement passed its deadline.
    Timeout,
    /// Every connection was taken for as long as we may wait.
    Busy,
    /// The server undid the whole transaction, for the sake of another.
    Deadlock,
    /// A row stayed locked by another transaction for as long as we may wait.
    Locked,
    /// A unique key has the value already; `detail` is the key's name.
    Duplicate,
    /// The connection died, or the deadline passed, while the store was told to
    /// commit: done or not done, nobody knows.
    OutcomeUnknown,
    /// Anything else: a statement that the server rejects, a row that cannot be
    /// read. Always our mistake.
    Internal,
}

impl Fault {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Unavailable,
        Self::Lost,
        Self::Timeout,
        Self::Busy,
        Self::Deadlock,
        Self::Locked,
        Self::Duplicate,
        Self::OutcomeUnknown,
        Self::Internal,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Deadlock => "deadlock",
            Self::Locked => "locked",
            Self::Duplicate => "duplicate",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Internal => "internal",
        }
    }
}

/// A failed use of a store. `detail` is for the log and never reaches a client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store {store}: {detail}")]
pub struct StoreError {
    /// Which store.
    pub store: Store,
    /// What kind of failure.
    pub fault: Fault,
    /// What the driver said, for the operator.
    pub detail: Arc<str>,
}

impl StoreError {
    /// A failure that we noticed ourselves.
    #[must_use]
    pub fn new(store: Store, fault: Fault, detail: impl Into<Arc<str>>) -> Self {
        Self { store, fault, detail: detail.into() }
    }

    /// A connection could not be made. Whatever the reason, nothing was
    /// executed, and nothing will be until somebody acts or the server is back.
    #[must_use]
    pub fn connecting(store: Store, error: &sqlx::Error) -> Self {
        let fault = match mysql_code(error) {
            // 1040 too many connections, 1203 too many of this user
            Some(1040 | 1203) => Fault::Busy,
            _ => Fault::Unavailable,
        };
        Self::new(store, fault, explain(error))
    }

    /// A statement failed. Branches on the number, never on the text: the texts
    /// differ between MariaDB and MySQL.
    #[must_use]
    pub fn statement(store: Store, error: &sqlx::Error) -> Self {
        let fault = match (error, mysql_code(error)) {
            (_, Some(1062)) => return Self::new(store, Fault::Duplicate, duplicate_key(error)),
            // 1213 deadlock, 1020 a row changed since the snapshot
            (_, Some(1213 | 1020)) => Fault::Deadlock,
            // 1205 lock wait timeout
            (_, Some(1205)) => Fault::Locked,
            // 1180 Galera lost the transaction in its commit
            (_, Some(1180)) => Fault::OutcomeUnknown,
            // 3024 MySQL's limit, 1969 MariaDB's limit, 1317 killed
            (_, Some(3024 | 1969 | 1317)) => Fault::Timeout,
            // 1047 Galera not ready, 1290/1836 read-only, 1053 shutting down, 1927 connection killed
            (_, Some(1047 | 1290 | 1836 | 1053 | 1927)) => Fault::Unavailable,
            // 1146 no such table, 1054 no such column, 1049 no such database
            (_, Some(1146 | 1054 | 1049)) => Fault::Unavailable,
            (sqlx::Error::Io(_) | sqlx::Error::Protocol(_), _) => Fault::Lost,
            _ => Fault::Internal,
        };
        Self::new(store, fault, explain(error))
    }

    /// Whether the failure says that the store itself is unwell, as opposed to
    /// one statement or one caller.
    #[must_use]
    pub const fn is_sick_store(&self) -> bool {
        matches!(self.fault, Fault::Unavailable | Fault::Lost | Fault::Timeout | Fault::OutcomeUnknown)
    }
}

/// The key that a duplicate is about: what the message quotes last, without the
/// table that MySQL writes before it. The words around it may be in any language.
fn duplicate_key(error: &sqlx::Error) -> String {
    let text = error.as_database_error().map(sqlx::error::DatabaseError::message).unwrap_or_default();
    let quoted = text.trim_end_matches('\'').rsplit('\'').next().unwrap_or_default();
    quoted.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The number of a MySQL error, where there is one.
fn mysql_code(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    database
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(sqlx::mysql::MySqlDatabaseError::number)
}

/// The driver's message, with the remedy where we know it.
pub(super) fn explain(error: &sqlx::Error) -> String {
    let remedy = match mysql_code(error) {
        Some(1045) => " (check the user and password in the store's URL)",
        Some(1044) => " (the user has no rights on this database: GRANT them)",
        Some(1049) => " (create the database, or correct the name in the store's URL)",
        Some(1146 | 1054) => " (the schema is behind: run `quarteto migrate`)",
        Some(1251 | 1524 | 2061) => {
            " (the account uses an authentication plugin that the driver does not speak)"
        }
        _ => match error {
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                " (is the server running, and are host and port in the store's URL right?)"
            }
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::NotFound => {
                " (no server listens on this socket)"
            }
            _ => "",
        },
    };
    format!("{error}{remedy}")
}
