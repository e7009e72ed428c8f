//! The way back: the rows of a store as a file that an import reads.

use std::borrow::Cow;
use std::io::Write;

use super::columns;
use super::file::{as_formula, is_null};
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

/// Who will read the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A program: RFC 4180, prices with a point.
    Program,
    /// A spreadsheet here: a mark of UTF-8, semicolons, prices with a comma, and in `="…"`
    /// whatever it would take for a formula, or for a number and so change.
    Spreadsheet,
}

/// Writes every row of a store, by id, and returns how many there were. A page at a
/// time: rows that are written meanwhile are in it or not.
///
/// # Errors
/// [`ExportError`]; what is written so far is whole rows.
pub async fn export(
    store: Store,
    db: &Db,
    reader: Reader,
    mut output: impl Write,
) -> Result<u64, ExportError> {
    let mut builder = csv::WriterBuilder::new();
    if reader == Reader::Spreadsheet {
        output.write_all(b"\xef\xbb\xbf").map_err(csv::Error::from)?;
        builder.delimiter(b';').terminator(csv::Terminator::CRLF);
    }
    let mut writer = builder.from_writer(output);
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
            let columns = columns(store).iter().map(|column| column.name);
            for (column, value) in columns.zip(&row.values) {
                writer.write_field(reader.shown(column, value.as_deref()).as_bytes())?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        count += rows.len() as u64;
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(count)
}

/// The longest text that a spreadsheet takes in a formula.
const MOST_IN_FORMULA: usize = 255;

impl Reader {
    fn shown<'v>(self, column: &str, value: Option<&'v str>) -> Cow<'v, str> {
        let Some(text) = value else {
            return Cow::Borrowed("");
        };
        let is_price = column.starts_with("preco");
        if self == Self::Spreadsheet && is_price {
            return Cow::Owned(text.replace('.', ","));
        }
        let is_changed = self == Self::Spreadsheet && (is_run(text) || is_shortened(text));
        if is_null(text) || text.starts_with("=\"") || is_changed && text.chars().count() <= MOST_IN_FORMULA {
            return Cow::Owned(as_formula(text));
        }
        match is_changed {
            // A blank before it is left out when it is read.
            true => Cow::Owned(format!(" {text}")),
            false => Cow::Borrowed(text),
        }
    }
}

/// Whether a spreadsheet takes a text for a formula (CWE-1236).
fn is_run(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Whether a spreadsheet takes a text for a number, and leaves out what that has not.
fn is_shortened(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    // With eleven digits it becomes 5,3E+10.
    is_number && (text.len() > 10 || text.len() > 1 && text.starts_with('0'))
}
