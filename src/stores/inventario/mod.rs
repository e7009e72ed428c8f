//! The store `inventario`: which client bought which product. Owns the table
//! `inventario` and the type `Compra`; adds `compras`, `produtos` and
//! `resumoCompras` to `Cliente`, `compras` and `resumoVendas` to `Produto`.

mod adquiridos;
mod loaders;
mod mutation;
mod query;
mod table;
mod types;

pub use loaders::{
    ComprasDoCliente, ComprasDoProduto, PageKey, ProdutosDoCliente, ResumoDoCliente, ResumoDoProduto,
    TotalDeProdutos,
};
pub use mutation::MutacoesInventario;
pub use query::{CompraEntity, CompraFiltro, ConsultasInventario};
pub use table::{
    DELETED_AT_ONCE, NovaCompra, Registro, Resumo, by_ids, count, delete_some_of, exported, forget_cliente,
    how_many_of, insert_many, of_cliente, references, refers, was_bought, with_chaves,
};
pub use types::{ClienteInventario, Compra, ProdutoInventario};

use std::sync::Arc;

use futures_util::future::Either;

use crate::batching::{Rows, Scheduler, Scope};
use crate::db::{Db, StoreError};
use crate::kernel::scalars::DateTime;
use crate::relay::{ClienteId, CompraId, ProdutoId};
use table::Side;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Inventario {
    db: Db,
    /// Purchases by id.
    por_id: Scheduler<Rows<Self>, CompraId>,
    /// The distinct products of a client, a page at a time.
    produtos: Scheduler<Rows<Self>, ProdutosDoCliente>,
    /// How many distinct products a client has bought.
    total_produtos: Scheduler<Rows<Self>, TotalDeProdutos>,
    sides: Arc<Sides>,
}

/// What is asked alike of a client's purchases and of a product's.
struct Sides {
    compras_do_cliente: Scheduler<Rows<Inventario>, ComprasDoCliente>,
    compras_do_produto: Scheduler<Rows<Inventario>, ComprasDoProduto>,
    resumo_do_cliente: Scheduler<Rows<Inventario>, ResumoDoCliente>,
    resumo_do_produto: Scheduler<Rows<Inventario>, ResumoDoProduto>,
}

impl Inventario {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let rows = Rows::new(db.clone());
        Self {
            db,
            por_id: Scheduler::new(rows.clone()),
            produtos: Scheduler::new(rows.clone()),
            total_produtos: Scheduler::new(rows.clone()),
            sides: Arc::new(Sides {
                compras_do_cliente: Scheduler::new(rows.clone()),
                compras_do_produto: Scheduler::new(rows.clone()),
                resumo_do_cliente: Scheduler::new(rows.clone()),
                resumo_do_produto: Scheduler::new(rows),
            }),
        }
    }

    /// Its database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }
}

impl Sides {
    /// Pages of the purchases of clients or products; none where one is empty.
    fn compras(
        &self,
        side: Side,
        scope: &Arc<Scope>,
        pages: &[PageKey<DateTime>],
    ) -> impl Future<Output = Result<Vec<Option<Vec<Arc<Registro>>>>, StoreError>> + Send + use<> {
        let pages = pages.iter().copied();
        match side {
            Side::Cliente => {
                Either::Left(self.compras_do_cliente.load_all(scope, pages.map(ComprasDoCliente).collect()))
            }
            Side::Produto => {
                Either::Right(self.compras_do_produto.load_all(scope, pages.map(ComprasDoProduto).collect()))
            }
        }
    }

    /// The purchases of clients or products, summed up; none where there are none.
    fn resumos(
        &self,
        side: Side,
        scope: &Arc<Scope>,
        parents: &[u64],
    ) -> impl Future<Output = Result<Vec<Option<Resumo>>, StoreError>> + Send + use<> {
        let parents = parents.iter().copied();
        match side {
            Side::Cliente => {
                let keys = parents.map(|cliente| ResumoDoCliente(ClienteId(cliente))).collect();
                Either::Left(self.resumo_do_cliente.load_all(scope, keys))
            }
            Side::Produto => {
                let keys = parents.map(|produto| ResumoDoProduto(ProdutoId(produto))).collect();
                Either::Right(self.resumo_do_produto.load_all(scope, keys))
            }
        }
    }
}
