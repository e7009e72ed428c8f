//! Old databases, adopted where they are: each old table is renamed, ours are made
//! beside it, and its rows go through the import; nothing of the old is ever dropped.
//!
//! What lives here: which table is the old one ([`Found`]), which of its columns is which
//! of ours ([`Plan`]), and what old tables lack ([`Adapted`]). What does not: what a row
//! must be and how it gets in, which is [`import`](crate::import); and what is a table of
//! ours, which is [`db::schema`](crate::db::schema).
//!
//! Each step may be interrupted and is done again: a table that was renamed is found by
//! its new name, a migration that was begun is begun again, a row that is in is left
//! alone.
//!
//! To teach it another name of a column: a word of it in `import/rows.rs`, where the
//! import of files knows it, too.

mod adapted;
mod plan;

pub use adapted::{Adapted, prices};
pub use plan::{Plan, Wishes};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};

use crate::db::{Store, connect, schema};
use crate::text::folded;

/// What an old table is called after its adoption has begun.
const SUFFIX: &str = "_antes_de_adotar";

/// What stands where a store's tables will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A table of somebody else's.
    Old(String),
    /// One whose adoption has begun: under its new name.
    Begun(String),
    /// Nothing of the old: the store is ours already, or empty.
    Nothing,
}

impl Found {
    /// Looks for the old table of a store: `table`, or one called like ours in any case
    /// and with any accents.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn look(
        store: Store,
        options: &MySqlConnectOptions,
        table: Option<&str>,
    ) -> Result<Self, String> {
        let mut mysql = open(store, options).await?;
        let failed = |error: sqlx::Error| format!("store {store}: {error}");
        let tables = schema::table_names(&mut mysql).await.map_err(failed)?;
        let is_ours = schema::is_migrated(&mut mysql).await.map_err(failed)?;
        let wanted = table.map_or_else(|| store.table().to_owned(), folded);
        let is_old = |name: &&String| folded(name) == wanted && !(is_ours && name.as_str() == store.table());
        let old: Vec<&String> = tables.iter().filter(is_old).collect();
        let begun: Vec<&String> = tables
            .iter()
            .filter(|name| name.strip_suffix(SUFFIX).is_some_and(|before| folded(before) == wanted))
            .collect();
        match (&old[..], &begun[..]) {
            ([], []) if table.is_some() => {
                Err(format!("store {store}: there is no table {wanted}; there are {}", tables.join(", ")))
            }
            ([], []) => Ok(Self::Nothing),
            ([old], []) => Ok(Self::Old((*old).clone())),
            ([], [begun]) => Ok(Self::Begun((*begun).clone())),
            _ => {
                let all: Vec<&str> = old.iter().chain(&begun).map(|name| name.as_str()).collect();
                Err(format!(
                    "store {store}: several tables could be the old one: {}; say which with --table {store}=NAME",
                    all.join(", ")
                ))
            }
        }
    }

    /// The table to be read.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Old(table) | Self::Begun(table) => Some(table),
            Self::Nothing => None,
        }
    }

    /// Renames the old table, so that ours can be made.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn begin(self, store: Store, options: &MySqlConnectOptions) -> Result<Self, String> {
        let Self::Old(table) = self else {
            return Ok(self);
        };
        let mut mysql = open(store, options).await?;
        let renamed = format!("{table}{SUFFIX}");
        schema::rename(&mut mysql, &table, &renamed)
            .await
            .map_err(|error| format!("store {store}: {error}"))?;
        Ok(Self::Begun(renamed))
    }
}

async fn open(store: Store, options: &MySqlConnectOptions) -> Result<MySqlConnection, String> {
    match connect(options, None).await {
        Ok(connection) => Ok(connection.into_mysql()),
        Err(error) => Err(format!("store {store}: cannot connect: {error}")),
    }
}
