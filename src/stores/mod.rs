//! The four stores.
//!
//! Each owns its database, all SQL about it, its loaders, its root fields, and
//! what it adds to types that others own. A store never imports a sibling: it
//! refers to another's entity by key, through [`Graph`](crate::stores::references::Graph).
//!
//! Every store has the same files:
//!
//! | file | subject |
//! | --- | --- |
//! | `mod.rs` | what the store owns and adds, and its handle |
//! | `table.rs` | the table's row and every statement about it |
//! | `loaders.rs` | keys found in batches |
//! | `types.rs` | the GraphQL types and parts of types |
//! | `query.rs` | the root fields |
//!
//! A nested field that waits for a store returns
//! [`StoreField`](crate::executor::StoreField), so that the scalars beside it stay cheap.
//!
//! To add a fifth: a variant of [`Store`], a folder here and
//! one under `migrations/`, its parts in `schema/merged.rs` and
//! `schema/subgraphs.rs`, a section in `config/`. The compiler names the rest.

pub mod catalogo;
pub mod clientes;
pub mod enderecos;
mod exported;
pub mod inventario;
mod listing;
mod range;
pub mod references;

use sqlx::mysql::MySqlConnectOptions;

use crate::db::Store;
use crate::db::migrations::{self, MigrationError, Step};

/// Brings a store's tables, and the rows in them, into the form that this program reads.
///
/// # Errors
/// [`MigrationError`].
pub async fn migrate(store: Store, options: &MySqlConnectOptions) -> Result<usize, MigrationError> {
    let steps: &[Step] = match store {
        Store::Clientes => clientes::STEPS,
        Store::Enderecos => enderecos::STEPS,
        Store::Catalogo => catalogo::STEPS,
        Store::Inventario => &[],
    };
    migrations::migrate(store, options, steps).await
}
