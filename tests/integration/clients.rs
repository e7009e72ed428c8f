//! The clients that people use, against the running server: a suite each in
//! `tests/clients/`, whose README says what it proves.
//!
//! Each runs with both kinds of status codes, the audits' and those of the draft of
//! 2026. `scripts/clients` has installed what they need before; no test asks the
//! network for anything.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use quarteto::config::StatusCodes;
use quarteto::db::Store;
use quarteto::http::HttpLimits;
use quarteto::operation::trusted::{TrustMode, Trusted};
use tokio::process::Command;

use crate::support::app::PASSWORD;
use crate::support::{TestApp, demo};

#[tokio::test]
async fn the_audits_of_graphql_over_http_are_all_ok() {
    node("audits/audits.test.mjs").await;
}

#[tokio::test]
async fn apollo_client() {
    node("apollo/apollo.test.mjs").await;
}

#[tokio::test]
async fn urql() {
    node("urql/urql.test.mjs").await;
}

#[tokio::test]
async fn relay() {
    node("relay/relay.test.mjs").await;
}

#[tokio::test]
async fn apollo_client_and_urql_with_trusted_documents() {
    let operations = laid_out().join("trusted/operations");
    trusting(&operations, "trusted/trusted.test.mjs").await;
}

#[tokio::test]
async fn relay_with_the_documents_that_its_compiler_lists() {
    let app = TestApp::over(demo::shared().await).await;
    let relay = laid_out().join("relay");
    let mut compiler = Command::new("node");
    compiler.args(["compile.mjs", "persisted.config.json"]).current_dir(&relay);
    succeed(towards(compiler, &app)).await;
    trusting(&relay.join("persisted.json"), "relay/persisted.test.mjs").await;
}

#[tokio::test]
async fn graphql_codegen() {
    node("codegen/codegen.test.mjs").await;
}

#[tokio::test]
async fn tools_that_read_the_schema_by_url() {
    node("tools/tools.test.mjs").await;
}

#[tokio::test]
async fn gql_of_python() {
    let folder = laid_out().join("gql");
    run(|| {
        let mut command = Command::new(installed().join("python/bin/python"));
        command.args(["-m", "unittest", "-v", "test_gql"]).current_dir(&folder);
        command
    })
    .await;
}

async fn node(file: &str) {
    let folder = laid_out();
    run(|| {
        let mut command = Command::new("node");
        command.args(["--test", file]).current_dir(folder);
        command
    })
    .await;
}

async fn run(suite: impl Fn() -> Command) {
    for (name, codes) in [("audit", StatusCodes::Audit), ("draft-2026", StatusCodes::Draft2026)] {
        let mut suite = suite();
        suite.env("QUARTETO_STATUS_CODES", name);
        run_with(suite, codes).await;
    }
}

/// Runs a suite against two servers: one over the demo shop, one whose store
/// `catalogo` is down.
async fn run_with(suite: Command, status_codes: StatusCodes) {
    let bounds = HttpLimits { status_codes, ..HttpLimits::default() };
    let app = TestApp::over_with(demo::shared().await, bounds.clone()).await;
    let sick = TestApp::over_with(&demo::without(Store::Catalogo).await, bounds).await;
    let mut suite = towards(suite, &app);
    suite.env("QUARTETO_URL_WITHOUT_CATALOGO", sick.base());
    succeed(suite).await;
}

/// Runs a file of tests against a server that executes nothing but the documents
/// at `path`.
async fn trusting(path: &Path, file: &str) {
    let trusted = Trusted::open(path, TrustMode::Enforce).expect("readable");
    let bounds = HttpLimits { trusted: Some(Arc::new(trusted)), ..HttpLimits::default() };
    let app = TestApp::over_with(demo::shared().await, bounds).await;
    let mut suite = Command::new("node");
    suite.args(["--test", file]).current_dir(laid_out());
    succeed(towards(suite, &app)).await;
}

/// Tells a suite where the server is, and a login.
fn towards(mut suite: Command, app: &TestApp) -> Command {
    suite
        .env("QUARTETO_URL", app.base())
        .env("QUARTETO_USER", "editor")
        .env("QUARTETO_PASSWORD", PASSWORD)
        .env("NO_PROXY", "127.0.0.1");
    suite
}

/// Runs a command to its end, and shows what it said if it fails.
async fn succeed(mut command: Command) {
    let output = command.kill_on_drop(true).output().await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {INSTALL}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

const INSTALL: &str = "`make tools-clients` installs what the client tests need";

/// The folder that `scripts/clients` has filled.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target").join("clients")
}

/// A copy of the suites below what they import, which is found upwards from
/// there; what they generate stays out of the source tree.
fn laid_out() -> &'static Path {
    static SUITES: OnceLock<PathBuf> = OnceLock::new();
    SUITES.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        for (lock, folder) in [("package-lock.json", "node"), ("requirements.txt", "python")] {
            let there = std::fs::read(installed().join(folder).join(".installed")).unwrap_or_default();
            assert!(there == std::fs::read(source.join(lock)).expect("a lock"), "{lock}: {INSTALL}");
        }
        let suites = installed().join("node/suites");
        if suites.exists() {
            std::fs::remove_dir_all(&suites).expect("removed");
        }
        copy(&source, &suites);
        suites
    })
}

/// All but the list of packages, which would say to look for them here.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("readable");
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().expect("readable") {
            kind if kind.is_dir() => {
                if entry.file_name() != "node_modules" {
                    copy(&path, &copied);
                }
            }
            _ => _ = std::fs::copy(&path, &copied).expect("copied"),
        }
    }
}
