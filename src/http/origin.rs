//! Requests that a foreign page makes in a browser.
//!
//! A browser sends Basic credentials by itself once they were entered, so any
//! page could ask in its user's name. Three lines of defence: a body must be
//! JSON, which no form can send; a request that a browser says, or shows, to
//! come from elsewhere is refused unless its origin is on the list; and what only
//! reads, which any `<img>` can ask for, must come from our own pages, from a program, or
//! carry a header that needs a preflight.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{CorsLayer, Vary};

use super::fields::{FROM_PAGES, HOST, ORIGIN, SEC_FETCH_SITE, TO_PAGES, asked_first};
use super::resource::{METHODS, may_write};
use crate::insight::Repeats;

/// Why a request of a foreign page is refused.
const FOREIGN: &str = "Requests from this origin are not allowed; add it to http.allowed_origins.";

/// Refused origins in the log: each once a minute, with a count and the remedy. The person
/// in front of the browser sees no more than that it failed.
pub(super) struct RefusedOrigins(Repeats<String>);

impl RefusedOrigins {
    pub(super) fn new() -> Self {
        Self(Repeats::new())
    }

    /// Tells of a request that `allowed` refuses because of its origin.
    pub(super) fn tell(&self, allowed: &AllowedOrigins, method: &Method, headers: &HeaderMap) {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let Some(origin) = origin.filter(|origin| origin.len() <= LONGEST_ORIGIN) else { return };
        if allowed.check(method, headers) != Err(FOREIGN) {
            return;
        }
        if let Some(times) = self.0.tell(origin.to_owned()) {
            tracing::warn!(
                origin,
                times,
                "origin refused; if its pages may ask, name it in http.allowed_origins (QUARTETO_ALLOWED_ORIGINS)"
            );
        }
    }
}

/// More than the name of any host.
const LONGEST_ORIGIN: usize = 300;

/// The longest that Chromium keeps the answer to a preflight.
const PREFLIGHT_AGE: Duration = Duration::from_secs(7200);

/// The origins whose pages may ask.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Vec<HeaderValue>);

impl AllowedOrigins {
    /// From `https://app.example.com, http://localhost:5173`; none when empty.
    ///
    /// # Errors
    /// A sentence that names the entry and the rule.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parsed: Result<Vec<HeaderValue>, String> = entries.map(parse_origin).collect();
        parsed.map(Self)
    }

    fn has(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    /// Answers preflights, before any login, and marks answers for the origins
    /// on the list.
    pub(super) fn layer(&self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(self.0.clone())
            .allow_credentials(true)
            .allow_methods(METHODS)
            .allow_headers(FROM_PAGES)
            .expose_headers(TO_PAGES)
            .max_age(PREFLIGHT_AGE)
            // Set for all answers in one place: `resource`.
            .vary(Vary::list([]))
    }

    /// Whether a request may be executed, as far as its origin goes.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
        let origin = headers.get(ORIGIN);
        if origin.is_some_and(|origin| self.has(origin)) {
            return Ok(());
        }
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        let foreign = match (site, origin) {
            (Some(b"same-origin" | b"none"), _) | (None, None) => false,
            (Some(_), _) => true,
            (None, Some(origin)) => !is_own(origin, headers.get(HOST)),
        };
        if foreign {
            return Err(FOREIGN);
        }
        let browser = site.is_some() || origin.is_some();
        if !may_write(method) && browser && site != Some(b"same-origin") && !asked_first(headers) {
            return Err("A GET from a browser needs one of the headers Apollo-Require-Preflight, \
                 X-Apollo-Operation-Name or GraphQL-Require-Preflight.");
        }
        Ok(())
    }
}

/// Scheme, host and port, and nothing else.
fn parse_origin(entry: &str) -> Result<HeaderValue, String> {
    // As copied from a browser's address bar.
    let entry = entry.strip_suffix('/').unwrap_or(entry);
    let host = entry.strip_prefix("https://").or_else(|| entry.strip_prefix("http://"));
    let plain = host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    });
    let value = HeaderValue::from_str(entry).ok().filter(|_| plain);
    value.ok_or_else(|| {
        format!("http.allowed_origins: `{entry}` is not an origin; one looks like https://app.example.com")
    })
}

/// Whether an origin is the host that the request came to.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let place = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (place, host) {
        (Some((_, place)), Some(host)) => place.as_bytes().eq_ignore_ascii_case(host.as_bytes()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let allowed = AllowedOrigins::parse("https://app.example.com").expect("a list");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("api.example.com"));
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        allowed.check(method, &headers).is_ok()
    }

    #[test]
    fn programs_and_own_pages_may_ask_and_foreign_pages_may_not() {
        for (pairs, post, get) in [
            (&[][..], true, true),
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://api.example.com")], true, true),
            (&[("sec-fetch-site", "none")], true, false),
            (&[("sec-fetch-site", "none"), ("apollo-require-preflight", "1")], true, true),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site"), ("apollo-require-preflight", "1")], false, false),
            (&[("origin", "https://evil.example")], false, false),
            (&[("origin", "null")], false, false),
            (&[("origin", "https://api.example.com")], true, false),
            (&[("origin", "https://api.example.com"), ("x-apollo-operation-name", "A")], true, true),
            (&[("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")], true, true),
        ] {
            assert_eq!((check(&Method::POST, pairs), check(&Method::GET, pairs)), (post, get), "{pairs:?}");
            assert_eq!(check(&Method::HEAD, pairs), get, "{pairs:?}");
        }
    }

    #[test]
    fn the_list_holds_origins_only() {
        assert_eq!(AllowedOrigins::parse(" ,").map(|list| list.0.len()), Ok(0));
        assert_eq!(
            AllowedOrigins::parse("https://a.b, http://localhost:5173").map(|list| list.0.len()),
            Ok(2)
        );
        assert!(AllowedOrigins::parse("https://a.b/").is_ok_and(|list| list.0[0] == "https://a.b"));
        for bad in ["*", "app.example.com", "https://a.b/c", "https://", "ftp://a", "null"] {
            assert!(AllowedOrigins::parse(bad).is_err(), "{bad}");
        }
    }
}
