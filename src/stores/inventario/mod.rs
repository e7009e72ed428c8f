//! The store `inventario`: which client bought which product. Owns the table
//! `inventario` and the type `Compra`; adds `compras`, `produtos` and
//! `resumoCompras` to `Cliente`, `compras` and `resumoVendas` to `Produto`.

mod adquiridos;
mod loaders;
mod mutation;
mod query;
mod table;
mod types;

pub use mutation::{MutacoesInventario, RemoverProduto};
pub use query::{CompraEntity, CompraFiltro, ConsultasInventario};
pub use table::{
    DELETED_AT_ONCE, NovaCompra, Registro, Resumo, by_ids, count, delete_some_of, forget_cliente,
    insert_many, references, refers,
};
pub use types::{ClienteInventario, Compra, ProdutoInventario};

use crate::batching::Loader;
use crate::db::Db;
use table::Side;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Inventario {
    db: Db,
    /// Purchases by id.
    por_id: Loader<loaders::PorId>,
    /// The distinct products of a client, a page at a time.
    produtos: Loader<loaders::ProdutosDoCliente>,
    /// How many distinct products a client has bought.
    total_produtos: Loader<loaders::TotalProdutos>,
    cliente: SideLoaders,
    produto: SideLoaders,
}

/// What is asked alike of a client's purchases and of a product's.
#[derive(Clone)]
struct SideLoaders {
    compras: Loader<loaders::Compras>,
    resumo: Loader<loaders::Resumos>,
}

impl Inventario {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let side = |side| SideLoaders {
            compras: Loader::new(loaders::Compras { db: db.clone(), side }),
            resumo: Loader::new(loaders::Resumos { db: db.clone(), side }),
        };
        Self {
            por_id: Loader::new(loaders::PorId(db.clone())),
            produtos: Loader::new(loaders::ProdutosDoCliente(db.clone())),
            total_produtos: Loader::new(loaders::TotalProdutos(db.clone())),
            cliente: side(Side::Cliente),
            produto: side(Side::Produto),
            db,
        }
    }

    /// Its database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    fn side(&self, side: Side) -> &SideLoaders {
        match side {
            Side::Cliente => &self.cliente,
            Side::Produto => &self.produto,
        }
    }
}
