//! `/graphql`: from an HTTP request to a GraphQL answer, by the GraphQL-over-HTTP
//! specification.
//!
//! | status | when |
//! | --- | --- |
//! | 200 | executed, with or without errors; with `application/json` every well-formed request |
//! | 400 | not a GraphQL request; with `application/graphql-response+json` also what cannot be parsed, validated or is over a limit |
//! | 403 | a foreign page asks |
//! | 304 | the client has this answer (GET and HEAD) |
//! | 405 | another method, or a GET or HEAD that would write |
//! | 406, 413, 415 | `Accept`, the body's size, its type or coding |
//! | 408 | the body did not come in time |
//! | 412 | `If-Match` does not hold |
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

mod body;
mod charge;
mod parameters;
mod status;

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use futures_util::future::join_all;

use super::answer::{PRIVATE, internal, refusal};
use super::conditional::{REFUSED_WRITE, conditional, refuses_write};
use super::fields::{CONTENT_TYPE, IDEMPOTENCY_KEY, X_APOLLO_TRACING, X_QUARTETO_EXPLAIN};
use super::login::Sibling;
use super::negotiate::Media;
use super::program::program;
use super::rate::Charge;
use super::request_id::RequestId;
use super::resource::may_write;
use super::{App, pages};
use crate::config::StatusCodes;
use crate::kernel::{Papel, Requester, code};
use crate::operation::{Answer, Ask, Caller, Refusal, Refused as NotRun, RefusedOperation};
use crate::writes::record::is_key;
use charge::{Judged, charge};
use parameters::{Asked, Malformed, from_uri};

/// A refusal of a request that is not looked at as GraphQL.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    also: Option<(HeaderName, HeaderValue)>,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: code::BAD_REQUEST, message: message.into(), also: None }
    }

    /// With one more header.
    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { also: Some((name, value)), ..self }
    }

    fn response(self, id: Option<&RequestId>) -> Response<Body> {
        let mut response = refusal(self.status, self.code, &self.message, id);
        response.headers_mut().extend(self.also);
        response
    }
}

/// `POST /graphql`.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    answer(&app, request).await
}

/// `GET /graphql`, and `HEAD`, whose answer loses its body on the way out: an
/// operation that reads, or the Playground for a browser.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if Media::wants_html(request.headers()) && request.extensions().get::<Sibling>().is_none() {
        return pages::playground(request).await;
    }
    post(State(app), request).await
}

fn not_allowed(message: &str, id: Option<&RequestId>) -> Response<Body> {
    refusal(StatusCode::METHOD_NOT_ALLOWED, code::BAD_REQUEST, message, id)
}

async fn answer(app: &App, request: Request) -> Response<Body> {
    let deadline = Instant::now() + app.limits.request;
    let (parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>();
    let refuse = |refused: Refused| refused.response(id);
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
    let explains = parts.headers.get(X_QUARTETO_EXPLAIN).is_some_and(|value| value == "1");
    if explains && requester.papel < Papel::Admin {
        let message = "X-Quarteto-Explain is for the papel ADMIN.";
        return refuse(Refused { code: code::FORBIDDEN, ..Refused::new(StatusCode::FORBIDDEN, message) });
    }
    let named = program(&parts.headers);
    let caller = Caller {
        requester,
        id: id.as_str(),
        traced: parts.headers.get(X_APOLLO_TRACING).is_some_and(|value| value == "1"),
        reads_only: !may_write(&parts.method),
        idempotency_key,
        deadline,
        program: (&named.0, &named.1),
        explains,
        is_sibling: parts.extensions.get::<Sibling>().is_some(),
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
                    return not_allowed("A GET may only read; send mutations by POST.", Some(id));
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
    let mut response = Response::new(Body::from(Answer::all_json(&answers)));
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

/// The parameters: of a POST from its body, of anything else from the URL.
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
    if !may_write(&parts.method) {
        if parts.headers.contains_key(CONTENT_TYPE) {
            body::is_json(&parts.headers)?;
        }
        return from_uri(&parts.uri).map(|found| Asked::One(Box::new(found))).map_err(bad);
    }
    let bytes = body::read(app, &parts.headers, body).await?;
    if refuses_write(&parts.headers) {
        return Err(Refused::new(StatusCode::PRECONDITION_FAILED, REFUSED_WRITE));
    }
    Asked::from_body(&bytes, app.limits.batch).map_err(bad)
}

/// The body of a POST that is no operation, by the same rules; an answer when it breaks one.
pub(super) async fn body_of(app: &App, parts: &Parts, body: Body) -> Result<Bytes, Response<Body>> {
    let id = parts.extensions.get::<RequestId>();
    app.origins.check(&parts.method, &parts.headers).map_err(|message| {
        let refused = Refused::new(StatusCode::FORBIDDEN, message);
        Refused { code: code::FORBIDDEN, ..refused }.response(id)
    })?;
    body::read(app, &parts.headers, body).await.map_err(|refused| refused.response(id))
}

fn respond(answer: &Answer, media: Media, asked: &Parts, codes: StatusCodes) -> Response<Body> {
    let (status, media) = status::of_answer(answer, media, codes);
    let bytes = answer.json();
    let mut response = Response::new(Body::from(bytes.clone()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    if may_write(&asked.method) || !answer.errors.is_empty() {
        return response;
    }
    conditional(response, &bytes, &asked.headers, asked.extensions.get())
}
