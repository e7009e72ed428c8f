//! What a span of ours is called by others: OpenTelemetry's semantic conventions for HTTP,
//! GraphQL and databases. The program's spans have the fields of the log; what they lack
//! or have too much of is put right here, when they have ended.
//!
//! | span | name | kind | its own attributes |
//! | --- | --- | --- | --- |
//! | `request` | `query`, `mutation`; else the method | server | `http.…`, `url.path`, and those of its operation |
//! | `operation` | `operation` | internal | `graphql.operation.…` |
//! | `batch` | `batch` and its loader's | internal | `loader`, `requests` |
//! | `statement`, `transaction` | that of the statement | client | `db.…`, `rows` |
//!
//! No name has a value that a client can make up. What failed has `error.type`.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// The span of a request.
pub(super) const REQUEST: &str = "request";
/// The span of an operation.
pub(super) const OPERATION: &str = "operation";

pub(super) const METHOD: &str = "http.request.method";
pub(super) const PATH: &str = "url.path";
pub(super) const STATUS: &str = "http.response.status_code";

const ERROR: &str = "error.type";
const OPERATION_TYPE: &str = "graphql.operation.type";

/// What counts something. `tracing` hands numbers without a sign over as text.
const NUMBERS: [&str; 2] = ["rows", "requests"];

/// What an operation tells of the request that brought it.
const OF_OPERATION: [&str; 3] = [OPERATION_TYPE, "graphql.operation.name", ERROR];

/// Puts a trace right: the span that ended last, and all below it.
pub(super) fn apply(root: &mut SpanData, below: &mut [SpanData]) {
    if root.name == REQUEST {
        let mut operations = below.iter().filter(|span| span.name == OPERATION);
        // A list of operations has no type.
        if let (Some(operation), None) = (operations.next(), operations.next()) {
            let told = operation.attributes.iter().filter(|told| OF_OPERATION.contains(&told.key.as_str()));
            root.attributes.extend(told.cloned());
        }
    }
    below.iter_mut().for_each(name);
    name(root);
}

fn name(span: &mut SpanData) {
    match &*span.name {
        REQUEST => {
            span.span_kind = SpanKind::Server;
            let status = get(span, STATUS).and_then(|status| match status {
                Value::I64(status) => Some(*status),
                _ => None,
            });
            if let Some(status) = status.filter(|status| *status >= 500 && get(span, ERROR).is_none()) {
                span.attributes.push(KeyValue::new(ERROR, status.to_string()));
            }
            let named = get(span, OPERATION_TYPE).or_else(|| get(span, METHOD));
            span.name = named.map_or("HTTP".into(), |name| name.to_string().into());
        }
        "batch" => {
            if let Some(loader) = get(span, "loader") {
                span.name = format!("batch {loader}").into();
            }
        }
        "statement" | "transaction" => {
            span.span_kind = SpanKind::Client;
            // How long it took is the span's length.
            span.attributes.retain(|told| told.key.as_str() != "micros");
            if let Some(name) = get(span, "db.operation.name").cloned() {
                span.name = name.to_string().into();
                span.attributes.push(KeyValue::new("db.query.summary", name));
            }
        }
        _ => {}
    }
    for told in span.attributes.iter_mut().filter(|told| NUMBERS.contains(&told.key.as_str())) {
        if let Ok(number) = told.value.as_str().parse::<i64>() {
            told.value = number.into();
        }
    }
    if get(span, ERROR).is_some() {
        span.status = Status::error("");
    }
}

/// Whether it is a request to the API by somebody with a login. What anybody may ask for,
/// pages, probes and logins that are refused, is not kept because they wish it.
pub(super) fn is_of_user(request: &SpanData) -> bool {
    let is = |key, value: &Value| get(request, key) == Some(value);
    is(PATH, &"/graphql".into()) && !is(STATUS, &401.into())
}

/// Whether something failed.
pub(super) fn has_failed(span: &SpanData) -> bool {
    matches!(span.status, Status::Error { .. })
}

fn get<'a>(span: &'a SpanData, key: &'static str) -> Option<&'a Value> {
    let key = Key::from_static_str(key);
    span.attributes.iter().rev().find(|told| told.key == key).map(|told| &told.value)
}
