//! What every request and every answer passes: no head beyond its size, headers
//! that keep browsers careful, and a count.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::answer::refusal;
use crate::kernel::code;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For what is no page: a browser that shows it anyway runs and loads nothing.
/// Pages bring a policy of their own.
const NOTHING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Two years, the least that preload lists take.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Refuses a head that is too large on the way in, and sets the headers on the
/// way out. Counts both.
pub(super) async fn harden(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let in_flight = app.metrics.request();
    let (size, most) = (head_size(&request), app.limits.head_bytes);
    let mut response = if size > most {
        let message = format!("The head of the request has {size} bytes; at most {most} are allowed.");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        refusal(status, code::BAD_REQUEST, &message, request.extensions().get())
    } else {
        next.run(request).await
    };
    mark(response.headers_mut(), app.limits.is_https);
    app.metrics.answered(response.status().as_u16());
    drop(in_flight);
    response
}

/// As it came, but for a few spaces. The HTTP library bounds its buffer, which
/// may hold somewhat more.
fn head_size(request: &Request) -> usize {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    path + headers.sum::<usize>()
}

fn mark(headers: &mut HeaderMap, is_https: bool) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
}
