//! Who has written of late: such a login reads from the primaries for a time, so that it sees what
//! it has written.
//!
//! In this instance alone: another knows nothing of it. What is balanced by login
//! (`Authorization`) comes to one instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Logins, and until when each is pinned to the primaries.
pub(super) struct Pins {
    pin: Duration,
    until: Mutex<HashMap<Arc<str>, Instant>>,
}

impl Pins {
    pub(super) fn new(pin: Duration) -> Self {
        Self { pin, until: Mutex::default() }
    }

    /// A login writes, or has just written.
    pub(super) fn wrote(&self, user: &Arc<str>) {
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        // There are as many as wrote in that time.
        until.retain(|_, until| *until > now);
        until.insert(Arc::clone(user), now + self.pin);
    }

    /// Whether a login has written of late.
    pub(super) fn has_written(&self, user: &str) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(user).is_some_and(|until| *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_written_is_known_for_a_time_and_nobody_else_is() {
        let (ana, bia): (Arc<str>, Arc<str>) = ("ana".into(), "bia".into());
        let pins = Pins::new(Duration::from_secs(3600));
        pins.wrote(&ana);
        assert!(pins.has_written("ana") && !pins.has_written("bia"));
        let short = Pins::new(Duration::ZERO);
        short.wrote(&ana);
        assert!(!short.has_written("ana"));
        short.wrote(&bia);
        assert_eq!(short.until.lock().expect("whole").len(), 1, "who is over is forgotten");
    }
}
