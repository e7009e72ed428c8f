//! What the trace of a request, where there is one, knows of HTTP: `traceparent` and
//! `tracestate` on the way in, the method, the path and the status. Nothing of it may be
//! about a person, so a path that is none of ours is not told.

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tracing::Span;

use super::fields::{TRACEPARENT, TRACESTATE};
use crate::insight::traces;

/// A request has come.
pub(super) fn asked(span: &Span, request: &Request) {
    traces::asked(span, method(request.method()), path(request.uri().path()), || caller(request.headers()));
}

/// It is answered.
pub(super) fn answered(span: &Span, response: &Response) {
    traces::answered(span, response.status().as_u16());
}

/// Who is named as the caller: by one `traceparent`, or by nobody; `tracestate` may come in
/// pieces.
fn caller(headers: &HeaderMap) -> (Option<&str>, String) {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = match (parents.next(), parents.next()) {
        (Some(parent), None) => parent.to_str().ok(),
        _ => None,
    };
    let states = headers.get_all(TRACESTATE).iter().filter_map(|state| state.to_str().ok());
    (parent, states.collect::<Vec<_>>().join(","))
}

/// A method by its name, or OpenTelemetry's word for one that nobody knows.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

fn path(path: &str) -> Option<&'static str> {
    const OURS: [&str; 8] =
        ["/graphql", "/", "/graphiql", "/painel", "/schema.graphql", "/metrics", "/healthz", "/readyz"];
    OURS.into_iter().find(|ours| *ours == path)
}
