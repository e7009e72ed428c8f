//! What Quarteto is measured against, and the measuring.
//!
//! | binary | subject |
//! | --- | --- |
//! | `floor` | the three queries by hand: axum, the driver's own pool, the fewest statements |
//! | `bench` | runs Quarteto and the floor in turn and prints a table of ratios |
//!
//! Both read the queries from here, so that they cannot drift apart.

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
pub const QUERIES: [Query; 3] = [
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
];

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
