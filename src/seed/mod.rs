//! Synthetic data: Brazilian clients, their addresses, products and purchases,
//! all made up.
//!
//! What lives here: what the rows say ([`people`], [`places`], [`goods`],
//! [`sales`]) and how they get into empty stores ([`run`]). What does not: SQL,
//! which each store's table file has.
//!
//! A row depends on the seed, its kind and its number alone, so that the same
//! [`Plan`] gives the same bytes on every run, the four stores can be filled at
//! the same time, and nothing is kept in memory but the rows on their way.

mod calendar;
mod dice;
mod goods;
mod people;
mod places;
mod sales;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection as _, MySqlTransaction};

use crate::db::{Connection, PerStore, Store, connect};
use crate::stores::{catalogo, clientes, enderecos, inventario};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many clients; each has one to three addresses.
    pub clientes: u64,
    /// How many products.
    pub produtos: u64,
    /// How many purchases.
    pub compras: u64,
    /// The same seed and numbers give the same data.
    pub seed: u64,
    /// How many of the purchases, at least, are those of the client with id 1.
    pub heavy: u64,
}

impl Default for Plan {
    /// The small set that a new install is offered.
    fn default() -> Self {
        Self {
            clientes: 200,
            produtos: 60,
            compras: 1_500,
            seed: 1,
            heavy: 0,
        }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Rows by store.
    pub rows: PerStore<u64>,
    /// How long it took.
    pub took: Duration,
}
