//! The store `catalogo`: what is sold. Owns the table `catalogo` and the type
//! `Produto` with its own data; `inventario` adds sales to it.

mod loaders;
mod mutation;
mod query;
mod table;
mod types;

use std::sync::Arc;

use async_graphql::Context;

pub use loaders::DescricaoDe;
pub use mutation::MutacoesCatalogo;
pub use query::{ConsultasCatalogo, ProdutoFiltro, ProdutoOrdem};
pub use table::{
    Item, NovoProduto, by_ids, column, count, delete, descricoes, existing, exported, insert_many,
};
pub use types::ProdutoCatalogo;

use crate::batching::{Rows, Scheduler, Scope, Wanted};
use crate::db::migrations::Step;
use crate::db::{Columns, Db, StoreError};
use crate::executor::Selection;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::ProdutoId;
use crate::stores::references::Graph;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Catalogo {
    db: Db,
    /// Products by id.
    por_id: Scheduler<Rows<Self>, Wanted<ProdutoId>>,
    /// Descriptions by product; read apart, since they are long and few ask.
    descricao: Scheduler<Rows<Self>, DescricaoDe>,
}

impl Catalogo {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let rows = Rows::new(db.clone());
        Self { db, por_id: Scheduler::new(rows.clone()), descricao: Scheduler::new(rows) }
    }

    /// The products with these ids, in this order, as far as is selected: one load.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(
        ctx: &Context<'_>,
        ids: Vec<ProdutoId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<Arc<Item>>>> {
        let wanted = Wanted::all(ids, selection.columns::<ProdutoCatalogo>());
        Ok(ctx.data_unchecked::<Self>().por_id.load_all(ctx.scope(), wanted).await?)
    }

    /// These columns of a single one, for whoever has no field of the graph to ask in.
    pub fn load(
        &self,
        scope: &Arc<Scope>,
        id: ProdutoId,
        columns: Columns,
    ) -> impl Future<Output = Result<Option<Arc<Item>>, StoreError>> + Send + use<> {
        self.por_id.load(scope, Wanted { key: id, columns })
    }
}

/// A schema in which this store's rows become whole products.
pub trait OwnsProdutos: Graph {
    /// The product of a row that has been read.
    fn produto_of(row: Arc<Item>) -> Self::Produto;
}

/// What is done to rows that have no words yet: those of earlier versions, and later
/// those that another program has inserted.
pub(super) const STEPS: &[Step] = &[words(Some(4)), words(None)];

const fn words(before: Option<i64>) -> Step {
    Step { before, run: |mysql| Box::pin(async { Ok(table::prepare_texts(mysql).await?) }) }
}
