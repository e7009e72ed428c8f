//! Addresses found in batches.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::table::{self, Registro};
use crate::batching::Batch;
use crate::db::{Db, MOST_KEYS, Store, StoreError, Tally};

/// Addresses by id.
pub struct PorId(pub(super) Db);

impl Batch for PorId {
    type Key = u64;
    type Value = Arc<Registro>;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "enderecos.por_id"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(
        &self,
        ids: &[u64],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<u64, Arc<Registro>>, StoreError> {
        let rows = table::by_ids(&self.0, ids, audience).await?;
        Ok(rows.into_iter().map(|row| (row.id.0, Arc::new(row))).collect())
    }
}

/// All addresses of a client, oldest first; a client without any is absent.
pub struct DoCliente(pub(super) Db);

impl Batch for DoCliente {
    type Key = u64;
    type Value = Vec<Arc<Registro>>;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "enderecos.do_cliente"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(
        &self,
        clientes: &[u64],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<u64, Vec<Arc<Registro>>>, StoreError> {
        let mut found: HashMap<u64, Vec<Arc<Registro>>> = HashMap::with_capacity(clientes.len());
        for row in table::by_clientes(&self.0, clientes, audience).await? {
            found.entry(row.cliente.0).or_default().push(Arc::new(row));
        }
        Ok(found)
    }
}
