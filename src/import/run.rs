//! The walk through a source, a batch at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use csv::ByteRecord;
use sqlx::Executor as _;

use super::header::{Column, Header, Mapping};
use super::rehearsal::formed;
use super::rows::Row;
use super::source::{self, Source};
use super::values::Format;
use super::{Layout, rows};
use crate::db::{Connection, Db, End, Fault, PerStore, Store, StoreError, Transaction, Work, connect};
use crate::stores::catalogo::NovoProduto;
use crate::stores::clientes::NovoCliente;
use crate::stores::enderecos::NovoEndereco;
use crate::stores::inventario::NovaCompra;
use crate::writes::guard::Guarded;
use crate::writes::{Erro, outbox};

/// Rows that are looked at and inserted together. A power of two: an INSERT is
/// prepared for each number of rows, and the last batch is cut into such pieces.
const BATCH: usize = 512;

/// The columns that refer to other stores.
const REFERENCES: [(Guarded, &str); 2] = [(Guarded::Cliente, "id_cliente"), (Guarded::Produto, "id_produto")];

/// How rows are to be read, and what is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the columns are called.
    pub mapping: Mapping,
    /// How values are written.
    pub format: Format,
    /// Take back in what was removed.
    pub bring_back: bool,
    /// Only look: do everything and undo it.
    pub dry_run: bool,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Rows that there were.
    pub read: u64,
    /// Rows that are new; with a dry run, that would be.
    pub inserted: u64,
    /// Rows that were there already.
    pub known: u64,
    /// Rows that were rejected.
    pub rejected: u64,
}

/// Why an import could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The header does not fit.
    #[error("{0}")]
    Header(String),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] csv::Error),
    /// The old database cannot be read.
    #[error("the old database cannot be read: {0}")]
    Source(String),
    /// A store does not answer.
    #[error("{told}; {} rows are in, and the same command goes on from there", summary.inserted + summary.known)]
    Store {
        /// What it said.
        told: StoreError,
        /// What had been done.
        summary: Summary,
    },
    /// A rejected row could not be written down.
    #[error("the rejects cannot be written: {0}")]
    Rejects(std::io::Error),
}

/// Who hears of an import.
pub trait Observer {
    /// So much of the source has been read.
    fn reached(&mut self, reached: u64);

    /// The columns of the source, and what rejected rows are to be written with.
    ///
    /// # Errors
    /// Those of writing it down, which end the import.
    fn header(&mut self, names: &[String], layout: Layout) -> std::io::Result<()>;

    /// A row was rejected: where it stands, as it stood there, and why. They come in
    /// the order of the source.
    ///
    /// # Errors
    /// Those of writing it down, which end the import.
    fn rejected(&mut self, place: u64, raw: &ByteRecord, why: &str) -> std::io::Result<()>;
}

/// The columns that a source for this store may have.
#[must_use]
pub const fn columns(store: Store) -> &'static [Column] {
    rows::columns(store)
}

/// Imports the rows of a source into a store.
///
/// # Errors
/// [`ImportError`]; the batches before it are in, and with a dry run nothing is.
pub async fn run(
    store: Store,
    databases: &PerStore<Db>,
    source: impl Source,
    options: &Options,
    observer: &mut impl Observer,
) -> Result<Summary, ImportError> {
    match store {
        Store::Clientes => walk::<NovoCliente>(databases, source, options, observer).await,
        Store::Enderecos => walk::<NovoEndereco>(databases, source, options, observer).await,
        Store::Catalogo => walk::<NovoProduto>(databases, source, options, observer).await,
        Store::Inventario => walk::<NovaCompra>(databases, source, options, observer).await,
    }
}

async fn walk<R: Row>(
    databases: &PerStore<Db>,
    mut source: impl Source,
    options: &Options,
    observer: &mut impl Observer,
) -> Result<Summary, ImportError> {
    let header = Header::read(source.names(), R::COLUMNS, &options.mapping).map_err(ImportError::Header)?;
    observer.header(source.names(), source.layout()).map_err(ImportError::Rejects)?;
    let trial = match options.dry_run {
        true => {
            Some(Trial::begin(&databases[R::STORE]).await.map_err(|told| stopped(told, Summary::default()))?)
        }
        false => None,
    };
    let mut import = Import::<R, _> {
        databases,
        options,
        header,
        observer,
        trial,
        summary: Summary::default(),
        batch: Vec::new(),
        rejects: Vec::new(),
    };
    import.read(&mut source).await?;
    Ok(import.summary)
}

struct Import<'a, R, O> {
    databases: &'a PerStore<Db>,
    options: &'a Options,
    header: Header,
    observer: &'a mut O,
    trial: Option<Trial>,
    summary: Summary,
    batch: Vec<Candidate<R>>,
    /// Those of the batch, until it is known which others there are before them.
    rejects: Vec<(source::Row, String)>,
}

/// A row that is well-formed.
struct Candidate<R> {
    origin: source::Row,
    row: R,
}

fn stopped(told: StoreError, summary: Summary) -> ImportError {
    ImportError::Store { told, summary }
}

impl<R: Row, O: Observer> Import<'_, R, O> {
    async fn read(&mut self, source: &mut impl Source) -> Result<(), ImportError> {
        while let Some(origin) = source.next().await? {
            self.summary.read += 1;
            match formed::<R>(&self.header, &origin, self.options) {
                Ok(row) => self.batch.push(Candidate { origin, row }),
                Err(why) => self.reject(origin, why),
            }
            if self.batch.len() + self.rejects.len() >= BATCH {
                self.flush().await?;
                self.observer.reached(source.reached());
            }
        }
        self.flush().await
    }

    fn reject(&mut self, origin: source::Row, why: String) {
        self.summary.rejected += 1;
        self.rejects.push((origin, why));
    }

    /// Imports what has gathered.
    async fn flush(&mut self) -> Result<(), ImportError> {
        let gathered = std::mem::take(&mut self.batch);
        let fitting = self.fitting(gathered).await.map_err(|told| stopped(told, self.summary))?;
        let ended = self.insert(fitting).await;
        let mut rejects = std::mem::take(&mut self.rejects);
        rejects.sort_by_key(|(origin, _)| origin.place);
        for (origin, why) in rejects {
            self.observer.rejected(origin.place, &origin.raw, &why).map_err(ImportError::Rejects)?;
        }
        ended.map_err(|told| stopped(told, self.summary))
    }

    /// Those that are new and refer to what there is.
    async fn fitting(&mut self, gathered: Vec<Candidate<R>>) -> Result<Vec<Candidate<R>>, StoreError> {
        let batch = self.once_each(gathered);
        let rows: Vec<&R> = batch.iter().map(|candidate| &candidate.row).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let known = R::known(self.databases, &rows).await?;
        let new: Vec<&R> = rows.iter().copied().filter(|row| !known.contains_key(&row.number())).collect();
        let mut refused = R::refused(self.databases, &new).await?;
        for (number, why) in self.removed(&new).await? {
            refused.entry(number).or_insert(why);
        }
        for (number, why) in self.refers_to_removed(&new).await? {
            refused.entry(number).or_insert(why);
        }
        let mut fitting = Vec::new();
        for candidate in batch {
            let number = candidate.row.number();
            match (known.get(&number), refused.remove(&number)) {
                (Some(true), _) => self.summary.known += 1,
                (Some(false), _) => self.reject(candidate.origin, "id: another row has this id".to_owned()),
                (None, Some(why)) => self.reject(candidate.origin, why),
                (None, None) => fitting.push(candidate),
            }
        }
        Ok(fitting)
    }

    /// Those that were removed, and why they do not come back.
    async fn removed(&self, new: &[&R]) -> Result<HashMap<u64, String>, StoreError> {
        let Some(notes) = R::NOTES else {
            return Ok(HashMap::new());
        };
        let numbers: Vec<u64> = new.iter().map(|row| row.number()).collect();
        let (home, task) = notes.removal;
        let under_way = outbox::under_way_among(&self.databases[home], task, &numbers).await?;
        let mut why: HashMap<u64, String> = under_way
            .into_iter()
            .map(|number| {
                (number, format!("id: the removal of {number} is still under way; see `quarteto check`"))
            })
            .collect();
        if self.options.bring_back {
            return Ok(why);
        }
        for store in notes.stores {
            for (number, at) in notes.about.removed_among(&self.databases[*store], &numbers).await? {
                why.entry(number).or_insert_with(|| {
                    format!("id: {number} was removed on {at}; --bring-back takes it in again")
                });
            }
        }
        Ok(why)
    }

    /// Those that refer to what has been removed, as far as it is noted; who removes it
    /// meanwhile is met at the insertion.
    async fn refers_to_removed(&self, new: &[&R]) -> Result<HashMap<u64, String>, StoreError> {
        let mut why = HashMap::new();
        for (guarded, column) in REFERENCES {
            let of = |row: &&R| row.references().into_iter().find(|reference| reference.0 == guarded);
            let ids: BTreeSet<u64> = new.iter().filter_map(of).map(|reference| reference.1).collect();
            if ids.is_empty() {
                continue;
            }
            let removed = guarded.removed_among(&self.databases[R::STORE], &Vec::from_iter(ids)).await?;
            let removed: HashSet<u64> = removed.into_iter().map(|(id, _)| id).collect();
            for row in
                new.iter().filter(|row| of(row).is_some_and(|reference| removed.contains(&reference.1)))
            {
                why.entry(row.number()).or_insert_with(|| format!("{column}: has been removed"));
            }
        }
        Ok(why)
    }

    /// A number that comes twice in a batch is rejected the second time.
    fn once_each(&mut self, batch: Vec<Candidate<R>>) -> Vec<Candidate<R>> {
        let mut seen = HashSet::new();
        let mut once = Vec::with_capacity(batch.len());
        for candidate in batch {
            if seen.insert(candidate.row.number()) {
                once.push(candidate);
            } else {
                self.reject(candidate.origin, "id: the file has this id twice".to_owned());
            }
        }
        once
    }

    /// In pieces whose sizes are powers of two; a piece that meets a value that
    /// must be unique, or that the store does not take, goes row by row.
    async fn insert(&mut self, mut candidates: Vec<Candidate<R>>) -> Result<(), StoreError> {
        while !candidates.is_empty() {
            let size = 1 << candidates.len().ilog2();
            let rest = candidates.split_off(size);
            let (origins, rows): (Vec<source::Row>, Vec<R>) =
                candidates.into_iter().map(|candidate| (candidate.origin, candidate.row)).unzip();
            if self.write(&rows).await?.is_none() {
                self.summary.inserted += rows.len() as u64;
            } else {
                for (origin, row) in origins.into_iter().zip(&rows) {
                    match self.write(std::slice::from_ref(row)).await? {
                        None => self.summary.inserted += 1,
                        Some(why) => self.reject(origin, why),
                    }
                }
            }
            candidates = rest;
        }
        Ok(())
    }

    /// Inserts rows in one transaction, or none of them; then why one of them
    /// cannot be.
    async fn write(&mut self, rows: &[R]) -> Result<Option<String>, StoreError> {
        if let Some(trial) = &mut self.trial {
            return trial.write(rows).await;
        }
        let refused = self.databases[R::STORE].transaction(&Insert(rows), &Arc::default()).await?;
        if refused.is_none() && self.options.bring_back {
            self.lift(rows).await?;
        }
        Ok(refused)
    }

    /// Takes back the notes that these were removed, now that they are there again.
    async fn lift(&self, rows: &[R]) -> Result<(), StoreError> {
        let Some(notes) = R::NOTES else {
            return Ok(());
        };
        let numbers: Vec<u64> = rows.iter().map(R::number).collect();
        for store in notes.stores {
            let db = &self.databases[*store];
            for (number, _) in notes.about.removed_among(db, &numbers).await? {
                db.transaction(&Lift(notes.about, number), &Arc::default()).await?;
            }
        }
        Ok(())
    }
}

/// What is wrong with a value, and in which column.
pub(super) fn told(erro: &Erro) -> String {
    let campo = erro.campo.as_ref().map(|campo| campo.join(".")).unwrap_or_default();
    format!("{campo}: {}", erro.mensagem)
}

struct Insert<'a, R>(&'a [R]);

impl<R: Row> Work for Insert<'_, R> {
    type Output = Option<String>;

    fn name(&self) -> &'static str {
        "import.insere"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        for (guarded, column) in REFERENCES {
            let references = self.0.iter().flat_map(R::references).filter(|reference| reference.0 == guarded);
            let ids: BTreeSet<u64> = references.map(|reference| reference.1).collect();
            if !ids.is_empty() && !guarded.share_many(tx, &Vec::from_iter(ids)).await?.is_empty() {
                return Ok(End::Rollback(Some(format!("{column}: has been removed"))));
            }
        }
        let inserted = R::insert(tx.mysql(), self.0).await;
        match inserted.map_err(|error| StoreError::statement(R::STORE, &error)) {
            Ok(()) => Ok(End::Commit(None)),
            Err(error) => unfit(error).map(|why| End::Rollback(Some(why))),
        }
    }
}

struct Lift(Guarded, u64);

impl Work for Lift {
    type Output = ();

    fn name(&self) -> &'static str {
        "import.volta"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        self.0.lock(tx, self.1).await?;
        self.0.lift(tx, self.1).await?;
        Ok(End::Commit(()))
    }
}

/// An import that is undone at its end: one transaction, which ends with its connection,
/// so that each row meets those before it.
struct Trial {
    store: Store,
    connection: Connection,
}

impl Trial {
    async fn begin(db: &Db) -> Result<Self, StoreError> {
        let store = db.store();
        let opened = connect(db.options(), None).await;
        let mut connection = opened.map_err(|error| StoreError::connecting(store, &error))?;
        let begun = connection.mysql().execute("START TRANSACTION").await;
        begun.map_err(|error| StoreError::statement(store, &error))?;
        Ok(Self { store, connection })
    }

    async fn write<R: Row>(&mut self, rows: &[R]) -> Result<Option<String>, StoreError> {
        let failed = |error: sqlx::Error| StoreError::statement(self.store, &error);
        // One statement, which the server undoes whole where it fails.
        match R::insert(self.connection.mysql(), rows).await.map_err(failed) {
            Ok(()) => Ok(None),
            Err(error) => unfit(error).map(Some),
        }
    }
}

/// Why the store does not take rows, where that is about the rows.
fn unfit(error: StoreError) -> Result<String, StoreError> {
    match error.fault {
        Fault::Duplicate if &*error.detail == "PRIMARY" => Ok("id: another row has this id".to_owned()),
        Fault::Duplicate => Ok(format!("{}: another row has this value", unique_column(&error.detail))),
        // What the store says of a value that no rule of ours has seen.
        Fault::Internal => Ok(format!("the store does not take it: {}", error.detail)),
        _ => Err(error),
    }
}

/// The column that a unique key of a store is about.
fn unique_column(key: &str) -> &str {
    match key {
        "cadastro_email_chave" => "email",
        "cadastro_cpf" => "cpf",
        "inventario_chave_idempotencia" => "chave_idempotencia",
        other => other,
    }
}
