//! The door: what a connection meets when the program has just started, before the stores
//! have been looked at, and from then on.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::get;
use axum::{Router, middleware};

use super::answer::{self, refusal};
use super::{health, request_id};
use crate::kernel::code;

/// Shut at first: then `/healthz` is answered, and everything else is put off. Which side a
/// connection meets is settled when it is accepted, so that an open door costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<OnceLock<Router>>);

impl Door {
    /// Opens it; once.
    pub fn open(&self, router: Router) {
        let _ = self.0.set(router);
    }

    pub(super) fn router(&self) -> Router {
        self.0.get().cloned().unwrap_or_else(shut)
    }
}

impl From<Router> for Door {
    fn from(router: Router) -> Self {
        let door = Self::default();
        door.open(router);
        door
    }
}

fn shut() -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::starting))
        .fallback(put_off)
        .layer((middleware::from_fn(request_id::attach), middleware::from_fn(answer::survive)))
}

/// The connection is closed, since the next one may meet the open door.
async fn put_off() -> Response<Body> {
    let message = "The program is starting; try again shortly.";
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, code::STARTING, message, None);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
