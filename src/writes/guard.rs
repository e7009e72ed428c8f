//! What a store knows of rows that live elsewhere: one note for each client or
//! product that it refers to, in the table `cliente_guard` or `produto_guard`.
//!
//! No transaction crosses a store, so the note is where a write that refers to a
//! client meets the removal of that client: both lock it, in the same database.
//! Whoever comes first wins, and the other sees it. The rule and its proof are in
//! ARCHITECTURE.md.

use crate::db::{Db, InList, Statement, StoreError, Transaction, ValueList};
use crate::kernel::scalars::DateTime;

/// Whose notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guarded {
    /// Clients.
    Cliente,
    /// Products.
    Produto,
}

/// The statements about one table of notes.
struct Texts {
    insert_ignore: &'static str,
    insert_locking: &'static str,
    lock: &'static str,
    mark: &'static str,
    lift: &'static str,
    removed: &'static str,
    among: InList,
    kept: &'static str,
    insert_many: ValueList,
    share_many: InList,
}

macro_rules! texts {
    ($table:literal) => {
        Texts {
            insert_ignore: concat!("INSERT IGNORE INTO `", $table, "` (`id`) VALUES (?)"),
            insert_locking: concat!(
                "INSERT INTO `",
                $table,
                "` (`id`) VALUES (?) ON DUPLICATE KEY UPDATE `id` = `id`"
            ),
            lock: concat!("SELECT `removed_at` IS NOT NULL FROM `", $table, "` WHERE `id` = ? FOR UPDATE"),
            mark: concat!(
                "UPDATE `",
                $table,
                "` \
                 SET `removed_at` = COALESCE(`removed_at`, CURRENT_TIMESTAMP(6)), `sales_kept` = ? \
                 WHERE `id` = ?"
            ),
            lift: concat!(
                "UPDATE `",
                $table,
                "` SET `removed_at` = NULL, `sales_kept` = FALSE WHERE `id` = ?"
            ),
            insert_many: ValueList::new(
                "guard.notas",
                &["INSERT IGNORE INTO `", $table, "` (`id`) VALUES (…)"],
            ),
            share_many: InList::new(
                "guard.partilhas",
                &[
                    "SELECT `id` FROM `",
                    $table,
                    "` WHERE `removed_at` IS NOT NULL AND `id` IN (…) LOCK IN SHARE MODE",
                ],
            ),
            among: InList::new(
                "guard.removidos_entre",
                &[
                    "SELECT `id`, `removed_at` FROM `",
                    $table,
                    "` WHERE `removed_at` IS NOT NULL AND `id` IN (…)",
                ],
            ),
            kept: concat!(
                "SELECT `sales_kept` FROM `",
                $table,
                "` WHERE `id` = ? AND `removed_at` IS NOT NULL"
            ),
            removed: concat!(
                "SELECT `id`, `sales_kept` FROM `",
                $table,
                "` \
                 WHERE `id` > ? AND `removed_at` IS NOT NULL ORDER BY `id` LIMIT ?"
            ),
        }
    };
}

static CLIENTE: Texts = texts!("cliente_guard");
static PRODUTO: Texts = texts!("produto_guard");

/// Which of the two notes are there.
const PAIR_THERE: &str = "\
SELECT 'cliente' FROM `cliente_guard` WHERE `id` = ?
UNION ALL
SELECT 'produto' FROM `produto_guard` WHERE `id` = ?";

/// Both notes, each locked as a statement of its own would lock it. In parentheses: each part
/// has its own lock.
const PAIR_SHARED: &str = "\
(SELECT 'cliente', `removed_at` IS NOT NULL FROM `cliente_guard` WHERE `id` = ? LOCK IN SHARE MODE)
UNION ALL
(SELECT 'produto', `removed_at` IS NOT NULL FROM `produto_guard` WHERE `id` = ? LOCK IN SHARE MODE)";

impl Guarded {
    fn texts(self) -> &'static Texts {
        match self {
            Self::Cliente => &CLIENTE,
            Self::Produto => &PRODUTO,
        }
    }

    /// Locks the notes on a client and on a product for a write that refers to both, together
    /// with other such writes, and says of each whether it has been removed.
    ///
    /// The notes are looked for before they are locked: a locking read of one that is not there
    /// would lock the gap in which others put theirs, and two such would wait for each other.
    ///
    /// # Errors
    /// The store's.
    pub async fn share_pair(
        tx: &mut Transaction<'_>,
        cliente: u64,
        produto: u64,
    ) -> Result<(bool, bool), StoreError> {
        let there = Statement::new("guard.par", PAIR_THERE).bind(cliente).bind(produto);
        let there: Vec<(String,)> = tx.read(there).await?;
        for (of, texts, id) in [("cliente", &CLIENTE, cliente), ("produto", &PRODUTO, produto)] {
            if there.iter().all(|(known,)| known != of) {
                tx.write(Statement::new("guard.nota", texts.insert_ignore).bind(id)).await?;
            }
        }
        let shared = Statement::new("guard.partilha_par", PAIR_SHARED).bind(cliente).bind(produto);
        let removed: Vec<(String, bool)> = tx.read(shared).await?;
        let is_removed = |of: &str| removed.iter().any(|(known, removed)| known == of && *removed);
        Ok((is_removed("cliente"), is_removed("produto")))
    }

    /// Likewise for many of a kind, at most [`MOST_KEYS`](crate::db::MOST_KEYS): those of `ids`
    /// that have been removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn share_many(self, tx: &mut Transaction<'_>, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.texts();
        tx.write(texts.insert_many.of(ids)).await?;
        let rows: Vec<(u64,)> = tx.read(texts.share_many.of(ids)).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Locks the note against every other write that refers to `id`, and says
    /// whether `id` has been removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn lock(self, tx: &mut Transaction<'_>, id: u64) -> Result<bool, StoreError> {
        let texts = self.texts();
        // Not INSERT IGNORE: that takes a shared lock first, and two writes that
        // both hold it would wait for each other.
        tx.write(Statement::new("guard.nota", texts.insert_locking).bind(id)).await?;
        read(tx, Statement::new("guard.trava", texts.lock).bind(id)).await
    }

    /// Notes that `id` is removed; the note must be locked. `sales_kept` tells
    /// whether purchases that refer to it stay.
    ///
    /// # Errors
    /// The store's.
    pub async fn mark_removed(
        self,
        tx: &mut Transaction<'_>,
        id: u64,
        sales_kept: bool,
    ) -> Result<(), StoreError> {
        let statement = Statement::new("guard.removido", self.texts().mark).bind(sales_kept).bind(id);
        tx.write(statement).await.map(|_| ())
    }

    /// Whether `id` has been removed in such a way that purchases that refer to it
    /// stay.
    ///
    /// # Errors
    /// The store's.
    pub async fn sales_kept(self, db: &Db, id: u64) -> Result<bool, StoreError> {
        let statement = Statement::new("guard.vendas_mantidas", self.texts().kept).bind(id);
        let rows: Vec<(bool,)> = db.read_primary(statement, &[]).await?;
        Ok(rows.first().is_some_and(|row| row.0))
    }

    /// Those of `ids`, at most [`MOST_KEYS`](crate::db::MOST_KEYS), that have been
    /// removed, and when.
    ///
    /// # Errors
    /// The store's.
    pub async fn removed_among(self, db: &Db, ids: &[u64]) -> Result<Vec<(u64, DateTime)>, StoreError> {
        db.read_primary(self.texts().among.of(ids), &[]).await
    }

    /// Takes the note of a removal back; the note must be locked.
    ///
    /// # Errors
    /// The store's.
    pub async fn lift(self, tx: &mut Transaction<'_>, id: u64) -> Result<(), StoreError> {
        let statement = Statement::new("guard.volta", self.texts().lift).bind(id);
        tx.write(statement).await.map(|_| ())
    }

    /// The next removed ids after `after`, with whether their purchases stay.
    ///
    /// # Errors
    /// The store's.
    pub async fn removed(self, db: &Db, after: u64, most: u32) -> Result<Vec<(u64, bool)>, StoreError> {
        let statement = Statement::new("guard.removidos", self.texts().removed).bind(after).bind(most);
        db.read_primary(statement, &[]).await
    }
}

async fn read(tx: &mut Transaction<'_>, statement: Statement) -> Result<bool, StoreError> {
    let rows: Vec<(bool,)> = tx.read(statement).await?;
    Ok(rows.first().is_some_and(|row| row.0))
}
