//! What is served, as a value: the four stores put together ([`merged`]), one of them
//! as a subgraph ([`subgraphs`]), or the store-less [`nos`]. Whoever checks and runs
//! operations knows a [`Served`] and not its Rust type.
//!
//! What does not live here: a field of a store's own, which lives in that store's
//! `types.rs` or `query.rs`; what happens to an operation (`operation/`).
//!
//! To add a part to `Cliente` or `Produto`: write it in the store that owns its
//! data and name it in the merged object here and in that store's subgraph.

use std::sync::Arc;

pub mod merged;
pub mod nos;
mod served;
pub mod subgraphs;

use async_graphql::{EmptySubscription, ObjectType, SDLExportOptions, Schema, SchemaBuilder};

pub use served::{SchemaError, Served};

use crate::config::Subgraph;
use crate::db::{PerStore, Present, Store};
use crate::executor::Counted;
use crate::peers::Remote;
use crate::removal::Removals;
use crate::stores::acessos::Acessos;

/// The merged schema, or a subgraph, over the stores that are here.
///
/// # Errors
/// [`SchemaError`]: a bug of ours, as when a store that is needed is not here.
pub fn serve(
    subgraph: Subgraph,
    here: &Present,
    siblings: &PerStore<Option<Remote>>,
    (removals, acessos): (&Arc<Removals>, &Acessos),
) -> Result<Served, SchemaError> {
    if subgraph == Subgraph::None {
        let all = here.all().ok_or_else(|| SchemaError("a store is missing".to_owned()))?;
        return merged::serve(&all, removals, acessos);
    }
    let db = subgraph.store().and_then(|store| here.get(store).cloned());
    subgraphs::serve(subgraph, &subgraphs::Parts { db, siblings, removals, acessos })
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
    merged::sdl()
}

/// Likewise, with the directives of the federation, for a larger graph.
#[must_use]
pub fn merged_sdl_to_compose() -> String {
    merged::sdl_to_compose()
}

/// The SDL of one store's subgraph, with its federation directives.
#[must_use]
pub fn subgraph_sdl(store: Store) -> String {
    subgraphs::sdl(store)
}

/// The SDL of the store-less subgraph `nos`.
#[must_use]
pub fn nos_sdl() -> String {
    nos::sdl()
}

/// The SDL of a schema, as it is served: what its introspection says.
fn sdl_of<Q: ObjectType + 'static, M: ObjectType + 'static>(
    schema: &Schema<Q, M, EmptySubscription>,
) -> String {
    tidy(&schema.sdl_with_options(SDLExportOptions::new().include_specified_by()))
}

/// The SDL of a schema with keys, as a router composes it.
fn composed_sdl<Q: ObjectType + 'static, M: ObjectType + 'static>(
    schema: &Schema<Q, M, EmptySubscription>,
) -> String {
    let options = SDLExportOptions::new().federation().compose_directive().include_specified_by();
    tidy(&schema.sdl_with_options(options))
}

/// One line feed at the end and none trailing, so that files compare well.
fn tidy(sdl: &str) -> String {
    let lines: Vec<&str> = sdl.trim().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}

/// The merged schema, and one of a subgraph, without stores to ask.
#[cfg(test)]
pub(crate) mod samples {
    use super::{Served, merged, subgraphs};

    pub(crate) fn merged() -> Served {
        Served::new(merged::sdl(), merged::executed).expect("a valid schema")
    }

    pub(crate) fn enderecos() -> Served {
        subgraphs::sample()
    }
}
