//! HTTP Basic on everything but health.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Extensions, HeaderValue, Response, StatusCode};
use axum::middleware::Next;

use super::App;
use super::answer::refusal;
use super::fields::AUTHORIZATION;
use super::request_id::RequestId;
use crate::auth::{Denied, Login, Logins, Rights, credentials};
use crate::insight::Repeats;
use crate::kernel::{Papel, Requester, code};
use crate::peers::STEPS;

/// What whoever only watches may see.
const METRICS: &str = "/metrics";

/// What another subgraph may do.
const OF_SIBLINGS: [&str; 2] = ["/graphql", STEPS];

/// Another subgraph asks: its login.
#[derive(Clone)]
pub(super) struct Sibling(pub Arc<str>);

/// What a request is let in as.
enum Admitted {
    Requester(Requester),
    Sibling(Requester),
    Watcher,
}

impl Admitted {
    fn attach(self, extensions: &mut Extensions) {
        match self {
            Self::Requester(requester) => {
                extensions.insert(requester);
            }
            Self::Sibling(requester) => {
                extensions.insert(Sibling(Arc::clone(&requester.nome)));
                extensions.insert(requester);
            }
            Self::Watcher => {}
        }
    }
}

/// What a login may do at a path; a sentence when nothing.
fn admit(login: &Login, path: &str) -> Result<Admitted, &'static str> {
    let requester = |papel| Requester { nome: Arc::clone(&login.nome), papel };
    match login.rights {
        Rights::Asks(papel) => Ok(Admitted::Requester(requester(papel))),
        Rights::Watches if path == METRICS => Ok(Admitted::Watcher),
        Rights::Watches => Err("The papel MONITOR sees /metrics and nothing else."),
        Rights::Serves if OF_SIBLINGS.contains(&path) => Ok(Admitted::Sibling(requester(Papel::Leitor))),
        Rights::Serves => {
            Err("The papel SERVICO is for other subgraphs: /graphql, and nothing for a person.")
        }
    }
}

/// RFC 7617.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Quarteto\", charset=\"UTF-8\"");

/// Lets the request through with who asks, or answers 401, or 403.
pub(super) async fn require(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let address = app.limits.trusted_proxies.client(&request);
    // Two logins in one request: whoever reads the other one is fooled.
    let mut headers = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let verified = match (headers.next(), headers.next()) {
        (_, Some(_)) => Err(Denied::Malformed),
        (header, None) => app.logins.verify(header, address).await,
    };
    app.metrics.login(verified.as_ref().map_or_else(Denied::name, |_| "ok"));
    match verified {
        Ok(login) => match admit(&login, request.uri().path()) {
            Ok(admitted) => {
                admitted.attach(request.extensions_mut());
                next.run(request).await
            }
            Err(message) => {
                refusal(StatusCode::FORBIDDEN, code::FORBIDDEN, message, request.extensions().get())
            }
        },
        Err(denied) => {
            app.refused_logins.tell(&app.logins, denied, request.headers().get(AUTHORIZATION), address);
            deny(denied, request.extensions().get())
        }
    }
}

fn deny(denied: Denied, id: Option<&RequestId>) -> Response<Body> {
    let message = match denied {
        Denied::Missing => "A login is required: HTTP Basic.",
        Denied::Malformed => "The Authorization header is not HTTP Basic credentials.",
        Denied::Wrong => "Wrong user or password.",
        Denied::Overloaded => return later("Too many logins wait; try again shortly.", 1, id),
        Denied::Throttled(wait) => {
            let seconds = rounded_up(wait);
            let message = format!("Too many logins have failed; try again in {seconds} s.");
            return later(&message, seconds, id);
        }
    };
    let mut response = refusal(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message, id);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}

/// Refused logins in the log: each user, address and reason once a minute, with a count.
pub(super) struct RefusedLogins(Repeats<(String, IpAddr, &'static str)>);

impl RefusedLogins {
    pub(super) fn new() -> Self {
        Self(Repeats::new())
    }

    fn tell(&self, logins: &Logins, denied: Denied, header: Option<&HeaderValue>, address: IpAddr) {
        let nome = header.and_then(|header| credentials(header.as_bytes()).ok()).map(|(nome, _)| nome);
        // What nobody is called may be a password in the wrong place.
        let user = nome.filter(|nome| logins.knows(nome)).unwrap_or_else(|| "-".to_owned());
        let reason = denied.name();
        if let Some(times) = self.0.tell((user.clone(), address, reason)) {
            tracing::info!(user, %address, reason, times, "login refused");
        }
    }
}

fn rounded_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn later(message: &str, seconds: u64, id: Option<&RequestId>) -> Response<Body> {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message, id);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
