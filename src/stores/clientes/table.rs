//! The table `cadastro`: its row and every statement about it.

use std::sync::{Arc, LazyLock};

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, QueryBuilder, Row as _};

use super::super::listing::{Conditions, Order};
use crate::db::{Db, Statement, StoreError, Tally, Texts, in_list};
use crate::kernel::scalars::{Cpf, Date, DateTime};
use crate::kernel::{ClienteId, Page};

const SELECT: &str = "\
SELECT `id`, `nome`, `email`, `cpf`, `telefone`, `data_nascimento`, `criado_em`, `atualizado_em`
FROM `cadastro`";

/// A client as registered.
#[derive(Debug)]
pub struct Cadastro {
    /// Its key.
    pub id: ClienteId,
    /// Full name.
    pub nome: String,
    /// E-mail address, unique.
    pub email: String,
    /// CPF, unique.
    pub cpf: Cpf,
    /// Telephone number.
    pub telefone: Option<String>,
    /// Day of birth.
    pub data_nascimento: Option<Date>,
    /// When it was registered.
    pub criado_em: DateTime,
    /// When it last changed.
    pub atualizado_em: DateTime,
}

impl FromRow<'_, MySqlRow> for Cadastro {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            nome: row.try_get(1)?,
            email: row.try_get(2)?,
            cpf: row.try_get(3)?,
            telefone: row.try_get(4)?,
            data_nascimento: row.try_get(5)?,
            criado_em: row.try_get(6)?,
            atualizado_em: row.try_get(7)?,
        })
    }
}

/// Clients by id; those that do not exist are left out.
pub(super) async fn by_ids(
    db: &Db,
    ids: &[u64],
    audience: &[Arc<Tally>],
) -> Result<Vec<Cadastro>, StoreError> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
    let text = in_list(&TEXTS, || format!("{SELECT} WHERE `id` IN (…)"), ids.len());
    db.read(Statement::new("clientes.por_id", text).bind_list(ids), audience).await
}

/// The client with this CPF.
pub(super) async fn by_cpf(
    db: &Db,
    cpf: &Cpf,
    audience: &[Arc<Tally>],
) -> Result<Option<Cadastro>, StoreError> {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{SELECT} WHERE `cpf` = ?"));
    let statement = Statement::new("clientes.por_cpf", &TEXT).bind(cpf.digits());
    Ok(db.read(statement, audience).await?.pop())
}

/// The client with this e-mail address, compared without regard to case.
pub(super) async fn by_email(
    db: &Db,
    email: &str,
    audience: &[Arc<Tally>],
) -> Result<Option<Cadastro>, StoreError> {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{SELECT} WHERE `email` = ?"));
    let statement = Statement::new("clientes.por_email", &TEXT).bind(email);
    Ok(db.read(statement, audience).await?.pop())
}

/// Which clients a listing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub nome_contem: Option<String>,
    pub nascido: Option<(Date, Date)>,
}

impl Filter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(part) = &self.nome_contem {
            conditions.add("`nome` LIKE ?", like_containing(part));
        }
        if let Some((from, to)) = self.nascido {
            conditions.add_range("`data_nascimento` BETWEEN ? AND ?", from, to);
        }
        conditions
    }
}

/// A LIKE pattern in which the caller's text stands for itself.
fn like_containing(part: &str) -> String {
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// A page of the clients that pass `filter`.
pub(super) async fn page(
    db: &Db,
    filter: &Filter,
    order: Order,
    page: &Page,
    audience: &[Arc<Tally>],
) -> Result<Vec<Cadastro>, StoreError> {
    db.read(filter.conditions().page("clientes.pagina", SELECT, order, page), audience).await
}

/// How many clients pass `filter`.
pub(super) async fn total(db: &Db, filter: &Filter, audience: &[Arc<Tally>]) -> Result<u64, StoreError> {
    let statement =
        filter.conditions().statement("clientes.total", "SELECT CAST(COUNT(*) AS UNSIGNED) FROM `cadastro`");
    let rows: Vec<(u64,)> = db.read(statement, audience).await?;
    Ok(rows.first().map_or(0, |row| row.0))
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
         (`id`, `nome`, `email`, `cpf`, `telefone`, `data_nascimento`, `criado_em`, `atualizado_em`) ",
    );
    insert.push_values(rows, |mut row, novo| {
        row.push_bind(novo.id)
            .push_bind(&novo.nome)
            .push_bind(&novo.email)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_caller_stand_for_themselves() {
        assert_eq!(like_containing(r"50%_\"), r"%50\%\_\\%");
    }
}
