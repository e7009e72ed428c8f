//! From the settings to the bounds on a request: the one place where the two meet.

use std::sync::Arc;

use super::{AllowedOrigins, HttpLimits, TrustedProxies};
use crate::config::Config;
use crate::operation::trusted::Trusted;

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
        Ok(Self {
            trusted,
            trusted_proxies: TrustedProxies::parse(&http.trusted_proxies)?,
            origins: AllowedOrigins::parse(&http.allowed_origins)?,
            ..Self::plain(config)
        })
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
            representations: limits.representations,
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
