//! The table `catalogo`: its row and every statement about it.

use std::sync::Arc;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection as _, QueryBuilder};

use super::super::exported::Exported;
use super::super::listing::{Conditions, Order};
use crate::db::{
    Columns, Db, FromColumns, InList, Read, Reader, Reading, Select, SelectList, Statement, StoreError,
    Tally, Transaction,
};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::{Page, ProdutoId};
use crate::text::{nfc, searched_words, written_words};

/// Without the description, which is long and has a statement of its own.
static SELECT: Select =
    Select::new("catalogo", &["id", "nome", "preco", "disponivel", "criado_em", "atualizado_em"], 1);

/// Columns of [`SELECT`], beside the key.
pub mod column {
    use crate::db::Columns;

    /// Name.
    pub const NOME: Columns = Columns::at(1);
    /// Price today.
    pub const PRECO: Columns = Columns::at(2);
    /// Whether it can be bought.
    pub const DISPONIVEL: Columns = Columns::at(3);
    /// When it was listed.
    pub const CRIADO_EM: Columns = Columns::at(4);
    /// When it last changed.
    pub const ATUALIZADO_EM: Columns = Columns::at(5);
}

/// A product as listed, as far as it was read.
#[derive(Debug)]
pub struct Item {
    /// Its key.
    pub id: ProdutoId,
    /// Name.
    pub nome: Read<String>,
    /// Price today.
    pub preco: Read<Decimal>,
    /// Whether it can be bought.
    pub disponivel: Read<bool>,
    /// When it was listed.
    pub criado_em: Read<DateTime>,
    /// When it last changed.
    pub atualizado_em: Read<DateTime>,
}

impl FromColumns for Item {
    fn from_columns(row: &MySqlRow, reading: Reading) -> Result<Self, sqlx::Error> {
        let mut row = Reader::new(row, reading);
        // In the order of the columns.
        Ok(Self {
            id: row.key()?,
            nome: row.value()?,
            preco: row.value()?,
            disponivel: row.value()?,
            criado_em: row.value()?,
            atualizado_em: row.value()?,
        })
    }
}

/// Products by id; those that do not exist are left out.
///
/// # Errors
/// The store's.
pub async fn by_ids(
    db: &Db,
    ids: &[u64],
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Vec<Item>, StoreError> {
    static BY_ID: SelectList = SelectList::new("catalogo.por_id", &SELECT, &[" WHERE `id` IN (…)"]);
    db.read(BY_ID.of(ids, columns), audience).await
}

/// Descriptions by product; products without one are left out.
///
/// # Errors
/// The store's.
pub async fn descricoes(
    db: &Db,
    ids: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<(u64, String)>, StoreError> {
    static DESCRICOES: InList = InList::new(
        "catalogo.descricao",
        &["SELECT `id`, `descricao` FROM `catalogo` WHERE `descricao` IS NOT NULL AND `id` IN (…)"],
    );
    db.read(DESCRICOES.of(ids), audience).await
}

/// Which products a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Words that must all begin a word of the name or description.
    pub busca: Option<Vec<String>>,
    pub disponivel: Option<bool>,
    pub preco: Option<(Decimal, Decimal)>,
}

impl Filter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(words) = &self.busca {
            conditions.add("MATCH (`busca`) AGAINST (? IN BOOLEAN MODE)", searched_words(words));
        }
        if let Some(disponivel) = self.disponivel {
            conditions.add("`disponivel` = ?", disponivel);
        }
        if let Some((from, to)) = self.preco {
            conditions.add_range("`preco` BETWEEN ? AND ?", from, to);
        }
        conditions
    }
}

/// A page of the products that pass `filter`.
pub(super) async fn page(
    db: &Db,
    filter: &Filter,
    (order, columns): (Order, Columns),
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Option<Item>>, StoreError> {
    let conditions = filter.conditions();
    let form = conditions.form(&SELECT, columns);
    let statement = conditions.page("catalogo.pagina", form, order, page);
    db.read_all(statement, audience).await
}

/// How many products pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement =
        filter.conditions().statement("catalogo.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `catalogo`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// The product with this id, locked until the transaction ends.
pub(super) async fn lock(tx: &mut Transaction<'_>, id: ProdutoId) -> Result<Option<Item>, StoreError> {
    let statement = SELECT.of(Columns::ALL).statement("catalogo.trava", " WHERE `id` = ? FOR UPDATE");
    Ok(tx.read(statement.bind(id)).await?.pop())
}

/// The description of a product that is locked.
pub(super) async fn descricao(tx: &mut Transaction<'_>, id: ProdutoId) -> Result<Option<String>, StoreError> {
    let statement =
        Statement::new("catalogo.descricao_de", "SELECT `descricao` FROM `catalogo` WHERE `id` = ?").bind(id);
    let rows: Vec<(Option<String>,)> = tx.read(statement).await?;
    Ok(rows.into_iter().next().and_then(|row| row.0))
}

/// What a product is listed with.
pub(super) struct Dados<'a> {
    pub nome: &'a str,
    pub descricao: Option<&'a str>,
    pub preco: Decimal,
    pub disponivel: bool,
}

/// Lists a product and returns its number.
pub(super) async fn insert(tx: &mut Transaction<'_>, dados: &Dados<'_>) -> Result<u64, StoreError> {
    let text =
        "INSERT INTO `catalogo` (`nome`, `descricao`, `busca`, `preco`, `disponivel`) VALUES (?, ?, ?, ?, ?)";
    Ok(tx.write(bound(Statement::new("catalogo.cria", text), dados)).await?.id)
}

/// Changes a product, whose row must be locked.
pub(super) async fn update(
    tx: &mut Transaction<'_>,
    id: ProdutoId,
    dados: &Dados<'_>,
) -> Result<(), StoreError> {
    let text = "\
UPDATE `catalogo`
SET `nome` = ?, `descricao` = ?, `busca` = ?, `preco` = ?, `disponivel` = ?,
    `atualizado_em` = GREATEST(CURRENT_TIMESTAMP(6), `atualizado_em` + INTERVAL 1000 MICROSECOND)
WHERE `id` = ?";
    tx.write(bound(Statement::new("catalogo.atualiza", text), dados).bind(id)).await.map(|_| ())
}

fn bound(statement: Statement, dados: &Dados<'_>) -> Statement {
    statement
        .bind(dados.nome)
        .bind(dados.descricao)
        .bind(busca(dados.nome, dados.descricao))
        .bind(dados.preco)
        .bind(dados.disponivel)
}

/// What `busca` is looked for in.
fn busca(nome: &str, descricao: Option<&str>) -> String {
    written_words([nome].into_iter().chain(descricao))
}

/// Removes a product's row, if it is still there.
///
/// # Errors
/// The store's.
pub async fn delete(db: &Db, id: ProdutoId) -> Result<(), StoreError> {
    let statement = Statement::new("catalogo.remove", "DELETE FROM `catalogo` WHERE `id` = ?").bind(id);
    db.write(statement, &Arc::default()).await.map(|_| ())
}

/// Those of `ids`, at most [`MOST_KEYS`](crate::db::MOST_KEYS), that exist.
///
/// # Errors
/// The store's.
pub async fn existing(db: &Db, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
    static EXISTING: InList =
        InList::new("catalogo.existem", &["SELECT `id` FROM `catalogo` WHERE `id` IN (…)"]);
    let rows: Vec<(u64,)> = db.read(EXISTING.of(ids), &[]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A product to be inserted with a chosen id.
pub struct NovoProduto {
    /// Its key.
    pub id: ProdutoId,
    /// Name.
    pub nome: String,
    /// Description.
    pub descricao: Option<String>,
    /// Price.
    pub preco: Decimal,
    /// Whether it can be bought.
    pub disponivel: bool,
    /// When it was listed.
    pub criado_em: DateTime,
}

/// Inserts many products in one statement, which is prepared once for each number
/// of rows: ask for few different ones.
///
/// # Errors
/// Whatever the driver says; then none is inserted.
pub async fn insert_many(mysql: &mut MySqlConnection, rows: &[NovoProduto]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO `catalogo` \
         (`id`, `nome`, `descricao`, `busca`, `preco`, `disponivel`, `criado_em`, `atualizado_em`) ",
    );
    insert.push_values(rows, |mut row, novo| {
        row.push_bind(novo.id)
            .push_bind(&novo.nome)
            .push_bind(&novo.descricao)
            .push_bind(busca(&novo.nome, novo.descricao.as_deref()))
            .push_bind(novo.preco)
            .push_bind(novo.disponivel)
            .push_bind(novo.criado_em)
            .push_bind(novo.criado_em);
    });
    insert.build().execute(mysql).await?;
    Ok(())
}

/// How many rows the table has.
///
/// # Errors
/// Whatever the driver says.
pub async fn count(mysql: &mut MySqlConnection) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(COUNT(*) AS UNSIGNED) FROM `catalogo`").fetch_one(mysql).await
}

/// Brings rows without words into today's form: texts in NFC, and the words that are
/// searched.
///
/// # Errors
/// Whatever the driver says; what is done stays done, and it may be repeated.
pub(super) async fn prepare_texts(mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let mut last = 0_u64;
    loop {
        let rows: Vec<(u64, String, Option<String>)> = sqlx::query_as(
            "SELECT `id`, `nome`, `descricao` FROM `catalogo` WHERE `id` > ? AND `busca` IS NULL \
             ORDER BY `id` LIMIT 1000",
        )
        .bind(last)
        .fetch_all(&mut *mysql)
        .await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = end.0;
        let mut batch = mysql.begin().await?;
        for (id, nome, descricao) in rows {
            let (nome, descricao) = (nfc(nome), descricao.map(nfc));
            sqlx::query("UPDATE `catalogo` SET `nome` = ?, `descricao` = ?, `busca` = ? WHERE `id` = ?")
                .bind(&nome)
                .bind(&descricao)
                .bind(busca(&nome, descricao.as_deref()))
                .bind(id)
                .execute(&mut *batch)
                .await?;
        }
        batch.commit().await?;
    }
}

/// The next rows after the number `after`, as the columns of an import.
///
/// # Errors
/// The store's.
pub async fn exported(db: &Db, after: u64) -> Result<Vec<Exported>, StoreError> {
    let text = "\
SELECT `id`, CAST(`id` AS CHAR), CAST(`nome` AS CHAR), CAST(`descricao` AS CHAR), CAST(`preco` AS CHAR), CAST(`disponivel` AS CHAR), DATE_FORMAT(`criado_em`, '%Y-%m-%dT%H:%i:%s.%fZ')
FROM `catalogo` WHERE `id` > ? ORDER BY `id` LIMIT 1000";
    db.read(Statement::new("catalogo.exporta", text).bind(after), &[]).await
}
