//! Both IDE pages in a real browser: a headless Chromium logs in, runs the
//! examples, opens the panels, and is watched for requests that leave us and for
//! errors in its console.

use crate::support::{TestApp, Value, Visit, demo};

#[tokio::test]
async fn without_a_login_no_page_loads() {
    let app = TestApp::start().await;
    let mut visit = Visit::start().await;
    for path in ["/", "/graphiql"] {
        // The browser calls it a failed navigation, or shows an empty page.
        let _ = visit.page.goto(format!("{}{path}", app.base())).await;
        let statuses = visit.watch.statuses();
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 401), "{statuses:?}");
        assert_eq!(visit.value("document.scripts.length").await, 0, "{path}");
    }
    visit.end().await;
}

#[tokio::test]
async fn both_pages_work_and_reach_no_other_host() {
    let app = TestApp::start().await;
    let mut visit = Visit::start().await;
    visit.log_in().await;

    visit.goto(&app, "/").await;
    visit.until("document.querySelector('.graphiql-wrapper .CodeMirror')").await;
    playground_runs_an_example(&visit).await;
    playground_shows_the_trace(&visit).await;
    playground_shows_the_docs(&visit).await;

    visit.goto(&app, "/graphiql").await;
    visit.until("document.querySelector('.graphiql-container .CodeMirror')").await;
    graphiql_runs_an_example(&visit).await;
    graphiql_shows_the_docs(&visit).await;

    let requests = visit.watch.requests();
    let own = format!("{}/", app.base());
    assert!(requests.contains(&format!("{own}graphql")), "{requests:?}");
    let foreign = |url: &&String| !["data:", "blob:", &own].iter().any(|start| url.starts_with(start));
    assert_eq!(requests.iter().filter(foreign).collect::<Vec<_>>(), [""; 0], "requests to other hosts");
    assert_eq!(visit.watch.errors(), [""; 0], "errors in the console");

    a_foreign_request_would_have_been_seen(&mut visit).await;
    visit.end().await;
}

#[tokio::test]
async fn every_example_of_the_pages_answers_with_rows() {
    // A shop of its own: some examples change it.
    let app = TestApp::over(&demo::open().await).await;
    let visit = Visit::start().await;
    visit.log_in().await;
    visit.goto(&app, "/").await;
    visit.until("window.QUARTETO_EXAMPLES").await;
    let examples = visit.value("window.QUARTETO_EXAMPLES").await;
    visit.end().await;

    for example in examples.as_array().expect("a list") {
        let query = example["query"].as_str().expect("a query");
        let variables = example["variables"].clone();
        let answer = match query.contains("\nmutation ") {
            true => app.write_with(query, variables).await,
            false => app.ask_with(query, variables).await,
        };
        assert_eq!(answer.json.get("errors"), None, "{}", example["name"]);
        for (field, found) in answer.json["data"].as_object().expect("data") {
            let rows = found.get("nodes").unwrap_or(found);
            let empty = rows.is_null() || rows.as_array().is_some_and(Vec::is_empty);
            assert!(!empty, "{field} of {} is empty", example["name"]);
            let erros = found.get("erros").and_then(Value::as_array);
            assert!(erros.is_none_or(Vec::is_empty), "{found}");
        }
    }
}

async fn playground_runs_an_example(visit: &Visit) {
    visit.click("//*[text()='Cliente com endereços e compras']").await;
    visit.click("//span[text()='Tracing']").await;
    visit.until("document.body.innerText.includes('Please re-run the query to show tracing results.')").await;
    visit.click("//div[@title='Execute Query (Ctrl-Enter)']").await;
    let shown = "document.querySelectorAll('.graphiql-wrapper .CodeMirror')[2].CodeMirror.getValue()";
    shows_a_client_with_purchases(visit, shown).await;
}

/// The panel was opened before the run.
async fn playground_shows_the_trace(visit: &Visit) {
    let panel = "document.evaluate('//span[text()=\"Tracing\"]', document, null, 9).singleNodeValue\
                 .parentElement.parentElement.innerText";
    visit.until(&format!(r"/Request[\s\S]*\d+ (ms|µs)[\s\S]*Response/.test({panel})")).await;
    let panel = visit.value(panel).await;
    assert!(panel.as_str().expect("text").contains("cliente"), "{panel}");
}

async fn playground_shows_the_docs(visit: &Visit) {
    visit.click("//div[text()='Docs']").await;
    visit
        .until(
            "[...document.querySelectorAll('.doc-category-item')].some(item => \
             item.innerText.replace(/\\s/g, '').startsWith('cliente('))",
        )
        .await;
}

async fn graphiql_runs_an_example(visit: &Visit) {
    visit.click("//button[contains(@class, 'graphiql-execute-button')]").await;
    let shown = "document.querySelector('.graphiql-response .CodeMirror').CodeMirror.getValue()";
    shows_a_client_with_purchases(visit, shown).await;
}

async fn graphiql_shows_the_docs(visit: &Visit) {
    visit.click("//*[@aria-label='Show Documentation Explorer']").await;
    visit.until("document.querySelector('.graphiql-doc-explorer')?.innerText.includes('Query')").await;
    visit.click("//*[contains(@class, 'graphiql-doc-explorer')]//a[text()='Query']").await;
    visit
        .until(
            "document.querySelector('.graphiql-doc-explorer')?.innerText.replace(/\\s/g, '')\
             .includes('cliente(')",
        )
        .await;
}

/// The first example, run over the shop, as the answer pane shows it.
async fn shows_a_client_with_purchases(visit: &Visit, shown: &str) {
    visit.until(&format!("{shown}.includes('\"data\"')")).await;
    let shown = visit.value(shown).await;
    let answer: Value = serde_json::from_str(shown.as_str().expect("text")).expect("JSON");
    assert_eq!(answer.get("errors"), None);
    let cliente = &answer["data"]["cliente"];
    assert_eq!(cliente["id"], "cliente_1");
    assert_eq!(cliente["enderecos"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(cliente["compras"]["nodes"].as_array().map(Vec::len), Some(7), "{answer}");
    assert!(cliente["compras"]["nodes"][0]["produto"]["nome"].is_string(), "{answer}");
}

/// Proof that the watch is awake: the page tries, the policy stops it before it
/// leaves, and the console says so.
async fn a_foreign_request_would_have_been_seen(visit: &mut Visit) {
    let refused = visit.value("fetch('https://example.com/').then(() => false, () => true)").await;
    assert_eq!(refused, true);
    assert_eq!(visit.watch.requests(), [""; 0]);
    let errors = visit.watch.errors();
    assert!(errors.iter().any(|error| error.contains("Content Security Policy")), "{errors:?}");
}
