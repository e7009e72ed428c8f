//! Each store as a subgraph of its own (Apollo Federation v2): the same parts
//! as in the merged schema, fewer at a time. A reference to another store's
//! entity is a stub that holds its key, which a router completes.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, EmptyMutation, MergedObject};

use super::{Builder, builder};
use crate::kernel::GraphResult;
use crate::relay::{ClienteId, ProdutoId};
use crate::stores::catalogo::{Catalogo, ConsultasCatalogo, Item, OwnsProdutos, ProdutoCatalogo};
use crate::stores::clientes::{Cadastro, ClienteCadastro, Clientes, ConsultasClientes, OwnsClientes};
use crate::stores::enderecos::{ClienteEnderecos, ConsultasEnderecos, EnderecoEntity};
use crate::stores::inventario::{ClienteInventario, CompraEntity, ConsultasInventario, ProdutoInventario};
use crate::stores::references::{ChaveCliente, ChaveProduto, ClienteEntity, Graph, ProdutoEntity};

/// A type that this subgraph never mentions.
type Unused = EmptyMutation;

// clientes ---------------------------------------------------------------------------------------

/// The store `clientes` alone.
pub struct OnlyClientes;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfClientes(ChaveCliente, ClienteCadastro);

impl Graph for OnlyClientes {
    type Cliente = ClienteOfClientes;
    type Produto = Unused;

    async fn cliente(ctx: &Context<'_>, id: ClienteId) -> GraphResult<Option<ClienteOfClientes>> {
        Ok(Clientes::fetch(ctx, id).await?.map(Self::cliente_of))
    }

    async fn produto(_: &Context<'_>, _: ProdutoId) -> GraphResult<Option<Unused>> {
        Ok(None)
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
pub struct QueryOfClientes(ConsultasClientes<OnlyClientes>, ClienteEntity<OnlyClientes>);

/// The subgraph `clientes`.
pub(super) fn clientes() -> Builder<QueryOfClientes> {
    builder(QueryOfClientes(ConsultasClientes(PhantomData), ClienteEntity(PhantomData)))
}

// enderecos --------------------------------------------------------------------------------------

/// The store `enderecos` alone.
pub struct OnlyEnderecos;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfEnderecos(ChaveCliente, ClienteEnderecos<OnlyEnderecos>);

impl Graph for OnlyEnderecos {
    type Cliente = ClienteOfEnderecos;
    type Produto = Unused;

    async fn cliente(_: &Context<'_>, id: ClienteId) -> GraphResult<Option<ClienteOfEnderecos>> {
        Ok(Some(ClienteOfEnderecos(ChaveCliente(id), ClienteEnderecos::with_id(id))))
    }

    async fn produto(_: &Context<'_>, _: ProdutoId) -> GraphResult<Option<Unused>> {
        Ok(None)
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfEnderecos(
    ConsultasEnderecos<OnlyEnderecos>,
    ClienteEntity<OnlyEnderecos>,
    EnderecoEntity<OnlyEnderecos>,
);

/// The subgraph `enderecos`.
pub(super) fn enderecos() -> Builder<QueryOfEnderecos> {
    builder(QueryOfEnderecos(
        ConsultasEnderecos(PhantomData),
        ClienteEntity(PhantomData),
        EnderecoEntity(PhantomData),
    ))
}

// catalogo ---------------------------------------------------------------------------------------

/// The store `catalogo` alone.
pub struct OnlyCatalogo;

/// A product of the shop: what it is and how it sells.
#[derive(MergedObject)]
#[graphql(name = "Produto")]
pub struct ProdutoOfCatalogo(ChaveProduto, ProdutoCatalogo);

impl Graph for OnlyCatalogo {
    type Cliente = Unused;
    type Produto = ProdutoOfCatalogo;

    async fn cliente(_: &Context<'_>, _: ClienteId) -> GraphResult<Option<Unused>> {
        Ok(None)
    }

    async fn produto(ctx: &Context<'_>, id: ProdutoId) -> GraphResult<Option<ProdutoOfCatalogo>> {
        Ok(Catalogo::fetch(ctx, id).await?.map(Self::produto_of))
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
pub struct QueryOfCatalogo(ConsultasCatalogo<OnlyCatalogo>, ProdutoEntity<OnlyCatalogo>);

/// The subgraph `catalogo`.
pub(super) fn catalogo() -> Builder<QueryOfCatalogo> {
    builder(QueryOfCatalogo(ConsultasCatalogo(PhantomData), ProdutoEntity(PhantomData)))
}

// inventario -------------------------------------------------------------------------------------

/// The store `inventario` alone.
pub struct OnlyInventario;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct ClienteOfInventario(ChaveCliente, ClienteInventario<OnlyInventario>);

/// A product of the shop: what it is and how it sells.
#[derive(MergedObject)]
#[graphql(name = "Produto")]
pub struct ProdutoOfInventario(ChaveProduto, ProdutoInventario<OnlyInventario>);

impl Graph for OnlyInventario {
    type Cliente = ClienteOfInventario;
    type Produto = ProdutoOfInventario;

    async fn cliente(_: &Context<'_>, id: ClienteId) -> GraphResult<Option<ClienteOfInventario>> {
        Ok(Some(ClienteOfInventario(ChaveCliente(id), ClienteInventario::with_id(id))))
    }

    async fn produto(_: &Context<'_>, id: ProdutoId) -> GraphResult<Option<ProdutoOfInventario>> {
        Ok(Some(ProdutoOfInventario(ChaveProduto(id), ProdutoInventario::with_id(id))))
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfInventario(
    ConsultasInventario<OnlyInventario>,
    ClienteEntity<OnlyInventario>,
    ProdutoEntity<OnlyInventario>,
    CompraEntity<OnlyInventario>,
);

/// The subgraph `inventario`.
pub(super) fn inventario() -> Builder<QueryOfInventario> {
    builder(QueryOfInventario(
        ConsultasInventario(PhantomData),
        ClienteEntity(PhantomData),
        ProdutoEntity(PhantomData),
        CompraEntity(PhantomData),
    ))
}
