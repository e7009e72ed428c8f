//! What is served, as a value: the four stores put together ([`merged`]), one of them
//! as a subgraph ([`subgraphs`]), or the store-less [`nos`]. Whoever checks and runs
//! operations knows a [`Served`] and not its Rust type.
//!
//! What does not live here: a field of a store's own, which lives in that store's
//! `types.rs` or `query.rs`; what happens to an operation (`operation/`).
//!
//! To add a part to `Cliente` or `Produto`: write it in the store that owns its
//! data and name it in the merged object here and in that store's subgraph.

pub mod merged;
pub mod nos;
mod served;
pub mod subgraphs;

use async_graphql::{EmptyMutation, EmptySubscription, ObjectType, SDLExportOptions, Schema, SchemaBuilder};

pub use served::{SchemaError, Served};

use crate::db::Store;
use crate::executor::Counted;

/// A subgraph's schema before it is finished; subgraphs only read.
type Builder<Q> = SchemaBuilder<Q, EmptyMutation, EmptySubscription>;

/// A subgraph's schema.
fn builder<Q: ObjectType + 'static>(query: Q) -> Builder<Q> {
    prepared(Schema::build(query, EmptyMutation, EmptySubscription))
}

/// What every schema has in common: what comes here was checked, so the executor's own
/// limits would only be second, and others.
fn prepared<Q: ObjectType + 'static, M: ObjectType + 'static>(
    builder: SchemaBuilder<Q, M, EmptySubscription>,
) -> SchemaBuilder<Q, M, EmptySubscription> {
    builder.limit_recursive_depth(usize::MAX).extension(Counted)
}

/// The SDL of the merged schema, as `schema.graphql` keeps it.
#[must_use]
pub fn merged_sdl() -> String {
    sdl_of(&merged::build().finish())
}

/// The SDL of a schema, as it is served: what its introspection says.
fn sdl_of<Q: ObjectType + 'static, M: ObjectType + 'static>(
    schema: &Schema<Q, M, EmptySubscription>,
) -> String {
    tidy(&schema.sdl_with_options(SDLExportOptions::new().include_specified_by()))
}

/// The SDL of one store's subgraph, with its federation directives.
#[must_use]
pub fn subgraph_sdl(store: Store) -> String {
    let options = || SDLExportOptions::new().federation().compose_directive().include_specified_by();
    let sdl = match store {
        Store::Clientes => subgraphs::clientes().finish().sdl_with_options(options()),
        Store::Enderecos => subgraphs::enderecos().finish().sdl_with_options(options()),
        Store::Catalogo => subgraphs::catalogo().finish().sdl_with_options(options()),
        Store::Inventario => subgraphs::inventario().finish().sdl_with_options(options()),
    };
    tidy(&sdl)
}

/// The SDL of the store-less subgraph `nos`.
#[must_use]
pub fn nos_sdl() -> String {
    let options = SDLExportOptions::new().federation().compose_directive().include_specified_by();
    tidy(&nos::build().finish().sdl_with_options(options))
}

/// The merged schema, and one of a subgraph, without stores to ask.
#[cfg(test)]
pub(crate) mod samples {
    use super::{Served, merged, subgraphs};

    pub(crate) fn merged() -> Served {
        Served::new(merged::build).expect("a valid schema")
    }

    pub(crate) fn enderecos() -> Served {
        Served::new(subgraphs::enderecos).expect("a valid schema")
    }
}

/// One line feed at the end and none trailing, so that files compare well.
fn tidy(sdl: &str) -> String {
    let lines: Vec<&str> = sdl.trim().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}
