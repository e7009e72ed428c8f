//! The walk through a source, a batch at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use csv::ByteRecord;

use super::header::{Column, Header, Mapping};
use super::rehearsal::{Formed, formed};
use super::rows::{Row, Ties, Unique, missing, shown};
use super::source::{self, Source};
use super::values::Format;
use super::{Layout, rows};
use crate::db::{Db, End, Fault, PerStore, Store, StoreError, Transaction, Work};
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
pub(super) const REFERENCES: [(Guarded, &str); 2] =
    [(Guarded::Cliente, "id_cliente"), (Guarded::Produto, "id_produto")];

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

    /// A row was rejected: where it stands, as it stood there, and everything that is
    /// wrong with it, each beginning with its column. They come in the order of the source.
    ///
    /// # Errors
    /// Those of writing it down, which end the import.
    fn rejected(&mut self, place: u64, raw: &ByteRecord, why: &[String]) -> std::io::Result<()>;
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
    let trial = options.dry_run.then(|| {
        PerStore::from_fn(|store| match store == R::STORE {
            true => databases[store].trial(),
            false => databases[store].clone(),
        })
    });
    let mut import = Import::<R, _> {
        databases: trial.as_ref().unwrap_or(databases),
        options,
        header,
        observer,
        summary: Summary::default(),
        batch: Vec::new(),
        rejects: Vec::new(),
    };
    import.read(&mut source).await?;
    Ok(import.summary)
}

struct Import<'a, R, O> {
    /// With a dry run, the store's own is a trial, in which a row meets those before it.
    databases: &'a PerStore<Db>,
    options: &'a Options,
    header: Header,
    observer: &'a mut O,
    summary: Summary,
    batch: Vec<Candidate<R>>,
    /// Those of the batch, until it is known which others there are before them.
    rejects: Vec<(source::Row, Vec<String>)>,
}

/// A row of the batch.
struct Candidate<R> {
    origin: source::Row,
    formed: Formed<R>,
}

/// A row that nothing is known against.
struct Fitting<R> {
    origin: source::Row,
    row: R,
}

/// What is known against rows: their ties, as they are in the stores.
struct Known {
    /// What the ids of these rows begin with.
    prefix: &'static str,
    missing: HashSet<(Guarded, u64)>,
    /// Also those that are noted as removed.
    removed: HashSet<(Guarded, u64)>,
    owners: HashMap<Unique, u64>,
    /// Their own numbers, with why they do not come back.
    gone: HashMap<u64, String>,
}

fn stopped(told: StoreError, summary: Summary) -> ImportError {
    ImportError::Store { told, summary }
}

impl<R: Row, O: Observer> Import<'_, R, O> {
    async fn read(&mut self, source: &mut impl Source) -> Result<(), ImportError> {
        while let Some(origin) = source.next().await? {
            self.summary.read += 1;
            let formed = formed::<R>(&self.header, &origin, self.options);
            self.batch.push(Candidate { origin, formed });
            if self.batch.len() >= BATCH {
                self.flush().await?;
                self.observer.reached(source.reached());
            }
        }
        self.flush().await
    }

    fn reject(&mut self, origin: source::Row, why: Vec<String>) {
        self.summary.rejected += 1;
        self.rejects.push((origin, why));
    }

    /// Imports what has gathered. Of two rows with one id the second comes after the
    /// first, and so meets it, or not when that was rejected.
    async fn flush(&mut self) -> Result<(), ImportError> {
        let mut waiting = std::mem::take(&mut self.batch);
        let mut ended = Ok(());
        while !waiting.is_empty() && ended.is_ok() {
            let mut seen = HashSet::new();
            let is_first = |candidate: &mut Candidate<R>| match &candidate.formed.row {
                Ok(row) => seen.insert(row.number()),
                Err(_) => true,
            };
            let first: Vec<Candidate<R>> = waiting.extract_if(.., is_first).collect();
            ended = self.take(first).await;
        }
        let mut rejects = std::mem::take(&mut self.rejects);
        rejects.sort_by_key(|(origin, _)| origin.place);
        for (origin, why) in rejects {
            self.observer.rejected(origin.place, &origin.raw, &why).map_err(ImportError::Rejects)?;
        }
        ended.map_err(|told| stopped(told, self.summary))
    }

    /// Imports rows of different ids.
    async fn take(&mut self, candidates: Vec<Candidate<R>>) -> Result<(), StoreError> {
        let new = self.unknown(candidates).await?;
        let fitting = self.fitting(new).await?;
        let full =
            R::refused(self.databases, &fitting.iter().map(|fit| &fit.row).collect::<Vec<_>>()).await?;
        let (mut kept, mut full) = (Vec::with_capacity(fitting.len()), full);
        for fit in fitting {
            match full.remove(&fit.row.number()) {
                Some(why) => self.reject(fit.origin, vec![why]),
                None => kept.push(fit),
            }
        }
        self.insert(kept).await
    }

    /// Those that are not there already.
    async fn unknown(&mut self, candidates: Vec<Candidate<R>>) -> Result<Vec<Candidate<R>>, StoreError> {
        let rows: Vec<&R> =
            candidates.iter().filter_map(|candidate| candidate.formed.row.as_ref().ok()).collect();
        if rows.is_empty() {
            return Ok(candidates);
        }
        let there = R::known(self.databases, &rows).await?;
        let mut new = Vec::new();
        for candidate in candidates {
            let number = candidate.formed.row.as_ref().ok().map(R::number);
            match number.and_then(|number| there.get(&number)) {
                None => new.push(candidate),
                Some(differing) if differing.is_empty() => self.summary.known += 1,
                Some(differing) => {
                    let id = format!("{}_{}", R::PREFIX, number.unwrap_or_default());
                    let why = format!("id: {id} já existe, com outro valor em {}.", differing.join(", "));
                    self.reject(candidate.origin, vec![why]);
                }
            }
        }
        Ok(new)
    }

    /// Those that are well-formed and of whose ties nothing speaks against them; of the
    /// others everything is told.
    async fn fitting(&mut self, candidates: Vec<Candidate<R>>) -> Result<Vec<Fitting<R>>, StoreError> {
        let ties: Vec<&Ties> = candidates.iter().map(|candidate| &candidate.formed.ties).collect();
        let known = self.known(&ties).await?;
        let mut fitting = Vec::new();
        for Candidate { origin, formed: Formed { row, ties } } in candidates {
            let against = known.against(&ties);
            match row {
                Ok(row) if against.is_empty() => fitting.push(Fitting { origin, row }),
                Ok(_) => self.reject(origin, against),
                Err(why) => self.reject(origin, why.into_iter().chain(against).collect()),
            }
        }
        Ok(fitting)
    }

    async fn known(&self, ties: &[&Ties]) -> Result<Known, StoreError> {
        let mut known = Known { gone: self.gone(ties).await?, ..Known::of(R::PREFIX) };
        for (guarded, _) in REFERENCES {
            let all =
                ties.iter().flat_map(|ties| &ties.references).filter(|reference| reference.0 == guarded);
            let ids = Vec::from_iter(all.map(|reference| reference.1).collect::<BTreeSet<u64>>());
            if ids.is_empty() {
                continue;
            }
            let removed = guarded.removed_among(&self.databases[R::STORE], &ids).await?;
            known.removed.extend(removed.into_iter().map(|(id, _)| (guarded, id)));
            let gone = missing(self.databases, guarded, &ids).await?;
            known.missing.extend(gone.into_iter().map(|id| (guarded, id)));
        }
        known.owners = self.owners(ties).await?;
        Ok(known)
    }

    /// Who has the values of these rows that nobody else may have.
    async fn owners(&self, ties: &[&Ties]) -> Result<HashMap<Unique, u64>, StoreError> {
        let values: Vec<&Unique> = ties.iter().flat_map(|ties| &ties.unique).collect();
        match values.is_empty() {
            true => Ok(HashMap::new()),
            false => R::owners(self.databases, &values).await,
        }
    }

    /// Those that were removed, and why they do not come back.
    async fn gone(&self, ties: &[&Ties]) -> Result<HashMap<u64, String>, StoreError> {
        let numbers: Vec<u64> = ties.iter().filter_map(|ties| ties.number).collect();
        let (Some(notes), false) = (R::NOTES, numbers.is_empty()) else {
            return Ok(HashMap::new());
        };
        let id = |number: u64| format!("{}_{number}", R::PREFIX);
        let (home, task) = notes.removal;
        let under_way = outbox::under_way_among(&self.databases[home], task, &numbers).await?;
        let told = |number| {
            format!("id: a remoção de {} ainda está em andamento; veja `quarteto check`.", id(number))
        };
        let mut why: HashMap<u64, String> =
            under_way.into_iter().map(|number| (number, told(number))).collect();
        if self.options.bring_back {
            return Ok(why);
        }
        for store in notes.stores {
            for (number, at) in notes.about.removed_among(&self.databases[*store], &numbers).await? {
                why.entry(number).or_insert_with(|| {
                    format!("id: {} foi removido em {at}; com --bring-back ele volta.", id(number))
                });
            }
        }
        Ok(why)
    }

    /// In pieces whose sizes are powers of two; a piece that meets a value that
    /// must be unique, or that the store does not take, goes row by row.
    async fn insert(&mut self, mut fitting: Vec<Fitting<R>>) -> Result<(), StoreError> {
        while !fitting.is_empty() {
            let size = 1 << fitting.len().ilog2();
            let rest = fitting.split_off(size);
            let (origins, rows): (Vec<source::Row>, Vec<R>) =
                fitting.into_iter().map(|fit| (fit.origin, fit.row)).unzip();
            if self.write(&rows).await?.is_none() {
                self.summary.inserted += rows.len() as u64;
            } else {
                for (origin, row) in origins.into_iter().zip(&rows) {
                    match self.write(std::slice::from_ref(row)).await? {
                        None => self.summary.inserted += 1,
                        Some(why) => {
                            let why = self.explained(row, why).await?;
                            self.reject(origin, why);
                        }
                    }
                }
            }
            fitting = rest;
        }
        Ok(())
    }

    /// Whom a row has met that was not there when it was looked for: one before it in its
    /// batch, or of somebody else who writes.
    async fn explained(&self, row: &R, why: String) -> Result<Vec<String>, StoreError> {
        let ties = Ties::of(row);
        let known = Known { owners: self.owners(&[&ties]).await?, ..Known::of(R::PREFIX) };
        let against = known.against(&ties);
        Ok(if against.is_empty() { vec![why] } else { against })
    }

    /// Inserts rows in one transaction, or none of them; then why one of them
    /// cannot be.
    async fn write(&mut self, rows: &[R]) -> Result<Option<String>, StoreError> {
        let insert = Insert { rows, is_trial: self.options.dry_run };
        let refused = self.databases[R::STORE].transaction(&insert, &Arc::default()).await?;
        if refused.is_none() && self.options.bring_back && !self.options.dry_run {
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

impl Known {
    /// Nothing, of rows whose ids begin with this.
    fn of(prefix: &'static str) -> Self {
        Self {
            prefix,
            missing: HashSet::new(),
            removed: HashSet::new(),
            owners: HashMap::new(),
            gone: HashMap::new(),
        }
    }

    /// All that speaks against a row with such ties.
    fn against(&self, ties: &Ties) -> Vec<String> {
        let mut why: Vec<String> =
            ties.number.and_then(|number| self.gone.get(&number)).cloned().into_iter().collect();
        for (guarded, column) in REFERENCES {
            for reference in ties.references.iter().filter(|reference| reference.0 == guarded) {
                let id = shown(guarded, reference.1);
                if self.removed.contains(reference) {
                    why.push(format!("{column}: {id} foi removido."));
                } else if self.missing.contains(reference) {
                    why.push(format!("{column}: {id} não existe."));
                }
            }
        }
        for value in &ties.unique {
            if let Some(owner) = self.owners.get(value)
                && Some(*owner) != ties.number
            {
                why.push(format!("{}: já é de {}_{owner}.", value.0, self.prefix));
            }
        }
        why
    }
}

/// What is wrong with a value, and in which column.
pub(super) fn told(erro: &Erro) -> String {
    let campo = erro.campo.as_ref().map(|campo| campo.join(".")).unwrap_or_default();
    format!("{campo}: {}", erro.mensagem)
}

struct Insert<'a, R> {
    rows: &'a [R],
    /// Whether it is undone. Then it does not hold what it refers to until its end, which
    /// would keep others from removing it.
    is_trial: bool,
}

impl<R: Row> Work for Insert<'_, R> {
    type Output = Option<String>;

    fn name(&self) -> &'static str {
        "import.insere"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        for (guarded, column) in REFERENCES.into_iter().filter(|_| !self.is_trial) {
            let references =
                self.rows.iter().flat_map(R::references).filter(|reference| reference.0 == guarded);
            let ids: BTreeSet<u64> = references.map(|reference| reference.1).collect();
            if ids.is_empty() {
                continue;
            }
            if let Some(id) = guarded.share_many(tx, &Vec::from_iter(ids)).await?.first() {
                return Ok(End::Rollback(Some(format!("{column}: {} foi removido.", shown(guarded, *id)))));
            }
        }
        let inserted = R::insert(tx.mysql(), self.rows).await;
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

/// Why the store does not take rows, where that is about the rows.
fn unfit(error: StoreError) -> Result<String, StoreError> {
    match error.fault {
        Fault::Duplicate if &*error.detail == "PRIMARY" => Ok("id: outra linha já tem este id.".to_owned()),
        Fault::Duplicate => Ok(format!("{}: outra linha já tem este valor.", unique_column(&error.detail))),
        // What the store says of a value that no rule of ours has seen.
        Fault::Internal => Ok(format!("a base de dados não aceita a linha: {}", error.detail)),
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
