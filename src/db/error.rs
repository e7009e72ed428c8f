//! What can go wrong between us and a store, by what may be done about it.

use std::sync::Arc;

use super::AnyStore;
use super::numbers::meaning;

/// The class of a failure. It decides what is retried, what trips the breaker
/// and which code the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store could not be reached, refused us, or lacks its tables.
    Unavailable,
    /// The connection died while a statement was under way.
    Lost,
    /// Nobody answered within a statement's deadline.
    Timeout,
    /// The server ended a statement that took too long, or that somebody killed. It
    /// is well itself.
    Slow,
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
    /// A row that another program has written and nobody can read.
    Unreadable,
    /// Anything else, such as a statement that the server rejects. Always our mistake.
    Internal,
}

impl Fault {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Unavailable,
        Self::Lost,
        Self::Timeout,
        Self::Slow,
        Self::Busy,
        Self::Deadlock,
        Self::Locked,
        Self::Duplicate,
        Self::OutcomeUnknown,
        Self::Unreadable,
        Self::Internal,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::Timeout => "timeout",
            Self::Slow => "slow",
            Self::Busy => "busy",
            Self::Deadlock => "deadlock",
            Self::Locked => "locked",
            Self::Duplicate => "duplicate",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unreadable => "unreadable",
            Self::Internal => "internal",
        }
    }
}

/// A failed use of a store. `detail` is for the log and never reaches a client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store {store}: {detail}")]
pub struct StoreError {
    /// Which store.
    pub store: AnyStore,
    /// What kind of failure.
    pub fault: Fault,
    /// What the driver said, for the operator.
    pub detail: Arc<str>,
}

impl StoreError {
    /// A failure that we noticed ourselves.
    #[must_use]
    pub fn new(store: impl Into<AnyStore>, fault: Fault, detail: impl Into<Arc<str>>) -> Self {
        Self { store: store.into(), fault, detail: detail.into() }
    }

    /// A connection could not be made. Whatever the reason, nothing was
    /// executed, and nothing will be until somebody acts or the server is back.
    #[must_use]
    pub fn connecting(store: impl Into<AnyStore>, error: &sqlx::Error) -> Self {
        let fault = match mysql_code(error).and_then(meaning) {
            Some(Fault::Busy) => Fault::Busy,
            _ => Fault::Unavailable,
        };
        Self::new(store, fault, explain(error))
    }

    /// A statement failed. Branches on the number, never on the text: the texts
    /// differ between MariaDB and MySQL.
    #[must_use]
    pub fn statement(store: impl Into<AnyStore>, error: &sqlx::Error) -> Self {
        let fault = match (error, mysql_code(error).and_then(meaning)) {
            (_, Some(Fault::Duplicate)) => return Self::new(store, Fault::Duplicate, duplicate_key(error)),
            (_, Some(fault)) => fault,
            (sqlx::Error::Io(_), None) => Fault::Lost,
            // Among them `Protocol`: the driver says so where the number of arguments
            // is wrong, or where it cannot read an answer, and it would again. A
            // connection that died is always an `Io`.
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

/// Whether the connection is good for nothing after this failure: it is dead, or
/// the driver has lost its place in it (after a wrong number of arguments it waits
/// for an answer to what it never sent).
pub(super) fn spoils_connection(error: &sqlx::Error) -> bool {
    let ended =
        |code| matches!(meaning(code), Some(Fault::Lost | Fault::Unavailable | Fault::OutcomeUnknown));
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        _ => mysql_code(error).is_some_and(ended),
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

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::super::Store;
    use super::*;

    #[test]
    fn what_the_driver_says_itself_and_what_it_means() {
        let lost = |kind| sqlx::Error::Io(Error::from(kind));
        let table = [
            (lost(ErrorKind::UnexpectedEof), Fault::Lost, true),
            (lost(ErrorKind::ConnectionReset), Fault::Lost, true),
            (lost(ErrorKind::BrokenPipe), Fault::Lost, true),
            (sqlx::Error::Protocol("prepared statement expected 2 parameters".into()), Fault::Internal, true),
            (sqlx::Error::Protocol("Packet empty".into()), Fault::Internal, true),
            (sqlx::Error::Encode("a year of six digits".into()), Fault::Internal, false),
            (sqlx::Error::Decode("not a number".into()), Fault::Internal, false),
            (sqlx::Error::ColumnIndexOutOfBounds { index: 3, len: 2 }, Fault::Internal, false),
            (sqlx::Error::RowNotFound, Fault::Internal, false),
        ];
        for (error, fault, spoilt) in table {
            let seen = StoreError::statement(Store::Clientes, &error);
            assert_eq!((seen.fault, spoils_connection(&error)), (fault, spoilt), "{error}");
            let sick = seen.is_sick_store();
            assert_eq!(sick, fault == Fault::Lost, "{error}");
        }
    }

    #[test]
    fn what_the_server_says_and_whether_it_is_sick() {
        for (code, fault, sick) in [
            (3024, Some(Fault::Slow), false),
            (1969, Some(Fault::Slow), false),
            (1317, Some(Fault::Slow), false),
            (1205, Some(Fault::Locked), false),
            (1213, Some(Fault::Deadlock), false),
            (1062, Some(Fault::Duplicate), false),
            (1461, Some(Fault::Busy), false),
            (4031, Some(Fault::Lost), true),
            (3169, Some(Fault::Lost), true),
            (1927, Some(Fault::Lost), true),
            (1053, Some(Fault::Lost), true),
            (1047, Some(Fault::Lost), true),
            (1146, Some(Fault::Unavailable), true),
            (3101, Some(Fault::Deadlock), false),
            (3100, Some(Fault::OutcomeUnknown), true),
            (1180, Some(Fault::OutcomeUnknown), true),
            (1064, None, false),
        ] {
            assert_eq!(meaning(code), fault, "{code}");
            let error = StoreError::new(Store::Clientes, fault.unwrap_or(Fault::Internal), "as told");
            assert_eq!(error.is_sick_store(), sick, "{code}");
        }
        assert!(StoreError::new(Store::Clientes, Fault::Timeout, "nobody answered").is_sick_store());
    }
}
