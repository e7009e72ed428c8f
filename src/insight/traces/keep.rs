//! What is decided when all has happened. The spans of a request are held until it ends;
//! then they go on together, or not at all: on when its head was drawn and it is a user's,
//! when anything in it failed, or when it was slow.
//!
//! A request's own span ends last: `tracing` keeps a span open as long as one below it is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId};
use opentelemetry::{Context, trace::Span as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor};

use super::collector::{Queue, lose};
use super::conventions;

/// Traces that are held at a time.
const MOST_TRACES: usize = 4_096;

/// Spans that are held at a time, of all of them.
const MOST_SPANS: usize = 32_768;

/// Holds what has ended until it is known whether somebody wants it.
#[derive(Debug)]
pub(super) struct Keep {
    slow: Duration,
    held: Mutex<Held>,
    queue: Arc<Queue>,
    next: BatchSpanProcessor,
}

#[derive(Debug, Default)]
struct Held {
    traces: HashMap<TraceId, Trace>,
    spans: usize,
}

/// The spans of one trace that have ended. A client may have several requests in one.
#[derive(Debug, Default)]
struct Trace {
    open: usize,
    spans: Vec<SpanData>,
    /// Something found no room, so nothing of it is held any more.
    is_torn: bool,
}

impl Keep {
    pub(super) fn new(slow: Duration, queue: Arc<Queue>, next: BatchSpanProcessor) -> Self {
        Self { slow, held: Mutex::default(), queue, next }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_wanted(&self, root: &SpanData, below: &[SpanData]) -> bool {
        let took = root.end_time.duration_since(root.start_time).unwrap_or_default();
        root.span_context.is_sampled() && conventions::is_of_user(root)
            || took >= self.slow
            || std::iter::once(root).chain(below).any(conventions::has_failed)
    }
}

impl Held {
    /// A trace has begun, and is held when there is room.
    fn begin(&mut self, trace: TraceId) {
        let is_full = self.traces.len() >= MOST_TRACES;
        match self.traces.get_mut(&trace) {
            Some(known) => known.open += 1,
            None if is_full => {}
            None => {
                self.traces.insert(trace, Trace { open: 1, ..Trace::default() });
            }
        }
    }

    /// Holds a span, when there is room; else its trace is given up, and so many spans are
    /// lost.
    fn hold(&mut self, span: SpanData) -> Result<(), u64> {
        let trace = self.traces.get_mut(&span.span_context.trace_id()).ok_or(1_u64)?;
        if self.spans >= MOST_SPANS || trace.is_torn {
            trace.is_torn = true;
            self.spans -= trace.spans.len();
            return Err(std::mem::take(&mut trace.spans).len() as u64 + 1);
        }
        trace.spans.push(span);
        self.spans += 1;
        Ok(())
    }

    /// All that is held below a span that has ended; nothing when its trace was not held
    /// whole.
    fn end(&mut self, trace: TraceId, root: SpanId) -> Option<Vec<SpanData>> {
        let known = self.traces.get_mut(&trace)?;
        known.open = known.open.saturating_sub(1);
        let (is_last, is_torn) = (known.open == 0, known.is_torn);
        let (ours, others) = below(root, std::mem::take(&mut known.spans));
        self.spans -= ours.len();
        known.spans = others;
        if is_last && let Some(left) = self.traces.remove(&trace) {
            self.spans -= left.spans.len();
        }
        (!is_torn).then_some(ours)
    }
}

/// What is below `root`, and what is not. Parents end after their children, so from the
/// last to the first each has been met before those below it.
fn below(root: SpanId, spans: Vec<SpanData>) -> (Vec<SpanData>, Vec<SpanData>) {
    let mut met = HashSet::from([root]);
    let mut is_below =
        |span: &SpanData| met.contains(&span.parent_span_id) && met.insert(span.span_context.span_id());
    let (mut ours, mut others): (Vec<_>, Vec<_>) = spans.into_iter().rev().partition(|span| is_below(span));
    ours.reverse();
    others.reverse();
    (ours, others)
}

/// Marked as one that is handed on: others drop the rest.
fn marked(mut span: SpanData) -> SpanData {
    let known = &span.span_context;
    span.span_context = SpanContext::new(
        known.trace_id(),
        known.span_id(),
        known.trace_flags() | TraceFlags::SAMPLED,
        known.is_remote(),
        known.trace_state().clone(),
    );
    span
}

impl SpanProcessor for Keep {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        let parent = parent.span().span_context().clone();
        if !parent.is_valid() || parent.is_remote() {
            self.held().begin(span.span_context().trace_id());
        }
    }

    fn on_end(&self, mut span: SpanData) {
        let trace = span.span_context.trace_id();
        if span.parent_span_id != SpanId::INVALID && !span.parent_span_is_remote {
            if let Err(lost) = self.held().hold(span) {
                lose(lost);
            }
            return;
        }
        let Some(mut below) = self.held().end(trace, span.span_context.span_id()) else { return lose(1) };
        conventions::apply(&mut span, &mut below);
        if !self.is_wanted(&span, &below) {
            return;
        }
        if !self.queue.has_room_for(below.len() + 1) {
            return lose(below.len() as u64 + 1);
        }
        for span in below {
            self.next.on_end(marked(span));
        }
        self.next.on_end(marked(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use opentelemetry::trace::{SpanKind, Status, TraceState};
    use opentelemetry::{InstrumentationScope, KeyValue};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    fn span(trace: u128, id: u64, parent: u64) -> SpanData {
        let flags = TraceFlags::default();
        let (trace, now) = (TraceId::from(trace), SystemTime::UNIX_EPOCH);
        SpanData {
            span_context: SpanContext::new(trace, SpanId::from(id), flags, false, TraceState::NONE),
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "operation".into(),
            start_time: now,
            end_time: now,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    fn ids(spans: &[SpanData]) -> Vec<SpanId> {
        spans.iter().map(|span| span.span_context.span_id()).collect()
    }

    #[test]
    fn two_requests_of_one_trace_end_apart() {
        let (mut held, trace) = (Held::default(), TraceId::from(1));
        held.begin(trace);
        held.begin(trace);
        // Below 10: 12, and 11 below it. Below 20: 21.
        for (id, parent) in [(11, 12), (21, 20), (12, 10)] {
            assert_eq!(held.hold(span(1, id, parent)), Ok(()));
        }
        let ended = held.end(trace, SpanId::from(10)).expect("held");
        assert_eq!(ids(&ended), [SpanId::from(11), SpanId::from(12)]);
        assert_eq!(held.spans, 1);
        assert_eq!(ids(&held.end(trace, SpanId::from(20)).expect("held")), [SpanId::from(21)]);
        assert_eq!((held.spans, held.traces.len()), (0, 0));
        assert!(held.end(trace, SpanId::from(30)).is_none());
    }

    #[test]
    fn what_is_held_has_bounds_and_nothing_stays_behind() {
        let mut held = Held::default();
        for trace in 0..MOST_TRACES as u128 {
            held.begin(TraceId::from(trace + 1));
        }
        let late = MOST_TRACES as u128 + 1;
        held.begin(TraceId::from(late));
        assert_eq!(held.hold(span(late, 2, 1)), Err(1), "no room for one more trace");
        assert!(held.end(TraceId::from(late), SpanId::from(1)).is_none());
        assert_eq!(held.hold(span(2, 2, 1)), Ok(()));
        for id in 1..MOST_SPANS as u64 {
            assert_eq!(held.hold(span(1, id + 2, 1)), Ok(()));
        }
        // What is not whole is given up, whatever room there is then.
        assert_eq!(held.hold(span(2, 3, 1)), Err(2));
        assert_eq!(
            held.end(TraceId::from(1), SpanId::from(1)).map(|spans| spans.len()),
            Some(MOST_SPANS - 1)
        );
        assert_eq!(held.hold(span(2, 4, 1)), Err(1));
        assert!(held.end(TraceId::from(2), SpanId::from(1)).is_none());
        assert_eq!((held.spans, held.traces.len()), (0, MOST_TRACES - 2));
    }

    #[test]
    fn what_was_drawn_or_failed_or_was_slow_is_wanted() {
        let (queue, next) =
            super::super::collector::open(&url::Url::parse("http://127.0.0.1:1/v1/traces").expect("a URL"))
                .expect("opened");
        let keep = Keep::new(Duration::from_millis(500), queue, next);
        let (plain, below) = (span(1, 1, 0), [span(1, 2, 1)]);
        for (path, status, wanted) in [
            ("/graphql", 200, true),
            ("/graphql", 400, true),
            ("/graphql", 401, false),
            ("/healthz", 200, false),
        ] {
            let attributes =
                vec![KeyValue::new(conventions::PATH, path), KeyValue::new(conventions::STATUS, status)];
            let request = SpanData { attributes, ..plain.clone() };
            assert!(!keep.is_wanted(&request, &below));
            assert_eq!(keep.is_wanted(&marked(request), &below), wanted, "{path} {status}");
        }
        for (ms, wanted) in [(499, false), (500, true)] {
            let end_time = plain.start_time + Duration::from_millis(ms);
            assert_eq!(keep.is_wanted(&SpanData { end_time, ..plain.clone() }, &below), wanted, "{ms} ms");
        }
        let failed = SpanData { status: Status::error(""), ..span(1, 2, 1) };
        assert!(keep.is_wanted(&plain, std::slice::from_ref(&failed)) && keep.is_wanted(&failed, &[]));
    }
}
