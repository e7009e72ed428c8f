//! `POST /internal/steps`: a sibling has a step of a removal done here (`peers/`). Answered
//! when the store has committed; whoever does not hear the answer asks again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{PRIVATE, internal, refusal};
use super::login::Sibling;
use super::request_id::RequestId;
use super::{App, graphql};
use crate::kernel::code;
use crate::peers::{Step, take};

/// Does the step, to its end, also when whoever asked has gone away.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>().cloned();
    let Some(Sibling(user)) = parts.extensions.get::<Sibling>().cloned() else {
        let message = "Steps are for other subgraphs: a login with the papel SERVICO.";
        return refusal(StatusCode::FORBIDDEN, code::FORBIDDEN, message, id.as_ref());
    };
    let bytes = match graphql::body_of(&app, &parts, body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let step: Step = match serde_json::from_slice(&bytes) {
        Ok(step) => step,
        Err(error) => {
            let message = format!("The body is no step: {error}.");
            return refusal(StatusCode::BAD_REQUEST, code::BAD_REQUEST, &message, id.as_ref());
        }
    };
    let Some(db) = app.here.get(step.store()).cloned() else {
        let message = format!("The store `{}` is not served here.", step.store());
        return refusal(StatusCode::MISDIRECTED_REQUEST, code::BAD_REQUEST, &message, id.as_ref());
    };
    let under_way = app.operations.writing().await;
    let work = tokio::spawn(async move {
        let outcome = take(&db, step).await;
        drop(under_way);
        outcome
    });
    match work.await {
        Ok(Ok(left)) => {
            tracing::info!(user.name = &*user, ?step, ?left, "step done for a sibling");
            told(StatusCode::OK, &json!({ "left": left }))
        }
        // What the driver says stays in the log.
        Ok(Err(error)) => {
            tracing::warn!(user.name = &*user, ?step, reason = %error, "step for a sibling failed");
            told(StatusCode::SERVICE_UNAVAILABLE, &json!({ "fault": error.fault.name() }))
        }
        Err(_) => internal(id.as_ref()),
    }
}

fn told(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}
