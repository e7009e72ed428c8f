//! Quarteto: one GraphQL API over four independent MySQL stores.

pub mod adopt;
pub mod auth;
pub mod batching;
pub mod cli;
pub mod config;
pub mod db;
pub mod executor;
mod failpoint;
pub mod http;
pub mod import;
pub mod insight;
pub mod kernel;
pub mod local;
pub mod mark;
pub mod operation;
pub mod peers;
pub mod relay;
pub mod reload;
pub mod removal;
pub mod schema;
pub mod seed;
pub mod stores;
pub mod text;
pub mod titular;
pub mod writes;
