//! HTTP Basic on everything but health.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::Next;

use super::App;
use super::answer::refusal;
use super::fields::AUTHORIZATION;
use super::request_id::RequestId;
use crate::auth::{Denied, Logins, credentials};
use crate::insight::Repeats;
use crate::kernel::{Papel, code};

/// What whoever only watches may see.
const METRICS: &str = "/metrics";

/// RFC 7617.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Quarteto\", charset=\"UTF-8\"");

/// Lets the request through with its requester, or answers 401.
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
        Ok(requester) if requester.papel < Papel::Leitor && request.uri().path() != METRICS => {
            let message = "The papel MONITOR sees /metrics and nothing else.";
            refusal(StatusCode::FORBIDDEN, code::FORBIDDEN, message, request.extensions().get())
        }
        Ok(requester) => {
            request.extensions_mut().insert(requester);
            next.run(request).await
        }
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
