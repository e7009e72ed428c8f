//! The other stores, as writes and removals reach them: in this process ([`Local`]), or in a
//! sibling's ([`Remote`]), over HTTP.
//!
//! What lives here: what a write must know of another store before it begins ([`Known`]); the
//! steps that a removal does in other stores ([`Step`], [`Steps`]), and how the receiver does
//! one ([`take`]). What does not: when a step is due and what comes of it (`removal/`); who may
//! ask for one (`http/steps.rs`); SQL.
//!
//! The rule of racing writes does not care who carries a step to its store: a step arrives for
//! certain, since its row in the outbox is as old as the removal; it may be repeated; and it is
//! answered when its store has committed.
//!
//! To add a step: a variant of [`Step`] and its arm in [`take`]. To let a write know more: a
//! method of [`Siblings`], and its question in
//! [`questions`].

mod client;
mod questions;
mod step;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use client::{PeerError, Remote, STEPS};
pub use step::{Left, Step, take};

use crate::batching::{Scheduler, Scope};
use crate::db::{Columns, Db, Fault, PerStore, Present, Store, StoreError};
use crate::relay::{ClienteId, ProdutoId};
use crate::stores::catalogo::{Catalogo, column};
use crate::stores::clientes::Clientes;
use crate::stores::references::{Oferta, Siblings};
use questions::Asking;

/// What carries a step to its store.
pub trait Peer: Send + Sync {
    /// Does the step, or has it done: when this is answered, it is committed.
    fn take(&self, step: Step) -> BoxFuture<'_, Result<Left, StoreError>>;
}

/// A store of this process.
#[derive(Debug)]
pub struct Local(pub Db);

impl Peer for Local {
    fn take(&self, step: Step) -> BoxFuture<'_, Result<Left, StoreError>> {
        Box::pin(take(&self.0, step))
    }
}

impl Peer for Remote {
    fn take(&self, step: Step) -> BoxFuture<'_, Result<Left, StoreError>> {
        Box::pin(self.step(step))
    }
}

/// The stores in which a removal does its steps.
#[derive(Clone)]
pub struct Steps(PerStore<Option<Arc<dyn Peer>>>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steps")
    }
}

impl Steps {
    /// In this process where a store is here, else in a sibling's.
    #[must_use]
    pub fn new(here: &Present, siblings: &PerStore<Option<Remote>>) -> Self {
        Self(PerStore::from_fn(|store| match here.get(store) {
            Some(db) => Some(Arc::new(Local(db.clone())) as Arc<dyn Peer>),
            None => siblings[store].clone().map(|remote| Arc::new(remote) as Arc<dyn Peer>),
        }))
    }

    /// Does a step where its store is.
    ///
    /// # Errors
    /// The store's; it is then not known whether the step was done, and it must be repeated.
    pub async fn take(&self, step: Step) -> Result<Left, StoreError> {
        match &self.0[step.store()] {
            Some(peer) => peer.take(step).await,
            None => Err(nowhere(step.store())),
        }
    }
}

/// The settings are checked at the start, so that nobody should get here.
fn nowhere(store: Store) -> StoreError {
    StoreError::new(store, Fault::Internal, "this program knows no way to the store")
}

/// What a write must know of other stores: asked in batches, here as there.
pub struct Known {
    clientes: Option<Clientela>,
    catalogo: Option<Ofertas>,
}

enum Clientela {
    Here(Clientes),
    There(Scheduler<Asking, ClienteId>),
}

enum Ofertas {
    Here(Catalogo),
    There(Scheduler<Asking, ProdutoId>),
}

impl Known {
    /// Of stores of this process.
    #[must_use]
    pub fn here(clientes: Clientes, catalogo: Catalogo) -> Self {
        Self { clientes: Some(Clientela::Here(clientes)), catalogo: Some(Ofertas::Here(catalogo)) }
    }

    /// Of siblings' stores.
    #[must_use]
    pub fn there(siblings: &PerStore<Option<Remote>>) -> Self {
        let clientes = siblings[Store::Clientes].clone().map(Asking::new).map(Scheduler::new);
        let catalogo = siblings[Store::Catalogo].clone().map(Asking::new).map(Scheduler::new);
        Self { clientes: clientes.map(Clientela::There), catalogo: catalogo.map(Ofertas::There) }
    }
}

impl Siblings for Known {
    fn has_cliente<'a>(
        &'a self,
        scope: &'a Arc<Scope>,
        id: ClienteId,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            Ok(match &self.clientes {
                Some(Clientela::Here(clientes)) => clientes.load(scope, id, Columns::KEYS).await?.is_some(),
                Some(Clientela::There(asking)) => asking.load(scope, id).await?.is_some(),
                None => return Err(nowhere(Store::Clientes)),
            })
        })
    }

    fn oferta<'a>(
        &'a self,
        scope: &'a Arc<Scope>,
        id: ProdutoId,
    ) -> BoxFuture<'a, Result<Option<Oferta>, StoreError>> {
        Box::pin(async move {
            match &self.catalogo {
                Some(Ofertas::Here(catalogo)) => {
                    let offered = column::PRECO.and(column::DISPONIVEL);
                    let item = catalogo.load(scope, id, offered).await?;
                    Ok(item.map(|item| Oferta { preco: *item.preco, disponivel: *item.disponivel }))
                }
                Some(Ofertas::There(asking)) => asking.load(scope, id).await,
                None => Err(nowhere(Store::Catalogo)),
            }
        })
    }
}
