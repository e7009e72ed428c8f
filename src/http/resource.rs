//! What each path takes, and what its answers depend on: the methods that a 405 and
//! an OPTIONS name (`Allow`), and the fields that a cache must compare (`Vary`).
//!
//! Set on the way out, on every answer alike, so that a 304, a 401 or a refusal
//! says what the answer itself would.

use std::sync::LazyLock;

use axum::http::header::{ALLOW, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::fields::{
    ACCEPT, ACCEPT_ENCODING, ASKED_FIRST, AUTHORIZATION, ORIGIN, SEC_FETCH_SITE, X_APOLLO_TRACING,
    X_QUARTETO_EXPLAIN, listed,
};
use crate::peers::STEPS;

/// All methods that anything here takes, for pages of other origins.
pub(super) const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];

/// Whether a request by this method may change anything. This, and nothing else,
/// decides it: a HEAD reads as a GET does, and so does what is not known yet.
pub(super) fn may_write(method: &Method) -> bool {
    *method == Method::POST
}

/// One path, or several that are alike.
pub(super) struct Resource {
    allow: HeaderValue,
    vary: HeaderValue,
    /// What a 405 says.
    pub(super) advice: &'static str,
}

impl Resource {
    fn new(methods: &'static str, vary: &[HeaderName], advice: &'static str) -> Self {
        Self { allow: HeaderValue::from_static(methods), vary: listed(vary), advice }
    }

    /// The resource at a path.
    pub(super) fn at(path: &str) -> &'static Self {
        match path {
            "/graphql" => &GRAPHQL,
            "/metrics" => &METRICS,
            STEPS => &OF_STEPS,
            "/healthz" | "/readyz" => &OPEN,
            _ => &PAGE,
        }
    }

    /// Completes an answer to a request by `method`.
    pub(super) fn mark(&self, method: &Method, status: StatusCode, headers: &mut HeaderMap) {
        headers.insert(VARY, self.vary.clone());
        if *method == Method::OPTIONS || status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, self.allow.clone());
        }
    }
}

const READ_ONLY: &str = "Only GET and HEAD are taken here; the API is at /graphql.";

static GRAPHQL: LazyLock<Resource> = LazyLock::new(|| {
    let mut vary = vec![
        ACCEPT,
        ACCEPT_ENCODING,
        AUTHORIZATION,
        ORIGIN,
        SEC_FETCH_SITE,
        X_APOLLO_TRACING,
        X_QUARTETO_EXPLAIN,
    ];
    vary.extend(ASKED_FIRST);
    Resource::new("GET, HEAD, POST", &vary, "Send operations by POST, or by GET or HEAD when they only read.")
});

static METRICS: LazyLock<Resource> = LazyLock::new(|| {
    Resource::new("GET, HEAD", &[ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, ORIGIN], READ_ONLY)
});

static OF_STEPS: LazyLock<Resource> = LazyLock::new(|| {
    let vary = [ACCEPT_ENCODING, AUTHORIZATION, ORIGIN, SEC_FETCH_SITE];
    Resource::new("POST", &vary, "Only POST is taken here.")
});

static OPEN: LazyLock<Resource> =
    LazyLock::new(|| Resource::new("GET, HEAD", &[ACCEPT_ENCODING, ORIGIN], READ_ONLY));

/// The pages and what they are made of, the schema, and what is not there.
static PAGE: LazyLock<Resource> =
    LazyLock::new(|| Resource::new("GET, HEAD", &[ACCEPT_ENCODING, AUTHORIZATION, ORIGIN], READ_ONLY));
