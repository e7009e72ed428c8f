//! `/graphql`: from an HTTP request to a GraphQL answer, by the GraphQL-over-HTTP
//! specification.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request as Operation, Response as Answer, ServerError, Value, Variables};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::answer::{PRIVATE, refusal};
use super::negotiate::Media;
use super::request_id::RequestId;
use super::{App, ide};
use crate::batching::Scope;
use crate::graph::documents::Refusal;
use crate::insight;
use crate::kernel::{RequestContext, Requester, code};

/// Asks for `extensions.tracing` and `extensions.quarteto`.
const TRACING_HEADER: &str = "x-apollo-tracing";

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");

/// What a body holds. Unknown members are ignored, as the specification wants.
#[derive(Deserialize)]
struct Parameters {
    query: String,
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
}

/// `POST /graphql`.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let deadline = app.limits.request;
    let id = request.extensions().get::<RequestId>().cloned();
    match tokio::time::timeout(deadline, answer_post(&app, request)).await {
        Ok(response) => response,
        Err(_) => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            code::DEADLINE_EXCEEDED,
            "The request took too long and was given up.",
            id.as_ref(),
        ),
    }
}

/// `GET /graphql`: the Playground, for browsers.
pub(super) async fn get(request: Request) -> Response<Body> {
    if Media::wants_html(request.headers()) {
        return ide::playground(request.headers().clone()).await;
    }
    method_not_allowed(request).await
}

/// Anything but GET and POST.
pub(super) async fn method_not_allowed(request: Request) -> Response<Body> {
    let mut response = refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        code::BAD_REQUEST,
        "Send operations by POST with a JSON body; GET shows the Playground in a browser.",
        request.extensions().get(),
    );
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

async fn answer_post(app: &App, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let id = parts.extensions.get::<RequestId>();
    let refuse = |status, message: &str| refusal(status, code::BAD_REQUEST, message, id);
    let Some(media) = Media::of(&parts.headers) else {
        return refuse(
            StatusCode::NOT_ACCEPTABLE,
            "Accept must allow application/graphql-response+json or application/json.",
        );
    };
    if let Err(message) = is_json(&parts.headers) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let most = app.limits.body_bytes;
    let Ok(bytes) = to_bytes(body, most).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("The body must come whole and have at most {most} bytes."),
        );
    };
    let parameters = match read(&bytes) {
        Ok(parameters) => parameters,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, &message),
    };
    let (Some(requester), Some(id)) = (parts.extensions.get::<Requester>(), id) else {
        return refuse(StatusCode::UNAUTHORIZED, "A login is required.");
    };
    let traced = parts.headers.get(TRACING_HEADER).is_some_and(|value| value == "1");
    let answer = Execution { app, requester, id, traced }.run(parameters).await;
    respond(&answer, media)
}

/// Only JSON: any other type could come from a form on a foreign page, with the
/// browser's credentials.
fn is_json(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, more) = (types.next(), types.next());
    let essence = first
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split_once(';').map_or(value, |(essence, _)| essence).trim());
    match (essence, more) {
        (Some(essence), None) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        (_, Some(_)) => Err("There must be one Content-Type: application/json."),
        _ => Err("Content-Type must be application/json."),
    }
}

fn read(bytes: &[u8]) -> Result<Parameters, String> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err("The body must be one operation, not a list; send a request for each.".into());
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => format!(
            "The body must be a JSON object with `query` (a string) and, if wanted, `operationName` (a string) and `variables` (an object): {error}."
        ),
        _ => format!("The body is not JSON: {error}."),
    })
}

/// One operation on its way.
struct Execution<'a> {
    app: &'a App,
    requester: &'a Requester,
    id: &'a RequestId,
    traced: bool,
}

impl Execution<'_> {
    async fn run(self, parameters: Parameters) -> Answer {
        let begun = Instant::now();
        let scope = Scope::new();
        let found = self.app.documents.get(&parameters.query);
        let name = match (&parameters.operation_name, &found) {
            (Some(name), _) => Some(name.clone()),
            (None, Ok(document)) => only_name(document),
            (None, Err(_)) => None,
        };
        let span = tracing::info_span!("operation", name = name.as_deref());
        let mut answer = match found {
            Err(refusal) => refused(refusal),
            Ok(document) => {
                let operation = self.operation(parameters, &document, &scope);
                let schema = if self.traced { &self.app.schemas.traced } else { &self.app.schemas.plain };
                scope.run(schema.execute(operation)).instrument(span.clone()).await
            }
        };
        self.complete_errors(&mut answer.errors);
        if self.traced {
            let report = insight::store_report(scope.tally());
            answer.extensions.insert("quarteto".into(), report);
        }
        let _entered = span.enter();
        insight::Operation {
            name: name.as_deref(),
            user: &self.requester.nome,
            duration: begun.elapsed(),
            errors: answer.errors.len(),
            first_code: answer.errors.first().and_then(code_of),
            tally: scope.tally(),
        }
        .log();
        answer
    }

    fn operation(
        &self,
        parameters: Parameters,
        document: &ExecutableDocument,
        scope: &Arc<Scope>,
    ) -> Operation {
        let variables = serde_json::Value::Object(parameters.variables.unwrap_or_default());
        let mut operation = Operation::new(parameters.query).variables(Variables::from_json(variables)).data(
            RequestContext {
                requester: self.requester.clone(),
                scope: Arc::clone(scope),
                today: chrono::Utc::now().date_naive(),
            },
        );
        operation.operation_name = parameters.operation_name.filter(|name| !name.is_empty());
        operation.set_parsed_query(document.clone());
        operation
    }

    /// Every error gets a code and the request's id. Those without a code come
    /// from the executor, whose sentences speak of the schema alone: before
    /// execution they are about the document, in it about a value.
    fn complete_errors(&self, errors: &mut [ServerError]) {
        for error in errors {
            let missing = code_of(error).is_none();
            let fallback =
                if error.path.is_empty() { code::GRAPHQL_VALIDATION_FAILED } else { code::BAD_USER_INPUT };
            let values = error.extensions.get_or_insert_default();
            if missing {
                values.set("code", fallback);
            }
            values.set("requestId", self.id.as_str());
        }
    }
}

/// The name of the only operation of a document.
fn only_name(document: &ExecutableDocument) -> Option<String> {
    let mut operations = document.operations.iter();
    match (operations.next(), operations.next()) {
        (Some((name, _)), None) => name.map(ToString::to_string),
        _ => None,
    }
}

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// The answer to a document that is not executed.
fn refused(refusal: Refusal) -> Answer {
    let (code, message, places) = match refusal {
        Refusal::Unparsable(message, places) => (code::GRAPHQL_PARSE_FAILED, message, places),
        Refusal::TooDeep(message) => (code::LIMITE_PROFUNDIDADE, message, Vec::new()),
        Refusal::TooMuch(message) => (code::LIMITE_CUSTO, message, Vec::new()),
        Refusal::TooManyAliases(message) => (code::LIMITE_ALIASES, message, Vec::new()),
    };
    let mut error = ServerError::new(message, None);
    error.locations = places;
    error.extensions.get_or_insert_default().set("code", code);
    Answer::from_errors(vec![error])
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
fn respond(answer: &Answer, media: Media) -> Response<Body> {
    let executed = answer.errors.iter().all(|error| !error.path.is_empty());
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
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}
