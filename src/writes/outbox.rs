//! What is still to be done in other stores: the table `outbox` of the store
//! where it began.
//!
//! A row is written in the transaction that begins the work, and deleted when all
//! of it is done. Whoever works on it holds a lease: a committed mark with an end,
//! not a lock, since locks do not hold between the servers of a cluster. Each
//! lease has a higher number (`fence`) than the one before; who comes back after
//! losing it changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::db::{Db, End, InList, Statement, StoreError, Tally, Transaction, Work};

/// How long a worker may be silent before another takes its work: it speaks every
/// [`RENEWAL`]. Whoever comes too late has done something twice, to the same effect.
pub const LEASE: Duration = Duration::from_secs(4);

/// How often a worker renews its lease.
pub const RENEWAL: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A client is removed: its addresses go, its purchases stay or go.
    RemoverCliente,
    /// A product is removed: it leaves the catalogue.
    RemoverProduto,
}

/// What becomes of the purchases of a client who is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, async_graphql::Enum)]
pub enum PoliticaCompras {
    /// The sales stay; their `cliente` is null.
    #[default]
    Manter,
    /// The sales are removed too.
    Remover,
}

impl Task {
    /// The word in the outbox and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RemoverCliente => "remover_cliente",
            Self::RemoverProduto => "remover_produto",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::RemoverCliente, Self::RemoverProduto].into_iter().find(|task| task.name() == name)
    }
}

impl PoliticaCompras {
    /// The word in the outbox and in protocols.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manter => "manter",
            Self::Remover => "remover",
        }
    }
}

/// A row of the outbox, leased.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Its number.
    pub id: u64,
    /// What is to be done; none when this program does not know it.
    pub task: Option<Task>,
    /// To whom.
    pub target: u64,
    /// What becomes of purchases.
    pub policy: PoliticaCompras,
    /// How often it was taken up, this time included.
    pub attempts: u32,
    /// Whose lease had ended without a word, if anybody's.
    pub taken_over_from: Option<String>,
    fence: u64,
}

/// A row as the operator sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Open {
    /// Its number.
    pub id: u64,
    /// What is to be done.
    pub task: String,
    /// To whom.
    pub target: u64,
    /// How often it was taken up.
    pub attempts: u32,
    /// Whether it waits for a person.
    pub parked: bool,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// How an outbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// Rows that will be worked on by themselves.
    pub open: u64,
    /// Rows that wait for a person.
    pub parked: u64,
    /// How long ago the oldest of the open rows was added, in microseconds; 0
    /// without one.
    pub oldest_micros: u64,
}

/// Adds a row in the transaction that begins the work. A row for the same task
/// and target may be there already; then that one stands.
///
/// # Errors
/// The store's.
pub async fn add(
    tx: &mut Transaction<'_>,
    task: Task,
    target: u64,
    policy: PoliticaCompras,
) -> Result<(), StoreError> {
    let text = "\
INSERT INTO `outbox` (`task`, `target`, `policy`) VALUES (?, ?, ?)
ON DUPLICATE KEY UPDATE `target` = `target`";
    let statement = Statement::new("outbox.nova", text).bind(task.name()).bind(target).bind(policy.name());
    tx.write(statement).await.map(|_| ())
}

/// The rows that are due and that nobody works on, oldest first.
///
/// # Errors
/// The store's.
pub async fn due(db: &Db, most: u32) -> Result<Vec<u64>, StoreError> {
    let text = "\
SELECT `id` FROM `outbox`
WHERE `parked_at` IS NULL AND `due_at` <= CURRENT_TIMESTAMP(6)
  AND (`lease_until` IS NULL OR `lease_until` < CURRENT_TIMESTAMP(6))
ORDER BY `due_at`, `id`
LIMIT ?";
    let rows: Vec<(u64,)> = db.read_primary(Statement::new("outbox.devidas", text).bind(most), &[]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The number of the row about `target`, while there is one.
///
/// # Errors
/// The store's.
pub async fn find(db: &Db, task: Task, target: u64) -> Result<Option<u64>, StoreError> {
    let text = "SELECT `id` FROM `outbox` WHERE `task` = ? AND `target` = ?";
    let statement = Statement::new("outbox.de", text).bind(task.name()).bind(target);
    let rows: Vec<(u64,)> = db.read_primary(statement, &[]).await?;
    Ok(rows.first().map(|row| row.0))
}

/// Those of `targets`, at most [`MOST_KEYS`](crate::db::MOST_KEYS), that there is a row
/// about.
///
/// # Errors
/// The store's.
pub async fn under_way_among(db: &Db, task: Task, targets: &[u64]) -> Result<Vec<u64>, StoreError> {
    static UNDER_WAY: InList = InList::new(
        "outbox.de_varios",
        &["SELECT `target` FROM `outbox` WHERE `target` IN (…) AND `task` = ?"],
    );
    let rows: Vec<(u64,)> = db.read_primary(UNDER_WAY.of(targets).bind(task.name()), &[]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Whether there is a row about `target`: as it is now, whatever the transaction
/// read before.
///
/// # Errors
/// The store's.
pub async fn is_under_way(tx: &mut Transaction<'_>, task: Task, target: u64) -> Result<bool, StoreError> {
    let text = "SELECT `id` FROM `outbox` WHERE `task` = ? AND `target` = ? LOCK IN SHARE MODE";
    let statement = Statement::new("outbox.em_curso", text).bind(task.name()).bind(target);
    let rows: Vec<(u64,)> = tx.read(statement).await?;
    Ok(!rows.is_empty())
}

/// Those of `targets`, at most [`MOST_KEYS`](crate::db::MOST_KEYS), about which
/// there is a row.
///
/// # Errors
/// The store's.
pub async fn among(db: &Db, task: Task, targets: &[u64]) -> Result<Vec<u64>, StoreError> {
    static AMONG: InList =
        InList::new("outbox.entre", &["SELECT `target` FROM `outbox` WHERE `target` IN (…) AND `task` = ?"]);
    let rows: Vec<(u64,)> = db.read_primary(AMONG.of(targets).bind(task.name()), &[]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// All rows, in order, after `after`.
///
/// # Errors
/// The store's.
pub async fn open(db: &Db, after: u64, most: u32) -> Result<Vec<Open>, StoreError> {
    let text = "\
SELECT `id`, `task`, `target`, `attempts`, `parked_at` IS NOT NULL AS `parked`, `last_error`
FROM `outbox`
WHERE `id` > ?
ORDER BY `id`
LIMIT ?";
    db.read_primary(Statement::new("outbox.abertas", text).bind(after).bind(most), &[]).await
}

/// The first rows that wait for a person.
///
/// # Errors
/// The store's.
pub async fn parked(db: &Db, most: u32, audience: &[Arc<Tally>]) -> Result<Vec<Open>, StoreError> {
    let text = "\
SELECT `id`, `task`, `target`, `attempts`, TRUE AS `parked`, `last_error`
FROM `outbox`
WHERE `parked_at` IS NOT NULL
ORDER BY `id`
LIMIT ?";
    db.read_primary(Statement::new("outbox.paradas", text).bind(most), audience).await
}

/// Counts the rows.
///
/// # Errors
/// The store's.
pub async fn standing(db: &Db) -> Result<Standing, StoreError> {
    let text = "\
SELECT CAST(COUNT(*) - COUNT(`parked_at`) AS UNSIGNED) AS `open`,
       CAST(COUNT(`parked_at`) AS UNSIGNED) AS `parked`,
       CAST(COALESCE(GREATEST(0, TIMESTAMPDIFF(MICROSECOND, MIN(IF(`parked_at` IS NULL, `created_at`, NULL)),
                                               CURRENT_TIMESTAMP(6))), 0) AS UNSIGNED) AS `oldest_micros`
FROM `outbox`";
    let rows = db.read_primary(Statement::new("outbox.situacao", text), &[]).await?;
    Ok(rows.first().copied().unwrap_or_default())
}

/// Takes a row's lease, committed before anything is done; none when somebody
/// else has it, or it is done, parked or not yet due.
///
/// # Errors
/// The store's.
pub async fn take(db: &Db, id: u64, owner: &str) -> Result<Option<Leased>, StoreError> {
    db.transaction(&Take { id, owner }, &Arc::default()).await
}

struct Take<'a> {
    id: u64,
    owner: &'a str,
}

impl Work for Take<'_> {
    type Output = Option<Leased>;

    fn name(&self) -> &'static str {
        "outbox.toma"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        let text = "\
SELECT `task`, `target`, `policy`, `attempts`, `fence`, `owner` FROM `outbox`
WHERE `id` = ? AND `parked_at` IS NULL AND `due_at` <= CURRENT_TIMESTAMP(6)
  AND (`lease_until` IS NULL OR `lease_until` < CURRENT_TIMESTAMP(6))
FOR UPDATE";
        let rows: Vec<(String, u64, String, u32, u64, Option<String>)> =
            tx.read(Statement::new("outbox.livre", text).bind(self.id)).await?;
        let Some((task, target, policy, attempts, fence, owner)) = rows.into_iter().next() else {
            return Ok(End::Rollback(None));
        };
        let text = "\
UPDATE `outbox`
SET `owner` = ?, `lease_until` = CURRENT_TIMESTAMP(6) + INTERVAL ? SECOND,
    `fence` = `fence` + 1, `attempts` = `attempts` + 1
WHERE `id` = ?";
        let statement =
            Statement::new("outbox.toma", text).bind(self.owner).bind(LEASE.as_secs()).bind(self.id);
        tx.write(statement).await?;
        let policy = match policy == PoliticaCompras::Remover.name() {
            true => PoliticaCompras::Remover,
            false => PoliticaCompras::Manter,
        };
        Ok(End::Commit(Some(Leased {
            id: self.id,
            task: Task::parse(&task),
            target,
            policy,
            attempts: attempts + 1,
            taken_over_from: owner,
            fence: fence + 1,
        })))
    }
}

impl Leased {
    /// Keeps the lease for another while. False when it is lost: stop then.
    ///
    /// # Errors
    /// The store's.
    pub async fn renew(&self, db: &Db) -> Result<bool, StoreError> {
        let text = "\
UPDATE `outbox` SET `lease_until` = CURRENT_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE `id` = ? AND `fence` = ?";
        let statement = Statement::new("outbox.renova", text).bind(LEASE.as_secs());
        self.fenced(db, statement).await
    }

    /// Everything is done.
    ///
    /// # Errors
    /// The store's; then it will be done again, to the same effect.
    pub async fn done(&self, db: &Db) -> Result<bool, StoreError> {
        let text = "DELETE FROM `outbox` WHERE `id` = ? AND `fence` = ?";
        self.fenced(db, Statement::new("outbox.feita", text)).await
    }

    /// Something failed: again after `delay`, and `attempts` count against it.
    ///
    /// # Errors
    /// The store's; then it is due when the lease ends.
    pub async fn postpone(
        &self,
        db: &Db,
        attempts: u32,
        delay: Duration,
        why: &str,
    ) -> Result<bool, StoreError> {
        let text = "\
UPDATE `outbox`
SET `due_at` = CURRENT_TIMESTAMP(6) + INTERVAL ? MICROSECOND, `attempts` = ?, `lease_until` = NULL, `owner` = NULL, `last_error` = ?
WHERE `id` = ? AND `fence` = ?";
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.fenced(db, Statement::new("outbox.adia", text).bind(micros).bind(attempts).bind(shortened(why)))
            .await
    }

    /// It will not succeed by itself: a person must look.
    ///
    /// # Errors
    /// The store's; then it is due when the lease ends.
    pub async fn park(&self, db: &Db, why: &str) -> Result<bool, StoreError> {
        let text = "\
UPDATE `outbox`
SET `parked_at` = CURRENT_TIMESTAMP(6), `lease_until` = NULL, `owner` = NULL, `last_error` = ?
WHERE `id` = ? AND `fence` = ?";
        self.fenced(db, Statement::new("outbox.estaciona", text).bind(shortened(why))).await
    }

    /// Runs a statement that ends in the row's id and fence; false when the lease
    /// is another's by now.
    async fn fenced(&self, db: &Db, statement: Statement) -> Result<bool, StoreError> {
        let statement = statement.bind(self.id).bind(self.fence);
        Ok(db.write(statement, &Arc::default()).await?.rows == 1)
    }
}

/// Makes parked rows due again, and returns how many.
///
/// # Errors
/// The store's.
pub async fn unpark(db: &Db) -> Result<u64, StoreError> {
    let text = "\
UPDATE `outbox`
SET `parked_at` = NULL, `due_at` = CURRENT_TIMESTAMP(6), `attempts` = 0
WHERE `parked_at` IS NOT NULL";
    Ok(db.write(Statement::new("outbox.retoma", text), &Arc::default()).await?.rows)
}

/// Makes every row due that only waits for its time, and returns how many.
///
/// # Errors
/// The store's.
pub async fn hasten(db: &Db) -> Result<u64, StoreError> {
    let text = "\
UPDATE `outbox`
SET `due_at` = CURRENT_TIMESTAMP(6)
WHERE `parked_at` IS NULL AND `due_at` > CURRENT_TIMESTAMP(6)";
    Ok(db.write(Statement::new("outbox.apressa", text), &Arc::default()).await?.rows)
}

fn shortened(text: &str) -> String {
    text.chars().take(500).collect()
}
