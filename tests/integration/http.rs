//! `/graphql` by the GraphQL-over-HTTP specification.

use reqwest::Method;

use quarteto::config::{Introspection, StatusCodes};
use quarteto::http::HttpLimits;

use crate::support::app::{ORIGIN, PASSWORD, send};
use crate::support::{TestApp, json};

const EU: &str = r#"{"query":"{ eu { nome } }"}"#;

#[tokio::test]
async fn the_media_type_is_negotiated_and_decides_the_status() {
    let app = TestApp::start().await;
    let (json, response) =
        ("application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8");
    let invalid = r#"{"query":"{ nada }"}"#;
    let partial = r#"{"query":"{ cliente(id: \"x\") { id } }"}"#;
    for (accept, body, status, media) in [
        (None, EU, 200, json),
        (Some("*/*"), EU, 200, json),
        (Some("application/json"), invalid, 200, json),
        (Some("application/graphql-response+json"), EU, 200, response),
        (Some("application/graphql-response+json"), invalid, 400, response),
        (Some("application/graphql-response+json"), r#"{"query":"{"}"#, 400, response),
        (Some("application/graphql-response+json"), partial, 200, response),
        (Some("text/html"), EU, 406, json),
    ] {
        let mut request =
            app.request(Method::POST, "/graphql").header("Content-Type", "application/json").body(body);
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some(media)),
            "{accept:?} {body}"
        );
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    }
}

#[tokio::test]
async fn the_draft_of_2026_has_more_status_codes() {
    let app =
        TestApp::with(HttpLimits { status_codes: StatusCodes::Draft2026, ..HttpLimits::default() }).await;
    let (json, response) =
        ("application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8");
    let new = "application/graphql-response+json";
    let old = "application/json";
    for (accept, body, status, media) in [
        (new, EU, 200, response),
        (old, EU, 200, json),
        // Data and errors.
        (new, r#"{"query":"{ cliente(id: \"x\") { id } }"}"#, 294, response),
        (old, r#"{"query":"{ cliente(id: \"x\") { id } }"}"#, 294, json),
        // Not executed: not parsed, not valid, ambiguous, not coerced, over a limit.
        (new, r#"{"query":"{"}"#, 400, response),
        (old, r#"{"query":"{"}"#, 400, response),
        (new, r#"{"query":"{ nada }"}"#, 422, response),
        (old, r#"{"query":"{ nada }"}"#, 422, response),
        (new, r#"{"query":"query A { eu { nome } } query B { eu { nome } }"}"#, 422, response),
        (
            new,
            r#"{"query":"query($n: Int!) { clientes(first: $n) { total } }","variables":{"n":"x"}}"#,
            422,
            response,
        ),
        (
            new,
            r#"{"query":"{ clientes(first: 99999) { nodes { compras { nodes { id } } } } }"}"#,
            422,
            response,
        ),
        // JSON, but no GraphQL request; and no JSON. No answer of GraphQL, so not labelled as one.
        (new, "{}", 422, json),
        (new, r#"{"query":7}"#, 422, json),
        (new, r#"{"query":"{ eu { nome } }","variables":[7]}"#, 422, json),
        (new, "[]", 422, json),
        (new, "{", 400, json),
    ] {
        let request =
            app.request(Method::POST, "/graphql").header("Content-Type", old).header("Accept", accept);
        let answer = send(request.body(body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(media)), "{accept} {body}");
    }
    let shape = send(app.request(Method::GET, "/graphql?query=%7Beu%7Bnome%7D%7D&variables=%5B1%5D")).await;
    let syntax = send(app.request(Method::GET, "/graphql?query=%7Beu%7Bnome%7D%7D&variables=%7B")).await;
    assert_eq!((shape.status, syntax.status), (422, 400));
}

#[tokio::test]
async fn a_list_is_answered_with_a_list_where_that_is_allowed() {
    let app = TestApp::with(HttpLimits { batch: 4, ..HttpLimits::default() }).await;
    let ask = |query: &str| json!({ "query": query });
    let body = json!([
        ask("{ eu { nome } }"),
        ask("{ cliente(id: \"2\") { nome enderecos { cidade } } }"),
        ask("{ nada }"),
        { "query": 7 },
    ]);
    let answer = send(app.request(Method::POST, "/graphql").json(&body)).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    let list = answer.json.as_array().expect("a list");
    assert_eq!(list[0], json!({ "data": { "eu": { "nome": "leitor" } } }));
    assert_eq!(list[1]["data"]["cliente"]["nome"], "Caio Silva");
    assert_eq!(list[2]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(list[3]["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    assert_eq!(list.len(), 4);
    let one = send(app.request(Method::POST, "/graphql").json(&ask("{ eu { nome } }"))).await;
    assert_eq!(one.json, list[0], "one operation is answered as ever");
}

#[tokio::test]
async fn every_answer_keeps_browsers_careful() {
    let app = TestApp::start().await;
    for (path, status) in
        [("/healthz", 200), ("/readyz", 200), ("/nothing", 404), ("/graphql", 400), ("/", 200)]
    {
        let answer = send(app.request(Method::GET, path)).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none';"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src"), path == "/", "{path}: {policy}");
        assert_eq!(answer.header("strict-transport-security"), None, "there is no TLS here");
    }
}

#[tokio::test]
async fn what_is_no_graphql_request_is_refused_with_its_reason() {
    let app = TestApp::start().await;
    let post = |media: Option<&str>, body: &str| {
        let request = app.request(Method::POST, "/graphql").body(body.to_owned());
        match media {
            Some(media) => send(request.header("Content-Type", media)),
            None => send(request),
        }
    };
    let json = Some("application/json");
    for (media, body, status, reason) in [
        (None, EU, 415, "Content-Type must be application/json."),
        (Some("text/plain"), EU, 415, "Content-Type must be application/json."),
        (Some("multipart/form-data; boundary=x"), EU, 415, "Content-Type must be application/json."),
        (json, "", 400, "The body is empty"),
        (json, "{", 400, "The body is not JSON"),
        (json, "\"text\"", 400, "The body must be a JSON object with `query`"),
        (json, "{}", 400, "`query` is missing"),
        (json, r#"{"query":7}"#, 400, "expected a string"),
        (json, r#"{"query":"{ eu { nome } }","variables":[7]}"#, 400, "expected a map"),
        (json, r#"{"query":"{ eu { nome } }","operationName":7}"#, 400, "expected a string"),
        (json, r#" [{"query":"{ eu { nome } }"}]"#, 400, "The body must be one operation, not a list"),
    ] {
        let answer = post(media, body).await;
        assert_eq!(answer.status, status, "{body}");
        let error = answer.only_error();
        assert!(error["message"].as_str().expect("a message").contains(reason), "{error}");
    }
    let large = format!(r#"{{"query":"{{ eu {{ nome }} }}{}"}}"#, " ".repeat(1 << 20));
    assert_eq!(post(json, &large).await.status, 413);
}

#[tokio::test]
async fn optional_members_may_be_null_and_unknown_ones_are_ignored() {
    let app = TestApp::start().await;
    let body = r#"{"query":"query A { eu { nome } } query B { eu { papel } }","operationName":"B","variables":null,"extensions":null,"mais":[1]}"#;
    let request =
        app.request(Method::POST, "/graphql").header("Content-Type", "application/json; charset=utf-8");
    assert_eq!(send(request.body(body)).await.json, json!({ "data": { "eu": { "papel": "LEITOR" } } }));
    let body = body.replace("\"B\"", "null");
    let request = app.request(Method::POST, "/graphql").header("Content-Type", "application/json");
    let answer = send(request.body(body)).await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
}

#[tokio::test]
async fn other_methods_are_told_which_to_use() {
    let app = TestApp::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(app.request(method, "/graphql")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST")));
    }
    let answer = send(app.request(Method::GET, "/nothing")).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let app = TestApp::start().await;
    let given = send(app.request(Method::GET, "/nothing").header("X-Request-Id", "meu-id.1")).await;
    assert_eq!(given.header("x-request-id"), Some("meu-id.1"));
    assert_eq!(given.json["errors"][0]["extensions"]["requestId"], "meu-id.1");
    for bad in ["", "with space", &"x".repeat(65), "<script>"] {
        let answer = send(app.request(Method::GET, "/nothing").header("X-Request-Id", bad)).await;
        let made = answer.header("x-request-id").expect("an id").to_owned();
        assert_eq!(made.len(), 32, "{made}");
    }
    assert!(send(app.anonymous(Method::GET, "/healthz")).await.header("x-request-id").is_some());
}

#[tokio::test]
async fn the_pages_are_served_with_a_strict_policy() {
    let app = TestApp::start().await;
    for (path, accept, media) in [
        ("/", "text/html", "text/html; charset=utf-8"),
        ("/graphql", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("/graphiql", "text/html", "text/html; charset=utf-8"),
        ("/ide/playground.js", "*/*", "text/javascript; charset=utf-8"),
        ("/ide/graphiql.css", "*/*", "text/css; charset=utf-8"),
        ("/ide/favicon.png", "*/*", "image/png"),
    ] {
        let answer = send(app.request(Method::GET, path).header("Accept", accept)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)), "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let tag = answer.header("etag").expect("a tag").to_owned();
        let again =
            send(app.request(Method::GET, path).header("Accept", accept).header("If-None-Match", tag)).await;
        assert_eq!(again.status, 304, "{path}");
    }
    for path in ["/ide/README.md", "/ide/playground.html", "/ide/..%2fusers", "/ide/"] {
        assert_eq!(send(app.request(Method::GET, path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn vendored_files_go_out_compressed_where_that_is_accepted() {
    let app = TestApp::start().await;
    let get = |coding: &'static str| {
        app.request(Method::GET, "/ide/react.js").header("Accept-Encoding", coding).send()
    };
    let packed = get("br, gzip").await.expect("an answer");
    assert_eq!(
        packed.headers().get("content-encoding").map(reqwest::header::HeaderValue::as_bytes),
        Some(&b"gzip"[..])
    );
    let plain = get("identity").await.expect("an answer");
    assert_eq!(plain.headers().get("content-encoding"), None);
    let text = plain.text().await.expect("text");
    assert!(text.contains("React"), "unpacked for a client that takes no gzip");
    let refused = get("gzip;q=0").await.expect("an answer");
    assert_eq!(refused.headers().get("content-encoding"), None);
}

/// A percent-encoded query string.
fn get(app: &TestApp, pairs: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let mut url = reqwest::Url::parse(&format!("{}/graphql", app.base())).expect("a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    let path = format!("/graphql?{}", url.query().unwrap_or_default());
    app.request(Method::GET, &path)
}

#[tokio::test]
async fn a_get_reads() {
    let app = TestApp::start().await;
    let query = "query A($id: ID!) { cliente(id: $id) { nome } } query B { eu { nome } }";
    let pairs =
        [("query", query), ("operationName", "A"), ("variables", r#"{"id":"2"}"#), ("extensions", "")];
    let answer = send(get(&app, &pairs)).await;
    assert_eq!(
        (answer.status, &answer.json),
        (200, &json!({ "data": { "cliente": { "nome": "Caio Silva" } } }))
    );
    let tag = answer.header("etag").expect("a tag").to_owned();
    let again = send(get(&app, &pairs).header("If-None-Match", &tag)).await;
    assert_eq!((again.status, &again.json), (304, &json!("")));
    let failed = send(get(&app, &[("query", "{ cliente(id: \"x\") { nome } }")])).await;
    assert_eq!((failed.status, failed.header("etag")), (200, None));
    for (pairs, status, reason) in [
        (&[][..], 400, "`query` is missing"),
        (&[("query", "{ eu { nome } }"), ("variables", "[1]")], 400, "`variables` must be a JSON object"),
        (&[("query", "{ eu { nome } }"), ("extensions", "{")], 400, "`extensions` must be a JSON object"),
        (&[("query", "mutation { apagar }")], 405, "A GET may only read"),
    ] {
        let answer = send(get(&app, pairs)).await;
        assert_eq!(answer.status, status, "{pairs:?}");
        let error = answer.only_error();
        assert!(error["message"].as_str().expect("a message").contains(reason), "{error}");
    }
    let typed = send(get(&app, &[("query", "{ eu { nome } }")]).header("Content-Type", "text/plain")).await;
    assert_eq!(typed.status, 415);
}

#[tokio::test]
async fn a_document_may_be_named_by_its_hash() {
    let app = TestApp::start().await;
    // sha256 of `{ eu { nome } }`
    let hash = "c6c4a1c2".repeat(8);
    let ask = |body: serde_json::Value| send(app.request(Method::POST, "/graphql").json(&body));
    let extension = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let unknown = ask(json!({ "extensions": extension(&hash) })).await;
    assert_eq!(unknown.status, 200);
    assert_eq!(
        unknown.only_error(),
        json!({ "message": "PersistedQueryNotFound", "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" } })
    );
    let wrong = ask(json!({ "query": "{ eu { nome } }", "extensions": extension(&hash) })).await;
    assert_eq!(
        (wrong.status, &wrong.only_error()["message"]),
        (400, &json!("provided sha does not match query"))
    );
    let right = sha256("{ eu { nome } }");
    let first = ask(json!({ "query": "{ eu { nome } }", "extensions": extension(&right) })).await;
    let second = ask(json!({ "extensions": extension(&right) })).await;
    assert_eq!(second.json, json!({ "data": { "eu": { "nome": "leitor" } } }));
    assert_eq!(second.json, first.json);
    let by_get = send(get(&app, &[("extensions", &extension(&right).to_string())])).await;
    assert_eq!(by_get.json, first.json);
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(text))
}

#[tokio::test]
async fn foreign_pages_are_refused_and_listed_ones_are_not() {
    let app = TestApp::start().await;
    let post = || app.request(Method::POST, "/graphql").header("Content-Type", "application/json").body(EU);
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
    ] {
        let answer = send(post().header(name, value)).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert_eq!(answer.codes(), ["FORBIDDEN"]);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let listed = send(post().header("Origin", ORIGIN).header("Sec-Fetch-Site", "cross-site")).await;
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, Some(ORIGIN)));
    assert_eq!(listed.header("access-control-allow-credentials"), Some("true"));
    // A page must be able to read that it has to log in.
    let stranger = send(app.anonymous(Method::POST, "/graphql").header("Origin", ORIGIN)).await;
    assert_eq!((stranger.status, stranger.header("access-control-allow-origin")), (401, Some(ORIGIN)));
    // Preflights carry no credentials.
    let preflight = |origin: &'static str| {
        let request = app.anonymous(Method::OPTIONS, "/graphql").header("Origin", origin);
        send(
            request
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type"),
        )
    };
    let allowed = preflight(ORIGIN).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, Some(ORIGIN)));
    assert!(
        allowed.header("access-control-allow-headers").is_some_and(|names| names.contains("authorization"))
    );
    assert!(allowed.header("vary").is_some_and(|vary| vary.contains("origin")));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn what_costs_too_much_is_refused_before_any_store_is_asked() {
    let app = TestApp::start().await;
    let page = |inner: &str| format!("compras(first: 100) {{ nodes {{ {inner} }} }}");
    let costly = format!(
        "{{ clientes(first: 100) {{ nodes {{ {} }} }} }}",
        page(&format!("produto {{ {} }}", page("id")))
    );
    let answer = app.ask(&costly).await;
    assert_eq!(answer.statements(), []);
    assert_eq!(answer.json["extensions"]["quarteto"]["custo"], 1_030_201);
    assert_eq!(
        answer.only_error(),
        json!({ "message": "The operation may cost 1030201; at most 20000 is allowed. Ask for smaller pages, or fewer inside each other.",
            "extensions": { "code": "LIMITE_CUSTO" } })
    );
    let fine = app.ask("{ clientes(first: 3) { nodes { id } } }").await;
    assert_eq!(fine.json["extensions"]["quarteto"]["custo"], 4);
}

#[tokio::test]
async fn answers_are_compressed_from_a_kibibyte_on() {
    let app = TestApp::start().await;
    let ask = |query: &str, coding: &'static str| {
        let body = json!({ "query": query });
        app.request(Method::POST, "/graphql").header("Accept-Encoding", coding).json(&body).send()
    };
    for coding in ["br", "gzip"] {
        let large =
            ask("{ clientes(first: 100) { nodes { nome email cpf } } }", coding).await.expect("an answer");
        let used = large.headers().get("content-encoding").and_then(|value| value.to_str().ok());
        assert_eq!(used, Some(coding));
        let small = ask("{ eu { nome } }", coding).await.expect("an answer");
        assert_eq!(small.headers().get("content-encoding"), None);
    }
}

#[tokio::test]
async fn the_schema_is_there_for_tools() {
    let app = TestApp::start().await;
    let answer = send(app.request(Method::GET, "/schema.graphql")).await;
    assert_eq!((answer.status, answer.json.as_str()), (200, Some(include_str!("../../schema.graphql"))));
    let tag = answer.header("etag").expect("a tag").to_owned();
    assert_eq!(
        send(app.request(Method::GET, "/schema.graphql").header("If-None-Match", tag)).await.status,
        304
    );
    let strict =
        TestApp::with(HttpLimits { introspection: Introspection::Admin, ..HttpLimits::default() }).await;
    assert_eq!(send(strict.request(Method::GET, "/schema.graphql")).await.status, 403);
    let answer = strict.ask("{ __schema { queryType { name } } }").await;
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    let admin = strict.anonymous(Method::GET, "/schema.graphql").basic_auth("admin", Some(PASSWORD));
    assert_eq!(send(admin).await.status, 200);
    assert_eq!(
        strict.data("{ __typename eu { nome } }").await,
        json!({ "__typename": "Query", "eu": { "nome": "leitor" } })
    );
}
