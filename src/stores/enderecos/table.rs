//! The table `endereco`: its row and every statement about it.

use std::sync::{Arc, LazyLock};

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, QueryBuilder, Row as _};

use super::super::listing::{Conditions, Order};
use crate::db::{Db, Statement, StoreError, Tally, Texts, in_list};
use crate::kernel::scalars::{Cep, DateTime};
use crate::kernel::{ClienteId, EnderecoId, Page};

const SELECT: &str = "\
SELECT `id`, `id_cliente`, `logradouro`, `numero`, `complemento`, `bairro`, `cidade`, `uf`, `cep`, `pais`, `criado_em`, `atualizado_em`
FROM `endereco`";

/// An address as registered.
#[derive(Debug)]
pub struct Registro {
    /// Its key.
    pub id: EnderecoId,
    /// Whose it is.
    pub cliente: ClienteId,
    /// Street.
    pub logradouro: String,
    /// House number; a text, since there is `s/n`.
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
    /// When it last changed.
    pub atualizado_em: DateTime,
}

impl FromRow<'_, MySqlRow> for Registro {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            cliente: row.try_get(1)?,
            logradouro: row.try_get(2)?,
            numero: row.try_get(3)?,
            complemento: row.try_get(4)?,
            bairro: row.try_get(5)?,
            cidade: row.try_get(6)?,
            uf: row.try_get(7)?,
            cep: row.try_get(8)?,
            pais: row.try_get(9)?,
            criado_em: row.try_get(10)?,
            atualizado_em: row.try_get(11)?,
        })
    }
}

/// Addresses by id; those that do not exist are left out.
pub(super) async fn by_ids(
    db: &Db,
    ids: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<Registro>, StoreError> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
    let text = in_list(&TEXTS, || format!("{SELECT} WHERE `id` IN (…)"), ids.len());
    db.read(Statement::new("enderecos.por_id", text).bind_list(ids), audience).await
}

/// All addresses of many clients, oldest first within each.
pub(super) async fn by_clientes(
    db: &Db,
    clientes: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<Registro>, StoreError> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
    let template = || format!("{SELECT} WHERE `id_cliente` IN (…) ORDER BY `id_cliente`, `id`");
    let text = in_list(&TEXTS, template, clientes.len());
    db.read(Statement::new("enderecos.do_cliente", text).bind_list(clientes), audience).await
}

/// Which addresses a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub cliente: Option<ClienteId>,
    pub uf: Option<String>,
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
            conditions.add("`cidade` = ?", cidade.clone());
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
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Registro>, StoreError> {
    let statement = filter.conditions().page("enderecos.pagina", SELECT, Order::ID, page);
    db.read(statement, audience).await
}

/// How many addresses pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement =
        filter.conditions().statement("enderecos.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `endereco`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
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
         (`id`, `id_cliente`, `logradouro`, `numero`, `complemento`, `bairro`, `cidade`, `uf`, `cep`, `criado_em`, `atualizado_em`) ",
    );
    insert.push_values(rows, |mut row, novo| {
        row.push_bind(novo.id)
            .push_bind(novo.cliente)
            .push_bind(&novo.logradouro)
            .push_bind(&novo.numero)
            .push_bind(&novo.complemento)
            .push_bind(&novo.bairro)
            .push_bind(&novo.cidade)
            .push_bind(&novo.uf)
            .push_bind(novo.cep.digits())
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
