//! `quarteto export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::OpenStores;
use crate::config::Config;
use crate::db::{Db, PerStore, Store};
use crate::import::export;

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
}

impl Export {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let name = self.file.display().to_string();
        // First what fails fast.
        let output: Box<dyn Write + Send> = if self.file == Path::new("-") {
            Box::new(io::stdout())
        } else {
            Box::new(File::create_new(&self.file).with_context(|| name.clone())?)
        };
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let rows =
            export(self.store, &databases[self.store], BufWriter::new(output)).await.with_context(|| name)?;
        eprintln!("{rows} rows of {}", self.store);
        Ok(ExitCode::SUCCESS)
    }
}
