//! What every request and every answer passes: no head beyond its size, no coding
//! that we cannot write, headers that keep browsers and caches careful, and a count.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::stream;

use super::App;
use super::answer::refusal;
use super::fields::CROSS_ORIGIN_RESOURCE_POLICY;
use super::negotiate;
use super::request_id::RequestId;
use super::resource::Resource;
use crate::kernel::code;

/// For what is no page: a browser that shows it anyway runs and loads nothing.
/// Pages bring a policy of their own.
const NOTHING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Two years, the least that preload lists take.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// By which address a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The one with the API.
    Everybody,
    /// The one without a login, of plain HTTP.
    Operator,
}

impl Address {
    /// Whoever watches over the program must hear from it under load, too; above all then.
    /// `/metrics` of everybody is no such path: its login may cost more than a query.
    fn is_watched(self, path: &str) -> bool {
        self == Self::Operator || matches!(path, "/healthz" | "/readyz")
    }
}

fn overloaded(id: Option<&RequestId>) -> Response {
    let message = "Too many requests are under way; try again shortly.";
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, code::OVERLOADED, message, id);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Answers that are given without a look at the body.
fn is_before_the_body(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// Refuses a head that is too large, or an answer that could not be written, on
/// the way in, before anything is done; sets the headers on the way out. Counts
/// both.
pub(super) async fn harden(
    State((app, address)): State<(Arc<App>, Address)>,
    request: Request,
    next: Next,
) -> Response {
    let in_flight = app.metrics.request();
    let has_body = !request.body().is_end_stream();
    // A preflight, too: the request that it asks for will not come.
    app.refused_origins.tell(&app.origins, request.method(), request.headers());
    let (method, resource) = (request.method().clone(), Resource::at(request.uri().path()));
    let (size, most) = (head_size(&request), app.limits.head_bytes);
    let is_full = in_flight.before >= app.limits.requests;
    let mut response = if is_full && !address.is_watched(request.uri().path()) {
        overloaded(request.extensions().get())
    } else if size > most {
        let message = format!("The head of the request has {size} bytes; at most {most} are allowed.");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        refusal(status, code::BAD_REQUEST, &message, request.extensions().get())
    } else if !negotiate::has_coding(request.headers()) {
        let message = "Accept-Encoding must allow gzip, br or an answer as it is.";
        refusal(StatusCode::NOT_ACCEPTABLE, code::BAD_REQUEST, message, request.extensions().get())
    } else {
        next.run(request).await
    };
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        *response.body_mut() = of_no_length();
    }
    if has_body && is_before_the_body(status) {
        // The server closes it in any case, and a client that is not told so sends its next
        // request into the void (RFC 9112, section 9.6).
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    mark(response.headers_mut(), app.limits.is_https && address == Address::Everybody);
    resource.mark(&method, status, response.headers_mut());
    app.metrics.answered(status.as_u16());
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

/// Nothing, of which the router does not say that it has 0 bytes: the length of a
/// 304 is that of the answer that is not sent (RFC 9110, section 8.6).
fn of_no_length() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}

fn mark(headers: &mut HeaderMap, is_https: bool) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
}
