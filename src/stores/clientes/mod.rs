//! The store `clientes`: who. Owns the table `cadastro` and the type `Cliente`
//! with its own data; others add addresses and purchases to it.

mod loaders;
mod mutation;
mod query;
mod table;
pub mod titular;
mod types;

use std::sync::Arc;

use async_graphql::Context;
use sqlx::mysql::MySqlConnection;

pub use mutation::MutacoesClientes;
pub use query::{ClienteFiltro, ClienteOrdem, ConsultasClientes};
pub use table::{
    Cadastro, NovoCliente, by_cpf, by_ids, count, delete, existing, exported, insert_many, lock, with_cpfs,
    with_emails,
};
pub use types::ClienteCadastro;

use crate::batching::{Rows, Scheduler, Scope, Wanted};
use crate::db::migrations::{Obstacle, Step};
use crate::db::{Columns, Db, StoreError};
use crate::executor::Selection;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::ClienteId;
use crate::stores::references::Graph;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Clientes {
    db: Db,
    /// Clients by id.
    por_id: Scheduler<Rows<Self>, Wanted<ClienteId>>,
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

    /// The clients with these ids, in this order, as far as is selected: one load.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(
        ctx: &Context<'_>,
        ids: Vec<ClienteId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<Arc<Cadastro>>>> {
        let wanted = Wanted::all(ids, selection.columns::<ClienteCadastro>());
        Ok(ctx.data_unchecked::<Self>().por_id.load_all(ctx.scope(), wanted).await?)
    }

    /// These columns of a single one, for whoever has no field of the graph to ask in.
    pub fn load(
        &self,
        scope: &Arc<Scope>,
        id: ClienteId,
        columns: Columns,
    ) -> impl Future<Output = Result<Option<Arc<Cadastro>>, StoreError>> + Send + use<> {
        self.por_id.load(scope, Wanted { key: id, columns })
    }
}

/// A schema in which this store's rows become whole clients.
pub trait OwnsClientes: Graph {
    /// The client of a row that has been read.
    fn cliente_of(row: Arc<Cadastro>) -> Self::Cliente;
}

/// What is done to rows before migrations of this store.
pub(super) const STEPS: &[Step] = &[Step { before: Some(5), run: |mysql| Box::pin(prepare_texts(mysql)) }];

/// Two clients who share an address are for a person to look at: which of them it is
/// cannot be known.
async fn prepare_texts(mysql: &mut MySqlConnection) -> Result<(), Obstacle> {
    table::prepare_texts(mysql).await?;
    let shared = table::shared_emails(mysql).await?;
    if shared.is_empty() {
        return Ok(());
    }
    Err(Obstacle::Rows(format!("one e-mail address belongs to several clients: {}", shared.join("; "))))
}
