//! What a request asks: the four parameters, from a JSON body or from a query
//! string (GraphQL over HTTP, sections "POST" and "GET").

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters of one operation. Unknown members are ignored, and `null` is
/// the same as absent, as the specification wants.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    /// The document; may be absent where `extensions` names a persisted one.
    #[serde(default)]
    pub query: Option<String>,
    /// Which operation of the document.
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    /// What clients and servers agree on beside the specification.
    #[serde(default)]
    pub extensions: Option<Map<String, Value>>,
}

/// The same, as a query string has them: JSON in strings, and empty for absent.
#[derive(Deserialize)]
struct QueryString {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Parameters {
    /// From a body.
    ///
    /// # Errors
    /// A sentence that says what the body must be.
    pub(super) fn from_body(bytes: &[u8]) -> Result<Self, String> {
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err("The body must be one operation, not a list; send a request for each.".into());
        }
        serde_json::from_slice(bytes).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => format!(
                "The body must be a JSON object with `query` (a string) and, if wanted, `operationName` \
                 (a string), `variables` and `extensions` (objects): {error}."
            ),
            _ => format!("The body is not JSON: {error}."),
        })
    }

    /// From a query string.
    ///
    /// # Errors
    /// A sentence that names the parameter.
    pub(super) fn from_uri(uri: &Uri) -> Result<Self, String> {
        let Query(found) = Query::<QueryString>::try_from_uri(uri)
            .map_err(|error| format!("The query string cannot be read: {}.", error.body_text()))?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            query: given(found.query),
            operation_name: given(found.operation_name),
            variables: object("variables", given(found.variables))?,
            extensions: object("extensions", given(found.extensions))?,
        })
    }
}

fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, Value>>, String> {
    let Some(text) = text else { return Ok(None) };
    serde_json::from_str(&text).map_err(|error| format!("`{name}` must be a JSON object: {error}."))
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
