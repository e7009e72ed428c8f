//! What it costs to look at a request before any store is asked.
//!
//! - `known`, `unknown`: the checks of an operation (`Operations::check`), of a document
//!   that was sent before, and of one that never was.
//! - `guards`: the login from memory, and the checks of a known document.
//! - `refused`: the same through the whole router, for an operation that costs
//!   too much: parsing the HTTP body, all headers and the answer included.
//!
//! `cargo bench --bench guards`. The targets on a quiet core: 2 µs for `known`, 200 µs for
//! `unknown`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on should say where")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quarteto::auth::{Logins, UsersFile, hash};
use quarteto::config::Introspection;
use quarteto::db::{Db, DbLimits, PerStore, options};
use quarteto::http::{App, HttpLimits, router};
use quarteto::insight::Metrics;
use quarteto::kernel::{AnswerLimits, Papel, Requester};
use quarteto::operation::{Ask, Caller, DocumentLimits, Operations, Settings};
use quarteto::removal::Removals;
use quarteto::schema::merged;
use quarteto::stores::acessos::Acessos;
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

/// Databases that nobody asks.
fn nowhere() -> PerStore<Db> {
    PerStore::from_fn(|store| {
        Db::new(store, options(store, "mysql://a@127.0.0.1:1/b").expect("a URL"), DbLimits::default())
    })
}

/// The first door of the served schema.
fn operations() -> Operations {
    let databases = nowhere();
    let removals = Removals::new(databases.clone());
    let acessos = Acessos::new(None, databases.clone().into(), Default::default());
    let served = merged::serve(&databases, &removals, &acessos).expect("a valid schema");
    let settings = Settings {
        document: DocumentLimits::default(),
        answer: AnswerLimits::default(),
        representations: 1_000,
        trusted: None,
        introspection: Introspection::All,
    };
    Operations::new(Arc::new(served), settings, Arc::new(Metrics::new(&acessos, &removals)), acessos)
}

fn ask(query: String) -> Ask {
    Ask {
        query: Some(query),
        variables: serde_json::json!({ "n": 20 }).as_object().cloned(),
        ..Ask::default()
    }
}

fn caller(requester: &Requester) -> Caller<'_> {
    Caller {
        requester,
        id: "0",
        traced: false,
        reads_only: false,
        idempotency_key: None,
        deadline: Instant::now() + Duration::from_secs(3_600),
        program: ("", ""),
        explains: false,
        is_sibling: false,
    }
}

/// The checks alone, of a document that is known, and of one that never was sent before.
fn checks(criterion: &mut Criterion) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let (operations, requester) = (operations(), Requester { nome: "ana".into(), papel: Papel::Leitor });
    let caller = caller(&requester);
    criterion.bench_function("known", |bencher| {
        bencher.iter_batched(
            || ask(QUERY.to_owned()),
            |ask| operations.check(ask, &caller).ok().expect("checked").cost(),
            BatchSize::SmallInput,
        );
    });
    let mut number = 0_u64;
    criterion.bench_function("unknown", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                ask(format!("{QUERY} # {number}"))
            },
            |ask| operations.check(ask, &caller).ok().expect("checked").cost(),
            BatchSize::SmallInput,
        );
    });
}

fn guards(criterion: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let (logins, header) = logins(folder.path());
    let operations = {
        let _entered = runtime.enter();
        operations()
    };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    criterion.bench_function("guards", |bencher| {
        bencher.iter_batched(
            || ask(QUERY.to_owned()),
            |ask| {
                let verified = runtime.block_on(logins.verify(Some(black_box(header.as_bytes())), address));
                let nome = verified.expect("right").nome;
                let requester = Requester { nome, papel: Papel::Leitor };
                operations.check(ask, &caller(&requester)).ok().expect("checked").cost()
            },
            BatchSize::SmallInput,
        );
    });
}

fn refused(criterion: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let (logins, header) = logins(folder.path());
    let limits = HttpLimits { cost: Some(10), ..HttpLimits::default() };
    let router = {
        let _entered = runtime.enter();
        let databases = nowhere();
        let removals = Removals::new(databases.clone());
        let acessos = Acessos::new(None, databases.clone().into(), Default::default());
        router(App::new(databases, &removals, &acessos, Arc::new(logins), limits).expect("a valid schema"))
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

criterion_group!(benches, checks, guards, refused);
criterion_main!(benches);
