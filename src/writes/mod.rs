//! How a write is made.
//!
//! What lives here: what a person can mend ([`Erro`]), the rules that inputs are
//! checked by ([`rules`], [`Checks`]), the record that makes a write repeatable
//! ([`record`]), the notes that stores keep about rows that live elsewhere
//! ([`guard`]) and the list of what is still to be done there ([`outbox`]). What
//! does not: what a mutation does to a table, which lives in that store's
//! `mutation.rs` and `table.rs`, and the work across stores, in
//! [`removal`](crate::removal).
//!
//! A mutation is a struct of checked values that implements [`Write`]; its
//! resolver hands it to [`run()`]. To add one: its input and its `Write` in the
//! store's `mutation.rs`, its statement in `table.rs`.

mod checks;
mod erro;
pub mod guard;
mod lenient;
pub mod outbox;
mod payload;
pub mod record;
pub mod rules;
mod run;

pub use checks::{Change, Checks};
pub use erro::{CodigoErro, Erro};
pub use lenient::Lenient;
pub(crate) use payload::{payload, removal_payload};
pub use run::{Done, Outcome, Write, run};
