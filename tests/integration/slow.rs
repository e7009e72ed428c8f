//! Clients that are slow on purpose, or say too much, are cut.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quarteto::config::ConnectionLimits;
use quarteto::http::HttpLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;

use crate::support::TestApp;
use crate::support::app::{PASSWORD, Served};

/// What a server says to these bytes until it hangs up. Were it never to, the
/// test would not end.
async fn until_cut(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address()).await.expect("connected");
    // It may hang up before everything was said.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8(said).expect("text")
}

fn impatient() -> Served {
    let short = Duration::from_millis(50);
    let connections = ConnectionLimits { head: short, write: short, ..ConnectionLimits::default() };
    let bounds = HttpLimits { body: Duration::from_millis(50), ..HttpLimits::default() };
    Served { connections, bounds, ..Served::default() }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let app = TestApp::served(impatient()).await;
    assert_eq!(until_cut(&app, b"").await, "");
    assert_eq!(until_cut(&app, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let app = TestApp::served(impatient()).await;
    let said = until_cut(&app, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("ok\n"), "{said}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_408() {
    let app = TestApp::served(impatient()).await;
    let login = STANDARD.encode(format!("leitor:{PASSWORD}"));
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: application/json\r\n"
    );
    for rest in ["Content-Length: 100\r\n\r\n{\"query\":", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let said = until_cut(&app, format!("{head}{rest}").as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{said}");
        assert!(said.contains("The body did not come within 50 ms (http.body_ms)."), "{said}");
    }
    // Announced to be too long: nobody waits for it.
    let said = until_cut(&app, format!("{head}Content-Length: 9999999\r\n\r\n").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let app = TestApp::served(impatient()).await;
    let login = STANDARD.encode(format!("leitor:{PASSWORD}"));
    let ask = format!("GET /ide/playground.js HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n");
    let mut stream = TcpStream::connect(app.address()).await.expect("connected");
    // More questions than are ever read, whose answers are more than any buffer
    // holds. None is read before the server has hung up.
    let _ = stream.write_all(ask.repeat(2000).as_bytes()).await;
    stream.ready(Interest::ERROR).await.expect("a farewell");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    assert!(said.len() < 100 << 20, "{}", said.len());
}

#[tokio::test]
async fn a_head_may_be_so_large_and_no_larger() {
    let app = TestApp::served(impatient()).await;
    let head =
        |bytes: usize| format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(bytes));
    assert!(until_cut(&app, head((32 << 10) - 100).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    assert!(until_cut(&app, head(32 << 10).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let vast = head(1 << 20);
    assert!(until_cut(&app, vast.as_bytes()).await.starts_with("HTTP/1.1 431 "), "nobody buffers it");
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(200));
    assert!(until_cut(&app, many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let long = format!("GET /graphql?query={} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(40 << 10));
    assert!(until_cut(&app, long.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}
