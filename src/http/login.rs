//! HTTP Basic on everything but health.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::Next;

use super::App;
use super::answer::refusal;
use crate::auth::Denied;
use crate::kernel::code;

/// RFC 7617.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Quarteto\", charset=\"UTF-8\"");

/// Lets the request through with its requester, or answers 401.
pub(super) async fn require(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match app.logins.verify(header).await {
        Ok(requester) => {
            request.extensions_mut().insert(requester);
            next.run(request).await
        }
        Err(denied) => {
            let id = request.extensions().get();
            tracing::debug!(?denied, "login refused");
            deny(denied, id)
        }
    }
}

fn deny(denied: Denied, id: Option<&super::request_id::RequestId>) -> Response<Body> {
    let message = match denied {
        Denied::Missing => "A login is required: HTTP Basic.",
        Denied::Malformed => "The Authorization header is not HTTP Basic credentials.",
        Denied::Wrong => "Wrong user or password.",
        Denied::Overloaded => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response =
                refusal(status, code::RATE_LIMITED, "Too many logins wait; try again shortly.", id);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
    };
    let mut response = refusal(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message, id);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}
