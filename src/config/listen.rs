//! Where to listen, as people write it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An address and a port: `127.0.0.1:4000`, `[::1]:4000`. `localhost:4000`, `:4000` and
/// `4000` are `127.0.0.1:4000`, this machine alone; elsewhere `:4000` is often every address,
/// which nobody should get without having written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Listen(pub SocketAddr);

impl Listen {
    /// Whether nobody but this machine reaches it.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let this_machine =
            |port: &str| port.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        let text = text.trim();
        let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        text.parse().ok().or_else(|| this_machine(port)).map(Self).ok_or_else(|| {
            format!("`{text}` is no address and port: they look like 127.0.0.1:4000, [::1]:4000 or 4000")
        })
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Listen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address and a port, as in 127.0.0.1:4000")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Listen, E> {
                Listen::read(text).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, port: u64) -> Result<Listen, E> {
                Listen::read(&port.to_string()).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, port: i64) -> Result<Listen, E> {
                Listen::read(&port.to_string()).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_it() {
        for (text, address) in [
            ("127.0.0.1:4148", "127.0.0.1:4148"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:4148", "[::1]:4148"),
            ("localhost:4148", "127.0.0.1:4148"),
            (":4148", "127.0.0.1:4148"),
            ("4148", "127.0.0.1:4148"),
            ("127.0.0.1:0", "127.0.0.1:0"),
        ] {
            assert_eq!(Listen::read(text).map(|listen| listen.0.to_string()).as_deref(), Ok(address));
        }
        for text in ["", "localhost", "host.example:4148", "127.0.0.1", "70000", "::1:x"] {
            let told = Listen::read(text).expect_err(text);
            assert!(told.ends_with("they look like 127.0.0.1:4000, [::1]:4000 or 4000"), "{told}");
        }
    }
}
