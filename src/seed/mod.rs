//! Synthetic data: Brazilian clients, their addresses, products and purchases,
//! all made up.
//!
//! What lives here: what the rows say (`people`, `places`, `goods`, `sales`)
//! and how they get into empty stores ([`run`]). What does not: SQL, which each
//! store's table file has.
//!
//! A row depends on the seed, its kind and its number alone, so that the same
//! [`Plan`] gives the same bytes on every run, the four stores can be filled at
//! the same time, and nothing is kept in memory but the rows on their way.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "dice and calendars of synthetic data: the numbers stay far below every bound"
)]

mod calendar;
mod dice;
mod goods;
mod people;
mod places;
mod sales;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sqlx::Connection as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlTransaction};

use crate::db::{Connection, PerStore, Store, StoreError, connect};
use crate::stores::{catalogo, clientes, enderecos, inventario};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many clients; each has one to three addresses.
    pub clientes: u64,
    /// How many products.
    pub produtos: u64,
    /// How many purchases.
    pub compras: u64,
    /// The same seed and numbers give the same data.
    pub seed: u64,
    /// How many of the purchases, at least, are those of the client with id 1.
    pub heavy: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self::DEMO
    }
}

impl Plan {
    /// The small set that a new install is offered.
    pub const DEMO: Self = Self { clientes: 200, produtos: 60, compras: 1_500, seed: 1, heavy: 0 };

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.clientes <= people::CPFS,
            "there are CPFs for {} clients only; ask for fewer than {}",
            people::CPFS,
            self.clientes
        );
        ensure!(
            self.compras == 0 || (self.clientes > 0 && self.produtos > 0),
            "{} purchases need at least one client and one product",
            self.compras
        );
        ensure!(
            self.heavy <= self.compras,
            "the client with id 1 cannot have {} of {} purchases",
            self.heavy,
            self.compras
        );
        Ok(())
    }

    /// How many rows each store will have.
    fn rows(&self) -> PerStore<u64> {
        PerStore::from_fn(|store| match store {
            Store::Clientes => self.clientes,
            Store::Enderecos => places::count(self),
            Store::Catalogo => self.produtos,
            Store::Inventario => self.compras,
        })
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Rows by store.
    pub rows: PerStore<u64>,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = &self.rows;
        write!(
            f,
            "made {} clientes, {} enderecos, {} produtos and {} compras in {:.1} s",
            rows[Store::Clientes],
            rows[Store::Enderecos],
            rows[Store::Catalogo],
            rows[Store::Inventario],
            self.took.as_secs_f64()
        )
    }
}

/// Rows in one statement. More gain nothing; their parameters stay far below
/// the 65,535 of the protocol and their bytes below a packet.
const BATCH: usize = 1_000;

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fills four empty stores. Each is filled in one transaction, and these are
/// committed when all four are complete, so that a run that fails or is
/// interrupted leaves nothing behind.
///
/// # Errors
/// A message that names the store and the remedy: the plan is impossible, or a
/// store cannot be reached, has no table, has rows already, or refused ours.
pub async fn run(
    plan: &Plan,
    stores: &PerStore<MySqlConnectOptions>,
    progress: &MultiProgress,
) -> anyhow::Result<Summary> {
    plan.check()?;
    let begun = Instant::now();
    let mut open = Open::all(stores).await?;
    let there = open.count().await?;
    let rows = plan.rows();
    refuse_rows(&there, &rows)?;

    let sales = sales::Sales::new(plan);
    let bars = PerStore::try_from_fn(|store| bar(store, rows[store], progress))?;
    let (clientes, enderecos, catalogo, inventario) = tokio::try_join!(
        fill(
            Store::Clientes,
            &mut open.clientes,
            (1..=plan.clientes).map(|id| people::cliente(plan, id)),
            clientes::insert_many,
            &bars,
        ),
        fill(Store::Enderecos, &mut open.enderecos, places::enderecos(plan), enderecos::insert_many, &bars,),
        fill(
            Store::Catalogo,
            &mut open.catalogo,
            (1..=plan.produtos).map(|id| goods::produto(plan, id)),
            catalogo::insert_many,
            &bars,
        ),
        fill(
            Store::Inventario,
            &mut open.inventario,
            (1..=plan.compras).map(|id| sales.compra(id)),
            inventario::insert_many,
            &bars,
        ),
    )?;
    // Purchases last: without them the rest is of use, but not they without it.
    for (store, transaction) in [
        (Store::Clientes, clientes),
        (Store::Enderecos, enderecos),
        (Store::Catalogo, catalogo),
        (Store::Inventario, inventario),
    ] {
        let committed = transaction.commit().await.map_err(|error| StoreError::statement(store, &error));
        committed.context("the very last step failed, so some stores may have rows and others not")?;
        bars[store].finish();
    }
    Ok(Summary { rows, took: begun.elapsed() })
}

/// Whether no store has a row yet.
///
/// # Errors
/// A message that names the store that cannot be asked.
pub async fn is_empty(stores: &PerStore<MySqlConnectOptions>) -> anyhow::Result<bool> {
    let there = Open::all(stores).await?.count().await?;
    Ok(there == PerStore::default())
}

/// A connection to each store. Fields, so that all can be used at once.
struct Open {
    clientes: Connection,
    enderecos: Connection,
    catalogo: Connection,
    inventario: Connection,
}

impl Open {
    async fn all(stores: &PerStore<MySqlConnectOptions>) -> anyhow::Result<Self> {
        let open = |store| async move {
            match tokio::time::timeout(PATIENCE, connect(&stores[store], None)).await {
                Ok(connected) => Ok(connected.map_err(|error| StoreError::connecting(store, &error))?),
                Err(_) => bail!("store {store}: the server did not answer within {PATIENCE:?}"),
            }
        };
        Ok(Self {
            clientes: open(Store::Clientes).await?,
            enderecos: open(Store::Enderecos).await?,
            catalogo: open(Store::Catalogo).await?,
            inventario: open(Store::Inventario).await?,
        })
    }

    /// How many rows each store has.
    async fn count(&mut self) -> Result<PerStore<u64>, StoreError> {
        let counts = [
            (Store::Clientes, clientes::count(self.clientes.mysql()).await),
            (Store::Enderecos, enderecos::count(self.enderecos.mysql()).await),
            (Store::Catalogo, catalogo::count(self.catalogo.mysql()).await),
            (Store::Inventario, inventario::count(self.inventario.mysql()).await),
        ];
        let mut there = PerStore::default();
        for (store, rows) in counts {
            there[store] = rows.map_err(|error| StoreError::statement(store, &error))?;
        }
        Ok(there)
    }
}

/// Refuses when any store has rows: they are somebody's, or what an earlier run
/// left.
fn refuse_rows(there: &PerStore<u64>, wanted: &PerStore<u64>) -> anyhow::Result<()> {
    if *there == PerStore::default() {
        return Ok(());
    }
    let mut report = String::new();
    for (store, rows) in there.iter() {
        let state = match (*rows, wanted[store]) {
            (0, _) => "empty".to_owned(),
            (rows, wanted) if rows == wanted => format!("complete, {rows} rows"),
            (rows, wanted) if rows < wanted => format!("partly filled, {rows} of {wanted} rows"),
            (rows, _) => format!("{rows} rows"),
        };
        report.push_str(&format!("\n  {:<10}  {state}", store.name()));
    }
    bail!(
        "seed fills empty stores only, and there are rows already:{report}\n\
         To keep them, there is nothing to do. To start over, drop and create the database of each \
         store that has rows and run `quarteto migrate`; with the private MariaDB, stop quarteto and \
         delete its data folder."
    )
}

fn bar(store: Store, rows: u64, progress: &MultiProgress) -> anyhow::Result<ProgressBar> {
    let style =
        ProgressStyle::with_template("{prefix:>11} {wide_bar} {human_pos:>10}/{human_len:10} {eta:>5}")?;
    let bar = ProgressBar::new(rows).with_style(style).with_prefix(store.name());
    Ok(progress.add(bar))
}

/// Puts all `rows` into a store, in a transaction that is left open.
async fn fill<'c, R>(
    store: Store,
    connection: &'c mut Connection,
    mut rows: impl Iterator<Item = R>,
    insert: impl AsyncFn(&mut MySqlConnection, &[R]) -> Result<(), sqlx::Error>,
    bars: &PerStore<ProgressBar>,
) -> anyhow::Result<MySqlTransaction<'c>> {
    let failed = |error: sqlx::Error| {
        let remedy = match is_locked(&error) {
            true => {
                ": its rows are locked by another seed, or by one that was interrupted and is being undone; try again in a minute"
            }
            false => "",
        };
        anyhow::Error::from(StoreError::statement(store, &error)).context(format!("store {store}{remedy}"))
    };
    let mut transaction = connection.mysql().begin().await.map_err(failed)?;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.extend(rows.by_ref().take(BATCH));
        if batch.is_empty() {
            return Ok(transaction);
        }
        insert(&mut transaction, &batch).await.map_err(failed)?;
        bars[store].inc(batch.len() as u64);
        batch.clear();
    }
}

/// Whether a statement waited in vain for somebody's lock (1205), or was chosen
/// to give way (1213).
fn is_locked(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    let known = database.and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>());
    matches!(known.map(sqlx::mysql::MySqlDatabaseError::number), Some(1205 | 1213))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_plan_makes_the_same_rows_and_another_seed_does_not() {
        let rows = |seed| {
            let plan = Plan { seed, ..Plan::default() };
            let sales = sales::Sales::new(&plan);
            let mut text = String::new();
            for id in 1..=30 {
                let (novo, produto, nova) =
                    (people::cliente(&plan, id), goods::produto(&plan, id), sales.compra(id));
                text += &format!("{} {} {:?} {:?}\n", novo.nome, novo.email, novo.cpf, novo.criado_em);
                text += &format!("{} {:?} {:?}\n", produto.nome, produto.descricao, produto.preco);
                text += &format!(
                    "{} {} {:?} {:?}\n",
                    nova.cliente, nova.produto, nova.preco_unitario, nova.adquirido_em
                );
            }
            for novo in places::enderecos(&plan).take(50) {
                text += &format!(
                    "{} {} {} {} {:?}\n",
                    novo.cliente, novo.logradouro, novo.numero, novo.cidade, novo.cep
                );
            }
            text
        };
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
    }

    #[test]
    fn impossible_plans_are_refused() {
        let refusal = |plan: Plan| plan.check().expect_err("impossible").to_string();
        let none = Plan { clientes: 0, ..Plan::default() };
        assert!(refusal(none).contains("at least one client"));
        let heavy = Plan { heavy: 1_501, ..Plan::default() };
        assert!(refusal(heavy).contains("1501 of 1500"));
        let many = Plan { clientes: people::CPFS + 1, ..Plan::default() };
        assert!(refusal(many).contains("CPFs"));
        assert!(Plan::default().check().is_ok());
        assert!(Plan { clientes: 0, produtos: 0, compras: 0, ..Plan::default() }.check().is_ok());
    }

    #[test]
    fn stores_with_rows_are_named_with_what_is_missing() {
        let wanted = Plan::default().rows();
        assert!(refuse_rows(&PerStore::default(), &wanted).is_ok());
        let mut there = wanted.clone();
        there[Store::Catalogo] = 0;
        there[Store::Inventario] = 700;
        let report = refuse_rows(&there, &wanted).expect_err("rows").to_string();
        for line in [
            "clientes    complete, 200 rows",
            "catalogo    empty",
            "inventario  partly filled, 700 of 1500 rows",
        ] {
            assert!(report.contains(line), "{report}");
        }
    }
}
