//! What happens again and again, told once and then once a minute with a count.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

/// How often one thing is told.
const REMINDER: Duration = Duration::from_secs(60);

/// How many things are remembered; beyond that one may be told again too early.
const CAPACITY: u64 = 10_000;

/// What was told, and when.
pub struct Repeats<K>(Cache<K, Arc<Mutex<Seen>>>);

struct Seen {
    told: Option<Instant>,
    since: u64,
}

impl<K: Hash + Eq + Send + Sync + 'static> Repeats<K> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_idle(2 * REMINDER).build())
    }

    /// It happened: how often since it was last told, when it is to be told now.
    pub fn tell(&self, key: K) -> Option<u64> {
        self.tell_at(key, Instant::now())
    }

    fn tell_at(&self, key: K, now: Instant) -> Option<u64> {
        let seen = self.0.get_with(key, || Arc::new(Mutex::new(Seen { told: None, since: 0 })));
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.since += 1;
        if seen.told.is_some_and(|told| now.saturating_duration_since(told) < REMINDER) {
            return None;
        }
        seen.told = Some(now);
        Some(std::mem::take(&mut seen.since))
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Default for Repeats<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once_a_minute_with_a_count() {
        let (repeats, begin) = (Repeats::new(), Instant::now());
        let told: Vec<(u64, u64)> = (0..150)
            .filter_map(|second| Some((second, repeats.tell_at("a", begin + Duration::from_secs(second))?)))
            .collect();
        assert_eq!(told, [(0, 1), (60, 60), (120, 60)]);
        assert_eq!(repeats.tell_at("b", begin), Some(1));
    }
}
