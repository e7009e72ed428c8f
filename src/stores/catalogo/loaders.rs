//! Products found in batches.

use std::sync::Arc;

use foldhash::HashMap;

use super::table::{self, Item};
use crate::batching::Batch;
use crate::db::{Db, MOST_KEYS, Store, StoreError, Tally};

/// Products by id.
pub struct PorId(pub(super) Db);

impl Batch for PorId {
    type Key = u64;
    type Value = Arc<Item>;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "catalogo.por_id"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(
        &self,
        ids: &[u64],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<u64, Arc<Item>>, StoreError> {
        let rows = table::by_ids(&self.0, ids, audience).await?;
        Ok(rows.into_iter().map(|row| (row.id.0, Arc::new(row))).collect())
    }
}

/// A product's description; a product without one is absent.
pub struct Descricao(pub(super) Db);

impl Batch for Descricao {
    type Key = u64;
    type Value = Arc<str>;

    /// Each is a TEXT.
    const MOST: usize = 128;

    fn name(&self) -> &'static str {
        "catalogo.descricao"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(&self, ids: &[u64], audience: &[Arc<Tally>]) -> Result<HashMap<u64, Arc<str>>, StoreError> {
        let rows = table::descricoes(&self.0, ids, audience).await?;
        Ok(rows.into_iter().map(|(id, text)| (id, Arc::from(text))).collect())
    }
}
