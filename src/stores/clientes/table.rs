//! The table `cadastro`: its row and every statement about it.

use std::sync::Arc;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection as _, QueryBuilder};

use super::super::exported::Exported;
use super::super::listing::{Conditions, Order, like_containing};
use crate::db::{
    Columns, Db, FromColumns, InList, Read, Reader, Reading, Select, SelectList, Statement, StoreError,
    Tally, Transaction,
};
use crate::kernel::scalars::{Cpf, Date, DateTime};
use crate::kernel::telefone;
use crate::relay::{ClienteId, Page};
use crate::text::{email_key, folded_within, nfc};

static SELECT: Select = Select::new(
    "cadastro",
    &["id", "nome", "email", "cpf", "telefone", "data_nascimento", "criado_em", "atualizado_em"],
    1,
);

/// Columns of [`SELECT`], beside the key.
pub(super) mod column {
    use crate::db::Columns;

    pub const NOME: Columns = Columns::at(1);
    pub const EMAIL: Columns = Columns::at(2);
    pub const CPF: Columns = Columns::at(3);
    pub const TELEFONE: Columns = Columns::at(4);
    pub const DATA_NASCIMENTO: Columns = Columns::at(5);
    pub const CRIADO_EM: Columns = Columns::at(6);
    pub const ATUALIZADO_EM: Columns = Columns::at(7);
}

/// A client as registered, as far as it was read.
#[derive(Debug)]
pub struct Cadastro {
    /// Its key.
    pub id: ClienteId,
    /// Full name.
    pub nome: Read<String>,
    /// E-mail address, unique.
    pub email: Read<String>,
    /// CPF, unique.
    pub cpf: Read<Cpf>,
    /// Telephone number.
    pub telefone: Read<Option<String>>,
    /// Day of birth.
    pub data_nascimento: Read<Option<Date>>,
    /// When it was registered.
    pub criado_em: Read<DateTime>,
    /// When it last changed.
    pub atualizado_em: Read<DateTime>,
}

impl FromColumns for Cadastro {
    fn from_columns(row: &MySqlRow, reading: Reading) -> Result<Self, sqlx::Error> {
        let mut row = Reader::new(row, reading);
        // In the order of the columns.
        Ok(Self {
            id: row.key()?,
            nome: row.value()?,
            email: row.value()?,
            cpf: row.value()?,
            telefone: row.value()?,
            data_nascimento: row.value()?,
            criado_em: row.value()?,
            atualizado_em: row.value()?,
        })
    }
}

/// Clients by id; those that do not exist are left out.
///
/// # Errors
/// The store's.
pub async fn by_ids(
    db: &Db,
    ids: &[u64],
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Vec<Cadastro>, StoreError> {
    static BY_ID: SelectList = SelectList::new("clientes.por_id", &SELECT, &[" WHERE `id` IN (…)"]);
    db.read(BY_ID.of(ids, columns), audience).await
}

/// The client with this CPF.
///
/// # Errors
/// The store's.
pub async fn by_cpf(
    db: &Db,
    cpf: &Cpf,
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Option<Cadastro>, StoreError> {
    let statement = SELECT.of(columns).statement("clientes.por_cpf", " WHERE `cpf` = ?");
    Ok(db.read(statement.bind(cpf.digits()), audience).await?.pop())
}

/// The client with this e-mail address, by its key: case does not count, accents do.
pub(super) async fn by_email(
    db: &Db,
    email: &str,
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Option<Cadastro>, StoreError> {
    let statement = SELECT.of(columns).statement("clientes.por_email", " WHERE `email_chave` = ?");
    Ok(db.read(statement.bind(email_key(email)), audience).await?.pop())
}

/// Which clients a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Part of the name, folded.
    pub nome_contem: Option<String>,
    pub nascido: Option<(Date, Date)>,
}

impl Filter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(part) = &self.nome_contem {
            conditions.add("`nome_busca` LIKE ?", like_containing(part));
        }
        if let Some((from, to)) = self.nascido {
            conditions.add_range("`data_nascimento` BETWEEN ? AND ?", from, to);
        }
        conditions
    }
}

/// A page of the clients that pass `filter`.
pub(super) async fn page(
    db: &Db,
    filter: &Filter,
    (order, columns): (Order, Columns),
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Option<Cadastro>>, StoreError> {
    let conditions = filter.conditions();
    let form = conditions.form(&SELECT, columns);
    let statement = conditions.page("clientes.pagina", form, order, page);
    db.read_all(statement, audience).await
}

/// How many clients pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement =
        filter.conditions().statement("clientes.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `cadastro`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// The client with this id, locked until the transaction ends.
///
/// # Errors
/// The store's.
pub async fn lock(tx: &mut Transaction<'_>, id: ClienteId) -> Result<Option<Cadastro>, StoreError> {
    let statement = SELECT.of(Columns::ALL).statement("clientes.trava", " WHERE `id` = ? FOR UPDATE");
    Ok(tx.read(statement.bind(id)).await?.pop())
}

/// What a client is registered with.
pub(super) struct Dados<'a> {
    pub nome: &'a str,
    pub email: &'a str,
    pub cpf: &'a Cpf,
    pub telefone: Option<&'a str>,
    pub data_nascimento: Option<Date>,
}

/// Registers a client and returns its number.
pub(super) async fn insert(tx: &mut Transaction<'_>, dados: &Dados<'_>) -> Result<u64, StoreError> {
    let text = "\
INSERT INTO `cadastro` (`nome`, `nome_busca`, `email`, `email_chave`, `cpf`, `telefone`, `data_nascimento`)
VALUES (?, ?, ?, ?, ?, ?, ?)";
    Ok(tx.write(bound(Statement::new("clientes.cria", text), dados)).await?.id)
}

/// Changes a client, whose row must be locked.
pub(super) async fn update(
    tx: &mut Transaction<'_>,
    id: ClienteId,
    dados: &Dados<'_>,
) -> Result<(), StoreError> {
    let text = "\
UPDATE `cadastro`
SET `nome` = ?, `nome_busca` = ?, `email` = ?, `email_chave` = ?, `cpf` = ?, `telefone` = ?, `data_nascimento` = ?,
    `atualizado_em` = GREATEST(CURRENT_TIMESTAMP(6), `atualizado_em` + INTERVAL 1000 MICROSECOND)
WHERE `id` = ?";
    tx.write(bound(Statement::new("clientes.atualiza", text), dados).bind(id)).await.map(|_| ())
}

fn bound(statement: Statement, dados: &Dados<'_>) -> Statement {
    statement
        .bind(dados.nome)
        .bind(nome_busca(dados.nome))
        .bind(dados.email)
        .bind(email_key(dados.email))
        .bind(dados.cpf.digits())
        .bind(dados.telefone)
        .bind(dados.data_nascimento)
}

/// What `nomeContem` is looked for in.
fn nome_busca(nome: &str) -> String {
    folded_within(nome, 512)
}

/// Removes a client's row.
///
/// # Errors
/// The store's.
pub async fn delete(tx: &mut Transaction<'_>, id: ClienteId) -> Result<(), StoreError> {
    let statement = Statement::new("clientes.remove", "DELETE FROM `cadastro` WHERE `id` = ?").bind(id);
    tx.write(statement).await.map(|_| ())
}

/// Whether another client than `except` has this e-mail address, and whether one
/// has this CPF: as it is now, waiting for those who are writing.
pub(super) async fn taken(
    tx: &mut Transaction<'_>,
    email: &str,
    cpf: &Cpf,
    except: Option<ClienteId>,
) -> Result<(bool, bool), StoreError> {
    let text = "\
SELECT `email_chave` = ?, `cpf` = ? FROM `cadastro`
WHERE (`email_chave` = ? OR `cpf` = ?) AND `id` <> ?
LOCK IN SHARE MODE";
    let key = email_key(email);
    let statement = Statement::new("clientes.repetido", text)
        .bind(key.clone())
        .bind(cpf.digits())
        .bind(key)
        .bind(cpf.digits())
        .bind(except.map_or(0, |id| id.0));
    let rows: Vec<(bool, bool)> = tx.read(statement).await?;
    Ok((rows.iter().any(|row| row.0), rows.iter().any(|row| row.1)))
}

/// Those of `ids`, at most [`MOST_KEYS`](crate::db::MOST_KEYS), that exist.
///
/// # Errors
/// The store's.
pub async fn existing(db: &Db, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
    static EXISTING: InList =
        InList::new("clientes.existem", &["SELECT `id` FROM `cadastro` WHERE `id` IN (…)"]);
    let rows: Vec<(u64,)> = db.read(EXISTING.of(ids), &[]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Who has these e-mail addresses, given by their keys, at most
/// [`MOST_KEYS`](crate::db::MOST_KEYS) of them.
///
/// # Errors
/// The store's.
pub async fn with_emails(db: &Db, keys: &[&str]) -> Result<Vec<(u64, String)>, StoreError> {
    static WITH: InList = InList::new(
        "clientes.com_emails",
        &["SELECT `id`, `email_chave` FROM `cadastro` WHERE `email_chave` IN (…)"],
    );
    db.read(WITH.of(keys), &[]).await
}

/// Who has these CPFs, given by their digits, at most [`MOST_KEYS`](crate::db::MOST_KEYS)
/// of them.
///
/// # Errors
/// The store's.
pub async fn with_cpfs(db: &Db, cpfs: &[&str]) -> Result<Vec<(u64, String)>, StoreError> {
    static WITH: InList =
        InList::new("clientes.com_cpfs", &["SELECT `id`, `cpf` FROM `cadastro` WHERE `cpf` IN (…)"]);
    db.read(WITH.of(cpfs), &[]).await
}

/// A client to be inserted with a chosen id.
pub struct NovoCliente {
    /// Its key.
    pub id: ClienteId,
    /// Full name.
    pub nome: String,
    /// E-mail address.
    pub email: String,
    /// CPF.
    pub cpf: Cpf,
    /// Telephone number.
    pub telefone: Option<String>,
    /// Day of birth.
    pub data_nascimento: Option<Date>,
    /// When it was registered.
    pub criado_em: DateTime,
}

/// Inserts many clients in one statement, which is prepared once for each number
/// of rows: ask for few different ones.
///
/// # Errors
/// Whatever the driver says; then none is inserted.
pub async fn insert_many(mysql: &mut MySqlConnection, rows: &[NovoCliente]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO `cadastro` \
         (`id`, `nome`, `nome_busca`, `email`, `email_chave`, `cpf`, `telefone`, `data_nascimento`, `criado_em`, \
          `atualizado_em`) ",
    );
    insert.push_values(rows, |mut row, novo| {
        row.push_bind(novo.id)
            .push_bind(&novo.nome)
            .push_bind(nome_busca(&novo.nome))
            .push_bind(&novo.email)
            .push_bind(email_key(&novo.email))
            .push_bind(novo.cpf.digits())
            .push_bind(&novo.telefone)
            .push_bind(novo.data_nascimento)
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
    sqlx::query_scalar("SELECT CAST(COUNT(*) AS UNSIGNED) FROM `cadastro`").fetch_one(mysql).await
}

/// Brings rows of earlier versions into today's form: texts in NFC, telephones in E.164,
/// and the columns that are looked up filled in.
///
/// # Errors
/// Whatever the driver says; what is done stays done, and it may be repeated.
pub(super) async fn prepare_texts(mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let mut last = 0_u64;
    loop {
        let rows: Vec<(u64, String, String, Option<String>)> = sqlx::query_as(
            "SELECT `id`, `nome`, `email`, `telefone` FROM `cadastro` WHERE `id` > ? ORDER BY `id` LIMIT 1000",
        )
        .bind(last)
        .fetch_all(&mut *mysql)
        .await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = end.0;
        let mut batch = mysql.begin().await?;
        for (id, nome, email, telefone) in rows {
            let (nome, email) = (nfc(nome), nfc(email));
            let telefone = telefone.map(|text| telefone::parse(&text).unwrap_or(text));
            sqlx::query(
                "UPDATE `cadastro` SET `nome` = ?, `nome_busca` = ?, `email` = ?, `email_chave` = ?, `telefone` = ? \
                 WHERE `id` = ?",
            )
            .bind(&nome)
            .bind(nome_busca(&nome))
            .bind(&email)
            .bind(email_key(&email))
            .bind(telefone)
            .bind(id)
            .execute(&mut *batch)
            .await?;
        }
        batch.commit().await?;
    }
}

/// Clients who share an e-mail address, at most so many groups: by id.
///
/// # Errors
/// Whatever the driver says.
pub(super) async fn shared_emails(mysql: &mut MySqlConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT CAST(GROUP_CONCAT(CONCAT('cliente_', `id`) ORDER BY `id` SEPARATOR ' and ') AS CHAR) \
         FROM `cadastro` GROUP BY `email_chave` HAVING COUNT(*) > 1 LIMIT 20",
    )
    .fetch_all(mysql)
    .await
}

/// The next rows after the number `after`, as the columns of an import.
///
/// # Errors
/// The store's.
pub async fn exported(db: &Db, after: u64) -> Result<Vec<Exported>, StoreError> {
    let text = "\
SELECT `id`, CAST(`id` AS CHAR), CAST(`nome` AS CHAR), CAST(`email` AS CHAR), CAST(`cpf` AS CHAR), CAST(`telefone` AS CHAR), CAST(`data_nascimento` AS CHAR), DATE_FORMAT(`criado_em`, '%Y-%m-%dT%H:%i:%s.%fZ')
FROM `cadastro` WHERE `id` > ? ORDER BY `id` LIMIT 1000";
    db.read(Statement::new("clientes.exporta", text).bind(after), &[]).await
}
