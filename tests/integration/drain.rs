//! Stopping: nobody new is let in, who is there finishes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::TestApp;
use crate::support::app::PASSWORD;

const BODY: &str = r#"{"query":"{ clientes(first: 1) { nodes { nome } } }"}"#;

#[tokio::test]
async fn a_running_request_finishes_and_no_other_begins() {
    let app = TestApp::start().await;
    let mut idle = TcpStream::connect(app.address()).await.expect("connected");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut byte = [0];
    idle.read_exact(&mut byte).await.expect("an answer");

    let mut running = TcpStream::connect(app.address()).await.expect("connected");
    let login = STANDARD.encode(format!("leitor:{PASSWORD}"));
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    running.write_all(head.as_bytes()).await.expect("sent");
    let mut told = [0; 25];
    running.read_exact(&mut told).await.expect("told to go on");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");

    app.handle.graceful_shutdown(None);
    let mut refused = false;
    for _ in 0..10_000 {
        refused = TcpStream::connect(app.address()).await.is_err();
        if refused {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(refused, "the port is closed");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("an idle connection is closed");

    running.write_all(BODY.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Bruno Sá"), "{answer}");
    assert!(app.serving.await.expect("it ran").is_ok(), "and then it ends");
}
