//! Traces, as a collector gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use futures_util::future::join_all;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use quarteto::config::Telemetry;
use quarteto::db::{DbLimits, Store};
use quarteto::http::HttpLimits;
use quarteto::insight::traces::Traces;
use reqwest::Method;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::program::{Serving, ask, logged, quarteto, run, user};
use crate::support::app::{Answer, patience, send};
use crate::support::{TestApp, Value, json, shop};

/// What came of one span.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    trace: String,
    id: String,
    parent: String,
    kind: i32,
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Trace and span of each.
    links: Vec<(String, String)>,
    state: String,
    is_error: bool,
    events: Vec<String>,
    begun: u64,
}

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
pub(crate) struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<Seen>>>,
    resources: Arc<Mutex<Vec<BTreeMap<String, Value>>>>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let count = pairs.len();
    let read = |pair: KeyValue| {
        let value = match pair.value.and_then(|value| value.value).expect("a value") {
            any_value::Value::StringValue(text) => json!(text),
            any_value::Value::BoolValue(value) => json!(value),
            any_value::Value::IntValue(number) => json!(number),
            any_value::Value::DoubleValue(number) => json!(number),
            other => panic!("{other:?}"),
        };
        (pair.key, value)
    };
    let read: BTreeMap<_, _> = pairs.into_iter().map(read).collect();
    assert_eq!(read.len(), count, "no attribute comes twice: {read:?}");
    read
}

impl From<Span> for Seen {
    fn from(span: Span) -> Self {
        let links = span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id)));
        Self {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            kind: span.kind,
            links: links.collect(),
            state: span.trace_state,
            is_error: span.status.as_ref().is_some_and(|status| status.code == 2),
            events: span.events.iter().map(|event| format!("{event:?}")).collect(),
            begun: span.start_time_unix_nano,
            attributes: attributes(span.attributes),
            name: span.name,
        }
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    for group in request.resource_spans {
        let resource = attributes(group.resource.expect("a resource").attributes);
        collector.resources.lock().expect("whole").push(resource);
        let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        collector.spans.lock().expect("whole").extend(spans.map(Seen::from));
    }
}

impl Collector {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let collector = Self { address, ..Self::default() };
        let routes = axum::Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        collector
    }

    fn spans(&self) -> Vec<Seen> {
        self.spans.lock().expect("whole").clone()
    }

    fn trace(&self, number: u8) -> Vec<Seen> {
        let trace = format!("{number:032x}");
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }
}

/// Traces of what runs on this thread, and who gets them.
pub(crate) struct Rig {
    collector: Collector,
    traces: Arc<Traces>,
    _default: DefaultGuard,
}

const NEVER_SLOW: u64 = 600_000;

pub(crate) async fn rig(ratio: u8, slow_ms: u64) -> Rig {
    let collector = Collector::start().await;
    let telemetry = Telemetry { otlp_url: collector.address.clone(), ratio, slow_ms };
    let traces = Traces::start(&telemetry).expect("settings").expect("a collector");
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    let default = tracing::subscriber::set_default(subscriber);
    // Others on other threads may have said meanwhile that nobody wants these spans.
    tracing::callsite::rebuild_interest_cache();
    Rig { collector, traces: Arc::new(traces), _default: default }
}

impl Rig {
    /// What came of a trace, as soon as its request has ended.
    pub(crate) async fn trace(&self, number: u8) -> Vec<Seen> {
        for _ in 0..1_000 {
            let traces = Arc::clone(&self.traces);
            // It waits for the collector, which is served by this thread.
            tokio::task::spawn_blocking(move || traces.flush()).await.expect("flushed");
            let seen = self.collector.trace(number);
            if !seen.is_empty() {
                return seen;
            }
        }
        panic!("trace {number} never came: {:?}", self.collector.spans());
    }
}

const CALLER: &str = "00f067aa0ba902b7";

pub(crate) fn traceparent(number: u8, flags: &str) -> String {
    format!("00-{number:032x}-{CALLER}-{flags}")
}

async fn ask_in(app: &TestApp, parent: &str, query: &str, variables: Value) -> Answer {
    let request = app.request(Method::POST, "/graphql").header("traceparent", parent);
    send(request.json(&json!({ "query": query, "variables": variables }))).await
}

/// A trace as a tree, siblings in the order in which they began.
fn tree(spans: &[Seen]) -> String {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    let mut roots: Vec<&Seen> = spans.iter().filter(|span| !ids.contains(span.parent.as_str())).collect();
    roots.sort_by_key(|span| span.begun);
    let mut text = String::new();
    for root in roots {
        draw(spans, root, 0, &mut text);
    }
    text
}

fn draw(spans: &[Seen], span: &Seen, depth: usize, text: &mut String) {
    let _ = writeln!(text, "{:width$}{}", "", span.name, width = depth * 2);
    let mut below: Vec<&Seen> = spans.iter().filter(|child| child.parent == span.id).collect();
    below.sort_by_key(|span| span.begun);
    for child in below {
        draw(spans, child, depth + 1, text);
    }
}

fn only<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let found: Vec<&Seen> = spans.iter().filter(|span| span.name == name).collect();
    let [one] = found[..] else { panic!("one {name}: {found:?}") };
    one
}

const FICHA: &str = "query Ficha($id: ID!) { cliente(id: $id) { nome enderecos { cidade }
    compras(first: 2) { nodes { produto { nome } } } } }";

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const INTERNAL: i32 = 1;

#[tokio::test]
async fn a_nested_query_is_one_trace_from_the_request_to_the_statements() {
    let app = TestApp::start().await;
    let rig = rig(0, NEVER_SLOW).await;
    let request = app.request(Method::POST, "/graphql").header("traceparent", traceparent(1, "01"));
    let request =
        request.header("tracestate", "a=1").header("tracestate", "b=2").header("X-Request-Id", "id-1");
    let answer = send(request.json(&json!({ "query": FICHA, "variables": { "id": "cliente_2" } }))).await;
    assert_eq!(answer.json.get("errors"), None);
    let spans = rig.trace(1).await;
    assert_eq!(
        tree(&spans),
        "query
  operation
    batch clientes.por_id
      clientes.por_id
    batch enderecos.do_cliente
      enderecos.do_cliente
    batch inventario.compras_do_cliente
      inventario.compras_do_cliente
    batch catalogo.por_id
      catalogo.por_id
"
    );
    let attributes = |name: &str| json!(only(&spans, name).attributes);
    assert_eq!(
        attributes("query"),
        json!({ "request.id": "id-1", "http.request.method": "POST", "url.path": "/graphql",
            "http.response.status_code": 200, "graphql.operation.name": "Ficha",
            "graphql.operation.type": "query" })
    );
    assert_eq!(
        attributes("operation"),
        json!({ "graphql.operation.name": "Ficha", "graphql.operation.type": "query" })
    );
    assert_eq!(
        attributes("batch enderecos.do_cliente"),
        json!({ "loader": "enderecos.do_cliente", "requests": 1 })
    );
    assert_eq!(
        attributes("enderecos.do_cliente"),
        json!({ "db.system.name": "mysql", "db.namespace": "enderecos",
            "db.operation.name": "enderecos.do_cliente", "db.query.summary": "enderecos.do_cliente", "rows": 2 })
    );
    let request = only(&spans, "query");
    assert_eq!((request.parent.as_str(), request.kind, &*request.state), (CALLER, SERVER, "a=1,b=2"));
    assert_eq!(only(&spans, "operation").kind, INTERNAL);
    assert_eq!(only(&spans, "catalogo.por_id").kind, CLIENT);
    assert!(spans.iter().all(|span| !span.is_error && span.events.is_empty() && span.links.is_empty()));
    let resource = rig.collector.resources.lock().expect("whole")[0].clone();
    assert_eq!(resource["service.name"], "quarteto");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_write_is_one_trace_too_and_nothing_in_it_is_about_a_person() {
    let app = TestApp::over(&shop::open().await).await;
    let rig = rig(0, NEVER_SLOW).await;
    let criar = "mutation Nova($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { nome }
        erros { codigo } } }";
    let input = json!({ "nome": "Ana Celik", "email": "ana.celik@example.com", "cpf": "529.982.247-25" });
    let request = app.write_request(criar, &json!({ "input": input }));
    let answer = send(request.header("traceparent", traceparent(1, "01"))).await;
    assert_eq!(answer.json["data"]["criarCliente"]["erros"], json!([]));
    let spans = rig.trace(1).await;
    assert_eq!(
        tree(&spans),
        "mutation
  operation
    criarCliente
      idempotency.nova
      clientes.cria
      idempotency.resultado
    batch clientes.por_id
      clientes.por_id
"
    );
    let transaction = only(&spans, "criarCliente");
    assert_eq!(
        json!(transaction.attributes),
        json!({ "db.system.name": "mysql", "db.namespace": "clientes", "db.operation.name": "criarCliente",
            "db.query.summary": "criarCliente" })
    );
    assert_eq!((transaction.kind, &only(&spans, "clientes.cria").attributes["rows"]), (CLIENT, &json!(1)));
    let all = format!("{:?}", rig.collector.spans()).to_lowercase();
    for personal in ["celik", "52998224725", "529.982", "editor", "leitor"] {
        assert!(!all.contains(personal), "{personal} in {all}");
    }
}

#[tokio::test]
async fn a_removal_is_followed_into_the_other_stores() {
    let app = TestApp::over(&shop::open().await).await;
    let rig = rig(0, NEVER_SLOW).await;
    let remover = "mutation { removerCliente(input: { id: \"cliente_2\" }) { erros { codigo } } }";
    let request = app.write_request(remover, &json!({})).header("traceparent", traceparent(1, "01"));
    let answer = send(request).await;
    assert_eq!(answer.json["data"]["removerCliente"]["erros"], json!([]), "{}", answer.json);
    // A machine that is slow renews its lease.
    let mut spans = rig.trace(1).await;
    spans.retain(|span| span.name != "outbox.renova");
    assert_eq!(
        tree(&spans),
        "mutation
  operation
    batch clientes.por_id
      clientes.por_id
    removerCliente
      idempotency.nova
      clientes.trava
      clientes.remove
      outbox.nova
      idempotency.resultado
    outbox.de
    outbox.toma
      outbox.livre
      outbox.toma
    enderecos.esquece_cliente
      guard.nota
      guard.trava
      guard.removido
      enderecos.remove_do_cliente
    inventario.esquece_cliente
      guard.nota
      guard.trava
      guard.removido
    outbox.feita
      outbox.feita
"
    );
}

#[tokio::test]
async fn what_strangers_make_up_is_in_no_trace_and_keeps_none() {
    let app = TestApp::start().await;
    let strange = |number: u8| {
        let request = app.request(Method::GET, "/clientes/52998224725?email=ana.celik@example.com");
        let request = request.basic_auth("ana.celik", Some("52998224725"));
        send(request.header("traceparent", traceparent(number, "01")))
    };
    let by_wish = rig(0, NEVER_SLOW).await;
    strange(1).await;
    send(app.anonymous(Method::GET, "/healthz").header("traceparent", traceparent(2, "01"))).await;
    send(app.anonymous(Method::POST, "/graphql").header("traceparent", traceparent(3, "01"))).await;
    ask_in(&app, &traceparent(4, "01"), FICHA, json!({ "id": "cliente_2" })).await;
    by_wish.trace(4).await;
    assert!(by_wish.collector.spans().iter().all(|span| span.trace == format!("{:032x}", 4)));
    drop(by_wish);

    let every = rig(0, 0).await;
    strange(5).await;
    let [request] = &every.trace(5).await[..] else { panic!("one span") };
    let attributes: Vec<&str> = request.attributes.keys().map(String::as_str).collect();
    assert_eq!(attributes, ["http.request.method", "http.response.status_code", "request.id"]);
    assert_eq!((&*request.name, &request.attributes["http.response.status_code"]), ("GET", &json!(401)));
    let all = format!("{:?}", every.collector.spans());
    assert!(!all.contains("celik") && !all.contains("52998224725"), "{all}");
}

#[tokio::test]
async fn requests_at_the_same_time_never_mix_and_shared_batches_are_linked_to_each() {
    const REQUESTS: u8 = 60;
    let app = Arc::new(TestApp::behind_proxies(DbLimits::default()).await);
    let rig = rig(0, NEVER_SLOW).await;
    let answers = (1..=REQUESTS).map(|number| {
        let app = Arc::clone(&app);
        async move {
            let query = FICHA.replace("Ficha", &format!("Ficha{number}"));
            let variables = json!({ "id": format!("cliente_{number}") });
            ask_in(&app, &traceparent(number, "01"), &query, variables).await
        }
    });
    for answer in join_all(answers).await {
        assert_eq!(answer.json.get("errors"), None);
    }
    let mut all = Vec::new();
    for number in 1..=REQUESTS {
        let spans = rig.trace(number).await;
        let (request, operation) = (only(&spans, "query"), only(&spans, "operation"));
        assert_eq!((request.parent.as_str(), &operation.parent), (CALLER, &request.id));
        assert_eq!(operation.attributes["graphql.operation.name"], format!("Ficha{number}"));
        let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
        assert_eq!(ids.len(), spans.len());
        for span in &spans {
            assert!(span.id == request.id || ids.contains(span.parent.as_str()), "{span:?} has no parent");
        }
        all.extend(spans);
    }
    let operations: BTreeSet<_> = all
        .iter()
        .filter(|span| span.name == "operation")
        .map(|span| (span.trace.clone(), span.id.clone()))
        .collect();
    let (mut served, mut shared) = (0, 0);
    for batch in all.iter().filter(|span| span.name.starts_with("batch ")) {
        let requests = batch.attributes["requests"].as_u64().expect("a number");
        let links: BTreeSet<_> = batch.links.iter().cloned().collect();
        // Below the first, linked to the others.
        assert_eq!(links.len() as u64 + 1, requests, "{batch:?}");
        assert!(links.is_subset(&operations));
        assert!(links.iter().all(|(trace, _)| *trace != batch.trace));
        served += requests;
        shared += u64::from(requests > 1);
    }
    assert_eq!(served, u64::from(REQUESTS) * 4, "each request has its four batches");
    assert!(shared > 0);
}

#[tokio::test]
async fn what_is_not_drawn_is_kept_when_it_failed() {
    let mut app = TestApp::behind_proxies(DbLimits::default()).await.once();
    let rig = rig(0, NEVER_SLOW).await;
    let ask = async |number: u8, query: &str, app: &TestApp| {
        ask_in(app, &traceparent(number, "00"), query, json!({ "id": "cliente_2" })).await
    };
    ask(1, FICHA, &app).await;
    ask(2, "query Errada { nada }", &app).await;
    let refused = only(&rig.trace(2).await, "operation").clone();
    assert!(refused.is_error);
    assert_eq!(refused.attributes["error.type"], "GRAPHQL_VALIDATION_FAILED");
    app.proxy(Store::Enderecos).cut().await;
    ask(3, FICHA, &app).await;
    let spans = rig.trace(3).await;
    assert_eq!(only(&spans, "query").attributes["error.type"], "STORE_UNAVAILABLE");
    assert_eq!(only(&spans, "enderecos.do_cliente").attributes["error.type"], "unavailable");
    let failed: Vec<&str> =
        spans.iter().filter(|span| span.is_error).map(|span| span.name.as_str()).collect();
    assert_eq!(BTreeSet::from_iter(failed), BTreeSet::from(["query", "operation", "enderecos.do_cliente"]));
    assert!(only(&spans, "clientes.por_id").attributes["rows"].is_u64(), "it is whole");
    assert_eq!(rig.collector.trace(1).len(), 0, "fast, well and not drawn");
}

#[tokio::test]
async fn what_is_answered_with_503_is_kept() {
    let app = TestApp::with(HttpLimits { requests: 0, ..HttpLimits::default() }).await;
    let rig = rig(0, NEVER_SLOW).await;
    ask_in(&app, &traceparent(1, "00"), FICHA, json!({ "id": "cliente_2" })).await;
    let [request] = &rig.trace(1).await[..] else { panic!("one span") };
    assert_eq!((request.name.as_str(), request.is_error), ("POST", true));
    assert_eq!(request.attributes["error.type"], "503");
}

#[tokio::test]
async fn what_is_not_drawn_is_kept_when_it_was_slow() {
    const SLOW: u64 = 20;
    let mut app = TestApp::counted(HttpLimits::default(), patience()).await;
    let rig = rig(0, SLOW).await;
    app.proxy(Store::Clientes).hold();
    let request = app.request(Method::POST, "/graphql").header("traceparent", traceparent(1, "00"));
    let asked = tokio::spawn(send(request.json(&json!({ "query": "{ cliente(id: 2) { nome } }" }))));
    app.proxy(Store::Clientes).holds_something().await;
    let held = Instant::now();
    while held.elapsed() < Duration::from_millis(SLOW) {
        tokio::task::yield_now().await;
    }
    app.proxy(Store::Clientes).restore().await;
    assert_eq!(asked.await.expect("it ran").json.get("errors"), None);
    let spans = rig.trace(1).await;
    assert_eq!(tree(&spans), "query\n  operation\n    batch clientes.por_id\n      clientes.por_id\n");
    assert!(spans.iter().all(|span| !span.is_error));
}

#[tokio::test]
async fn a_caller_who_cannot_be_read_is_no_caller() {
    let app = TestApp::start().await;
    let rig = rig(100, NEVER_SLOW).await;
    let eu =
        |parent: &str| app.request(Method::GET, "/graphql?query={eu{nome}}").header("traceparent", parent);
    send(eu(&traceparent(1, "01")).header("traceparent", traceparent(2, "01"))).await;
    send(eu(&traceparent(3, "1"))).await;
    send(eu(&traceparent(4, "01"))).await;
    rig.trace(4).await;
    let requests: Vec<Seen> = rig.collector.spans().into_iter().filter(|span| span.name == "query").collect();
    let mut parents: Vec<&str> = requests.iter().map(|span| span.parent.as_str()).collect();
    parents.sort_unstable();
    assert_eq!(parents, ["", "", CALLER]);
    let traces: BTreeSet<&str> = requests.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!((requests.len(), traces.len()), (3, 3), "{requests:?}");
}

/// The program, started in a folder of its own with the settings of a file.
fn serving(folder: &std::path::Path, settings: &str, format: &str) -> (Serving, String, String) {
    std::fs::write(folder.join("q.toml"), settings).expect("written");
    let serving = Serving::start_with(folder, &["--config", "q.toml", "--log-format", format]);
    let base = serving.word_after("Playground");
    (serving, base, "ana:senha-secreta".to_owned())
}

#[tokio::test]
async fn the_program_hands_over_its_traces_and_its_log_tells_their_ids() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(user(folder.path(), &["add", "ana"], "senha-secreta").0);
    let collector = Collector::start().await;
    let settings = format!("[telemetry]\notlp_url = \"{}\"\nratio = 100\n", collector.address);
    let (program, base, login) = serving(folder.path(), &settings, "json");
    let answer = ask(&base, &login, "query Quem { eu { nome } cliente(id: 1) { nome } }").await;
    assert_eq!(answer["data"]["eu"]["nome"], "ana", "{answer}");
    // What waits is handed over at the end.
    tokio::task::spawn_blocking(move || program.stop()).await.expect("stopped");
    let spans = collector.spans();
    assert_eq!(
        tree(&spans),
        "query\n  operation\n    batch clientes.por_id\n      clientes.por_id\n",
        "what the program does by itself is not among it"
    );
    let lines = logged(folder.path());
    let line = |message: &str| lines.iter().find(|line| line["message"] == message).expect(message);
    let (operation, start) = (line("operation"), line("serving"));
    let span = only(&spans, "operation");
    assert_eq!((&operation["trace_id"], &operation["span_id"]), (&json!(span.trace), &json!(span.id)));
    assert_eq!(
        operation["spans"].as_array().map(Vec::len),
        Some(1),
        "the log's own filter holds: {operation}"
    );
    assert_eq!(only(&spans, "query").attributes["request.id"], operation["spans"][0]["request.id"]);
    assert_eq!(start.get("trace_id"), None);

    // Nobody takes anything: nothing is slower for it, and it is told once.
    let down = "[telemetry]\notlp_url = \"http://127.0.0.1:1\"\nratio = 100\n";
    let (program, base, login) = serving(folder.path(), down, "pretty");
    for _ in 0..3 {
        let answer = ask(&base, &login, "query Quem { eu { nome } }").await;
        assert_eq!(answer["data"]["eu"]["nome"], "ana", "{answer}");
    }
    tokio::task::spawn_blocking(move || program.stop()).await.expect("stopped");
    let log = std::fs::read_to_string(Serving::log(folder.path())).expect("a log");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("traces were not taken")).collect();
    let [told] = told[..] else { panic!("once: {log}") };
    assert!(told.contains("http://127.0.0.1:1/v1/traces") && told.contains("lost="), "{told}");
    let operations: Vec<&str> = log.lines().filter(|line| line.contains("graphql.operation.name")).collect();
    assert_eq!(operations.len(), 3, "{log}");
    for line in operations {
        let (_, ids) = line.split_once(" trace_id=").expect(line);
        let (trace, span) = ids.split_once(" span_id=").expect(line);
        assert!(trace.len() == 32 && span.len() == 16, "{line}");
        assert!(!line.contains("operation{"), "{line}");
    }
}

#[test]
fn without_a_collector_there_is_nothing_and_one_that_cannot_be_is_named() {
    assert!(Traces::start(&Telemetry::default()).expect("settings").is_none());
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = quarteto(folder.path());
    command.arg("config").env("QUARTETO_OTLP_URL", "https://collector:4318");
    let output = run(&mut command);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("telemetry.otlp_url (QUARTETO_OTLP_URL)"), "{error}");
}
