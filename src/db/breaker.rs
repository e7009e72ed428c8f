//! A circuit breaker: a store that keeps failing is left alone for a while.
//!
//! Without it every request to a dead store would wait for its own connect
//! timeout. With it one request a second finds out, and the others are refused
//! at once with the reason that opened the circuit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

#[derive(Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    state: Mutex<State>,
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
    },
    /// One use is trying; the others are still refused.
    Probing {
        since: Instant,
        reason: Arc<str>,
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
        match &*state {
            State::Closed { .. } => Ok(()),
            State::Open { until, reason } if now < *until => Err(Arc::clone(reason)),
            // A probe whose outcome never came (its caller went away) must not
            // keep the circuit open for ever.
            State::Probing { since, reason } if now < *since + self.limits.rest => Err(Arc::clone(reason)),
            State::Open { reason, .. } | State::Probing { reason, .. } => {
                *state = State::Probing { since: now, reason: Arc::clone(reason) };
                Ok(())
            }
        }
    }

    /// Reports how a use ended: `None` when the store answered.
    pub(super) fn report(&self, now: Instant, failure: Option<&Arc<str>>) {
        let mut state = self.state();
        let next = match (&mut *state, failure) {
            (State::Closed { in_a_row, latest }, None) => {
                *in_a_row = 0;
                latest.push(false, self.limits.window);
                return;
            }
            (State::Closed { in_a_row, latest }, Some(reason)) => {
                *in_a_row += 1;
                latest.push(true, self.limits.window);
                let sick =
                    *in_a_row >= self.limits.failures_in_a_row || latest.half_failed(self.limits.window);
                if !sick {
                    return;
                }
                self.open(now, reason)
            }
            (State::Open { .. } | State::Probing { .. }, None) => State::closed(),
            (State::Probing { .. }, Some(reason)) => self.open(now, reason),
            // A use that began before the circuit opened: nothing new.
            (State::Open { .. }, Some(_)) => return,
        };
        *state = next;
    }

    /// Why the store is being left alone, when it is.
    pub(super) fn open_reason(&self) -> Option<Arc<str>> {
        match &*self.state() {
            State::Closed { .. } => None,
            State::Open { reason, .. } | State::Probing { reason, .. } => Some(Arc::clone(reason)),
        }
    }

    fn open(&self, now: Instant, reason: &Arc<str>) -> State {
        State::Open { until: now + self.limits.rest, reason: Arc::clone(reason) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
}
