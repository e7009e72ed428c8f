//! The search for what fits nowhere: a walk through the stores in the order of
//! their keys, a page at a time, so that memory is bounded and a walk that was
//! interrupted goes on where it was.
//!
//! Other programs write meanwhile. So whatever looks wrong is looked at again, in
//! the order in which a removal writes: first whether one is still under way, then
//! whether it has left its note, then whether the row is still there. What is mended
//! is mended under a lock, after another look: whoever began meanwhile comes first.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::Removals;
use crate::db::{Db, End, Fault, MOST_KEYS, PerStore, Store, StoreError, Transaction, Work};
use crate::failpoint::reach;
use crate::relay::ClienteId;
use crate::stores::{catalogo, clientes, enderecos, inventario};
use crate::writes::guard::Guarded;
use crate::writes::outbox::{self, Task};
use crate::writes::record;

/// Rows that one statement reads: as many as an IN list takes.
#[expect(clippy::cast_possible_truncation, reason = "a thousand")]
const PAGE: u32 = MOST_KEYS as u32;

/// Something that fits nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// An address whose client does not exist.
    OrphanEndereco {
        /// The address.
        endereco: u64,
        /// The client that is missing.
        cliente: u64,
    },
    /// A purchase whose client does not exist, and of which nobody said that it
    /// stays.
    OrphanCompra {
        /// The purchase.
        compra: u64,
        /// The client that is missing.
        cliente: u64,
    },
    /// A purchase whose product does not exist. Nothing can bring it back.
    LostProduto {
        /// The purchase.
        compra: u64,
        /// The product that is missing.
        produto: u64,
    },
    /// The note of a removal about a client or product that exists: nothing can be
    /// added to it.
    StrayNote {
        /// The store that has the note.
        store: &'static str,
        /// `cliente` or `produto`.
        about: &'static str,
        /// Its number.
        id: u64,
    },
    /// Work across stores that is not done yet.
    Open {
        /// Where it began.
        store: &'static str,
        /// What is to be done.
        task: String,
        /// To whom.
        target: u64,
        /// How often it was tried.
        attempts: u32,
        /// Whether it waits for a person.
        parked: bool,
        /// Why it failed last.
        last_error: Option<String>,
    },
    /// Idempotency records that say nothing of an effect.
    RecordsWithoutEffect {
        /// The store.
        store: &'static str,
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrphanEndereco { endereco, cliente } => {
                write!(f, "endereco_{endereco} belongs to cliente_{cliente}, who does not exist")
            }
            Self::OrphanCompra { compra, cliente } => {
                write!(f, "compra_{compra} was made by cliente_{cliente}, who does not exist")
            }
            Self::LostProduto { compra, produto } => {
                write!(f, "compra_{compra} is of produto_{produto}, which does not exist")
            }
            Self::StrayNote { store, about, id } => {
                write!(f, "store {store} takes {about}_{id} for removed, but it exists")
            }
            Self::Open { store, task, target, attempts, parked, last_error } => {
                let state = if *parked { "parked" } else { "open" };
                write!(f, "store {store}: {task} {target} is {state} after {attempts} attempts")?;
                last_error.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
            }
            Self::RecordsWithoutEffect { store, count } => {
                write!(f, "store {store}: {count} idempotency records say nothing of an effect")
            }
        }
    }
}

/// A table that is walked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Addresses.
    Enderecos,
    /// Purchases.
    Compras,
}

/// Where a walk stands: after this row of this table. Written `compras:4711`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which table.
    pub table: Table,
    /// The number of the last row that was looked at.
    pub after: u64,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { table: Table::Enderecos, after: 0 };

    const fn in_table(self, table: Table) -> Option<u64> {
        match (self.table, table) {
            (Table::Enderecos, Table::Compras) => Some(0),
            (Table::Compras, Table::Enderecos) => None,
            _ => Some(self.after),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = match self.table {
            Table::Enderecos => "enderecos",
            Table::Compras => "compras",
        };
        write!(f, "{table}:{}", self.after)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let position = || {
            let (table, after) = text.split_once(':')?;
            let table = match table {
                "enderecos" => Table::Enderecos,
                "compras" => Table::Compras,
                _ => return None,
            };
            Some(Self { table, after: after.parse().ok()? })
        };
        position().ok_or_else(|| format!("`{text}` is not a position; one looks like `compras:4711`"))
    }
}

/// Who hears of a walk.
pub trait Observer {
    /// Something was found; with what was done about it, if anything was.
    fn found(&mut self, finding: &Finding, repair: Option<&'static str>);

    /// So far the walk has come.
    fn reached(&mut self, position: Position);
}

/// A walk through the stores.
pub struct Check<'a, O> {
    consistency: &'a Removals,
    databases: PerStore<Db>,
    observer: &'a mut O,
    repair: bool,
}

impl Removals {
    /// Looks for what fits nowhere, from `from` on, and with `repair` mends what
    /// the rules allow. Tells `observer` of everything.
    ///
    /// # Errors
    /// A store's that cannot be asked; the observer knows how far the walk came.
    pub async fn check<O: Observer>(
        &self,
        from: Position,
        repair: bool,
        observer: &mut O,
    ) -> Result<(), StoreError> {
        let elsewhere = || StoreError::new(Store::Clientes, Fault::Internal, "a check needs all four stores");
        let databases = self.here.all().ok_or_else(elsewhere)?;
        let mut check = Check { consistency: self, databases, observer, repair };
        // First what is merely late, so that it is not taken for lost.
        check.outboxes().await?;
        if let Some(after) = from.in_table(Table::Enderecos) {
            check.enderecos(after).await?;
        }
        if let Some(after) = from.in_table(Table::Compras) {
            check.compras(after).await?;
        }
        check.notes(Store::Enderecos, Guarded::Cliente).await?;
        check.notes(Store::Inventario, Guarded::Cliente).await?;
        check.notes(Store::Inventario, Guarded::Produto).await?;
        check.records().await
    }
}

impl<O: Observer> Check<'_, O> {
    fn db(&self, store: Store) -> &Db {
        &self.databases[store]
    }

    /// Says what was found, after mending it where that is wanted and possible.
    async fn found(
        &mut self,
        finding: Finding,
        repair: Option<(&'static str, impl Future<Output = Result<(), StoreError>>)>,
    ) -> Result<(), StoreError> {
        let done = match repair {
            Some((what, mend)) if self.repair => {
                mend.await?;
                Some(what)
            }
            _ => None,
        };
        self.observer.found(&finding, done);
        Ok(())
    }

    async fn outboxes(&mut self) -> Result<(), StoreError> {
        if self.repair {
            let late = self.consistency.open().await?;
            self.consistency.retake().await?;
            while self.consistency.round().await > 0 {}
            let left = self.consistency.open().await?;
            for (store, row) in late {
                let done = !left.iter().any(|(other, open)| *other == store && open.id == row.id);
                self.observer.found(&Finding::of(store, row), done.then_some("finished it"));
            }
        } else {
            for (store, row) in self.consistency.open().await? {
                self.observer.found(&Finding::of(store, row), None);
            }
        }
        Ok(())
    }

    async fn enderecos(&mut self, mut after: u64) -> Result<(), StoreError> {
        loop {
            let rows = enderecos::references(self.db(Store::Enderecos), after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            let missing = self.missing_clientes(rows.iter().map(|row| row.1)).await?;
            for (endereco, cliente) in rows.into_iter().filter(|row| missing.contains(&row.1)) {
                let db = self.db(Store::Enderecos).clone();
                if self.is_being_removed(cliente).await?
                    || !enderecos::refers(&db, (endereco, cliente)).await?
                {
                    continue;
                }
                let mend = enderecos::forget_cliente(&db, ClienteId(cliente));
                let finding = Finding::OrphanEndereco { endereco, cliente };
                self.found(finding, Some(("removed the addresses of that client", mend))).await?;
            }
            self.observer.reached(Position { table: Table::Enderecos, after });
        }
    }

    async fn compras(&mut self, mut after: u64) -> Result<(), StoreError> {
        let db = self.db(Store::Inventario).clone();
        loop {
            let rows = inventario::references(&db, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.0;
            let mut missing = self.missing_clientes(rows.iter().map(|row| row.1)).await?;
            for cliente in missing.clone() {
                if self.is_being_removed(cliente).await? || Guarded::Cliente.sales_kept(&db, cliente).await? {
                    missing.remove(&cliente);
                }
            }
            for (compra, cliente, _) in rows.iter().copied().filter(|row| missing.contains(&row.1)) {
                if !inventario::refers(&db, compra).await? {
                    continue;
                }
                let mend = inventario::forget_cliente(&db, ClienteId(cliente), true);
                let finding = Finding::OrphanCompra { compra, cliente };
                self.found(finding, Some(("noted that the sales of that client stay", mend))).await?;
            }
            let missing = self.missing_produtos(rows.iter().map(|row| row.2)).await?;
            for (compra, _, produto) in rows.into_iter().filter(|row| missing.contains(&row.2)) {
                if inventario::refers(&db, compra).await? {
                    let nothing = None::<(&str, std::future::Ready<Result<(), StoreError>>)>;
                    self.found(Finding::LostProduto { compra, produto }, nothing).await?;
                }
            }
            self.observer.reached(Position { table: Table::Compras, after });
        }
    }

    async fn missing_clientes(&self, ids: impl Iterator<Item = u64>) -> Result<HashSet<u64>, StoreError> {
        let ids: BTreeSet<u64> = ids.collect();
        let there = clientes::existing(self.db(Store::Clientes), &Vec::from_iter(ids.clone())).await?;
        Ok(without(ids, &there))
    }

    async fn missing_produtos(&self, ids: impl Iterator<Item = u64>) -> Result<HashSet<u64>, StoreError> {
        let ids: BTreeSet<u64> = ids.collect();
        let there = catalogo::existing(self.db(Store::Catalogo), &Vec::from_iter(ids.clone())).await?;
        Ok(without(ids, &there))
    }

    async fn is_being_removed(&self, cliente: u64) -> Result<bool, StoreError> {
        let home = self.db(Store::Clientes);
        Ok(outbox::find(home, Task::RemoverCliente, cliente).await?.is_some())
    }

    /// Notes of removals about what exists.
    async fn notes(&mut self, store: Store, guarded: Guarded) -> Result<(), StoreError> {
        let databases = self.databases.clone();
        let notes = Notes { databases: &databases, store, guarded };
        let mut after = 0;
        loop {
            let page = guarded.removed(&databases[store], after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.0;
            for id in notes.stray(page.into_iter().map(|note| note.0).collect()).await? {
                let finding = Finding::StrayNote { store: store.name(), about: notes.about(), id };
                if !self.repair {
                    self.observer.found(&finding, None);
                } else if notes.take_back(id).await? {
                    self.observer.found(&finding, Some("took the note back"));
                }
            }
        }
    }

    async fn records(&mut self) -> Result<(), StoreError> {
        for store in Store::ALL {
            let db = self.db(store).clone();
            let count = record::without_effect(&db).await?;
            if count > 0 {
                let finding = Finding::RecordsWithoutEffect { store: store.name(), count };
                let mend = async { record::forget_without_effect(&db).await.map(|_| ()) };
                self.found(finding, Some(("deleted them, so that their keys can be used", mend))).await?;
            }
        }
        Ok(())
    }
}

/// The notes that a store has of removals.
#[derive(Clone, Copy)]
struct Notes<'a> {
    databases: &'a PerStore<Db>,
    store: Store,
    guarded: Guarded,
}

impl Notes<'_> {
    const fn about(self) -> &'static str {
        match self.guarded {
            Guarded::Cliente => "cliente",
            Guarded::Produto => "produto",
        }
    }

    /// The removal that leaves such a note, and the store where it begins.
    const fn removal(self) -> (Store, Task) {
        match self.guarded {
            Guarded::Cliente => (Store::Clientes, Task::RemoverCliente),
            Guarded::Produto => (Store::Inventario, Task::RemoverProduto),
        }
    }

    /// Those of `ids` that exist.
    async fn existing(self, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        match self.guarded {
            Guarded::Cliente => clientes::existing(&self.databases[Store::Clientes], ids).await,
            Guarded::Produto => catalogo::existing(&self.databases[Store::Catalogo], ids).await,
        }
    }

    /// Those of the noted `ids` that nobody is removing and that exist. Asked in this
    /// order: a removal that ends in between has taken its product away before its row
    /// leaves the outbox.
    async fn stray(self, mut ids: Vec<u64>) -> Result<Vec<u64>, StoreError> {
        let (home, task) = self.removal();
        let under_way = outbox::among(&self.databases[home], task, &ids).await?;
        ids.retain(|id| !under_way.contains(id));
        reach("check", "nobody_removes");
        if ids.is_empty() {
            return Ok(ids);
        }
        self.existing(&ids).await
    }

    /// Takes a note back that is still a stray one when it is locked; false when it is
    /// not, and stays.
    async fn take_back(self, id: u64) -> Result<bool, StoreError> {
        reach("check", "stray");
        self.databases[self.store].transaction(&TakeBack { notes: self, id }, &Arc::default()).await?
    }
}

struct TakeBack<'a> {
    notes: Notes<'a>,
    id: u64,
}

impl Work for TakeBack<'_> {
    /// The error is that of another store.
    type Output = Result<bool, StoreError>;

    fn name(&self) -> &'static str {
        "check.volta"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        let Self { notes, id } = self;
        // From here on no removal can leave its note.
        if !notes.guarded.lock(tx, *id).await? || self.is_under_way(tx).await? {
            return Ok(End::Rollback(Ok(false)));
        }
        match self.still_stray().await {
            Ok(true) => {
                notes.guarded.lift(tx, *id).await?;
                Ok(End::Commit(Ok(true)))
            }
            other => Ok(End::Rollback(other)),
        }
    }
}

impl TakeBack<'_> {
    /// Whether the outbox of this very store has a row; on the transaction's own
    /// connection, which may be the only one.
    async fn is_under_way(&self, tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
        let (home, task) = self.notes.removal();
        if home != self.notes.store {
            return Ok(false);
        }
        outbox::is_under_way(tx, task, self.id).await
    }

    /// What the other stores say, in the order of [`Notes::stray`].
    async fn still_stray(&self) -> Result<bool, StoreError> {
        let (home, task) = self.notes.removal();
        if home != self.notes.store
            && outbox::find(&self.notes.databases[home], task, self.id).await?.is_some()
        {
            return Ok(false);
        }
        Ok(!self.notes.existing(&[self.id]).await?.is_empty())
    }
}

impl Finding {
    fn of(store: Store, row: outbox::Open) -> Self {
        Self::Open {
            store: store.name(),
            task: row.task,
            target: row.target,
            attempts: row.attempts,
            parked: row.parked,
            last_error: row.last_error,
        }
    }
}

fn without(ids: BTreeSet<u64>, there: &[u64]) -> HashSet<u64> {
    let there: HashSet<u64> = there.iter().copied().collect();
    ids.into_iter().filter(|id| !there.contains(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written() {
        for text in ["enderecos:0", "compras:4711"] {
            assert_eq!(Position::from_str(text).map(|position| position.to_string()).as_deref(), Ok(text));
        }
        for text in ["compras", "compras:", "clientes:1", "compras:-1"] {
            assert!(Position::from_str(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_position_leaves_out() {
        let later = Position { table: Table::Compras, after: 9 };
        assert_eq!(Position::START.in_table(Table::Compras), Some(0));
        assert_eq!((later.in_table(Table::Enderecos), later.in_table(Table::Compras)), (None, Some(9)));
    }
}
