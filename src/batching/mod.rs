//! Batching across fields and across requests: why a query costs a constant
//! number of statements, and a busy server less than one a request.
//!
//! Two pieces. A [`Scope`] belongs to one request: it gathers every key that the
//! request's resolvers ask for in one turn of its future, and hands them over
//! when the turn ends. By then every resolver that could run has run, so a
//! level of the query becomes one group of keys, with no timer, and the number
//! of statements depends on the query's shape alone. A [`Loader`] belongs to a
//! store and is shared by all requests: it merges the groups that wait, runs at
//! most two batches at a time, and so makes batches that grow by themselves when
//! the store is busy (back-pressure). While other requests are under way
//! ([`Scopes`]) a batch lets the runtime run whatever can run before it takes
//! what waits: on a busy server that more than halves the statements. A loader
//! caches nothing; rows do not depend on who asks.
//!
//! To add a loader: a unit that implements [`Batch`] in a store's `loaders.rs`,
//! a field of type `Loader<…>` in the store's struct, and
//! `store.field.load(ctx.scope(), key)` in the resolver.

mod group;
mod loader;
mod scope;

pub use loader::{Batch, Loader};
pub use scope::{Scope, Scoped, Scopes};
