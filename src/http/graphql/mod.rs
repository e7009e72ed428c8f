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

mod charge;
mod parameters;
mod status;

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use futures_util::future::join_all;

use super::answer::{PRIVATE, entity_tag, internal, refusal};
use super::negotiate::Media;
use super::rate::Charge;
use super::request_id::RequestId;
use super::{App, ide};
use crate::config::StatusCodes;
use crate::kernel::{Requester, code};
use crate::operation::{Answer, Ask, Caller, Refusal, Refused as NotRun, RefusedOperation};
use crate::writes::record::is_key;
use charge::{Judged, charge};
use parameters::{Asked, Malformed, from_uri};

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
    answer(&app, request).await
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
    let deadline = Instant::now() + app.limits.request;
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
    let Ok(idempotency_key) = idempotency_key(&parts.headers) else {
        let message = "Idempotency-Key must be given once, in 1 to 64 visible ASCII characters.";
        return refuse(Refused::new(StatusCode::BAD_REQUEST, message));
    };
    let caller = Caller {
        requester,
        id: id.as_str(),
        traced: parts.headers.get(TRACING_HEADER).is_some_and(|value| value == "1"),
        // Nothing but a POST writes.
        reads_only: parts.method != Method::POST,
        idempotency_key,
        deadline,
    };
    match asked {
        Asked::One(ask) => {
            let checked = match app.operations.check(*ask, &caller) {
                Ok(checked) => Ok(checked),
                Err(NotRun::Operation(refused)) => Err(refused),
                Err(NotRun::Malformed(message)) => {
                    return refuse(Refused::new(status::of_misshapen(app.limits.status_codes), message));
                }
                Err(NotRun::ReadsOnly) => {
                    return not_allowed("POST", "A GET may only read; send mutations by POST.", Some(id));
                }
            };
            answer_one(app, checked, &caller, media, &parts).await
        }
        Asked::Many(list) if list.len() > 1 && idempotency_key.is_some() => {
            let message = "Idempotency-Key is for one operation, not for a list; use `chaveIdempotencia`.";
            refuse(Refused::new(StatusCode::BAD_REQUEST, message))
        }
        Asked::Many(list) => answer_many(app, list, &caller, media).await,
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
            let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
            if is_key(key) { Ok(Some(key)) } else { Err(()) }
        }
        (Some(_), Some(_)) => Err(()),
    }
}

async fn answer_one(
    app: &App,
    judged: Judged,
    caller: &Caller<'_>,
    media: Media,
    asked: &Parts,
) -> Response<Body> {
    let (mut operations, charge) = charge(app, vec![judged], caller.requester);
    let Some(judged) = operations.pop() else { return internal(asked.extensions.get()) };
    let answer = finish(app, judged, caller).await;
    let mut response = respond(&answer, media, asked, app.limits.status_codes);
    account(app, charge, &mut response);
    response
}

async fn finish(app: &App, judged: Judged, caller: &Caller<'_>) -> Answer {
    match judged {
        Ok(checked) => app.operations.run(checked, caller).await,
        Err(refused) => app.operations.refuse(refused, caller),
    }
}

/// Every operation in a turn of its own, all at the same time.
async fn answer_many(
    app: &App,
    list: Vec<Result<Ask, String>>,
    caller: &Caller<'_>,
    media: Media,
) -> Response<Body> {
    let bad = |message: String| RefusedOperation::unread(Refusal::new(code::BAD_REQUEST, message));
    let judge = |item: Result<Ask, String>| match app.operations.check(item.map_err(bad)?, caller) {
        Ok(checked) => Ok(checked),
        Err(NotRun::Operation(refused)) => Err(refused),
        Err(NotRun::Malformed(message)) => Err(bad(message)),
        // Lists come by POST alone.
        Err(NotRun::ReadsOnly) => Err(bad("A GET may only read.".to_owned())),
    };
    let (operations, charge) = charge(app, list.into_iter().map(judge).collect(), caller.requester);
    let answers = join_all(operations.into_iter().map(|judged| finish(app, judged, caller))).await;
    let mut response = match serde_json::to_vec(&answers) {
        Ok(bytes) => Response::new(Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return internal(None);
        }
    };
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    account(app, charge, &mut response);
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
        return from_uri(&parts.uri).map(|found| Asked::One(Box::new(found))).map_err(bad);
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

fn respond(answer: &Answer, media: Media, asked: &Parts, codes: StatusCodes) -> Response<Body> {
    let (status, media) = status::of_answer(answer, media, codes);
    let bytes = match serde_json::to_vec(answer) {
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
