//! Addresses found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Enderecos;
use super::table::{self, Registro};
use crate::batching::{Batch, Rows, Wanted};
use crate::db::{MOST_KEYS, StoreError};
use crate::relay::{ClienteId, EnderecoId, GlobalId as _};

impl Batch<Wanted<EnderecoId>> for Rows<Enderecos> {
    const NAME: &'static str = "enderecos.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Addresses by id.
impl Loader<Wanted<EnderecoId>> for Rows<Enderecos> {
    type Value = Arc<Registro>;
    type Error = StoreError;

    async fn load(
        &self,
        wanted: &[Wanted<EnderecoId>],
    ) -> Result<HashMap<Wanted<EnderecoId>, Arc<Registro>>, StoreError> {
        let (ids, columns) = Wanted::together(wanted);
        let rows = table::by_ids(self.db(), &EnderecoId::numbers(&ids), columns, self.audience()).await?;
        Ok(Wanted::shared(wanted, &rows.into_iter().map(|row| (row.id, Arc::new(row))).collect()))
    }
}

/// The addresses of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnderecosDe(pub ClienteId);

impl Batch<Wanted<EnderecosDe>> for Rows<Enderecos> {
    const NAME: &'static str = "enderecos.do_cliente";
    const MOST: usize = MOST_KEYS;
}

/// All addresses of a client, oldest first; a client without any is absent.
impl Loader<Wanted<EnderecosDe>> for Rows<Enderecos> {
    type Value = Vec<Arc<Registro>>;
    type Error = StoreError;

    async fn load(
        &self,
        wanted: &[Wanted<EnderecosDe>],
    ) -> Result<HashMap<Wanted<EnderecosDe>, Self::Value>, StoreError> {
        let (of, columns) = Wanted::together(wanted);
        let clientes: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let rows = table::by_clientes(self.db(), &clientes, columns, self.audience()).await?;
        let rows: Vec<Arc<Registro>> = rows.into_iter().map(Arc::new).collect();
        // Those of a client follow each other.
        let lists = rows.chunk_by(|one, next| one.cliente == next.cliente);
        let found = lists.map(|list| (EnderecosDe(list[0].cliente), list.to_vec()));
        Ok(Wanted::shared(wanted, &found.collect()))
    }
}
