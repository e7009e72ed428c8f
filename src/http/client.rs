//! Where a request comes from: the peer, or what a proxy that we trust says, in
//! `X-Forwarded-For` or in `Forwarded` (RFC 7239).
//!
//! A proxy writes one of the two and passes the other on as the client sent it.
//! We cannot know which, so when both are there they must agree; otherwise
//! neither is believed, and the request counts as the proxy's own. Nobody can take
//! another's address that way, nor hide among the addresses of others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use ipnet::IpNet;

use super::fields::{FORWARDED, X_FORWARDED_FOR};

/// The proxies whose `X-Forwarded-For` or `Forwarded` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// From `10.0.0.0/8, 192.0.2.7`; none when empty.
    ///
    /// # Errors
    /// A sentence that names the entry and the rule.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parsed: Result<Vec<IpNet>, String> = entries
            .map(|entry| {
                let network = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
                network.map_err(|_| {
                    format!("http.trusted_proxies: `{entry}` is not an address or a network; one looks like 10.0.0.0/8")
                })
            })
            .collect();
        parsed.map(Self)
    }

    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address.
    pub(super) fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
        if !self.has(peer) {
            return peer;
        }
        let headers = request.headers();
        match (headers.contains_key(X_FORWARDED_FOR), headers.contains_key(FORWARDED)) {
            (false, false) => peer,
            (true, false) => self.behind(peer, forwarded_for(headers)),
            (false, true) => self.behind(peer, forwarded(headers)),
            (true, true) => {
                let client = self.behind(peer, forwarded_for(headers));
                if client == self.behind(peer, forwarded(headers)) { client } else { peer }
            }
        }
    }

    /// Proxies append what they saw, so the hops are read from the last, for as
    /// long as they are proxies of ours. One that is no address ends it.
    fn behind(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Some(hop) = hop.filter(|_| self.has(client)) else { break };
            client = hop;
        }
        client
    }
}

/// The hops of `X-Forwarded-For`, the client's first.
fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lists = headers.get_all(X_FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default());
    lists.flat_map(|list| list.split(',')).map(address).collect()
}

/// The hops of `Forwarded`: in each element the parameter `for`.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lists = headers.get_all(FORWARDED).iter().map(|value| value.to_str().unwrap_or_default());
    lists.flat_map(|list| split(list, ',')).map(node).collect()
}

/// Who an element of `Forwarded` was sent for.
fn node(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
/// `[2001:db8::1]`, `[2001:db8::1]:80`; nothing for `unknown` and `_names`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

/// Splits at a separator that stands in no quoted string.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        }
        !quoted && c == separator
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&'static str]) -> String {
        let mut request = Request::default();
        let peer: IpAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 1)));
        for value in forwarded {
            let value = axum::http::HeaderValue::from_static(value);
            request.headers_mut().append(X_FORWARDED_FOR, value);
        }
        TrustedProxies::parse(trusted).expect("a list").client(&request).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["1.1.1.1, 203.0.113.9, 10.9.9.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["garbage"]), "10.1.2.3");
        assert_eq!(client("::1", "::ffff:10.0.0.1", &["203.0.113.9"]), "10.0.0.1");
        assert!(TrustedProxies::parse("example.com").is_err());
    }

    fn told(forwarded_for: Option<&'static str>, forwarded: &[&'static str]) -> String {
        let mut request = Request::default();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1))));
        let value = axum::http::HeaderValue::from_static;
        forwarded_for.map(|text| request.headers_mut().append(X_FORWARDED_FOR, value(text)));
        for text in forwarded {
            request.headers_mut().append(FORWARDED, value(text));
        }
        TrustedProxies::parse("10.0.0.0/8").expect("a list").client(&request).to_string()
    }

    #[test]
    fn forwarded_is_read_as_the_rfc_writes_it() {
        for (forwarded, client) in [
            (&["for=203.0.113.9"][..], "203.0.113.9"),
            (&["For=203.0.113.9;proto=https;by=10.0.0.1"], "203.0.113.9"),
            (&["proto=https; for=\"203.0.113.9:4711\""], "203.0.113.9"),
            (&["for=\"[2001:db8::17]:4711\""], "2001:db8::17"),
            (&["for=1.1.1.1, for=203.0.113.9, for=10.2.2.2"], "203.0.113.9"),
            (&["for=1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"a,for=1.1.1.1\""], "10.0.0.1"),
            (&["for=\"\\\",for=1.1.1.1\""], "10.0.0.1"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=203.0.113.9, for=_secret"], "10.0.0.1"),
            (&["by=203.0.113.9"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(told(None, forwarded), client, "{forwarded:?}");
        }
    }

    #[test]
    fn two_headers_must_agree() {
        assert_eq!(told(Some("203.0.113.9"), &["for=203.0.113.9"]), "203.0.113.9");
        assert_eq!(told(Some("203.0.113.9"), &["for=1.1.1.1"]), "10.0.0.1");
        assert_eq!(told(Some("203.0.113.9"), &["for=unknown"]), "10.0.0.1");
    }
}
