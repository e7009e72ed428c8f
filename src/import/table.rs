//! A table of an old database as a source: read once, row after row, with every value as
//! the text that it means.

use csv::ByteRecord;
use futures_util::StreamExt as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::header::Mapping;
use super::source::{Row, Source};
use super::{ImportError, Layout};
use crate::db::{connect, schema};
use crate::text::folded;

/// Rows that are read before they are asked for.
const AHEAD: usize = 1024;

/// The rows of a table.
#[derive(Debug)]
pub struct Table {
    names: Vec<String>,
    /// Which columns are numbers.
    numbers: Vec<bool>,
    /// Whether prices in texts are written with a comma, so that numbers must be, too.
    decimal_comma: bool,
    rows: Receiver<Result<Vec<Option<String>>, String>>,
    read: u64,
}

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As the server writes it.
    Text,
    /// Of four bytes: the shortest decimal that means it, which the server does not
    /// write.
    Float,
    /// Of eight bytes, likewise.
    Double,
    /// Not at all.
    LeftOut,
}

impl Table {
    /// Opens the table `table` of the database that `options` names; its name may differ
    /// in case and accents.
    ///
    /// # Errors
    /// [`ImportError::Source`]: the server cannot be reached, there is no such table, or a
    /// column holds bytes and is not left out.
    pub async fn open(
        options: &MySqlConnectOptions,
        table: &str,
        mapping: &Mapping,
    ) -> Result<Self, ImportError> {
        let connection = connect(options, None).await.map_err(|error| source(&error))?;
        let mut mysql = connection.into_mysql();
        let name = find(&mut mysql, table).await?;
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT CAST(column_name AS CHAR), CAST(LOWER(data_type) AS CHAR) FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position",
        )
        .bind(&name)
        .fetch_all(&mut mysql)
        .await
        .map_err(|error| source(&error))?;
        let mut kinds = Vec::with_capacity(columns.len());
        for (column, data_type) in &columns {
            kinds.push(kind(column, data_type, mapping)?);
        }
        let expressions: Vec<String> = columns
            .iter()
            .zip(&kinds)
            .map(|((column, data_type), kind)| expression(&quoted(column), data_type, *kind))
            .collect();
        let select = format!("SELECT {} FROM {}", expressions.join(", "), quoted(&name));
        let (sender, rows) = channel(AHEAD);
        tokio::spawn(read(mysql, select, kinds, sender));
        let is_number = |(_, data_type): &(String, String)| {
            data_type.ends_with("int")
                || matches!(data_type.as_str(), "decimal" | "float" | "double" | "real")
        };
        let numbers = columns.iter().map(is_number).collect();
        Ok(Self {
            numbers,
            decimal_comma: false,
            names: columns.into_iter().map(|column| column.0).collect(),
            rows,
            read: 0,
        })
    }
}

impl Table {
    /// Has numbers written with a comma, for a reader who takes a point for thousands.
    #[must_use]
    pub const fn with_decimal_comma(mut self, decimal_comma: bool) -> Self {
        self.decimal_comma = decimal_comma;
        self
    }

    /// Whether the column at `place` is a number, which has lost the zeros before it.
    #[must_use]
    pub fn is_number(&self, place: usize) -> bool {
        self.numbers.get(place).is_some_and(|is_number| *is_number)
    }
}

impl Source for Table {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn layout(&self) -> Layout {
        Layout::default()
    }

    fn reached(&self) -> u64 {
        self.read
    }

    async fn next(&mut self) -> Result<Option<Row>, ImportError> {
        while let Some(read) = self.rows.recv().await {
            let mut values = read.map_err(ImportError::Source)?;
            self.read += 1;
            for (value, is_number) in values.iter_mut().zip(&self.numbers) {
                if let (Some(number), true) = (value, is_number) {
                    *number = plain(number);
                    if self.decimal_comma {
                        *number = number.replace('.', ",");
                    }
                }
            }
            if values.iter().flatten().all(|value| value.trim().is_empty()) {
                continue;
            }
            let raw = ByteRecord::from_iter(values.iter().map(|value| value.as_deref().unwrap_or("\\N")));
            return Ok(Some(Row { place: self.read, raw, values: Ok(values) }));
        }
        Ok(None)
    }
}

/// A number so that its point is not taken for that of thousands: never with three
/// decimals.
fn plain(number: &str) -> String {
    let Some((whole, decimals)) = number.split_once('.') else {
        return number.to_owned();
    };
    match decimals.trim_end_matches('0') {
        "" => whole.to_owned(),
        three if three.len() == 3 => format!("{whole}.{three}0"),
        decimals => format!("{whole}.{decimals}"),
    }
}

fn source(error: &sqlx::Error) -> ImportError {
    ImportError::Source(error.to_string())
}

/// The table's name as the server has it: exactly this, or one that differs in case and
/// accents alone.
async fn find(mysql: &mut MySqlConnection, table: &str) -> Result<String, ImportError> {
    let names = schema::table_names(mysql).await.map_err(|error| source(&error))?;
    if let Some(name) = names.iter().find(|name| *name == table) {
        return Ok(name.clone());
    }
    let alike: Vec<&String> = names.iter().filter(|name| folded(name) == folded(table)).collect();
    match alike[..] {
        [one] => Ok(one.clone()),
        [] => Err(ImportError::Source(format!(
            "it has no table {table}; it has {}; say which with --table NAME",
            names.join(", ")
        ))),
        _ => Err(ImportError::Source(format!(
            "several tables are called {table}; say which with --table NAME"
        ))),
    }
}

fn kind(column: &str, data_type: &str, mapping: &Mapping) -> Result<Kind, ImportError> {
    if mapping.ignores(column) {
        return Ok(Kind::LeftOut);
    }
    Ok(match data_type {
        "float" => Kind::Float,
        "double" | "real" => Kind::Double,
        _ if data_type.ends_with("blob") || data_type.ends_with("binary") || data_type == "geometry" => {
            return Err(ImportError::Source(format!(
                "the column {column} holds bytes and no text; leave it out with --ignore {column}"
            )));
        }
        _ => Kind::Text,
    })
}

fn expression(column: &str, data_type: &str, kind: Kind) -> String {
    match kind {
        Kind::LeftOut => "NULL".to_owned(),
        Kind::Float | Kind::Double => column.to_owned(),
        Kind::Text if data_type == "bit" => format!("CAST({column} + 0 AS CHAR)"),
        Kind::Text => format!("CAST({column} AS CHAR CHARACTER SET utf8mb4)"),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Reads row after row, no faster than they are taken.
async fn read(
    mut mysql: MySqlConnection,
    select: String,
    kinds: Vec<Kind>,
    rows: Sender<Result<Vec<Option<String>>, String>>,
) {
    // Whoever takes them may be busy for a while with those before.
    let patience = sqlx::raw_sql("SET SESSION net_write_timeout = 3600").execute(&mut mysql).await;
    if let Err(error) = patience {
        let _ = rows.send(Err(error.to_string())).await;
        return;
    }
    let mut stream = sqlx::query(AssertSqlSafe(select)).fetch(&mut mysql);
    while let Some(row) = stream.next().await {
        let values = row.and_then(|row| values(&row, &kinds)).map_err(|error| error.to_string());
        let ended = values.is_err();
        if rows.send(values).await.is_err() || ended {
            return;
        }
    }
}

fn values(row: &MySqlRow, kinds: &[Kind]) -> Result<Vec<Option<String>>, sqlx::Error> {
    let value = |(place, kind): (usize, &Kind)| match kind {
        Kind::LeftOut => Ok(None),
        Kind::Text => row.try_get::<Option<String>, _>(place),
        Kind::Float => Ok(row.try_get::<Option<f32>, _>(place)?.map(|number| number.to_string())),
        Kind::Double => Ok(row.try_get::<Option<f64>, _>(place)?.map(|number| number.to_string())),
    };
    kinds.iter().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_a_number_are_no_thousands() {
        for (number, expected) in
            [("7", "7"), ("1.000", "1"), ("12.500", "12.5"), ("12.345", "12.3450"), ("0.10", "0.1")]
        {
            assert_eq!(plain(number), expected);
        }
    }
}
