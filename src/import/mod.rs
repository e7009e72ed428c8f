//! Rows of the four old databases, from CSV files into the stores.
//!
//! What lives here: what a column is called ([`header`]), what a row of each store
//! is made of ([`rows`]), and the walk through a file, a batch at a time
//! (`run.rs`). What does not: what a value must be, which is
//! [`writes::rules`](crate::writes::rules), and SQL, which is each store's.
//!
//! A row keeps the id that it had, since the tables refer to each other by id; so
//! a file may be imported again, and a run that was interrupted is simply run
//! again: what is there already is left alone.
//!
//! To add a column: a line in the store's `COLUMNS` and in its `read`.

pub mod header;
mod rows;
mod run;

pub use rows::{Format, columns};
pub use run::{ImportError, Observer, Options, Summary, run};
