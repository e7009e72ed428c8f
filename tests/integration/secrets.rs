//! Whatever fails, no answer tells what lies behind: SQL, tables, databases,
//! hosts, ports, paths, the words of a driver.

use quarteto::db::{DbLimits, PerStore, Store};
use reqwest::Method;

use crate::support::app::{Answer, send};
use crate::support::server::Server;
use crate::support::{TestApp, Value, json};

/// What no answer and no header may hold, in any case of letters. The stores'
/// names are public, their tables are not.
const SECRETS: [&str; 26] = [
    "select",
    "insert",
    " from ",
    " where ",
    "union all",
    "cadastro",
    "qt_",
    "qt-",
    "127.0.0.1",
    "localhost",
    "no-such-host",
    "mysql",
    "mariadb",
    "sqlx",
    "deadpool",
    "tokio",
    "panick",
    ".rs:",
    "/tmp",
    "/root",
    "/var",
    "socket",
    "access denied",
    "doesn't exist",
    "connection refused",
    "os error",
];

/// Every root field, and what crosses stores.
const EVERYTHING: &str = r#"query($id: ID! = "cliente_2") {
    cliente(id: $id) { nome enderecos { cidade } compras { total nodes { produto { nome } } } resumoCompras { total } }
    produto(id: "produto_1") { nome compras { total } resumoVendas { total } }
    node(id: "compra_1") { id } nodes(ids: ["endereco_1", "cliente_1", "produto_1"]) { id }
    clientes { total nodes { id } } produtos { total nodes { id } } compras { total nodes { id } }
    enderecos { total nodes { id } } }"#;

/// A write to every store, and one to each of two.
const WRITES: [&str; 6] = [
    r#"mutation { criarCliente(input: { nome: "N", email: "n@example.com", cpf: "52998224725" }) { cliente { id } erros { mensagem } } }"#,
    r#"mutation { atualizarEndereco(input: { id: "1", cidade: "C" }) { endereco { id } erros { mensagem } } }"#,
    r#"mutation { criarProduto(input: { nome: "N", preco: "1.00" }) { produto { id } erros { mensagem } } }"#,
    r#"mutation { cancelarCompra(input: { id: "999999" }) { idRemovido erros { mensagem } } }"#,
    r#"mutation { registrarCompra(input: { cliente: "1", produto: "1", quantidade: 1 }) { compra { id } erros { mensagem } } }"#,
    r#"mutation { removerCliente(input: { id: "999999" }) { enderecos erros { mensagem } } }"#,
];

/// Values that a careless statement would choke on.
const VALUES: [&str; 14] = [
    "",
    "'",
    "\"",
    "\\",
    "\0",
    "%",
    "_",
    "+-*()<>~@\"",
    "';--",
    "18446744073709551616",
    "-1",
    "cliente_18446744073709551615",
    "\u{1F389}\u{202E}",
    "0001-00-00",
];

async fn check(app: &TestApp, query: &str, variables: Value) {
    let body = json!({ "query": query, "variables": variables });
    for path in ["/graphql", "/readyz", "/schema.graphql", "/nothing"] {
        let request = match path {
            "/graphql" => app.request(Method::POST, path).json(&body),
            _ => app.request(Method::GET, path),
        };
        // The schema's own descriptions may hold backquotes and such.
        check_answer(&send(request.header("X-Apollo-Tracing", "1")).await, path != "/schema.graphql");
    }
}

async fn check_writes(app: &TestApp) {
    for mutation in WRITES {
        check_answer(&app.write_with(mutation, json!({})).await, true);
    }
}

fn check_answer(answer: &Answer, with_body: bool) {
    let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}\n"));
    let body = if with_body { answer.json.to_string() } else { String::new() };
    let said = format!("{}{body}", headers.collect::<String>()).to_lowercase();
    for secret in SECRETS {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[tokio::test]
async fn stores_that_are_down_or_silent() {
    let limits = DbLimits { statement: std::time::Duration::from_millis(200), ..DbLimits::default() };
    let mut app = TestApp::behind_proxies(limits).await;
    app.proxy(Store::Catalogo).silence();
    for store in [Store::Clientes, Store::Enderecos, Store::Inventario] {
        app.proxy(store).cut().await;
    }
    // More often than the breaker's bound.
    for _ in 0..7 {
        check(&app, EVERYTHING, json!({})).await;
        check_writes(&app).await;
    }
}

#[tokio::test]
async fn hosts_that_are_not_there_and_passwords_that_are_wrong() {
    let nowhere = PerStore::from_fn(|_| "mysql://root:hunter2@127.0.0.1:1/qt_x".to_owned());
    let app = TestApp::at(&nowhere).await;
    check(&app, EVERYTHING, json!({})).await;
    check_writes(&app).await;
    let unknown = PerStore::from_fn(|_| "mysql://root:hunter2@no-such-host.invalid:3306/qt_x".to_owned());
    check(&TestApp::at(&unknown).await, EVERYTHING, json!({})).await;
    let server = Server::shared().await;
    let stranger = |url: String| url.replacen("root", "stranger:hunter2", 1);
    let denied = PerStore::from_fn(|store| stranger(server.url(&format!("qt_{store}"))));
    let app = TestApp::at(&denied).await;
    check(&app, EVERYTHING, json!({})).await;
    check_writes(&app).await;
}

#[tokio::test]
async fn databases_and_tables_that_are_missing() {
    let server = Server::shared().await;
    let absent = PerStore::from_fn(|_| server.url("qt_absent"));
    let app = TestApp::at(&absent).await;
    check(&app, EVERYTHING, json!({})).await;
    check_writes(&app).await;
    let empty = server.empty_databases().await;
    let app = TestApp::over(&empty).await;
    let answer = app.ask(EVERYTHING).await;
    assert!(answer.codes().iter().all(|code| code == "STORE_UNAVAILABLE"), "{}", answer.json);
    check(&app, EVERYTHING, json!({})).await;
}

#[tokio::test]
async fn values_that_no_statement_likes() {
    let app = TestApp::start().await;
    let queries = [
        "query($v: String!) { produtos(filtro: { busca: $v }) { nodes { id } } }",
        "query($v: String!) { clientes(filtro: { nomeContem: $v }) { nodes { id } } }",
        "query($v: String!) { clientes(first: 2, after: $v) { nodes { id } } }",
        "query($v: ID!) { cliente(id: $v) { id } node(id: $v) { id } nodes(ids: [$v]) { id } }",
        "query($v: Decimal!) { produtos(filtro: { precoMax: $v }) { nodes { id } } }",
        "query($v: Int!) { clientes(first: $v) { nodes { id } } }",
    ];
    for query in queries {
        for value in VALUES {
            check(&app, query, json!({ "v": value })).await;
        }
    }
    check(&app, "{ clientes(first: 99999999999999999999) { nodes { id } } }", json!({})).await;
}
