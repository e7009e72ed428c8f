//! How a store refers to another store's type: by key, through [`Graph`]. In the
//! merged schema the reference becomes the whole object, loaded; in a subgraph
//! it becomes a stub that holds the key, which a federation router completes.

use std::future::Future;
use std::marker::PhantomData;

use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, ID, Object};

use crate::kernel::GraphResult;
use crate::kernel::scalars::Decimal;
use crate::relay::{ClienteId, GlobalId as _, ProdutoId};

/// What references to the entities with several owners become.
pub trait Graph: Send + Sync + Sized + 'static {
    /// The type `Cliente` of this schema.
    type Cliente: ContainerType;
    /// The type `Produto` of this schema.
    type Produto: ContainerType;

    /// A client by key; `None` when it does not exist, as far as this schema
    /// can know.
    fn cliente(
        ctx: &Context<'_>,
        id: ClienteId,
    ) -> impl Future<Output = GraphResult<Option<Self::Cliente>>> + Send;

    /// A product by key, likewise.
    fn produto(
        ctx: &Context<'_>,
        id: ProdutoId,
    ) -> impl Future<Output = GraphResult<Option<Self::Produto>>> + Send;
}

/// What a purchase must know of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oferta {
    /// The price of one, now.
    pub preco: Decimal,
    /// Whether it can be bought.
    pub disponivel: bool,
}

/// A schema that knows for what price each product is sold.
pub trait Offers: Graph {
    /// The offer of a product; `None` when it does not exist.
    fn oferta(ctx: &Context<'_>, id: ProdutoId) -> impl Future<Output = GraphResult<Option<Oferta>>> + Send;
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

/// The part of every `Produto` that holds its key.
pub struct ChaveProduto(pub ProdutoId);

#[Object]
impl ChaveProduto {
    /// Global id, as in `produto_3`.
    async fn id(&self) -> ID {
        self.0.to_id()
    }
}

/// The entity resolver for `Cliente`, the same in every subgraph that has part
/// of it.
pub struct ClienteEntity<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> ClienteEntity<G> {
    #[graphql(entity)]
    async fn cliente_by_id(&self, ctx: &Context<'_>, id: ID) -> GraphResult<Option<G::Cliente>> {
        // One unreadable key must not null the whole list of entities.
        match ClienteId::parse("id", &id) {
            Ok(id) => G::cliente(ctx, id).await,
            Err(_) => Ok(None),
        }
    }
}

/// The entity resolver for `Produto`, likewise.
pub struct ProdutoEntity<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> ProdutoEntity<G> {
    #[graphql(entity)]
    async fn produto_by_id(&self, ctx: &Context<'_>, id: ID) -> GraphResult<Option<G::Produto>> {
        match ProdutoId::parse("id", &id) {
            Ok(id) => G::produto(ctx, id).await,
            Err(_) => Ok(None),
        }
    }
}
