//! `GET /metrics`: the program's numbers, in the form that is asked for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};

use super::App;
use super::answer::internal;
use super::negotiate::prefers;
use crate::insight::Format;

/// For every login: the numbers hold no data of the stores.
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let format = asked_for(request.headers());
    let Ok(numbers) = app.metrics.write(format) else { return internal(request.extensions().get()) };
    let mut response = Response::new(Body::from(numbers));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn asked_for(headers: &HeaderMap) -> Format {
    if prefers(headers, "application/openmetrics-text", "text/plain") {
        Format::OpenMetrics
    } else {
        Format::Prometheus
    }
}
