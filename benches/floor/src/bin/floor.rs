//! The hand-written floor: three queries and nothing else. Plain axum handlers
//! over the driver's own pool, with the fewest statements: no GraphQL, no
//! batching, no limits, no log. The answers are Quarteto's, byte for byte.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use chrono::{DateTime, Utc};
use clap::Parser;
use quarteto_bench::{Server, distinct, login, marks, moment};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, MySqlPool};

/// The driver's default: there are few texts.
const STATEMENT_CACHE: usize = 100;

struct Stores {
    clientes: MySqlPool,
    enderecos: MySqlPool,
    catalogo: MySqlPool,
    inventario: MySqlPool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = Server::parse();
    let pool = |database| server.pool(database, STATEMENT_CACHE);
    let stores = Arc::new(Stores {
        clientes: pool("clientes"),
        enderecos: pool("enderecos"),
        catalogo: pool("catalogo_produtos"),
        inventario: pool("inventario_produtos"),
    });
    let router = Router::new()
        .route("/q1", post(q1))
        .route("/q2", post(q2))
        .route("/q3", post(q3))
        .route("/q4", post(q4))
        .with_state(stores)
        .layer(middleware::from_fn_with_state(server.authorization, login));
    let listener = tokio::net::TcpListener::bind(&server.listen).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

struct Failure(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{:#}\n", self.0)).into_response()
    }
}

#[derive(Deserialize)]
struct Body<V> {
    variables: V,
}

#[derive(Deserialize)]
struct ById {
    id: String,
}

#[derive(Deserialize)]
struct AfterRow {
    #[serde(default)]
    depois: u64,
}

#[derive(Serialize)]
struct Answer<D> {
    data: D,
}

#[derive(Serialize)]
struct Nodes<N> {
    nodes: Vec<N>,
}

#[derive(Serialize)]
struct Page<N> {
    nodes: Vec<N>,
    #[serde(rename = "pageInfo")]
    page_info: PageInfo,
}

#[derive(Serialize)]
struct PageInfo {
    #[serde(rename = "hasNextPage")]
    has_next_page: bool,
}

impl<N> Page<N> {
    /// Of rows that were read one over `size`.
    fn of(mut nodes: Vec<N>, size: usize) -> Self {
        let has_next_page = nodes.len() > size;
        nodes.truncate(size);
        Self { nodes, page_info: PageInfo { has_next_page } }
    }
}

fn json(data: impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(&Answer { data })?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

// Q1

#[derive(Serialize)]
struct Q1 {
    cliente: Option<Q1Cliente>,
}

#[derive(Serialize)]
struct Q1Cliente {
    id: String,
    nome: String,
    email: String,
    enderecos: Vec<Q1Endereco>,
    compras: Page<Q1Compra>,
}

#[derive(Serialize, sqlx::FromRow)]
struct Q1Endereco {
    logradouro: String,
    numero: String,
    cidade: String,
    uf: String,
    cep: String,
}

#[derive(Serialize)]
struct Q1Compra {
    quantidade: u32,
    #[serde(rename = "precoUnitario")]
    preco_unitario: String,
    total: String,
    #[serde(rename = "adquiridoEm")]
    adquirido_em: String,
    produto: Option<Q1Produto>,
}

#[derive(Clone, Serialize)]
struct Q1Produto {
    id: String,
    nome: String,
    preco: String,
}

async fn q1(State(stores): State<Arc<Stores>>, body: Bytes) -> Result<Response, Failure> {
    let Body { variables: ById { id } } = serde_json::from_slice(&body)?;
    let id: u64 = id.trim_start_matches("cliente_").parse()?;
    let cliente =
        sqlx::query_as::<_, (String, String)>("SELECT `nome`, `email` FROM `cadastro` WHERE `id` = ?")
            .bind(id)
            .fetch_optional(&stores.clientes);
    let enderecos = sqlx::query_as::<_, Q1Endereco>(
        "SELECT `logradouro`, `numero`, `cidade`, `uf`, `cep` FROM `endereco` WHERE `id_cliente` = ? ORDER BY `id`",
    )
    .bind(id)
    .fetch_all(&stores.enderecos);
    let compras = sqlx::query_as::<_, (u64, u32, Decimal, DateTime<Utc>)>(
        "SELECT `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em` \
         FROM `inventario` FORCE INDEX (`inventario_cliente_adquirido`) \
         WHERE `id_cliente` = ? ORDER BY `adquirido_em` DESC, `id` DESC LIMIT 11",
    )
    .bind(id)
    .fetch_all(&stores.inventario);
    let (cliente, enderecos, compras) = tokio::try_join!(cliente, enderecos, compras)?;
    let Some((nome, email)) = cliente else {
        return json(Q1 { cliente: None });
    };

    let keys = distinct(compras.iter().take(10).map(|compra| compra.0).collect());
    let mut produtos = HashMap::with_capacity(keys.len());
    if !keys.is_empty() {
        let text =
            format!("SELECT `id`, `nome`, `preco` FROM `catalogo` WHERE `id` IN ({})", marks(keys.len()));
        let mut query = sqlx::query_as::<_, (u64, String, Decimal)>(AssertSqlSafe(text));
        for key in &keys {
            query = query.bind(key);
        }
        for (id, nome, preco) in query.fetch_all(&stores.catalogo).await? {
            produtos.insert(id, Q1Produto { id: format!("produto_{id}"), nome, preco: preco.to_string() });
        }
    }
    let compras = compras.into_iter().map(|(produto, quantidade, preco, adquirido_em)| Q1Compra {
        quantidade,
        preco_unitario: preco.to_string(),
        total: (preco * Decimal::from(quantidade)).to_string(),
        adquirido_em: moment(adquirido_em),
        produto: produtos.get(&produto).cloned(),
    });
    let compras = Page::of(compras.collect(), 10);
    json(Q1 { cliente: Some(Q1Cliente { id: format!("cliente_{id}"), nome, email, enderecos, compras }) })
}

// Q2

#[derive(Serialize)]
struct Q2 {
    clientes: Page<Q2Cliente>,
}

#[derive(Serialize)]
struct Q2Cliente {
    id: String,
    nome: String,
    enderecos: Vec<Q2Endereco>,
    compras: Nodes<Q2Compra>,
}

#[derive(Serialize)]
struct Q2Endereco {
    cidade: String,
    uf: String,
}

#[derive(Serialize)]
struct Q2Compra {
    quantidade: u32,
    total: String,
    #[serde(rename = "adquiridoEm")]
    adquirido_em: String,
    produto: Option<Q2Produto>,
}

#[derive(Clone, Serialize)]
struct Q2Produto {
    id: String,
    nome: String,
}

async fn q2(State(stores): State<Arc<Stores>>, body: Bytes) -> Result<Response, Failure> {
    let Body { variables: AfterRow { depois } } = serde_json::from_slice(&body)?;
    let clientes: Vec<(u64, String)> =
        sqlx::query_as("SELECT `id`, `nome` FROM `cadastro` WHERE `id` > ? ORDER BY `id` LIMIT 21")
            .bind(depois)
            .fetch_all(&stores.clientes)
            .await?;
    let shown = &clientes[..clientes.len().min(20)];
    if shown.is_empty() {
        return json(Q2 { clientes: Page::of(Vec::new(), 20) });
    }

    let text = format!(
        "SELECT `id_cliente`, `cidade`, `uf` FROM `endereco` WHERE `id_cliente` IN ({}) ORDER BY `id_cliente`, `id`",
        marks(shown.len())
    );
    let mut enderecos = sqlx::query_as::<_, (u64, String, String)>(AssertSqlSafe(text));
    let branch = "(SELECT `id_cliente`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em` \
                  FROM `inventario` FORCE INDEX (`inventario_cliente_adquirido`) \
                  WHERE `id_cliente` = ? ORDER BY `adquirido_em` DESC, `id` DESC LIMIT 5)";
    let text = vec![branch; shown.len()].join(" UNION ALL ");
    let mut compras = sqlx::query_as::<_, (u64, u64, u32, Decimal, DateTime<Utc>)>(AssertSqlSafe(text));
    for (id, _) in shown {
        enderecos = enderecos.bind(id);
        compras = compras.bind(id);
    }
    let (enderecos, compras) =
        tokio::try_join!(enderecos.fetch_all(&stores.enderecos), compras.fetch_all(&stores.inventario))?;

    let keys = distinct(compras.iter().map(|compra| compra.1).collect());
    let mut produtos = HashMap::with_capacity(keys.len());
    if !keys.is_empty() {
        let text = format!("SELECT `id`, `nome` FROM `catalogo` WHERE `id` IN ({})", marks(keys.len()));
        let mut query = sqlx::query_as::<_, (u64, String)>(AssertSqlSafe(text));
        for key in &keys {
            query = query.bind(key);
        }
        for (id, nome) in query.fetch_all(&stores.catalogo).await? {
            produtos.insert(id, Q2Produto { id: format!("produto_{id}"), nome });
        }
    }
    let mut enderecos_of: HashMap<u64, Vec<Q2Endereco>> = HashMap::with_capacity(20);
    for (cliente, cidade, uf) in enderecos {
        enderecos_of.entry(cliente).or_default().push(Q2Endereco { cidade, uf });
    }
    let mut compras_of: HashMap<u64, Vec<Q2Compra>> = HashMap::with_capacity(20);
    for (cliente, produto, quantidade, preco, adquirido_em) in compras {
        compras_of.entry(cliente).or_default().push(Q2Compra {
            quantidade,
            total: (preco * Decimal::from(quantidade)).to_string(),
            adquirido_em: moment(adquirido_em),
            produto: produtos.get(&produto).cloned(),
        });
    }
    let nodes = clientes.into_iter().map(|(id, nome)| Q2Cliente {
        id: format!("cliente_{id}"),
        nome,
        enderecos: enderecos_of.remove(&id).unwrap_or_default(),
        compras: Nodes { nodes: compras_of.remove(&id).unwrap_or_default() },
    });
    json(Q2 { clientes: Page::of(nodes.collect(), 20) })
}

// Q3

#[derive(Serialize)]
struct Q3 {
    produtos: Page<Q3Produto>,
}

#[derive(Serialize)]
struct Q3Produto {
    id: String,
    nome: String,
    preco: String,
    disponivel: bool,
    #[serde(rename = "criadoEm")]
    criado_em: String,
}

async fn q3(State(stores): State<Arc<Stores>>, body: Bytes) -> Result<Response, Failure> {
    let Body { variables: AfterRow { depois } } = serde_json::from_slice(&body)?;
    let rows: Vec<(u64, String, Decimal, bool, DateTime<Utc>)> = sqlx::query_as(
        "SELECT `id`, `nome`, `preco`, `disponivel`, `criado_em` FROM `catalogo` WHERE `id` > ? ORDER BY `id` LIMIT 51",
    )
    .bind(depois)
    .fetch_all(&stores.catalogo)
    .await?;
    let nodes = rows.into_iter().map(|(id, nome, preco, disponivel, criado_em)| Q3Produto {
        id: format!("produto_{id}"),
        nome,
        preco: preco.to_string(),
        disponivel,
        criado_em: moment(criado_em),
    });
    json(Q3 { produtos: Page::of(nodes.collect(), 50) })
}

// Q4

#[derive(Serialize)]
struct Q4 {
    produtos: Page<Q4Produto>,
}

#[derive(Serialize)]
struct Q4Produto {
    id: String,
    nome: String,
    #[serde(rename = "resumoVendas")]
    resumo_vendas: Q4Resumo,
}

#[derive(Serialize)]
struct Q4Resumo {
    compras: u64,
    unidades: u64,
    total: String,
    #[serde(rename = "ultimaEm")]
    ultima_em: Option<String>,
}

impl Default for Q4Resumo {
    fn default() -> Self {
        Self { compras: 0, unidades: 0, total: "0.00".to_owned(), ultima_em: None }
    }
}

async fn q4(State(stores): State<Arc<Stores>>, body: Bytes) -> Result<Response, Failure> {
    let Body { variables: AfterRow { depois } } = serde_json::from_slice(&body)?;
    let produtos: Vec<(u64, String)> =
        sqlx::query_as("SELECT `id`, `nome` FROM `catalogo` WHERE `id` > ? ORDER BY `id` LIMIT 21")
            .bind(depois)
            .fetch_all(&stores.catalogo)
            .await?;
    let shown = &produtos[..produtos.len().min(20)];
    if shown.is_empty() {
        return json(Q4 { produtos: Page::of(Vec::new(), 20) });
    }
    let text = format!(
        "SELECT `id_produto`, CAST(COUNT(*) AS UNSIGNED), CAST(SUM(`quantidade`) AS UNSIGNED), \
         SUM(`quantidade` * `preco_unitario`), MAX(`adquirido_em`) FROM `inventario` \
         FORCE INDEX (`inventario_vendas_do_produto`) WHERE `id_produto` IN ({}) GROUP BY `id_produto`",
        marks(shown.len())
    );
    let mut query = sqlx::query_as::<_, (u64, u64, u64, Decimal, DateTime<Utc>)>(AssertSqlSafe(text));
    for (id, _) in shown {
        query = query.bind(id);
    }
    let mut resumos = HashMap::with_capacity(20);
    for (produto, compras, unidades, total, ultima) in query.fetch_all(&stores.inventario).await? {
        let ultima_em = Some(moment(ultima));
        resumos.insert(produto, Q4Resumo { compras, unidades, total: total.to_string(), ultima_em });
    }
    let nodes = produtos.into_iter().map(|(id, nome)| Q4Produto {
        id: format!("produto_{id}"),
        nome,
        resumo_vendas: resumos.remove(&id).unwrap_or_default(),
    });
    json(Q4 { produtos: Page::of(nodes.collect(), 20) })
}
