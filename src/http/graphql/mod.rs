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
//! | 408 | the body did not come in time |
//! | 429 | the user has spent what may be spent |
//! | 503 | the request's deadline passed |
//!
//! With `http.status_codes = draft-2026` the codes are those of the draft of
//! August 2026, whatever the media type: 294 for an answer with data and errors,
//! 422 for what is JSON but no GraphQL request and for what is not executed, but
//! 400 for a document that cannot be parsed. See [`status`].
//!
//! A list of operations is refused unless `http.batch` allows it. Then it is
//! answered with a list and 200; the operations share the request's deadline and
//! their costs are added up, but each has loads and errors of its own.

mod execution;
mod masking;
mod parameters;
mod persisted;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Response as Answer, ServerError, Value};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use futures_util::future::join_all;
use serde::Serialize;

use super::answer::{PRIVATE, entity_tag, internal, refusal};
use super::negotiate::Media;
use super::rate::Charge;
use super::request_id::RequestId;
use super::{App, ide};
use crate::config::StatusCodes;
use crate::kernel::{Requester, code};
use execution::{Execution, Fault, Prepared};
use parameters::{Asked, Malformed, Parameters};
pub(super) use persisted::Persisted;

/// The key under which a single mutation is remembered.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Asks for `extensions.tracing` and `extensions.quarteto`.
const TRACING_HEADER: &str = "x-apollo-tracing";

/// Answers to a GET may be kept by the browser that asked, to be asked about
/// again.
const REVALIDATED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A refusal of a request that is not looked at as GraphQL.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: code::BAD_REQUEST, message: message.into() }
    }
}

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
    let refuse = |refused: Refused| refusal(refused.status, refused.code, &refused.message, id);
    let Some(media) = Media::of(&parts.headers) else {
        let message = "Accept must allow application/graphql-response+json or application/json.";
        return refuse(Refused::new(StatusCode::NOT_ACCEPTABLE, message));
    };
    let asked = match read(app, &parts, body).await {
        Ok(asked) => asked,
        Err(refused) => return refuse(refused),
    };
    let (Some(requester), Some(id)) = (parts.extensions.get::<Requester>(), id) else {
        return refuse(Refused::new(StatusCode::UNAUTHORIZED, "A login is required."));
    };
    let traced = parts.headers.get(TRACING_HEADER).is_some_and(|value| value == "1");
    let Ok(idempotency_key) = idempotency_key(&parts.headers) else {
        let message = "Idempotency-Key must be given once, in visible ASCII characters.";
        return refuse(Refused::new(StatusCode::BAD_REQUEST, message));
    };
    let execution = Execution { app, requester, id, traced, method: &parts.method, idempotency_key };
    match asked {
        Asked::One(parameters) => match execution.prepare(*parameters) {
            Ok(prepared) => answer_one(&execution, prepared, media, &parts).await,
            Err(Fault::BadRequest(message)) => {
                refuse(Refused::new(status::of_misshapen(app.limits.status_codes), message))
            }
            Err(Fault::NotByGet) => {
                not_allowed("POST", "A GET may only read; send mutations by POST.", Some(id))
            }
        },
        Asked::Many(list) => answer_many(&execution, list, media).await,
    }
}

/// The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a
/// string in quotes by the draft; without them it means the same.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| ())?.trim();
            Ok(Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)))
        }
        (Some(_), Some(_)) => Err(()),
    }
}

async fn answer_one(
    execution: &Execution<'_>,
    mut prepared: Prepared,
    media: Media,
    asked: &Parts,
) -> Response<Body> {
    let charge = execution.charge(std::slice::from_mut(&mut prepared));
    let answer = execution.finish(prepared).await;
    let mut response = respond(&answer, media, asked, execution.app.limits.status_codes);
    account(execution.app, charge, &mut response);
    response
}

/// Every operation in a turn of its own, all at the same time.
async fn answer_many(
    execution: &Execution<'_>,
    list: Vec<Result<Parameters, String>>,
    media: Media,
) -> Response<Body> {
    let prepare =
        |item: Result<Parameters, String>| match item.map(|parameters| execution.prepare(parameters)) {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(Fault::BadRequest(message))) | Err(message) => Prepared::bad_request(&message),
            // Lists come by POST alone.
            Ok(Err(Fault::NotByGet)) => Prepared::bad_request("A GET may only read."),
        };
    let mut operations: Vec<Prepared> = list.into_iter().map(prepare).collect();
    let charge = execution.charge(&mut operations);
    let answers = join_all(operations.into_iter().map(|operation| execution.finish(operation))).await;
    let bodies: Vec<AnswerBody<'_>> = answers.iter().map(AnswerBody::of).collect();
    let mut response = match serde_json::to_vec(&bodies) {
        Ok(bytes) => Response::new(Body::from(bytes)),
        Err(error) => return unwritable(&error, execution.id),
    };
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    account(execution.app, charge, &mut response);
    response
}

/// Tells what the user may still spend, where that is limited.
fn account(app: &App, charge: Option<Charge>, response: &mut Response<Body>) {
    let (Some(charge), Some(spending)) = (charge, &app.spending) else { return };
    if charge.refused.is_some() {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    }
    spending.tell(charge, response.headers_mut());
}

/// The parameters, from wherever the method has them.
async fn read(app: &App, parts: &Parts, body: Body) -> Result<Asked, Refused> {
    app.origins.check(&parts.method, &parts.headers).map_err(|message| Refused {
        code: code::FORBIDDEN,
        ..Refused::new(StatusCode::FORBIDDEN, message)
    })?;
    let codes = app.limits.status_codes;
    let bad = |malformed| match malformed {
        Malformed::Syntax(message) => Refused::new(StatusCode::BAD_REQUEST, message),
        Malformed::Shape(message) => Refused::new(status::of_misshapen(codes), message),
        Malformed::TooMany(message) => {
            Refused { code: code::LIMITE_LOTE, ..Refused::new(status::of_misshapen(codes), message) }
        }
    };
    if parts.method == Method::GET {
        if parts.headers.contains_key(CONTENT_TYPE) {
            is_json(&parts.headers)?;
        }
        return Parameters::from_uri(&parts.uri).map(|found| Asked::One(Box::new(found))).map_err(bad);
    }
    is_json(&parts.headers)?;
    let bytes = read_body(app, &parts.headers, body).await?;
    Asked::from_body(&bytes, app.limits.batch).map_err(bad)
}

/// The body, whole and in time.
async fn read_body(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    let most = app.limits.body_bytes;
    let too_large = || {
        let message = format!("The body must come whole and have at most {most} bytes.");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(app.limits.body, to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| too_large()),
        Err(_) => {
            let limit = app.limits.body.as_millis();
            let message = format!("The body did not come within {limit} ms (http.body_ms).");
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

/// Only JSON, in UTF-8: any other type could come from a form on a foreign page,
/// with the browser's credentials.
fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
    let refuse = |message: &str| Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
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

impl<'a> AnswerBody<'a> {
    fn of(answer: &'a Answer) -> Self {
        Self {
            errors: &answer.errors,
            data: status::is_executed(answer).then_some(&answer.data),
            extensions: &answer.extensions,
        }
    }
}

fn respond(answer: &Answer, media: Media, asked: &Parts, codes: StatusCodes) -> Response<Body> {
    let (status, media) = status::of_answer(answer, media, codes);
    let bytes = match serde_json::to_vec(&AnswerBody::of(answer)) {
        Ok(bytes) => bytes,
        Err(error) => return unwritable(&error, asked.extensions.get()),
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

fn unwritable<'a>(error: &serde_json::Error, id: impl Into<Option<&'a RequestId>>) -> Response<Body> {
    tracing::error!(%error, "an answer could not be written");
    internal(id.into())
}
