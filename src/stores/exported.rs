//! Rows for a file.

use sqlx::mysql::MySqlRow;
use sqlx::{FromRow, Row as _};

/// A row: its number, and the values of all its columns as texts.
#[derive(Debug)]
pub struct Exported {
    /// Its number.
    pub id: u64,
    /// The values, the number first.
    pub values: Vec<Option<String>>,
}

impl FromRow<'_, MySqlRow> for Exported {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            values: (1..row.len()).map(|place| row.try_get(place)).collect::<Result<_, _>>()?,
        })
    }
}
