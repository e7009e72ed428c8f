//! Relay connections: edges, nodes, page info, and a total that costs a
//! statement only when it is selected.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::connection::CursorType as _;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, Object, TypeName};
use futures_util::future::BoxFuture;

use super::cursor::Cursor;
use super::page::Slice;
use super::page_info::PageInfo;
use crate::batching::Scope;
use crate::db::StoreError;
use crate::executor::{List, Ready, Walked, WalkedList, ready};
use crate::kernel::sizes::{COUNTED, cost};
use crate::kernel::{ContextExt as _, GraphError, GraphResult};

/// A page of nodes `N`.
pub struct Connection<N> {
    edges: Vec<Edge<N>>,
    has_previous: bool,
    has_next: bool,
    total: Total,
}

/// A node and its cursor.
pub struct Edge<N> {
    /// Where the node stands.
    pub cursor: Cursor,
    /// The node.
    pub node: N,
}

impl<N> Connection<N> {
    /// A connection of the rows of `slice`, each made an edge by `edge`.
    pub fn new<R>(slice: Slice<R>, total: Total, edge: impl Fn(R) -> Edge<N>) -> Self {
        Self {
            edges: slice.rows.into_iter().map(edge).collect(),
            has_previous: slice.has_previous,
            has_next: slice.has_next,
            total,
        }
    }
}

/// One page (Relay Cursor Connections).
#[Object(name_type, shareable)]
impl<N: ContainerType + Ready> Connection<N> {
    /// The rows of this page, each with its cursor.
    async fn edges(&self) -> WalkedList<&[Edge<N>]> {
        WalkedList(&self.edges)
    }

    /// The rows of this page, without cursors.
    async fn nodes(&self) -> WalkedList<Nodes<'_, N>> {
        WalkedList(Nodes(&self.edges))
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> Walked<PageInfo> {
        Walked(PageInfo {
            has_previous: self.has_previous,
            has_next: self.has_next,
            start: self.edges.first().map(|edge| edge.cursor.clone()),
            end: self.edges.last().map(|edge| edge.cursor.clone()),
        })
    }

    /// How many rows there are in all, on every page. Counted only when
    /// selected; null, with an error, when the store could not count in time.
    #[graphql(directive = cost::apply(COUNTED))]
    async fn total(&self, ctx: &Context<'_>) -> Option<GraphResult<u64>> {
        let counted = (self.total.0)(Arc::clone(ctx.scope())).await;
        Some(counted.map_err(GraphError::from))
    }
}

impl<N: ContainerType + Ready> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A row of a page, and its cursor.
#[Object(name_type, shareable)]
impl<N: ContainerType + Ready> Edge<N> {
    /// For `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    /// The row.
    async fn node(&self) -> Walked<&N> {
        Walked(&self.node)
    }
}

impl<N: ContainerType + Ready> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

ready! {
    impl{N: ContainerType + Ready} Connection<N>, |connection, request| {}
    leads |connections| {
        "edges" => connections.held(|connection| &connection.edges),
        "nodes" => connections.held(|connection| connection.edges.iter().map(|edge| &edge.node)),
    }
}

ready! {
    impl{N: ContainerType + Ready} Edge<N>, |edge, request| {
        "cursor" => edge.cursor.encode_cursor(),
    }
    leads |edges| {
        "node" => edges.held_one(|edge| &edge.node),
    }
}

/// The nodes of a page's edges.
struct Nodes<'a, N>(&'a [Edge<N>]);

impl<N: ContainerType + Ready> List for Nodes<'_, N> {
    type Item = N;

    fn items(&self) -> impl Iterator<Item = &N> + Send {
        self.0.iter().map(|edge| &edge.node)
    }
}

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
