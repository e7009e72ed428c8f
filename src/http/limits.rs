//! From the settings to the bounds on a request: the one place where the two meet.

use std::sync::Arc;

use super::{AllowedOrigins, HttpLimits, TrustedProxies};
use crate::config::{Config, Subgraph};
use crate::operation::trusted::{TrustMode, Trusted};

/// How much more a router may ask for than its client did.
const ROUTERS_SHARE: usize = 2;

/// Bytes of a representation: its type, its id, and what JSON adds.
const REPRESENTATION_BYTES: usize = 128;

impl HttpLimits {
    /// What the settings say, the trusted documents read.
    ///
    /// # Errors
    /// A sentence that names the setting and the rule.
    pub fn of(config: &Config) -> Result<Self, String> {
        let (http, documents) = (&config.http, &config.documents);
        let trusted = if documents.path.as_os_str().is_empty() {
            None
        } else {
            let trusted =
                Trusted::open(&documents.path, documents.mode).map_err(|error| error.to_string())?;
            Some(Arc::new(trusted))
        };
        let subgraph = config.federation.store != Subgraph::None;
        if subgraph && documents.mode == TrustMode::Enforce {
            return Err("documents.mode `enforce` is for the router: what it asks of a subgraph stands in no manifest"
                .to_owned());
        }
        let plain = Self::plain(config);
        let plain = if subgraph { plain.behind_a_router() } else { plain };
        Ok(Self {
            trusted,
            trusted_proxies: TrustedProxies::parse(&http.trusted_proxies)?,
            origins: AllowedOrigins::parse(&http.allowed_origins)?,
            ..plain
        })
    }

    /// A router asks for more than its client did: keys and types beside what was selected, one
    /// more level, and all entities of a level by name. What the merged graph answers within its
    /// limits, the router gets answered, too.
    fn behind_a_router(mut self) -> Self {
        let document = &mut self.document;
        document.bytes *= ROUTERS_SHARE;
        document.tokens *= ROUTERS_SHARE;
        document.selections *= ROUTERS_SHARE;
        document.aliases *= ROUTERS_SHARE;
        document.root_fields *= ROUTERS_SHARE;
        document.depth += 2;
        document.nesting += 4;
        self.answer.fields = self.answer.fields.saturating_mul(ROUTERS_SHARE as u64);
        self.answer.bytes = self.answer.bytes.saturating_mul(ROUTERS_SHARE as u64);
        self.body_bytes = self.body_bytes.max(self.representations.saturating_mul(REPRESENTATION_BYTES));
        self
    }

    /// Without what must be read or may be misspelt.
    fn plain(config: &Config) -> Self {
        let (http, limits) = (&config.http, &config.limits);
        Self {
            head_bytes: http.header_bytes,
            body_bytes: http.body_bytes,
            body: http.body_deadline(),
            request: http.request_deadline(),
            requests: http.requests,
            batch: http.batch,
            status_codes: http.status_codes,
            document: limits.document(),
            answer: limits.answer(),
            cost: limits.enforced_cost(),
            representations: limits.representations(),
            rate: limits.rate(),
            trusted: None,
            is_https: http.tls_files().is_some(),
            introspection: http.introspection,
            origins: AllowedOrigins::default(),
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self::plain(&Config::default())
    }
}
