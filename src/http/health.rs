//! `/healthz`: the program runs. `/readyz`: each store by name. Both open, both
//! without a secret.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::App;
use crate::db::{Db, Health, PerStore, Store};

/// Strangers may ask as often as they like; the stores are asked once in this.
const FRESH: Duration = Duration::from_secs(1);

/// What the stores last said.
pub(super) struct Watch {
    databases: PerStore<Db>,
    latest: Mutex<Option<Report>>,
}

/// When the stores were asked, and which of them answered.
type Report = (Instant, Vec<(Store, bool)>);

impl Watch {
    pub(super) fn new(databases: PerStore<Db>) -> Self {
        Self { databases, latest: Mutex::new(None) }
    }

    async fn stores(&self) -> Vec<(Store, bool)> {
        let mut latest = self.latest.lock().await;
        if let Some((when, stores)) = &*latest
            && when.elapsed() < FRESH
        {
            return stores.clone();
        }
        let asked = self.databases.iter().map(|(store, db)| async move {
            let health = db.health().await;
            if let Health::Down(reason) = &health {
                tracing::warn!(%store, %reason, "store is down");
            }
            (store, health == Health::Up)
        });
        let stores = join_all(asked).await;
        *latest = Some((Instant::now(), stores.clone()));
        stores
    }
}

/// The program runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Ready while any store answers: the others null their own fields, which is
/// better than no answer at all.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    let stores = app.health.stores().await;
    let up = stores.iter().filter(|(_, up)| *up).count();
    let (status, word) = match up {
        0 => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        up if up < stores.len() => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "up"),
    };
    let words = |up: bool| Value::from(if up { "up" } else { "down" });
    let by_name: Map<String, Value> =
        stores.into_iter().map(|(store, up)| (store.name().to_owned(), words(up))).collect();
    let mut response = Response::new(Body::from(json!({ "status": word, "stores": by_name }).to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
