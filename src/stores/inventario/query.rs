//! Root fields of this store.

use std::marker::PhantomData;
use std::slice::from_ref;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::super::range::{Bound, range};
use super::table::{self, Filter, ORDER};
use super::{Compra, Inventario};
use crate::executor::{Entity, StoreField, Walked};
use crate::kernel::scalars::DateTime;
use crate::kernel::sizes::paged;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::{ClienteId, CompraId, Connection, GlobalId as _, Page, PageArgs, ProdutoId, Total};
use crate::stores::references::{Graph, REPRESENTATIONS};

/// Which purchases a page holds; conditions combine with AND.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompraFiltro {
    /// By this client.
    pub cliente: Option<ID>,
    /// Of this product.
    pub produto: Option<ID>,
    /// Made at this moment or later.
    pub de: Option<DateTime>,
    /// Made at this moment or earlier; a moment in milliseconds stands for its whole
    /// millisecond, so that one that went through a JavaScript `Date` holds its own row.
    pub ate: Option<DateTime>,
}

impl CompraFiltro {
    fn check(self) -> GraphResult<Filter> {
        let adquirido = range(
            &Bound::new("filtro.de", self.de),
            &Bound::meaning("filtro.ate", self.ate, DateTime::last_meant),
            DateTime::FIRST..=DateTime::LAST,
        )?;
        Ok(Filter {
            cliente: self.cliente.map(|id| ClienteId::parse("filtro.cliente", &id)).transpose()?,
            produto: self.produto.map(|id| ProdutoId::parse("filtro.produto", &id)).transpose()?,
            adquirido,
        })
    }
}

/// The root fields.
pub struct ConsultasInventario<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> ConsultasInventario<G> {
    /// A purchase by id; null when it does not exist.
    async fn compra(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`compra_99` or, as a convenience, `99`.")] id: ID,
    ) -> StoreField<Walked<Compra<G>>> {
        StoreField::found(async { Compra::fetch(ctx, CompraId::parse("id", &id)?).await }).await
    }

    /// Purchases, page by page, newest first: by `adquiridoEm`, then by id.
    #[graphql(directive = paged::apply())]
    async fn compras(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which purchases; all when absent.")] filtro: Option<CompraFiltro>,
    ) -> StoreField<Walked<Connection<Compra<G>>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::all(page(ctx, &args, filtro.unwrap_or_default())).await
    }
}

async fn page<G: Graph>(
    ctx: &Context<'_>,
    args: &PageArgs,
    filtro: CompraFiltro,
) -> GraphResult<Connection<Compra<G>>> {
    let page = Page::new(args, ORDER.name, ORDER.kind)?;
    let filter = filtro.check()?;
    let db = &ctx.data_unchecked::<Inventario>().db;
    let rows = table::page(db, &filter, &page, from_ref(ctx.scope().tally())).await?;
    let counted = db.clone();
    let total = Total::new(move |scope| {
        let (db, filter) = (counted.clone(), filter.clone());
        async move { table::total(&db, &filter, from_ref(scope.tally())).await }
    });
    Ok(Connection::new(page.slice_of(rows), total, |row| Compra::edge(ORDER.name, Arc::new(row))))
}

/// `Compra`, as a router asks for it.
pub struct CompraEntity<G>(PhantomData<fn() -> G>);

impl<G: Graph> Entity for CompraEntity<G> {
    type Object = Compra<G>;

    async fn fetch(ctx: &Context<'_>, id: &str) -> GraphResult<Option<Compra<G>>> {
        Compra::fetch(ctx, CompraId::parse(REPRESENTATIONS, id)?).await
    }
}
