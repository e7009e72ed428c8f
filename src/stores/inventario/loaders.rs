//! Purchases found in batches.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::table::{self, Adquirido, Branch, OfBranch, Registro, Resumo, Side};
use crate::batching::Batch;
use crate::db::{Db, MOST_BRANCHES, MOST_KEYS, Store, StoreError, Tally};

/// Purchases by id.
pub struct PorId(pub(super) Db);

impl Batch for PorId {
    type Key = u64;
    type Value = Arc<Registro>;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "inventario.por_id"
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

/// A page of one parent, and from which end it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageKey {
    pub(super) down: bool,
    pub(super) branch: Branch,
}

/// The rows of each page, in the order in which it is read. Pages read downwards
/// and upwards go in a statement each; a request rarely has both.
async fn by_direction<R, F>(
    keys: &[PageKey],
    read: impl Fn(bool, Vec<Branch>) -> F,
) -> Result<HashMap<PageKey, Vec<Arc<R>>>, StoreError>
where
    F: Future<Output = Result<Vec<OfBranch<R>>, StoreError>>,
{
    let mut found = HashMap::with_capacity(keys.len());
    for down in [true, false] {
        let keys: Vec<PageKey> = keys.iter().copied().filter(|key| key.down == down).collect();
        if keys.is_empty() {
            continue;
        }
        for OfBranch { branch, row } in read(down, keys.iter().map(|key| key.branch).collect()).await? {
            if let Some(key) = keys.get(branch) {
                found.entry(*key).or_insert_with(Vec::new).push(Arc::new(row));
            }
        }
    }
    Ok(found)
}

/// A page of the purchases of a client or a product; absent when empty.
pub struct Compras {
    pub(super) db: Db,
    pub(super) side: Side,
}

impl Batch for Compras {
    type Key = PageKey;
    type Value = Vec<Arc<Registro>>;

    const MOST: usize = MOST_BRANCHES;

    fn name(&self) -> &'static str {
        match self.side {
            Side::Cliente => "inventario.compras_do_cliente",
            Side::Produto => "inventario.compras_do_produto",
        }
    }

    fn store(&self) -> Store {
        self.db.store()
    }

    async fn load(
        &self,
        keys: &[PageKey],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<PageKey, Self::Value>, StoreError> {
        by_direction(keys, |down, branches| async move {
            let mut rows = table::pages(&self.db, self.side, down, &branches, audience).await?;
            // A UNION promises no order between or within its branches.
            rows.sort_by_key(|of| if down { u64::MAX - of.row.id.0 } else { of.row.id.0 });
            Ok(rows)
        })
        .await
    }
}

/// A page of the distinct products of a client; absent when empty.
pub struct ProdutosDoCliente(pub(super) Db);

impl Batch for ProdutosDoCliente {
    type Key = PageKey;
    type Value = Vec<Arc<Adquirido>>;

    const MOST: usize = MOST_BRANCHES;

    fn name(&self) -> &'static str {
        "inventario.produtos_do_cliente"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(
        &self,
        keys: &[PageKey],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<PageKey, Self::Value>, StoreError> {
        by_direction(keys, |down, branches| async move {
            let mut rows = table::produtos(&self.0, down, &branches, audience).await?;
            rows.sort_by_key(|of| if down { u64::MAX - of.row.produto.0 } else { of.row.produto.0 });
            Ok(rows)
        })
        .await
    }
}

/// How many distinct products a client has bought; absent when none.
pub struct TotalProdutos(pub(super) Db);

impl Batch for TotalProdutos {
    type Key = u64;
    type Value = u64;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        "inventario.total_produtos"
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    async fn load(&self, clientes: &[u64], audience: &[Arc<Tally>]) -> Result<HashMap<u64, u64>, StoreError> {
        Ok(table::total_produtos(&self.0, clientes, audience).await?.into_iter().collect())
    }
}

/// The purchases of a client or a product, summed up; absent when there are
/// none.
pub struct Resumos {
    pub(super) db: Db,
    pub(super) side: Side,
}

impl Batch for Resumos {
    type Key = u64;
    type Value = Resumo;

    const MOST: usize = MOST_KEYS;

    fn name(&self) -> &'static str {
        match self.side {
            Side::Cliente => "inventario.resumo_do_cliente",
            Side::Produto => "inventario.resumo_do_produto",
        }
    }

    fn store(&self) -> Store {
        self.db.store()
    }

    async fn load(
        &self,
        parents: &[u64],
        audience: &[Arc<Tally>],
    ) -> Result<HashMap<u64, Resumo>, StoreError> {
        let rows = table::resumos(&self.db, self.side, parents, audience).await?;
        Ok(rows.into_iter().map(|row| (row.parent, row.resumo)).collect())
    }
}
