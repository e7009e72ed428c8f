//! The four stores, and `acessos`, in which the program notes who asks what of them.
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

pub mod acessos;
pub mod catalogo;
pub mod clientes;
pub mod enderecos;
mod exported;
pub mod inventario;
mod listing;
mod range;
pub mod references;

use sqlx::mysql::MySqlConnectOptions;

use crate::db::migrations::{self, MigrationError, Step};
use crate::db::{AnyStore, Store};

/// Brings a store's tables, and the rows in them, into the form that this program reads.
///
/// # Errors
/// [`MigrationError`].
pub async fn migrate(
    store: impl Into<AnyStore>,
    options: &MySqlConnectOptions,
) -> Result<usize, MigrationError> {
    let store = store.into();
    let steps: &[Step] = match store {
        AnyStore::One(Store::Clientes) => clientes::STEPS,
        AnyStore::One(Store::Enderecos) => enderecos::STEPS,
        AnyStore::One(Store::Catalogo) => catalogo::STEPS,
        AnyStore::One(Store::Inventario) | AnyStore::Acessos => &[],
    };
    migrations::migrate(store, options, steps).await
}
