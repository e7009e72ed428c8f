//! The way back: the rows of a store as a file that an import reads.

use std::io::Write;

use super::columns;
use crate::db::{Db, Store, StoreError};
use crate::stores::{catalogo, clientes, enderecos, inventario};

/// Why an export could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("the file cannot be written: {0}")]
    File(#[from] csv::Error),
}

/// Writes every row of a store, by id, and returns how many there were. A page at a
/// time: rows that are written meanwhile are in it or not.
///
/// # Errors
/// [`ExportError`]; what is written so far is whole rows.
pub async fn export(store: Store, db: &Db, output: impl Write) -> Result<u64, ExportError> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(columns(store).iter().map(|column| column.name))?;
    let (mut last, mut count) = (0, 0);
    loop {
        let rows = match store {
            Store::Clientes => clientes::exported(db, last).await?,
            Store::Enderecos => enderecos::exported(db, last).await?,
            Store::Catalogo => catalogo::exported(db, last).await?,
            Store::Inventario => inventario::exported(db, last).await?,
        };
        let Some(end) = rows.last() else { break };
        last = end.id;
        for row in &rows {
            writer.write_record(row.values.iter().map(|value| value.as_deref().unwrap_or_default()))?;
        }
        count += rows.len() as u64;
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(count)
}
