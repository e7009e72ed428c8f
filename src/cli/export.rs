//! `quarteto export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::OpenStores;
use crate::config::Config;
use crate::db::{Db, PerStore, Store};
use crate::import::{Reader, export};

/// Write the rows of a store to a CSV file that `quarteto import` reads.
///
/// In the order of their ids, in UTF-8, with a header. A file that is there already is
/// left alone.
#[derive(Args)]
pub(super) struct Export {
    /// Which store: clientes, enderecos, catalogo or inventario.
    store: Store,
    /// The file; `-` for standard output.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// For a spreadsheet: with semicolons, prices 1234,50, and in ="…" what it would change
    /// or run; `quarteto import --decimal-comma` reads it.
    #[arg(long)]
    spreadsheet: bool,
}

impl Export {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let name = self.file.display().to_string();
        // First what fails fast.
        let output: Box<dyn Write + Send> = if self.file == Path::new("-") {
            Box::new(io::stdout())
        } else {
            match File::create_new(&self.file) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    bail!("{name}: is there already; name a new file")
                }
                made => Box::new(made.with_context(|| name.clone())?),
            }
        };
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let reader = if self.spreadsheet { Reader::Spreadsheet } else { Reader::Program };
        let rows = export(self.store, &databases[self.store], reader, BufWriter::new(output))
            .await
            .with_context(|| name)?;
        eprintln!("{rows} rows of {}", self.store);
        Ok(ExitCode::SUCCESS)
    }
}
