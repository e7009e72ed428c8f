//! Removals, which cross stores: each told whole in a file of its own ([`cliente`],
//! [`produto`]), from the mutation that begins it to the last step elsewhere.
//!
//! What lives here beside: how one gets on, whatever fails ([`advance`]); who sees to it,
//! beside the requests, in every instance ([`worker`]); what has come of them, for the
//! operator ([`standing`]); and the search for what fits nowhere ([`check`]). What does
//! not: what a step is, and how it comes to its store (`peers/`); the outbox and the notes that a store keeps about others' records, which stores
//! write, too (`writes/outbox.rs`, `writes/guard.rs`); a write to one store, which lives in
//! that store.
//!
//! To add one: a file here with its story, a variant of
//! [`Task`](crate::writes::outbox::Task), and its arm in `advance.rs`; each step may be
//! repeated.

mod advance;
pub mod check;
mod cliente;
mod produto;
mod standing;
mod worker;

pub use cliente::RemocaoDeCliente;
pub use produto::RemocaoDeProduto;
pub use standing::{Standings, Step};

use std::sync::Arc;

use async_graphql::Enum;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::{Db, Fault, PerStore, Present, Store, StoreError};
use crate::peers::Steps;
use crate::writes::outbox::PoliticaCompras;

/// The stores with an outbox.
const HOMES: [Store; 2] = [Store::Clientes, Store::Inventario];

/// Finishes in all stores what began in one.
#[derive(Debug)]
pub struct Removals {
    here: Present,
    steps: Steps,
    /// Who this instance is, in the leases that it holds.
    owner: String,
    /// Something new is in an outbox.
    wake: Notify,
    standings: Standings,
}

impl Removals {
    /// Over the four databases.
    #[must_use]
    pub fn new(databases: PerStore<Db>) -> Arc<Self> {
        let here = Present::from(databases);
        let steps = Steps::new(&here, &PerStore::default());
        Self::across(here, steps)
    }

    /// Of the stores that are here; what is to be done in others is done by `steps`.
    #[must_use]
    pub fn across(here: Present, steps: Steps) -> Arc<Self> {
        Arc::new(Self {
            here,
            steps,
            owner: Uuid::now_v7().to_string(),
            wake: Notify::new(),
            standings: Standings::default(),
        })
    }

    /// The stores with an outbox that are here.
    fn homes(&self) -> impl Iterator<Item = (Store, &Db)> {
        HOMES.into_iter().filter_map(|store| Some((store, self.here.get(store)?)))
    }

    /// The database of a store with an outbox.
    ///
    /// # Errors
    /// That it is not here: a bug of ours.
    fn home(&self, store: Store) -> Result<&Db, StoreError> {
        let elsewhere = || StoreError::new(store, Fault::Internal, "the store is served elsewhere");
        self.here.get(store).ok_or_else(elsewhere)
    }

    /// What this instance knows and has done.
    #[must_use]
    pub const fn standings(&self) -> &Standings {
        &self.standings
    }
}

/// What has been done of a removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The store `enderecos` has nothing more to do.
    pub enderecos: bool,
    /// The store `inventario` has nothing more to do.
    pub inventario: bool,
    /// The store `catalogo` has nothing more to do.
    pub catalogo: bool,
}

impl Progress {
    /// Everything is done.
    pub const WHOLE: Self = Self { enderecos: true, inventario: true, catalogo: true };
}

/// How far a removal has come in another store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum EstadoRemocao {
    /// They are gone.
    Concluida,
    /// They will go, as soon as their store answers.
    Pendente,
    /// They stay.
    Mantida,
}

impl EstadoRemocao {
    const fn of(done: bool) -> Self {
        if done { Self::Concluida } else { Self::Pendente }
    }
}

struct Removed<T, I> {
    before: Option<T>,
    id: I,
    compras: PoliticaCompras,
    progress: Progress,
}
