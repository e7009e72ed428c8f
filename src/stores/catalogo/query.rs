//! Root fields of this store.

use std::marker::PhantomData;
use std::slice::from_ref;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::super::listing::Order;
use super::super::range::{Bound, range};
use super::table::{self, Filter, Item};
use super::{Catalogo, OwnsProdutos, ProdutoCatalogo, column};
use crate::db::Columns;
use crate::executor::{Selection, StoreField, Walked};
use crate::kernel::scalars::Decimal;
use crate::kernel::sizes::paged;
use crate::kernel::{ContextExt as _, GraphError, GraphResult};
use crate::relay::{
    Connection, Cursor, Edge, GlobalId as _, KeyKind, Page, PageArgs, ProdutoId, SortKey, Total,
};
use crate::text::words;

/// The most words that a search takes.
const MOST_WORDS: usize = 10;

/// Which products a page holds; conditions combine with AND.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProdutoFiltro {
    /// Full text over name and description: every word must begin a word
    /// there, without regard to case and accents. Words may be short and may be signs:
    /// `tv 4k`, `c++`.
    pub busca: Option<String>,
    /// Only what can, or cannot, be bought.
    pub disponivel: Option<bool>,
    /// Costs at least this.
    pub preco_min: Option<Decimal>,
    /// Costs at most this.
    pub preco_max: Option<Decimal>,
}

impl ProdutoFiltro {
    fn check(self) -> GraphResult<Filter> {
        let busca = self.busca.as_deref().map(sought).transpose()?;
        let preco = range(
            &Bound::new("filtro.precoMin", self.preco_min),
            &Bound::new("filtro.precoMax", self.preco_max),
            // What a DECIMAL(12, 2) of a price holds.
            amount(0)..=amount(999_999_999_999),
        )?;
        Ok(Filter { busca, disponivel: self.disponivel, preco })
    }
}

fn amount(cents: i64) -> Decimal {
    Decimal(rust_decimal::Decimal::new(cents, 2))
}

/// The words of a search.
fn sought(text: &str) -> GraphResult<Vec<String>> {
    let words = words(text);
    if words.is_empty() || words.len() > MOST_WORDS || text.chars().count() > 200 {
        return Err(GraphError::bad_input(format!(
            "`filtro.busca` must have 1 to {MOST_WORDS} words, of letters or digits, and at most 200 characters."
        )));
    }
    Ok(words)
}

/// The order of a page of products; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum ProdutoOrdem {
    /// By id, oldest first.
    #[default]
    Id,
    /// By name, A to Z.
    NomeAsc,
    /// By price, cheapest first.
    PrecoAsc,
    /// By price, dearest first.
    PrecoDesc,
    /// By listing, newest first.
    MaisRecentes,
}

impl ProdutoOrdem {
    fn order(self) -> Order {
        let by = |name, kind, column, descending| Order { name, kind, column, descending };
        match self {
            Self::Id => Order::oldest_first("produtos.ID"),
            Self::NomeAsc => by("produtos.NOME_ASC", KeyKind::Text, "`nome`", false),
            Self::PrecoAsc => by("produtos.PRECO_ASC", KeyKind::Amount, "`preco`", false),
            Self::PrecoDesc => by("produtos.PRECO_DESC", KeyKind::Amount, "`preco`", true),
            Self::MaisRecentes => by("produtos.MAIS_RECENTES", KeyKind::Moment, "`criado_em`", true),
        }
    }

    /// What cursors are made of.
    const fn reads(self) -> Columns {
        match self {
            Self::Id => Columns::KEYS,
            Self::NomeAsc => column::NOME,
            Self::PrecoAsc | Self::PrecoDesc => column::PRECO,
            Self::MaisRecentes => column::CRIADO_EM,
        }
    }

    fn cursor(self, row: &Item) -> Cursor {
        let key = match self {
            Self::Id => SortKey::Id,
            Self::NomeAsc => SortKey::Text(row.nome.clone()),
            Self::PrecoAsc | Self::PrecoDesc => SortKey::Amount(*row.preco),
            Self::MaisRecentes => SortKey::Moment(*row.criado_em),
        };
        Cursor::new(self.order().name, key, row.id.0)
    }
}

/// The root fields.
pub struct ConsultasCatalogo<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsProdutos> ConsultasCatalogo<G> {
    /// A product by id; null when it does not exist.
    async fn produto(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`produto_3` or, as a convenience, `3`.")] id: ID,
    ) -> StoreField<Walked<G::Produto>> {
        StoreField::found(async { G::produto(ctx, ProdutoId::parse("id", &id)?).await }).await
    }

    /// Products, page by page.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, a filter and an order")]
    #[graphql(directive = paged::apply())]
    async fn produtos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which products; all when absent.")] filtro: Option<ProdutoFiltro>,
        #[graphql(desc = "In which order; by id when absent.")] ordem: Option<ProdutoOrdem>,
    ) -> StoreField<Walked<Connection<G::Produto>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::all(page::<G>(ctx, &args, filtro.unwrap_or_default(), ordem.unwrap_or_default())).await
    }
}

async fn page<G: OwnsProdutos>(
    ctx: &Context<'_>,
    args: &PageArgs,
    filtro: ProdutoFiltro,
    ordem: ProdutoOrdem,
) -> GraphResult<Connection<G::Produto>> {
    let order = ordem.order();
    let page = Page::new(args, order.name, order.kind)?;
    let filter = filtro.check()?;
    let db = &ctx.data_unchecked::<Catalogo>().db;
    let columns = Selection::Nodes(ctx).columns::<ProdutoCatalogo>().and(ordem.reads());
    let rows = table::page(db, &filter, (order, columns), &page, from_ref(ctx.scope().tally())).await?;
    let counted = db.clone();
    let total = Total::new(move |scope| {
        let (db, filter) = (counted.clone(), filter.clone());
        async move { table::total(&db, &filter, from_ref(scope.tally())).await }
    });
    Ok(Connection::new(page.slice_of(rows), total, |row| Edge {
        cursor: ordem.cursor(&row),
        node: G::produto_of(Arc::new(row)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_of_the_caller_are_not_operators() {
        let found = sought("mesa -de \"jantar\" (carvalho*) @3").expect("words");
        assert_eq!(found, ["mesa", "de", "jantar", "carvalho", "3"]);
        assert!(sought("+-*").is_err());
        assert!(sought(&"mesa ".repeat(11)).is_err());
    }
}
