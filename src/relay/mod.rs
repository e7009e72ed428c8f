//! What Relay asks of a schema: global ids, cursors, pages and connections, and the
//! four arguments of a page.
//!
//! What does not live here: SQL. A store turns a [`Page`] into a statement.

mod connection;
mod cursor;
mod id;
mod page;
mod page_info;

pub use connection::{Connection, Edge, Total};
pub use cursor::{Cursor, KeyKind, SortKey};
pub use id::{AnyId, ClienteId, CompraId, EnderecoId, GlobalId, ProdutoId};
pub use page::{Direction, Page, PageArgs, Slice};
pub use page_info::PageInfo;
