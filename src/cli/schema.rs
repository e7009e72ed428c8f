//! `quarteto schema`.

use std::process::ExitCode;

use clap::Args;

use crate::db::Store;
use crate::schema;

/// Print the GraphQL schema (SDL).
#[derive(Args)]
pub(super) struct Schema {
    /// The subgraph of one store (clientes, enderecos, catalogo, inventario), or
    /// of the store-less `nos`, instead of the merged schema.
    #[arg(long, value_name = "STORE", value_parser = subgraph)]
    store: Option<Subgraph>,
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
    pub(super) fn run(&self) -> ExitCode {
        let sdl = match self.store {
            None => schema::merged_sdl(),
            Some(Subgraph::Of(store)) => schema::subgraph_sdl(store),
            Some(Subgraph::Nos) => schema::nos_sdl(),
        };
        super::print(&sdl)
    }
}
