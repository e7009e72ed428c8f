//! An import without a store: what would become of rows, where there are no tables yet
//! that could say so. It follows the rules of the run: the first of two rows that must
//! differ counts, and what a row refers to must have been taken before it.

use std::collections::{HashMap, HashSet};

use super::header::Header;
use super::rows::{Fields, Row, Ties, full, shown};
use super::run::{Observer, Options, REFERENCES, told};
use super::source::{self, Source};
use super::{ImportError, Summary};
use crate::db::Store;
use crate::stores::catalogo::NovoProduto;
use crate::stores::clientes::NovoCliente;
use crate::stores::enderecos::{MOST_ADDRESSES, NovoEndereco};
use crate::stores::inventario::NovaCompra;
use crate::writes::Checks;
use crate::writes::guard::Guarded;

/// What has been taken so far. A few bytes a row.
#[derive(Debug, Default)]
pub struct Rehearsal {
    clientes: HashSet<u64>,
    /// With their prices.
    produtos: HashMap<u64, String>,
}

impl Rehearsal {
    /// What every product costs, by its number.
    #[must_use]
    pub fn prices(&self) -> HashMap<u64, String> {
        self.produtos.clone()
    }

    /// What would become of the rows of `source` in `store`, after those that were
    /// rehearsed before.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn run(
        &mut self,
        store: Store,
        source: impl Source,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Summary, ImportError> {
        match store {
            Store::Clientes => self.walk::<NovoCliente>(source, options, observer).await,
            Store::Enderecos => self.walk::<NovoEndereco>(source, options, observer).await,
            Store::Catalogo => self.walk::<NovoProduto>(source, options, observer).await,
            Store::Inventario => self.walk::<NovaCompra>(source, options, observer).await,
        }
    }

    async fn walk<R: Row>(
        &mut self,
        mut source: impl Source,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Summary, ImportError> {
        let header =
            Header::read(source.names(), R::COLUMNS, &options.mapping).map_err(ImportError::Header)?;
        observer.header(source.names(), source.layout()).map_err(ImportError::Rejects)?;
        let mut seen = Seen::default();
        let mut summary = Summary::default();
        while let Some(origin) = source.next().await? {
            summary.read += 1;
            observer.reached(source.reached());
            let Formed { row, ties } = formed::<R>(&header, &origin, options);
            let against = seen.against::<R>(&ties, self);
            let why = match row {
                Ok(row) if against.is_empty() => {
                    self.take(&row, &mut seen);
                    summary.inserted += 1;
                    continue;
                }
                Ok(_) => against,
                Err(why) => why.into_iter().chain(against).collect(),
            };
            summary.rejected += 1;
            observer.rejected(origin.place, &origin.raw, &why).map_err(ImportError::Rejects)?;
        }
        Ok(summary)
    }

    fn take<R: Row>(&mut self, row: &R, seen: &mut Seen) {
        if R::STORE == Store::Clientes {
            self.clientes.insert(row.number());
        }
        if let Some(price) = row.price() {
            self.produtos.insert(row.number(), price.to_string());
        }
        seen.take(row);
    }
}

/// What the values of a row are.
pub(super) struct Formed<R> {
    /// The row, or everything that is wrong with the values.
    pub row: Result<R, Vec<String>>,
    pub ties: Ties,
}

/// Reads the values of a row.
pub(super) fn formed<R: Row>(header: &Header, origin: &source::Row, options: &Options) -> Formed<R> {
    let values = match &origin.values {
        Ok(values) => values,
        Err(why) => return Formed { row: Err(vec![why.clone()]), ties: Ties::default() },
    };
    let fields = Fields { header, values, format: options.format };
    let mut checks = Checks::default();
    let row = R::read(&fields, &mut checks);
    let row = checks.pass(|| row).map_err(|erros| erros.iter().map(told).collect::<Vec<_>>());
    let unread = header.unread(values).map(|text| format!("`{text}` está numa coluna sem nome"));
    match (row, unread) {
        (Ok(row), None) => Formed { ties: Ties::of(&row), row: Ok(row) },
        (Ok(_), Some(unread)) => Formed { row: Err(vec![unread]), ties: R::ties(&fields) },
        (Err(why), unread) => {
            Formed { row: Err(why.into_iter().chain(unread).collect()), ties: R::ties(&fields) }
        }
    }
}

/// What the rows of one store have taken.
#[derive(Default)]
struct Seen {
    numbers: HashSet<u64>,
    /// Owners of unique values, by the digests of these.
    unique: HashMap<[u8; 16], u64>,
    addresses: HashMap<u64, u64>,
}

impl Seen {
    /// All that speaks against a row with such ties.
    fn against<R: Row>(&self, ties: &Ties, taken: &Rehearsal) -> Vec<String> {
        if let Some(number) = ties.number.filter(|number| self.numbers.contains(number)) {
            return vec![format!("id: {}_{number} está duas vezes na tabela.", R::PREFIX)];
        }
        let mut why = Vec::new();
        for (guarded, number) in &ties.references {
            let is_there = match guarded {
                Guarded::Cliente => taken.clientes.contains(number),
                Guarded::Produto => taken.produtos.contains_key(number),
            };
            if !is_there && let Some((_, column)) = REFERENCES.iter().find(|(of, _)| of == guarded) {
                why.push(format!("{column}: {} não existe.", shown(*guarded, *number)));
            }
        }
        for (column, value) in &ties.unique {
            if let Some(owner) = self.unique.get(&digest(column, value)) {
                why.push(format!("{column}: já é de {}_{owner}.", R::PREFIX));
            }
        }
        if R::STORE == Store::Enderecos
            && let Some((_, cliente)) = ties.references.first()
            && self.addresses.get(cliente).is_some_and(|count| *count >= MOST_ADDRESSES)
        {
            why.push(full(*cliente));
        }
        why
    }

    fn take<R: Row>(&mut self, row: &R) {
        let number = row.number();
        self.numbers.insert(number);
        self.unique.extend(row.unique().into_iter().map(|(column, value)| (digest(column, &value), number)));
        if R::STORE == Store::Enderecos
            && let Some((_, cliente)) = row.references().first()
        {
            *self.addresses.entry(*cliente).or_default() += 1;
        }
    }
}

fn digest(column: &str, value: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(format!("{column}={value}").as_bytes()).as_bytes()[..16]);
    digest
}
