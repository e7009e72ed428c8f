//! A circuit breaker: a store that keeps failing is left alone for a while.
//!
//! Without it every request to a dead store would wait for its own connect
//! timeout. With it one request a second finds out, and the others are refused
//! at once with the reason that opened the circuit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{AnyStore, Fault, StoreError};

/// When a circuit opens and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerLimits {
    /// Opens after this many failures in a row.
    pub failures_in_a_row: u32,
    /// Opens when at least half of this many latest uses failed.
    pub window: u32,
    /// How long it stays open before one use is let through to try.
    pub rest: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures_in_a_row: 5, window: 20, rest: Duration::from_secs(1) }
    }
}

/// What an operator is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The circuit has opened.
    Down {
        /// Why.
        reason: Arc<str>,
    },
    /// It has been open for so long, told once a minute.
    StillDown {
        /// Since when.
        since: Duration,
        /// Uses that failed or were refused meanwhile.
        uses: u64,
        /// Why, the last time.
        reason: Arc<str>,
    },
    /// The store answers again.
    Back {
        /// After so long.
        after: Duration,
        /// Uses that failed or were refused meanwhile.
        uses: u64,
    },
}

/// How often it is said that a store is still down.
const REMINDER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    state: Mutex<State>,
}

/// An outage so far.
#[derive(Clone, Copy, Debug)]
struct Outage {
    began: Instant,
    told: Instant,
    uses: u64,
}

#[derive(Debug)]
enum State {
    Closed {
        in_a_row: u32,
        latest: Window,
    },
    Open {
        until: Instant,
        reason: Arc<str>,
        outage: Outage,
    },
    /// One use is trying; the others are still refused.
    Probing {
        since: Instant,
        reason: Arc<str>,
        outage: Outage,
    },
}

/// The outcomes of the latest uses, one bit each, newest lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    failed: u64,
    seen: u32,
}

impl Window {
    fn push(&mut self, failed: bool, size: u32) {
        let mask = 1_u64.checked_shl(size).map_or(u64::MAX, |bit| bit - 1);
        self.failed = ((self.failed << 1) | u64::from(failed)) & mask;
        self.seen = (self.seen + 1).min(size);
    }

    fn half_failed(self, size: u32) -> bool {
        self.seen == size && self.failed.count_ones() * 2 >= size
    }
}

impl State {
    fn closed() -> Self {
        Self::Closed { in_a_row: 0, latest: Window::default() }
    }
}

impl Breaker {
    pub(super) fn new(limits: BreakerLimits) -> Self {
        Self { limits, state: Mutex::new(State::closed()) }
    }

    /// Asks to use the store now. Refused with the reason that opened the
    /// circuit.
    pub(super) fn enter(&self, now: Instant) -> Result<(), Arc<str>> {
        let mut state = self.state();
        let (closed_until, reason, outage) = match &mut *state {
            State::Closed { .. } => return Ok(()),
            State::Open { until, reason, outage } => (*until, reason, outage),
            // A probe whose outcome never came (its caller went away) must not
            // keep the circuit open for ever.
            State::Probing { since, reason, outage } => (*since + self.limits.rest, reason, outage),
        };
        if now < closed_until {
            outage.uses += 1;
            return Err(Arc::clone(reason));
        }
        *state = State::Probing { since: now, reason: Arc::clone(reason), outage: *outage };
        Ok(())
    }

    /// Whether a use would be refused now. Asks for nothing.
    pub(super) fn is_resting(&self, now: Instant) -> bool {
        match &*self.state() {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < *until,
            State::Probing { since, .. } => now < *since + self.limits.rest,
        }
    }

    /// Reports how a use ended: `None` when the store answered. Returns what the
    /// operator is to be told of it.
    pub(super) fn report(&self, now: Instant, failure: Option<&Arc<str>>) -> Option<Edge> {
        let mut state = self.state();
        let (next, edge) = match (&mut *state, failure) {
            (State::Closed { in_a_row, latest }, None) => {
                *in_a_row = 0;
                latest.push(false, self.limits.window);
                return None;
            }
            (State::Closed { in_a_row, latest }, Some(reason)) => {
                *in_a_row += 1;
                latest.push(true, self.limits.window);
                let sick =
                    *in_a_row >= self.limits.failures_in_a_row || latest.half_failed(self.limits.window);
                if !sick {
                    return None;
                }
                let outage = Outage { began: now, told: now, uses: 0 };
                (self.open(now, reason, outage), Some(Edge::Down { reason: Arc::clone(reason) }))
            }
            (State::Open { outage, .. } | State::Probing { outage, .. }, None) => {
                let after = now.saturating_duration_since(outage.began);
                (State::closed(), Some(Edge::Back { after, uses: outage.uses }))
            }
            (State::Probing { outage, .. }, Some(reason)) => {
                outage.uses += 1;
                let mut edge = None;
                if now.saturating_duration_since(outage.told) >= REMINDER {
                    outage.told = now;
                    let since = now.saturating_duration_since(outage.began);
                    edge = Some(Edge::StillDown { since, uses: outage.uses, reason: Arc::clone(reason) });
                }
                (self.open(now, reason, *outage), edge)
            }
            // A use that began before the circuit opened: nothing new.
            (State::Open { outage, .. }, Some(_)) => {
                outage.uses += 1;
                return None;
            }
        };
        *state = next;
        edge
    }

    /// Why the store is being left alone, when it is.
    pub(super) fn open_reason(&self) -> Option<Arc<str>> {
        match &*self.state() {
            State::Closed { .. } => None,
            State::Open { reason, .. } | State::Probing { reason, .. } => Some(Arc::clone(reason)),
        }
    }

    fn open(&self, now: Instant, reason: &Arc<str>, outage: Outage) -> State {
        State::Open { until: now + self.limits.rest, reason: Arc::clone(reason), outage }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A breaker, and what the operator is told of it.
#[derive(Debug)]
pub struct Circuit {
    store: AnyStore,
    /// The name of a server beside the store's own.
    replica: Option<Arc<str>>,
    breaker: Breaker,
}

impl Circuit {
    /// Of a way to a store, closed.
    #[must_use]
    pub fn new(store: impl Into<AnyStore>, limits: BreakerLimits) -> Self {
        Self { store: store.into(), replica: None, breaker: Breaker::new(limits) }
    }

    /// That of a replica of the store, named so in the log.
    #[must_use]
    pub(super) fn of_replica(self, replica: Option<Arc<str>>) -> Self {
        Self { replica, ..self }
    }

    /// Asks to use the store now.
    ///
    /// # Errors
    /// `Unavailable`, with the reason that opened the circuit.
    pub fn enter(&self, now: Instant) -> Result<(), StoreError> {
        self.breaker.enter(now).map_err(|reason| StoreError::new(self.store, Fault::Unavailable, reason))
    }

    /// Learns how a use of the store ended, and tells the operator: of a store that is
    /// down what is new, and else each failure.
    pub fn learn(&self, work: &str, now: Instant, failure: Option<&StoreError>) {
        let (store, replica) = (self.store, self.replica.as_deref());
        let sick = failure.filter(|error| error.is_sick_store());
        let was_down = self.breaker.open_reason().is_some();
        let edge = match (failure, sick) {
            (None, _) => self.breaker.report(now, None),
            (Some(_), Some(error)) => self.breaker.report(now, Some(&error.detail)),
            (Some(_), None) => None,
        };
        match edge {
            Some(Edge::Down { reason }) => tracing::warn!(%store, replica, %reason, "store is down"),
            Some(Edge::StillDown { since, uses, reason }) => {
                tracing::warn!(%store, replica, seconds = since.as_secs(), uses, %reason, "store is still down");
            }
            Some(Edge::Back { after, uses }) => {
                tracing::info!(%store, replica, seconds = after.as_secs(), uses, "store is back");
            }
            None => {}
        }
        let Some(error) = failure else { return };
        let (fault, reason) = (error.fault.name(), &error.detail);
        match was_down && sick.is_some() {
            true => tracing::debug!(%store, replica, work, fault, %reason, "the store failed"),
            false => tracing::warn!(%store, replica, work, fault, %reason, "the store failed"),
        }
    }

    /// Takes it for well again, without a word.
    pub(super) fn close(&self, now: Instant) {
        self.breaker.report(now, None);
    }

    /// Whether a use would be refused now. Asks for nothing.
    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.breaker.is_resting(now)
    }

    /// Why the store is being left alone, when it is.
    #[must_use]
    pub fn open_reason(&self) -> Option<Arc<str>> {
        self.breaker.open_reason()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Instant, Arc<str>) {
        (Breaker::new(BreakerLimits::default()), Instant::now(), Arc::from("refused"))
    }

    #[test]
    fn opens_after_failures_in_a_row_and_says_why() {
        let (breaker, now, why) = breaker();
        for _ in 0..4 {
            breaker.report(now, Some(&why));
            assert!(breaker.enter(now).is_ok());
        }
        breaker.report(now, Some(&why));
        assert_eq!(breaker.enter(now), Err(why));
    }

    #[test]
    fn opens_when_half_of_the_latest_failed() {
        let (breaker, now, why) = breaker();
        for turn in 0..20 {
            assert!(breaker.enter(now).is_ok(), "still closed at {turn}");
            breaker.report(now, (turn % 2 == 0).then_some(&why));
        }
        breaker.report(now, Some(&why));
        assert!(breaker.enter(now).is_err());
    }

    #[test]
    fn lets_one_use_probe_after_the_rest_and_closes_when_it_succeeds() {
        let (breaker, now, why) = breaker();
        for _ in 0..5 {
            breaker.report(now, Some(&why));
        }
        let later = now + BreakerLimits::default().rest;
        assert!(breaker.enter(later).is_ok(), "the probe");
        assert!(breaker.enter(later).is_err(), "only one at a time");
        breaker.report(later, None);
        assert!(breaker.enter(later).is_ok());
        assert_eq!(breaker.open_reason(), None);
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_a_lost_one_does_not_hold_it() {
        let (breaker, now, why) = breaker();
        for _ in 0..5 {
            breaker.report(now, Some(&why));
        }
        let rest = BreakerLimits::default().rest;
        assert!(breaker.enter(now + rest).is_ok());
        breaker.report(now + rest, Some(&why));
        assert!(breaker.enter(now + rest).is_err());
        assert!(breaker.enter(now + rest * 2).is_ok(), "the next probe");
        assert!(breaker.enter(now + rest * 3).is_ok(), "whose outcome never came");
    }
    /// What is told of an hour without a store in which somebody asks every second.
    #[test]
    fn an_outage_is_told_at_its_ends_and_once_a_minute() {
        let (breaker, begin, why) = breaker();
        let mut told = Vec::new();
        for second in 0..3600 {
            let now = begin + Duration::from_secs(second);
            let _ = breaker.enter(now);
            let _ = breaker.enter(now);
            told.extend(breaker.report(now, Some(&why)));
        }
        let end = begin + Duration::from_secs(3600);
        told.extend(breaker.report(end, None));
        assert_eq!(told.len(), 61, "{told:?}");
        assert_eq!(told[0], Edge::Down { reason: Arc::clone(&why) });
        let minute = Edge::StillDown { since: Duration::from_secs(60), uses: 120, reason: why };
        assert_eq!(told[1], minute);
        let Edge::Back { after, uses } = &told[60] else { panic!("{told:?}") };
        assert_eq!((*after, *uses > 7_000), (Duration::from_secs(3596), true), "{uses}");
        assert_eq!(breaker.report(end, None), None, "once");
    }
}
