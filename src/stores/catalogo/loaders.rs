//! Products found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Catalogo;
use super::table::{self, Item};
use crate::batching::{Batch, Rows, Wanted};
use crate::db::{MOST_KEYS, StoreError};
use crate::relay::{GlobalId as _, ProdutoId};

impl Batch<Wanted<ProdutoId>> for Rows<Catalogo> {
    const NAME: &'static str = "catalogo.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Products by id.
impl Loader<Wanted<ProdutoId>> for Rows<Catalogo> {
    type Value = Arc<Item>;
    type Error = StoreError;

    async fn load(
        &self,
        wanted: &[Wanted<ProdutoId>],
    ) -> Result<HashMap<Wanted<ProdutoId>, Arc<Item>>, StoreError> {
        let (ids, columns) = Wanted::together(wanted);
        let rows = table::by_ids(self.db(), &ProdutoId::numbers(&ids), columns, self.audience()).await?;
        Ok(Wanted::shared(wanted, &rows.into_iter().map(|row| (row.id, Arc::new(row))).collect()))
    }
}

/// The description of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DescricaoDe(pub ProdutoId);

impl Batch<DescricaoDe> for Rows<Catalogo> {
    const NAME: &'static str = "catalogo.descricao";
    /// Each is a TEXT.
    const MOST: usize = 128;
}

/// A product's description; a product without one is absent.
impl Loader<DescricaoDe> for Rows<Catalogo> {
    type Value = Arc<str>;
    type Error = StoreError;

    async fn load(&self, of: &[DescricaoDe]) -> Result<HashMap<DescricaoDe, Arc<str>>, StoreError> {
        let ids: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let rows = table::descricoes(self.db(), &ids, self.audience()).await?;
        Ok(rows.into_iter().map(|(id, text)| (DescricaoDe(ProdutoId(id)), Arc::from(text))).collect())
    }
}
