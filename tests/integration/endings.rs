//! Requests that are not answered as they should be leave a number all the same: what
//! ran out of time, and what nobody waited for any more.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quarteto::db::{DbLimits, Store};
use quarteto::http::HttpLimits;
use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::app::{PASSWORD, patience, send};
use crate::support::{TestApp, json, shop};

/// Until `/metrics` counts a request of this kind and outcome.
async fn until_counted(app: &TestApp, kind: &str, outcome: &str) {
    let line = format!("quarteto_operations_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} 1\n");
    while !send(app.request(Method::GET, "/metrics")).await.text.contains(&line) {
        tokio::task::yield_now().await;
    }
}

/// Sends a request, waits until the store keeps it, and goes away.
async fn ask_and_leave(app: &mut TestApp, user: &str, query: &str, store: Store) {
    let login = STANDARD.encode(format!("{user}:{PASSWORD}"));
    let body = json!({ "query": query }).to_string();
    let text = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    app.proxy(store).hold();
    let mut stream = TcpStream::connect(app.address()).await.expect("connected");
    stream.write_all(text.as_bytes()).await.expect("sent");
    app.proxy(store).holds_something().await;
}

#[tokio::test]
async fn what_runs_out_of_time_is_503_and_counted() {
    let bounds = HttpLimits { request: Duration::from_millis(300), ..HttpLimits::default() };
    let mut app = TestApp::counted(bounds, patience()).await;
    app.proxy(Store::Clientes).hold();
    let body = json!({ "query": "query Lenta { cliente(id: 1) { nome } }" });
    let answer = send(app.request(Method::POST, "/graphql").json(&body)).await;
    assert_eq!((answer.status, answer.codes()), (503, vec!["DEADLINE_EXCEEDED".to_owned()]));
    app.proxy(Store::Clientes).restore().await;
    until_counted(&app, "query", "out_of_time").await;
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_given_up_and_counted() {
    let mut app = TestApp::counted(HttpLimits::default(), patience()).await;
    ask_and_leave(&mut app, "leitor", "{ cliente(id: 1) { nome } }", Store::Clientes).await;
    until_counted(&app, "query", "abandoned").await;
    app.proxy(Store::Clientes).restore().await;
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_made_and_counted() {
    let mut app = TestApp::over_proxies(&shop::open().await, DbLimits { ..patience() }).await;
    let write = "mutation { criarProduto(input: {nome: \"Rede\", preco: \"99.90\"}) { erros { codigo } } }";
    ask_and_leave(&mut app, "editor", write, Store::Catalogo).await;
    app.proxy(Store::Catalogo).restore().await;
    until_counted(&app, "mutation", "ok").await;
    let found =
        app.ask_plainly("{ produtos(filtro: {busca: \"rede\"}) { nodes { preco } } }", json!({})).await;
    assert_eq!(found.json["data"], json!({ "produtos": { "nodes": [{ "preco": "99.90" }] } }));
}
