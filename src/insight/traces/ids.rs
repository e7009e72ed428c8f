//! The ids of the trace and the span at hand, which each line of the log carries, so that
//! one finds the other.

use std::sync::{Arc, OnceLock};

use opentelemetry::trace::TraceContextExt as _;
use tracing::dispatcher::WeakDispatch;
use tracing::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;

/// Knows whom to ask: the subscriber that it is a layer of.
#[derive(Clone, Debug, Default)]
pub(in crate::insight) struct Ids(Arc<OnceLock<WeakDispatch>>);

impl<S: Subscriber> Layer<S> for Ids {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        let _ = self.0.set(subscriber.downgrade());
    }
}

impl Ids {
    /// `trace_id` and `span_id` of an event, when it happens in a trace.
    pub(in crate::insight) fn of(&self, event: &Event<'_>) -> Option<[(&'static str, String); 2]> {
        let subscriber = self.0.get()?.upgrade()?;
        let current = subscriber.current_span();
        let span = event.parent().or_else(|| current.id())?;
        let context = get_otel_context(span, &subscriber)?;
        let ids = context.span().span_context().clone();
        ids.is_valid()
            .then(|| [("trace_id", ids.trace_id().to_string()), ("span_id", ids.span_id().to_string())])
    }
}
