//! Automatic persisted queries: a client sends the SHA-256 of a document it has
//! sent before, instead of the document.
//!
//! What is remembered is public text, not an answer, so it is shared by all
//! users; memory is bounded and forgets the least used.

use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Documents by their hash.
pub(super) struct Persisted(moka::sync::Cache<[u8; 32], Arc<str>>);

/// Why a persisted query cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Neither a document nor a hash.
    NothingAsked,
    /// The hash is not known; the client sends the document next.
    NotFound,
    /// No trusted document has this id.
    NoSuchDocument,
    /// The extension is malformed, or the document has another hash.
    Malformed(&'static str),
}

impl Unusable {
    /// What the client is told. What Apollo's clients understand: they send the
    /// document next.
    pub(super) const fn sentence(&self) -> &'static str {
        match self {
            Self::NothingAsked => "`query` is missing: the GraphQL document, a string.",
            Self::NotFound => "PersistedQueryNotFound",
            Self::NoSuchDocument => "There is no trusted document with this id.",
            Self::Malformed(message) => message,
        }
    }
}

/// Bytes of documents that are remembered.
const REMEMBERED_BYTES: u64 = 8 << 20;

impl Persisted {
    /// Remembers nothing yet.
    pub(super) fn new() -> Self {
        let weigh = |_: &[u8; 32], text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self(moka::sync::Cache::builder().max_capacity(REMEMBERED_BYTES).weigher(weigh).build())
    }

    /// The document that a request asks for. With a hash beside it, it is
    /// remembered; a hash or an id alone may also name a document that is known
    /// by `trusted`.
    pub(super) fn document(
        &self,
        query: Option<String>,
        extensions: Option<&Map<String, Value>>,
        trusted: impl Fn(&str) -> Option<Arc<str>>,
    ) -> Result<Arc<str>, Unusable> {
        let asked = extensions.and_then(|extensions| extensions.get("persistedQuery"));
        let Some(asked) = asked.filter(|asked| !asked.is_null()) else {
            return query.map(Arc::from).ok_or(Unusable::NothingAsked);
        };
        let named = |member: &str| asked.get(member).and_then(Value::as_str);
        if query.is_none()
            && let Some(text) = named("id").or_else(|| named("sha256Hash")).and_then(&trusted)
        {
            return Ok(text);
        }
        if named("id").is_some() && named("sha256Hash").is_none() {
            return query.map(Arc::from).ok_or(Unusable::NoSuchDocument);
        }
        let hash = hash_of(asked)?;
        let Some(query) = query else {
            return self.0.get(&hash).ok_or(Unusable::NotFound);
        };
        if Sha256::digest(query.as_bytes())[..] != hash {
            return Err(Unusable::Malformed("provided sha does not match query"));
        }
        let text: Arc<str> = Arc::from(query);
        self.0.insert(hash, Arc::clone(&text));
        Ok(text)
    }
}

fn hash_of(extension: &Value) -> Result<[u8; 32], Unusable> {
    if extension.get("version") != Some(&Value::from(1)) {
        return Err(Unusable::Malformed("`extensions.persistedQuery.version` must be 1."));
    }
    let text = extension.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
    decode_hex(text)
        .ok_or(Unusable::Malformed("`extensions.persistedQuery.sha256Hash` must be 64 hexadecimal digits."))
}

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(hash: &str) -> Map<String, Value> {
        let extension = serde_json::json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        extension.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_document_is_known_once_it_was_sent_with_its_hash() {
        let cache = Persisted::new();
        let persisted = Asked(&cache);
        let (text, hash) = ("{ eu { nome } }", hex::encode(Sha256::digest("{ eu { nome } }")));
        assert_eq!(persisted.document(None, Some(&asking(&hash))), Err(Unusable::NotFound));
        assert!(persisted.document(Some(text.into()), Some(&asking(&hash))).is_ok());
        assert_eq!(persisted.document(None, Some(&asking(&hash.to_uppercase()))).as_deref(), Ok(text));
        assert!(matches!(
            persisted.document(Some("{ x }".into()), Some(&asking(&hash))),
            Err(Unusable::Malformed(_))
        ));
        assert!(matches!(persisted.document(None, Some(&asking("zz"))), Err(Unusable::Malformed(_))));
        assert_eq!(persisted.document(None, None), Err(Unusable::NothingAsked));
    }

    /// Where nothing is trusted.
    struct Asked<'a>(&'a Persisted);

    impl Asked<'_> {
        fn document(
            &self,
            query: Option<String>,
            extensions: Option<&Map<String, Value>>,
        ) -> Result<Arc<str>, Unusable> {
            self.0.document(query, extensions, |_| None)
        }
    }

    #[test]
    fn a_trusted_document_is_named_by_id_or_hash() {
        let trusted = |id: &str| (id == "A" || id.len() == 64).then(|| Arc::from("query A { eu { nome } }"));
        let ask = |extension: Value| {
            let extensions = serde_json::json!({ "persistedQuery": extension });
            Persisted::new().document(None, extensions.as_object(), trusted)
        };
        let text = "query A { eu { nome } }";
        assert_eq!(ask(serde_json::json!({ "id": "A" })).as_deref(), Ok(text));
        assert_eq!(
            ask(serde_json::json!({ "version": 1, "sha256Hash": "0".repeat(64) })).as_deref(),
            Ok(text)
        );
        assert_eq!(ask(serde_json::json!({ "id": "B" })), Err(Unusable::NoSuchDocument));
    }
}
