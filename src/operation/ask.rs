//! What a client asks, whatever way it came.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters of one operation. Unknown members are ignored, and `null` is
/// the same as absent, as the specification of GraphQL over HTTP wants.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "a JSON object")]
pub struct Ask {
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
}
