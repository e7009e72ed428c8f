//! Where a request comes from: the peer, or what a proxy that we trust says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderName;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is believed.
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

    /// The client's address. Proxies append what they saw, so the list is read
    /// from its end, for as long as the entries are proxies of ours.
    pub(super) fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let mut client = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
        let values = request.headers().get_all(FORWARDED_FOR).iter();
        let lists: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        for entry in lists.iter().flat_map(|list| list.split(',')).map(str::trim).rev() {
            if !self.has(client) {
                break;
            }
            match entry.parse() {
                Ok(address) => client = address,
                Err(_) => break,
            }
        }
        client
    }
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
            request.headers_mut().append(FORWARDED_FOR, value);
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
}
