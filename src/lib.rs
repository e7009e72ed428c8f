//! Quarteto: one GraphQL API over four independent MySQL stores.

pub mod auth;
pub mod batching;
pub mod cli;
pub mod config;
pub mod consistency;
pub mod db;
mod failpoint;
pub mod graph;
pub mod http;
pub mod import;
pub mod insight;
pub mod kernel;
pub mod local;
pub mod mark;
pub mod seed;
pub mod stores;
pub mod writes;
