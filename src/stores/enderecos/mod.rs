//! The store `enderecos`: where. Owns the table `endereco` and the type
//! `Endereco`; adds `enderecos` to `Cliente`.

mod loaders;
mod mutation;
mod query;
mod table;
mod types;

pub use loaders::EnderecosDe;
pub use mutation::{MOST_ADDRESSES, MutacoesEnderecos};
pub use query::{ConsultasEnderecos, EnderecoEntity, EnderecoFiltro};
pub use table::{
    NovoEndereco, Registro, by_clientes, by_ids, count, counts, exported, forget_cliente, insert_many,
    references, refers,
};
pub use types::{ClienteEnderecos, Endereco, Uf};

use crate::batching::{Rows, Scheduler, Wanted};
use crate::db::Db;
use crate::db::migrations::Step;
use crate::relay::EnderecoId;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Enderecos {
    db: Db,
    /// Addresses by id.
    por_id: Scheduler<Rows<Self>, Wanted<EnderecoId>>,
    /// All addresses of a client.
    do_cliente: Scheduler<Rows<Self>, Wanted<EnderecosDe>>,
}

impl Enderecos {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let rows = Rows::new(db.clone());
        Self { db, por_id: Scheduler::new(rows.clone()), do_cliente: Scheduler::new(rows) }
    }
}

/// What is done to rows before migrations of this store.
pub(super) const STEPS: &[Step] =
    &[Step { before: Some(5), run: |mysql| Box::pin(async { Ok(table::prepare_texts(mysql).await?) }) }];
