//! The header fields that the program reads and writes, in one place: readers take
//! the names from here, and so does what pages of other origins are told (CORS).
//! A test looks in the sources for a name that is on no list.
//!
//! What does not live here: what a field means. To read or write one more: its
//! name, and a place in one of the lists.

pub(super) use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, FORWARDED, HOST,
    IF_MATCH, IF_NONE_MATCH, ORIGIN, USER_AGENT,
};
use axum::http::header::{ALLOW, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The id of a request, in and out.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The key under which a single mutation is remembered.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Asks for `extensions.tracing` and `extensions.quarteto`.
pub(super) const X_APOLLO_TRACING: HeaderName = HeaderName::from_static("x-apollo-tracing");

/// The trace that a request is part of, and below which span (W3C Trace Context).
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What others have noted of that trace.
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Asks for every statement with its text and its plan; for the papel ADMIN.
pub(super) const X_QUARTETO_EXPLAIN: HeaderName = HeaderName::from_static("x-quarteto-explain");

/// What a client calls itself, as Apollo's do, and its version.
pub(super) const APOLLOGRAPHQL_CLIENT_NAME: HeaderName = HeaderName::from_static("apollographql-client-name");
pub(super) const APOLLOGRAPHQL_CLIENT_VERSION: HeaderName =
    HeaderName::from_static("apollographql-client-version");

/// Likewise, as others' do.
pub(super) const GRAPHQL_CLIENT_NAME: HeaderName = HeaderName::from_static("graphql-client-name");
pub(super) const GRAPHQL_CLIENT_VERSION: HeaderName = HeaderName::from_static("graphql-client-version");

/// Where a browser says that a request comes from.
pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What proxies say of the client's address.
pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a user may spend.
pub(super) const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of it.
pub(super) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Which pages may embed an answer.
pub(super) const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

const APOLLO_REQUIRE_PREFLIGHT: HeaderName = HeaderName::from_static("apollo-require-preflight");
const X_APOLLO_OPERATION_NAME: HeaderName = HeaderName::from_static("x-apollo-operation-name");
const GRAPHQL_REQUIRE_PREFLIGHT: HeaderName = HeaderName::from_static("graphql-require-preflight");

/// Fields that make a browser ask first. A client of Apollo or urql is told to
/// send one of them.
pub(super) const ASKED_FIRST: [HeaderName; 3] =
    [APOLLO_REQUIRE_PREFLIGHT, X_APOLLO_OPERATION_NAME, GRAPHQL_REQUIRE_PREFLIGHT];

/// What a page of an allowed origin may send: what the program reads, and what
/// clients add by themselves and nobody reads. By name, since a wildcard never
/// covers `Authorization`.
pub(super) const FROM_PAGES: [HeaderName; 21] = [
    ACCEPT,
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    IDEMPOTENCY_KEY,
    X_REQUEST_ID,
    X_APOLLO_TRACING,
    X_QUARTETO_EXPLAIN,
    APOLLOGRAPHQL_CLIENT_NAME,
    APOLLOGRAPHQL_CLIENT_VERSION,
    GRAPHQL_CLIENT_NAME,
    GRAPHQL_CLIENT_VERSION,
    APOLLO_REQUIRE_PREFLIGHT,
    X_APOLLO_OPERATION_NAME,
    GRAPHQL_REQUIRE_PREFLIGHT,
    TRACEPARENT,
    TRACESTATE,
    // Read by nobody.
    HeaderName::from_static("x-apollo-operation-id"),
    HeaderName::from_static("baggage"),
];

/// What a page of an allowed origin may read of an answer, beside what any may.
pub(super) const TO_PAGES: [HeaderName; 8] =
    [ACCEPT_ENCODING, ALLOW, ETAG, RATELIMIT, RATELIMIT_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_REQUEST_ID];

/// Whether a request brings one of the fields that a browser asks first about.
pub(super) fn asked_first(headers: &HeaderMap) -> bool {
    ASKED_FIRST.iter().any(|name| headers.contains_key(name))
}

/// The names as the value of a field that lists names.
pub(super) fn listed(names: &[HeaderName]) -> HeaderValue {
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("*"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::http::header::{
        CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    };

    use super::*;

    /// What is read and no page can set: the browser writes it, or a proxy.
    const NOT_FROM_PAGES: [HeaderName; 8] = [
        ACCEPT_ENCODING,
        CONTENT_LENGTH,
        FORWARDED,
        HOST,
        ORIGIN,
        SEC_FETCH_SITE,
        USER_AGENT,
        X_FORWARDED_FOR,
    ];

    /// What is written for browsers and caches, or what every page may read.
    const NOT_TO_PAGES: [HeaderName; 12] = [
        CACHE_CONTROL,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_SECURITY_POLICY,
        CONTENT_TYPE,
        CROSS_ORIGIN_RESOURCE_POLICY,
        REFERRER_POLICY,
        STRICT_TRANSPORT_SECURITY,
        VARY,
        X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
        HeaderName::from_static("content-location"),
    ];

    /// The program's own sources without blanks, and without this file and tests.
    fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                sources(&path, found);
            } else if !path.ends_with("http/fields.rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                let own = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                found.push((path.display().to_string(), own.split_whitespace().collect()));
            }
        }
    }

    /// The first argument wherever a text calls one of `methods` on headers.
    fn arguments<'a>(text: &'a str, methods: &[&str]) -> Vec<&'a str> {
        let mut found = Vec::new();
        for method in methods {
            for receiver in ["headers.", "headers().", "headers_mut()."] {
                let call = format!("{receiver}{method}");
                found.extend(text.split(&call).skip(1).map(|rest| {
                    rest.split([')', ',', '>']).next().unwrap_or_default().trim_start_matches('&')
                }));
            }
        }
        found
    }

    /// `IF_NONE_MATCH`, `IfNoneMatch` and `"if-none-match"` alike.
    fn as_field(written: &str) -> String {
        let name = written.rsplit("::").next().unwrap_or_default().trim_matches('"');
        if name.contains(['_', '-']) || name.chars().all(|letter| letter.is_ascii_uppercase()) {
            return name.replace('_', "-").to_ascii_lowercase();
        }
        let mut field = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !field.is_empty() {
                field.push('-');
            }
            field.push(letter.to_ascii_lowercase());
        }
        field
    }

    #[test]
    fn every_field_that_is_read_or_written_is_on_a_list() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let (mut read, mut written) = (0, 0);
        for (path, text) in &files {
            assert!(!text.contains("HeaderName::from_"), "{path}: names stand in http/fields.rs");
            for argument in arguments(text, &["get(", "get_all(", "contains_key(", "typed_get::<"]) {
                let field = as_field(argument);
                let known = FROM_PAGES.iter().chain(&NOT_FROM_PAGES).any(|name| *name == *field);
                assert!(known, "{path}: `{field}` is read and on no list");
                read += 1;
            }
            for argument in arguments(text, &["insert(", "append(", "entry("]) {
                let field = as_field(argument);
                let known = TO_PAGES.iter().chain(&NOT_TO_PAGES).any(|name| *name == *field);
                assert!(known, "{path}: `{field}` is written and on no list");
                written += 1;
            }
        }
        assert!(read >= 15 && written >= 20, "{read} and {written} were found");
    }
}
