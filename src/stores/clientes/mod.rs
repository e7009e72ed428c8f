//! The store `clientes`: who. Owns the table `cadastro` and the type `Cliente`
//! with its own data; others add addresses and purchases to it.

mod loaders;
mod mutation;
mod query;
mod table;
mod types;

use std::sync::Arc;

use async_graphql::Context;

pub use mutation::MutacoesClientes;
pub use query::{ClienteFiltro, ClienteOrdem, ConsultasClientes};
pub use table::{Cadastro, NovoCliente, by_ids, count, delete, existing, insert_many, lock};
pub use types::ClienteCadastro;

use crate::batching::{Rows, Scheduler};
use crate::db::Db;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::ClienteId;
use crate::stores::references::Graph;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Clientes {
    db: Db,
    /// Clients by id.
    por_id: Scheduler<Rows<Self>, ClienteId>,
}

impl Clientes {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { por_id: Scheduler::new(Rows::new(db.clone())), db }
    }

    /// Its database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The client with this id: one load.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(ctx: &Context<'_>, id: ClienteId) -> GraphResult<Option<Arc<Cadastro>>> {
        let store = ctx.data_unchecked::<Self>();
        Ok(store.por_id.load(ctx.scope(), id).await?)
    }
}

/// A schema in which this store's rows become whole clients.
pub trait OwnsClientes: Graph {
    /// The client of a row that has been read.
    fn cliente_of(row: Arc<Cadastro>) -> Self::Cliente;
}
