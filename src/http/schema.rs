//! `GET /schema.graphql`: the schema, for tools.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Response, StatusCode};

use super::App;
use super::answer::{entity_tag, refusal};
use crate::kernel::{Requester, code};

/// The SDL, for those who may ask for the schema at all.
pub(super) async fn sdl(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let papel = request.extensions().get::<Requester>().map(|requester| requester.papel);
    if !papel.is_some_and(|papel| app.limits.introspection.allows(papel)) {
        let sentence = "The schema may not be asked for with this login.";
        return refusal(StatusCode::FORBIDDEN, code::FORBIDDEN, sentence, request.extensions().get());
    }
    let sdl = app.operations.served().sdl();
    let tag = entity_tag(sdl.as_bytes());
    let mut response = Response::new(Body::empty());
    if request.headers().get(IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(sdl.to_string());
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/graphql; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ETAG, tag);
    response
}
