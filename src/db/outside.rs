//! The driver runs outside of the spans of whoever asks.
//!
//! It enters the span that is current again for every row that it reads, twice, which is a
//! fifteenth of the instructions of a page of fifty rows. What it would say in a span is said by
//! us ([`span`](super::statement::span)).

use std::future::{Future, poll_fn};
use std::pin::pin;

use tracing::{Dispatch, Id, Span};

/// Runs a future outside of every span that is entered.
pub(super) async fn outside<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|turn| without_span(|| work.as_mut().poll(turn))).await
}

fn without_span<T>(work: impl FnOnce() -> T) -> T {
    let span = Span::current();
    let left = span.with_subscriber(|(id, subscriber)| Left::new(id, subscriber));
    match left {
        // There may be others around it.
        Some(_left) => without_span(work),
        None => work(),
    }
}

/// A span that is entered again when this is dropped.
struct Left {
    id: Id,
    subscriber: Dispatch,
}

impl Left {
    fn new(id: &Id, subscriber: &Dispatch) -> Self {
        subscriber.exit(id);
        Self { id: id.clone(), subscriber: subscriber.clone() }
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.subscriber.enter(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use tracing::Instrument as _;
    use tracing_subscriber::Registry;

    use super::*;

    #[tokio::test]
    async fn no_span_is_current_inside_and_all_are_after() {
        let _subscriber = tracing::subscriber::set_default(Registry::default());
        let (outer, inner) = (tracing::info_span!("outer"), tracing::info_span!("inner"));
        let name = || Span::current().metadata().map(tracing::Metadata::name);
        let seen = async {
            assert_eq!(name(), Some("inner"));
            let inside = outside(async {
                let first = name();
                // Entered again by nobody after a turn, either.
                tokio::task::yield_now().await;
                (first, name())
            });
            let inside = inside.await;
            (inside, name())
        };
        assert_eq!(seen.instrument(inner).instrument(outer).await, ((None, None), Some("inner")));
        assert_eq!(name(), None);
    }
}
