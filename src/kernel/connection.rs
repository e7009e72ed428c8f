//! Relay connections: edges, nodes, page info, and a total that costs a
//! statement only when it is selected.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Object, ObjectType, OutputType};
use futures_util::future::BoxFuture;

use super::context::ContextExt as _;
use super::cursor::Cursor;
use super::error::{GraphError, GraphResult};
use super::page::Slice;
use crate::batching::Scope;
use crate::db::StoreError;

/// A connection whose nodes are `N` and whose edges carry `E` besides.
pub type ConnectionOf<N, E = EmptyFields> = Connection<Cursor, N, Total, E>;

/// An edge of such a connection.
pub type EdgeOf<N, E = EmptyFields> = Edge<Cursor, N, E>;

type Count = dyn Fn(Arc<Scope>) -> BoxFuture<'static, Result<u64, StoreError>> + Send + Sync;

/// How to count a connection's rows.
pub struct Total(Box<Count>);

impl Total {
    /// Counts by `count` when somebody selects `total`.
    pub fn new<F>(count: impl Fn(Arc<Scope>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        Self(Box::new(move |scope| Box::pin(count(scope))))
    }
}

#[Object]
impl Total {
    /// How many rows there are in all, on every page. Counted only when
    /// selected; null, with an error, when the store could not count in time.
    #[graphql(shareable)]
    async fn total(&self, ctx: &Context<'_>) -> Option<GraphResult<i32>> {
        let counted = (self.0)(Arc::clone(ctx.scope())).await;
        Some(counted.map_err(GraphError::from).and_then(|rows| {
            i32::try_from(rows).map_err(|_| GraphError::bad_input("There are more rows than an Int can hold."))
        }))
    }
}

/// A connection of the rows of `slice`, each made an edge by `edge`.
pub fn page_of<R, N, E>(slice: Slice<R>, total: Total, edge: impl Fn(R) -> EdgeOf<N, E>) -> ConnectionOf<N, E>
where
    N: OutputType,
    E: ObjectType,
{
    let mut connection = Connection::with_additional_fields(slice.has_previous, slice.has_next, total);
    connection.edges = slice.rows.into_iter().map(edge).collect();
    connection
}
