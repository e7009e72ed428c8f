//! The walk through a file.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::sync::Arc;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::header::{Header, Mapping};
use super::rows::{Fields, Format, Row};
use crate::db::{Db, End, Fault, PerStore, Store, StoreError, Transaction, Work};
use crate::stores::catalogo::NovoProduto;
use crate::stores::clientes::NovoCliente;
use crate::stores::enderecos::NovoEndereco;
use crate::stores::inventario::NovaCompra;
use crate::writes::Checks;
use crate::writes::guard::Guarded;

/// Rows that are looked at and inserted together. A power of two: an INSERT is
/// prepared for each number of rows, and the last batch is cut into such pieces.
const BATCH: usize = 512;

/// How a file is to be read, and what is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// What stands between two values.
    pub delimiter: u8,
    /// What the columns are called.
    pub mapping: Mapping,
    /// How values are written.
    pub format: Format,
    /// Only look.
    pub dry_run: bool,
}

/// What became of the rows of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Rows in the file.
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
    /// A store does not answer.
    #[error("{source}; {} rows are in, and the same command goes on from there", summary.inserted + summary.known)]
    Store {
        /// What it said.
        source: StoreError,
        /// What had been done.
        summary: Summary,
    },
    /// A rejected row could not be written down.
    #[error("the rejects cannot be written: {0}")]
    Rejects(std::io::Error),
}

/// Who hears of an import.
pub trait Observer {
    /// So many bytes of the file have been read.
    fn reached(&mut self, bytes: u64);

    /// The columns of the file.
    ///
    /// # Errors
    /// Those of writing it down, which end the import.
    fn header(&mut self, record: &StringRecord) -> std::io::Result<()>;

    /// A row was rejected: the line on which it begins, its values, and why.
    ///
    /// # Errors
    /// Those of writing it down, which end the import.
    fn rejected(&mut self, line: u64, record: &StringRecord, why: &str) -> std::io::Result<()>;
}

/// Imports a file into a store.
///
/// # Errors
/// [`ImportError`]; the batches before it are in.
pub async fn run(
    store: Store,
    databases: &PerStore<Db>,
    input: impl Read,
    options: &Options,
    observer: &mut impl Observer,
) -> Result<Summary, ImportError> {
    match store {
        Store::Clientes => walk::<NovoCliente>(databases, input, options, observer).await,
        Store::Enderecos => walk::<NovoEndereco>(databases, input, options, observer).await,
        Store::Catalogo => walk::<NovoProduto>(databases, input, options, observer).await,
        Store::Inventario => walk::<NovaCompra>(databases, input, options, observer).await,
    }
}

async fn walk<R: Row>(
    databases: &PerStore<Db>,
    input: impl Read,
    options: &Options,
    observer: &mut impl Observer,
) -> Result<Summary, ImportError> {
    let mut reader = ReaderBuilder::new().delimiter(options.delimiter).from_reader(input);
    let names = reader.headers()?.clone();
    let header = Header::read(names.iter(), R::COLUMNS, &options.mapping).map_err(ImportError::Header)?;
    observer.header(&names).map_err(ImportError::Rejects)?;
    let mut import = Import::<R, _> {
        databases,
        options,
        header,
        observer,
        summary: Summary::default(),
        batch: Vec::new(),
    };
    import.read(&mut reader).await?;
    Ok(import.summary)
}

struct Import<'a, R, O> {
    databases: &'a PerStore<Db>,
    options: &'a Options,
    header: Header,
    observer: &'a mut O,
    summary: Summary,
    batch: Vec<Candidate<R>>,
}

/// A row that is well-formed.
struct Candidate<R> {
    line: u64,
    record: StringRecord,
    row: R,
}

impl<R: Row, O: Observer> Import<'_, R, O> {
    async fn read(&mut self, reader: &mut Reader<impl Read>) -> Result<(), ImportError> {
        let mut record = StringRecord::new();
        while reader.read_record(&mut record)? {
            self.summary.read += 1;
            let line = record.position().map_or(0, csv::Position::line);
            let mut checks = Checks::default();
            let fields = Fields { header: &self.header, record: &record, format: self.options.format };
            let row = R::read(&fields, &mut checks);
            match checks.pass(|| row) {
                Ok(row) => self.batch.push(Candidate { line, record: record.clone(), row }),
                Err(erros) => {
                    let said = |erro: &crate::writes::Erro| {
                        let campo = erro.campo.as_ref().map(|campo| campo.join(".")).unwrap_or_default();
                        format!("{campo}: {}", erro.mensagem)
                    };
                    let why: Vec<String> = erros.iter().map(said).collect();
                    self.reject(line, &record, &why.join("; "))?;
                }
            }
            if self.batch.len() == BATCH {
                self.flush().await?;
                self.observer.reached(reader.position().byte());
            }
        }
        self.flush().await
    }

    fn reject(&mut self, line: u64, record: &StringRecord, why: &str) -> Result<(), ImportError> {
        self.summary.rejected += 1;
        self.observer.rejected(line, record, why).map_err(ImportError::Rejects)
    }

    fn stopped(&self, source: StoreError) -> ImportError {
        ImportError::Store { source, summary: self.summary }
    }

    /// Imports what has gathered.
    async fn flush(&mut self) -> Result<(), ImportError> {
        let gathered = std::mem::take(&mut self.batch);
        let batch = self.once_each(gathered)?;
        let rows: Vec<&R> = batch.iter().map(|candidate| &candidate.row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let known = R::known(self.databases, &rows).await.map_err(|error| self.stopped(error))?;
        let new: Vec<&R> = rows.iter().copied().filter(|row| !known.contains_key(&row.number())).collect();
        let refused = R::refused(self.databases, &new).await.map_err(|error| self.stopped(error))?;
        let mut fitting = Vec::new();
        for candidate in batch {
            let number = candidate.row.number();
            match (known.get(&number), refused.get(&number)) {
                (Some(true), _) => self.summary.known += 1,
                (Some(false), _) => {
                    self.reject(candidate.line, &candidate.record, "id: another row has this id")?;
                }
                (None, Some(why)) => self.reject(candidate.line, &candidate.record, why)?,
                (None, None) => fitting.push(candidate),
            }
        }
        if self.options.dry_run {
            self.summary.inserted += fitting.len() as u64;
            return Ok(());
        }
        self.insert(fitting).await
    }

    /// A number that comes twice in a batch is rejected the second time.
    fn once_each(&mut self, batch: Vec<Candidate<R>>) -> Result<Vec<Candidate<R>>, ImportError> {
        let mut seen = HashSet::new();
        let mut once = Vec::with_capacity(batch.len());
        for candidate in batch {
            if seen.insert(candidate.row.number()) {
                once.push(candidate);
            } else {
                self.reject(candidate.line, &candidate.record, "id: the file has this id twice")?;
            }
        }
        Ok(once)
    }

    /// In pieces whose sizes are powers of two; a piece that meets a value that
    /// must be unique goes row by row.
    async fn insert(&mut self, mut candidates: Vec<Candidate<R>>) -> Result<(), ImportError> {
        while !candidates.is_empty() {
            let size = 1 << candidates.len().ilog2();
            let rest = candidates.split_off(size);
            let (places, rows): (Vec<_>, Vec<R>) = candidates
                .into_iter()
                .map(|candidate| ((candidate.line, candidate.record), candidate.row))
                .unzip();
            match self.write(&rows).await? {
                None => self.summary.inserted += rows.len() as u64,
                Some(_) => {
                    for ((line, record), row) in places.into_iter().zip(&rows) {
                        match self.write(std::slice::from_ref(row)).await? {
                            None => self.summary.inserted += 1,
                            Some(why) => self.reject(line, &record, &why)?,
                        }
                    }
                }
            }
            candidates = rest;
        }
        Ok(())
    }

    /// Inserts rows in one transaction, or none of them; then why one of them
    /// cannot be.
    async fn write(&self, rows: &[R]) -> Result<Option<String>, ImportError> {
        let outcome = self.databases[R::STORE].transaction(&Insert(rows), &Arc::default()).await;
        outcome.map_err(|error| self.stopped(error))
    }
}

struct Insert<'a, R>(&'a [R]);

impl<R: Row> Work for Insert<'_, R> {
    type Output = Option<String>;

    fn name(&self) -> &'static str {
        "import.insere"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<Self::Output>, StoreError> {
        for (guarded, column) in [(Guarded::Cliente, "id_cliente"), (Guarded::Produto, "id_produto")] {
            let references = self.0.iter().flat_map(R::references).filter(|reference| reference.0 == guarded);
            let ids: BTreeSet<u64> = references.map(|reference| reference.1).collect();
            if !ids.is_empty() && !guarded.share_many(tx, &Vec::from_iter(ids)).await?.is_empty() {
                return Ok(End::Rollback(Some(format!("{column}: has been removed"))));
            }
        }
        let inserted = R::insert(tx.mysql(), self.0).await;
        match inserted.map_err(|error| StoreError::statement(R::STORE, &error)) {
            Ok(()) => Ok(End::Commit(None)),
            Err(error) if error.fault == Fault::Duplicate => {
                let column = unique_column(&error.detail);
                Ok(End::Rollback(Some(format!("{column}: another row has this value"))))
            }
            Err(error) => Err(error),
        }
    }
}

/// The column that a unique key of a store is about.
fn unique_column(key: &str) -> &str {
    match key {
        "cadastro_email_chave" => "email",
        "cadastro_cpf" => "cpf",
        "inventario_chave_idempotencia" => "chave_idempotencia",
        "PRIMARY" => "id",
        other => other,
    }
}
