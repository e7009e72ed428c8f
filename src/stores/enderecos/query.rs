//! Root fields of this store.

use std::marker::PhantomData;
use std::slice::from_ref;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::table::{self, Filter, ORDER};
use super::{Endereco, Enderecos, Uf};
use crate::executor::{Entity, Selection, StoreField, Walked};
use crate::kernel::scalars::Cep;
use crate::kernel::sizes::paged;
use crate::kernel::{ContextExt as _, GraphError, GraphResult};
use crate::relay::{
    ClienteId, Connection, Cursor, Edge, EnderecoId, GlobalId as _, Page, PageArgs, SortKey, Total,
};
use crate::stores::references::{Graph, REPRESENTATIONS};
use crate::text::folded;

/// Which addresses a page holds; conditions combine with AND.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EnderecoFiltro {
    /// Of this client.
    pub cliente: Option<ID>,
    /// In this federal unit.
    pub uf: Option<Uf>,
    /// In this city: the whole name, without regard to case, accents, double blanks and
    /// the kind of apostrophe.
    pub cidade: Option<String>,
    /// With this postal code.
    pub cep: Option<Cep>,
}

impl EnderecoFiltro {
    fn check(self) -> GraphResult<Filter> {
        let cidade = self.cidade.map(|cidade| folded(&cidade));
        if cidade.as_ref().is_some_and(|cidade| !(1..=80).contains(&cidade.chars().count())) {
            return Err(GraphError::bad_input("`filtro.cidade` must have 1 to 80 characters."));
        }
        let cliente = self.cliente.map(|id| ClienteId::parse("filtro.cliente", &id)).transpose()?;
        Ok(Filter { cliente, uf: self.uf.map(|uf| uf.letters().to_owned()), cidade, cep: self.cep })
    }
}

/// The root fields.
pub struct ConsultasEnderecos<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> ConsultasEnderecos<G> {
    /// An address by id; null when it does not exist.
    async fn endereco(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`endereco_7` or, as a convenience, `7`.")] id: ID,
    ) -> StoreField<Walked<Endereco<G>>> {
        StoreField::found(async { Endereco::fetch(ctx, EnderecoId::parse("id", &id)?).await }).await
    }

    /// Addresses, page by page, by id.
    #[graphql(directive = paged::apply())]
    async fn enderecos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which addresses; all when absent.")] filtro: Option<EnderecoFiltro>,
    ) -> StoreField<Walked<Connection<Endereco<G>>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::all(page(ctx, &args, filtro.unwrap_or_default())).await
    }
}

async fn page<G: Graph>(
    ctx: &Context<'_>,
    args: &PageArgs,
    filtro: EnderecoFiltro,
) -> GraphResult<Connection<Endereco<G>>> {
    let page = Page::new(args, ORDER.name, ORDER.kind)?;
    let filter = filtro.check()?;
    let db = &ctx.data_unchecked::<Enderecos>().db;
    let columns = Selection::Nodes(ctx).columns::<Endereco<G>>();
    let rows = table::page(db, &filter, columns, &page, from_ref(ctx.scope().tally())).await?;
    let counted = db.clone();
    let total = Total::new(move |scope| {
        let (db, filter) = (counted.clone(), filter.clone());
        async move { table::total(&db, &filter, from_ref(scope.tally())).await }
    });
    Ok(Connection::new(page.slice_of(rows), total, |row| {
        let cursor = Cursor::new(ORDER.name, SortKey::Id, row.id.0);
        Edge { cursor, node: Endereco::of(Arc::new(row)) }
    }))
}

/// `Endereco`, as a router asks for it.
pub struct EnderecoEntity<G>(PhantomData<fn() -> G>);

impl<G: Graph> Entity for EnderecoEntity<G> {
    type Object = Endereco<G>;

    async fn fetch(ctx: &Context<'_>, id: &str) -> GraphResult<Option<Endereco<G>>> {
        Endereco::fetch(ctx, EnderecoId::parse(REPRESENTATIONS, id)?).await
    }
}
