//! `nos`: the store-less subgraph that maps a global id to its type, so that
//! `node` and `nodes` work in a federation (no store may define them alone), that says who
//! asks, and who has asked what.

use std::sync::Arc;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, ID, Interface, MergedObject, MergedObjectTail, Object,
    ObjectType, Schema, SchemaBuilder, SimpleObject,
};

use super::merged::MOST_NODES;
use super::{SchemaError, Served, composed_sdl, prepared};
use crate::executor::{Described, ServiceSdl};
use crate::kernel::sizes::one_each;
use crate::kernel::{ContextExt as _, GraphResult, Requester};
use crate::relay::{AnyId, GlobalId as _};
use crate::removal::Removals;
use crate::stores::acessos::{Acessos, ConsultasAcessos};

/// A client of the shop: who they are, where they live, what they bought.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub struct Cliente {
    /// Global id, as in `cliente_42`.
    id: ID,
}

/// An address of a client.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub struct Endereco {
    /// Global id, as in `endereco_7`.
    id: ID,
}

/// A product of the shop: what it is and how it sells.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub struct Produto {
    /// Global id, as in `produto_3`.
    id: ID,
}

/// A client bought a product.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub struct Compra {
    /// Global id, as in `compra_99`.
    id: ID,
}

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "&ID",
    desc = "Global id: `cliente_42`, `endereco_7`, `produto_3`, `compra_99`."
))]
pub enum Node {
    /// A client.
    Cliente(Cliente),
    /// An address.
    Endereco(Endereco),
    /// A product.
    Produto(Produto),
    /// A purchase.
    Compra(Compra),
}

impl Node {
    /// The stub with this id: free.
    fn with_id(argument: &str, id: &str) -> GraphResult<Self> {
        Ok(match AnyId::parse(argument, id)? {
            AnyId::Cliente(id) => Self::Cliente(Cliente { id: id.to_id() }),
            AnyId::Endereco(id) => Self::Endereco(Endereco { id: id.to_id() }),
            AnyId::Produto(id) => Self::Produto(Produto { id: id.to_id() }),
            AnyId::Compra(id) => Self::Compra(Compra { id: id.to_id() }),
        })
    }
}

/// The root fields of no store.
#[derive(Default)]
pub struct ConsultasDeNos;

#[Object]
impl ConsultasDeNos {
    /// Anything by its global id; null when it does not exist.
    async fn node(
        &self,
        #[graphql(desc = "With its prefix, as in `cliente_42`.")] id: ID,
    ) -> Option<GraphResult<Node>> {
        Some(Node::with_id("id", &id))
    }

    /// Many things by their global ids, in the order asked; null where one does
    /// not exist.
    #[graphql(directive = one_each::apply("ids", MOST_NODES))]
    async fn nodes(
        &self,
        #[graphql(desc = "At most 100.")] ids: Vec<ID>,
    ) -> GraphResult<Vec<Option<GraphResult<Node>>>> {
        Ok(ids.iter().map(|id| Some(Node::with_id("ids", id))).collect())
    }

    /// Who am I, with which papel.
    async fn eu<'ctx>(&self, ctx: &Context<'ctx>) -> &'ctx Requester {
        &ctx.request().requester
    }
}

/// Everything that can be asked.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub struct QueryOfNos<F: ObjectType>(ConsultasDeNos, ConsultasAcessos, F);

fn build<F: ObjectType + 'static>(
    federation: F,
) -> SchemaBuilder<QueryOfNos<F>, EmptyMutation, EmptySubscription> {
    let query = QueryOfNos(ConsultasDeNos, ConsultasAcessos, federation);
    prepared(Schema::build(query, EmptyMutation, EmptySubscription))
}

/// What is composed.
pub(super) fn sdl() -> String {
    // It has no entity of its own, so it must be said.
    composed_sdl(&build(MergedObjectTail).enable_federation().finish())
}

/// The subgraph `nos`.
pub(super) fn serve(removals: &Arc<Removals>, acessos: &Acessos) -> Result<Served, SchemaError> {
    let to_compose: Arc<str> = Arc::from(sdl());
    Served::new(to_compose.to_string(), || {
        let built = build(Described).data(Arc::clone(removals)).data(acessos.clone());
        built.data(ServiceSdl(Arc::clone(&to_compose)))
    })
}
