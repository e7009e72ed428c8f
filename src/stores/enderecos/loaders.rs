//! Addresses found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Enderecos;
use super::table::{self, Registro};
use crate::batching::{Batch, Rows};
use crate::db::{MOST_KEYS, StoreError};
use crate::relay::{ClienteId, EnderecoId, GlobalId as _};

impl Batch<EnderecoId> for Rows<Enderecos> {
    const NAME: &'static str = "enderecos.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Addresses by id.
impl Loader<EnderecoId> for Rows<Enderecos> {
    type Value = Arc<Registro>;
    type Error = StoreError;

    async fn load(&self, ids: &[EnderecoId]) -> Result<HashMap<EnderecoId, Arc<Registro>>, StoreError> {
        let rows = table::by_ids(self.db(), &EnderecoId::numbers(ids), self.audience()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}

/// The addresses of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnderecosDe(pub ClienteId);

impl Batch<EnderecosDe> for Rows<Enderecos> {
    const NAME: &'static str = "enderecos.do_cliente";
    const MOST: usize = MOST_KEYS;
}

/// All addresses of a client, oldest first; a client without any is absent.
impl Loader<EnderecosDe> for Rows<Enderecos> {
    type Value = Vec<Arc<Registro>>;
    type Error = StoreError;

    async fn load(&self, of: &[EnderecosDe]) -> Result<HashMap<EnderecosDe, Self::Value>, StoreError> {
        let clientes: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let mut found: HashMap<_, Self::Value> = HashMap::with_capacity(clientes.len());
        for row in table::by_clientes(self.db(), &clientes, self.audience()).await? {
            found.entry(EnderecosDe(row.cliente)).or_default().push(Arc::new(row));
        }
        Ok(found)
    }
}
