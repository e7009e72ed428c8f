//! The attack suite: one table. Each row is a request that must be refused, with
//! its status and its code; not one statement may reach a store, which is counted
//! on the wire.

use std::num::NonZeroU32;
use std::sync::Arc;

use quarteto::config::{Introspection, Rate};
use quarteto::db::DbLimits;
use quarteto::http::{HttpLimits, TrustedProxies};
use quarteto::operation::trusted::{TrustMode, Trusted};
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};

use crate::support::app::{PASSWORD, listed_origin, send};
use crate::support::{TestApp, Value, json};

/// A request, its status, the code of its first error.
type Row = (&'static str, RequestBuilder, u16, &'static str);

const GRAPHQL: &str = "application/graphql-response+json";

async fn serve(bounds: HttpLimits) -> TestApp {
    TestApp::counted(HttpLimits { origins: listed_origin(), ..bounds }, DbLimits::default()).await
}

async fn all_refused(app: &TestApp, rows: Vec<Row>) {
    for (name, request, status, code) in rows {
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
        assert_eq!(answer.codes().first().map(String::as_str), Some(code), "{name}");
        assert_eq!(app.executed(), 0, "{name}: statements");
        assert_eq!(answer.json.get("data"), None, "{name}");
        for header in ["x-content-type-options", "x-request-id", "cache-control"] {
            assert!(answer.header(header).is_some(), "{name}: {header}");
        }
    }
}

/// A POST that a reader of ours could send, but for what a row changes.
fn post(app: &TestApp, body: impl Into<reqwest::Body>) -> RequestBuilder {
    typed(app, "application/json", body).header("Accept", GRAPHQL)
}

fn typed(app: &TestApp, media: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    app.request(Method::POST, "/graphql").header("Content-Type", media).body(body)
}

fn query(app: &TestApp, query: &str) -> RequestBuilder {
    with(app, query, &json!({}))
}

fn with(app: &TestApp, query: &str, variables: &Value) -> RequestBuilder {
    post(app, json!({ "query": query, "variables": variables }).to_string())
}

fn get(app: &TestApp, query: &str) -> RequestBuilder {
    let mut url = reqwest::Url::parse("http://x/graphql").expect("a URL");
    url.query_pairs_mut().append_pair("query", query);
    app.request(Method::GET, &format!("/graphql?{}", url.query().unwrap_or_default()))
}

const PAGE: &str = "{ clientes(first: 1) { nodes { nome } } }";

fn page() -> String {
    json!({ "query": PAGE }).to_string()
}

#[tokio::test]
async fn the_table_is_of_requests_that_would_work() {
    let app = serve(HttpLimits::default()).await;
    for request in [post(&app, page()), query(&app, PAGE), get(&app, PAGE)] {
        let before = app.executed();
        let answer = send(request).await;
        assert_eq!((answer.status, answer.json.get("errors")), (200, None));
        assert!(app.executed() > before, "the counter counts");
    }
}

#[tokio::test]
async fn foreign_pages() {
    let app = serve(HttpLimits::default()).await;
    let foreign = |name: &'static str, value: &'static str| post(&app, page()).header(name, value);
    let read = |name: &'static str, value: &'static str| get(&app, PAGE).header(name, value);
    all_refused(
        &app,
        vec![
            ("a page of another site", foreign("Sec-Fetch-Site", "cross-site"), 403, "FORBIDDEN"),
            ("a page of another host of the site", foreign("Sec-Fetch-Site", "same-site"), 403, "FORBIDDEN"),
            ("a site that no browser says", foreign("Sec-Fetch-Site", "nonsense"), 403, "FORBIDDEN"),
            ("another origin", foreign("Origin", "https://evil.example"), 403, "FORBIDDEN"),
            ("a sandboxed page", foreign("Origin", "null"), 403, "FORBIDDEN"),
            (
                "a listed origin with more behind it",
                foreign("Origin", "https://app.example.com.evil.example"),
                403,
                "FORBIDDEN",
            ),
            (
                "a listed origin over plain HTTP",
                foreign("Origin", "http://app.example.com"),
                403,
                "FORBIDDEN",
            ),
            (
                "a listed origin on another port",
                foreign("Origin", "https://app.example.com:8443"),
                403,
                "FORBIDDEN",
            ),
            ("an image of another site", read("Sec-Fetch-Site", "cross-site"), 403, "FORBIDDEN"),
            (
                "a link typed by hand, which a GET must not run",
                read("Sec-Fetch-Site", "none"),
                403,
                "FORBIDDEN",
            ),
            (
                "a preflight header does not excuse another site",
                read("Sec-Fetch-Site", "cross-site").header("Apollo-Require-Preflight", "1"),
                403,
                "FORBIDDEN",
            ),
        ],
    )
    .await;
    for origin in ["https://evil.example", "null", "https://app.example.com.evil.example"] {
        let preflight = app.anonymous(Method::OPTIONS, "/graphql").header("Origin", origin);
        let answer = send(preflight.header("Access-Control-Request-Method", "POST")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    assert_eq!(app.executed(), 0);
}

#[tokio::test]
async fn bodies_that_a_form_could_send_or_that_lie() {
    let app = serve(HttpLimits::default()).await;
    let twice = post(&app, page()).header("Content-Type", "application/json");
    let bytes = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a value");
    let odd = |value: &[u8]| {
        app.request(Method::POST, "/graphql").header("Content-Type", bytes(value)).body(page())
    };
    let form = "application/x-www-form-urlencoded";
    all_refused(
        &app,
        vec![
            ("no type", app.request(Method::POST, "/graphql").body(page()), 415, "BAD_REQUEST"),
            ("text", typed(&app, "text/plain", page()), 415, "BAD_REQUEST"),
            ("a form", typed(&app, form, format!("query={PAGE}")), 415, "BAD_REQUEST"),
            ("an upload", typed(&app, "multipart/form-data; boundary=x", page()), 415, "BAD_REQUEST"),
            ("raw GraphQL", typed(&app, "application/graphql", PAGE), 415, "BAD_REQUEST"),
            (
                "text that mentions JSON",
                typed(&app, "text/plain; application/json", page()),
                415,
                "BAD_REQUEST",
            ),
            ("a list of types", typed(&app, "text/plain, application/json", page()), 415, "BAD_REQUEST"),
            ("a longer type", typed(&app, "application/jsonp", page()), 415, "BAD_REQUEST"),
            ("two types", twice, 415, "BAD_REQUEST"),
            ("an empty type", odd(b""), 415, "BAD_REQUEST"),
            ("a type that is no text", odd(b"application/json\xff"), 415, "BAD_REQUEST"),
            ("another charset", typed(&app, "application/json; charset=utf-7", page()), 415, "BAD_REQUEST"),
            ("a GET with a type", get(&app, PAGE).header("Content-Type", "text/plain"), 415, "BAD_REQUEST"),
            (
                "an answer that we do not give",
                typed(&app, "application/json", page()).header("Accept", "image/png"),
                406,
                "BAD_REQUEST",
            ),
            ("no JSON", post(&app, "{"), 400, "BAD_REQUEST"),
            ("JSON that is not UTF-8", post(&app, &b"{\"query\":\"\xff\"}"[..]), 400, "BAD_REQUEST"),
            ("deep JSON", post(&app, "[".repeat(100_000)), 400, "BAD_REQUEST"),
            (
                "deep variables",
                post(&app, format!("{{\"variables\":{}", "{\"a\":".repeat(100_000))),
                400,
                "BAD_REQUEST",
            ),
            ("no operation", post(&app, "{}"), 400, "BAD_REQUEST"),
            (
                "variables in a list",
                post(&app, r#"{"query":"{ eu { nome } }","variables":[7]}"#),
                400,
                "BAD_REQUEST",
            ),
            ("two operations in a list", post(&app, format!("[{0},{0}]", page())), 400, "BAD_REQUEST"),
            ("a body that is too large", post(&app, " ".repeat((1 << 20) + 1)), 413, "BAD_REQUEST"),
            ("another method", app.request(Method::PUT, "/graphql").body(page()), 405, "BAD_REQUEST"),
            ("a mutation by GET", get(&app, "mutation { apagar }"), 405, "BAD_REQUEST"),
            ("a subscription by GET", get(&app, "subscription { tudo }"), 405, "BAD_REQUEST"),
            (
                "a mutation by GET behind a query",
                app.request(
                    Method::GET,
                    "/graphql?query=query%20A%7Beu%7Bnome%7D%7D%20mutation%20B%7Bx%7D&operationName=B",
                ),
                405,
                "BAD_REQUEST",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn documents_that_are_too_much() {
    let app = serve(HttpLimits::default()).await;
    let deep = |open: &str, close: &str| format!("{{ a(b: {}1{}) }}", open.repeat(2000), close.repeat(2000));
    // Nine hundred bytes that double at every level.
    let mut bomb = String::from("{...a}");
    for pair in ('a'..='z').collect::<Vec<_>>().windows(2) {
        bomb.push_str(&format!("fragment {} on Query{{...{} ...{}}}", pair[0], pair[1], pair[1]));
    }
    bomb.push_str("fragment z on Query{__typename}");
    let mut chain = String::from("{...f0}");
    for level in 0..950 {
        chain.push_str(&format!("fragment f{level} on Query{{...f{}}}", level + 1));
    }
    let levels = format!("{{ {} nome {} }}", "clientes { nodes { ".repeat(13), "} }".repeat(13));
    let fields: String = (0..2001).map(|_| "nome ").collect();
    let aliases: String = (0..201).map(|number| format!("a{number}: nome ")).collect();
    let costly = "{ clientes(first: 100) { nodes { compras(first: 100) { nodes { produto { compras(first: 3) { nodes { id } } } } } } } }";
    let by_variable = "query($n: Int!) { clientes(first: $n) { nodes { compras(first: $n) { nodes { produto { nome } } } } } }";
    let by_fragment = "{ ...A } fragment A on Query { clientes(first: 100) { nodes { ...B } } } fragment B on Cliente { compras(first: 100) { nodes { cliente { nome } produto { nome } } } }";
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let many = json!({ "r": vec![json!({ "__typename": "Cliente", "id": "1" }); 20_001] });
    all_refused(
        &app,
        vec![
            ("a deep object", query(&app, &deep("{a:", "}")), 400, "LIMITE_PROFUNDIDADE"),
            ("a deep list", query(&app, &deep("[", "]")), 400, "LIMITE_PROFUNDIDADE"),
            ("deep selections", query(&app, &"{a".repeat(3000)), 400, "LIMITE_PROFUNDIDADE"),
            ("deep fields", query(&app, &levels), 400, "LIMITE_PROFUNDIDADE"),
            ("a chain of fragments", query(&app, &chain), 400, "LIMITE_PROFUNDIDADE"),
            ("a fragment in itself", query(&app, "{...a} fragment a on Query{...a}"), 400, "LIMITE_PROFUNDIDADE"),
            ("a fragment bomb", query(&app, &bomb), 400, "LIMITE_CUSTO"),
            ("bytes", query(&app, &format!("{{ eu {{ nome }} }} #{}", "x".repeat(100 << 10))), 400, "LIMITE_CUSTO"),
            ("tokens", query(&app, &format!("{{ eu {{ {} }} }}", "a ".repeat(10_001))), 400, "LIMITE_CUSTO"),
            ("selections", query(&app, &format!("{{ eu {{ {fields} }} }}")), 400, "LIMITE_CUSTO"),
            ("root fields", query(&app, &format!("{{ {} }}", "eu { nome } ".repeat(51))), 400, "LIMITE_CUSTO"),
            ("aliases", query(&app, &format!("{{ eu {{ {aliases} }} }}")), 400, "LIMITE_ALIASES"),
            (
                "directives",
                query(&app, &format!("{{ eu {{ nome {} }} }}", "@skip(if: false) ".repeat(51))),
                400,
                "LIMITE_DIRETIVAS",
            ),
            ("cost", query(&app, costly), 400, "LIMITE_CUSTO"),
            ("cost by a variable", with(&app, by_variable, &json!({ "n": 100 })), 400, "LIMITE_CUSTO"),
            ("cost behind fragments", query(&app, by_fragment), 400, "LIMITE_CUSTO"),
            ("a number that is no Int", query(&app, "{ clientes(first: 18446744073709551615) { nodes { id } } }"), 400, "GRAPHQL_VALIDATION_FAILED"),
            ("a number that overflows", query(&app, "{ clientes(first: 2147483647) { nodes { compras(first: 2147483647) { nodes { cliente { compras(first: 2147483647) { nodes { id } } } } } } } }"), 400, "LIMITE_CUSTO"),
            (
                "ids",
                with(&app, "query($i: [ID!]!) { nodes(ids: $i) { id } }", &json!({ "i": vec!["cliente_1"; 101] })),
                400,
                "LIMITE_LISTA",
            ),
            ("entities", with(&app, entities, &many), 400, "LIMITE_LISTA"),
            ("no GraphQL", query(&app, "{ eu { nome }"), 400, "GRAPHQL_PARSE_FAILED"),
            ("an unknown field", query(&app, "{ clientes { nodes { senha } } }"), 400, "GRAPHQL_VALIDATION_FAILED"),
            (
                "cost under a name that it does not have",
                post(&app, json!({ "query": costly, "operationName": "A" }).to_string()),
                400,
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("cost by GET", get(&app, costly).header("Accept", GRAPHQL), 400, "LIMITE_CUSTO"),
        ],
    )
    .await;
}

#[tokio::test]
async fn logins_that_are_none() {
    let app = serve(HttpLimits::default()).await;
    let row = |name: &'static str, value: &[u8]| -> Row {
        let value = HeaderValue::from_bytes(value).expect("a value");
        let request = app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json");
        (name, request.body(page()).header("Authorization", value), 401, "UNAUTHENTICATED")
    };
    let right = reqwest::Client::new()
        .get("http://x")
        .basic_auth("leitor", Some(PASSWORD))
        .build()
        .expect("a request");
    let right = right.headers()["authorization"].clone();
    let several =
        app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json").body(page());
    let several = several.header("Authorization", "Basic eDp5").header("Authorization", right.clone());
    let swapped =
        app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json").body(page());
    let swapped = swapped.header("Authorization", right).header("Authorization", "Basic eDp5");
    let none =
        app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json").body(page());
    all_refused(
        &app,
        vec![
            ("none", none, 401, "UNAUTHENTICATED"),
            row("empty", b""),
            row("the scheme alone", b"Basic"),
            row("the scheme and a space", b"Basic "),
            row("another scheme", b"Bearer bGVpdG9yOng="),
            row("a digest", b"Digest username=\"leitor\""),
            row("no base64", b"Basic !!!!"),
            row("base64 with a hole", b"Basic bGVp dG9yOng="),
            row("base64 without its padding", b"Basic bGVpdG9yOng"),
            row("base64 for URLs", b"Basic bGVpdG9yOng_-w=="),
            row("no colon", b"Basic bGVpdG9y"),
            row("a name that is not UTF-8", b"Basic /////zo="),
            row("bytes that are no text", b"Basic \xff\xfe\xfd"),
            row("an empty name and password", b"Basic Og=="),
            row("a tab for a space", b"Basic\tbGVpdG9yOng="),
            row("huge", format!("Basic {}", "A".repeat(20_000)).as_bytes()),
            ("several, the right one last", several, 401, "UNAUTHENTICATED"),
            ("several, the right one first", swapped, 401, "UNAUTHENTICATED"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_a_papel_may_not() {
    let app = serve(HttpLimits { introspection: Introspection::Admin, ..HttpLimits::default() }).await;
    all_refused(
        &app,
        vec![
            ("the schema", query(&app, "{ __schema { types { name } } }"), 400, "FORBIDDEN"),
            ("a type", query(&app, "{ __type(name: \"Cliente\") { name } }"), 400, "FORBIDDEN"),
            (
                "behind a fragment",
                query(&app, "{ ...A } fragment A on Query { __schema { types { name } } }"),
                400,
                "FORBIDDEN",
            ),
            ("under another name", query(&app, "{ eu: __schema { types { name } } }"), 400, "FORBIDDEN"),
            ("as SDL", app.request(Method::GET, "/schema.graphql"), 403, "FORBIDDEN"),
        ],
    )
    .await;
    // Nor by guessing.
    for guess in ["{ clientez { total } }", "{ clientes(frst: 1) { total } }", "{ eu { nom } }"] {
        let answer = send(query(&app, guess)).await;
        assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
        assert!(!answer.json.to_string().contains("mean"), "{}", answer.json);
        let admin = app.anonymous(Method::POST, "/graphql").basic_auth("admin", Some(PASSWORD));
        let told = send(admin.json(&json!({ "query": guess }))).await;
        assert!(told.json.to_string().contains("Did you mean"), "{}", told.json);
    }
}

#[tokio::test]
async fn operations_that_nobody_trusts() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.graphql"), "query A { clientes(first: 1) { nodes { nome } } }")
        .expect("written");
    let trusted = Trusted::open(folder.path(), TrustMode::Enforce).expect("readable");
    let app = serve(HttpLimits { trusted: Some(Arc::new(trusted)), batch: 5, ..HttpLimits::default() }).await;
    let smuggled = "query A { clientes(first: 1) { nodes { nome } } } query B { clientes { nodes { cpf } } }";
    let id = json!({ "documentId": "a.graphql" }).to_string();
    let hash = json!({ "query": PAGE, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": sha256(PAGE) } } });
    all_refused(
        &app,
        vec![
            ("a document of one's own", query(&app, PAGE), 400, "UNTRUSTED_DOCUMENT"),
            (
                "more fields",
                query(&app, "query A { clientes(first: 1) { nodes { nome cpf } } }"),
                400,
                "UNTRUSTED_DOCUMENT",
            ),
            (
                "other arguments",
                query(&app, "query A { clientes(first: 100) { nodes { nome } } }"),
                400,
                "UNTRUSTED_DOCUMENT",
            ),
            (
                "beside a trusted one",
                post(&app, json!({ "query": smuggled, "operationName": "B" }).to_string()),
                400,
                "UNTRUSTED_DOCUMENT",
            ),
            (
                "under a name that it does not have",
                post(&app, json!({ "query": PAGE, "operationName": "A" }).to_string()),
                400,
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "two without a choice",
                post(&app, json!({ "query": smuggled }).to_string()),
                400,
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("an unknown id", post(&app, id), 400, "PERSISTED_QUERY_NOT_FOUND"),
            ("under a hash", post(&app, hash.to_string()), 400, "UNTRUSTED_DOCUMENT"),
            ("by GET", get(&app, PAGE).header("Accept", GRAPHQL), 400, "UNTRUSTED_DOCUMENT"),
        ],
    )
    .await;
    let list = send(post(&app, format!("[{},{}]", page(), page()))).await;
    for answer in list.json.as_array().expect("a list") {
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNTRUSTED_DOCUMENT");
    }
    assert_eq!(app.executed(), 0);
}

#[tokio::test]
async fn lists_of_operations() {
    let app = serve(HttpLimits { batch: 3, ..HttpLimits::default() }).await;
    let half =
        json!({ "query": "{ clientes(first: 100) { nodes { compras(first: 99) { nodes { id } } } } }" });
    all_refused(
        &app,
        vec![
            ("too many", post(&app, format!("[{0},{0},{0},{0}]", page())), 400, "LIMITE_LOTE"),
            ("none", post(&app, "[]"), 400, "BAD_REQUEST"),
            ("open", post(&app, "[{"), 400, "BAD_REQUEST"),
        ],
    )
    .await;
    let list = send(post(&app, json!([half, half, half]).to_string())).await;
    assert_eq!(list.json.as_array().map(Vec::len), Some(3));
    for answer in list.json.as_array().expect("a list") {
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMITE_CUSTO", "their sum counts");
        assert_eq!(
            answer["errors"][0]["message"],
            "The operation may cost 30303; at most 20000 is allowed. Ask for smaller pages, or fewer inside each other."
        );
    }
    assert_eq!(app.executed(), 0);
}

#[tokio::test]
async fn a_user_who_spends_too_much() {
    let some = |number| NonZeroU32::new(number).expect("not zero");
    let rate = Some(Rate { per_minute: some(1), burst: some(30) });
    let app = serve(HttpLimits { rate, batch: 5, ..HttpLimits::default() }).await;
    let spent = send(query(&app, "{ eu { nome } }")).await;
    assert_eq!((spent.status, spent.header("ratelimit")), (200, Some("\"cost\";r=29;t=60")));
    assert_eq!(spent.header("ratelimit-policy"), Some("\"cost\";q=30;w=1800;qu=\"cost\""));
    // A refusal is not free either, and what can never be paid is told so.
    assert_eq!(send(query(&app, "{")).await.header("ratelimit"), Some("\"cost\";r=28;t=120"));
    let never = send(query(&app, "{ clientes(first: 30) { nodes { id } } }")).await;
    assert_eq!(never.codes(), ["LIMITE_CUSTO"]);
    let refused = send(query(&app, "{ clientes(first: 28) { nodes { id } } }")).await;
    assert_eq!((refused.status, refused.codes()), (429, vec!["RATE_LIMITED".to_owned()]));
    assert!(
        refused.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok_and(|wait| wait > 60))
    );
    assert!(refused.header("ratelimit").is_some_and(|left| left.starts_with("\"cost\";r=0;t=")));
    let list = send(post(
        &app,
        json!(vec![json!({ "query": "{ clientes(first: 5) { nodes { id } } }" }); 5]).to_string(),
    ));
    let list = list.await;
    assert_eq!(
        (list.status, &list.json[4]["errors"][0]["extensions"]["code"]),
        (429, &json!("RATE_LIMITED"))
    );
    assert_eq!(app.executed(), 0);
    // Others have buckets of their own.
    let admin = app.anonymous(Method::POST, "/graphql").basic_auth("admin", Some(PASSWORD));
    assert_eq!(send(admin.json(&json!({ "query": PAGE }))).await.status, 200);
}

#[tokio::test]
async fn addresses_that_are_made_up() {
    let proxies = TrustedProxies::parse("192.0.2.0/24").expect("a list");
    let app = serve(HttpLimits { trusted_proxies: proxies, ..HttpLimits::default() }).await;
    // The peer is no proxy of ours: whatever it says, it is one guesser.
    for guess in 0..12 {
        let request =
            app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json").body(page());
        let request = request.header("X-Forwarded-For", format!("203.0.113.{guess}"));
        let request = request.header("Forwarded", format!("for=198.51.100.{guess}"));
        let answer = send(request.basic_auth("leitor", Some(format!("palpite-{guess}")))).await;
        assert_eq!(answer.status, if guess < 10 { 401 } else { 429 }, "{guess}");
    }
    assert_eq!(app.executed(), 0);
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
