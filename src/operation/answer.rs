//! What came of an operation.

use std::collections::BTreeMap;

use async_graphql::{ServerError, Value};
use bytes::Bytes;

use super::refusal::Refusal;
use crate::kernel::Json;

/// What came of an operation. It is written by [`json`](Self::json) alone: parts of `data` are
/// finished text.
///
/// Without `data` nothing was executed, and nothing can have been written; with it,
/// and be it null, something was. Whoever runs the operation knows which, so nobody
/// has to guess it from the errors.
#[derive(Debug)]
pub struct Answer {
    /// What went wrong.
    pub errors: Vec<ServerError>,
    /// What was asked for.
    pub data: Option<Value>,
    /// What was asked for beside it.
    pub extensions: BTreeMap<String, Value>,
}

impl Answer {
    /// Nothing was executed.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self { errors: refusal.errors(), data: None, extensions: BTreeMap::new() }
    }

    /// It was executed, and ended without data.
    pub(super) fn ended(refusal: &Refusal) -> Self {
        Self { data: Some(Value::Null), ..Self::refused(refusal) }
    }

    /// The word for how it went, in log and metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match (&self.data, self.errors.is_empty()) {
            (None, _) => "refused",
            (Some(_), true) => "ok",
            (Some(Value::Null), false) => "failed",
            (Some(_), false) => "partial",
        }
    }

    /// As a client reads it.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let mut json = Json::with_room(ROOM + self.data.as_ref().map_or(0, finished));
        self.write(&mut json);
        json.into_bytes()
    }

    /// Several, as a client reads them.
    #[must_use]
    pub fn all_json(answers: &[Self]) -> Bytes {
        let mut json = Json::new();
        json.all(b"[]", answers, |json, answer| answer.write(json));
        json.into_bytes()
    }

    fn write(&self, json: &mut Json) {
        let mut comma = false;
        let mut member = |json: &mut Json, key| {
            if std::mem::replace(&mut comma, true) {
                json.mark(b',');
            }
            json.key(key);
        };
        json.mark(b'{');
        if !self.errors.is_empty() {
            member(json, "errors");
            json.serialized(&self.errors);
        }
        if let Some(data) = &self.data {
            member(json, "data");
            json.value(data);
        }
        if !self.extensions.is_empty() {
            member(json, "extensions");
            json.serialized(&self.extensions);
        }
        json.mark(b'}');
    }

    /// What was asked for, with nothing in it that is finished text.
    ///
    /// # Errors
    /// None that is known: what we write is JSON.
    pub fn into_data(self) -> serde_json::Result<Value> {
        let mut json = Json::new();
        json.value(&self.data.unwrap_or_default());
        serde_json::from_slice(&json.into_bytes())
    }

    /// Whether anything was executed.
    #[must_use]
    pub const fn is_executed(&self) -> bool {
        self.data.is_some()
    }
}

/// Bytes of what stands around the data, about.
const ROOM: usize = 128;

/// Bytes of the fields at the root that are finished text.
fn finished(data: &Value) -> usize {
    let of = |value: &Value| if let Value::Binary(json) = value { json.len() } else { 0 };
    match data {
        Value::Object(members) => members.values().map(of).sum(),
        other => of(other),
    }
}
