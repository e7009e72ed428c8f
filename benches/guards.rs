//! What it costs to look at a request before any store is asked.
//!
//! - `guards`: the guards themselves, as a request that was seen before meets
//!   them: the login from memory, the document from the cache, its price.
//! - `refused`: the same through the whole router, for an operation that costs
//!   too much: parsing the HTTP body, all headers and the answer included.
//!
//! `cargo bench --bench guards`. The target is 20 µs for `guards` on a quiet core.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on should say where")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use criterion::{Criterion, criterion_group, criterion_main};
use quarteto::auth::{Logins, UsersFile, hash};
use quarteto::consistency::Consistency;
use quarteto::db::{Db, DbLimits, PerStore, options};
use quarteto::graph::cost::price;
use quarteto::graph::documents::{DocumentLimits, Documents};
use quarteto::http::{App, HttpLimits, router};
use quarteto::kernel::Papel;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

const QUERY: &str = "query Ficha($n: Int!) { clientes(first: $n) { total nodes { nome email enderecos { cidade uf } \
    compras(first: 5) { total nodes { quantidade total produto { nome preco } } } } pageInfo { hasNextPage } } }";

/// One thread: what is measured is work, not waking.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A login in a users file of its own.
fn logins(folder: &std::path::Path) -> (Logins, String) {
    let users = UsersFile::at(folder.join("users"));
    users.add("ana", &hash("uma-senha-longa").expect("hashed"), Papel::Leitor).expect("added");
    let header = base64::engine::general_purpose::STANDARD.encode("ana:uma-senha-longa");
    (Logins::open(users).expect("users"), format!("Basic {header}"))
}

fn guards(criterion: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let (logins, header) = logins(folder.path());
    let documents = Documents::new(DocumentLimits::default());
    let variables = serde_json::json!({ "n": 20 });
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    criterion.bench_function("guards", |bencher| {
        bencher.iter(|| {
            let verified = runtime.block_on(logins.verify(Some(black_box(header.as_bytes())), address));
            let requester = verified.expect("right");
            let document = documents.get(black_box(QUERY)).expect("within the limits");
            let (_, operation) = document.parsed.operations.iter().next().expect("one");
            let price = price(&document.parsed, &operation.node, variables.as_object());
            black_box((requester, price))
        });
    });
}

fn refused(criterion: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let (logins, header) = logins(folder.path());
    let nowhere = |store| {
        Db::new(store, options(store, "mysql://a@127.0.0.1:1/b").expect("a URL"), DbLimits::default())
    };
    let limits = HttpLimits { cost: Some(10), ..HttpLimits::default() };
    let router = {
        let _entered = runtime.enter();
        let databases = PerStore::from_fn(nowhere);
        let consistency = Consistency::new(databases.clone());
        router(App::new(databases, &consistency, Arc::new(logins), limits))
    };
    let body = serde_json::json!({ "query": QUERY, "variables": { "n": 20 } }).to_string();
    let ask = || {
        let request = Request::post("/graphql")
            .header("Authorization", &header)
            .header("Content-Type", "application/json")
            .body(Body::from(body.clone()))
            .expect("a request");
        let answer = router.clone().call(request);
        runtime.block_on(async {
            to_bytes(answer.await.expect("an answer").into_body(), usize::MAX).await.expect("a body")
        })
    };
    let answer = String::from_utf8_lossy(&ask()).into_owned();
    assert!(answer.contains("LIMITE_CUSTO"), "what is measured is another refusal: {answer}");
    criterion.bench_function("refused", |bencher| bencher.iter(ask));
}

criterion_group!(benches, guards, refused);
criterion_main!(benches);
