//! Guesses at passwords, counted: guessing is slowed down without locking anybody out.
//!
//! A try takes one from three buckets before the password is looked at, so that tries at
//! the same time count, too; a right one gives them back. A login name from one address:
//! the usual guesser. An address: who tries many names. A login name from everywhere: a
//! distributed guesser; this one is not asked of an address from which the same user has
//! logged in before, so that an attacked user goes on working.
//!
//! What is not a guess does not come here: a login that was right before, and the same
//! wrong password again ([`logins`](super::logins)).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

/// How long it takes an empty bucket to fill.
const WINDOW: Duration = Duration::from_secs(300);
/// How long an address is known to be a user's.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// How many of each are remembered.
const CAPACITY: u64 = 50_000;

/// Guesses that a full bucket holds.
const OF_NAME_AND_ADDRESS: u32 = 10;
const OF_ADDRESS: u32 = 100;
const OF_NAME: u32 = 100;

/// Stands for a login name in memory: names may be long, these are not.
type Name = [u8; 32];

pub(super) struct Throttle {
    key: [u8; 32],
    by_pair: Buckets<(Name, IpAddr)>,
    by_address: Buckets<IpAddr>,
    by_name: Buckets<Name>,
    known: Cache<(Name, IpAddr), ()>,
}

/// A try that has begun. It counts as a guess unless it is told otherwise.
pub(super) struct Try<'a> {
    throttle: &'a Throttle,
    pair: (Name, IpAddr),
    taken: Vec<Arc<Bucket>>,
}

impl Try<'_> {
    /// The password was right.
    pub(super) fn succeeded(self) {
        self.throttle.known.insert(self.pair, ());
        self.forget();
    }

    /// Nothing was learnt of the password.
    pub(super) fn forget(self) {
        self.taken.iter().for_each(|bucket| bucket.give_back());
    }
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            key: rand::random(),
            by_pair: Buckets::of(OF_NAME_AND_ADDRESS),
            by_address: Buckets::of(OF_ADDRESS),
            by_name: Buckets::of(OF_NAME),
            known: Cache::builder().max_capacity(CAPACITY).time_to_idle(KNOWN).build(),
        }
    }

    /// Begins a try, or says when one may be made.
    pub(super) fn begin(&self, nome: &str, address: IpAddr) -> Result<Try<'_>, Duration> {
        let pair = (*blake3::keyed_hash(&self.key, nome.as_bytes()).as_bytes(), network(address));
        let mut buckets = vec![self.by_pair.get(pair), self.by_address.get(pair.1)];
        if !self.known.contains_key(&pair) {
            buckets.push(self.by_name.get(pair.0));
        }
        let now = Instant::now();
        let mut begun = Try { throttle: self, pair, taken: Vec::with_capacity(buckets.len()) };
        let mut wait = None;
        for bucket in buckets {
            match bucket.take(now) {
                Ok(()) => begun.taken.push(bucket),
                Err(until) => wait = wait.max(Some(until)),
            }
        }
        match wait {
            None => Ok(begun),
            Some(wait) => {
                begun.forget();
                Err(wait)
            }
        }
    }

    /// Nobody has guessed yet: the users are others now.
    pub(super) fn forget_all(&self) {
        self.by_pair.all.invalidate_all();
        self.by_address.all.invalidate_all();
        self.by_name.all.invalidate_all();
    }
}

/// A bucket for each key.
struct Buckets<K> {
    holds: u32,
    all: Cache<K, Arc<Bucket>>,
}

impl<K: std::hash::Hash + Eq + Send + Sync + 'static> Buckets<K> {
    fn of(holds: u32) -> Self {
        // One that nobody has touched for that long is full.
        Self { holds, all: Cache::builder().max_capacity(CAPACITY).time_to_idle(WINDOW).build() }
    }

    fn get(&self, key: K) -> Arc<Bucket> {
        self.all.get_with(key, || Arc::new(Bucket::full(WINDOW / self.holds)))
    }
}

/// As many as fit into [`WINDOW`], one more after each `interval` (the generic cell rate
/// algorithm, of which `governor`'s cannot be given back to).
struct Bucket {
    interval: Duration,
    /// When it will be full.
    full_at: Mutex<Instant>,
}

impl Bucket {
    fn full(interval: Duration) -> Self {
        Self { interval, full_at: Mutex::new(Instant::now()) }
    }

    fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let then = now.max(*full_at) + self.interval;
        let wait = (then - now).saturating_sub(WINDOW);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        *full_at = then;
        Ok(())
    }

    fn give_back(&self) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = full_at.checked_sub(self.interval) {
            *full_at = before;
        }
    }
}

/// One subscriber: with IPv6 that is a /64, since they choose the rest freely.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn elsewhere(number: u8) -> IpAddr {
        IpAddr::from([198, 51, 100, number])
    }

    fn failed(throttle: &Throttle, nome: &str, address: IpAddr) -> bool {
        throttle.begin(nome, address).is_ok()
    }

    fn may(throttle: &Throttle, nome: &str, address: IpAddr) -> bool {
        throttle.begin(nome, address).map(Try::forget).is_ok()
    }

    #[test]
    fn a_guesser_is_slowed_down_and_nobody_else_is() {
        let throttle = Throttle::new();
        for _ in 0..OF_NAME_AND_ADDRESS {
            assert!(failed(&throttle, "ana", HOME));
        }
        let wait = throttle.begin("ana", HOME).map(|_| ()).expect_err("throttled");
        assert!(wait <= Duration::from_secs(30) && wait > Duration::from_secs(29), "{wait:?}");
        assert!(may(&throttle, "bia", HOME));
        assert!(may(&throttle, "ana", elsewhere(1)));
        throttle.forget_all();
        assert!(may(&throttle, "ana", HOME));
    }

    #[test]
    fn tries_at_the_same_time_count() {
        let throttle = Throttle::new();
        let begun: Vec<_> = (0..50).filter_map(|_| throttle.begin("ana", HOME).ok()).collect();
        assert_eq!(begun.len(), OF_NAME_AND_ADDRESS as usize);
        begun.into_iter().for_each(Try::forget);
        assert!(may(&throttle, "ana", HOME));
    }

    #[test]
    fn right_logins_take_nothing() {
        let throttle = Throttle::new();
        for number in 0..3 * OF_ADDRESS {
            throttle.begin(&number.to_string(), HOME).expect("may").succeeded();
        }
        assert!(may(&throttle, "ana", HOME));
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down() {
        let throttle = Throttle::new();
        for number in 0..OF_ADDRESS {
            assert!(failed(&throttle, &number.to_string(), HOME));
        }
        assert!(!may(&throttle, "new", HOME));
    }

    #[test]
    fn an_attacked_user_goes_on_from_where_they_are_known() {
        let throttle = Throttle::new();
        throttle.begin("ana", HOME).expect("may").succeeded();
        for number in 0..OF_NAME {
            assert!(failed(&throttle, "ana", elsewhere(u8::try_from(number).expect("small"))));
        }
        assert!(may(&throttle, "ana", HOME));
        assert!(!may(&throttle, "ana", elsewhere(200)));
    }

    #[test]
    fn neighbours_in_an_ipv6_network_are_one() {
        let throttle = Throttle::new();
        for number in 0..OF_NAME_AND_ADDRESS {
            assert!(failed(&throttle, "ana", format!("2001:db8::{number:x}").parse().expect("an address")));
        }
        assert!(!may(&throttle, "ana", "2001:db8::ffff".parse().expect("an address")));
        assert!(may(&throttle, "ana", "2001:db8:0:1::1".parse().expect("an address")));
    }
}
