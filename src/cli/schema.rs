//! `quarteto schema`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::acessos::Window;
use super::schema_check;
use crate::config::{Config, Subgraph};
use crate::schema;

/// Print the GraphQL schema (SDL).
#[derive(Args)]
pub(super) struct Schema {
    /// The subgraph of one store (clientes, enderecos, catalogo, inventario), or
    /// of the store-less `nos`, instead of the merged schema.
    #[arg(long, value_name = "STORE")]
    store: Option<Subgraph>,
    /// Of the merged schema: with the directives of Apollo Federation, to be one subgraph of a
    /// larger graph.
    #[arg(long, conflicts_with_all = ["store", "check"])]
    federation: bool,
    /// Instead: tell which operations that were asked lately this schema would break, by
    /// program; exit with 3 when there are any.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    check: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
}

impl Schema {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        if let Some(file) = &self.check {
            return schema_check::run(file, &self.window, config).await;
        }
        let subgraph = self.store.unwrap_or_default();
        let sdl = match (subgraph, subgraph.store()) {
            (_, Some(store)) => schema::subgraph_sdl(store),
            (Subgraph::Nos, None) => schema::nos_sdl(),
            _ if self.federation => schema::merged_sdl_to_compose(),
            _ => schema::merged_sdl(),
        };
        Ok(super::print(&sdl))
    }
}
