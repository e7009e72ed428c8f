//! What is decided before anything has happened: whether a trace is one of those that are
//! kept in any case. It is decided by the number of the trace, so that all who take part in
//! one decide alike, or by whoever asks.
//!
//! Whatever is decided, the spans are recorded: how the request ends may still keep them.

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// So many of a hundred.
#[derive(Clone, Debug)]
pub(super) struct Head {
    percent: u8,
}

impl Head {
    pub(super) fn new(percent: u8) -> Self {
        Self { percent }
    }

    /// By the half of the number that is random in every version of W3C's format.
    fn takes(&self, trace: TraceId) -> bool {
        let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
        let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        u128::from(random) * 100 < u128::from(self.percent) << 64
    }
}

impl ShouldSample for Head {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map_or(SpanContext::NONE, |parent| parent.span().span_context().clone());
        let is_root = !parent.is_valid() || parent.is_remote();
        // What the program does by itself, such as a look each second for what is left to do,
        // is of interest when it fails.
        let is_drawn = is_root && name == super::conventions::REQUEST && self.takes(trace);
        SamplingResult {
            decision: match parent.is_sampled() || is_drawn {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::RecordOnly,
            },
            attributes: Vec::new(),
            trace_state: parent.trace_state().clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_hundred_are_taken_and_the_number_decides() {
        for percent in [0, 1, 10, 50, 100] {
            let head = Head::new(percent);
            // Numbers that fill the range evenly.
            let numbers = (0..1_000_u128).map(|at| TraceId::from((((2 * at + 1) << 63) / 1_000) | (7 << 64)));
            let taken = numbers.filter(|number| head.takes(*number)).count();
            assert_eq!(taken, usize::from(percent) * 10, "{percent} %");
        }
    }
}
