//! The stock bar: the part of the graph that the three queries ask for, written the
//! way async-graphql's book does it. async-graphql-axum's service, the executor as it
//! is, the stock `DataLoader` shared by all requests, the driver's own pool; no
//! limits, no log. The answers are Quarteto's, byte for byte.
//!
//! It knows what we know about the database: texts in few lengths, so that they stay
//! prepared, and a UNION for the first rows of many parents.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{
    ComplexObject, Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema, SimpleObject,
};
use async_graphql_axum::GraphQL;
use axum::Router;
use axum::middleware;
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use chrono::{DateTime, Utc};
use clap::Parser;
use quarteto_bench::{Server, distinct, login, marks, moment};
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, MySqlPool};

/// More texts than the loaders make.
const STATEMENT_CACHE: usize = 512;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = Server::parse();
    let pool = |database| server.pool(database, STATEMENT_CACHE);
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(loader(Clientes(pool("clientes"))))
        .data(loader(Enderecos(pool("enderecos"))))
        .data(loader(Catalogo(pool("catalogo_produtos"))))
        .data(loader(Inventario(pool("inventario_produtos"))))
        .finish();
    let router = Router::new()
        .route_service("/graphql", GraphQL::new(schema))
        .layer(middleware::from_fn_with_state(server.authorization, login));
    let listener = tokio::net::TcpListener::bind(&server.listen).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

fn loader<L: Send + Sync + 'static>(store: L) -> DataLoader<L> {
    DataLoader::new(store, TokioSpawner::current(), TokioTimer::default())
}

// The graph

type Page<N> = Connection<String, N, EmptyFields, EmptyFields>;

struct Query;

#[Object]
impl Query {
    async fn cliente(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Cliente>> {
        let id: u64 = id.trim_start_matches("cliente_").parse()?;
        Ok(ctx.data_unchecked::<DataLoader<Clientes>>().load_one(id).await?)
    }

    async fn clientes(&self, ctx: &Context<'_>, first: u64, after: Option<String>) -> Result<Page<Cliente>> {
        let pool = &ctx.data_unchecked::<DataLoader<Clientes>>().loader().0;
        let rows = sqlx::query_as(
            "SELECT `id`, `nome`, `email` FROM `cadastro` WHERE `id` > ? ORDER BY `id` LIMIT ?",
        )
        .bind(row_of(after)?)
        .bind(first + 1)
        .fetch_all(pool)
        .await?;
        page(first, rows, |cliente: &Cliente| cliente.numero)
    }

    async fn produtos(&self, ctx: &Context<'_>, first: u64, after: Option<String>) -> Result<Page<Produto>> {
        let pool = &ctx.data_unchecked::<DataLoader<Catalogo>>().loader().0;
        let rows = sqlx::query_as(
            "SELECT `id`, `nome`, `preco`, `disponivel`, `criado_em` FROM `catalogo` WHERE `id` > ? ORDER BY `id` LIMIT ?",
        )
        .bind(row_of(after)?)
        .bind(first + 1)
        .fetch_all(pool)
        .await?;
        page(first, rows, |produto: &Produto| produto.numero)
    }
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
#[graphql(complex)]
struct Cliente {
    #[graphql(skip)]
    #[sqlx(rename = "id")]
    numero: u64,
    nome: String,
    email: String,
}

#[ComplexObject]
impl Cliente {
    async fn id(&self) -> ID {
        ID(format!("cliente_{}", self.numero))
    }

    async fn enderecos(&self, ctx: &Context<'_>) -> Result<Vec<Endereco>> {
        let loader = ctx.data_unchecked::<DataLoader<Enderecos>>();
        Ok(loader.load_one(self.numero).await?.unwrap_or_default())
    }

    async fn compras(&self, ctx: &Context<'_>, first: u64) -> Result<Page<Compra>> {
        let loader = ctx.data_unchecked::<DataLoader<Inventario>>();
        let key = Newest { cliente: self.numero, rows: first + 1 };
        let rows = loader.load_one(key).await?.unwrap_or_default();
        page(first, rows, |compra| compra.numero)
    }
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
struct Endereco {
    logradouro: String,
    numero: String,
    cidade: String,
    uf: String,
    cep: String,
}

#[derive(Clone, SimpleObject)]
#[graphql(complex)]
struct Compra {
    #[graphql(skip)]
    numero: u64,
    #[graphql(skip)]
    id_produto: u64,
    #[graphql(skip)]
    preco: Decimal,
    #[graphql(skip)]
    quando: DateTime<Utc>,
    quantidade: u32,
}

#[ComplexObject]
impl Compra {
    async fn preco_unitario(&self) -> String {
        self.preco.to_string()
    }

    async fn total(&self) -> String {
        (self.preco * Decimal::from(self.quantidade)).to_string()
    }

    async fn adquirido_em(&self) -> String {
        moment(self.quando)
    }

    async fn produto(&self, ctx: &Context<'_>) -> Result<Option<Produto>> {
        Ok(ctx.data_unchecked::<DataLoader<Catalogo>>().load_one(self.id_produto).await?)
    }
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
#[graphql(complex)]
struct Produto {
    #[graphql(skip)]
    #[sqlx(rename = "id")]
    numero: u64,
    nome: String,
    #[graphql(skip)]
    preco: Decimal,
    disponivel: bool,
    #[graphql(skip)]
    criado_em: DateTime<Utc>,
}

#[ComplexObject]
impl Produto {
    async fn id(&self) -> ID {
        ID(format!("produto_{}", self.numero))
    }

    #[graphql(name = "preco")]
    async fn preco_de_hoje(&self) -> String {
        self.preco.to_string()
    }

    async fn resumo_vendas(&self, ctx: &Context<'_>) -> Result<Resumo> {
        let loader = ctx.data_unchecked::<DataLoader<Inventario>>();
        Ok(loader.load_one(Vendas(self.numero)).await?.unwrap_or_default())
    }

    #[graphql(name = "criadoEm")]
    async fn quando_criado(&self) -> String {
        moment(self.criado_em)
    }
}

#[derive(Clone, SimpleObject)]
struct Resumo {
    compras: u64,
    unidades: u64,
    total: String,
    ultima_em: Option<String>,
}

impl Default for Resumo {
    fn default() -> Self {
        Self { compras: 0, unidades: 0, total: "0.00".to_owned(), ultima_em: None }
    }
}

/// A page of rows that were read one over `first`.
fn page<N: async_graphql::OutputType + async_graphql::ObjectType>(
    first: u64,
    mut rows: Vec<N>,
    number: impl Fn(&N) -> u64,
) -> Result<Page<N>> {
    let first = usize::try_from(first)?;
    let mut page = Connection::new(false, rows.len() > first);
    rows.truncate(first);
    page.edges.extend(rows.into_iter().map(|row| Edge::new(number(&row).to_string(), row)));
    Ok(page)
}

/// The number of the row after which a page begins: the cursors are Quarteto's, which
/// the bench collects before it begins.
fn row_of(after: Option<String>) -> Result<u64> {
    #[derive(Deserialize)]
    struct Cursor {
        id: u64,
    }
    let Some(after) = after else { return Ok(0) };
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(after)?;
    Ok(serde_json::from_slice::<Cursor>(&text)?.id)
}

// The stores

/// An error that can be given to each who waits.
type Failure = Arc<sqlx::Error>;

struct Clientes(MySqlPool);
struct Enderecos(MySqlPool);
struct Catalogo(MySqlPool);
struct Inventario(MySqlPool);

impl Loader<u64> for Clientes {
    type Value = Cliente;
    type Error = Failure;

    async fn load(&self, ids: &[u64]) -> Result<HashMap<u64, Cliente>, Failure> {
        let ids = distinct(ids.to_vec());
        let text =
            format!("SELECT `id`, `nome`, `email` FROM `cadastro` WHERE `id` IN ({})", marks(ids.len()));
        let mut query = sqlx::query_as::<_, Cliente>(AssertSqlSafe(text));
        for id in &ids {
            query = query.bind(id);
        }
        let rows = query.fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(|row| (row.numero, row)).collect())
    }
}

impl Loader<u64> for Enderecos {
    type Value = Vec<Endereco>;
    type Error = Failure;

    async fn load(&self, clientes: &[u64]) -> Result<HashMap<u64, Vec<Endereco>>, Failure> {
        #[derive(sqlx::FromRow)]
        struct Row {
            id_cliente: u64,
            #[sqlx(flatten)]
            endereco: Endereco,
        }
        let clientes = distinct(clientes.to_vec());
        let text = format!(
            "SELECT `id_cliente`, `logradouro`, `numero`, `cidade`, `uf`, `cep` FROM `endereco` \
             WHERE `id_cliente` IN ({}) ORDER BY `id_cliente`, `id`",
            marks(clientes.len())
        );
        let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(text));
        for cliente in &clientes {
            query = query.bind(cliente);
        }
        let mut found: HashMap<u64, Vec<Endereco>> = HashMap::with_capacity(clientes.len());
        for row in query.fetch_all(&self.0).await? {
            found.entry(row.id_cliente).or_default().push(row.endereco);
        }
        Ok(found)
    }
}

impl Loader<u64> for Catalogo {
    type Value = Produto;
    type Error = Failure;

    async fn load(&self, ids: &[u64]) -> Result<HashMap<u64, Produto>, Failure> {
        let ids = distinct(ids.to_vec());
        let text = format!(
            "SELECT `id`, `nome`, `preco`, `disponivel`, `criado_em` FROM `catalogo` WHERE `id` IN ({})",
            marks(ids.len())
        );
        let mut query = sqlx::query_as::<_, Produto>(AssertSqlSafe(text));
        for id in &ids {
            query = query.bind(id);
        }
        let rows = query.fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(|row| (row.numero, row)).collect())
    }
}

/// The newest purchases of a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Newest {
    cliente: u64,
    rows: u64,
}

impl Loader<Newest> for Inventario {
    type Value = Vec<Compra>;
    type Error = Failure;

    async fn load(&self, keys: &[Newest]) -> Result<HashMap<Newest, Vec<Compra>>, Failure> {
        let branch = "(SELECT CAST(? AS UNSIGNED), `id`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em` \
                      FROM `inventario` FORCE INDEX (`inventario_cliente_adquirido`) \
                      WHERE `id_cliente` = ? ORDER BY `adquirido_em` DESC, `id` DESC LIMIT ?)";
        // Filled up with a client that does not exist, so that there are few texts.
        let branches = if keys.len() == 1 { 1 } else { keys.len().next_multiple_of(20) };
        let text = vec![branch; branches].join(" UNION ALL ");
        let mut query =
            sqlx::query_as::<_, (u64, u64, u64, u32, Decimal, DateTime<Utc>)>(AssertSqlSafe(text));
        for number in 0..branches {
            let key = keys.get(number).copied().unwrap_or(Newest { cliente: 0, rows: 0 });
            query = query.bind(u64::try_from(number).unwrap_or(u64::MAX)).bind(key.cliente).bind(key.rows);
        }
        let mut found: HashMap<Newest, Vec<Compra>> = HashMap::with_capacity(keys.len());
        for (number, numero, id_produto, quantidade, preco, quando) in query.fetch_all(&self.0).await? {
            let key = usize::try_from(number).ok().and_then(|number| keys.get(number));
            if let Some(key) = key {
                let compra = Compra { numero, id_produto, preco, quando, quantidade };
                found.entry(*key).or_default().push(compra);
            }
        }
        for compras in found.values_mut() {
            compras.sort_by_key(|compra| std::cmp::Reverse((compra.quando, compra.numero)));
        }
        Ok(found)
    }
}

/// What was sold of a product.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Vendas(u64);

impl Loader<Vendas> for Inventario {
    type Value = Resumo;
    type Error = Failure;

    async fn load(&self, produtos: &[Vendas]) -> Result<HashMap<Vendas, Resumo>, Failure> {
        let ids = distinct(produtos.iter().map(|produto| produto.0).collect());
        let text = format!(
            "SELECT `id_produto`, CAST(COUNT(*) AS UNSIGNED), CAST(SUM(`quantidade`) AS UNSIGNED), \
             SUM(`quantidade` * `preco_unitario`), MAX(`adquirido_em`) FROM `inventario` \
             FORCE INDEX (`inventario_vendas_do_produto`) WHERE `id_produto` IN ({}) GROUP BY `id_produto`",
            marks(ids.len())
        );
        let mut query = sqlx::query_as::<_, (u64, u64, u64, Decimal, DateTime<Utc>)>(AssertSqlSafe(text));
        for id in &ids {
            query = query.bind(id);
        }
        let rows = query.fetch_all(&self.0).await?.into_iter();
        let resumo =
            |(produto, compras, unidades, total, ultima): (u64, u64, u64, Decimal, DateTime<Utc>)| {
                let ultima_em = Some(moment(ultima));
                (Vendas(produto), Resumo { compras, unidades, total: total.to_string(), ultima_em })
            };
        Ok(rows.map(resumo).collect())
    }
}
