//! The harness: a database server for the whole run ([`server`]), a shop with
//! known rows ([`shop`]), one with the demo data ([`demo`]), the application over
//! them ([`app`]), and a proxy that breaks connections and counts statements
//! ([`proxy`]), two servers of which one follows the other ([`pair`]), and a browser ([`visit`]).

pub mod app;
pub mod demo;
pub mod pair;
pub mod proxy;
pub mod server;
pub mod shop;
pub mod visit;

pub use app::TestApp;
pub use proxy::{Loss, Proxy};
pub use serde_json::{Value, json};
pub use visit::Visit;
