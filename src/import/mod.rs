//! Rows of the four old databases, from CSV files or their tables into the stores.
//!
//! What lives here: where rows come from ([`Source`]: `file.rs`, `table.rs`), what a
//! column is called ([`header`]), how values are written (`values.rs`), what a row of
//! each store is made of ([`rows`]), and the walk through a source, a batch at a time
//! (`run.rs`). What does not: what a value must be, which is
//! [`writes::rules`](crate::writes::rules), and SQL, which is each store's.
//!
//! A row keeps the id that it had, since the tables refer to each other by id; so
//! a file may be imported again, and a run that was interrupted is simply run
//! again: what is there already is left alone.
//!
//! To add a column: a line in the store's `COLUMNS` and in its `read`.

mod export;
mod file;
pub mod header;
mod records;
mod rehearsal;
mod rows;
mod run;
mod source;
mod table;
mod values;

pub use export::{ExportError, Reader, export};
pub use file::{Asked, Escapes, File, Layout, LineEnd};
pub use rehearsal::Rehearsal;
pub use run::{ImportError, Observer, Options, Summary, columns, run};
pub use source::{Row, Source, Values};
pub use table::Table;
pub use values::{Format, Zone};
