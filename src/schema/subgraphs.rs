//! Each store as a subgraph of its own (Apollo Federation v2): the same parts
//! as in the merged schema, fewer at a time. A reference to another store's
//! entity is a stub that holds its key, which a router completes. What is written is written
//! in the subgraph of the store that it is written to; what that must know of others or leaves
//! to be done there goes to the siblings (`peers/`).

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, MergedObject, ObjectType, Schema, SchemaBuilder,
};

use super::{SchemaError, Served, composed_sdl, nos, prepared};
use crate::config::Subgraph;
use crate::db::{Db, PerStore, Store};
use crate::executor::{Entities, Federated, Keyed, Selection, ServiceSdl, parts};
use crate::kernel::GraphResult;
use crate::peers::{Known, Remote};
use crate::relay::{ClienteId, ProdutoId};
use crate::removal::{RemocaoDeCliente, RemocaoDeProduto, Removals};
use crate::stores::acessos::Acessos;
use crate::stores::catalogo::{
    Catalogo, ConsultasCatalogo, Item, MutacoesCatalogo, OwnsProdutos, ProdutoCatalogo,
};
use crate::stores::clientes::{
    Cadastro, ClienteCadastro, Clientes, ConsultasClientes, MutacoesClientes, OwnsClientes,
};
use crate::stores::enderecos::{
    ClienteEnderecos, ConsultasEnderecos, EnderecoEntity, Enderecos, MutacoesEnderecos,
};
use crate::stores::inventario::{
    ClienteInventario, CompraEntity, ConsultasInventario, Inventario, MutacoesInventario, ProdutoInventario,
};
use crate::stores::references::{ChaveCliente, ChaveProduto, ClienteEntity, Graph, ProdutoEntity, Siblings};

/// A type that this subgraph never mentions.
type Unused = EmptyMutation;

/// A subgraph before it has a store to ask.
type Builder<Q, M> = SchemaBuilder<Q, M, EmptySubscription>;

fn builder<Q: ObjectType + 'static, M: ObjectType + 'static>(query: Q, mutation: M) -> Builder<Q, M> {
    prepared(Schema::build(query, mutation, EmptySubscription))
}

/// What is needed to serve a subgraph.
pub struct Parts<'a> {
    /// Its database; `nos` has none.
    pub db: Option<Db>,
    /// The siblings that its writes need.
    pub siblings: &'a PerStore<Option<Remote>>,
    /// What removals leave to be done.
    pub removals: &'a Arc<Removals>,
    /// Who asks what.
    pub acessos: &'a Acessos,
}

/// What is composed of the subgraph of a store.
pub(super) fn sdl(store: Store) -> String {
    match store {
        Store::Clientes => composed_sdl(&clientes(Keyed::default()).finish()),
        Store::Enderecos => composed_sdl(&enderecos(Keyed::default()).finish()),
        Store::Catalogo => composed_sdl(&catalogo(Keyed::default()).finish()),
        Store::Inventario => composed_sdl(&inventario(Keyed::default()).finish()),
    }
}

/// A subgraph over its store.
///
/// # Errors
/// [`SchemaError`]: a bug of ours, as where there is no database.
pub fn serve(subgraph: Subgraph, parts: &Parts<'_>) -> Result<Served, SchemaError> {
    let Some(store) = subgraph.store() else {
        return nos::serve(parts.removals, parts.acessos);
    };
    let Some(db) = &parts.db else { return Err(SchemaError(format!("no database for {store}"))) };
    let to_compose: Arc<str> = Arc::from(sdl(store));
    let known: Arc<dyn Siblings> = Arc::new(Known::there(parts.siblings));
    match store {
        Store::Clientes => {
            let handle = Clientes::new(db.clone());
            served(&to_compose, || {
                let built = clientes(Federated::default()).data(handle.clone());
                built.data(Arc::clone(parts.removals))
            })
        }
        Store::Enderecos => {
            let handle = Enderecos::new(db.clone());
            served(&to_compose, || {
                enderecos(Federated::default()).data(handle.clone()).data(Arc::clone(&known))
            })
        }
        Store::Catalogo => {
            let handle = Catalogo::new(db.clone());
            served(&to_compose, || catalogo(Federated::default()).data(handle.clone()))
        }
        Store::Inventario => {
            let handle = Inventario::new(db.clone());
            served(&to_compose, || {
                let built = inventario(Federated::default()).data(handle.clone()).data(Arc::clone(&known));
                built.data(Arc::clone(parts.removals))
            })
        }
    }
}

/// The root fields of a federation with these entities: as they are executed, or as they are
/// composed.
trait ForFederation<E>: ObjectType + 'static {}

impl<E: Entities> ForFederation<E> for Federated<E> {}
impl<E: Entities> ForFederation<E> for Keyed<E> {}

fn served<Q: ObjectType + 'static, M: ObjectType + 'static>(
    to_compose: &Arc<str>,
    build: impl Fn() -> Builder<Q, M>,
) -> Result<Served, SchemaError> {
    Served::new(to_compose.to_string(), || build().data(ServiceSdl(Arc::clone(to_compose))))
}

// clientes ---------------------------------------------------------------------------------------

/// The store `clientes` alone.
pub struct OnlyClientes;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfClientes(ChaveCliente, ClienteCadastro);

parts!(ClienteOfClientes { 0: ChaveCliente, 1: ClienteCadastro });

impl Graph for OnlyClientes {
    type Cliente = ClienteOfClientes;
    type Produto = Unused;

    async fn clientes(
        ctx: &Context<'_>,
        ids: Vec<ClienteId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<ClienteOfClientes>>> {
        let found = Clientes::fetch(ctx, ids, selection).await?;
        Ok(found.into_iter().map(|row| row.map(Self::cliente_of)).collect())
    }

    async fn produtos(
        _: &Context<'_>,
        ids: Vec<ProdutoId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<Unused>>> {
        Ok(ids.iter().map(|_| None).collect())
    }
}

impl OwnsClientes for OnlyClientes {
    fn cliente_of(row: Arc<Cadastro>) -> ClienteOfClientes {
        ClienteOfClientes(ChaveCliente(row.id), ClienteCadastro(row))
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfClientes<F: ObjectType>(ConsultasClientes<OnlyClientes>, F);

/// Everything that can be changed, by users with the papel EDITOR or ADMIN.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub struct MutationOfClientes(MutacoesClientes<OnlyClientes>, RemocaoDeCliente<OnlyClientes>);

type EntitiesOfClientes = (ClienteEntity<OnlyClientes>,);

/// The subgraph `clientes`.
fn clientes<F: ForFederation<EntitiesOfClientes>>(
    federation: F,
) -> Builder<QueryOfClientes<F>, MutationOfClientes> {
    builder(
        QueryOfClientes(ConsultasClientes(PhantomData), federation),
        MutationOfClientes(MutacoesClientes(PhantomData), RemocaoDeCliente(PhantomData)),
    )
}

// enderecos --------------------------------------------------------------------------------------

/// The store `enderecos` alone.
pub struct OnlyEnderecos;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfEnderecos(ChaveCliente, ClienteEnderecos<OnlyEnderecos>);

parts!(ClienteOfEnderecos { 0: ChaveCliente, 1: ClienteEnderecos<OnlyEnderecos> });

impl Graph for OnlyEnderecos {
    type Cliente = ClienteOfEnderecos;
    type Produto = Unused;

    async fn clientes(
        _: &Context<'_>,
        ids: Vec<ClienteId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<ClienteOfEnderecos>>> {
        let stub = |id| ClienteOfEnderecos(ChaveCliente(id), ClienteEnderecos::with_id(id));
        Ok(ids.into_iter().map(|id| Some(stub(id))).collect())
    }

    async fn produtos(
        _: &Context<'_>,
        ids: Vec<ProdutoId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<Unused>>> {
        Ok(ids.iter().map(|_| None).collect())
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfEnderecos<F: ObjectType>(ConsultasEnderecos<OnlyEnderecos>, F);

/// Everything that can be changed, by users with the papel EDITOR or ADMIN.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub struct MutationOfEnderecos(MutacoesEnderecos<OnlyEnderecos>);

type EntitiesOfEnderecos = (ClienteEntity<OnlyEnderecos>, EnderecoEntity<OnlyEnderecos>);

/// The subgraph `enderecos`.
fn enderecos<F: ForFederation<EntitiesOfEnderecos>>(
    federation: F,
) -> Builder<QueryOfEnderecos<F>, MutationOfEnderecos> {
    builder(
        QueryOfEnderecos(ConsultasEnderecos(PhantomData), federation),
        MutationOfEnderecos(MutacoesEnderecos(PhantomData)),
    )
}

// catalogo ---------------------------------------------------------------------------------------

/// The store `catalogo` alone.
pub struct OnlyCatalogo;

/// A product of the shop: what it is and how it sells.
#[derive(MergedObject)]
#[graphql(name = "Produto")]
pub struct ProdutoOfCatalogo(ChaveProduto, ProdutoCatalogo);

parts!(ProdutoOfCatalogo { 0: ChaveProduto, 1: ProdutoCatalogo });

impl Graph for OnlyCatalogo {
    type Cliente = Unused;
    type Produto = ProdutoOfCatalogo;

    async fn clientes(
        _: &Context<'_>,
        ids: Vec<ClienteId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<Unused>>> {
        Ok(ids.iter().map(|_| None).collect())
    }

    async fn produtos(
        ctx: &Context<'_>,
        ids: Vec<ProdutoId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<ProdutoOfCatalogo>>> {
        let found = Catalogo::fetch(ctx, ids, selection).await?;
        Ok(found.into_iter().map(|row| row.map(Self::produto_of)).collect())
    }
}

impl OwnsProdutos for OnlyCatalogo {
    fn produto_of(row: Arc<Item>) -> ProdutoOfCatalogo {
        ProdutoOfCatalogo(ChaveProduto(row.id), ProdutoCatalogo(row))
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfCatalogo<F: ObjectType>(ConsultasCatalogo<OnlyCatalogo>, F);

/// Everything that can be changed, by users with the papel EDITOR or ADMIN.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub struct MutationOfCatalogo(MutacoesCatalogo<OnlyCatalogo>);

type EntitiesOfCatalogo = (ProdutoEntity<OnlyCatalogo>,);

/// The subgraph `catalogo`.
fn catalogo<F: ForFederation<EntitiesOfCatalogo>>(
    federation: F,
) -> Builder<QueryOfCatalogo<F>, MutationOfCatalogo> {
    builder(
        QueryOfCatalogo(ConsultasCatalogo(PhantomData), federation),
        MutationOfCatalogo(MutacoesCatalogo(PhantomData)),
    )
}

// inventario -------------------------------------------------------------------------------------

/// The store `inventario` alone.
pub struct OnlyInventario;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfInventario(ChaveCliente, ClienteInventario<OnlyInventario>);

parts!(ClienteOfInventario { 0: ChaveCliente, 1: ClienteInventario<OnlyInventario> });

/// A product of the shop: what it is and how it sells.
#[derive(MergedObject)]
#[graphql(name = "Produto")]
pub struct ProdutoOfInventario(ChaveProduto, ProdutoInventario<OnlyInventario>);

parts!(ProdutoOfInventario { 0: ChaveProduto, 1: ProdutoInventario<OnlyInventario> });

impl Graph for OnlyInventario {
    type Cliente = ClienteOfInventario;
    type Produto = ProdutoOfInventario;

    async fn clientes(
        _: &Context<'_>,
        ids: Vec<ClienteId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<ClienteOfInventario>>> {
        let stub = |id| ClienteOfInventario(ChaveCliente(id), ClienteInventario::with_id(id));
        Ok(ids.into_iter().map(|id| Some(stub(id))).collect())
    }

    async fn produtos(
        _: &Context<'_>,
        ids: Vec<ProdutoId>,
        _: Selection<'_>,
    ) -> GraphResult<Vec<Option<ProdutoOfInventario>>> {
        let stub = |id| ProdutoOfInventario(ChaveProduto(id), ProdutoInventario::with_id(id));
        Ok(ids.into_iter().map(|id| Some(stub(id))).collect())
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfInventario<F: ObjectType>(ConsultasInventario<OnlyInventario>, F);

/// Everything that can be changed, by users with the papel EDITOR or ADMIN.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub struct MutationOfInventario(MutacoesInventario<OnlyInventario>, RemocaoDeProduto<OnlyInventario>);

type EntitiesOfInventario =
    (ClienteEntity<OnlyInventario>, ProdutoEntity<OnlyInventario>, CompraEntity<OnlyInventario>);

/// The subgraph `inventario`.
fn inventario<F: ForFederation<EntitiesOfInventario>>(
    federation: F,
) -> Builder<QueryOfInventario<F>, MutationOfInventario> {
    builder(
        QueryOfInventario(ConsultasInventario(PhantomData), federation),
        MutationOfInventario(MutacoesInventario(PhantomData), RemocaoDeProduto(PhantomData)),
    )
}

/// Without a store to ask.
#[cfg(test)]
pub(super) fn sample() -> Served {
    served(&Arc::from(sdl(Store::Enderecos)), || enderecos(Federated::default())).expect("a valid schema")
}
