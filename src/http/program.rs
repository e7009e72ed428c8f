//! Which program asks, as it says itself: for whoever looks at accesses. Nothing is decided by
//! it.

use axum::http::{HeaderMap, HeaderValue};

use super::fields::{
    APOLLOGRAPHQL_CLIENT_NAME, APOLLOGRAPHQL_CLIENT_VERSION, GRAPHQL_CLIENT_NAME, GRAPHQL_CLIENT_VERSION,
    USER_AGENT,
};

/// Its name and version: what Apollo's clients send, or others', or else the first product of
/// `User-Agent` (RFC 9110, section 10.1.5). Empty is what it does not say.
pub(super) fn program(headers: &HeaderMap) -> (&str, &str) {
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
    product.split_once('/').unwrap_or((product, ""))
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
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
            assert_eq!(program(&headers), told, "{sent:?}");
        }
    }
}
