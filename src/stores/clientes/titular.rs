//! The table `titular`: what was done for people who asked for their data or for its
//! removal (LGPD, article 18).

use sqlx::FromRow;

use crate::db::{Db, Statement, StoreError, Transaction};
use crate::kernel::scalars::DateTime;
use crate::relay::ClienteId;

/// What was asked for and done. It holds nothing that tells who it was.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct Protocolo {
    /// Its number, a UUID, by which it is found again.
    pub id: String,
    /// `export` or `apagar`.
    pub pedido: String,
    /// The number of the client.
    pub cliente: u64,
    /// What became of the purchases: `manter` or `remover`; none for an export.
    pub compras: Option<String>,
    /// When.
    pub feito_em: DateTime,
    /// By which operator.
    pub feito_por: String,
    /// How many addresses there were.
    pub enderecos: u64,
    /// How many purchases there were.
    pub vendas: u64,
}

const SELECT: &str = "\
SELECT `id`, `pedido`, `cliente`, `compras`, `feito_em`, `feito_por`, `enderecos`, `vendas` FROM `titular`";

fn insertion(protocolo: &Protocolo) -> Statement {
    let text = "\
INSERT INTO `titular` (`id`, `pedido`, `cliente`, `compras`, `feito_em`, `feito_por`, `enderecos`, `vendas`)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    Statement::new("titular.cria", text)
        .bind(protocolo.id.clone())
        .bind(protocolo.pedido.clone())
        .bind(ClienteId(protocolo.cliente))
        .bind(protocolo.compras.clone())
        .bind(protocolo.feito_em)
        .bind(protocolo.feito_por.clone())
        .bind(protocolo.enderecos)
        .bind(protocolo.vendas)
}

/// Keeps a protocol, in the transaction that does what it says.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &mut Transaction<'_>, protocolo: &Protocolo) -> Result<(), StoreError> {
    tx.write(insertion(protocolo)).await.map(|_| ())
}

/// Keeps the protocol of what changes nothing.
///
/// # Errors
/// The store's.
pub async fn keep(db: &Db, protocolo: &Protocolo) -> Result<(), StoreError> {
    db.write(insertion(protocolo), &std::sync::Arc::default()).await.map(|_| ())
}

/// The newest protocols, at most so many.
///
/// # Errors
/// The store's.
pub async fn newest(db: &Db, most: u32) -> Result<Vec<Protocolo>, StoreError> {
    static TEXT: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("{SELECT} ORDER BY `feito_em` DESC, `id` DESC LIMIT ?"));
    db.read(Statement::new("titular.recentes", &TEXT).bind(most), &[]).await
}

/// The protocol with this number.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &Db, id: &str) -> Result<Option<Protocolo>, StoreError> {
    static TEXT: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("{SELECT} WHERE `id` = ?"));
    Ok(db.read(Statement::new("titular.por_id", &TEXT).bind(id.to_owned()), &[]).await?.pop())
}
