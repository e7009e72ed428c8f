//! Where a request meets the trace that it is part of: what it says of its caller
//! (W3C Trace Context), and what its answer was.

use std::str::FromStr as _;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Ids;
use super::conventions::{METHOD, PATH, STATUS};

/// Bytes of a `tracestate`, which goes with every span: what is longer need not be taken.
const LONGEST_STATE: usize = 512;

/// Tells the trace, where there is one, how a request begins: below whom by its
/// `traceparent` and `tracestate`, with which method, and for which of our paths.
pub fn asked<'a>(
    span: &Span,
    method: &'static str,
    path: Option<&'static str>,
    caller: impl FnOnce() -> (Option<&'a str>, String),
) {
    let is_traced = |dispatch: &tracing::Dispatch| dispatch.downcast_ref::<Ids>().is_some();
    if span.with_subscriber(|(_, dispatch)| is_traced(dispatch)) != Some(true) {
        return;
    }
    let (parent, state) = caller();
    if let Some(parent) = parent.and_then(|parent| read(parent, &state)) {
        // It fails only for a span that has children already.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    span.set_attribute(METHOD, method);
    if let Some(path) = path {
        span.set_attribute(PATH, path);
    }
}

/// Tells it with which status the request was answered.
pub fn answered(span: &Span, status: u16) {
    span.set_attribute(STATUS, i64::from(status));
}

/// A `traceparent`; none when it is malformed, and then nothing of it counts. Of a version
/// to come the four fields that we know.
fn read(parent: &str, state: &str) -> Option<SpanContext> {
    let mut fields = parent.split('-');
    let version = hex(fields.next()?, 2)?;
    let (trace, span, flags) = (hex(fields.next()?, 32)?, hex(fields.next()?, 16)?, hex(fields.next()?, 2)?);
    if version == "ff" || version == "00" && fields.next().is_some() {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let state = Some(state).filter(|state| state.len() <= LONGEST_STATE);
    let state = state.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, flags, true, state)).filter(SpanContext::is_valid)
}

/// So many hexadecimal digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_parent_is_read_with_its_state() {
        for (flags, is_sampled) in [("00", false), ("01", true), ("03", true), ("fe", false)] {
            let parent = read(&format!("00-{TRACE}-00f067aa0ba902b7-{flags}"), "a=1,b=2").expect(flags);
            assert_eq!(parent.trace_id().to_string(), TRACE);
            assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7");
            assert_eq!((parent.is_sampled(), parent.is_remote()), (is_sampled, true), "{flags}");
            assert_eq!(parent.trace_state().header(), "a=1,b=2");
        }
        let later = read(&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-ever"), "");
        assert!(later.is_some_and(|later| later.is_sampled()));
    }

    #[test]
    fn what_is_malformed_is_nothing_and_a_state_without_measure_is_left_out() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-+0f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(read(wrong, "a=1").is_none(), "{wrong}");
        }
        for state in ["a".repeat(600).as_str(), "no pair", "A B=1"] {
            let parent = read(&format!("00-{TRACE}-00f067aa0ba902b7-01"), state).expect("sound");
            assert_eq!(parent.trace_state().header(), "", "{state}");
        }
    }
}
