//! What came of an operation.

use std::collections::BTreeMap;

use async_graphql::{ServerError, Value};
use serde::Serialize;

use super::refusal::Refusal;

/// What came of an operation, as it is written.
///
/// Without `data` nothing was executed, and nothing can have been written; with it,
/// and be it null, something was. Whoever runs the operation knows which, so nobody
/// has to guess it from the errors.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// What went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ServerError>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What was asked for beside it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
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

    /// Whether anything was executed.
    #[must_use]
    pub const fn is_executed(&self) -> bool {
        self.data.is_some()
    }
}
