//! A sibling, over HTTP: a login, a deadline, a circuit, and what its failures mean for us.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::Value;

use super::step::{Left, Step};
use crate::config::PeerAccess;
use crate::db::{Circuit, Fault, PerStore, Store, StoreError};

/// The largest answer that is read: a thousand entities are some tens of kilobytes.
const MOST_BYTES: usize = 8 << 20;

/// How long a connection may idle before it is not used again: well below what servers allow.
const IDLE: Duration = Duration::from_secs(3);

/// Where a step is asked for.
pub const STEPS: &str = "/internal/steps";

/// Why siblings cannot be reached at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PeerError(String);

/// A sibling. Cheap to clone; all clones share the connections and the circuit.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    store: Store,
    base: Uri,
    login: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
    circuit: Circuit,
}

/// What a sibling says of a step that its store has not done.
#[derive(Deserialize)]
struct Refusal {
    fault: String,
}

impl Remote {
    /// The siblings that are needed.
    ///
    /// # Errors
    /// [`PeerError`] about the authorities' file.
    pub fn all(access: Option<&PeerAccess>) -> Result<PerStore<Option<Self>>, PeerError> {
        let Some(access) = access else { return Ok(PerStore::default()) };
        let tls = tls(access.ca.as_deref())?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(access.patience));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https.wrap_connector(connector));
        let login = format!("Basic {}", STANDARD.encode(format!("{}:{}", access.user, access.password)));
        let mut login = HeaderValue::try_from(login).map_err(|error| PeerError(error.to_string()))?;
        login.set_sensitive(true);
        Ok(PerStore::from_fn(|store| {
            access.bases[store].clone().map(|base| {
                Self(Arc::new(Inner {
                    store,
                    base,
                    login: login.clone(),
                    client: client.clone(),
                    patience: access.patience,
                    circuit: Circuit::new(store, access.circuit),
                }))
            })
        }))
    }

    /// Whose store it has.
    #[must_use]
    pub fn store(&self) -> Store {
        self.0.store
    }

    /// How long it may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.0.patience
    }

    /// Has a step done.
    ///
    /// # Errors
    /// The store's, or that the sibling cannot be reached; whether the step was done is then
    /// not known.
    pub async fn step(&self, step: Step) -> Result<Left, StoreError> {
        let body =
            serde_json::to_vec(&step).map_err(|error| self.fails(Fault::Internal, error.to_string()))?;
        self.guarded("step", self.send(STEPS, body, read_step)).await
    }

    /// Asks the graph of the sibling for entities, and returns them in the order asked.
    ///
    /// # Errors
    /// The store's, or that the sibling cannot be reached.
    pub async fn entities(
        &self,
        work: &'static str,
        query: &'static str,
        representations: Vec<Value>,
    ) -> Result<Vec<Value>, StoreError> {
        let count = representations.len();
        let body = serde_json::json!({ "query": query, "variables": { "representations": representations } });
        let read = |remote: &Self, status, answer: Value| read_entities(remote, status, answer, count);
        self.guarded(work, self.send("/graphql", body.to_string().into_bytes(), read)).await
    }

    /// Asks the circuit before and tells it after.
    async fn guarded<T>(
        &self,
        work: &str,
        ask: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.0.circuit.enter(Instant::now())?;
        let outcome = ask.await;
        self.0.circuit.learn(work, Instant::now(), outcome.as_ref().err());
        outcome
    }

    async fn send<T>(
        &self,
        path: &'static str,
        body: Vec<u8>,
        read: impl FnOnce(&Self, StatusCode, Value) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let request = self.request(path, body)?;
        let exchange = async {
            let response = self.0.client.request(request).await.map_err(|error| self.unreached(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
            let body = body.map_err(|error| self.fails(Fault::Lost, error.to_string()))?.to_bytes();
            Ok((status, body))
        };
        let patience = self.0.patience;
        let (status, body) = tokio::time::timeout(patience, exchange)
            .await
            .map_err(|_| self.fails(Fault::Timeout, format!("no answer within {patience:?}")))??;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let why = "the sibling takes no step and no question with this login: it needs a user with the papel \
                       SERVICO (QUARTETO_PEER_USER)";
            return Err(self.fails(Fault::Unavailable, why));
        }
        let answer = serde_json::from_slice(&body)
            .map_err(|_| self.fails(Fault::Unavailable, format!("{status}, and no JSON")))?;
        read(self, status, answer)
    }

    fn request(&self, path: &'static str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, StoreError> {
        let mut parts = self.0.base.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(path));
        let json = HeaderValue::from_static("application/json");
        let uri = Uri::from_parts(parts).map_err(|error| self.fails(Fault::Internal, error.to_string()))?;
        Request::post(uri)
            .header(AUTHORIZATION, self.0.login.clone())
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .body(Full::from(body))
            .map_err(|error| self.fails(Fault::Internal, error.to_string()))
    }

    fn unreached(&self, error: &hyper_util::client::legacy::Error) -> StoreError {
        let fault = if error.is_connect() { Fault::Unavailable } else { Fault::Lost };
        let mut told = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            told = format!("{told}: {error}");
            cause = error.source();
        }
        self.fails(fault, told)
    }

    fn fails(&self, fault: Fault, why: impl Into<String>) -> StoreError {
        let base = &self.0.base;
        StoreError::new(self.0.store, fault, format!("the sibling at {base}: {}", why.into()))
    }
}

fn read_step(remote: &Remote, status: StatusCode, answer: Value) -> Result<Left, StoreError> {
    if status == StatusCode::OK {
        return serde_json::from_value(answer["left"].clone())
            .map_err(|_| remote.fails(Fault::Internal, "an answer that is none to a step"));
    }
    let Ok(Refusal { fault }) = serde_json::from_value(answer) else {
        return Err(remote.fails(Fault::Unavailable, format!("{status} to a step")));
    };
    let known = Fault::ALL.into_iter().find(|known| known.name() == fault);
    Err(remote.fails(known.unwrap_or(Fault::Unavailable), format!("its store failed: {fault}")))
}

/// One error fails the whole: whoever asks in batches asks again in halves.
fn read_entities(
    remote: &Remote,
    status: StatusCode,
    mut answer: Value,
    count: usize,
) -> Result<Vec<Value>, StoreError> {
    if !matches!(&answer["errors"], Value::Null | Value::Array(_)) || !answer.is_object() {
        return Err(remote.fails(Fault::Unavailable, format!("{status}, and no answer of GraphQL")));
    }
    if let Some(error) = answer["errors"].get(0) {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let message = error["message"].as_str().unwrap_or_default();
        return Err(remote.fails(fault_of(code), format!("{code}: {message}")));
    }
    match answer["data"]["_entities"].take() {
        Value::Array(entities) if entities.len() == count && status == StatusCode::OK => Ok(entities),
        _ => Err(remote.fails(Fault::Unavailable, format!("{status}, and no entities"))),
    }
}

/// What a sibling's code means for whoever needs its store.
fn fault_of(code_of_sibling: &str) -> Fault {
    use crate::kernel::code;
    match code_of_sibling {
        code::STORE_TIMEOUT | code::DEADLINE_EXCEEDED => Fault::Timeout,
        code::STORE_BUSY | code::OVERLOADED | code::RATE_LIMITED => Fault::Busy,
        code::STORE_UNREADABLE => Fault::Unreadable,
        code::INTERNAL | code::GRAPHQL_VALIDATION_FAILED | code::GRAPHQL_PARSE_FAILED => Fault::Internal,
        _ => Fault::Unavailable,
    }
}

/// Certificates are checked: by one's own authorities, or by those that browsers know.
fn tls(ca: Option<&Path>) -> Result<ClientConfig, PeerError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let refuse = |why: String| {
                PeerError(format!(
                    "federation.peer_ca: {}: {why}; name a PEM file with certificates",
                    path.display()
                ))
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
                roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refuse("it holds no certificate".into()));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| PeerError(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
