//! `Cliente.produtos`: the distinct products of a client, with what was bought
//! of each on the edge. A connection of its own, since its nodes live in
//! another store and are loaded only when selected.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::connection::CursorType as _;
use async_graphql::{Context, Object};

use super::Inventario;
use super::loaders::{PageKey, ProdutosDoCliente, TotalDeProdutos};
use super::table::Adquirido;
use crate::executor::{Ready, Selection, StoreField, Walked, WalkedList, ready};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::kernel::sizes::{COUNTED, cost};
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::{ClienteId, Cursor, KeyKind, Page, PageArgs, PageInfo, Slice, SortKey};
use crate::stores::references::Graph;

/// The name of the order, in cursors.
const ORDER: &str = "Cliente.produtos.ID";

/// A page of a client's distinct products.
pub struct ProdutosAdquiridos<G> {
    cliente: ClienteId,
    slice: Slice<Arc<Adquirido>>,
    graph: PhantomData<fn() -> G>,
}

impl<G: Graph> ProdutosAdquiridos<G> {
    /// Reads a page of each client's: one load.
    pub(super) async fn paginate(
        ctx: &Context<'_>,
        clientes: Vec<ClienteId>,
        args: PageArgs,
    ) -> GraphResult<Vec<Option<Self>>> {
        let page = Page::new(&args, ORDER, KeyKind::Id)?;
        let key = |cliente: &ClienteId| ProdutosDoCliente(PageKey::new(cliente.0, &page, false));
        let store = ctx.data_unchecked::<Inventario>();
        let found = store.produtos.load_all(ctx.scope(), clientes.iter().map(key).collect()).await?;
        let of = |(cliente, rows): (ClienteId, Option<Vec<Arc<Adquirido>>>)| {
            Some(Self { cliente, slice: page.slice(rows.unwrap_or_default()), graph: PhantomData })
        };
        Ok(clientes.into_iter().zip(found).map(of).collect())
    }
}

/// The distinct products that a client has bought, page by page.
#[Object(name = "ProdutoAdquiridoConnection")]
impl<G: Graph> ProdutosAdquiridos<G> {
    /// The products of this page, with what was bought of each.
    async fn edges(&self) -> WalkedList<Vec<AdquiridoEdge<G>>> {
        let rows = self.slice.rows.iter();
        WalkedList(rows.map(|row| AdquiridoEdge { row: Arc::clone(row), graph: PhantomData }).collect())
    }

    /// The products of this page; null where one no longer exists.
    async fn nodes(&self, ctx: &Context<'_>) -> Vec<Option<GraphResult<Walked<G::Produto>>>> {
        let ids = self.slice.rows.iter().map(|row| row.produto).collect();
        match G::produtos(ctx, ids, Selection::Below(ctx)).await {
            Ok(found) => {
                found.into_iter().map(|produto| produto.map(|produto| Ok(Walked(produto)))).collect()
            }
            Err(error) => self.slice.rows.iter().map(|_| Some(Err(error.clone()))).collect(),
        }
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> Walked<PageInfo> {
        Walked(PageInfo {
            has_previous: self.slice.has_previous,
            has_next: self.slice.has_next,
            start: self.slice.rows.first().map(|row| cursor(row)),
            end: self.slice.rows.last().map(|row| cursor(row)),
        })
    }

    /// How many distinct products there are in all, on every page. Counted only
    /// when selected.
    #[graphql(directive = cost::apply(COUNTED))]
    async fn total(&self, ctx: &Context<'_>) -> Option<GraphResult<u64>> {
        let store = ctx.data_unchecked::<Inventario>();
        let counted = store.total_produtos.load(ctx.scope(), TotalDeProdutos(self.cliente)).await;
        Some(counted.map(Option::unwrap_or_default).map_err(Into::into))
    }
}

/// A product, and what the client has bought of it.
pub struct AdquiridoEdge<G> {
    row: Arc<Adquirido>,
    graph: PhantomData<fn() -> G>,
}

/// A product that a client has bought, and how much of it.
#[Object(name = "ProdutoAdquiridoEdge")]
impl<G: Graph> AdquiridoEdge<G> {
    /// For `after` and `before`.
    async fn cursor(&self) -> String {
        cursor(&self.row).encode_cursor()
    }

    /// The product; null when it no longer exists, or (with an error) when the
    /// store `catalogo` is down.
    async fn node(&self, ctx: &Context<'_>) -> StoreField<Walked<G::Produto>> {
        StoreField::found(G::produto(ctx, self.row.produto)).await
    }

    /// How many units the client has bought of it.
    async fn quantidade(&self) -> u64 {
        self.row.quantidade
    }

    /// What they cost in all.
    async fn total(&self) -> Decimal {
        self.row.total
    }

    /// When the client first bought it.
    async fn primeira_compra_em(&self) -> DateTime {
        self.row.primeira
    }

    /// When the client last bought it.
    async fn ultima_compra_em(&self) -> DateTime {
        self.row.ultima
    }
}

impl<G: Graph> Ready for ProdutosAdquiridos<G> {}

ready! {
    impl{G: Graph} AdquiridoEdge<G>, |edge, request| {
        "cursor" => cursor(&edge.row).encode_cursor(),
        "quantidade" => edge.row.quantidade,
        "total" => edge.row.total,
        "primeiraCompraEm" => edge.row.primeira,
        "ultimaCompraEm" => edge.row.ultima,
    }
    leads |edges| {
        "node" => edges.one(|ctx, edges| {
            let ids = edges.iter().map(|edge| edge.row.produto).collect();
            G::produtos(ctx, ids, Selection::Below(ctx))
        }),
    }
}

fn cursor(row: &Adquirido) -> Cursor {
    Cursor::new(ORDER, SortKey::Id, row.produto.0)
}
