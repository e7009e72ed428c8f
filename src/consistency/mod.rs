//! What crosses stores when something is written.
//!
//! What lives here: the work that a removal leaves in the outbox of the store
//! where it began and that ends in the others ([`removal`]), who does it
//! ([`Consistency::run`], beside the requests, in every instance), the mutations
//! that begin it ([`Remocoes`]), what has come of it so far ([`Progress`] for the
//! caller, [`Watch`] for the operator), and the search for what fits nowhere
//! ([`check`]). What does not: a write to one store, which lives in that store.
//!
//! To add a task: a variant of [`Task`](crate::writes::outbox::Task), its steps
//! in `removal.rs`, each of which may be repeated.

pub mod check;
mod mutation;
mod removal;
mod watch;
mod worker;

pub use mutation::Remocoes;
pub use removal::Progress;
pub use watch::{Step, Watch};

use std::sync::Arc;

use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::{Db, PerStore};

/// Finishes in all stores what began in one.
#[derive(Debug)]
pub struct Consistency {
    databases: PerStore<Db>,
    /// Who this instance is, in the leases that it holds.
    owner: String,
    /// Something new is in an outbox.
    wake: Notify,
    watch: Watch,
}

impl Consistency {
    /// Over the four databases.
    #[must_use]
    pub fn new(databases: PerStore<Db>) -> Arc<Self> {
        Arc::new(Self {
            databases,
            owner: Uuid::now_v7().to_string(),
            wake: Notify::new(),
            watch: Watch::default(),
        })
    }

    /// What this instance knows and has done.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }
}
