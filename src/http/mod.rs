//! HTTP: the routes and the order of what happens to a request.
//!
//! 0. [`serve()`] accepts it, over TLS ([`tls`]) or not, and cuts who is slow; what it meets
//!    before the stores have been looked at is behind the [`door`].
//! 1. It gets an id ([`request_id`]), which the answer and the log carry; every
//!    answer gets the headers that keep browsers careful ([`security`]).
//! 2. `/healthz` and `/readyz` are answered to anybody.
//! 3. Everything else asks for a login ([`login`]).
//! 4. `/graphql` executes ([`graphql`]), `/schema.graphql` is its schema; `/`,
//!    `/graphiql`, `/painel` and their parts are the pages ([`pages`]); `/metrics` counts; a
//!    sibling of a subgraph has its steps done at `/internal/steps` ([`steps`]).
//!
//! The operator's own address, where there is one, has a router of its own
//! ([`operator_router`]): `/metrics` and the two health checks, without a login.
//!
//! What does not live here: anything about a type of the graph. To add a route:
//! a file with its handler, a line in [`router`], and what its answers depend on
//! in [`resource`]. To read a header: its name in [`fields`].

mod answer;
mod client;
mod conditional;
mod door;
mod fields;
mod graphql;
mod health;
mod limits;
mod login;
mod metrics;
mod negotiate;
mod origin;
mod pages;
mod patience;
mod program;
mod rate;
mod request_id;
mod resource;
mod schema;
mod security;
mod serve;
mod steps;
mod tls;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::auth::Logins;
use crate::batching::Scopes;
use crate::config::{Introspection, Rate, StatusCodes};
use crate::db::{Db, PerStore, Present, StoreError};
use crate::insight::Metrics;
use crate::kernel::AnswerLimits;
use crate::operation::trusted::Trusted;
use crate::operation::{DocumentLimits, Operations, Settings};
use crate::peers::{Known, Remote, STEPS, Step};
use crate::removal::Removals;
use crate::schema::{SchemaError, Served, merged};
use crate::stores::acessos::Acessos;
use crate::stores::references::Siblings as _;
pub use client::TrustedProxies;
pub use door::Door;
pub use origin::AllowedOrigins;
use security::Address;
pub use serve::{Handle, listen, serve};
pub use tls::{Tls, TlsError};

/// Everything a handler needs.
pub struct App {
    operations: Operations,
    /// The stores that are here: all four, or that of a subgraph.
    here: Present,
    /// What a subgraph may ask its siblings.
    siblings: Known,
    logins: Arc<Logins>,
    refused_logins: login::RefusedLogins,
    refused_origins: origin::RefusedOrigins,
    health: health::Watch,
    metrics: Arc<Metrics>,
    spending: Option<rate::Spending>,
    origins: AllowedOrigins,
    limits: HttpLimits,
}

/// Bounds on a request; what the settings say, and by default what theirs do.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// The largest head, in bytes.
    pub head_bytes: usize,
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// How long a body may take to come.
    pub body: Duration,
    /// How many may be under way.
    pub requests: usize,
    /// How long a request may take, its body included.
    pub request: Duration,
    /// Operations that one request may hold as a list; none when 0.
    pub batch: usize,
    /// Which status codes tell how an operation went.
    pub status_codes: StatusCodes,
    /// What a document may be.
    pub document: DocumentLimits,
    /// What an answer may hold.
    pub answer: AnswerLimits,
    /// The most that an operation may cost, where that is enforced.
    pub cost: Option<u64>,
    /// Entries of `representations`.
    pub representations: usize,
    /// What a user may spend, where that is limited.
    pub rate: Option<Rate>,
    /// The operations that are trusted, where there are any.
    pub trusted: Option<Arc<Trusted>>,
    /// Whether requests come over HTTPS, without a proxy between.
    pub is_https: bool,
    /// Who may ask for the schema.
    pub introspection: Introspection,
    /// The origins whose pages may ask.
    pub origins: AllowedOrigins,
    /// The proxies that are believed about where a request comes from.
    pub trusted_proxies: TrustedProxies,
}

impl App {
    /// The merged graph over the four databases.
    ///
    /// # Errors
    /// [`SchemaError`]: a bug of ours.
    pub fn new(
        databases: PerStore<Db>,
        removals: &Arc<Removals>,
        acessos: &Acessos,
        logins: Arc<Logins>,
        limits: HttpLimits,
    ) -> Result<Arc<Self>, SchemaError> {
        let served = merged::serve(&databases, removals, acessos)?;
        let counts = (removals, acessos);
        let here = Present::from(databases);
        Ok(Self::over(served, (here, &PerStore::default()), counts, logins, limits))
    }

    /// What is served, merged or a subgraph, over the stores that are here.
    #[must_use]
    pub fn over(
        served: Served,
        (here, siblings): (Present, &PerStore<Option<Remote>>),
        (removals, acessos): (&Arc<Removals>, &Acessos),
        logins: Arc<Logins>,
        limits: HttpLimits,
    ) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new(acessos, removals));
        metrics.bounded(limits.requests);
        let settings = Settings {
            document: limits.document,
            answer: limits.answer,
            representations: limits.representations,
            trusted: limits.trusted.clone(),
            introspection: limits.introspection,
        };
        Arc::new(Self {
            operations: Operations::new(Arc::new(served), settings, Arc::clone(&metrics), acessos.clone()),
            spending: limits.rate.map(rate::Spending::new),
            origins: limits.origins.clone(),
            logins,
            refused_logins: login::RefusedLogins::new(),
            refused_origins: origin::RefusedOrigins::new(),
            metrics,
            health: health::Watch::new(here.clone()),
            here,
            siblings: Known::there(siblings),
            limits,
        })
    }

    /// Whether the client of a step is still there, as far as this subgraph can ask.
    async fn still_there(&self, step: Step) -> Result<bool, StoreError> {
        let Some(cliente) = step.cliente() else { return Ok(false) };
        let scope = Scopes::default().open();
        scope.run(self.siblings.has_cliente(&scope, cliente)).await
    }

    /// From now on `/readyz` tells whoever sends requests to send no more.
    pub fn drain(&self) {
        self.health.drain();
    }

    /// Waits for the mutations that are under way, their clients being gone or
    /// not.
    pub async fn written(&self) {
        self.operations.written().await;
    }
}

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let mut behind_login = Router::new()
        .route("/", get(pages::playground))
        .route("/graphql", post(graphql::post).get(graphql::get))
        .route("/schema.graphql", get(schema::sdl))
        .route("/metrics", get(metrics::show))
        .route("/graphiql", get(pages::graphiql))
        .route("/ide/{name}", get(pages::asset))
        .route(STEPS, post(steps::post));
    // A page that could show nothing is not there.
    if app.operations.served().has_root_field("acessos") {
        behind_login =
            behind_login.route("/painel", get(pages::painel)).route("/painel/{name}", get(pages::of_painel));
    }
    let behind_login = behind_login
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), login::require));
    // Without zstd: clients that say they take it, and then cannot read it, are many.
    let compression =
        CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(1024));
    // The first is the outermost. In one layer: each that the router is given
    // apart costs every request some boxes.
    let around = (
        middleware::from_fn(request_id::attach),
        middleware::from_fn_with_state((Arc::clone(&app), Address::Everybody), security::harden),
        compression,
        app.origins.layer(),
        middleware::from_fn(answer::survive),
    );
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(answer::method_not_allowed)
        .merge(behind_login)
        .layer(around)
        .with_state(app)
}

/// What the operator's own address has, without a login: no data of the stores is in it.
pub fn operator_router(app: Arc<App>) -> Router {
    let around = (
        middleware::from_fn(request_id::attach),
        middleware::from_fn_with_state((Arc::clone(&app), Address::Operator), security::harden),
        middleware::from_fn(answer::survive),
    );
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(answer::not_found_by_the_operator)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(around)
        .with_state(app)
}
