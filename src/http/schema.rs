//! `GET /schema.graphql`: the schema, for tools.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};

use super::App;
use super::answer::refusal;
use super::conditional::conditional;
use crate::kernel::{Requester, code};

/// The SDL, for those who may ask for the schema at all.
pub(super) async fn sdl(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let papel = request.extensions().get::<Requester>().map(|requester| requester.papel);
    if !papel.is_some_and(|papel| app.limits.introspection.allows(papel)) {
        let sentence = "The schema may not be asked for with this login.";
        return refusal(StatusCode::FORBIDDEN, code::FORBIDDEN, sentence, request.extensions().get());
    }
    let sdl = app.operations.served().sdl();
    let mut response = Response::new(Body::from(sdl.to_string()));
    let media = HeaderValue::from_static("application/graphql; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media);
    conditional(response, sdl.as_bytes(), request.headers(), request.extensions().get())
}
