//! Numbers for a monitoring system: what `/metrics` shows. docs/metrics.md lists
//! them for the operator.
//!
//! What is counted per request lives here ([`Metrics`], [`named`]). What a module
//! counts of its own work is read when somebody asks, from its counters alone: the
//! stores ([`stores`]), the outboxes ([`outboxes`]), accesses ([`accesses`]), the program as the system
//! sees it ([`process`]). So to ask costs no SQL.
//!
//! No label has a value that a client can make up, but for the names of
//! operations, which are bounded.
//!
//! To add one: a field and its line in [`Metrics::new`], or a line in the file of
//! its subject; and its row in docs/metrics.md, which a test compares.

mod accesses;
mod named;
mod outboxes;
mod process;
mod stores;

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::Operation;
use crate::kernel::code_of;
use crate::removal::Removals;
use crate::stores::acessos::Acessos;
use named::Named;

/// Counts what the program does.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    in_flight: Gauge,
    most_in_flight: Gauge,
    responses: Family<Status, Counter>,
    logins: Family<Login, Counter>,
    operations: Family<Ended, Counter>,
    durations: Family<OfKind, Histogram>,
    errors: Family<OfCode, Counter>,
    named: Arc<Named>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Login {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCode {
    code: String,
}

/// How the numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus, text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Metrics {
    /// Of a program over the stores of these accesses.
    #[must_use]
    pub fn new(acessos: &Acessos, removals: &Arc<Removals>) -> Self {
        Self::with(vec![
            Box::new(stores::Stores::of(acessos)),
            Box::new(outboxes::Outboxes(Arc::clone(removals))),
            Box::new(accesses::Accesses(acessos.clone())),
        ])
    }

    /// Of a program without stores.
    #[cfg(test)]
    pub(crate) fn of_nothing() -> Self {
        Self::with(Vec::new())
    }

    fn with(collectors: Vec<Box<dyn Collector>>) -> Self {
        let mut this = Self {
            registry: Registry::default(),
            in_flight: Gauge::default(),
            most_in_flight: Gauge::default(),
            responses: Family::default(),
            logins: Family::default(),
            operations: Family::default(),
            // 0.25 ms to 8 s.
            durations: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
            }),
            errors: Family::default(),
            named: Arc::default(),
        };
        let ours = this.registry.sub_registry_with_prefix("quarteto");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        ours.register("build", "The program", version);
        ours.register(
            "http_requests_in_flight",
            "Requests that wait for their answer",
            this.in_flight.clone(),
        );
        ours.register(
            "http_requests_max",
            "How many requests there may be at once",
            this.most_in_flight.clone(),
        );
        ours.register("http_responses", "Answers by their status", this.responses.clone());
        ours.register("logins", "Logins by what came of them", this.logins.clone());
        ours.register("operations", "GraphQL operations by what came of them", this.operations.clone());
        ours.register(
            "operation_duration_seconds",
            "From the parsed request to the answer",
            this.durations.clone(),
        );
        ours.register("errors", "Errors in answers, by their code", this.errors.clone());
        ours.register_collector(Box::new(Arc::clone(&this.named)));
        ours.register_collector(Box::new(process::LostLines));
        ours.register_collector(Box::new(process::LostSpans));
        for collector in collectors {
            ours.register_collector(collector);
        }
        process::register(&mut this.registry);
        this
    }

    /// Tells how many requests there may be at once.
    pub fn bounded(&self, requests: usize) {
        self.most_in_flight.set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    /// Counts a request until what is returned is dropped.
    #[must_use]
    pub fn request(&self) -> InFlight<'_> {
        let before = self.in_flight.inc();
        InFlight { gauge: &self.in_flight, before: usize::try_from(before).unwrap_or_default() }
    }

    /// Counts an answer.
    pub fn answered(&self, status: u16) {
        self.responses.get_or_create(&Status { status }).inc();
    }

    /// Counts a login.
    pub fn login(&self, outcome: &'static str) {
        self.logins.get_or_create(&Login { outcome }).inc();
    }

    /// Counts an operation.
    pub(super) fn operation(&self, operation: &Operation<'_>) {
        let Operation { duration, outcome, .. } = *operation;
        let kind = kind(operation.kind);
        self.operations.get_or_create(&Ended { kind, outcome }).inc();
        self.durations.get_or_create(&OfKind { kind }).observe(duration.as_secs_f64());
        for code in operation.errors.iter().filter_map(code_of) {
            self.errors.get_or_create(&OfCode { code: code.to_owned() }).inc();
        }
        if let Some(name) = operation.name {
            self.named.count(name, duration);
        }
    }

    /// All numbers.
    ///
    /// # Errors
    /// None: a string takes them all.
    pub fn write(&self, format: Format) -> Result<String, fmt::Error> {
        let mut all = String::new();
        match format {
            Format::Prometheus => prometheus_text::encode(&mut all, &self.registry)?,
            Format::OpenMetrics => text::encode(&mut all, &self.registry)?,
        }
        Ok(all)
    }
}

/// A request that waits for its answer, or whose client has gone.
#[derive(Debug)]
pub struct InFlight<'a> {
    gauge: &'a Gauge,
    /// How many there were when it came.
    pub before: usize,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// The word for what an operation is.
pub(super) const fn kind(operation: Option<OperationType>) -> &'static str {
    match operation {
        Some(OperationType::Query) => "query",
        Some(OperationType::Mutation) => "mutation",
        Some(OperationType::Subscription) => "subscription",
        None => "unknown",
    }
}

/// A counter of a family that a collector writes.
fn count(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: &impl EncodeCounterValue,
) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(value, None)
}

/// A gauge of a family that a collector writes.
fn gauge(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    family.encode_family(labels)?.encode_gauge(value)
}
