//! The table `endereco`: its row and every statement about it.

use std::sync::Arc;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection as _, QueryBuilder};

use super::super::exported::Exported;
use super::super::listing::{Conditions, Order};
use crate::db::{
    Columns, Db, End, FromColumns, InList, Read, Reader, Reading, Select, SelectList, Statement, StoreError,
    Tally, Transaction, Work,
};
use crate::kernel::scalars::{Cep, DateTime};
use crate::relay::{ClienteId, EnderecoId, Page};
use crate::text::{folded_within, nfc};
use crate::writes::guard::Guarded;

/// How a page of addresses is ordered.
pub(super) const ORDER: Order = Order::oldest_first("enderecos.ID");

static SELECT: Select = Select::new(
    "endereco",
    &[
        "id",
        "id_cliente",
        "logradouro",
        "numero",
        "complemento",
        "bairro",
        "cidade",
        "uf",
        "cep",
        "pais",
        "criado_em",
        "atualizado_em",
    ],
    2,
);

/// Columns of [`SELECT`], beside the keys.
pub(super) mod column {
    use crate::db::Columns;

    pub const LOGRADOURO: Columns = Columns::at(2);
    pub const NUMERO: Columns = Columns::at(3);
    pub const COMPLEMENTO: Columns = Columns::at(4);
    pub const BAIRRO: Columns = Columns::at(5);
    pub const CIDADE: Columns = Columns::at(6);
    pub const UF: Columns = Columns::at(7);
    pub const CEP: Columns = Columns::at(8);
    pub const PAIS: Columns = Columns::at(9);
    pub const CRIADO_EM: Columns = Columns::at(10);
    pub const ATUALIZADO_EM: Columns = Columns::at(11);
}

/// An address as registered, as far as it was read.
#[derive(Debug)]
pub struct Registro {
    /// Its key.
    pub id: EnderecoId,
    /// Whose it is.
    pub cliente: ClienteId,
    /// Street.
    pub logradouro: Read<String>,
    /// House number; a text, since there is `s/n`.
    pub numero: Read<String>,
    /// Flat, block, reference.
    pub complemento: Read<Option<String>>,
    /// Quarter.
    pub bairro: Read<Option<String>>,
    /// City.
    pub cidade: Read<String>,
    /// Federal unit, two letters.
    pub uf: Read<String>,
    /// Postal code.
    pub cep: Read<Cep>,
    /// Country, two letters.
    pub pais: Read<String>,
    /// When it was registered.
    pub criado_em: Read<DateTime>,
    /// When it last changed.
    pub atualizado_em: Read<DateTime>,
}

impl FromColumns for Registro {
    fn from_columns(row: &MySqlRow, reading: Reading) -> Result<Self, sqlx::Error> {
        let mut row = Reader::new(row, reading);
        // In the order of the columns.
        Ok(Self {
            id: row.key()?,
            cliente: row.key()?,
            logradouro: row.value()?,
            numero: row.value()?,
            complemento: row.value()?,
            bairro: row.value()?,
            cidade: row.value()?,
            uf: row.value()?,
            cep: row.value()?,
            pais: row.value()?,
            criado_em: row.value()?,
            atualizado_em: row.value()?,
        })
    }
}

/// Addresses by id; those that do not exist are left out.
///
/// # Errors
/// The store's.
pub async fn by_ids(
    db: &Db,
    ids: &[u64],
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Vec<Registro>, StoreError> {
    static BY_ID: SelectList = SelectList::new("enderecos.por_id", &SELECT, &[" WHERE `id` IN (…)"]);
    db.read(BY_ID.of(ids, columns), audience).await
}

/// All addresses of many clients, oldest first within each.
///
/// # Errors
/// The store's.
pub async fn by_clientes(
    db: &Db,
    clientes: &[u64],
    columns: Columns,
    audience: &[Arc<Tally>],
) -> Result<Vec<Registro>, StoreError> {
    static BY_CLIENTE: SelectList = SelectList::new(
        "enderecos.do_cliente",
        &SELECT,
        &[" WHERE `id_cliente` IN (…) ORDER BY `id_cliente`, `id`"],
    );
    db.read(BY_CLIENTE.of(clientes, columns), audience).await
}

/// Which addresses a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub cliente: Option<ClienteId>,
    pub uf: Option<String>,
    /// The whole name, folded.
    pub cidade: Option<String>,
    pub cep: Option<Cep>,
}

impl Filter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(cliente) = self.cliente {
            conditions.add("`id_cliente` = ?", cliente);
        }
        if let Some(uf) = &self.uf {
            conditions.add("`uf` = ?", uf.clone());
        }
        if let Some(cidade) = &self.cidade {
            conditions.add("`cidade_busca` = ?", cidade.clone());
        }
        if let Some(cep) = &self.cep {
            conditions.add("`cep` = ?", cep.clone());
        }
        conditions
    }
}

/// A page of the addresses that pass `filter`, by id.
pub(super) async fn page(
    db: &Db,
    filter: &Filter,
    columns: Columns,
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Option<Registro>>, StoreError> {
    let conditions = filter.conditions();
    let form = conditions.form(&SELECT, columns);
    let statement = conditions.page("enderecos.pagina", form, ORDER, page);
    db.read_all(statement, audience).await
}

/// How many addresses pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement =
        filter.conditions().statement("enderecos.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `endereco`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// The address with this id, locked until the transaction ends.
pub(super) async fn lock(tx: &mut Transaction<'_>, id: EnderecoId) -> Result<Option<Registro>, StoreError> {
    let statement = SELECT.of(Columns::ALL).statement("enderecos.trava", " WHERE `id` = ? FOR UPDATE");
    Ok(tx.read(statement.bind(id)).await?.pop())
}

/// How many addresses a client has; the client's note must be locked, so that
/// the number stays.
pub(super) async fn count_of(tx: &mut Transaction<'_>, cliente: ClienteId) -> Result<u64, StoreError> {
    // As it is now, not as it was when the transaction first read.
    let text = "\
SELECT CAST(COUNT(*) AS UNSIGNED) FROM `endereco` WHERE `id_cliente` = ? LOCK IN SHARE MODE";
    let rows: Vec<(u64,)> = tx.read(Statement::new("enderecos.quantos", text).bind(cliente)).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// How many addresses each of these clients has; those without any are left out.
///
/// # Errors
/// The store's.
pub async fn counts(db: &Db, clientes: &[u64]) -> Result<Vec<(u64, u64)>, StoreError> {
    static COUNTS: InList = InList::new(
        "enderecos.contagens",
        &["SELECT `id_cliente`, CAST(COUNT(*) AS UNSIGNED) FROM `endereco` \
           WHERE `id_cliente` IN (…) GROUP BY `id_cliente`"],
    );
    db.read(COUNTS.of(clientes), &[]).await
}

/// What an address is made of.
pub(super) struct Dados<'a> {
    pub logradouro: &'a str,
    pub numero: &'a str,
    pub complemento: Option<&'a str>,
    pub bairro: Option<&'a str>,
    pub cidade: &'a str,
    pub uf: &'a str,
    pub cep: &'a Cep,
    pub pais: &'a str,
}

/// Adds an address and returns its number.
pub(super) async fn insert(
    tx: &mut Transaction<'_>,
    cliente: ClienteId,
    dados: &Dados<'_>,
) -> Result<u64, StoreError> {
    let text = "\
INSERT INTO `endereco`
    (`logradouro`, `numero`, `complemento`, `bairro`, `cidade`, `cidade_busca`, `uf`, `cep`, `pais`, `id_cliente`)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    Ok(tx.write(bound(Statement::new("enderecos.cria", text), dados).bind(cliente)).await?.id)
}

/// Changes an address, whose row must be locked.
pub(super) async fn update(
    tx: &mut Transaction<'_>,
    id: EnderecoId,
    dados: &Dados<'_>,
) -> Result<(), StoreError> {
    let text = "\
UPDATE `endereco`
SET `logradouro` = ?, `numero` = ?, `complemento` = ?, `bairro` = ?, `cidade` = ?, `cidade_busca` = ?,
    `uf` = ?, `cep` = ?, `pais` = ?,
    `atualizado_em` = GREATEST(CURRENT_TIMESTAMP(6), `atualizado_em` + INTERVAL 1000 MICROSECOND)
WHERE `id` = ?";
    tx.write(bound(Statement::new("enderecos.atualiza", text), dados).bind(id)).await.map(|_| ())
}

fn bound(statement: Statement, dados: &Dados<'_>) -> Statement {
    statement
        .bind(dados.logradouro)
        .bind(dados.numero)
        .bind(dados.complemento)
        .bind(dados.bairro)
        .bind(dados.cidade)
        .bind(cidade_busca(dados.cidade))
        .bind(dados.uf)
        .bind(dados.cep.digits())
        .bind(dados.pais)
}

/// What `cidade` is looked for in.
fn cidade_busca(cidade: &str) -> String {
    folded_within(cidade, 256)
}

/// Removes an address; false when it was not there.
pub(super) async fn delete(tx: &mut Transaction<'_>, id: EnderecoId) -> Result<bool, StoreError> {
    let statement = Statement::new("enderecos.remove", "DELETE FROM `endereco` WHERE `id` = ?").bind(id);
    Ok(tx.write(statement).await?.rows > 0)
}

/// Removes every address of a client and sees to it that none is added any more.
/// May be repeated.
///
/// # Errors
/// The store's; then nothing has changed.
pub async fn forget_cliente(db: &Db, cliente: ClienteId) -> Result<(), StoreError> {
    db.transaction(&ForgetCliente(cliente), &Arc::default()).await
}

struct ForgetCliente(ClienteId);

impl Work for ForgetCliente {
    type Output = ();

    fn name(&self) -> &'static str {
        "enderecos.esquece_cliente"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        Guarded::Cliente.lock(tx, self.0.0).await?;
        Guarded::Cliente.mark_removed(tx, self.0.0, false).await?;
        let text = "DELETE FROM `endereco` WHERE `id_cliente` = ?";
        tx.write(Statement::new("enderecos.remove_do_cliente", text).bind(self.0)).await?;
        Ok(End::Commit(()))
    }
}

/// An address's number and whose it is, for a walk through the table.
pub type Referencia = (u64, u64);

/// The next addresses after the number `after`.
///
/// # Errors
/// The store's.
pub async fn references(db: &Db, after: u64, most: u32) -> Result<Vec<Referencia>, StoreError> {
    let text = "SELECT `id`, `id_cliente` FROM `endereco` WHERE `id` > ? ORDER BY `id` LIMIT ?";
    db.read(Statement::new("enderecos.referencias", text).bind(after).bind(most), &[]).await
}

/// Whether the address is still there and still that client's.
///
/// # Errors
/// The store's.
pub async fn refers(db: &Db, (id, cliente): Referencia) -> Result<bool, StoreError> {
    let text = "SELECT `id` FROM `endereco` WHERE `id` = ? AND `id_cliente` = ?";
    let statement = Statement::new("enderecos.refere", text).bind(id).bind(cliente);
    let rows: Vec<(u64,)> = db.read(statement, &[]).await?;
    Ok(!rows.is_empty())
}

/// An address to be inserted with a chosen id.
pub struct NovoEndereco {
    /// Its key.
    pub id: EnderecoId,
    /// Whose it is.
    pub cliente: ClienteId,
    /// Street.
    pub logradouro: String,
    /// House number.
    pub numero: String,
    /// Flat, block, reference.
    pub complemento: Option<String>,
    /// Quarter.
    pub bairro: Option<String>,
    /// City.
    pub cidade: String,
    /// Federal unit, two letters.
    pub uf: String,
    /// Postal code.
    pub cep: Cep,
    /// Country, two letters.
    pub pais: String,
    /// When it was registered.
    pub criado_em: DateTime,
}

/// Inserts many addresses in one statement, which is prepared once for each number
/// of rows: ask for few different ones.
///
/// # Errors
/// Whatever the driver says; then none is inserted.
pub async fn insert_many(mysql: &mut MySqlConnection, rows: &[NovoEndereco]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO `endereco` \
         (`id`, `id_cliente`, `logradouro`, `numero`, `complemento`, `bairro`, `cidade`, `cidade_busca`, `uf`, `cep`, \
          `pais`, `criado_em`, `atualizado_em`) ",
    );
    insert.push_values(rows, |mut row, novo| {
        row.push_bind(novo.id)
            .push_bind(novo.cliente)
            .push_bind(&novo.logradouro)
            .push_bind(&novo.numero)
            .push_bind(&novo.complemento)
            .push_bind(&novo.bairro)
            .push_bind(&novo.cidade)
            .push_bind(cidade_busca(&novo.cidade))
            .push_bind(&novo.uf)
            .push_bind(novo.cep.digits())
            .push_bind(&novo.pais)
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
    sqlx::query_scalar("SELECT CAST(COUNT(*) AS UNSIGNED) FROM `endereco`").fetch_one(mysql).await
}

/// Brings rows of earlier versions into today's form: texts in NFC, and the column that
/// is looked up filled in.
///
/// # Errors
/// Whatever the driver says; what is done stays done, and it may be repeated.
pub(super) async fn prepare_texts(mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    type Texts = (u64, String, String, Option<String>, Option<String>, String);
    let mut last = 0_u64;
    loop {
        let rows: Vec<Texts> = sqlx::query_as(
            "SELECT `id`, `logradouro`, `numero`, `complemento`, `bairro`, `cidade` FROM `endereco` \
             WHERE `id` > ? ORDER BY `id` LIMIT 1000",
        )
        .bind(last)
        .fetch_all(&mut *mysql)
        .await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = end.0;
        let mut batch = mysql.begin().await?;
        for (id, logradouro, numero, complemento, bairro, cidade) in rows {
            let cidade = nfc(cidade);
            sqlx::query(
                "UPDATE `endereco` SET `logradouro` = ?, `numero` = ?, `complemento` = ?, `bairro` = ?, `cidade` = ?, \
                 `cidade_busca` = ? WHERE `id` = ?",
            )
            .bind(nfc(logradouro))
            .bind(nfc(numero))
            .bind(complemento.map(nfc))
            .bind(bairro.map(nfc))
            .bind(&cidade)
            .bind(cidade_busca(&cidade))
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
SELECT `id`, CAST(`id` AS CHAR), CAST(`id_cliente` AS CHAR), CAST(`logradouro` AS CHAR), CAST(`numero` AS CHAR), CAST(`complemento` AS CHAR), CAST(`bairro` AS CHAR), CAST(`cidade` AS CHAR), CAST(`uf` AS CHAR), CAST(`cep` AS CHAR), CAST(`pais` AS CHAR), DATE_FORMAT(`criado_em`, '%Y-%m-%dT%H:%i:%s.%fZ')
FROM `endereco` WHERE `id` > ? ORDER BY `id` LIMIT 1000";
    db.read(Statement::new("enderecos.exporta", text).bind(after), &[]).await
}
