//! The words that every store speaks in the graph.
//!
//! What lives here: global ids, scalars, cursors and pages, errors, what a
//! request carries, and the trait ([`Graph`]) that says what a reference to
//! another store's type becomes in each way of serving. What does not: anything
//! that knows a table (`stores/`) or that puts the stores together (`graph/`).

mod apart;
mod connection;
mod context;
mod cursor;
mod error;
mod id;
mod mode;
mod page;
mod requester;
pub mod scalars;
mod walk;

pub use apart::Apart;
pub use connection::{Connection, Edge, Total};
pub use context::{ContextExt, RequestContext};
pub use cursor::{Cursor, KeyKind, SortKey};
pub use error::{GraphError, GraphResult, code, code_of};
pub use id::{AnyId, ClienteId, CompraId, EnderecoId, GlobalId, ProdutoId};
pub use mode::{ChaveCliente, ChaveProduto, ClienteEntity, Graph, Oferta, Offers, ProdutoEntity};
pub use page::{Direction, Page, PageArgs, Slice};
pub use requester::{Papel, Requester};
pub use walk::{List, Many, One};
