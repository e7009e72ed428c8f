//! What a request carries into its resolvers.

use std::sync::Arc;

use async_graphql::Context;
use chrono::NaiveDate;

use super::budget::Budget;
use super::error::{GraphError, GraphResult, code};
use super::requester::{Papel, Requester};
use crate::batching::Scope;

/// Made once per request by the HTTP handler.
pub struct RequestContext {
    /// Who asks.
    pub requester: Requester,
    /// Where its keys gather and its cost is counted.
    pub scope: Arc<Scope>,
    /// The day on which it came, in UTC.
    pub today: NaiveDate,
    /// The header `Idempotency-Key`, as it came, when the operation is a single
    /// mutation.
    pub idempotency_key: Option<String>,
    /// Whether objects are walked, and not left to the executor: it must see every field to time
    /// it, and every object that it has to put together with another.
    pub walks: bool,
    /// What its answer may hold.
    pub budget: Arc<Budget>,
}

/// Shorthands on the GraphQL context.
pub trait ContextExt<'a> {
    /// The request.
    fn request(&self) -> &'a RequestContext;

    /// Where the request's keys gather.
    fn scope(&self) -> &'a Arc<Scope> {
        &self.request().scope
    }

    /// Lets only users with at least this papel go on.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    fn require(&self, papel: Papel) -> GraphResult<()> {
        if self.request().requester.papel >= papel {
            return Ok(());
        }
        let message = format!("This needs the papel {} or higher.", papel.name());
        Err(GraphError::Input(code::FORBIDDEN, message))
    }
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn request(&self) -> &'a RequestContext {
        self.data_unchecked::<RequestContext>()
    }
}
