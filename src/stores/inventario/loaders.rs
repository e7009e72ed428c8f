//! Purchases found in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::Inventario;
use super::table::{self, Adquirido, Branch, OfBranch, PageOrder, Registro, Resumo, Side, reads_down};
use crate::batching::{Batch, Key, Rows, RowsBehind};
use crate::db::{MOST_BRANCHES, MOST_KEYS, StoreError};
use crate::kernel::scalars::DateTime;
use crate::relay::{ClienteId, CompraId, GlobalId as _, Page, ProdutoId};

impl Batch<CompraId> for Rows<Inventario> {
    const NAME: &'static str = "inventario.por_id";
    const MOST: usize = MOST_KEYS;
}

/// Purchases by id.
impl Loader<CompraId> for Rows<Inventario> {
    type Value = Arc<Registro>;
    type Error = StoreError;

    async fn load(&self, ids: &[CompraId]) -> Result<HashMap<CompraId, Arc<Registro>>, StoreError> {
        let rows = table::by_ids(self.db(), &CompraId::numbers(ids), self.audience()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }
}

/// A page of one parent in the order of `K`, and from which end it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageKey<K> {
    down: bool,
    branch: Branch<K>,
}

impl<K: PageOrder> PageKey<K> {
    /// The page `page` of `parent`, whose connection runs upwards or, when
    /// `descending`, downwards.
    #[must_use]
    pub fn new(parent: u64, page: &Page, descending: bool) -> Self {
        let down = reads_down(page.direction, descending);
        Self { down, branch: Branch::new(parent, page, descending) }
    }
}

/// A page of the purchases of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComprasDoCliente(pub PageKey<DateTime>);

/// A page of the purchases of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComprasDoProduto(pub PageKey<DateTime>);

/// A page of the distinct products of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProdutosDoCliente(pub PageKey<()>);

impl From<ComprasDoCliente> for PageKey<DateTime> {
    fn from(key: ComprasDoCliente) -> Self {
        key.0
    }
}

impl From<ComprasDoProduto> for PageKey<DateTime> {
    fn from(key: ComprasDoProduto) -> Self {
        key.0
    }
}

impl From<ProdutosDoCliente> for PageKey<()> {
    fn from(key: ProdutosDoCliente) -> Self {
        key.0
    }
}

/// The rows of each page, in the order in which it is read. Pages read downwards
/// and upwards go in a statement each; a request rarely has both.
async fn by_direction<O, K, R, F>(
    keys: &[K],
    read: impl Fn(bool, Vec<Branch<O>>) -> F,
) -> Result<HashMap<K, Vec<Arc<R>>>, StoreError>
where
    O: PageOrder,
    K: Key + Into<PageKey<O>>,
    F: Future<Output = Result<Vec<OfBranch<R>>, StoreError>>,
{
    let mut found = HashMap::with_capacity(keys.len());
    for down in [true, false] {
        let pages = keys.iter().map(|key| (*key, Into::<PageKey<O>>::into(*key)));
        let (keys, branches): (Vec<K>, Vec<Branch<O>>) =
            pages.filter(|(_, page)| page.down == down).map(|(key, page)| (key, page.branch)).unzip();
        if keys.is_empty() {
            continue;
        }
        let mut pages: Vec<Vec<Arc<R>>> = keys.iter().map(|_| Vec::new()).collect();
        for OfBranch { branch, row } in read(down, branches).await? {
            if let Some(page) = pages.get_mut(branch) {
                page.push(Arc::new(row));
            }
        }
        found.extend(keys.into_iter().zip(pages).filter(|(_, page)| !page.is_empty()));
    }
    Ok(found)
}

async fn compras<K: Key + Into<PageKey<DateTime>>>(
    rows: &Rows<Inventario>,
    side: Side,
    keys: &[K],
) -> Result<HashMap<K, Vec<Arc<Registro>>>, StoreError> {
    by_direction(keys, |down, branches| async move {
        let mut found = table::pages(rows.db(), side, down, &branches, rows.audience()).await?;
        // A UNION promises no order between or within its branches.
        found.sort_by_key(|of| (of.row.adquirido_em, of.row.id.0));
        if down {
            found.reverse();
        }
        Ok(found)
    })
    .await
}

impl Batch<ComprasDoCliente> for Rows<Inventario> {
    const NAME: &'static str = "inventario.compras_do_cliente";
    const MOST: usize = MOST_BRANCHES;
}

/// A page of the purchases of a client; absent when empty.
impl Loader<ComprasDoCliente> for Rows<Inventario> {
    type Value = Vec<Arc<Registro>>;
    type Error = StoreError;

    async fn load(
        &self,
        keys: &[ComprasDoCliente],
    ) -> Result<HashMap<ComprasDoCliente, Self::Value>, StoreError> {
        compras(self, Side::Cliente, keys).await
    }
}

impl Batch<ComprasDoProduto> for Rows<Inventario> {
    const NAME: &'static str = "inventario.compras_do_produto";
    const MOST: usize = MOST_BRANCHES;
}

/// A page of the purchases of a product; absent when empty.
impl Loader<ComprasDoProduto> for Rows<Inventario> {
    type Value = Vec<Arc<Registro>>;
    type Error = StoreError;

    async fn load(
        &self,
        keys: &[ComprasDoProduto],
    ) -> Result<HashMap<ComprasDoProduto, Self::Value>, StoreError> {
        compras(self, Side::Produto, keys).await
    }
}

impl Batch<ProdutosDoCliente> for Rows<Inventario> {
    const NAME: &'static str = "inventario.produtos_do_cliente";
    const MOST: usize = MOST_BRANCHES;
}

/// A page of the distinct products of a client; absent when empty.
impl Loader<ProdutosDoCliente> for Rows<Inventario> {
    type Value = Vec<Arc<Adquirido>>;
    type Error = StoreError;

    async fn load(
        &self,
        keys: &[ProdutosDoCliente],
    ) -> Result<HashMap<ProdutosDoCliente, Self::Value>, StoreError> {
        by_direction(keys, |down, branches| async move {
            let mut found = table::produtos(self.db(), down, &branches, self.audience()).await?;
            found.sort_by_key(|of| if down { u64::MAX - of.row.produto.0 } else { of.row.produto.0 });
            Ok(found)
        })
        .await
    }
}

/// How many distinct products a client has bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TotalDeProdutos(pub ClienteId);

impl Batch<TotalDeProdutos> for Rows<Inventario> {
    const NAME: &'static str = "inventario.total_produtos";
    const MOST: usize = MOST_KEYS;
}

/// How many distinct products a client has bought; absent when none.
impl Loader<TotalDeProdutos> for Rows<Inventario> {
    type Value = u64;
    type Error = StoreError;

    async fn load(&self, of: &[TotalDeProdutos]) -> Result<HashMap<TotalDeProdutos, u64>, StoreError> {
        let clientes: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let rows = table::total_produtos(self.db(), &clientes, self.audience()).await?;
        Ok(rows.into_iter().map(|(cliente, total)| (TotalDeProdutos(ClienteId(cliente)), total)).collect())
    }
}

/// The purchases of a client, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumoDoCliente(pub ClienteId);

impl Batch<ResumoDoCliente> for Rows<Inventario> {
    const NAME: &'static str = "inventario.resumo_do_cliente";
    const MOST: usize = MOST_KEYS;
    const ROWS_BEHIND: Option<RowsBehind<Resumo>> = Some(|resumo| resumo.compras);
}

/// The purchases of a client, summed up; absent when there are none.
impl Loader<ResumoDoCliente> for Rows<Inventario> {
    type Value = Resumo;
    type Error = StoreError;

    async fn load(&self, of: &[ResumoDoCliente]) -> Result<HashMap<ResumoDoCliente, Resumo>, StoreError> {
        let clientes: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let rows = table::resumos(self.db(), Side::Cliente, &clientes, self.audience()).await?;
        Ok(rows.into_iter().map(|row| (ResumoDoCliente(ClienteId(row.parent)), row.resumo)).collect())
    }
}

/// The purchases of a product, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumoDoProduto(pub ProdutoId);

impl Batch<ResumoDoProduto> for Rows<Inventario> {
    const NAME: &'static str = "inventario.resumo_do_produto";
    const MOST: usize = MOST_KEYS;
    const ROWS_BEHIND: Option<RowsBehind<Resumo>> = Some(|resumo| resumo.compras);
}

/// The purchases of a product, summed up; absent when there are none.
impl Loader<ResumoDoProduto> for Rows<Inventario> {
    type Value = Resumo;
    type Error = StoreError;

    async fn load(&self, of: &[ResumoDoProduto]) -> Result<HashMap<ResumoDoProduto, Resumo>, StoreError> {
        let produtos: Vec<u64> = of.iter().map(|key| key.0.0).collect();
        let rows = table::resumos(self.db(), Side::Produto, &produtos, self.audience()).await?;
        Ok(rows.into_iter().map(|row| (ResumoDoProduto(ProdutoId(row.parent)), row.resumo)).collect())
    }
}
