//! Clients found in batches.

use std::sync::Arc;

use foldhash::HashMap;

use super::table::{self, Cadastro};
use crate::batching::Batch;
use crate::db::{Db, MOST_KEYS, Store, StoreError, Tally};

/// Clients by id.
pub struct PorId(pub(super) Db);

impl Batch for PorId {
    type Key = u64;
    type Value = Arc<Cadastro>;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "clientes.por_id"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(
        &self,
        ids: &[u64],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<u64, Arc<Cadastro>>, StoreError> {
        let rows = table::by_ids(&self.0, ids, audience).await?;
        Ok(rows.into_iter().map(|row| (row.id.0, Arc::new(row))).collect())
    }
}
