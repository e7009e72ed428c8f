//! What a request asks: the parameters of an operation, from a JSON body or from a query
//! string (GraphQL over HTTP, sections "POST" and "GET").

use axum::extract::Query;
use axum::http::Uri;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// The parameters of one operation. Unknown members are ignored, and `null` is
/// the same as absent, as the specification wants.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "a JSON object")]
pub(super) struct Parameters {
    /// The document; may be absent where `extensions` names a persisted one.
    #[serde(default)]
    pub query: Option<String>,
    /// The id of a trusted document, instead of its text (appendix "Persisted
    /// Documents").
    #[serde(default, rename = "documentId")]
    pub document_id: Option<String>,
    /// Which operation of the document.
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    /// What clients and servers agree on beside the specification.
    #[serde(default)]
    pub extensions: Option<Map<String, Value>>,
    /// What older pages on persisted documents tell clients to send.
    #[serde(default)]
    doc_id: Option<IgnoredAny>,
}

/// The same, as a query string has them: JSON in strings, and empty for absent.
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

/// What a body holds.
#[derive(Debug)]
pub(super) enum Asked {
    /// One operation.
    One(Box<Parameters>),
    /// A list of them; each may be no GraphQL request, and why.
    Many(Vec<Result<Parameters, String>>),
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
                let found: Parameters = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
                found.check().map(|found| Self::One(Box::new(found)))
            }
        }
    }

    fn from_list(bytes: &[u8], most: usize) -> Result<Self, Malformed> {
        if most == 0 {
            let sentence = "The body must be one operation, not a list; send a request for each.";
            return Err(Malformed::Shape(sentence.into()));
        }
        let items: Vec<Value> = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
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
fn from_item(item: Value) -> Result<Parameters, String> {
    // A list would be read as the members in their order.
    let item = if item.is_array() { Value::Null } else { item };
    let found = Parameters::deserialize(item).map_err(|error| shape(&error))?;
    found.check().map_err(Malformed::sentence)
}

impl Malformed {
    fn sentence(self) -> String {
        let (Self::Syntax(sentence) | Self::Shape(sentence) | Self::TooMany(sentence)) = self;
        sentence
    }
}

fn malformed(error: &serde_json::Error) -> Malformed {
    let said = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => Malformed::Shape(shape(error)),
        // Where it stands is said after it.
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

impl Parameters {
    /// From a query string.
    ///
    /// # Errors
    /// [`Malformed`], with a sentence that names the parameter.
    pub(super) fn from_uri(uri: &Uri) -> Result<Self, Malformed> {
        // What reads it would put another character in its place.
        if percent_decode_str(uri.query().unwrap_or_default()).decode_utf8().is_err() {
            return Err(Malformed::Syntax("The query string is not UTF-8 once its % are decoded.".into()));
        }
        let Query(found) = Query::<QueryString>::try_from_uri(uri).map_err(|error| {
            Malformed::Syntax(format!("The query string cannot be read: {}.", error.body_text()))
        })?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let found = Self {
            query: given(found.query),
            document_id: given(found.document_id),
            operation_name: given(found.operation_name),
            variables: object("variables", given(found.variables))?,
            extensions: object("extensions", given(found.extensions))?,
            doc_id: found.doc_id,
        };
        found.check()
    }

    /// Names the member that was meant, where it is known to be mistaken for
    /// another.
    fn check(self) -> Result<Self, Malformed> {
        let asks = self.query.is_some() || self.document_id.is_some() || self.extensions.is_some();
        if self.doc_id.is_some() && !asks {
            let sentence = "The id of a trusted document is sent as `documentId`, not as `doc_id`.";
            return Err(Malformed::Shape(sentence.into()));
        }
        Ok(self)
    }
}

fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, Value>>, Malformed> {
    let Some(text) = text else { return Ok(None) };
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
    fn a_query_string_has_the_names_of_the_specification() {
        let uri =
            "/graphql?query=%7Beu%7Bnome%7D%7D&operationName=A&variables=%7B%22a%22%3A1%7D&extensions=&x=1";
        let found = Parameters::from_uri(&uri.parse().expect("a URI")).expect("parameters");
        assert_eq!(found.query.as_deref(), Some("{eu{nome}}"));
        assert_eq!(found.operation_name.as_deref(), Some("A"));
        assert_eq!(found.variables.and_then(|map| map.get("a").cloned()), Some(Value::from(1)));
        assert_eq!(found.extensions, None);
        for bad in ["/graphql?variables=[1]", "/graphql?variables={", "/graphql?query=a&query=b"] {
            assert!(Parameters::from_uri(&bad.parse().expect("a URI")).is_err(), "{bad}");
        }
    }
}
