//! What the executor does for every field that is not walked: it is counted. And what
//! it does not do: it validates nothing again.
//!
//! Any extension puts the fields that the executor resolves on a slower path; with
//! the walk these are few, and the validation is dearer.

use std::future::pending;
use std::sync::Arc;

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextResolve, NextValidation, ResolveInfo,
};
use async_graphql::{CacheControl, ServerError, ServerResult, ValidationResult, Value};

use crate::kernel::{Amount, RequestContext};

/// Makes a schema take every document for valid, and count what it makes of it.
pub struct Counted;

impl ExtensionFactory for Counted {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Counted {
    async fn validation(
        &self,
        _: &ExtensionContext<'_>,
        _: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        // An item of a list has no key of its own.
        let key = match info.path_node.segment {
            async_graphql::QueryPathSegment::Name(key) => Some(key),
            async_graphql::QueryPathSegment::Index(_) => None,
        };
        let value = next.run(ctx, info).await?;
        if let Some(request) = ctx.data_opt::<RequestContext>() {
            let part = Amount {
                objects: value.as_ref().map_or(0, objects),
                fields: u64::from(key.is_some()),
                bytes: key.map_or(1, key_bytes) + value.as_ref().map_or(4, value_bytes),
            };
            if !request.budget.spend(part) {
                // Nothing more is made; whoever runs the operation ends it.
                return pending().await;
            }
        }
        Ok(value)
    }
}

/// What a key takes: its quotes, the colon, the comma.
pub(super) fn key_bytes(key: &str) -> u64 {
    key.len() as u64 + 4
}

/// Whether a value is an object, by itself.
pub(super) fn objects(value: &Value) -> u64 {
    match value {
        Value::Object(_) => 1,
        Value::Binary(json) => u64::from(json.first() == Some(&b'{')),
        _ => 0,
    }
}

/// What a value takes by itself; of objects and lists the brackets, since what they
/// hold was counted when it was made.
pub(super) fn value_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64 + 2,
        Value::Enum(name) => name.len() as u64 + 2,
        Value::Null => 4,
        Value::Boolean(_) => 5,
        // The longest of ours; most are shorter.
        Value::Number(_) => 10,
        // An object or a list that is written already.
        Value::Binary(_) | Value::List(_) | Value::Object(_) => 2,
    }
}
