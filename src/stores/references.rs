//! How a store refers to another store's type: by key, through [`Graph`]. In the
//! merged schema the reference becomes the whole object, loaded; in a subgraph
//! it becomes a stub that holds the key, which a federation router completes. And what a write
//! must know of another store before it begins: through [`Siblings`].

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, ID, Object};
use futures_util::future::BoxFuture;

use crate::batching::Scope;
use crate::db::StoreError;
use crate::executor::{Entity, Ready, Selection, ready};
use crate::kernel::GraphResult;
use crate::kernel::scalars::Decimal;
use crate::relay::{ClienteId, GlobalId as _, ProdutoId};

/// The argument in which a router asks for entities, for sentences about an id in it.
pub(super) const REPRESENTATIONS: &str = "representations";

/// What references to the entities with several owners become.
pub trait Graph: Send + Sync + Sized + 'static {
    /// The type `Cliente` of this schema.
    type Cliente: ContainerType + Ready + 'static;
    /// The type `Produto` of this schema.
    type Produto: ContainerType + Ready + 'static;

    /// Clients by key, in this order, as far as is selected; `None` where one does not exist, as
    /// far as this schema can know.
    fn clientes(
        ctx: &Context<'_>,
        ids: Vec<ClienteId>,
        selection: Selection<'_>,
    ) -> impl Future<Output = GraphResult<Vec<Option<Self::Cliente>>>> + Send;

    /// Products by key, likewise.
    fn produtos(
        ctx: &Context<'_>,
        ids: Vec<ProdutoId>,
        selection: Selection<'_>,
    ) -> impl Future<Output = GraphResult<Vec<Option<Self::Produto>>>> + Send;

    /// A single client, for the field that answers it.
    #[must_use]
    fn cliente(
        ctx: &Context<'_>,
        id: ClienteId,
    ) -> impl Future<Output = GraphResult<Option<Self::Cliente>>> + Send {
        async move { Ok(Self::clientes(ctx, vec![id], Selection::Below(ctx)).await?.pop().flatten()) }
    }

    /// A single product, likewise.
    #[must_use]
    fn produto(
        ctx: &Context<'_>,
        id: ProdutoId,
    ) -> impl Future<Output = GraphResult<Option<Self::Produto>>> + Send {
        async move { Ok(Self::produtos(ctx, vec![id], Selection::Below(ctx)).await?.pop().flatten()) }
    }
}

/// What a purchase must know of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oferta {
    /// The price of one, now.
    pub preco: Decimal,
    /// Whether it can be bought.
    pub disponivel: bool,
}

/// What a write must know of other stores, wherever these are.
pub trait Siblings: Send + Sync {
    /// Whether there is such a client.
    fn has_cliente<'a>(
        &'a self,
        scope: &'a Arc<Scope>,
        id: ClienteId,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The offer of a product; `None` when it does not exist.
    fn oferta<'a>(
        &'a self,
        scope: &'a Arc<Scope>,
        id: ProdutoId,
    ) -> BoxFuture<'a, Result<Option<Oferta>, StoreError>>;
}

/// Those of the schema.
#[must_use]
pub fn siblings<'a>(ctx: &Context<'a>) -> &'a dyn Siblings {
    &**ctx.data_unchecked::<Arc<dyn Siblings>>()
}

/// The part of every `Cliente` that holds its key.
pub struct ChaveCliente(pub ClienteId);

#[Object]
impl ChaveCliente {
    /// Global id, as in `cliente_42`.
    async fn id(&self) -> ID {
        self.0.to_id()
    }
}

ready! {
    impl ChaveCliente, |cliente, request| {
        "id" => cliente.0,
    }
}

/// The part of every `Produto` that holds its key.
pub struct ChaveProduto(pub ProdutoId);

#[Object]
impl ChaveProduto {
    /// Global id, as in `produto_3`.
    async fn id(&self) -> ID {
        self.0.to_id()
    }
}

ready! {
    impl ChaveProduto, |produto, request| {
        "id" => produto.0,
    }
}

/// `Cliente`, as a router asks for it: the same in every schema that has part of it.
pub struct ClienteEntity<G>(PhantomData<fn() -> G>);

impl<G: Graph> Entity for ClienteEntity<G> {
    type Object = G::Cliente;

    async fn fetch(ctx: &Context<'_>, id: &str) -> GraphResult<Option<G::Cliente>> {
        G::cliente(ctx, ClienteId::parse(REPRESENTATIONS, id)?).await
    }
}

/// `Produto`, likewise.
pub struct ProdutoEntity<G>(PhantomData<fn() -> G>);

impl<G: Graph> Entity for ProdutoEntity<G> {
    type Object = G::Produto;

    async fn fetch(ctx: &Context<'_>, id: &str) -> GraphResult<Option<G::Produto>> {
        G::produto(ctx, ProdutoId::parse(REPRESENTATIONS, id)?).await
    }
}
