//! The versions of a store's schema: one folder a store under `migrations/`,
//! one DDL statement a file, each safe to repeat.
//!
//! DDL commits by itself on MariaDB and MySQL, so a crash in mid-file leaves
//! the file marked as begun. One repeatable statement a file makes the remedy
//! simple: the next run clears the mark and runs the file again.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::migrate::{Migrate as _, Migration, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection as _, Row as _};

use super::connection::{CONNECT_PATIENCE, place};
use super::error::explain;
use super::schema::{self, Schema};
use super::{AnyStore, Store, connect};
use crate::text::folded;

static KNOWN: LazyLock<[Migrator; AnyStore::ALL.len()]> = LazyLock::new(|| {
    AnyStore::ALL.map(|store| {
        let mut migrator = match store {
            AnyStore::One(Store::Clientes) => sqlx::migrate!("./migrations/clientes"),
            AnyStore::One(Store::Enderecos) => sqlx::migrate!("./migrations/enderecos"),
            AnyStore::One(Store::Catalogo) => sqlx::migrate!("./migrations/catalogo"),
            AnyStore::One(Store::Inventario) => sqlx::migrate!("./migrations/inventario"),
            AnyStore::Acessos => sqlx::migrate!("./migrations/acessos"),
        };
        // See `lock` below.
        migrator.set_locking(false);
        migrator
    })
});

fn migrator(store: AnyStore) -> &'static Migrator {
    match store {
        AnyStore::One(store) => &KNOWN[store as usize],
        AnyStore::Acessos => &KNOWN[Store::ALL.len()],
    }
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
        store: AnyStore,
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
        store: AnyStore,
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
        store: AnyStore,
        /// Its version.
        version: i64,
    },
    /// Somebody else is migrating.
    #[error(
        "store {store}: another process has been migrating it for {LOCK_PATIENCE} s; try again when it is done"
    )]
    Locked {
        /// Which store.
        store: AnyStore,
    },
    /// Tables of somebody else's stand where ours would.
    #[error("store {store}: {}", refusal(*store, tables))]
    Foreign {
        /// Which store.
        store: AnyStore,
        /// Its tables.
        tables: Vec<ForeignTable>,
    },
    /// What is recorded there are another program's migrations.
    #[error(
        "store {store}: the table `{TABLE}` is another program's, and nothing was changed: {why}; \
         give the store a database of its own"
    )]
    Stranger {
        /// Which store.
        store: AnyStore,
        /// How it is seen.
        why: String,
    },
    /// The database is another store's.
    #[error(
        "store {store}: this is the database of the store {owner}, and nothing was changed; correct {}",
        store.url_variable()
    )]
    Elsewhere {
        /// Which store.
        store: AnyStore,
        /// Whose database it is.
        owner: AnyStore,
    },
    /// Rows stand in the way of a migration.
    #[error("store {store}: {rows}; nothing was guessed: mend them and run `quarteto migrate` again")]
    Rows {
        /// Which store.
        store: AnyStore,
        /// Which rows, and the rule.
        rows: String,
    },
    /// A statement failed.
    #[error("store {store}: migration failed: {reason}")]
    Failed {
        /// Which store.
        store: AnyStore,
        /// What the driver said.
        reason: String,
    },
}

/// A table that has a name of ours and is not ours.
#[derive(Debug)]
pub struct ForeignTable {
    /// Its name there.
    pub name: String,
    /// What it would have to be.
    pub differences: Vec<String>,
}

/// All that is in the way, and how to be rid of it.
fn refusal(store: AnyStore, tables: &[ForeignTable]) -> String {
    let list = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let are = if tables.len() == 1 { ("table", "is") } else { ("tables", "are") };
    let names = list(tables.iter().map(|table| &*table.name).collect());
    let (rows, others): (Vec<&str>, Vec<&str>) = tables
        .iter()
        .map(|table| &*table.name)
        .partition(|name| store.table().is_some_and(|table| folded(name) == table));
    let mut parts: Vec<String> = tables.iter().flat_map(|table| table.differences.clone()).collect();
    if !rows.is_empty() {
        parts.push(format!(
            "`quarteto adopt` takes the rows of {} in, and so does `quarteto import --from`",
            list(rows)
        ));
    }
    if !others.is_empty() {
        parts.push(format!("rename {}, or give the store a database of its own", list(others)));
    }
    format!("the {} {names} {} not Quarteto's, and nothing was changed: {}", are.0, are.1, parts.join("; "))
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
    store: AnyStore,
    options: &MySqlConnectOptions,
    steps: &[Step],
) -> Result<usize, MigrationError> {
    let mut connection = open(store, options).await?;
    let mysql = connection.mysql();
    lock(store, mysql).await?;
    let mut outcome = apply(store, mysql, steps).await;
    // A lock is of one node: through another node of a cluster another process may be at it.
    // Each step may be repeated, so whoever was in its way goes on where it has come to.
    for round in 1..=ROUNDS {
        if !matches!(outcome, Err(MigrationError::Failed { .. })) || !is_clustered(mysql).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(200..1000) * round)).await;
        outcome = apply(store, mysql, steps).await;
    }
    // The lock ends with the connection in any case.
    let _ = connection.mysql.close().await;
    outcome
}

/// Compares without changing anything.
///
/// # Errors
/// [`MigrationError`] when the store cannot be asked or is newer than we are.
pub async fn check(
    store: impl Into<AnyStore>,
    options: &MySqlConnectOptions,
) -> Result<SchemaState, MigrationError> {
    let store = store.into();
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

/// How often a migration is begun again in a cluster.
const ROUNDS: u64 = 8;

/// Whether this is a node of a Galera cluster.
async fn is_clustered(mysql: &mut MySqlConnection) -> bool {
    let wsrep = sqlx::query("SHOW VARIABLES LIKE 'wsrep_on'").fetch_optional(mysql).await.ok().flatten();
    wsrep.and_then(|row| row.try_get::<String, _>(1).ok()).is_some_and(|on| on == "ON")
}

async fn open(store: AnyStore, options: &MySqlConnectOptions) -> Result<super::Connection, MigrationError> {
    let reason = match tokio::time::timeout(CONNECT_PATIENCE, connect(options, None)).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(error)) => explain(&error),
        Err(_) => format!("{}: no answer within {CONNECT_PATIENCE:?}", place(options)),
    };
    Err(MigrationError::Unreachable { store, reason })
}

/// The driver's own lock asks MariaDB to wait for ever, which MariaDB answers
/// with NULL and no lock; so we take our own and look at the answer.
async fn lock(store: AnyStore, mysql: &mut MySqlConnection) -> Result<(), MigrationError> {
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

async fn apply(
    store: AnyStore,
    mysql: &mut MySqlConnection,
    steps: &[Step],
) -> Result<usize, MigrationError> {
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
async fn refuse_foreign(store: AnyStore, mysql: &mut MySqlConnection) -> Result<(), MigrationError> {
    if schema::is_migrated(mysql).await.map_err(|error| failed(store, &error))? {
        return Ok(());
    }
    let actual = schema::actual(mysql).await.map_err(|error| failed(store, &error))?;
    let expected = schema::expected(store);
    let tables: Vec<ForeignTable> =
        schema::tables(&actual).into_iter().filter_map(|there| foreign(&expected, &actual, there)).collect();
    if tables.is_empty() { Ok(()) } else { Err(MigrationError::Foreign { store, tables }) }
}

/// What keeps a table from being ours, when it has a name of ours.
fn foreign(expected: &Schema, actual: &Schema, there: &str) -> Option<ForeignTable> {
    let ours = schema::tables(expected).into_iter().find(|ours| *ours == folded(there))?;
    let renamed: Schema = schema::of_table(actual, there)
        .into_iter()
        .map(|(name, what)| (name.replacen(there, ours, 1), what))
        .collect();
    let mut differences = schema::differences(&schema::of_table(expected, ours), &renamed);
    if there != ours {
        differences.insert(0, format!("`{there}` should be called `{ours}`"));
    }
    (!differences.is_empty()).then(|| ForeignTable { name: there.to_owned(), differences })
}

/// Takes the steps that go before a migration, or after all.
async fn take(
    store: AnyStore,
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

/// A migration that has begun, as the driver notes it.
#[derive(sqlx::FromRow)]
struct Applied {
    version: i64,
    description: String,
    checksum: Vec<u8>,
    done: bool,
}

impl Applied {
    /// Whether it is the migration that a store's first table is made by.
    fn begins(&self, store: AnyStore) -> bool {
        migrator(store).iter().next().is_some_and(|first| {
            self.version == first.version
                && (self.description == first.description || self.checksum == *first.checksum)
        })
    }
}

/// What is recorded in a database, and which store begins like that.
struct Record {
    owner: AnyStore,
    applied: Vec<Applied>,
}

/// Why there is no telling what is recorded.
enum Unrecorded {
    Driver(sqlx::Error),
    /// It is another program's: how it is seen.
    Stranger(String),
}

impl From<sqlx::Error> for Unrecorded {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// Reads the record of migrations; none where nothing has begun. The driver gives its table
/// the same name in every program.
async fn recorded(mysql: &mut MySqlConnection) -> Result<Option<Record>, Unrecorded> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(LOWER(column_name) AS CHAR) FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'",
    )
    .fetch_all(&mut *mysql)
    .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let wanted = ["version", "description", "success", "checksum"];
    if let Some(missing) = wanted.into_iter().find(|wanted| !columns.iter().any(|column| column == wanted)) {
        return Err(Unrecorded::Stranger(format!("it has no column `{missing}`")));
    }
    let applied: Vec<Applied> = sqlx::query_as(
        "SELECT CAST(version AS SIGNED) AS version, CAST(description AS CHAR) AS description, \
                CAST(checksum AS BINARY) AS checksum, COALESCE(success, 0) = 1 AS done \
         FROM _sqlx_migrations ORDER BY version",
    )
    .fetch_all(mysql)
    .await?;
    let Some(first) = applied.first() else {
        return Ok(None);
    };
    let owner = AnyStore::ALL.into_iter().find(|store| applied.iter().any(|row| row.begins(*store)));
    match owner {
        Some(owner) => Ok(Some(Record { owner, applied })),
        None => Err(Unrecorded::Stranger(format!(
            "its first migration is {} `{}`",
            first.version, first.description
        ))),
    }
}

/// Whether a migration of any store of ours has begun in this database.
pub(super) async fn has_ours(mysql: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    match recorded(mysql).await {
        Ok(record) => Ok(record.is_some()),
        Err(Unrecorded::Driver(error)) => Err(error),
        Err(Unrecorded::Stranger(why)) => Err(sqlx::Error::Configuration(
            format!("the table `{TABLE}` is another program's: {why}; give the store a database of its own")
                .into(),
        )),
    }
}

/// The migrations that are missing, in order; refuses a schema that we do not know.
async fn pending(
    store: AnyStore,
    mysql: &mut MySqlConnection,
) -> Result<Vec<&'static Migration>, MigrationError> {
    let record = recorded(mysql).await.map_err(|error| match error {
        Unrecorded::Driver(error) => failed(store, &error),
        Unrecorded::Stranger(why) => MigrationError::Stranger { store, why },
    })?;
    let known = migrator(store);
    let Some(Record { owner, applied }) = record else {
        return Ok(known.iter().collect());
    };
    if owner != store {
        return Err(MigrationError::Elsewhere { store, owner });
    }
    let done = || applied.iter().filter(|row| row.done);
    for Applied { version, checksum, .. } in done() {
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
    let is_applied = |version| done().any(|row| row.version == version);
    Ok(known.iter().filter(|migration| !is_applied(migration.version)).collect())
}

fn failed(store: AnyStore, error: &sqlx::Error) -> MigrationError {
    MigrationError::Failed { store, reason: explain(error) }
}

fn migration_failed(store: AnyStore, error: &sqlx::migrate::MigrateError) -> MigrationError {
    MigrationError::Failed { store, reason: error.to_string() }
}
