//! Answers that are not the result of an operation: refusals, all of one shape,
//! a GraphQL error body with a code.

use std::any::Any;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use serde_json::json;

use super::request_id::RequestId;
use crate::kernel::code;

/// Answers depend on who asks and are never to be stored by anybody between.
pub(super) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A refusal with a status, a code and a sentence.
pub(super) fn refusal(
    status: StatusCode,
    code: &str,
    message: &str,
    id: Option<&RequestId>,
) -> Response<Body> {
    let mut extensions = json!({ "code": code });
    if let Some(id) = id {
        extensions["requestId"] = json!(id.as_str());
    }
    let body = json!({ "errors": [{ "message": message, "extensions": extensions }] });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}

/// What tells one body from another.
pub(super) fn entity_tag(bytes: &[u8]) -> HeaderValue {
    let hash = blake3::hash(bytes).to_hex();
    HeaderValue::from_str(&format!("\"{}\"", &hash[..32])).unwrap_or(HeaderValue::from_static("\"-\""))
}

/// A path that is not there.
pub(super) async fn not_found(request: Request<Body>) -> Response<Body> {
    refusal(
        StatusCode::NOT_FOUND,
        code::BAD_REQUEST,
        "There is nothing here; the API is at /graphql, the Playground at /.",
        request.extensions().get(),
    )
}

/// A bug: the request fails, the program goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub(super) fn panicked(cause: Box<dyn Any + Send>) -> Response<Body> {
    let message = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(message, "a handler panicked");
    refusal(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, "Internal error.", None)
}
