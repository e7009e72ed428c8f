//! Clients found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Clientes;
use super::table::{self, Cadastro};
use crate::batching::{Batch, Rows, Wanted};
use crate::db::{MOST_KEYS, StoreError};
use crate::relay::{ClienteId, GlobalId as _};

impl Batch<Wanted<ClienteId>> for Rows<Clientes> {
    const NAME: &'static str = "clientes.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Clients by id.
impl Loader<Wanted<ClienteId>> for Rows<Clientes> {
    type Value = Arc<Cadastro>;
    type Error = StoreError;

    async fn load(
        &self,
        wanted: &[Wanted<ClienteId>],
    ) -> Result<HashMap<Wanted<ClienteId>, Arc<Cadastro>>, StoreError> {
        let (ids, columns) = Wanted::together(wanted);
        let rows = table::by_ids(self.db(), &ClienteId::numbers(&ids), columns, self.audience()).await?;
        Ok(Wanted::shared(wanted, &rows.into_iter().map(|row| (row.id, Arc::new(row))).collect()))
    }
}
