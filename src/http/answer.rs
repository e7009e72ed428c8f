//! Answers that are not the result of an operation: refusals, all of one shape,
//! a GraphQL error body with a code.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::middleware::Next;
use futures_util::FutureExt as _;
use serde_json::json;

use super::request_id::RequestId;
use super::resource::Resource;
use crate::kernel::code;

/// Answers depend on who asks and are never to be stored by anybody between.
pub(super) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// All that is said of a mistake of ours.
pub(super) const INTERNAL_SENTENCE: &str = "Internal error.";

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

/// A path that is not there.
pub(super) async fn not_found(request: Request<Body>) -> Response<Body> {
    refusal(
        StatusCode::NOT_FOUND,
        code::BAD_REQUEST,
        "There is nothing here; the API is at /graphql, the Playground at /.",
        request.extensions().get(),
    )
}

/// The same at the operator's own address.
pub(super) async fn not_found_by_the_operator(request: Request<Body>) -> Response<Body> {
    refusal(
        StatusCode::NOT_FOUND,
        code::BAD_REQUEST,
        "This address has /metrics, /healthz and /readyz, and nothing else.",
        request.extensions().get(),
    )
}

/// A method that is not taken at this path; [`resource`](super::resource) adds
/// `Allow`.
pub(super) async fn method_not_allowed(request: Request<Body>) -> Response<Body> {
    let advice = Resource::at(request.uri().path()).advice;
    refusal(StatusCode::METHOD_NOT_ALLOWED, code::BAD_REQUEST, advice, request.extensions().get())
}

/// A bug: the request fails, the program goes on. What the panic said is for the
/// log alone.
pub(super) async fn survive(request: Request<Body>, next: Next) -> Response<Body> {
    let id = request.extensions().get::<RequestId>().cloned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(cause) => {
            let message = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            tracing::error!(message, "a handler panicked");
            internal(id.as_ref())
        }
    }
}

/// Our mistake.
pub(super) fn internal(id: Option<&RequestId>) -> Response<Body> {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, INTERNAL_SENTENCE, id)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Router, middleware};

    use super::*;
    use crate::http::request_id;

    async fn broken() -> &'static str {
        panic!("the table clientes.cadastro is gone")
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_tells_nothing() {
        let router = Router::new()
            .route("/", get(broken))
            .layer(middleware::from_fn(survive))
            .layer(middleware::from_fn(request_id::attach));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let answer = reqwest::get(format!("http://{address}/")).await.expect("an answer");
        assert_eq!(answer.status(), 500);
        let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
        let body: serde_json::Value = answer.json().await.expect("JSON");
        let expected = json!({ "errors": [{ "message": "Internal error.", "extensions": { "code": "INTERNAL", "requestId": id } }] });
        assert_eq!(body, expected);
    }
}
