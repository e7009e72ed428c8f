//! The HTTP server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::listen::Listen;
use super::setting::section;
use crate::kernel::Papel;

section! {
    /// The HTTP server.
    Http in "http" {
        pub listen: Listen = Listen(SocketAddr::from(([127, 0, 0, 1], 4000))), text, "QUARTETO_LISTEN",
            "Address and port to listen on.";
        metrics_listen: String = String::new(), text, "QUARTETO_METRICS_LISTEN",
            "Address and port of `/metrics` and the two health checks without a login, for the operator's network; none when empty.";
        tls_cert: PathBuf = PathBuf::new(), text, "QUARTETO_TLS_CERT",
            "The certificate chain, a PEM file; with it and its key the program speaks HTTPS.";
        tls_key: PathBuf = PathBuf::new(), text, "QUARTETO_TLS_KEY",
            "The private key of the certificate, a PEM file.";
        pub behind_proxy: bool = false, flag, "QUARTETO_BEHIND_PROXY",
            "`true` lets plain HTTP listen beyond this machine, for a proxy that ends TLS.";
        header_ms: u64 = 5_000, number in 100..=600_000, "QUARTETO_HEADER_MS",
            "How long the head of a request may take, and how long a connection may idle.";
        // Below this the HTTP library cannot read a head at all.
        pub header_bytes: usize = 32 << 10, number in 8192..=1 << 20, "QUARTETO_HEADER_BYTES",
            "The largest head of a request.";
        body_ms: u64 = 5_000, number in 100..=600_000, "QUARTETO_BODY_MS",
            "How long the body of a request may take.";
        write_ms: u64 = 10_000, number in 100..=600_000, "QUARTETO_WRITE_MS",
            "How long an answer waits for a client that takes nothing of it.";
        pub body_bytes: usize = 1 << 20, number in 1024..=64 << 20, "QUARTETO_BODY_BYTES",
            "The largest request body.";
        pub batch: usize = 0, number in 0..=100, "QUARTETO_BATCH",
            "Operations that one request may hold, as a list; 0 refuses lists.";
        pub status_codes: StatusCodes = StatusCodes::Audit, text, "QUARTETO_STATUS_CODES",
            "`audit` answers with 200 and 400 as today's clients and audits expect, `draft-2026` also with 294 and 422.";
        pub allowed_origins: String = String::new(), text, "QUARTETO_ALLOWED_ORIGINS",
            "Origins whose pages may ask from a browser (CORS), separated by commas; none when empty.";
        pub trusted_proxies: String = String::new(), text, "QUARTETO_TRUSTED_PROXIES",
            "Addresses or networks of proxies whose X-Forwarded-For or Forwarded is believed, separated by commas.";
        pub introspection: Introspection = Introspection::All, text, "QUARTETO_INTROSPECTION",
            "Who may ask for the schema: `all` with a login, `editor` or `admin` and up.";
        pub requests: usize = 2_000, number in 1..=1_000_000, "QUARTETO_REQUESTS",
            "Requests that are worked on at once; what comes beyond is answered with 503 and may come again.";
        request_ms: u64 = 10_000, number in 10..=600_000, "QUARTETO_REQUEST_MS",
            "How long a request may take in all.";
        unready_ms: u64 = 1_000, number in 0..=600_000, "QUARTETO_UNREADY_MS",
            "How long `/readyz` says `draining` after SIGTERM before no more connections are accepted.";
        drain_ms: u64 = 15_000, number, "QUARTETO_DRAIN_MS",
            "How long running requests and writes are waited for at the end, after that.";
        threads: usize = 0, number in 0..=1024, "QUARTETO_THREADS",
            "Threads that serve requests; 0 for one a core.";
    }
}

/// Which status codes tell how an operation went. `src/http/graphql/mod.rs` has
/// the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusCodes {
    /// 200 and 400, as the audits of `graphql-http` and clients of today expect.
    #[serde(rename = "audit")]
    Audit,
    /// Also 422 and 294, as the draft of 2026 recommends.
    #[serde(rename = "draft-2026")]
    Draft2026,
}

/// Who may ask for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Everybody with a login.
    All,
    /// Editors and administrators.
    Editor,
    /// Administrators.
    Admin,
}

impl Introspection {
    /// Whether somebody with this papel may.
    #[must_use]
    pub fn allows(self, papel: Papel) -> bool {
        let least = match self {
            Self::All => Papel::Leitor,
            Self::Editor => Papel::Editor,
            Self::Admin => Papel::Admin,
        };
        papel >= least
    }
}

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
        Http::default().connections()
    }
}

impl Http {
    /// The rules that tie settings together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.metrics_listen()?;
        if self.tls_cert.as_os_str().is_empty() == self.tls_key.as_os_str().is_empty() {
            return Ok(());
        }
        let rule = "http.tls_cert and http.tls_key go together: set both for HTTPS, or neither";
        Err(ConfigError(rule.into()))
    }

    /// Where `/metrics` is without a login, when that is said.
    ///
    /// # Errors
    /// A message that names the rule.
    pub fn metrics_listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        if self.metrics_listen.is_empty() {
            return Ok(None);
        }
        let address = Listen::read(&self.metrics_listen);
        let address = address.map_err(|told| ConfigError(format!("http.metrics_listen: {told}")))?.0;
        if address == self.listen.0 && address.port() != 0 {
            return Err(ConfigError(format!(
                "http.metrics_listen and http.listen are both {address}; give the metrics a port of their own"
            )));
        }
        Ok(Some(address))
    }

    /// The files for HTTPS, when they are named.
    #[must_use]
    pub fn tls_files(&self) -> Option<TlsFiles> {
        let named = !self.tls_cert.as_os_str().is_empty();
        named.then(|| TlsFiles { cert: self.tls_cert.clone(), key: self.tls_key.clone() })
    }

    /// Passwords in the clear must not leave this machine by accident.
    ///
    /// # Errors
    /// A message that names the two remedies.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.listen.is_local() || self.behind_proxy || self.tls_files().is_some() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "http.listen is {}, which other machines reach, and plain HTTP would send them passwords in the \
             clear: set http.tls_cert and http.tls_key to speak HTTPS, or http.behind_proxy = true \
             (QUARTETO_BEHIND_PROXY) when a proxy in front ends TLS",
            self.listen.0
        )))
    }

    /// What a connection may take.
    #[must_use]
    pub const fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            head: Duration::from_millis(self.header_ms),
            head_bytes: self.header_bytes,
            write: Duration::from_millis(self.write_ms),
        }
    }

    /// How long a body may take.
    #[must_use]
    pub const fn body_deadline(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    /// How long a request may take in all.
    #[must_use]
    pub const fn request_deadline(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    /// How long it is told that the program will stop before it does.
    #[must_use]
    pub const fn unready(&self) -> Duration {
        Duration::from_millis(self.unready_ms)
    }

    /// How long running requests and writes are waited for when the program stops.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    /// Threads that serve requests: as set, or one a core.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}
