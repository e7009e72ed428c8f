//! `/graphql`: from an HTTP request to a GraphQL answer, by the GraphQL-over-HTTP
//! specification.
//!
//! | status | when |
//! | --- | --- |
//! | 200 | executed, with or without errors; with `application/json` every well-formed request |
//! | 400 | not a GraphQL request; with `application/graphql-response+json` also what cannot be parsed, validated or is over a limit |
//! | 403 | a foreign page asks |
//! | 405 | another method, or a GET that would write |
//! | 406, 413, 415 | `Accept`, the body's size, its type |
//! | 503 | the request's deadline passed |

mod execution;
mod parameters;
mod persisted;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Response as Answer, ServerError, Value};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use super::answer::{PRIVATE, entity_tag, refusal};
use super::negotiate::Media;
use super::request_id::RequestId;
use super::{App, ide};
use crate::kernel::{Requester, code};
use execution::{Execution, Outcome};
use parameters::Parameters;
pub(super) use persisted::Persisted;

/// Asks for `extensions.tracing` and `extensions.quarteto`.
const TRACING_HEADER: &str = "x-apollo-tracing";

/// Answers to a GET may be kept by the browser that asked, to be asked about
/// again.
const REVALIDATED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A refusal: its status, its sentence.
type Refused = (StatusCode, String);

/// `POST /graphql`.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let deadline = app.limits.request;
    let id = request.extensions().get::<RequestId>().cloned();
    match tokio::time::timeout(deadline, answer(&app, request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(?deadline, "request given up");
            let sentence = "The request took too long and was given up.";
            refusal(StatusCode::SERVICE_UNAVAILABLE, code::DEADLINE_EXCEEDED, sentence, id.as_ref())
        }
    }
}

/// `GET /graphql`: an operation that reads, or the Playground for a browser.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if Media::wants_html(request.headers()) {
        return ide::playground(request.headers().clone()).await;
    }
    post(State(app), request).await
}

/// Anything but GET and POST.
pub(super) async fn method_not_allowed(request: Request) -> Response<Body> {
    not_allowed(
        "GET, POST",
        "Send operations by POST, or by GET when they only read.",
        request.extensions().get(),
    )
}

fn not_allowed(methods: &'static str, message: &str, id: Option<&RequestId>) -> Response<Body> {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, code::BAD_REQUEST, message, id);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

async fn answer(app: &App, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>();
    let refuse = |(status, message): Refused| {
        let code = if status == StatusCode::FORBIDDEN { code::FORBIDDEN } else { code::BAD_REQUEST };
        refusal(status, code, &message, id)
    };
    let Some(media) = Media::of(&parts.headers) else {
        let message = "Accept must allow application/graphql-response+json or application/json.";
        return refuse((StatusCode::NOT_ACCEPTABLE, message.into()));
    };
    let parameters = match read(app, &parts, body).await {
        Ok(parameters) => parameters,
        Err(refused) => return refuse(refused),
    };
    let (Some(requester), Some(id)) = (parts.extensions.get::<Requester>(), id) else {
        return refuse((StatusCode::UNAUTHORIZED, "A login is required.".into()));
    };
    let traced = parts.headers.get(TRACING_HEADER).is_some_and(|value| value == "1");
    match (Execution { app, requester, id, traced, method: &parts.method }).run(parameters).await {
        Outcome::Answer(answer) => respond(&answer, media, &parts),
        Outcome::BadRequest(message) => refuse((StatusCode::BAD_REQUEST, message)),
        Outcome::NotByGet => not_allowed("POST", "A GET may only read; send mutations by POST.", Some(id)),
    }
}

/// The parameters, from wherever the method has them.
async fn read(app: &App, parts: &Parts, body: Body) -> Result<Parameters, Refused> {
    let bad = |message: String| (StatusCode::BAD_REQUEST, message);
    app.origins
        .check(&parts.method, &parts.headers)
        .map_err(|message| (StatusCode::FORBIDDEN, message.to_owned()))?;
    if parts.method == Method::GET {
        if parts.headers.contains_key(CONTENT_TYPE) {
            is_json(&parts.headers)?;
        }
        return Parameters::from_uri(&parts.uri).map_err(bad);
    }
    is_json(&parts.headers)?;
    let most = app.limits.body_bytes;
    let bytes = to_bytes(body, most).await.map_err(|_| {
        let message = format!("The body must come whole and have at most {most} bytes.");
        (StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    Parameters::from_body(&bytes).map_err(bad)
}

/// Only JSON, in UTF-8: any other type could come from a form on a foreign page,
/// with the browser's credentials.
fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
    let refuse = |message: &str| Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned()));
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, more) = (types.next(), types.next());
    if more.is_some() {
        return refuse("There must be one Content-Type: application/json.");
    }
    let mut parts = first.and_then(|value| value.to_str().ok()).unwrap_or_default().split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return refuse("Content-Type must be application/json.");
    }
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
    });
    match charset {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => refuse("The charset must be UTF-8."),
        _ => Ok(()),
    }
}

/// An answer as it is written. Without `data` where nothing was executed: `null`
/// would say that it was, and failed.
#[derive(Serialize)]
struct AnswerBody<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// With the GraphQL media type the status tells whether the document was
/// executed; with plain JSON a well-formed request is answered with 200.
fn respond(answer: &Answer, media: Media, asked: &Parts) -> Response<Body> {
    // Every field at the root but two is nullable, so nothing at all means that
    // the request itself was at fault: its document, or the value of an argument.
    let executed = answer.data != Value::Null;
    let status = match media {
        Media::GraphqlResponse if !executed => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let body = AnswerBody {
        errors: &answer.errors,
        data: executed.then_some(&answer.data),
        extensions: &answer.extensions,
    };
    let bytes = match serde_json::to_vec(&body) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, "Internal error.", None);
        }
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media.content_type());
    headers.insert(CACHE_CONTROL, PRIVATE);
    if asked.method == Method::GET && answer.errors.is_empty() {
        let tag = entity_tag(&bytes);
        let known = asked.headers.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
        headers.insert(CACHE_CONTROL, REVALIDATED);
        headers.insert(ETAG, tag);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    *response.status_mut() = status;
    *response.body_mut() = Body::from(bytes);
    response
}
