//! The graph: what belongs to no store.
//!
//! What lives here: the four stores put together ([`merged`], [`subgraphs`],
//! [`nos`]), and what happens to a document before it is executed
//! ([`documents`], [`validity`], [`cost`], [`trusted`]). What does not: a field of
//! a store's own, which lives in that store's `types.rs` or `query.rs`.
//!
//! To add a part to `Cliente` or `Produto`: write it in the store that owns its
//! data and name it in the merged object here and in that store's subgraph.

mod canonical;
pub mod cost;
pub mod documents;
pub mod merged;
pub mod nos;
pub mod subgraphs;
pub mod trusted;
mod validity;

use async_graphql::{EmptyMutation, EmptySubscription, ObjectType, SDLExportOptions, Schema, SchemaBuilder};

use crate::db::Store;

/// A subgraph's schema before it is finished; subgraphs only read.
type Builder<Q> = SchemaBuilder<Q, EmptyMutation, EmptySubscription>;

/// Directives on one field; none of ours repeats.
const MOST_DIRECTIVES: usize = 16;

/// A subgraph's schema.
fn builder<Q: ObjectType + 'static>(query: Q) -> Builder<Q> {
    prepared(Schema::build(query, EmptyMutation, EmptySubscription))
}

/// What every schema has in common.
fn prepared<Q: ObjectType + 'static, M: ObjectType + 'static>(
    builder: SchemaBuilder<Q, M, EmptySubscription>,
) -> SchemaBuilder<Q, M, EmptySubscription> {
    builder.limit_directives(MOST_DIRECTIVES)
}

/// The SDL of the merged schema, as `schema.graphql` keeps it.
#[must_use]
pub fn merged_sdl() -> String {
    tidy(&merged::build().finish().sdl())
}

/// The SDL of one store's subgraph, with its federation directives.
#[must_use]
pub fn subgraph_sdl(store: Store) -> String {
    let options = || SDLExportOptions::new().federation().compose_directive();
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
    let options = SDLExportOptions::new().federation().compose_directive();
    tidy(&nos::build().finish().sdl_with_options(options))
}

/// One line feed at the end and none trailing, so that files compare well.
fn tidy(sdl: &str) -> String {
    let lines: Vec<&str> = sdl.trim().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}
