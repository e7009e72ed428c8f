//! What some settings become together: small values that the parts of the
//! program take.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// The PEM files that HTTPS needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long the TLS handshake and then each head may take. A connection that
    /// waits for its next request is waiting for a head, so it idles no longer
    /// than this either.
    pub head: Duration,
    /// The largest head, in bytes.
    pub head_bytes: usize,
    /// How long an answer waits for a client that takes nothing of it.
    pub write: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { head: Duration::from_secs(5), head_bytes: 32 << 10, write: Duration::from_secs(10) }
    }
}

/// What a user may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Cost that comes back in a minute.
    pub per_minute: NonZeroU32,
    /// Cost that may be spent at once.
    pub burst: NonZeroU32,
}
