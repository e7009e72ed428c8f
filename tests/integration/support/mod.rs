//! The harness: a database server for the whole run ([`server`]), a shop with
//! known rows ([`shop`]), one with the demo data ([`demo`]), the application over
//! them ([`app`]), also as five subgraphs ([`split`]), a proxy that breaks connections and counts
//! statements ([`proxy`]), two servers of which one follows the other ([`pair`]), routers before
//! the five ([`routers`]), and a browser ([`visit`]).

pub mod app;
pub mod demo;
pub mod pair;
pub mod proxy;
pub mod routers;
pub mod server;
pub mod shop;
pub mod split;
pub mod visit;

pub use app::{Shape, TestApp};
pub use proxy::{Loss, Proxy};
pub use serde_json::{Value, json};
pub use visit::Visit;

/// Tests that hold in both shapes of the graph: each is an `async fn` of the shape.
macro_rules! in_both_shapes {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::support::Shape;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn merged() {
                Box::pin(super::$name(Shape::Merged)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn split() {
                Box::pin(super::$name(Shape::Split)).await;
            }
        }
    )+};
}
pub(crate) use in_both_shapes;
