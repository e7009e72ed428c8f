//! What Quarteto is measured against, and the measuring.
//!
//! | binary | subject |
//! | --- | --- |
//! | `floor` | the queries by hand: axum, the driver's own pool, the fewest statements |
//! | `stock` | the same graph in async-graphql as it comes: its service for axum, its executor, its `DataLoader` |
//! | `bench` | runs Quarteto and both of them in turn and prints their figures side by side |
//!
//! All read the queries from here, so that they cannot drift apart; and what the two
//! programs have in common beside them: how they are started, the login, the shape of
//! a moment.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{ConnectOptions as _, MySqlPool};

/// One of the queries that are measured.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// What the table calls it.
    pub name: &'static str,
    /// Where the floor answers it.
    pub path: &'static str,
    /// What Quarteto is asked.
    pub text: &'static str,
    /// What it is, in one line.
    pub meaning: &'static str,
}

/// The queries, in the order in which they are measured.
///
/// Beside the variables that the text declares, a request carries `depois`, the
/// number of the row that the cursor `after` stands for: cursors are opaque to
/// the floor, and a server ignores a variable that is not declared.
pub const QUERIES: [Query; 4] = [
    Query {
        name: "Q1",
        path: "/q1",
        text: "query Q1($id: ID!) { cliente(id: $id) { id nome email enderecos { logradouro numero cidade uf cep } \
               compras(first: 10) { nodes { quantidade precoUnitario total adquiridoEm produto { id nome preco } } \
               pageInfo { hasNextPage } } } }",
        meaning: "one random client with addresses and the 10 newest purchases with product",
    },
    Query {
        name: "Q2",
        path: "/q2",
        text: "query Q2($after: String) { clientes(first: 20, after: $after) { nodes { id nome enderecos { cidade uf } \
               compras(first: 5) { nodes { quantidade total adquiridoEm produto { id nome } } } } \
               pageInfo { hasNextPage } } }",
        meaning: "a random page of 20 clients with addresses and the 5 newest purchases of each with product",
    },
    Query {
        name: "Q3",
        path: "/q3",
        text: "query Q3($after: String) { produtos(first: 50, after: $after) { \
               nodes { id nome preco disponivel criadoEm } pageInfo { hasNextPage } } }",
        meaning: "a random page of 50 products",
    },
    Query {
        name: "Q4",
        path: "/q4",
        text: "query Q4($after: String) { produtos(first: 20, after: $after) { \
               nodes { id nome resumoVendas { compras unidades total ultimaEm } } pageInfo { hasNextPage } } }",
        meaning: "a random page of 20 products with what was sold of each",
    },
];

/// A purchase of an available product, measured by itself: nobody else writes.
pub const PURCHASE: Query = Query {
    name: "M1",
    path: "/graphql",
    text: "mutation M1($cliente: ID!, $produto: ID!) { registrarCompra(input: { cliente: $cliente, produto: $produto, \
           quantidade: 2 }) { compra { id total } erros { codigo } } }",
    meaning: "a purchase by a random client",
};

/// The login of the bench, which lives in its own users file for as long as the
/// run takes.
pub const USER: &str = "bench";

/// The value of the header `Authorization` for [`USER`].
#[must_use]
pub fn authorization(password: &str) -> String {
    use base64::Engine as _;
    let credentials = format!("{USER}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

/// A program that Quarteto is measured against.
#[derive(Debug, clap::Parser)]
pub struct Server {
    /// The URL of the server with the four databases.
    #[arg(long)]
    pub server: MySqlConnectOptions,
    /// Where to listen.
    #[arg(long)]
    pub listen: String,
    /// The one value of `Authorization` that is let in.
    #[arg(long)]
    pub authorization: HeaderValue,
}

impl Server {
    /// The driver's own pool, with as many connections as Quarteto's, and room for so
    /// many prepared statements a connection.
    #[must_use]
    pub fn pool(&self, database: &str, statements: usize) -> MySqlPool {
        let server = self.server.clone().database(database).statement_cache_capacity(statements);
        MySqlPoolOptions::new().max_connections(10).connect_lazy_with(server.disable_statement_logging())
    }
}

/// Lets those in who know the word.
pub async fn login(State(expected): State<HeaderValue>, request: Request, next: Next) -> Response {
    if request.headers().get(AUTHORIZATION) != Some(&expected) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

/// A moment as Quarteto shows it.
#[must_use]
pub fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// `count` question marks.
#[must_use]
pub fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// The keys without repetition, and then filled up to a multiple of ten, so
/// that there are few texts to prepare.
#[must_use]
pub fn distinct(mut keys: Vec<u64>) -> Vec<u64> {
    keys.sort_unstable();
    keys.dedup();
    if let Some(last) = keys.last().copied() {
        keys.resize(keys.len().next_multiple_of(10), last);
    }
    keys
}
