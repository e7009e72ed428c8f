//! The store `enderecos`: where. Owns the table `endereco` and the type
//! `Endereco`; adds `enderecos` to `Cliente`.

mod loaders;
mod mutation;
mod query;
mod table;
mod types;

pub use mutation::{MOST_ADDRESSES, MutacoesEnderecos};
pub use query::{ConsultasEnderecos, EnderecoEntity, EnderecoFiltro};
pub use table::{
    NovoEndereco, Registro, by_ids, count, counts, forget_cliente, insert_many, references, refers,
};
pub use types::{ClienteEnderecos, Endereco, Uf};

use crate::batching::Loader;
use crate::db::Db;

/// The store's handle, in the data of every schema that has it.
#[derive(Clone)]
pub struct Enderecos {
    db: Db,
    /// Addresses by id.
    por_id: Loader<loaders::PorId>,
    /// All addresses of a client.
    do_cliente: Loader<loaders::DoCliente>,
}

impl Enderecos {
    /// The store over its database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            por_id: Loader::new(loaders::PorId(db.clone())),
            do_cliente: Loader::new(loaders::DoCliente(db.clone())),
            db,
        }
    }
}
