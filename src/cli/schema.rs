//! `quarteto schema`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::acessos::Window;
use super::schema_check;
use crate::config::Config;
use crate::db::Store;
use crate::schema;

/// Print the GraphQL schema (SDL).
#[derive(Args)]
pub(super) struct Schema {
    /// The subgraph of one store (clientes, enderecos, catalogo, inventario), or
    /// of the store-less `nos`, instead of the merged schema.
    #[arg(long, value_name = "STORE", value_parser = subgraph)]
    store: Option<Subgraph>,
    /// Instead: tell which operations that were asked lately this schema would break, by
    /// program; exit with 3 when there are any.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    check: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
}

#[derive(Clone, Copy)]
enum Subgraph {
    Of(Store),
    Nos,
}

fn subgraph(text: &str) -> Result<Subgraph, String> {
    if text == "nos" {
        return Ok(Subgraph::Nos);
    }
    text.parse().map(Subgraph::Of)
}

impl Schema {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        if let Some(file) = &self.check {
            return schema_check::run(file, &self.window, config).await;
        }
        let sdl = match self.store {
            None => schema::merged_sdl(),
            Some(Subgraph::Of(store)) => schema::subgraph_sdl(store),
            Some(Subgraph::Nos) => schema::nos_sdl(),
        };
        Ok(super::print(&sdl))
    }
}
