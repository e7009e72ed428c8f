//! `POST /internal/steps`: a sibling has a step of a removal done here (`peers/`). Answered
//! when the store has committed; whoever does not hear the answer asks again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

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
    // An object and nothing else: a list of values would be taken for one, too.
    let read = serde_json::from_slice::<Map<String, Value>>(&bytes);
    let step: Step = match read.and_then(|object| serde_json::from_value(Value::Object(object))) {
        Ok(step) => step,
        Err(error) => {
            let message = format!("The body is no step: {error}.");
            return refusal(StatusCode::BAD_REQUEST, code::BAD_REQUEST, &message, id.as_ref());
        }
    };
    // The merged graph does its steps itself, and takes none: whoever asks it asks the wrong one.
    let here = app.here.get(step.store()).filter(|_| app.here.all().is_none());
    let Some(db) = here.cloned() else {
        let message = format!("The subgraph of the store `{}` is not served here.", step.store());
        return refusal(StatusCode::MISDIRECTED_REQUEST, code::BAD_REQUEST, &message, id.as_ref());
    };
    // A client who is there is not forgotten, whoever says so: two installations that are mixed up
    // would take each other's rows away.
    match app.still_there(step).await {
        Ok(false) => {}
        Ok(true) => {
            let message = format!("The client of this step is there: {step:?}.");
            return refusal(StatusCode::CONFLICT, code::CONFLICT, &message, id.as_ref());
        }
        Err(error) => return told(StatusCode::SERVICE_UNAVAILABLE, &json!({ "fault": error.fault.name() })),
    }
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
