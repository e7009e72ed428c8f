//! What a request asks: the parameters of an operation, from a JSON body or from a query
//! string (GraphQL over HTTP, sections "POST" and "GET").

use axum::extract::Query;
use axum::http::Uri;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::operation::Ask;

/// What is asked, as a query string has them: JSON in strings, and empty for absent.
#[derive(Deserialize)]
struct QueryString {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
    doc_id: Option<IgnoredAny>,
}

/// What older pages on persisted documents tell clients to send.
#[derive(Deserialize)]
struct Mistaken {
    doc_id: Option<IgnoredAny>,
}

/// What a body holds.
#[derive(Debug)]
pub(super) enum Asked {
    /// One operation.
    One(Box<Ask>),
    /// A list of them; each may be no GraphQL request, and why.
    Many(Vec<Result<Ask, String>>),
}

/// Why parameters cannot be read: a sentence.
#[derive(Debug)]
pub(super) enum Malformed {
    /// It is not JSON, or no query string.
    Syntax(String),
    /// It is JSON, but no GraphQL request.
    Shape(String),
    /// It holds too many operations.
    TooMany(String),
}

impl Asked {
    /// From a body; `most` operations may come as a list, none when 0.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(super) fn from_body(bytes: &[u8], most: usize) -> Result<Self, Malformed> {
        // RFC 8259, section 8.1: it is not to be sent, and may be ignored.
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        match bytes.trim_ascii_start() {
            [] => Err(Malformed::Syntax("The body is empty; it must be a JSON object with `query`.".into())),
            [b'[', ..] => Self::from_list(bytes, most),
            [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, _, ..] | [_, 0, ..] => {
                Err(Malformed::Syntax("The body is not UTF-8; it looks like UTF-16 or UTF-32.".into()))
            }
            _ => {
                let ask: Ask = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
                if ask.variables.as_ref().is_some_and(|variables| variables.values().any(has_fraction)) {
                    exact(bytes)?;
                }
                let is_mistaken = asks_nothing(&ask)
                    && serde_json::from_slice::<Mistaken>(bytes).is_ok_and(|found| found.doc_id.is_some());
                if is_mistaken { Err(mistaken()) } else { Ok(Self::One(Box::new(ask))) }
            }
        }
    }

    fn from_list(bytes: &[u8], most: usize) -> Result<Self, Malformed> {
        if most == 0 {
            let sentence = "The body must be one operation, not a list; send a request for each.";
            return Err(Malformed::Shape(sentence.into()));
        }
        let items: Vec<Value> = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        if items.iter().any(has_fraction) {
            exact(bytes)?;
        }
        if items.is_empty() {
            return Err(Malformed::Shape("The list in the body holds no operation.".into()));
        }
        if items.len() > most {
            let count = items.len();
            return Err(Malformed::TooMany(format!(
                "The list in the body has {count} operations; at most {most} are allowed."
            )));
        }
        Ok(Self::Many(items.into_iter().map(from_item).collect()))
    }
}

/// One operation of a list.
fn from_item(item: Value) -> Result<Ask, String> {
    // A list would be read as the members in their order.
    let item = if item.is_array() { Value::Null } else { item };
    let has_doc_id = item.get("doc_id").is_some();
    let ask = Ask::deserialize(item).map_err(|error| shape(&error))?;
    if has_doc_id && asks_nothing(&ask) { Err(MISTAKEN.into()) } else { Ok(ask) }
}

/// Names the member that was meant.
const MISTAKEN: &str = "The id of a trusted document is sent as `documentId`, not as `doc_id`.";

fn mistaken() -> Malformed {
    Malformed::Shape(MISTAKEN.into())
}

/// Whether there is a number that was read as a binary one.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

/// Refuses a number of which some digits would be lost, since JSON's numbers are binary
/// ones to nearly all who read them (RFC 8259, section 6): an amount is never rounded.
fn exact(json: &[u8]) -> Result<(), Malformed> {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| byte.is_ascii_digit() || *byte == b'"') {
        if rest[at] == b'"' {
            rest = after_string(&rest[at + 1..]);
            continue;
        }
        let is_part = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
        let end = rest[at..].iter().position(|byte| !is_part(byte)).map_or(rest.len(), |end| at + end);
        let number = std::str::from_utf8(&rest[at..end]).unwrap_or_default();
        if loses_digits(number) {
            return Err(Malformed::Shape(format!(
                "The number {number:.60} has more digits than a number in JSON keeps; send it as a string."
            )));
        }
        rest = &rest[end..];
    }
    Ok(())
}

/// What comes after a string whose first quote was read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        let skipped = if rest[at] == b'"' { 1 } else { 2 };
        let is_end = rest[at] == b'"';
        rest = rest.get(at + skipped..).unwrap_or_default();
        if is_end {
            return rest;
        }
    }
    &[]
}

/// Whether a number with a point or an exponent is another one when it is read as a binary
/// number and written again.
fn loses_digits(number: &str) -> bool {
    let (mantissa, _) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let digits = |text: &str| -> String {
        let plain =
            text.split_once(['e', 'E']).map_or(text, |(mantissa, _)| mantissa).replace(['.', '-'], "");
        plain.trim_start_matches('0').trim_end_matches('0').to_owned()
    };
    let significant = digits(mantissa);
    // So many digits every such number keeps. Whole numbers are read as such.
    if significant.len() <= 15 || !number.contains(['.', 'e', 'E']) {
        return false;
    }
    number.parse::<f64>().is_ok_and(|read| digits(&format!("{read:e}")) != significant)
}

fn asks_nothing(ask: &Ask) -> bool {
    ask.query.is_none() && ask.document_id.is_none() && ask.extensions.is_none()
}

fn malformed(error: &serde_json::Error) -> Malformed {
    let said = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => Malformed::Shape(shape(error)),
        // Where it stands is said after it.
        _ if said.starts_with("number out of range") => {
            Malformed::Syntax(format!("The body holds a number that no program reads: {said}."))
        }
        _ => Malformed::Syntax(match said.strip_prefix("trailing characters") {
            Some(place) => {
                format!("The body must be one JSON object and nothing after it; there is more{place}.")
            }
            None => format!("The body is not JSON: {said}."),
        }),
    }
}

fn shape(error: &serde_json::Error) -> String {
    format!(
        "The body must be a JSON object with `query` (a string) and, if wanted, `operationName` (a string), \
         `variables` and `extensions` (objects): {error}."
    )
}

/// What a query string asks.
///
/// # Errors
/// [`Malformed`], with a sentence that names the parameter.
pub(super) fn from_uri(uri: &Uri) -> Result<Ask, Malformed> {
    // What reads it would put another character in its place.
    if percent_decode_str(uri.query().unwrap_or_default()).decode_utf8().is_err() {
        return Err(Malformed::Syntax("The query string is not UTF-8 once its % are decoded.".into()));
    }
    let Query(found) = Query::<QueryString>::try_from_uri(uri).map_err(|error| {
        Malformed::Syntax(format!("The query string cannot be read: {}.", error.body_text()))
    })?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let ask = Ask {
        query: given(found.query),
        document_id: given(found.document_id),
        operation_name: given(found.operation_name),
        variables: object("variables", given(found.variables))?,
        extensions: object("extensions", given(found.extensions))?,
    };
    if found.doc_id.is_some() && asks_nothing(&ask) { Err(mistaken()) } else { Ok(ask) }
}

fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, Value>>, Malformed> {
    let Some(text) = text else { return Ok(None) };
    exact(text.as_bytes())?;
    serde_json::from_str(&text).map_err(|error| {
        let sentence = format!("`{name}` must be a JSON object: {error}.");
        match error.classify() {
            serde_json::error::Category::Data => Malformed::Shape(sentence),
            _ => Malformed::Syntax(sentence),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_lose_digits_are_refused() {
        for (json, is_exact) in [
            (r#"{"a": 9999999999.99}"#, true),
            (r#"{"a": 0.30000000000000004}"#, true),
            (r#"{"a": [18446744073709551615, -9223372036854775808, 1e2]}"#, true),
            (r#"{"a": "9999999999.989999", "b": "\\", "c": "\"12345678901234567.1"}"#, true),
            (r#"{"a12345678901234567.1": 1.5}"#, true),
            (r#"{"a": 9999999999.989999}"#, false),
            (r#"{"a": "\\", "b": 9999999999.989999}"#, false),
            (r#"{"a":[1,{"b":-10.0000000000000001}]}"#, false),
            (r#"{"a": 1234567890123456789e-9}"#, false),
        ] {
            assert_eq!(exact(json.as_bytes()).is_ok(), is_exact, "{json}");
        }
        let body = br#"{"query":"x","variables":{"a":[{"b":9999999999.989999}]}}"#;
        assert!(matches!(Asked::from_body(body, 0), Err(Malformed::Shape(_))));
        assert!(matches!(Asked::from_body(&[b"[", &body[..], b"]"].concat(), 9), Err(Malformed::Shape(_))));
        let Err(Malformed::Syntax(told)) = Asked::from_body(br#"{"query":"x","variables":{"a":1e400}}"#, 0)
        else {
            panic!("taken")
        };
        assert_eq!(
            told,
            "The body holds a number that no program reads: number out of range at line 1 column 35."
        );
    }

    #[test]
    fn a_query_string_has_the_names_of_the_specification() {
        let uri =
            "/graphql?query=%7Beu%7Bnome%7D%7D&operationName=A&variables=%7B%22a%22%3A1%7D&extensions=&x=1";
        let found = from_uri(&uri.parse().expect("a URI")).expect("parameters");
        assert_eq!(found.query.as_deref(), Some("{eu{nome}}"));
        assert_eq!(found.operation_name.as_deref(), Some("A"));
        assert_eq!(found.variables.and_then(|map| map.get("a").cloned()), Some(Value::from(1)));
        assert_eq!(found.extensions, None);
        for bad in ["/graphql?variables=[1]", "/graphql?variables={", "/graphql?query=a&query=b"] {
            assert!(from_uri(&bad.parse().expect("a URI")).is_err(), "{bad}");
        }
    }
}
