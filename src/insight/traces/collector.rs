//! The way to the collector: a queue, a thread that empties it, and what is told when
//! nobody takes anything there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter};
use tokio::runtime::Runtime;
use url::Url;

use crate::insight::Repeats;

/// Spans that wait to be sent. A trace goes in whole or not at all.
const MOST_WAITING: usize = 8_192;

/// Spans of one message.
const IN_MESSAGE: usize = 512;

/// How often what waits is sent, if it does not fill a message before.
const EACH: Duration = Duration::from_secs(2);

/// How long the collector may take for a message. It is sent again a few times within
/// this when it was not taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Spans that nobody will see.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many spans were to be kept and found no room, or no collector.
#[must_use]
pub fn lost_spans() -> u64 {
    LOST.load(Ordering::Relaxed)
}

pub(super) fn lose(spans: u64) {
    LOST.fetch_add(spans, Ordering::Relaxed);
}

/// How many spans wait.
#[derive(Debug, Default)]
pub(super) struct Queue(AtomicUsize);

impl Queue {
    /// Takes the room for so many, where it is there.
    pub(super) fn has_room_for(&self, spans: usize) -> bool {
        let more = |waiting: usize| waiting.checked_add(spans).filter(|all| *all <= MOST_WAITING);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn left(&self, spans: usize) {
        self.0.fetch_sub(spans, Ordering::Relaxed);
    }
}

/// The queue and what sends it.
pub(super) fn open(endpoint: &Url) -> Result<(Arc<Queue>, BatchSpanProcessor), String> {
    let otlp = Otlp::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| format!("telemetry.otlp_url: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("telemetry.otlp_url: {error}"))?;
    let queue = Arc::<Queue>::default();
    let collector = Collector {
        otlp,
        runtime: Some(runtime),
        queue: Arc::clone(&queue),
        place: endpoint.to_string(),
        told: Repeats::new(),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(MOST_WAITING)
        .with_max_export_batch_size(IN_MESSAGE)
        .with_scheduled_delay(EACH)
        .build();
    Ok((queue, BatchSpanProcessor::new(collector, config)))
}

/// Sends, from the thread of the [`BatchSpanProcessor`], which knows of no runtime: the
/// HTTP client has one of its own, so that it works to the very end of the program.
struct Collector {
    otlp: Otlp,
    runtime: Option<Runtime>,
    queue: Arc<Queue>,
    place: String,
    told: Repeats<()>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Collector").field(&self.place).finish()
    }
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.queue.left(spans);
        let sent = match &self.runtime {
            Some(runtime) => runtime.block_on(self.otlp.export(batch)),
            None => Ok(()),
        };
        if let Err(error) = &sent {
            lose(spans as u64);
            if let Some(times) = self.told.tell(()) {
                let lost = lost_spans();
                tracing::warn!(collector = self.place, %error, times, lost, "traces were not taken");
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

impl Drop for Collector {
    /// Waits for nothing: a name that is still looked up would hold the program.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
