//! The merged schema: four stores, one graph. What `quarteto serve` serves.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{
    Context, EmptySubscription, ID, Interface, MergedObject, MergedObjectTail, Object, ObjectType, Schema,
    SchemaBuilder,
};
use futures_util::future::join_all;

use super::{SchemaError, Served, composed_sdl, prepared, sdl_of};
use crate::db::{Db, PerStore, Store};
use crate::executor::{Federated, Keyed, Selection, ServiceSdl, parts};
use crate::kernel::sizes::one_each;
use crate::kernel::{ContextExt as _, GraphResult, Requester};
use crate::peers::Known;
use crate::relay::{AnyId, ClienteId, GlobalId as _, ProdutoId};
use crate::removal::{RemocaoDeCliente, RemocaoDeProduto, Removals};
use crate::stores::acessos::{Acessos, ConsultasAcessos};
use crate::stores::catalogo::{
    Catalogo, ConsultasCatalogo, Item, MutacoesCatalogo, OwnsProdutos, ProdutoCatalogo,
};
use crate::stores::clientes::{
    Cadastro, ClienteCadastro, Clientes, ConsultasClientes, MutacoesClientes, OwnsClientes,
};
use crate::stores::enderecos::{
    ClienteEnderecos, ConsultasEnderecos, Endereco, EnderecoEntity, Enderecos, MutacoesEnderecos,
};
use crate::stores::inventario::{
    ClienteInventario, Compra, CompraEntity, ConsultasInventario, Inventario, MutacoesInventario,
    ProdutoInventario,
};
use crate::stores::references::{ChaveCliente, ChaveProduto, ClienteEntity, Graph, ProdutoEntity, Siblings};

/// The mode in which a reference becomes the whole object, loaded.
pub struct Merged;

/// A client of the shop: who they are, where they live, what they bought.
#[derive(MergedObject)]
#[graphql(name = "Cliente")]
pub struct Cliente(ChaveCliente, ClienteCadastro, ClienteEnderecos<Merged>, ClienteInventario<Merged>);

/// A product of the shop: what it is and how it sells.
#[derive(MergedObject)]
#[graphql(name = "Produto")]
pub struct Produto(ChaveProduto, ProdutoCatalogo, ProdutoInventario<Merged>);

parts!(Cliente {
    0: ChaveCliente, 1: ClienteCadastro, 2: ClienteEnderecos<Merged>, 3: ClienteInventario<Merged>
});

parts!(Produto { 0: ChaveProduto, 1: ProdutoCatalogo, 2: ProdutoInventario<Merged> });

impl Cliente {
    /// What the interface `Node` asks for.
    #[expect(clippy::unused_async, reason = "the interface awaits it")]
    async fn id(&self, _: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(self.0.0.to_id())
    }
}

impl Produto {
    /// What the interface `Node` asks for.
    #[expect(clippy::unused_async, reason = "the interface awaits it")]
    async fn id(&self, _: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(self.0.0.to_id())
    }
}

impl Graph for Merged {
    type Cliente = Cliente;
    type Produto = Produto;

    async fn clientes(
        ctx: &Context<'_>,
        ids: Vec<ClienteId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<Cliente>>> {
        let found = Clientes::fetch(ctx, ids, selection).await?;
        Ok(found.into_iter().map(|row| row.map(Self::cliente_of)).collect())
    }

    async fn produtos(
        ctx: &Context<'_>,
        ids: Vec<ProdutoId>,
        selection: Selection<'_>,
    ) -> GraphResult<Vec<Option<Produto>>> {
        let found = Catalogo::fetch(ctx, ids, selection).await?;
        Ok(found.into_iter().map(|row| row.map(Self::produto_of)).collect())
    }
}

impl OwnsClientes for Merged {
    fn cliente_of(row: Arc<Cadastro>) -> Cliente {
        Cliente(
            ChaveCliente(row.id),
            ClienteCadastro(Arc::clone(&row)),
            ClienteEnderecos::with_id(row.id),
            ClienteInventario::with_id(row.id),
        )
    }
}

impl OwnsProdutos for Merged {
    fn produto_of(row: Arc<Item>) -> Produto {
        Produto(ChaveProduto(row.id), ProdutoCatalogo(Arc::clone(&row)), ProdutoInventario::with_id(row.id))
    }
}

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Global id: `cliente_42`, `endereco_7`, `produto_3`, `compra_99`."
))]
pub enum Node {
    /// A client.
    Cliente(Cliente),
    /// An address.
    Endereco(Endereco<Merged>),
    /// A product.
    Produto(Produto),
    /// A purchase.
    Compra(Compra<Merged>),
}

impl Node {
    /// Whatever has this id: one load.
    async fn fetch(ctx: &Context<'_>, argument: &str, id: &str) -> GraphResult<Option<Self>> {
        Ok(match AnyId::parse(argument, id)? {
            AnyId::Cliente(id) => Merged::cliente(ctx, id).await?.map(Self::Cliente),
            AnyId::Endereco(id) => Endereco::fetch(ctx, id).await?.map(Self::Endereco),
            AnyId::Produto(id) => Merged::produto(ctx, id).await?.map(Self::Produto),
            AnyId::Compra(id) => Compra::fetch(ctx, id).await?.map(Self::Compra),
        })
    }
}

/// The most ids that `nodes` takes.
pub(super) const MOST_NODES: u64 = 100;

/// The root fields of no store.
#[derive(Default)]
pub struct ConsultasGerais;

#[Object]
impl ConsultasGerais {
    /// Anything by its global id; null when it does not exist.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With its prefix, as in `cliente_42`.")] id: ID,
    ) -> Option<GraphResult<Node>> {
        Node::fetch(ctx, "id", &id).await.transpose()
    }

    /// Many things by their global ids, in the order asked; null where one does
    /// not exist.
    #[graphql(directive = one_each::apply("ids", MOST_NODES))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] ids: Vec<ID>,
    ) -> GraphResult<Vec<Option<GraphResult<Node>>>> {
        let loads = ids.iter().map(|id| Node::fetch(ctx, "ids", id));
        Ok(join_all(loads).await.into_iter().map(Result::transpose).collect())
    }

    /// Who am I, with which papel.
    async fn eu<'ctx>(&self, ctx: &Context<'ctx>) -> &'ctx Requester {
        &ctx.request().requester
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct Consultas<F: ObjectType>(
    ConsultasGerais,
    ConsultasClientes<Merged>,
    ConsultasEnderecos<Merged>,
    ConsultasCatalogo<Merged>,
    ConsultasInventario<Merged>,
    ConsultasAcessos,
    F,
);

/// What a router may ask for by key.
type Entidades = (ClienteEntity<Merged>, EnderecoEntity<Merged>, ProdutoEntity<Merged>, CompraEntity<Merged>);

/// Everything that can be changed, by users with the papel EDITOR or ADMIN.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutacoes(
    MutacoesClientes<Merged>,
    MutacoesEnderecos<Merged>,
    MutacoesCatalogo<Merged>,
    MutacoesInventario<Merged>,
    RemocaoDeCliente<Merged>,
    RemocaoDeProduto<Merged>,
);

/// The merged schema, without stores to ask: enough for its SDL.
fn build<F: ObjectType + 'static>(federation: F) -> SchemaBuilder<Consultas<F>, Mutacoes, EmptySubscription> {
    let consultas = Consultas(
        ConsultasGerais,
        ConsultasClientes(PhantomData),
        ConsultasEnderecos(PhantomData),
        ConsultasCatalogo(PhantomData),
        ConsultasInventario(PhantomData),
        ConsultasAcessos,
        federation,
    );
    let mutacoes = Mutacoes(
        MutacoesClientes(PhantomData),
        MutacoesEnderecos(PhantomData),
        MutacoesCatalogo(PhantomData),
        MutacoesInventario(PhantomData),
        RemocaoDeCliente(PhantomData),
        RemocaoDeProduto(PhantomData),
    );
    prepared(Schema::build(consultas, mutacoes, EmptySubscription))
}

/// As it is executed.
pub(super) fn executed() -> SchemaBuilder<Consultas<Federated<Entidades>>, Mutacoes, EmptySubscription> {
    build(Federated::default())
}

/// What clients see of it.
pub(super) fn sdl() -> String {
    sdl_of(&build(MergedObjectTail).finish())
}

/// What a larger graph is composed of.
pub(super) fn sdl_to_compose() -> String {
    composed_sdl(&build(Keyed::<Entidades>::default()).finish())
}

/// The merged schema over its stores.
///
/// # Errors
/// [`SchemaError`]: a bug of ours.
pub fn serve(
    databases: &PerStore<Db>,
    removals: &Arc<Removals>,
    acessos: &Acessos,
) -> Result<Served, SchemaError> {
    let clientes = Clientes::new(databases[Store::Clientes].clone());
    let enderecos = Enderecos::new(databases[Store::Enderecos].clone());
    let catalogo = Catalogo::new(databases[Store::Catalogo].clone());
    let inventario = Inventario::new(databases[Store::Inventario].clone());
    let known: Arc<dyn Siblings> = Arc::new(Known::here(clientes.clone(), catalogo.clone()));
    let to_compose: Arc<str> = Arc::from(sdl_to_compose());
    Served::new(sdl(), || {
        let stores = executed().data(clientes.clone()).data(enderecos.clone());
        stores
            .data(catalogo.clone())
            .data(inventario.clone())
            .data(Arc::clone(&known))
            .data(ServiceSdl(Arc::clone(&to_compose)))
            .data(Arc::clone(removals))
            .data(acessos.clone())
    })
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema as Types;
    use apollo_compiler::schema::ExtendedType;

    use super::*;
    use crate::db::Columns;
    use crate::executor::{Reads as _, Ready};
    use crate::relay::{Connection, Edge, PageInfo};
    use crate::schema::samples;
    use crate::stores::inventario::Resumo;

    /// Leaves without arguments of a type.
    fn leaves(types: &Types, name: &str) -> Vec<String> {
        let object = types.get_object(name).unwrap_or_else(|| panic!("{name}"));
        let is_leaf = |name: &str| {
            matches!(types.types.get(name), Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_)))
        };
        let fields = object.fields.values();
        let leaves =
            fields.filter(|field| field.arguments.is_empty() && is_leaf(field.ty.inner_named_type()));
        leaves.map(|field| field.name.to_string()).collect()
    }

    fn sorted(names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort();
        names
    }

    /// Fields of a type that answer objects, which are resolved for many at once or are known not
    /// to be; none is that is not there.
    #[test]
    fn the_fields_that_lead_on_are_resolved_for_many() {
        let served = samples::merged();
        let fields = |name: &str| {
            let object = served.types().get_object(name).unwrap_or_else(|| panic!("{name}"));
            object.fields.keys().map(ToString::to_string).collect::<Vec<_>>()
        };
        type Leads = fn(&str) -> bool;
        for (name, leads, each) in [
            ("Cliente", Cliente::leads as Leads, &[][..]),
            ("Produto", Produto::leads, &[]),
            ("Endereco", Endereco::<Merged>::leads, &[]),
            ("Compra", Compra::<Merged>::leads, &[]),
            ("CompraEdge", Edge::<Compra<Merged>>::leads, &[]),
            ("CompraConnection", Connection::<Compra<Merged>>::leads, &["pageInfo", "total"]),
        ] {
            let leaves = leaves(served.types(), name);
            for field in fields(name) {
                let is_other = leaves.contains(&field) || each.contains(&field.as_str());
                assert!(leads(&field) || is_other, "{name}.{field}");
            }
            assert!(!leads("nothing"), "{name}");
        }
        assert!(Produto::leads("descricao"));
    }

    /// The columns that a field is made of are named where they are read.
    #[test]
    fn the_leaves_of_rows_read_a_column() {
        type Reads = fn(&str) -> Columns;
        for (names, reads) in [
            (ClienteCadastro::names(), ClienteCadastro::reads as Reads),
            (ProdutoCatalogo::names(), ProdutoCatalogo::reads),
            (Endereco::<Merged>::names(), Endereco::<Merged>::reads),
        ] {
            for name in names.into_iter().filter(|name| *name != "id") {
                assert_ne!(reads(name), Columns::KEYS, "{name}");
            }
            assert_eq!(reads("id"), Columns::KEYS);
        }
    }

    /// Each is written or is known to wait for a store; none is written that is not there.
    #[test]
    fn the_leaves_of_the_shops_types_are_ready() {
        let served = samples::merged();
        for (name, ready, waits) in [
            ("Cliente", Cliente::names(), &[][..]),
            ("Produto", Produto::names(), &["descricao"]),
            ("Endereco", Endereco::<Merged>::names(), &[]),
            ("Compra", Compra::<Merged>::names(), &[]),
            ("ResumoCompras", Resumo::names(), &[]),
            ("CompraEdge", Edge::<Compra<Merged>>::names(), &[]),
            ("PageInfo", PageInfo::names(), &[]),
        ] {
            let known = ready.iter().chain(waits).copied();
            assert_eq!(sorted(known), sorted(leaves(served.types(), name)), "{name}");
        }
    }
}
