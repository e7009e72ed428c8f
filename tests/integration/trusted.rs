//! Trusted documents, as clients meet them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use quarteto::db::DbLimits;
use quarteto::http::HttpLimits;
use quarteto::operation::trusted::{TrustMode, Trusted};
use quarteto::reload::Reloaded as _;
use reqwest::Method;

use crate::support::app::{Answer, PASSWORD, send};
use crate::support::{TestApp, Value, json};

const CLIENTE: &str = "query Cliente($id: ID!) { cliente(id: $id) { ...Nome } }";
const NOME: &str = "fragment Nome on Cliente { nome }";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cliente.graphql"), CLIENTE).expect("written");
    fs::write(folder.path().join("nome.graphql"), NOME).expect("written");
    folder
}

/// The application, with each statement counted.
pub async fn trusting(path: &Path, mode: TrustMode) -> (TestApp, Arc<Trusted>) {
    let trusted = Arc::new(Trusted::open(path, mode).expect("readable"));
    let bounds = HttpLimits { trusted: Some(Arc::clone(&trusted)), ..HttpLimits::default() };
    (TestApp::counted(bounds, DbLimits::default()).await, trusted)
}

async fn ask(app: &TestApp, user: &str, body: Value) -> Answer {
    let request = app.anonymous(Method::POST, "/graphql").basic_auth(user, Some(PASSWORD));
    send(request.json(&body)).await
}

fn caio() -> Value {
    json!({ "data": { "cliente": { "nome": "Caio Silva" } } })
}

#[tokio::test]
async fn what_is_trusted_may_come_in_any_layout_or_by_its_id() {
    let folder = folder();
    let (app, _) = trusting(folder.path(), TrustMode::Enforce).await;
    let variables = json!({ "id": "2" });
    let as_apollo_sends_it = format!("fragment Nome on Cliente {{\n  nome\n  __typename\n}}\n\n{CLIENTE}")
        .replace("}, ", "} __typename ");
    let hash = sha256(CLIENTE);
    for asked in [
        json!({ "query": as_apollo_sends_it }),
        json!({ "documentId": "Cliente" }),
        json!({ "documentId": format!("sha256:{hash}") }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }),
        json!({ "extensions": { "persistedQuery": { "id": "Cliente" } } }),
    ] {
        let mut body = asked.clone();
        body["variables"] = variables.clone();
        let answer = ask(&app, "leitor", body).await;
        assert_eq!(answer.json["data"]["cliente"]["nome"], "Caio Silva", "{asked} {}", answer.json);
    }
    let url = "/graphql?documentId=Cliente&variables=%7B%22id%22%3A%222%22%7D";
    assert_eq!(send(app.request(Method::GET, url)).await.json, caio());
}

#[tokio::test]
async fn what_is_not_trusted_is_refused_to_all_but_administrators() {
    let folder = folder();
    let (app, _) = trusting(folder.path(), TrustMode::Enforce).await;
    for query in [
        "query Cliente($id: ID!) { cliente(id: $id) { nome email } }",
        "query Outra($id: ID!) { cliente(id: $id) { nome } }",
        "{ __schema { queryType { name } } }",
    ] {
        let body = json!({ "query": query, "variables": { "id": "2" } });
        let before = app.executed();
        let answer = ask(&app, "leitor", body.clone()).await;
        assert_eq!(app.executed(), before);
        let sentence = "This operation is not among the trusted documents of this server.";
        assert_eq!(
            answer.only_error(),
            json!({ "message": sentence, "extensions": { "code": "UNTRUSTED_DOCUMENT" } })
        );
        assert!(ask(&app, "admin", body).await.json.get("errors").is_none() || query.contains("__schema"));
    }
}

#[tokio::test]
async fn unknown_ids_and_two_documents_at_once_are_refused() {
    let folder = folder();
    let (app, _) = trusting(folder.path(), TrustMode::Off).await;
    let unknown = ask(&app, "leitor", json!({ "documentId": "Nada" })).await;
    assert_eq!(
        unknown.only_error(),
        json!({ "message": "There is no trusted document with this id.",
            "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" } })
    );
    let both = ask(&app, "leitor", json!({ "documentId": "Cliente", "query": "{ eu { nome } }" })).await;
    assert_eq!(
        (both.status, &both.only_error()["message"]),
        (400, &json!("Send `query` or `documentId`, not both."))
    );
    let other = ask(&app, "leitor", json!({ "query": "{ eu { nome } }" })).await;
    assert_eq!(other.json, json!({ "data": { "eu": { "nome": "leitor" } } }), "with `off` all are executed");
}

#[tokio::test]
async fn what_is_only_logged_is_executed_and_changes_count() {
    let folder = folder();
    let (app, _) = trusting(folder.path(), TrustMode::LogUnknown).await;
    let body = json!({ "query": "query Mais { eu { nome } }" });
    let expected = json!({ "data": { "eu": { "nome": "leitor" } } });
    assert_eq!(ask(&app, "leitor", body.clone()).await.json, expected);
    let (strict, trusted) = trusting(folder.path(), TrustMode::Enforce).await;
    assert_eq!(ask(&strict, "leitor", body.clone()).await.codes(), ["UNTRUSTED_DOCUMENT"]);
    fs::write(folder.path().join("mais.graphql"), "query Mais { eu { nome } }").expect("written");
    trusted.read().expect("whole")();
    assert_eq!(ask(&strict, "leitor", body).await.json, expected);
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
