//! The versions of a store's schema: one folder a store under `migrations/`,
//! one DDL statement a file, each safe to repeat.
//!
//! DDL commits by itself on MariaDB and MySQL, so a crash in mid-file leaves
//! the file marked as begun. One repeatable statement a file makes the remedy
//! simple: the next run clears the mark and runs the file again.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use sqlx::migrate::{Migrate as _, Migration, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};

use super::error::explain;
use super::schema::{self, Schema};
use super::{PerStore, Store, connect};
use crate::text::folded;

static KNOWN: LazyLock<PerStore<Migrator>> = LazyLock::new(|| {
    PerStore::from_fn(|store| {
        let mut migrator = match store {
            Store::Clientes => sqlx::migrate!("./migrations/clientes"),
            Store::Enderecos => sqlx::migrate!("./migrations/enderecos"),
            Store::Catalogo => sqlx::migrate!("./migrations/catalogo"),
            Store::Inventario => sqlx::migrate!("./migrations/inventario"),
        };
        // See `lock` below.
        migrator.set_locking(false);
        migrator
    })
});

fn migrator(store: Store) -> &'static Migrator {
    &KNOWN[store]
}

/// Seconds to wait for another process that is migrating the same store.
const LOCK_PATIENCE: u32 = 60;

/// How a store's schema compares to what this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// As this program expects it.
    Current,
    /// So many migrations are missing: run `quarteto migrate`.
    Behind(usize),
    /// All migrations ran, and the tables are not what they made: what differs.
    Differs(Vec<String>),
}

/// Why a store could not be migrated or checked.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The server could not be reached.
    #[error("store {store}: cannot connect: {reason}")]
    Unreachable {
        /// Which store.
        store: Store,
        /// What the driver said, with the remedy.
        reason: String,
    },
    /// A newer Quarteto has been here.
    #[error(
        "store {store} has schema version {version}, which this program does not know: \
         it was migrated by a newer Quarteto; upgrade the program"
    )]
    Newer {
        /// Which store.
        store: Store,
        /// The first version that we do not know.
        version: i64,
    },
    /// An applied file was edited afterwards.
    #[error(
        "store {store}: migration {version} was changed after it was applied; \
         restore the file and put the change into a new one"
    )]
    Changed {
        /// Which store.
        store: Store,
        /// Its version.
        version: i64,
    },
    /// Somebody else is migrating.
    #[error(
        "store {store}: another process has been migrating it for {LOCK_PATIENCE} s; try again when it is done"
    )]
    Locked {
        /// Which store.
        store: Store,
    },
    /// A table of somebody else's stands where ours would.
    #[error(
        "store {store}: the table `{table}` is not Quarteto's, and nothing was changed: {}; \
         `quarteto adopt` takes its rows in, and so does `quarteto import --from`",
        differences.join("; ")
    )]
    Foreign {
        /// Which store.
        store: Store,
        /// Its table.
        table: String,
        /// What it would have to be.
        differences: Vec<String>,
    },
    /// Rows stand in the way of a migration.
    #[error("store {store}: {rows}; nothing was guessed: mend them and run `quarteto migrate` again")]
    Rows {
        /// Which store.
        store: Store,
        /// Which rows, and the rule.
        rows: String,
    },
    /// A statement failed.
    #[error("store {store}: migration failed: {reason}")]
    Failed {
        /// Which store.
        store: Store,
        /// What the driver said.
        reason: String,
    },
}

/// What must be done to the rows that are there and cannot be said in SQL. It may be
/// repeated.
pub struct Step {
    /// The migration that it goes before; none when it goes after all of them, each
    /// time.
    pub before: Option<i64>,
    /// What is done.
    pub run: for<'c> fn(&'c mut MySqlConnection) -> BoxFuture<'c, Result<(), Obstacle>>,
}

/// Why a [`Step`] could not be done.
#[derive(Debug)]
pub enum Obstacle {
    /// The driver says so.
    Driver(sqlx::Error),
    /// Rows stand in the way, and a person must decide: which, and what to do.
    Rows(String),
}

impl From<sqlx::Error> for Obstacle {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// Brings a store up to date and returns how many migrations it applied. Safe
/// to run from several processes at once.
///
/// # Errors
/// [`MigrationError`]; nothing is applied beyond the file, or the step before it, that
/// failed.
pub async fn migrate(
    store: Store,
    options: &MySqlConnectOptions,
    steps: &[Step],
) -> Result<usize, MigrationError> {
    let mut connection = open(store, options).await?;
    let mysql = connection.mysql();
    lock(store, mysql).await?;
    let outcome = apply(store, mysql, steps).await;
    // The lock ends with the connection in any case.
    let _ = connection.mysql.close().await;
    outcome
}

/// Compares without changing anything.
///
/// # Errors
/// [`MigrationError`] when the store cannot be asked or is newer than we are.
pub async fn check(store: Store, options: &MySqlConnectOptions) -> Result<SchemaState, MigrationError> {
    let mut connection = open(store, options).await?;
    let pending = pending(store, connection.mysql()).await?;
    if !pending.is_empty() {
        refuse_foreign(store, connection.mysql()).await?;
    }
    let actual = schema::actual(connection.mysql()).await.map_err(|error| failed(store, &error))?;
    let _ = connection.mysql.close().await;
    Ok(match (pending.len(), schema::differences(&schema::expected(store), &actual)) {
        (0, differences) if differences.is_empty() => SchemaState::Current,
        (0, differences) => SchemaState::Differs(differences),
        (missing, _) => SchemaState::Behind(missing),
    })
}

async fn open(store: Store, options: &MySqlConnectOptions) -> Result<super::Connection, MigrationError> {
    let patience = Duration::from_secs(5);
    let reason = match tokio::time::timeout(patience, connect(options, None)).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(error)) => explain(&error),
        Err(_) => format!("no answer within {patience:?}"),
    };
    Err(MigrationError::Unreachable { store, reason })
}

/// The driver's own lock asks MariaDB to wait for ever, which MariaDB answers
/// with NULL and no lock; so we take our own and look at the answer.
async fn lock(store: Store, mysql: &mut MySqlConnection) -> Result<(), MigrationError> {
    let taken: Option<i64> =
        sqlx::query_scalar("SELECT CAST(GET_LOCK(CONCAT('quarteto.', DATABASE()), ?) AS SIGNED)")
            .bind(LOCK_PATIENCE)
            .fetch_one(mysql)
            .await
            .map_err(|error| failed(store, &error))?;
    match taken {
        Some(1) => Ok(()),
        _ => Err(MigrationError::Locked { store }),
    }
}

async fn apply(store: Store, mysql: &mut MySqlConnection, steps: &[Step]) -> Result<usize, MigrationError> {
    let pending = pending(store, mysql).await?;
    if !pending.is_empty() {
        refuse_foreign(store, mysql).await?;
        mysql.ensure_migrations_table(TABLE).await.map_err(|error| migration_failed(store, &error))?;
        sqlx::query("DELETE FROM _sqlx_migrations WHERE success = FALSE")
            .execute(&mut *mysql)
            .await
            .map_err(|error| failed(store, &error))?;
    }
    for migration in &pending {
        take(store, mysql, steps, Some(migration.version)).await?;
        mysql.apply(TABLE, migration).await.map_err(|error| migration_failed(store, &error))?;
    }
    take(store, mysql, steps, None).await?;
    Ok(pending.len())
}

/// Refuses tables that were never ours: their names are in our way, or are so by all but
/// case and accents. Nothing has been changed then.
async fn refuse_foreign(store: Store, mysql: &mut MySqlConnection) -> Result<(), MigrationError> {
    if schema::is_migrated(mysql).await.map_err(|error| failed(store, &error))? {
        return Ok(());
    }
    let (expected, actual) =
        (schema::expected(store), schema::actual(mysql).await.map_err(|error| failed(store, &error))?);
    for there in schema::tables(&actual) {
        let Some(ours) = schema::tables(&expected).into_iter().find(|ours| *ours == folded(there)) else {
            continue;
        };
        let renamed: Schema = schema::of_table(&actual, there)
            .into_iter()
            .map(|(name, what)| (name.replacen(there, ours, 1), what))
            .collect();
        let mut differences = schema::differences(&schema::of_table(&expected, ours), &renamed);
        if there != ours {
            differences.insert(0, format!("it is called `{there}`, expected `{ours}`"));
        }
        if !differences.is_empty() {
            return Err(MigrationError::Foreign { store, table: there.to_owned(), differences });
        }
    }
    Ok(())
}

/// Takes the steps that go before a migration, or after all.
async fn take(
    store: Store,
    mysql: &mut MySqlConnection,
    steps: &[Step],
    before: Option<i64>,
) -> Result<(), MigrationError> {
    for step in steps.iter().filter(|step| step.before == before) {
        (step.run)(mysql).await.map_err(|obstacle| match obstacle {
            Obstacle::Driver(error) => failed(store, &error),
            Obstacle::Rows(rows) => MigrationError::Rows { store, rows },
        })?;
    }
    Ok(())
}

const TABLE: &str = "_sqlx_migrations";

/// The migrations that are missing, in order; refuses a schema that we do not know.
async fn pending(
    store: Store,
    mysql: &mut MySqlConnection,
) -> Result<Vec<&'static Migration>, MigrationError> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'",
    )
    .fetch_one(&mut *mysql)
    .await
    .map_err(|error| failed(store, &error))?;
    let known = migrator(store);
    if tables == 0 {
        return Ok(known.iter().collect());
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT version, checksum FROM _sqlx_migrations WHERE success = TRUE ORDER BY version",
    )
    .fetch_all(mysql)
    .await
    .map_err(|error| failed(store, &error))?;
    for (version, checksum) in &applied {
        match known.iter().find(|migration| migration.version == *version) {
            None => {
                return Err(MigrationError::Newer { store, version: *version });
            }
            Some(migration) if *migration.checksum != **checksum => {
                return Err(MigrationError::Changed { store, version: *version });
            }
            Some(_) => {}
        }
    }
    let is_applied = |version| applied.iter().any(|(applied, _)| *applied == version);
    Ok(known.iter().filter(|migration| !is_applied(migration.version)).collect())
}

fn failed(store: Store, error: &sqlx::Error) -> MigrationError {
    MigrationError::Failed { store, reason: explain(error) }
}

fn migration_failed(store: Store, error: &sqlx::migrate::MigrateError) -> MigrationError {
    MigrationError::Failed { store, reason: error.to_string() }
}
