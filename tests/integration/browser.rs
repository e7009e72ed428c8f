//! Both IDE pages in a real browser: a headless Chromium logs in, runs the
//! examples, opens the panels, and is watched for requests that leave us and for
//! errors in its console.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::auth::Credentials;
use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::{EventRequestWillBeSent, EventResponseReceived};
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use chromiumoxide::listeners::EventStream;
use chromiumoxide::{Element, Page};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::app::PASSWORD;
use crate::support::{TestApp, Value, demo};

/// How long a page may take to show what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A browser with one page open.
struct Visit {
    browser: Browser,
    page: Page,
    watch: Watch,
    handler: JoinHandle<()>,
    _profile: TempDir,
}

impl Visit {
    async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let config = BrowserConfig::builder()
            .chrome_executable(chromium())
            .user_data_dir(profile.path())
            .no_sandbox()
            .new_headless_mode()
            .window_size(1280, 900)
            .viewport(None)
            .launch_timeout(PATIENCE)
            .request_timeout(PATIENCE)
            .args(["disable-gpu", "disable-quic", "disable-component-update"])
            .build()
            .expect("a browser");
        let (browser, mut messages) = Browser::launch(config).await.expect("Chromium starts");
        let handler = tokio::spawn(async move { while messages.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.expect("a page");
        let watch = Watch::over(&page).await;
        Self { browser, page, watch, handler, _profile: profile }
    }

    /// The browser answers the server's challenge from now on.
    async fn log_in(&self) {
        let credentials = Credentials { username: "leitor".into(), password: PASSWORD.into() };
        self.page.authenticate(credentials).await.expect("noted");
    }

    async fn goto(&self, app: &TestApp, path: &str) {
        self.page.goto(format!("{}{path}", app.base())).await.expect("a page");
    }

    /// What an expression gives, once it has settled.
    async fn value(&self, expression: &str) -> Value {
        let result = self.page.evaluate_expression(expression).await;
        let result = result.unwrap_or_else(|error| panic!("{expression}: {error}"));
        result.value().cloned().unwrap_or_default()
    }

    /// Waits until an expression holds. The page looks again and again by itself.
    async fn until(&self, expression: &str) {
        let looking = format!(
            "new Promise(resolve => {{
                const look = () => {{
                    let holds = false;
                    try {{ holds = Boolean({expression}); }} catch {{ /* not there yet */ }}
                    holds ? resolve(true) : setTimeout(look, 20);
                }};
                look();
            }})"
        );
        let looked = tokio::time::timeout(PATIENCE, self.value(&looking)).await;
        if looked.is_err() {
            panic!("never: {expression}; the page shows:\n{}", self.value("document.body.innerText").await);
        }
    }

    /// Clicks with the mouse on what a path (`XPath` 1.0) finds, as soon as it is there.
    async fn click(&self, path: &str) {
        self.until(&format!("document.evaluate(`{path}`, document, null, 9).singleNodeValue")).await;
        let element: Element = self.page.find_xpath(path).await.expect("found a moment ago");
        element.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    async fn end(mut self) {
        self.browser.close().await.expect("closed");
        self.browser.wait().await.expect("ended");
        self.handler.abort();
    }
}

/// What a page asked for and complained about. Each look takes what has come
/// since the last.
struct Watch {
    requests: EventStream<EventRequestWillBeSent>,
    responses: EventStream<EventResponseReceived>,
    entries: EventStream<EventEntryAdded>,
    calls: EventStream<EventConsoleApiCalled>,
    exceptions: EventStream<EventExceptionThrown>,
}

impl Watch {
    async fn over(page: &Page) -> Self {
        page.enable_log().await.expect("enabled");
        page.enable_runtime().await.expect("enabled");
        Self {
            requests: page.event_listener().await.expect("listening"),
            responses: page.event_listener().await.expect("listening"),
            entries: page.event_listener().await.expect("listening"),
            calls: page.event_listener().await.expect("listening"),
            exceptions: page.event_listener().await.expect("listening"),
        }
    }

    /// The addresses that were asked for.
    fn requests(&mut self) -> Vec<String> {
        pending(&mut self.requests, |event| Some(event.request.url.clone()))
    }

    /// The status of every answer.
    fn statuses(&mut self) -> Vec<i64> {
        pending(&mut self.responses, |event| Some(event.response.status))
    }

    /// Errors of the page's scripts, and those that the browser reports about it.
    fn errors(&mut self) -> Vec<String> {
        let mut errors = pending(&mut self.entries, |event| {
            let is_error = event.entry.level == LogEntryLevel::Error;
            is_error.then(|| format!("{} {:?}", event.entry.text, event.entry.url))
        });
        errors.extend(pending(&mut self.calls, |event| {
            let is_error = event.r#type == ConsoleApiCalledType::Error;
            is_error.then(|| format!("console.error: {:?}", event.args))
        }));
        errors.extend(pending(&mut self.exceptions, |event| Some(format!("{:?}", event.exception_details))));
        errors
    }
}

/// What has come and was not looked at yet.
fn pending<E, T>(
    events: &mut (impl Stream<Item = Arc<E>> + Unpin),
    look: impl Fn(&E) -> Option<T>,
) -> Vec<T> {
    let mut seen = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        seen.extend(look(&event));
    }
    seen
}

/// The browser on this machine; `make test` installs one.
fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates
        .find(|candidate| candidate.is_file())
        .expect("no chromium, chromium-browser or google-chrome on PATH; `make test` installs one")
}
