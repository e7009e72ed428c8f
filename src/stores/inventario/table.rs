//! The table `inventario`: its row and every statement about it.

use std::sync::{Arc, LazyLock};

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, QueryBuilder, Row as _};

use super::super::exported::Exported;
use super::super::listing::{Conditions, Order};
use crate::db::{
    Db, End, InList, MOST_KEYS, Statement, StoreError, Tally, Transaction, Union, UnionBranch, Work,
};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::{ClienteId, CompraId, Cursor, Direction, KeyKind, Page, ProdutoId, SortKey};
use crate::writes::guard::Guarded;

/// How a page of purchases is ordered: by their moment, newest first.
pub(super) const ORDER: Order = newest_first("compras.MAIS_RECENTES");

/// By moment, newest first, in the connection that `name` begins with.
pub(super) const fn newest_first(name: &'static str) -> Order {
    Order { name, kind: KeyKind::Moment, column: "`adquirido_em`", descending: true }
}

const SELECT: &str = "\
SELECT `id`, `id_cliente`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`
FROM `inventario`";

/// A purchase.
#[derive(Debug)]
pub struct Registro {
    /// Its key.
    pub id: CompraId,
    /// Who bought.
    pub cliente: ClienteId,
    /// What was bought.
    pub produto: ProdutoId,
    /// How many.
    pub quantidade: u32,
    /// The price of one on that day.
    pub preco_unitario: Decimal,
    /// When.
    pub adquirido_em: DateTime,
}

impl FromRow<'_, MySqlRow> for Registro {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            cliente: row.try_get(1)?,
            produto: row.try_get(2)?,
            quantidade: row.try_get(3)?,
            preco_unitario: row.try_get(4)?,
            adquirido_em: row.try_get(5)?,
        })
    }
}

/// A row that tells which branch of a UNION it came from.
pub(super) struct OfBranch<R> {
    pub branch: usize,
    pub row: R,
}

fn branch(row: &MySqlRow) -> Result<usize, sqlx::Error> {
    let number: i64 = row.try_get(0)?;
    usize::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Purchases by id; those that do not exist are left out.
///
/// # Errors
/// The store's.
pub async fn by_ids(db: &Db, ids: &[u64], audience: &[Arc<Tally>]) -> Result<Vec<Registro>, StoreError> {
    static BY_ID: InList = InList::new("inventario.por_id", &[SELECT, " WHERE `id` IN (…)"]);
    db.read(BY_ID.of(ids), audience).await
}

/// Whose purchases: a client's or a product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Cliente,
    Produto,
}

/// A page of one parent's rows, between two places of the order that has the key `K`
/// before the number of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Branch<K> {
    /// Whose rows.
    pub parent: u64,
    /// Only rows above this place.
    pub above: (K, u64),
    /// Only rows below this place.
    pub below: (K, u64),
    /// So many rows at most.
    pub limit: u64,
}

/// What rows of a page are ordered by, before their number.
pub trait PageOrder: Copy + Eq + std::hash::Hash + Send + Sync + 'static {
    /// Before every row that a table can hold, and after every one.
    const ENDS: (Self, Self);

    /// The key of a cursor, which has been read as one of this order.
    fn of(key: &SortKey) -> Self;
}

/// By number alone.
impl PageOrder for () {
    const ENDS: ((), ()) = ((), ());

    fn of(_: &SortKey) -> Self {}
}

/// By moment.
impl PageOrder for DateTime {
    const ENDS: (Self, Self) = (DateTime::FIRST, DateTime::LAST);

    fn of(key: &SortKey) -> Self {
        match key {
            SortKey::Moment(moment) => *moment,
            _ => DateTime::FIRST,
        }
    }
}

impl UnionBranch for Branch<()> {
    const EMPTY: Self = Self { parent: 0, above: ((), 0), below: ((), 0), limit: 0 };

    fn bind(self, statement: Statement) -> Statement {
        statement.bind(self.parent).bind(self.above.1).bind(self.below.1).bind(self.limit)
    }
}

impl Branch<DateTime> {
    /// After every purchase.
    const END: (DateTime, u64) = (DateTime::LAST, u64::MAX);
}

impl UnionBranch for Branch<DateTime> {
    const EMPTY: Self =
        Self { parent: 0, above: (DateTime::FIRST, 0), below: (DateTime::FIRST, 0), limit: 0 };

    fn bind(self, statement: Statement) -> Statement {
        let (above, below) = (self.above, self.below);
        statement
            .bind(self.parent)
            .bind(above.0)
            .bind(above.0)
            .bind(above.1)
            .bind(below.0)
            .bind(below.0)
            .bind(below.1)
            .bind(self.limit)
    }
}

/// A branch of all of a parent's rows: so many of them, from the end at which it is read.
#[derive(Clone, Copy)]
struct WholeBranch {
    parent: u64,
    limit: u64,
}

impl UnionBranch for WholeBranch {
    const EMPTY: Self = Self { parent: 0, limit: 0 };

    fn bind(self, statement: Statement) -> Statement {
        statement.bind(self.parent).bind(self.limit)
    }
}

impl Branch<DateTime> {
    /// Itself, when it lies between no places.
    fn whole(&self) -> Option<WholeBranch> {
        let (first, last) = DateTime::ENDS;
        let is_whole = self.above == (first, 0) && self.below == (last, u64::MAX);
        is_whole.then_some(WholeBranch { parent: self.parent, limit: self.limit })
    }
}

impl<K: PageOrder> Branch<K> {
    /// The branch of `page` whose connection runs upwards or, when
    /// `descending`, downwards.
    pub(super) fn new(parent: u64, page: &Page, descending: bool) -> Self {
        let place = |cursor: &Cursor| (K::of(&cursor.key), cursor.id);
        let (after, before) = (page.after.as_ref().map(place), page.before.as_ref().map(place));
        let (above, below) = if descending { (before, after) } else { (after, before) };
        let (first, last) = K::ENDS;
        Self {
            parent,
            above: above.unwrap_or((first, 0)),
            below: below.unwrap_or((last, u64::MAX)),
            limit: page.limit(),
        }
    }
}

/// Whether a page is read from the largest down.
pub(super) fn reads_down(direction: Direction, descending: bool) -> bool {
    (direction == Direction::Forward) == descending
}

/// A page of purchases for each of many clients, or products, in one statement.
/// Rows come in the order in which each page is read.
pub(super) async fn pages(
    db: &Db,
    side: Side,
    down: bool,
    branches: &[Branch<DateTime>],
    audience: &[Arc<Tally>],
) -> Result<Vec<OfBranch<Registro>>, StoreError> {
    let (between, whole) = match (side, down) {
        (Side::Cliente, true) => (&DO_CLIENTE_DOWN, &DO_CLIENTE_NEWEST),
        (Side::Cliente, false) => (&DO_CLIENTE_UP, &DO_CLIENTE_OLDEST),
        (Side::Produto, true) => (&DO_PRODUTO_DOWN, &DO_PRODUTO_NEWEST),
        (Side::Produto, false) => (&DO_PRODUTO_UP, &DO_PRODUTO_OLDEST),
    };
    let statement = match branches.iter().map(Branch::whole).collect::<Option<Vec<_>>>() {
        Some(branches) => whole.of(&branches),
        None => between.of(branches),
    };
    let found: Vec<OfBranch<DoParente>> = db.read(statement, audience).await?;
    let registro = |OfBranch { branch, row }: OfBranch<DoParente>| {
        let row = row.registro(side, branches.get(branch)?.parent);
        Some(OfBranch { branch, row })
    };
    Ok(found.into_iter().filter_map(registro).collect())
}

/// A purchase of a parent that is known.
struct DoParente {
    id: CompraId,
    /// The product, when the parent is a client, and the other way round.
    outro: u64,
    quantidade: u32,
    preco_unitario: Decimal,
    adquirido_em: DateTime,
}

impl DoParente {
    fn registro(self, side: Side, parent: u64) -> Registro {
        let Self { id, outro, quantidade, preco_unitario, adquirido_em } = self;
        let (cliente, produto) = match side {
            Side::Cliente => (ClienteId(parent), ProdutoId(outro)),
            Side::Produto => (ClienteId(outro), ProdutoId(parent)),
        };
        Registro { id, cliente, produto, quantidade, preco_unitario, adquirido_em }
    }
}

impl FromRow<'_, MySqlRow> for OfBranch<DoParente> {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            branch: branch(row)?,
            row: DoParente {
                id: row.try_get(1)?,
                outro: row.try_get(2)?,
                quantidade: row.try_get(3)?,
                preco_unitario: row.try_get(4)?,
                adquirido_em: row.try_get(5)?,
            },
        })
    }
}

const DO_CLIENTE: &str = "\
SELECT {n}, `id`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`
FROM `inventario` FORCE INDEX (`inventario_cliente_adquirido`) WHERE `id_cliente` = ?";
const DO_PRODUTO: &str = "\
SELECT {n}, `id`, `id_cliente`, `quantidade`, `preco_unitario`, `adquirido_em`
FROM `inventario` FORCE INDEX (`inventario_produto_adquirido`) WHERE `id_produto` = ?";
// Written so that the index gives a range; a comparison of row values would not.
const BETWEEN: &str = " AND `adquirido_em` >= ? AND (`adquirido_em` > ? OR `id` > ?) \
                       AND `adquirido_em` <= ? AND (`adquirido_em` < ? OR `id` < ?)";
const DOWN: &str = " ORDER BY `adquirido_em` DESC, `id` DESC LIMIT ?";
const UP: &str = " ORDER BY `adquirido_em` ASC, `id` ASC LIMIT ?";

static DO_CLIENTE_DOWN: Union = Union::new("inventario.compras_do_cliente", &[DO_CLIENTE, BETWEEN, DOWN]);
static DO_CLIENTE_UP: Union = Union::new("inventario.compras_do_cliente", &[DO_CLIENTE, BETWEEN, UP]);
static DO_PRODUTO_DOWN: Union = Union::new("inventario.compras_do_produto", &[DO_PRODUTO, BETWEEN, DOWN]);
static DO_PRODUTO_UP: Union = Union::new("inventario.compras_do_produto", &[DO_PRODUTO, BETWEEN, UP]);

// From an end on, as most pages are: the server plans each branch at each execution, and that is
// most of what such a statement costs it.
static DO_CLIENTE_NEWEST: Union = Union::new("inventario.compras_do_cliente", &[DO_CLIENTE, DOWN]);
static DO_CLIENTE_OLDEST: Union = Union::new("inventario.compras_do_cliente", &[DO_CLIENTE, UP]);
static DO_PRODUTO_NEWEST: Union = Union::new("inventario.compras_do_produto", &[DO_PRODUTO, DOWN]);
static DO_PRODUTO_OLDEST: Union = Union::new("inventario.compras_do_produto", &[DO_PRODUTO, UP]);

/// What a client has bought of one product.
#[derive(Debug)]
pub struct Adquirido {
    /// Which product.
    pub produto: ProdutoId,
    /// How many units, over all purchases.
    pub quantidade: u64,
    /// What they cost in all.
    pub total: Decimal,
    /// When it was first bought.
    pub primeira: DateTime,
    /// When it was last bought.
    pub ultima: DateTime,
}

impl FromRow<'_, MySqlRow> for OfBranch<Adquirido> {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            branch: branch(row)?,
            row: Adquirido {
                produto: row.try_get(1)?,
                quantidade: row.try_get(2)?,
                total: row.try_get(3)?,
                primeira: row.try_get(4)?,
                ultima: row.try_get(5)?,
            },
        })
    }
}

/// A page of distinct products for each of many clients, in one statement. The
/// index holds every column in the order of the groups, so that a page reads
/// the rows of its own products and no others.
pub(super) async fn produtos(
    db: &Db,
    down: bool,
    branches: &[Branch<()>],
    audience: &[Arc<Tally>],
) -> Result<Vec<OfBranch<Adquirido>>, StoreError> {
    const PAGE: &str = "\
SELECT {n}, `id_produto`, CAST(SUM(`quantidade`) AS UNSIGNED), SUM(`quantidade` * `preco_unitario`),
       MIN(`adquirido_em`), MAX(`adquirido_em`)
FROM `inventario` FORCE INDEX (`inventario_produtos_do_cliente`)
WHERE `id_cliente` = ? AND `id_produto` > ? AND `id_produto` < ?
GROUP BY `id_produto` ORDER BY `id_produto`";
    static PRODUTOS_DOWN: Union = Union::new("inventario.produtos_do_cliente", &[PAGE, " DESC LIMIT ?"]);
    static PRODUTOS_UP: Union = Union::new("inventario.produtos_do_cliente", &[PAGE, " ASC LIMIT ?"]);
    let union = if down { &PRODUTOS_DOWN } else { &PRODUTOS_UP };
    db.read(union.of(branches), audience).await
}

/// How many distinct products each of many clients has bought; clients without
/// purchases are left out.
pub(super) async fn total_produtos(
    db: &Db,
    clientes: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<(u64, u64)>, StoreError> {
    static TOTALS: InList = InList::new(
        "inventario.total_produtos",
        &["SELECT `id_cliente`, CAST(COUNT(DISTINCT `id_produto`) AS UNSIGNED) FROM `inventario` \
           WHERE `id_cliente` IN (…) GROUP BY `id_cliente`"],
    );
    db.read(TOTALS.of(clientes), audience).await
}

/// Purchases summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumo {
    /// How many purchases.
    pub compras: u64,
    /// How many units.
    pub unidades: u64,
    /// What they cost.
    pub total: Option<Decimal>,
    /// The first.
    pub primeira: Option<DateTime>,
    /// The latest.
    pub ultima: Option<DateTime>,
}

/// A summary and the client or product it is about.
pub(super) struct ResumoDe {
    pub parent: u64,
    pub resumo: Resumo,
}

impl FromRow<'_, MySqlRow> for ResumoDe {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            parent: row.try_get(0)?,
            resumo: Resumo {
                compras: row.try_get(1)?,
                unidades: row.try_get(2)?,
                total: row.try_get(3)?,
                primeira: row.try_get(4)?,
                ultima: row.try_get(5)?,
            },
        })
    }
}

/// The purchases of each of many clients, or products, summed up; those
/// without purchases are left out.
pub(super) async fn resumos(
    db: &Db,
    side: Side,
    parents: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<ResumoDe>, StoreError> {
    const SUMS: &str = "\
CAST(COUNT(*) AS UNSIGNED), CAST(SUM(`quantidade`) AS UNSIGNED), SUM(`quantidade` * `preco_unitario`),
       MIN(`adquirido_em`), MAX(`adquirido_em`)
FROM `inventario` FORCE INDEX ";
    static CLIENTES: InList = InList::new(
        "inventario.resumo_do_cliente",
        &[
            "SELECT `id_cliente`, ",
            SUMS,
            "(`inventario_produtos_do_cliente`) WHERE `id_cliente` IN (…) GROUP BY `id_cliente`",
        ],
    );
    static PRODUTOS: InList = InList::new(
        "inventario.resumo_do_produto",
        &[
            "SELECT `id_produto`, ",
            SUMS,
            "(`inventario_vendas_do_produto`) WHERE `id_produto` IN (…) GROUP BY `id_produto`",
        ],
    );
    let list = match side {
        Side::Cliente => &CLIENTES,
        Side::Produto => &PRODUTOS,
    };
    db.read(list.of(parents), audience).await
}

/// Which purchases a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub cliente: Option<ClienteId>,
    pub produto: Option<ProdutoId>,
    pub adquirido: Option<(DateTime, DateTime)>,
}

impl Filter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(cliente) = self.cliente {
            conditions.add("`id_cliente` = ?", cliente);
        }
        if let Some(produto) = self.produto {
            conditions.add("`id_produto` = ?", produto);
        }
        if let Some((from, to)) = self.adquirido {
            conditions.add_range("`adquirido_em` BETWEEN ? AND ?", from, to);
        }
        conditions
    }
}

/// A page of the purchases that pass `filter`, newest first.
pub(super) async fn page(
    db: &Db,
    filter: &Filter,
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Option<Registro>>, StoreError> {
    // Named, since MySQL prefers an index that holds other columns, and would read and
    // sort every purchase of a product for its newest.
    static DO_CLIENTE: LazyLock<String> =
        LazyLock::new(|| format!("{SELECT} FORCE INDEX (`inventario_cliente_adquirido`)"));
    static DO_PRODUTO: LazyLock<String> =
        LazyLock::new(|| format!("{SELECT} FORCE INDEX (`inventario_produto_adquirido`)"));
    let select: &'static str = match (filter.cliente, filter.produto) {
        (Some(_), _) => &DO_CLIENTE,
        (None, Some(_)) => &DO_PRODUTO,
        (None, None) => SELECT,
    };
    let statement = filter.conditions().page("inventario.pagina", select, ORDER, page);
    db.read_all(statement, audience).await
}

/// How many purchases pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement = filter
        .conditions()
        .statement("inventario.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `inventario`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// The purchase with this id, locked until the transaction ends.
pub(super) async fn lock(tx: &mut Transaction<'_>, id: CompraId) -> Result<Option<Registro>, StoreError> {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{SELECT} WHERE `id` = ? FOR UPDATE"));
    Ok(tx.read(Statement::new("inventario.trava", &TEXT).bind(id)).await?.pop())
}

/// The next purchases of a client after one of them, newest first, at most
/// [`MOST_KEYS`].
///
/// # Errors
/// The store's.
pub async fn of_cliente(
    db: &Db,
    cliente: ClienteId,
    after: Option<(DateTime, CompraId)>,
) -> Result<Vec<Registro>, StoreError> {
    let below = after.map_or(Branch::END, |(moment, id)| (moment, id.0));
    let all = Branch { parent: cliente.0, above: (DateTime::FIRST, 0), below, limit: MOST_KEYS as u64 };
    let rows = pages(db, Side::Cliente, true, &[all], &[]).await?;
    Ok(rows.into_iter().map(|of| of.row).collect())
}

/// How many purchases a client has made.
///
/// # Errors
/// The store's.
pub async fn how_many_of(db: &Db, cliente: ClienteId) -> Result<u64, StoreError> {
    total(db, &Filter { cliente: Some(cliente), ..Filter::default() }, &[]).await
}

/// Whether anybody has bought the product: as it is now.
///
/// # Errors
/// The store's.
pub async fn was_bought(tx: &mut Transaction<'_>, produto: ProdutoId) -> Result<bool, StoreError> {
    let text = "SELECT `id` FROM `inventario` WHERE `id_produto` = ? LIMIT 1 LOCK IN SHARE MODE";
    let rows: Vec<(u64,)> = tx.read(Statement::new("inventario.vendido", text).bind(produto)).await?;
    Ok(!rows.is_empty())
}

/// Registers a purchase, now, and returns its number.
pub(super) async fn insert(
    tx: &mut Transaction<'_>,
    (cliente, produto): (ClienteId, ProdutoId),
    quantidade: u32,
    preco_unitario: Decimal,
) -> Result<u64, StoreError> {
    let text = "\
INSERT INTO `inventario` (`id_cliente`, `id_produto`, `quantidade`, `preco_unitario`)
VALUES (?, ?, ?, ?)";
    let statement = Statement::new("inventario.cria", text)
        .bind(cliente)
        .bind(produto)
        .bind(quantidade)
        .bind(preco_unitario);
    Ok(tx.write(statement).await?.id)
}

/// Corrects a purchase, whose row must be locked.
pub(super) async fn update(
    tx: &mut Transaction<'_>,
    id: CompraId,
    quantidade: u32,
    preco_unitario: Decimal,
) -> Result<(), StoreError> {
    let text = "UPDATE `inventario` SET `quantidade` = ?, `preco_unitario` = ? WHERE `id` = ?";
    let statement = Statement::new("inventario.corrige", text).bind(quantidade).bind(preco_unitario).bind(id);
    tx.write(statement).await.map(|_| ())
}

/// Removes a purchase; false when it was not there.
pub(super) async fn delete(tx: &mut Transaction<'_>, id: CompraId) -> Result<bool, StoreError> {
    let statement = Statement::new("inventario.remove", "DELETE FROM `inventario` WHERE `id` = ?").bind(id);
    Ok(tx.write(statement).await?.rows > 0)
}

/// Sees to it that nothing is sold any more to a client who is removed, and notes
/// whether what was sold stays. May be repeated.
///
/// # Errors
/// The store's; then nothing has changed.
pub async fn forget_cliente(db: &Db, cliente: ClienteId, sales_kept: bool) -> Result<(), StoreError> {
    db.transaction(&ForgetCliente { cliente, sales_kept }, &Arc::default()).await
}

struct ForgetCliente {
    cliente: ClienteId,
    sales_kept: bool,
}

impl Work for ForgetCliente {
    type Output = ();

    fn name(&self) -> &'static str {
        "inventario.esquece_cliente"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        Guarded::Cliente.lock(tx, self.cliente.0).await?;
        Guarded::Cliente.mark_removed(tx, self.cliente.0, self.sales_kept).await?;
        Ok(End::Commit(()))
    }
}

/// Removes some of a client's purchases, at most a thousand, and returns how
/// many: less than that when none is left.
///
/// # Errors
/// The store's.
pub async fn delete_some_of(db: &Db, cliente: ClienteId) -> Result<u64, StoreError> {
    let text = "DELETE FROM `inventario` WHERE `id_cliente` = ? ORDER BY `adquirido_em`, `id` LIMIT 1000";
    let statement = Statement::new("inventario.remove_do_cliente", text).bind(cliente);
    Ok(db.write(statement, &Arc::default()).await?.rows)
}

/// What one call of [`delete_some_of`] removes at most.
pub const DELETED_AT_ONCE: u64 = 1_000;

/// A purchase's number, its client's and its product's, for a walk through the
/// table.
pub type Referencia = (u64, u64, u64);

/// The next purchases after the number `after`.
///
/// # Errors
/// The store's.
pub async fn references(db: &Db, after: u64, most: u32) -> Result<Vec<Referencia>, StoreError> {
    let text =
        "SELECT `id`, `id_cliente`, `id_produto` FROM `inventario` WHERE `id` > ? ORDER BY `id` LIMIT ?";
    db.read(Statement::new("inventario.referencias", text).bind(after).bind(most), &[]).await
}

/// Whether the purchase is still there.
///
/// # Errors
/// The store's.
pub async fn refers(db: &Db, id: u64) -> Result<bool, StoreError> {
    let statement =
        Statement::new("inventario.refere", "SELECT `id` FROM `inventario` WHERE `id` = ?").bind(id);
    let rows: Vec<(u64,)> = db.read(statement, &[]).await?;
    Ok(!rows.is_empty())
}

/// Which purchases have these keys, at most [`MOST_KEYS`] of them.
///
/// # Errors
/// The store's.
pub async fn with_chaves(db: &Db, chaves: &[&str]) -> Result<Vec<(u64, String)>, StoreError> {
    static WITH: InList = InList::new(
        "inventario.com_chaves",
        &["SELECT `id`, `chave_idempotencia` FROM `inventario` WHERE `chave_idempotencia` IN (…)"],
    );
    db.read(WITH.of(chaves), &[]).await
}

/// A purchase to be inserted with a chosen id.
pub struct NovaCompra {
    /// Its key.
    pub id: CompraId,
    /// Who buys.
    pub cliente: ClienteId,
    /// What is bought.
    pub produto: ProdutoId,
    /// How many.
    pub quantidade: u32,
    /// The price of one.
    pub preco_unitario: Decimal,
    /// When.
    pub adquirido_em: DateTime,
    /// The key that the old database knew it by, if any.
    pub chave_idempotencia: Option<String>,
}

/// Inserts many purchases in one statement, which is prepared once for each number
/// of rows: ask for few different ones.
///
/// # Errors
/// Whatever the driver says; then none is inserted.
pub async fn insert_many(mysql: &mut MySqlConnection, rows: &[NovaCompra]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO `inventario` \
         (`id`, `id_cliente`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`, `chave_idempotencia`) ",
    );
    insert.push_values(rows, |mut row, nova| {
        row.push_bind(nova.id)
            .push_bind(nova.cliente)
            .push_bind(nova.produto)
            .push_bind(nova.quantidade)
            .push_bind(nova.preco_unitario)
            .push_bind(nova.adquirido_em)
            .push_bind(&nova.chave_idempotencia);
    });
    insert.build().execute(mysql).await?;
    Ok(())
}

/// How many rows the table has.
///
/// # Errors
/// Whatever the driver says.
pub async fn count(mysql: &mut MySqlConnection) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(COUNT(*) AS UNSIGNED) FROM `inventario`").fetch_one(mysql).await
}

/// The next rows after the number `after`, as the columns of an import.
///
/// # Errors
/// The store's.
pub async fn exported(db: &Db, after: u64) -> Result<Vec<Exported>, StoreError> {
    let text = "\
SELECT `id`, CAST(`id` AS CHAR), CAST(`id_cliente` AS CHAR), CAST(`id_produto` AS CHAR), CAST(`quantidade` AS CHAR), CAST(`preco_unitario` AS CHAR), DATE_FORMAT(`adquirido_em`, '%Y-%m-%dT%H:%i:%s.%fZ'), CAST(`chave_idempotencia` AS CHAR)
FROM `inventario` WHERE `id` > ? ORDER BY `id` LIMIT 1000";
    db.read(Statement::new("inventario.exporta", text).bind(after), &[]).await
}
