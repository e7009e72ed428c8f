//! Batching across requests: what waits is merged, and nobody gets another's
//! answer.

use std::sync::Arc;

use futures_util::future::join_all;
use quarteto::db::{DbLimits, Store};

use crate::support::{TestApp, json, shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_statements_and_keep_their_answers() {
    let app = Arc::new(TestApp::behind_proxies(DbLimits::default()).await);
    let ask = |number: u64| {
        let app = Arc::clone(&app);
        async move {
            let id = number % shop::CLIENTES + 1;
            let query = "query($id: ID!) { cliente(id: $id) { id nome compras(first: 1) { nodes { cliente { id } } } } }";
            let answer = app.ask_with(query, json!({ "id": id.to_string() })).await;
            let expected = format!("cliente_{id}");
            assert_eq!(
                answer.json["data"],
                json!({ "cliente": { "id": expected, "nome": shop::nome(id),
                    "compras": { "nodes": [{ "cliente": { "id": expected } }] } } })
            );
            answer.statements()
        }
    };
    let requests = 400;
    let mut handles = Vec::new();
    for number in 0..requests {
        handles.push(tokio::spawn(ask(number)));
    }
    for outcome in join_all(handles).await {
        // The tally of each tells what it took part in.
        assert_eq!(outcome.expect("no panic"), [("clientes".to_owned(), 2), ("inventario".to_owned(), 1)]);
    }
    let executed = app.proxies.as_ref().expect("proxies")[Store::Clientes].executed();
    assert!(executed < requests, "{executed} statements for {requests} requests that need two each");
}
