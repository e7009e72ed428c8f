//! What a request may learn about itself.

use reqwest::Method;

use crate::support::app::send;
use crate::support::{TestApp, json};

#[tokio::test]
async fn a_trace_comes_only_when_asked_for() {
    let app = TestApp::start().await;
    let body = json!({ "query": "{ cliente(id: 2) { nome enderecos { cidade } } }" });
    let plain = send(app.request(Method::POST, "/graphql").json(&body)).await;
    assert_eq!(plain.json.get("extensions"), None);
    let traced =
        send(app.request(Method::POST, "/graphql").header("X-Apollo-Tracing", "1").json(&body)).await;
    assert_eq!(traced.json["data"], plain.json["data"]);
    let tracing = &traced.json["extensions"]["tracing"];
    assert_eq!(tracing["version"], 1);
    assert!(tracing["duration"].as_u64().is_some_and(|nanos| nanos > 0));
    let resolvers = tracing["execution"]["resolvers"].as_array().expect("resolvers");
    let paths: Vec<&serde_json::Value> = resolvers.iter().map(|resolver| &resolver["path"]).collect();
    assert!(paths.contains(&&json!(["cliente", "enderecos"])), "{paths:?}");
}

#[tokio::test]
async fn the_report_names_stores_statements_rows_and_time() {
    let app = TestApp::start().await;
    let answer = app.ask("{ cliente(id: 2) { enderecos { cidade } } }").await;
    let mut stores = answer.json["extensions"]["quarteto"]["stores"].clone();
    for store in stores.as_array_mut().expect("a list") {
        let time = store.as_object_mut().expect("an object").remove("ms").expect("a time");
        assert!(time.as_f64().is_some_and(|ms| ms > 0.0));
    }
    assert_eq!(
        stores,
        json!([{ "nome": "clientes", "consultas": 1, "linhas": 1 }, { "nome": "enderecos", "consultas": 1, "linhas": 2 }])
    );
}
