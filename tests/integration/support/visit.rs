//! A real browser with one page open, and what that page asks for and complains about.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::auth::Credentials;
use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::{EventRequestWillBeSent, EventResponseReceived};
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotParams, Viewport};
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use chromiumoxide::listeners::EventStream;
use chromiumoxide::{Element, Page};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::app::PASSWORD;
use super::{TestApp, Value};

/// How long a page may take to show what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page open.
pub struct Visit {
    browser: Browser,
    pub page: Page,
    pub watch: Watch,
    handler: JoinHandle<()>,
    _profile: TempDir,
}

impl Visit {
    /// Starts a browser.
    pub async fn start() -> Self {
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

    /// Shows the page as on a screen of this size.
    pub async fn resize(&self, width: i64, height: i64) {
        let metrics = SetDeviceMetricsOverrideParams::new(width, height, 1.0, width < 600);
        self.page.execute(metrics).await.expect("resized");
    }

    /// A picture of the whole page, for a person to look at: `target/tmp/pages/NAME.png`.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
        std::fs::create_dir_all(&folder).expect("a folder");
        // The browser's own way to show the whole page would change how wide it is.
        let size =
            self.value("[document.documentElement.clientWidth, document.documentElement.scrollHeight]").await;
        let (width, height) = (size[0].as_f64().expect("a width"), size[1].as_f64().expect("a height"));
        let whole = Viewport { x: 0.0, y: 0.0, width, height, scale: 1.0 };
        let params = CaptureScreenshotParams::builder().clip(whole).capture_beyond_viewport(true).build();
        let picture = self.page.execute(params).await.expect("a picture");
        let bytes = STANDARD.decode(&picture.result.data).expect("base64");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("written");
    }

    /// The browser answers the server's challenge from now on.
    pub async fn log_in(&self) {
        self.log_in_as("leitor").await;
    }

    /// Likewise, as somebody.
    pub async fn log_in_as(&self, user: &str) {
        let credentials = Credentials { username: user.into(), password: PASSWORD.into() };
        self.page.authenticate(credentials).await.expect("noted");
    }

    /// Opens a page of the application.
    pub async fn goto(&self, app: &TestApp, path: &str) {
        self.page.goto(format!("{}{path}", app.base())).await.expect("a page");
    }

    /// What an expression gives, once it has settled.
    pub async fn value(&self, expression: &str) -> Value {
        let result = self.page.evaluate_expression(expression).await;
        let result = result.unwrap_or_else(|error| panic!("{expression}: {error}"));
        result.value().cloned().unwrap_or_default()
    }

    /// Waits until an expression holds. The page looks again and again by itself.
    pub async fn until(&self, expression: &str) {
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
    pub async fn click(&self, path: &str) {
        self.until(&format!("document.evaluate(`{path}`, document, null, 9).singleNodeValue")).await;
        let element: Element = self.page.find_xpath(path).await.expect("found a moment ago");
        element.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Ends the browser.
    pub async fn end(mut self) {
        self.browser.close().await.expect("closed");
        self.browser.wait().await.expect("ended");
        self.handler.abort();
    }
}

/// What a page asked for and complained about. Each look takes what has come
/// since the last.
pub struct Watch {
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
    pub fn requests(&mut self) -> Vec<String> {
        pending(&mut self.requests, |event| Some(event.request.url.clone()))
    }

    /// The status of every answer.
    pub fn statuses(&mut self) -> Vec<i64> {
        pending(&mut self.responses, |event| Some(event.response.status))
    }

    /// Errors of the page's scripts, and those that the browser reports about it.
    pub fn errors(&mut self) -> Vec<String> {
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
