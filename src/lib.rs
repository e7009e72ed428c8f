//! Quarteto: one GraphQL API over four independent MySQL stores.

pub mod batching;
pub mod db;
pub mod graph;
pub mod kernel;
pub mod stores;
