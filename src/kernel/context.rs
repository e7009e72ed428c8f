//! What a request carries into its resolvers.

use std::sync::Arc;

use async_graphql::Context;
use chrono::NaiveDate;

use super::requester::Requester;
use crate::batching::Scope;

/// Made once per request by the HTTP handler.
pub struct RequestContext {
    /// Who asks.
    pub requester: Requester,
    /// Where its keys gather and its cost is counted.
    pub scope: Arc<Scope>,
    /// The day on which it came, in UTC.
    pub today: NaiveDate,
}

/// Shorthands on the GraphQL context.
pub trait ContextExt<'a> {
    /// The request.
    fn request(&self) -> &'a RequestContext;

    /// Where the request's keys gather.
    fn scope(&self) -> &'a Arc<Scope> {
        &self.request().scope
    }
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn request(&self) -> &'a RequestContext {
        self.data_unchecked::<RequestContext>()
    }
}
