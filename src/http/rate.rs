//! What each user may spend: a bucket of cost that fills again with time.
//!
//! Answers tell what is left with `RateLimit-Policy` and `RateLimit`, as
//! draft-ietf-httpapi-ratelimit-headers-10 writes them. The quota unit is cost,
//! which the draft has no name for.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::fields::{RATELIMIT, RATELIMIT_POLICY};
use crate::config::Rate;

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// Users whose buckets are remembered. They have all logged in, so there are
/// seldom more.
const MOST_USERS: u64 = 10_000;

/// The buckets of all users.
pub(super) struct Spending {
    rate: Rate,
    policy: HeaderValue,
    buckets: moka::sync::Cache<Arc<str>, Arc<Bucket>>,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    /// When to come back, where the bucket held too little.
    pub refused: Option<Duration>,
    /// What is left.
    left: u32,
}

impl Spending {
    pub(super) fn new(rate: Rate) -> Self {
        let policy = format!("\"cost\";q={};w={};qu=\"cost\"", rate.burst, seconds(rate, rate.burst.get()));
        // A bucket that nobody has touched for as long as it takes to fill is full.
        let full = Duration::from_secs(u64::from(seconds(rate, rate.burst.get())) + 1);
        Self {
            rate,
            policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("\"cost\"")),
            buckets: moka::sync::Cache::builder().max_capacity(MOST_USERS).time_to_idle(full).build(),
        }
    }

    /// The most that can be spent at once.
    pub(super) const fn burst(&self) -> u32 {
        self.rate.burst.get()
    }

    /// Takes `cost` from the user's bucket, at least 1, or nothing when it holds
    /// less. What is more than the bucket ever holds empties it.
    pub(super) fn charge(&self, nome: &Arc<str>, cost: u64) -> Charge {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).clamp(1, self.burst());
        let bucket = self.buckets.get_with_by_ref(nome, || Arc::new(self.bucket()));
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        match bucket.check_n(cost) {
            Ok(Ok(state)) => Charge { refused: None, left: state.remaining_burst_capacity() },
            Ok(Err(until)) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Charge { refused: Some(wait), left: 0 }
            }
            // Never more than the burst, see above.
            Err(_) => Charge { refused: None, left: 0 },
        }
    }

    /// Tells the client, and where it was refused when to come back.
    pub(super) fn tell(&self, charge: Charge, headers: &mut HeaderMap) {
        let reset = match charge.refused {
            Some(wait) => rounded_up(wait),
            None => u64::from(seconds(self.rate, self.burst() - charge.left.min(self.burst()))),
        };
        headers.insert(RATELIMIT_POLICY, self.policy.clone());
        if let Ok(left) = HeaderValue::from_str(&format!("\"cost\";r={};t={reset}", charge.left)) {
            headers.insert(RATELIMIT, left);
        }
        if charge.refused.is_some() {
            headers.insert(RETRY_AFTER, HeaderValue::from(reset));
        }
    }

    fn bucket(&self) -> Bucket {
        let quota = Quota::per_minute(self.rate.per_minute).allow_burst(self.rate.burst);
        RateLimiter::direct(quota).with_middleware()
    }
}

/// How long `cost` takes to come back.
fn seconds(rate: Rate, cost: u32) -> u32 {
    let seconds = (u64::from(cost) * 60).div_ceil(u64::from(rate.per_minute.get()));
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn rounded_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spending(per_minute: u32, burst: u32) -> Spending {
        let some = |number| NonZeroU32::new(number).expect("not zero");
        Spending::new(Rate { per_minute: some(per_minute), burst: some(burst) })
    }

    fn told(spending: &Spending, charge: Charge) -> Vec<String> {
        let mut headers = HeaderMap::new();
        spending.tell(charge, &mut headers);
        let text =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().expect("text").to_owned());
        [text(RATELIMIT_POLICY), text(RATELIMIT), text(RETRY_AFTER)].into_iter().flatten().collect()
    }

    #[test]
    fn each_user_has_a_bucket() {
        let (spending, ana, bia) = (spending(1, 100), Arc::from("ana"), Arc::from("bia"));
        let charge = spending.charge(&ana, 60);
        assert_eq!(charge, Charge { refused: None, left: 40 });
        assert_eq!(told(&spending, charge), ["\"cost\";q=100;w=6000;qu=\"cost\"", "\"cost\";r=40;t=3600"]);
        let refused = spending.charge(&ana, 60);
        assert!(refused.refused.is_some_and(|wait| wait.as_secs() >= 1100));
        let [_, left, retry] = &told(&spending, refused)[..] else { panic!("three headers") };
        assert_eq!(left, &format!("\"cost\";r=0;t={retry}"));
        assert_eq!(spending.charge(&ana, 0), Charge { refused: None, left: 39 }, "at least 1");
        assert_eq!(spending.charge(&bia, 1_000_000), Charge { refused: None, left: 0 });
    }
}
