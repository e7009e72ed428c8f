//! Which program asks, as it says itself: for whoever looks at accesses. Nothing is decided by
//! it.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue};

use super::fields::{
    APOLLOGRAPHQL_CLIENT_NAME, APOLLOGRAPHQL_CLIENT_VERSION, GRAPHQL_CLIENT_NAME, GRAPHQL_CLIENT_VERSION,
    USER_AGENT,
};

/// Its name and version: what Apollo's clients send, or others', or else the first product of
/// `User-Agent` (RFC 9110, section 10.1.5). Empty is what it does not say.
pub(super) fn program(headers: &HeaderMap) -> (Cow<'_, str>, Cow<'_, str>) {
    let named = [
        (headers.get(APOLLOGRAPHQL_CLIENT_NAME), headers.get(APOLLOGRAPHQL_CLIENT_VERSION)),
        (headers.get(GRAPHQL_CLIENT_NAME), headers.get(GRAPHQL_CLIENT_VERSION)),
    ];
    for (name, version) in named {
        let name = text(name);
        if !name.is_empty() {
            return (name, text(version));
        }
    }
    let agent = text(headers.get(USER_AGENT));
    let product = agent.split_whitespace().next().unwrap_or_default();
    let (name, version) = product.split_once('/').unwrap_or((product, ""));
    (name.to_owned().into(), version.to_owned().into())
}

/// As UTF-8, or else as ISO 8859-1, in which browsers send what is within it.
fn text(value: Option<&HeaderValue>) -> Cow<'_, str> {
    let bytes = value.map_or(&[][..], HeaderValue::as_bytes).trim_ascii();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_said_counts() {
        type Sent<'a> = &'a [(&'a str, &'a str)];
        let table: [(Sent<'_>, (&str, &str)); 7] = [
            (&[], ("", "")),
            (&[("user-agent", "curl/8.1.2")], ("curl", "8.1.2")),
            (&[("user-agent", "Mozilla/5.0 (X11) Firefox/140.0")], ("Mozilla", "5.0")),
            (&[("user-agent", "script")], ("script", "")),
            (
                &[("graphql-client-name", "loja"), ("graphql-client-version", "2"), ("user-agent", "a/1")],
                ("loja", "2"),
            ),
            (
                &[
                    ("apollographql-client-name", " site "),
                    ("graphql-client-name", "loja"),
                    ("graphql-client-version", "2"),
                ],
                ("site", ""),
            ),
            (&[("apollographql-client-name", ""), ("user-agent", "a/1")], ("a", "1")),
        ];
        for (sent, told) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let (name, version) = program(&headers);
            assert_eq!((&*name, &*version), told, "{sent:?}");
        }
        for bytes in ["Balcão".as_bytes(), b"Balc\xe3o"] {
            let mut headers = HeaderMap::new();
            headers.insert(APOLLOGRAPHQL_CLIENT_NAME, HeaderValue::from_bytes(bytes).expect("a value"));
            assert_eq!(program(&headers).0, "Balcão");
        }
    }
}
