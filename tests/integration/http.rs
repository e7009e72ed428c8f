//! `/graphql` by the GraphQL-over-HTTP specification.

use reqwest::Method;

use crate::support::app::send;
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
        (json, "", 400, "The body is not JSON"),
        (json, "{", 400, "The body is not JSON"),
        (json, "\"text\"", 400, "The body must be a JSON object with `query`"),
        (json, "{}", 400, "missing field `query`"),
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
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(app.request(method, "/graphql")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")));
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
