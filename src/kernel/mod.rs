//! The words that every store speaks in the graph.
//!
//! What lives here: scalars, errors, who asks, what a request carries, what an
//! answer may hold ([`Budget`]), how it is written ([`Json`]) and how a field says its size ([`sizes`]). What does
//! not: ids and pages (`relay/`), how answers are made (`executor/`), anything that
//! knows a table (`stores/`) or that puts the stores together (`schema/`).
//!
//! To add a word: a file here, when more than one store says it.

mod budget;
mod context;
mod error;
mod json;
mod requester;
pub mod scalars;
pub mod sizes;
pub mod telefone;

pub use budget::{Amount, AnswerLimits, Budget};
pub use context::{ContextExt, RequestContext};
pub use error::{GraphError, GraphResult, code, code_of, unreadable};
pub use json::{Json, Written};
pub use requester::{Papel, Requester};
