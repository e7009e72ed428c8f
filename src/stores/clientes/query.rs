//! Root fields of this store.

use std::marker::PhantomData;
use std::slice::from_ref;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::super::listing::Order;
use super::super::range::{Bound, range};
use super::table::{self, Cadastro, Filter, column};
use super::{ClienteCadastro, Clientes, OwnsClientes};
use crate::db::Columns;
use crate::executor::{Selection, StoreField, Walked};
use crate::kernel::scalars::{Cpf, Date};
use crate::kernel::sizes::paged;
use crate::kernel::{ContextExt as _, GraphError, GraphResult};
use crate::relay::{
    ClienteId, Connection, Cursor, Edge, GlobalId as _, KeyKind, Page, PageArgs, SortKey, Total,
};
use crate::text::folded;

/// Which clients a page holds; conditions combine with AND.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ClienteFiltro {
    /// Part of the name, without regard to case, accents, double blanks and the
    /// kind of apostrophe; 2 characters at least.
    pub nome_contem: Option<String>,
    /// Born on this day or later.
    pub nascido_de: Option<Date>,
    /// Born on this day or earlier.
    pub nascido_ate: Option<Date>,
}

impl ClienteFiltro {
    fn check(self) -> GraphResult<Filter> {
        let nome_contem = match self.nome_contem.map(|part| folded(&part)) {
            Some(part) if !(2..=120).contains(&part.chars().count()) => {
                return Err(GraphError::bad_input("`filtro.nomeContem` must have 2 to 120 characters."));
            }
            part => part,
        };
        let nascido = range(
            &Bound::new("filtro.nascidoDe", self.nascido_de),
            &Bound::new("filtro.nascidoAte", self.nascido_ate),
            day(1000, 1, 1)..=day(9999, 12, 31),
        )?;
        Ok(Filter { nome_contem, nascido })
    }
}

/// The ends of what a DATE column can hold.
fn day(year: i32, month: u32, day: u32) -> Date {
    Date(chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default())
}

/// The order of a page of clients; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum ClienteOrdem {
    /// By id, oldest first.
    #[default]
    Id,
    /// By name, A to Z.
    NomeAsc,
    /// By name, Z to A.
    NomeDesc,
    /// By registration, newest first.
    MaisRecentes,
}

impl ClienteOrdem {
    fn order(self) -> Order {
        let by = |name, kind, column, descending| Order { name, kind, column, descending };
        match self {
            Self::Id => Order::oldest_first("clientes.ID"),
            Self::NomeAsc => by("clientes.NOME_ASC", KeyKind::Text, "`nome`", false),
            Self::NomeDesc => by("clientes.NOME_DESC", KeyKind::Text, "`nome`", true),
            Self::MaisRecentes => by("clientes.MAIS_RECENTES", KeyKind::Moment, "`criado_em`", true),
        }
    }

    /// What cursors are made of.
    const fn reads(self) -> Columns {
        match self {
            Self::Id => Columns::KEYS,
            Self::NomeAsc | Self::NomeDesc => column::NOME,
            Self::MaisRecentes => column::CRIADO_EM,
        }
    }

    fn cursor(self, row: &Cadastro) -> Cursor {
        let key = match self {
            Self::Id => SortKey::Id,
            Self::NomeAsc | Self::NomeDesc => SortKey::Text(row.nome.clone()),
            Self::MaisRecentes => SortKey::Moment(*row.criado_em),
        };
        Cursor::new(self.order().name, key, row.id.0)
    }
}

/// The root fields.
pub struct ConsultasClientes<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsClientes> ConsultasClientes<G> {
    /// A client by id; null when it does not exist.
    async fn cliente(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`cliente_42` or, as a convenience, `42`.")] id: ID,
    ) -> StoreField<Walked<G::Cliente>> {
        StoreField::found(async { G::cliente(ctx, ClienteId::parse("id", &id)?).await }).await
    }

    /// The client with this CPF; null when there is none.
    async fn cliente_por_cpf(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With or without dots and dash.")] cpf: Cpf,
    ) -> StoreField<Walked<G::Cliente>> {
        let store = ctx.data_unchecked::<Clientes>();
        let columns = Selection::Below(ctx).columns::<ClienteCadastro>();
        StoreField::found(async {
            let found = table::by_cpf(&store.db, &cpf, columns, from_ref(ctx.scope().tally())).await?;
            Ok(found.map(|row| G::cliente_of(Arc::new(row))))
        })
        .await
    }

    /// The client with this e-mail address; null when there is none. Case does not
    /// count, accents do.
    async fn cliente_por_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The whole address.")] email: String,
    ) -> StoreField<Walked<G::Cliente>> {
        let store = ctx.data_unchecked::<Clientes>();
        let columns = Selection::Below(ctx).columns::<ClienteCadastro>();
        StoreField::found(async {
            let found = table::by_email(&store.db, &email, columns, from_ref(ctx.scope().tally())).await?;
            Ok(found.map(|row| G::cliente_of(Arc::new(row))))
        })
        .await
    }

    /// Clients, page by page.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, a filter and an order")]
    #[graphql(directive = paged::apply())]
    async fn clientes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which clients; all when absent.")] filtro: Option<ClienteFiltro>,
        #[graphql(desc = "In which order; by id when absent.")] ordem: Option<ClienteOrdem>,
    ) -> StoreField<Walked<Connection<G::Cliente>>> {
        let args = PageArgs { first, after, last, before };
        StoreField::all(page::<G>(ctx, &args, filtro.unwrap_or_default(), ordem.unwrap_or_default())).await
    }
}

async fn page<G: OwnsClientes>(
    ctx: &Context<'_>,
    args: &PageArgs,
    filtro: ClienteFiltro,
    ordem: ClienteOrdem,
) -> GraphResult<Connection<G::Cliente>> {
    let order = ordem.order();
    let page = Page::new(args, order.name, order.kind)?;
    let filter = filtro.check()?;
    let db = &ctx.data_unchecked::<Clientes>().db;
    let columns = Selection::Nodes(ctx).columns::<ClienteCadastro>().and(ordem.reads());
    let rows = table::page(db, &filter, (order, columns), &page, from_ref(ctx.scope().tally())).await?;
    let counted = db.clone();
    let total = Total::new(move |scope| {
        let (db, filter) = (counted.clone(), filter.clone());
        async move { table::total(&db, &filter, from_ref(scope.tally())).await }
    });
    Ok(Connection::new(page.slice_of(rows), total, |row| Edge {
        cursor: ordem.cursor(&row),
        node: G::cliente_of(Arc::new(row)),
    }))
}
