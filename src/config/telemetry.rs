//! Traces, for an OpenTelemetry collector.

use std::time::Duration;

use url::Url;

use super::ConfigError;
use super::setting::section;

section! {
    /// Traces, for an OpenTelemetry collector.
    Telemetry in "telemetry" {
        pub otlp_url: String = String::new(), text, "QUARTETO_OTLP_URL",
            "The collector that takes traces (OTLP over HTTP), as in http://127.0.0.1:4318; no traces when empty.";
        pub ratio: u8 = 10, number in 0..=100, "QUARTETO_OTLP_PERCENT",
            "How many of a hundred traces are kept, beside those that failed or were slow.";
        pub slow_ms: u64 = 500, number in 0..=600_000, "QUARTETO_OTLP_SLOW_MS",
            "A trace that took so long is always kept.";
    }
}

/// Where a collector takes traces, below its base (OTLP 1.x).
const TRACES: &str = "v1/traces";

impl Telemetry {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.endpoint().map(|_| ())
    }

    /// Where traces go, when they go anywhere.
    ///
    /// # Errors
    /// A message that names the setting and the rule.
    pub fn endpoint(&self) -> Result<Option<Url>, ConfigError> {
        let given = self.otlp_url.trim();
        if given.is_empty() {
            return Ok(None);
        }
        let wrong = |why: &str| {
            let form = "it looks like http://127.0.0.1:4318";
            Err(ConfigError(format!("telemetry.otlp_url (QUARTETO_OTLP_URL) {why}; {form}")))
        };
        let Ok(mut url) = Url::parse(given) else { return wrong("is no URL") };
        match url.scheme() {
            "http" => {}
            "https" => {
                return wrong(
                    "is https, which is not spoken to a collector: run one beside this program, \
                     which takes plain http there and sends it on over TLS",
                );
            }
            _ => return wrong("must begin with http://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not hold a login");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("must end with its path");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(TRACES) {
            url.set_path(&format!("{path}/{TRACES}"));
        }
        Ok(Some(url))
    }

    /// From when on a trace counts as slow.
    #[must_use]
    pub const fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Option<String>, String> {
        let telemetry = Telemetry { otlp_url: url.into(), ..Telemetry::default() };
        let found = telemetry.endpoint().map_err(|error| error.to_string())?;
        Ok(found.map(|url| url.to_string()))
    }

    #[test]
    fn the_base_of_a_collector_leads_to_its_traces() {
        assert_eq!(endpoint(" "), Ok(None));
        for (given, found) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("http://[::1]:4318/otlp/", "http://[::1]:4318/otlp/v1/traces"),
            ("http://collector/v1/traces", "http://collector/v1/traces"),
        ] {
            assert_eq!(endpoint(given), Ok(Some(found.to_owned())), "{given}");
        }
    }

    #[test]
    fn what_cannot_be_a_collector_is_named_with_the_rule() {
        for (given, why) in [
            ("127.0.0.1:4318", "is no URL"),
            ("grpc://127.0.0.1:4317", "must begin with http://"),
            ("https://collector:4318", "run one beside this program"),
            ("http://user:secret@collector:4318", "must not hold a login"),
            ("http://collector:4318/?key=1", "must end with its path"),
        ] {
            let error = endpoint(given).expect_err(given);
            assert!(error.starts_with("telemetry.otlp_url (QUARTETO_OTLP_URL) "), "{error}");
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }
}
