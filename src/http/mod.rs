//! HTTP: the routes and the order of what happens to a request.
//!
//! 1. It gets an id ([`request_id`]), which the answer and the log carry.
//! 2. `/healthz` and `/readyz` are answered to anybody.
//! 3. Everything else asks for a login ([`login`]).
//! 4. `/graphql` executes ([`graphql`]); `/`, `/graphiql` and `/ide/…` are the
//!    pages ([`ide`]).
//!
//! What does not live here: anything about a type of the graph. To add a route:
//! a file with its handler and a line in [`router`].

mod answer;
mod graphql;
mod health;
mod ide;
mod login;
mod negotiate;
mod request_id;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::auth::Logins;
use crate::db::{Db, PerStore};
use crate::graph::documents::{DocumentLimits, Documents};
use crate::graph::merged::Schemas;

/// Everything a handler needs.
pub struct App {
    schemas: Schemas,
    documents: Documents,
    logins: Arc<Logins>,
    health: health::Watch,
    limits: HttpLimits,
}

/// Bounds on a request.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// How long a request may take, its body included.
    pub request: Duration,
}

impl App {
    /// The application over the four databases.
    #[must_use]
    pub fn new(databases: PerStore<Db>, logins: Arc<Logins>, limits: HttpLimits) -> Arc<Self> {
        Arc::new(Self {
            schemas: Schemas::new(&databases),
            documents: Documents::new(DocumentLimits::default()),
            logins,
            health: health::Watch::new(databases),
            limits,
        })
    }
}

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let behind_login = Router::new()
        .route("/", get(ide::playground))
        .route("/graphql", post(graphql::post).get(graphql::get).fallback(graphql::method_not_allowed))
        .route("/graphiql", get(ide::graphiql))
        .route("/ide/{name}", get(ide::asset))
        .fallback(answer::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), login::require));
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(behind_login)
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(middleware::from_fn(request_id::attach))
        .with_state(app)
}
