//! An import without a store: what would become of rows, where there are no tables yet
//! that could say so. It follows the rules of the run: the first of two rows that must
//! differ counts, and what a row refers to must have been taken before it.

use std::collections::{HashMap, HashSet};

use super::header::Header;
use super::rows::{Fields, Row};
use super::run::{Observer, Options, told};
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
            match formed::<R>(&header, &origin, options).and_then(|row| seen.take(&row, self).map(|()| row)) {
                Ok(row) => {
                    summary.inserted += 1;
                    if R::STORE == Store::Clientes {
                        self.clientes.insert(row.number());
                    }
                    if let Some(price) = row.price() {
                        self.produtos.insert(row.number(), price.to_string());
                    }
                }
                Err(why) => {
                    summary.rejected += 1;
                    observer.rejected(origin.place, &origin.raw, &why).map_err(ImportError::Rejects)?;
                }
            }
            observer.reached(source.reached());
        }
        Ok(summary)
    }
}

/// The row that the values are, or everything that is wrong with them.
pub(super) fn formed<R: Row>(header: &Header, origin: &source::Row, options: &Options) -> Result<R, String> {
    let values = origin.values.as_ref().map_err(String::clone)?;
    if let Some(unread) = header.unread(values) {
        return Err(format!("`{unread}` stands in a column without a name"));
    }
    let mut checks = Checks::default();
    let fields = Fields { header, values, format: options.format };
    let row = R::read(&fields, &mut checks);
    checks.pass(|| row).map_err(|erros| erros.iter().map(told).collect::<Vec<_>>().join("; "))
}

/// What the rows of one store have taken.
#[derive(Default)]
struct Seen {
    numbers: HashSet<u64>,
    /// Digests of unique values, by column.
    unique: HashSet<[u8; 16]>,
    addresses: HashMap<u64, u64>,
}

impl Seen {
    fn take<R: Row>(&mut self, row: &R, taken: &Rehearsal) -> Result<(), String> {
        let missing: Vec<String> = row
            .references()
            .into_iter()
            .filter_map(|(guarded, number)| match guarded {
                Guarded::Cliente if !taken.clientes.contains(&number) => {
                    Some(format!("id_cliente: cliente_{number} does not exist"))
                }
                Guarded::Produto if !taken.produtos.contains_key(&number) => {
                    Some(format!("id_produto: produto_{number} does not exist"))
                }
                _ => None,
            })
            .collect();
        if self.numbers.contains(&row.number()) {
            return Err("id: the file has this id twice".to_owned());
        }
        if !missing.is_empty() {
            return Err(missing.join("; "));
        }
        let values: Vec<(&str, [u8; 16])> =
            row.unique().into_iter().map(|(column, value)| (column, digest(column, &value))).collect();
        if let Some((column, _)) = values.iter().find(|(_, value)| self.unique.contains(value)) {
            return Err(format!("{column}: another row has this value"));
        }
        if R::STORE == Store::Enderecos
            && let Some((_, cliente)) = row.references().first()
        {
            let count = self.addresses.entry(*cliente).or_default();
            if *count >= MOST_ADDRESSES {
                return Err(format!("id_cliente: cliente_{cliente} has {MOST_ADDRESSES} addresses already"));
            }
            *count += 1;
        }
        self.unique.extend(values.into_iter().map(|(_, value)| value));
        self.numbers.insert(row.number());
        Ok(())
    }
}

fn digest(column: &str, value: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(format!("{column}={value}").as_bytes()).as_bytes()[..16]);
    digest
}
