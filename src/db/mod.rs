//! The only way to a database.
//!
//! What lives here: the stores by name ([`Store`], [`AnyStore`]), one [`Db`] per store
//! (connection pool, deadline, circuit breaker, transactions, the record of every
//! statement, the replicas that may answer it),
//! the classes of failure ([`StoreError`]) and the versions of the schema
//! ([`migrations`]). What does not: SQL about a table, which lives in that
//! store's table file under `stores/`.
//!
//! Facts about MariaDB and MySQL that shaped this module stand beside the line
//! that needs them.

mod access;
mod apart;
mod breaker;
mod columns;
mod connection;
mod error;
mod explain;
pub mod migrations;
mod numbers;
mod outside;
mod pool;
mod probe;
mod replicas;
pub mod schema;
mod sql_list;
mod statement;
mod store;
mod tally;
mod transaction;
mod url;
mod usage;

pub use access::{Access, UrlFile};
pub use apart::not_apart;
pub use breaker::{BreakerLimits, Circuit};
pub use columns::{Columns, Form, FromColumns, Read, Reader, Reading, Select};
pub use connection::{Connection, ServerSide, connect};
pub use error::{Fault, StoreError};
pub use pool::{Db, DbLimits, Health};
pub use probe::Probe;
pub use replicas::{ReplicaLimits, ReplicaState, ReplicaView, behind};
pub use sql_list::{InList, MOST_BRANCHES, MOST_KEYS, SelectList, Union, UnionBranch, ValueList};
pub use statement::{Statement, intern};
pub use store::{AnyStore, PerStore, Present, Store};
pub use tally::{Ran, StoreTally, Tally, Unreadable};
pub use transaction::{End, Transaction, Work, Written};
pub use url::{options, source_options, url_list};
pub use usage::{Connections, Usage};
