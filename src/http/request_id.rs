//! An id for every request: the caller's `X-Request-Id` where it is sound, a new
//! one otherwise. Answers carry it, errors carry it, the log carries it, and the request's
//! span, with which its [`trace`] begins.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::fields::X_REQUEST_ID;
use super::trace;

/// The id of the request at hand.
#[derive(Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// As text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn of(request: &Request) -> Self {
        let given = request.headers().get(X_REQUEST_ID).filter(|value| is_sound(value.as_bytes()));
        Self(given.cloned().unwrap_or_else(fresh))
    }
}

/// Ours to print: short, and nothing that could break a log line.
fn is_sound(id: &[u8]) -> bool {
    (1..=64).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// UUIDv7: sorts by time.
fn fresh() -> HeaderValue {
    let mut text = uuid::Uuid::encode_buffer();
    let id = uuid::Uuid::now_v7();
    HeaderValue::from_str(id.simple().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("-"))
}

/// Gives the request its id and its span, and the answer the id.
pub(super) async fn attach(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    let span = tracing::info_span!("request", request.id = id.as_str());
    trace::asked(&span, &request);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    trace::answered(&span, &response);
    response.headers_mut().insert(X_REQUEST_ID, id.0);
    response
}
