//! `Compra`, and the parts of `Cliente` and `Produto` that this store adds.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::adquiridos::ProdutosAdquiridos;
use super::loaders::PageKey;
use super::table::{Registro, Resumo, Side, newest_first};
use super::{Inventario, Sides};
use crate::executor::{Selection, StoreField, Walked, ready};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::kernel::sizes::paged;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::{
    ClienteId, CompraId, Connection, Cursor, Edge, GlobalId as _, Page, PageArgs, ProdutoId, SortKey, Total,
};
use crate::stores::references::Graph;

/// A purchase in the graph `G`.
pub struct Compra<G> {
    row: Arc<Registro>,
    graph: PhantomData<fn() -> G>,
}

/// A client bought a product.
#[Object(name = "Compra")]
impl<G: Graph> Compra<G> {
    /// Global id, as in `compra_99`.
    #[graphql(name = "id")]
    async fn global_id(&self) -> ID {
        self.row.id.to_id()
    }

    /// Who bought; null when that client no longer exists, or (with an error)
    /// when the store `clientes` is down.
    async fn cliente(&self, ctx: &Context<'_>) -> StoreField<Walked<G::Cliente>> {
        StoreField::found(G::cliente(ctx, self.row.cliente)).await
    }

    /// What was bought; null when that product no longer exists, or (with an
    /// error) when the store `catalogo` is down.
    async fn produto(&self, ctx: &Context<'_>) -> StoreField<Walked<G::Produto>> {
        StoreField::found(G::produto(ctx, self.row.produto)).await
    }

    /// How many.
    async fn quantidade(&self) -> u32 {
        self.row.quantidade
    }

    /// The price of one on the day of the purchase.
    async fn preco_unitario(&self) -> Decimal {
        self.row.preco_unitario
    }

    /// What the purchase cost: `quantidade` × `precoUnitario`.
    async fn total(&self) -> Decimal {
        self.cost()
    }

    /// When.
    async fn adquirido_em(&self) -> DateTime {
        self.row.adquirido_em
    }
}

ready! {
    impl{G: Graph} Compra<G>, |compra, request| {
        "id" => compra.row.id,
        "quantidade" => compra.row.quantidade,
        "precoUnitario" => compra.row.preco_unitario,
        "total" => compra.cost(),
        "adquiridoEm" => compra.row.adquirido_em,
    }
    leads |compras| {
        "cliente" => compras.one(|ctx, compras| {
            let ids = compras.iter().map(|compra| compra.row.cliente).collect();
            G::clientes(ctx, ids, Selection::Below(ctx))
        }),
        "produto" => compras.one(|ctx, compras| {
            let ids = compras.iter().map(|compra| compra.row.produto).collect();
            G::produtos(ctx, ids, Selection::Below(ctx))
        }),
    }
}

impl<G: Graph> Compra<G> {
    fn cost(&self) -> Decimal {
        Decimal(self.row.preco_unitario.0 * rust_decimal::Decimal::from(self.row.quantidade))
    }

    /// The purchase of a row that has been read.
    #[must_use]
    pub fn of(row: Arc<Registro>) -> Self {
        Self { row, graph: PhantomData }
    }

    /// The purchase with this id: one load.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(ctx: &Context<'_>, id: CompraId) -> GraphResult<Option<Self>> {
        let store = ctx.data_unchecked::<Inventario>();
        Ok(store.por_id.load(ctx.scope(), id).await?.map(Self::of))
    }

    /// Its edge in a connection by moment, whose order is named `order`.
    pub(super) fn edge(order: &'static str, row: Arc<Registro>) -> Edge<Self> {
        let cursor = Cursor::new(order, SortKey::Moment(row.adquirido_em), row.id.0);
        Edge { cursor, node: Self::of(row) }
    }

    /// What the interface `Node` asks for.
    ///
    /// # Errors
    /// None.
    #[expect(clippy::unused_async, reason = "the interface awaits it")]
    pub async fn id(&self, _: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(self.row.id.to_id())
    }
}

/// A page of the purchases of each of these clients or products, newest first.
async fn compras_of<G: Graph>(
    ctx: &Context<'_>,
    side: Side,
    parents: Vec<u64>,
    args: PageArgs,
) -> GraphResult<Vec<Option<Connection<Compra<G>>>>> {
    let order = newest_first(match side {
        Side::Cliente => "Cliente.compras.MAIS_RECENTES",
        Side::Produto => "Produto.compras.MAIS_RECENTES",
    });
    let page = Page::new(&args, order.name, order.kind)?;
    let sides = &ctx.data_unchecked::<Inventario>().sides;
    let pages: Vec<_> = parents.iter().map(|parent| PageKey::new(*parent, &page, order.descending)).collect();
    let found = sides.compras(side, ctx.scope(), &pages).await?;
    let connection = |(parent, rows): (u64, Option<Vec<Arc<Registro>>>)| {
        let slice = page.slice(rows.unwrap_or_default());
        Connection::new(slice, total_of(sides, side, parent), |row| Compra::edge(order.name, row))
    };
    Ok(parents.into_iter().zip(found).map(connection).map(Some).collect())
}

/// How many purchases a client or product has.
fn total_of(sides: &Arc<Sides>, side: Side, parent: u64) -> Total {
    let sides = Arc::clone(sides);
    Total::new(move |scope| {
        let sides = Arc::clone(&sides);
        async move {
            let resumo = sides.resumos(side, &scope, &[parent]).await?.pop().flatten();
            Ok(resumo.map_or(0, |resumo| resumo.compras))
        }
    })
}

/// The purchases of each of these clients or products, summed up.
async fn resumos_of(ctx: &Context<'_>, side: Side, parents: Vec<u64>) -> GraphResult<Vec<Option<Resumo>>> {
    let sides = &ctx.data_unchecked::<Inventario>().sides;
    let found = sides.resumos(side, ctx.scope(), &parents).await?;
    Ok(found.into_iter().map(|resumo| Some(resumo.unwrap_or_default())).collect())
}

/// A client's purchases.
pub struct ClienteInventario<G> {
    cliente: ClienteId,
    graph: PhantomData<fn() -> G>,
}

#[Object]
impl<G: Graph> ClienteInventario<G> {
    /// The client's purchases, newest first (by `adquiridoEm`, then by id); null, with an error, when the
    /// store `inventario` is down.
    #[graphql(directive = paged::apply())]
    async fn compras(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
    ) -> StoreField<Walked<Connection<Compra<G>>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::only(compras_of(ctx, Side::Cliente, vec![self.cliente.0], args)).await
    }

    /// The distinct products that the client has bought, by product id; null,
    /// with an error, when the store `inventario` is down.
    #[graphql(directive = paged::apply())]
    async fn produtos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
    ) -> StoreField<Walked<ProdutosAdquiridos<G>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::only(ProdutosAdquiridos::paginate(ctx, vec![self.cliente], args)).await
    }

    /// All purchases of the client, summed up.
    async fn resumo_compras(&self, ctx: &Context<'_>) -> StoreField<Walked<Resumo>> {
        StoreField::only(resumos_of(ctx, Side::Cliente, vec![self.cliente.0])).await
    }
}

ready! {
    impl{G: Graph} ClienteInventario<G>, |cliente, request| {}
    leads |clientes| {
        "compras" => {
            let args = PageArgs::of(&clientes)?;
            clientes.one(|ctx, clientes| {
                let ids = clientes.iter().map(|cliente| cliente.cliente.0).collect();
                compras_of::<G>(ctx, Side::Cliente, ids, args)
            })
        },
        "produtos" => {
            let args = PageArgs::of(&clientes)?;
            clientes.one(|ctx, clientes| {
                let ids = clientes.iter().map(|cliente| cliente.cliente).collect();
                ProdutosAdquiridos::<G>::paginate(ctx, ids, args)
            })
        },
        "resumoCompras" => clientes.one(|ctx, clientes| {
            resumos_of(ctx, Side::Cliente, clientes.iter().map(|cliente| cliente.cliente.0).collect())
        }),
    }
}

impl<G> ClienteInventario<G> {
    /// The part of the client with this id: free.
    #[must_use]
    pub fn with_id(cliente: ClienteId) -> Self {
        Self { cliente, graph: PhantomData }
    }
}

/// A product's sales.
pub struct ProdutoInventario<G> {
    produto: ProdutoId,
    graph: PhantomData<fn() -> G>,
}

#[Object]
impl<G: Graph> ProdutoInventario<G> {
    /// The purchases of this product, newest first (by `adquiridoEm`, then by id); null, with an error, when
    /// the store `inventario` is down.
    #[graphql(directive = paged::apply())]
    async fn compras(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
    ) -> StoreField<Walked<Connection<Compra<G>>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::only(compras_of(ctx, Side::Produto, vec![self.produto.0], args)).await
    }

    /// All purchases of the product, summed up.
    async fn resumo_vendas(&self, ctx: &Context<'_>) -> StoreField<Walked<Resumo>> {
        StoreField::only(resumos_of(ctx, Side::Produto, vec![self.produto.0])).await
    }
}

ready! {
    impl{G: Graph} ProdutoInventario<G>, |produto, request| {}
    leads |produtos| {
        "compras" => {
            let args = PageArgs::of(&produtos)?;
            produtos.one(|ctx, produtos| {
                let ids = produtos.iter().map(|produto| produto.produto.0).collect();
                compras_of::<G>(ctx, Side::Produto, ids, args)
            })
        },
        "resumoVendas" => produtos.one(|ctx, produtos| {
            resumos_of(ctx, Side::Produto, produtos.iter().map(|produto| produto.produto.0).collect())
        }),
    }
}

impl<G> ProdutoInventario<G> {
    /// The part of the product with this id: free.
    #[must_use]
    pub fn with_id(produto: ProdutoId) -> Self {
        Self { produto, graph: PhantomData }
    }
}

/// Purchases summed up.
#[Object(name = "ResumoCompras")]
impl Resumo {
    /// How many purchases.
    async fn compras(&self) -> u64 {
        self.compras
    }

    /// How many units, over all purchases.
    async fn unidades(&self) -> u64 {
        self.unidades
    }

    /// What they cost in all.
    async fn total(&self) -> Decimal {
        self.sum()
    }

    /// When the first was made; null when there is none.
    async fn primeira_em(&self) -> Option<DateTime> {
        self.primeira
    }

    /// When the latest was made; null when there is none.
    async fn ultima_em(&self) -> Option<DateTime> {
        self.ultima
    }
}

impl Resumo {
    fn sum(&self) -> Decimal {
        self.total.unwrap_or(Decimal(rust_decimal::Decimal::new(0, 2)))
    }
}

ready! {
    impl Resumo, |resumo, request| {
        "compras" => resumo.compras,
        "unidades" => resumo.unidades,
        "total" => resumo.sum(),
        "primeiraEm" => resumo.primeira,
        "ultimaEm" => resumo.ultima,
    }
}
