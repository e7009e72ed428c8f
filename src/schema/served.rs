//! A schema that is served.

use std::sync::Arc;

use apollo_compiler::Schema as Types;
use apollo_compiler::validation::Valid;
use async_graphql::extensions::ApolloTracing;
use async_graphql::{EmptySubscription, ObjectType, Request, Response, Schema, SchemaBuilder};
use futures_util::future::BoxFuture;

use super::sdl_of;
use crate::operation::cost::OwnSizes;

/// A schema, whatever its Rust type: what it says, and how it executes.
pub struct Served {
    sdl: Arc<str>,
    types: Valid<Types>,
    own_sizes: OwnSizes,
    plain: Execute,
    traced: Execute,
}

type Execute = Box<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// A schema whose SDL is no valid schema: a bug of ours, found at the start.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not valid: {0}")]
pub struct SchemaError(pub(super) String);

impl Served {
    /// What `build` builds, twice: for most requests, and for those that want
    /// `extensions.tracing`, which is a property of a schema. Whoever asks for the schema is
    /// shown `sdl`.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn new<Q: ObjectType + 'static, M: ObjectType + 'static>(
        sdl: String,
        build: impl Fn() -> SchemaBuilder<Q, M, EmptySubscription>,
    ) -> Result<Self, SchemaError> {
        let plain = build().finish();
        let types = Types::parse_and_validate(sdl_of(&plain), "schema.graphql")
            .map_err(|found| SchemaError(found.errors.to_string()))?;
        let own_sizes = OwnSizes::of(&types);
        let traced = build().extension(ApolloTracing).finish();
        Ok(Self { sdl: Arc::from(sdl), types, own_sizes, plain: execute(plain), traced: execute(traced) })
    }

    /// Its SDL, as tools get it. What a router may ask besides does not stand in it.
    #[must_use]
    pub fn sdl(&self) -> &Arc<str> {
        &self.sdl
    }

    /// Its types: what documents are validated against.
    #[must_use]
    pub const fn types(&self) -> &Valid<Types> {
        &self.types
    }

    /// Whether there is a field of this name at the root.
    #[must_use]
    pub fn has_root_field(&self, name: &str) -> bool {
        self.types.type_field("Query", name).is_ok()
    }

    /// How long its own lists are.
    pub(crate) const fn own_sizes(&self) -> &OwnSizes {
        &self.own_sizes
    }

    /// Executes what was checked.
    pub(crate) fn execute(&self, request: Request, traced: bool) -> BoxFuture<'static, Response> {
        if traced { (self.traced)(request) } else { (self.plain)(request) }
    }
}

fn execute<Q: ObjectType + 'static, M: ObjectType + 'static>(
    schema: Schema<Q, M, EmptySubscription>,
) -> Execute {
    Box::new(move |request| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    })
}
