//! Clients found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Clientes;
use super::table::{self, Cadastro};
use crate::batching::{Batch, Rows};
use crate::db::{MOST_KEYS, StoreError};
use crate::relay::{ClienteId, GlobalId as _};

impl Batch<ClienteId> for Rows<Clientes> {
    const NAME: &'static str = "clientes.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Clients by id.
impl Loader<ClienteId> for Rows<Clientes> {
    type Value = Arc<Cadastro>;
    type Error = StoreError;

    async fn load(&self, ids: &[ClienteId]) -> Result<HashMap<ClienteId, Arc<Cadastro>>, StoreError> {
        let rows = table::by_ids(self.db(), &ClienteId::numbers(ids), self.audience()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}
