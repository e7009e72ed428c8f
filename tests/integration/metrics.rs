//! `/metrics`: every number that is promised, and that each counts what it says.

use std::collections::{BTreeMap, BTreeSet};

use quarteto::db::{BreakerLimits, DbLimits, Store};
use reqwest::Method;

use crate::support::app::{Answer, send};
use crate::support::{Loss, TestApp, json, shop};

/// What one look at `/metrics` showed.
struct Numbers {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Numbers {
    async fn of(app: &TestApp) -> Self {
        let answer = send(app.request(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, 200);
        let text = answer.json.as_str().expect("no JSON").to_owned();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.strip_prefix("quarteto_").unwrap_or(name).to_owned(), value.parse().expect("a number"))
        });
        let series = series.collect();
        Self { text, series }
    }

    /// The series of a family that are not zero, by their labels.
    fn family(&self, name: &str) -> BTreeMap<&str, f64> {
        let labels =
            |series: &'_ str| series.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}').map(str::len);
        self.series
            .iter()
            .filter(|(_, value)| **value != 0.0)
            .filter_map(|(series, value)| {
                let length = labels(series)?;
                Some((&series[series.len() - 1 - length..series.len() - 1], *value))
            })
            .collect()
    }

    fn of_store(&self, name: &str, store: Store) -> f64 {
        self.series[&format!("{name}{{store=\"{store}\"}}")]
    }
}

/// Breaks easily and tries again late, so that nothing changes by itself.
fn brittle() -> DbLimits {
    let breaker = BreakerLimits {
        failures_in_a_row: 2,
        rest: std::time::Duration::from_secs(600),
        ..BreakerLimits::default()
    };
    DbLimits { breaker, ..DbLimits::default() }
}

/// Name and type of everything that the page declares.
fn declared(text: &str) -> BTreeSet<(String, String)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

#[tokio::test]
async fn the_page_shows_what_its_document_lists_and_nothing_else() {
    let app = TestApp::with_replicas(&shop::open().await).await.once();
    app.removals.look().await;
    app.ask("query Uma { eu { nome } }").await;
    app.ask("{ nada }").await;
    let numbers = Numbers::of(&app).await;
    let document = include_str!("../../docs/metrics.md");
    let rows: Vec<Vec<&str>> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_end_matches('`')).collect())
        .collect();
    let listed: BTreeSet<_> = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    assert_eq!(declared(&numbers.text), listed);
    for row in rows {
        let labels: BTreeSet<&str> =
            row[2].split([',', '`', ' ']).filter(|label| !label.is_empty()).collect();
        let name = row[0].strip_prefix("quarteto_").unwrap_or(row[0]);
        let ends = [name.to_owned(), format!("{name}_count")];
        let mut shown = 0;
        for series in numbers.series.keys() {
            let (family, inside) = series.split_once('{').unwrap_or((series, ""));
            if ends.iter().any(|end| end == family) {
                let inside = inside.trim_end_matches('}').split("\",");
                let inside: BTreeSet<&str> =
                    inside.filter_map(|label| Some(label.split_once('=')?.0)).collect();
                assert_eq!(inside, labels, "{series}");
                shown += 1;
            }
        }
        assert!(shown > 0, "{name} has no series");
    }
    for (series, value) in &numbers.series {
        let alive = series.starts_with("process_") || series.starts_with("build_info");
        assert!(!alive || *value > 0.0, "{series} {value}");
    }
}

#[tokio::test]
async fn a_look_costs_no_statement_and_needs_a_login() {
    let app = TestApp::behind_proxies(DbLimits::default()).await;
    app.data("{ clientes(first: 1) { nodes { nome } } }").await;
    let before = app.executed();
    for _ in 0..3 {
        Numbers::of(&app).await;
    }
    assert_eq!(app.executed(), before);
    let refused = send(app.anonymous(Method::GET, "/metrics")).await;
    assert_eq!((refused.status, refused.codes()), (401, vec!["UNAUTHENTICATED".to_owned()]));
    let written = send(app.request(Method::POST, "/metrics")).await;
    assert_eq!(written.status, 405);
}

#[tokio::test]
async fn both_formats_are_spoken() {
    let app = TestApp::start().await.once();
    // What Prometheus 2 and 3 send, and what a person at a terminal does.
    for (accept, is_open) in [
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", true),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.5", true),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.1", false),
        ("*/*", false),
    ] {
        let answer = send(app.request(Method::GET, "/metrics").header("Accept", accept)).await;
        let media = answer.header("content-type").expect("a type");
        let expected = if is_open {
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        } else {
            "text/plain; version=0.0.4; charset=utf-8"
        };
        assert_eq!((media, answer.header("cache-control")), (expected, Some("no-store")), "{accept}");
        let text = answer.json.as_str().expect("text");
        assert_eq!(text.ends_with("# EOF\n"), is_open, "{accept}");
    }
}

#[tokio::test]
async fn operations_are_counted_by_what_came_of_them() {
    let mut app = TestApp::behind_proxies(brittle()).await;
    app.data("query Uma { eu { nome } }").await;
    app.data("query Uma { eu { nome } }").await;
    app.proxy(Store::Catalogo).cut().await;
    app.ask(r#"query Meia { eu { nome } produto(id: "produto_1") { nome } }"#).await;
    app.ask("{ nada }").await;
    app.ask("{").await;
    // There are no subscriptions.
    app.ask("subscription { nada }").await;
    let remover =
        "mutation Tira($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido } }";
    let input = json!({ "input": { "id": "cliente_1" } });
    let forbidden = app.ask_with(remover, input).await;
    assert_eq!(forbidden.codes(), ["FORBIDDEN"]);
    let numbers = Numbers::of(&app).await;
    assert_eq!(
        numbers.family("operations_total"),
        BTreeMap::from([
            ("kind=\"query\",outcome=\"ok\"", 2.0),
            ("kind=\"query\",outcome=\"partial\"", 1.0),
            ("kind=\"query\",outcome=\"refused\"", 1.0),
            ("kind=\"subscription\",outcome=\"refused\"", 1.0),
            ("kind=\"unknown\",outcome=\"refused\"", 1.0),
            ("kind=\"mutation\",outcome=\"failed\"", 1.0),
        ])
    );
    assert_eq!(
        numbers.family("errors_total"),
        BTreeMap::from([
            ("code=\"FORBIDDEN\"", 1.0),
            ("code=\"GRAPHQL_PARSE_FAILED\"", 1.0),
            ("code=\"GRAPHQL_VALIDATION_FAILED\"", 2.0),
            ("code=\"STORE_UNAVAILABLE\"", 1.0),
        ])
    );
    assert_eq!(
        numbers.family("operations_by_name_total"),
        BTreeMap::from([
            ("operation=\"Meia\"", 1.0),
            ("operation=\"Tira\"", 1.0),
            ("operation=\"Uma\"", 2.0)
        ])
    );
    assert_eq!(numbers.family("operation_duration_seconds_count")["kind=\"query\""], 4.0);
}

#[tokio::test]
async fn names_are_bounded() {
    let app = TestApp::start().await.once();
    for number in 0..130 {
        app.data(&format!("query Nome{number} {{ eu {{ nome }} }}")).await;
    }
    let numbers = Numbers::of(&app).await;
    let names = numbers.family("operations_by_name_total");
    assert_eq!(names.len(), 101);
    assert_eq!(names["operation=\"(other)\""], 30.0);
}

#[tokio::test]
async fn logins_and_answers_are_counted() {
    let app = TestApp::start().await.once();
    let ask = |request: reqwest::RequestBuilder| send(request);
    app.data("{ eu { nome } }").await;
    ask(app.anonymous(Method::GET, "/graphiql")).await;
    ask(app.anonymous(Method::GET, "/graphiql").header("Authorization", "Basic %")).await;
    ask(app.anonymous(Method::GET, "/graphiql").basic_auth("leitor", Some("falsa"))).await;
    ask(app.anonymous(Method::GET, "/healthz")).await;
    ask(app.request(Method::GET, "/nada")).await;
    let numbers = Numbers::of(&app).await;
    assert_eq!(
        numbers.family("logins_total"),
        BTreeMap::from([
            ("outcome=\"malformed\"", 1.0),
            ("outcome=\"missing\"", 1.0),
            ("outcome=\"ok\"", 3.0),
            ("outcome=\"wrong\"", 1.0),
        ])
    );
    assert_eq!(
        numbers.family("http_responses_total"),
        BTreeMap::from([("status=\"200\"", 2.0), ("status=\"401\"", 3.0), ("status=\"404\"", 1.0)])
    );
    assert_eq!(numbers.series["http_requests_in_flight"], 1.0, "the look itself");
    assert_eq!(numbers.series["http_requests_max"], 2000.0);
}

/// Statements per store that answers tell of.
fn told(answers: &[Answer]) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for (store, statements) in answers.iter().flat_map(Answer::statements) {
        *all.entry(format!("store=\"{store}\",outcome=\"answered\"")).or_default() +=
            f64::from(u32::try_from(statements).expect("few"));
    }
    all
}

#[tokio::test]
async fn statements_are_counted_as_the_answers_tell() {
    let app = TestApp::over(&shop::open().await).await.once();
    let walk = "{ clientes(first: 20) { nodes { nome enderecos { cidade } compras(first: 2) { nodes { produto { nome } } } } } }";
    let criar = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } } }";
    let ana = json!({ "input": { "nome": "Ana", "cpf": "529.982.247-25", "email": "ana@example.com" } });
    let answers = [app.ask(walk).await, app.ask(walk).await, app.write_with(criar, ana).await];
    let numbers = Numbers::of(&app).await;
    let counted = numbers.family("statements_total");
    let told = told(&answers);
    assert!(told.len() == 4, "{told:?}");
    assert_eq!(counted, told.iter().map(|(labels, count)| (labels.as_str(), *count)).collect());
    let rows: u64 = answers
        .iter()
        .flat_map(|answer| answer.json["extensions"]["quarteto"]["stores"].as_array().expect("a report"))
        .map(|store| store["linhas"].as_u64().expect("a number"))
        .sum();
    let counted: f64 = numbers.family("statement_rows_total").values().sum();
    assert_eq!(counted, f64::from(u32::try_from(rows).expect("few")));
    assert_eq!(numbers.family("statement_duration_seconds_count").len(), 4);
    let most = f64::from(u32::try_from(DbLimits::default().connections).expect("few"));
    for store in Store::ALL {
        let state =
            |state: &str| numbers.series[&format!("pool_connections{{store=\"{store}\",state=\"{state}\"}}")];
        assert_eq!((state("used"), numbers.of_store("pool_waiting", store)), (0.0, 0.0));
        assert!(state("idle") >= 1.0);
        assert_eq!(numbers.of_store("pool_connections_max", store), most);
    }
}

#[tokio::test]
async fn a_store_that_is_down_shows() {
    let mut app = TestApp::behind_proxies(brittle()).await;
    app.proxy(Store::Catalogo).cut().await;
    for _ in 0..3 {
        app.ask(r#"{ produto(id: "produto_1") { nome } }"#).await;
    }
    let numbers = Numbers::of(&app).await;
    assert_eq!(
        numbers.family("statements_total"),
        BTreeMap::from([("store=\"catalogo\",outcome=\"unavailable\"", 2.0)])
    );
    assert_eq!(numbers.family("statements_refused_total"), BTreeMap::from([("store=\"catalogo\"", 1.0)]));
    assert_eq!(numbers.family("circuit_open"), BTreeMap::from([("store=\"catalogo\"", 1.0)]));
}

#[tokio::test]
async fn what_fails_around_a_write_is_counted_too() {
    let mut app = TestApp::over_proxies(&shop::open().await, brittle()).await;
    let criar = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } erros { codigo } } }";
    let ana = json!({ "nome": "Ana", "cpf": "529.982.247-25", "email": "ana@example.com" });
    app.write(criar, ana.clone()).await;
    let taken = app.write(criar, ana.clone()).await;
    assert_eq!(taken["erros"][0]["codigo"], "JA_CADASTRADO");
    app.proxy(Store::Clientes).lose_next_commit(Loss::AfterCommitForGood);
    let bia = json!({ "nome": "Bia", "cpf": "111.444.777-35", "email": "bia@example.com" });
    let answer = app.write_with(criar, json!({ "input": bia })).await;
    assert_eq!(answer.codes(), ["OUTCOME_UNKNOWN"]);
    let numbers = Numbers::of(&app).await;
    let outcomes = numbers.family("statements_total");
    assert_eq!(outcomes["store=\"clientes\",outcome=\"duplicate\""], 1.0);
    assert_eq!(outcomes["store=\"clientes\",outcome=\"outcome_unknown\""], 1.0);
    assert!(
        outcomes["store=\"clientes\",outcome=\"unavailable\""] >= 1.0,
        "the look for what became of it: {outcomes:?}"
    );
}

const REMOVER: &str =
    "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { enderecos } }";

#[tokio::test]
async fn a_removal_shows_while_it_is_open_and_when_it_is_done() {
    let limits = DbLimits {
        breaker: BreakerLimits { rest: std::time::Duration::ZERO, ..BreakerLimits::default() },
        ..DbLimits::default()
    };
    let mut app = TestApp::over_proxies(&shop::open().await, limits).await;
    assert_eq!(Numbers::of(&app).await.family("outbox_looked_timestamp_seconds").len(), 0, "not seen yet");
    app.proxy(Store::Enderecos).cut().await;
    assert_eq!(app.write(REMOVER, json!({ "id": "cliente_2" })).await["enderecos"], "PENDENTE");
    app.removals.look().await;
    let open = Numbers::of(&app).await;
    assert_eq!(open.family("outbox_open"), BTreeMap::from([("store=\"clientes\"", 1.0)]));
    assert_eq!(open.family("outbox_parked"), BTreeMap::new());
    assert!(open.of_store("outbox_oldest_age_seconds", Store::Clientes) > 0.0);
    assert_eq!(open.of_store("outbox_oldest_age_seconds", Store::Inventario), 0.0);
    let looked = open.family("outbox_looked_timestamp_seconds");
    assert_eq!(looked.keys().copied().collect::<Vec<_>>(), ["store=\"clientes\"", "store=\"inventario\""]);
    assert_eq!(open.family("outbox_steps_total"), BTreeMap::from([("outcome=\"put_off\"", 1.0)]));

    app.proxy(Store::Enderecos).restore().await;
    app.removals.hasten().await.expect("hastened");
    assert_eq!(app.removals.round().await, 1);
    app.removals.look().await;
    let done = Numbers::of(&app).await;
    assert_eq!(done.family("outbox_open"), BTreeMap::new());
    assert_eq!(done.of_store("outbox_oldest_age_seconds", Store::Clientes), 0.0);
    assert_eq!(
        done.family("outbox_steps_total"),
        BTreeMap::from([("outcome=\"done\"", 1.0), ("outcome=\"put_off\"", 1.0)])
    );
}

#[tokio::test]
async fn work_that_waits_for_a_person_shows_and_does_not_age() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    let unknown = "INSERT INTO `outbox` (`task`, `target`, `policy`, `created_at`) VALUES ('from_the_future', 1, 'manter', '2020-01-01')";
    shop::sql(&databases, Store::Inventario, unknown).await;
    app.removals.look().await;
    let open = Numbers::of(&app).await;
    assert!(open.of_store("outbox_oldest_age_seconds", Store::Inventario) > 180_000_000.0, "six years");
    assert_eq!(app.removals.round().await, 1);
    app.removals.look().await;
    let parked = Numbers::of(&app).await;
    assert_eq!(parked.family("outbox_open"), BTreeMap::new());
    assert_eq!(parked.family("outbox_parked"), BTreeMap::from([("store=\"inventario\"", 1.0)]));
    assert_eq!(parked.of_store("outbox_oldest_age_seconds", Store::Inventario), 0.0);
    assert_eq!(parked.family("outbox_steps_total"), BTreeMap::from([("outcome=\"parked\"", 1.0)]));
}
