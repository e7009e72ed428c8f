//! Batching across fields and across requests: why a query costs a constant
//! number of statements, and a busy server less than one a request.
//!
//! Two pieces. A [`Scope`] belongs to one request: it gathers every key that the
//! request's resolvers ask for in one turn of its future, and hands them over
//! when the turn ends. By then every resolver that could run has run, so a
//! level of the query becomes one group of keys, with no timer, and the number
//! of statements depends on the query's shape alone. A [`Scheduler`]
//! belongs to a store and is shared by all requests: it merges the groups that wait, runs at
//! most two batches at a time, and so makes batches that grow by themselves when
//! the store is busy (back-pressure). Keys with many rows behind them have a lane of their own
//! (`lanes`), so that nobody else waits for these. While other requests are under way
//! ([`Scopes`]) a batch lets the runtime run whatever can run before it takes
//! what waits: on a busy server that more than halves the statements. It
//! caches nothing; rows do not depend on who asks.
//!
//! What it runs is a `Loader` of async-graphql, so any of them runs under the stock
//! `DataLoader`, too, which the tests take for an oracle.
//!
//! To add a loader: a key of its own in a store's `loaders.rs`, for which the store's
//! [`Rows`] implement `Loader` and [`Batch`], a field of type [`Scheduler`] in the
//! store's struct, and `store.field.load_all(ctx.scope(), keys)` where the field is resolved.

mod group;
mod lanes;
mod loader;
mod scheduler;
mod scope;

pub use loader::{Batch, Key, Rows, RowsBehind, Source, Wanted};
pub use scheduler::Scheduler;
pub use scope::{Scope, Scoped, Scopes};
