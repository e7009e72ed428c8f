//! How answers are made: the only room that touches hidden parts of async-graphql.
//!
//! Objects that can be many are walked ([`Walked`], [`WalkedList`]) instead of executed field
//! by field, and written as JSON at once; fields that wait for nothing are written by their
//! types ([`Ready`]); those that lead on to other objects are resolved for all at once
//! ([`Lead`]); any other that waits for a store has a future of its own ([`StoreField`]).
//! What a router of a federation asks for is such a list, too ([`Federated`]).
//! What is walked counts what it makes; what is left to the executor is counted by
//! an extension ([`Counted`]). Neither validates: what comes here was checked
//! (`operation/`).
//!
//! What does not live here: any type of the graph, any SQL. `tests/integration/walks.rs`
//! asks everything both ways and compares.

mod counted;
mod entities;
mod lead;
mod plan;
mod ready;
mod selection;
mod store_field;
mod walk;

pub use counted::Counted;
pub use entities::{Described, Entities, Entity, Federated, Keyed, ServiceSdl};
pub use lead::{Lead, Leading};
pub use ready::Ready;
pub(crate) use ready::{parts, ready};
pub use selection::{Reads, Selection};
pub use store_field::StoreField;
pub use walk::{List, Walked, WalkedList};
