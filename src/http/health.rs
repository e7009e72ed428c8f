//! `/healthz`: the program runs. `/readyz`: whether requests should be sent here, and each
//! store by name. Both open, both without a secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::App;
use crate::db::migrations::{self, SchemaState};
use crate::db::{Db, Health, Present, ReplicaState, Store};

/// Strangers may ask as often as they like; the stores are asked once in this.
const FRESH: Duration = Duration::from_secs(1);

/// What the stores last said.
pub(super) struct Watch {
    here: Present,
    draining: AtomicBool,
    latest: Mutex<Option<Report>>,
}

/// How the stores stand that are here.
type Standings = Vec<(Store, Standing)>;

/// When the stores were asked, and what they said.
struct Report {
    at: Instant,
    stores: Standings,
}

/// How the replicas of a store stand right now, in the order in which they are configured:
/// strangers need no names. To look at it asks nobody.
fn replicas_of(here: &Present, store: Store) -> impl Iterator<Item = ReplicaState> {
    here.get(store).into_iter().flat_map(|db| db.replicas().map(|replica| replica.state()))
}

/// How a store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It answers, and has the tables that we know.
    Up,
    /// It answers, and all its connections are taken.
    Busy,
    /// It answers, and so many migrations are missing.
    Behind(usize),
    /// It has not answered since.
    Down(SystemTime),
}

impl Standing {
    const fn is_of_use(self) -> bool {
        matches!(self, Self::Up | Self::Busy)
    }

    fn shown(self) -> Value {
        match self {
            Self::Up => json!({ "status": "up" }),
            Self::Busy => json!({ "status": "busy" }),
            Self::Behind(missing) => json!({ "status": "behind", "missing": missing }),
            Self::Down(since) => {
                let since = DateTime::<Utc>::from(since).to_rfc3339_opts(SecondsFormat::Secs, true);
                json!({ "status": "down", "since": since })
            }
        }
    }
}

impl Watch {
    pub(super) fn new(here: Present) -> Self {
        Self { here, draining: AtomicBool::new(false), latest: Mutex::new(None) }
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn stores(&self) -> Standings {
        let mut latest = self.latest.lock().await;
        if let Some(report) = &*latest
            && report.at.elapsed() < FRESH
        {
            return report.stores.clone();
        }
        let before = |store: Store| {
            let report = latest.as_ref()?;
            report.stores.iter().find(|(other, _)| *other == store).map(|(_, standing)| *standing)
        };
        let asked = self.here.iter().map(|(store, db)| {
            let before = before(store);
            async move { (store, standing(db, before).await) }
        });
        let stores = join_all(asked).await;
        *latest = Some(Report { at: Instant::now(), stores: stores.clone() });
        stores
    }
}

async fn standing(db: &Db, before: Option<Standing>) -> Standing {
    match (db.health().await, before) {
        (Health::Busy, _) => Standing::Busy,
        (Health::Down(_), Some(Standing::Down(since))) => Standing::Down(since),
        (Health::Down(_), _) => Standing::Down(SystemTime::now()),
        (Health::Up, Some(Standing::Up)) => Standing::Up,
        // It was down, or nobody has asked: perhaps it has never been migrated.
        (Health::Up, _) => match migrations::check(db.store(), &db.options()).await {
            Ok(SchemaState::Behind(missing)) => Standing::Behind(missing),
            _ => Standing::Up,
        },
    }
}

/// The program runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The stores have not been looked at yet.
pub(super) async fn starting() -> Response<Body> {
    told(StatusCode::SERVICE_UNAVAILABLE, "starting", None)
}

/// Ready while any store answers: the others null their own fields, which is
/// better than no answer at all. Where none is here, nothing can be missing.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    let stores = app.health.stores().await;
    // A replica answers what reads when nobody else does.
    let fit = |store: &Store| replicas_of(&app.health.here, *store).any(|state| state == ReplicaState::Fit);
    let of_use = stores.iter().filter(|(store, standing)| standing.is_of_use() || fit(store)).count();
    let all_up = stores.iter().all(|(_, standing)| standing.is_of_use());
    let (status, word) = match of_use {
        _ if app.health.draining.load(Ordering::Relaxed) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        0 if !stores.is_empty() => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        _ if !all_up => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "up"),
    };
    let shown = stores.iter().map(|(store, standing)| {
        let mut shown = standing.shown();
        let states: Vec<&str> = replicas_of(&app.health.here, *store).map(ReplicaState::name).collect();
        if !states.is_empty() {
            shown["replicas"] = json!(states);
        }
        (store.name().to_owned(), shown)
    });
    told(status, word, Some(shown.collect()))
}

fn told(status: StatusCode, word: &str, stores: Option<Map<String, Value>>) -> Response<Body> {
    let mut body = Map::from_iter([("status".to_owned(), Value::from(word))]);
    if let Some(stores) = stores {
        body.insert("stores".to_owned(), Value::Object(stores));
    }
    let mut response = Response::new(Body::from(Value::Object(body).to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
