//! Traces, for an OpenTelemetry collector that is configured. The spans are those of
//! [`insight`](super): the program makes them with `tracing`, and what stands here hands
//! them on; without a collector nothing of it is installed, and the spans below `request`
//! are not even made.
//!
//! On their way out they pass [`head`] (is this one of the hundred?), [`keep`] (held
//! until the request ends; was it slow, did it fail?), [`conventions`] (names and
//! attributes as OpenTelemetry has them) and [`collector`] (sent, in batches, by a thread
//! of its own). On the way in, [`request`] reads who asks; [`ids`] are for the log.
//!
//! Everything is bounded: what finds no room is dropped whole and counted, and no request
//! ever waits for a collector.

mod collector;
mod conventions;
mod head;
mod ids;
mod keep;
mod request;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanLimits};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telemetry;
pub use collector::lost_spans;
pub(super) use ids::Ids;
pub use request::{answered, asked};

/// How long the end of the program waits until the collector has the last spans.
const PATIENCE: Duration = Duration::from_secs(2);

/// Traces are on. Hands over what is left when dropped.
pub struct Traces {
    provider: SdkTracerProvider,
    ids: Ids,
}

impl Traces {
    /// Begins to gather, when there is a collector.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn start(telemetry: &Telemetry) -> Result<Option<Self>, String> {
        let Some(endpoint) = telemetry.endpoint().map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let (queue, exporter) = collector::open(&endpoint)?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_sampler(head::Head::new(telemetry.ratio))
            .with_span_limits(SpanLimits { max_links_per_span: MOST_LINKS, ..SpanLimits::default() })
            .with_span_processor(keep::Keep::new(telemetry.slow(), queue, exporter))
            .build();
        Ok(Some(Self { provider, ids: Ids::default() }))
    }

    /// What gathers the spans, whatever the log shows.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup> + Send + Sync,
    {
        // Lines of the log are no part of a trace: they name people.
        let ours = |metadata: &Metadata<'_>| {
            metadata.is_span() && metadata.target().split("::").next() == Some(env!("CARGO_PKG_NAME"))
        };
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(env!("CARGO_PKG_NAME")))
            .with_context_activation(false)
            .with_tracked_inactivity(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::DEBUG))
            .and_then(self.ids.clone())
    }

    /// The ids at hand, for the log.
    pub(super) fn ids(&self) -> Ids {
        self.ids.clone()
    }

    /// Hands over what has ended, as far as the collector takes it.
    pub fn flush(&self) {
        // That it failed is in the log already.
        let _ = self.provider.force_flush();
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let _ = self.provider.shutdown_with_timeout(PATIENCE);
    }
}

/// A batch is linked to each request that it serves.
const MOST_LINKS: u32 = 1_000;

/// Who says all this: by default us, and otherwise what `OTEL_RESOURCE_ATTRIBUTES` and
/// `OTEL_SERVICE_NAME` say.
fn resource() -> Resource {
    let ours = [
        KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::now_v7().to_string()),
    ];
    let named = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    let resource =
        Resource::builder_empty().with_attributes(ours).with_detector(Box::new(EnvResourceDetector::new()));
    match named {
        Some(name) => resource.with_service_name(name).build(),
        None => resource.build(),
    }
}
