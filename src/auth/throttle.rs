//! Failed logins, counted: guessing is slowed down without locking anybody out.
//!
//! Three counts over five minutes. A login name from one address: the usual
//! guesser. An address: who tries many names. A login name from everywhere: a
//! distributed guesser; this one does not count against an address from which
//! the same user has logged in before, so that an attacked user goes on working.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use moka::sync::Cache;

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(300);
/// How long an address is known to be a user's.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// How many of each are remembered.
const CAPACITY: u64 = 50_000;

/// Failures that are allowed within the window.
const OF_NAME_AND_ADDRESS: u32 = 10;
const OF_ADDRESS: u32 = 100;
const OF_NAME: u32 = 100;

/// Stands for a login name in memory: names may be long, these are not.
type Name = [u8; 32];

pub(super) struct Throttle {
    key: [u8; 32],
    by_pair: Counts<(Name, IpAddr)>,
    by_address: Counts<IpAddr>,
    by_name: Counts<Name>,
    known: Cache<(Name, IpAddr), ()>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            key: rand::random(),
            by_pair: Counts::new(),
            by_address: Counts::new(),
            by_name: Counts::new(),
            known: Cache::builder().max_capacity(CAPACITY).time_to_idle(KNOWN).build(),
        }
    }

    /// Whether a login may be tried now; if not, when to come back.
    pub(super) fn check(&self, nome: &str, address: IpAddr) -> Result<(), Duration> {
        let (name, address) = (self.name(nome), network(address));
        let guessed = self.by_pair.get(&(name, address)) >= OF_NAME_AND_ADDRESS;
        let sprayed = self.by_address.get(&address) >= OF_ADDRESS;
        let attacked = self.by_name.get(&name) >= OF_NAME && !self.known.contains_key(&(name, address));
        if guessed || sprayed || attacked { Err(WINDOW) } else { Ok(()) }
    }

    pub(super) fn failed(&self, nome: &str, address: IpAddr) {
        let (name, address) = (self.name(nome), network(address));
        self.by_pair.add((name, address));
        self.by_address.add(address);
        self.by_name.add(name);
    }

    pub(super) fn succeeded(&self, nome: &str, address: IpAddr) {
        let pair = (self.name(nome), network(address));
        self.by_pair.0.invalidate(&pair);
        self.known.insert(pair, ());
    }

    fn name(&self, nome: &str) -> Name {
        *blake3::keyed_hash(&self.key, nome.as_bytes()).as_bytes()
    }
}

/// How often something happened within the window.
struct Counts<K>(Cache<K, Arc<AtomicU32>>);

impl<K: std::hash::Hash + Eq + Send + Sync + 'static> Counts<K> {
    fn new() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(WINDOW).build())
    }

    fn get(&self, key: &K) -> u32 {
        self.0.get(key).map_or(0, |count| count.load(Relaxed))
    }

    fn add(&self, key: K) {
        self.0.get_with(key, Arc::default).fetch_add(1, Relaxed);
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

    #[test]
    fn a_guesser_is_slowed_down_and_nobody_else_is() {
        let throttle = Throttle::new();
        for _ in 0..OF_NAME_AND_ADDRESS {
            assert!(throttle.check("ana", HOME).is_ok());
            throttle.failed("ana", HOME);
        }
        assert!(throttle.check("ana", HOME).is_err());
        assert!(throttle.check("bia", HOME).is_ok());
        assert!(throttle.check("ana", elsewhere(1)).is_ok());
    }

    #[test]
    fn a_success_forgets_the_slips_before_it() {
        let throttle = Throttle::new();
        for _ in 0..OF_NAME_AND_ADDRESS - 1 {
            throttle.failed("ana", HOME);
        }
        throttle.succeeded("ana", HOME);
        throttle.failed("ana", HOME);
        assert!(throttle.check("ana", HOME).is_ok());
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down() {
        let throttle = Throttle::new();
        for number in 0..OF_ADDRESS {
            throttle.failed(&number.to_string(), HOME);
        }
        assert!(throttle.check("new", HOME).is_err());
    }

    #[test]
    fn an_attacked_user_goes_on_from_where_they_are_known() {
        let throttle = Throttle::new();
        throttle.succeeded("ana", HOME);
        for number in 0..OF_NAME {
            throttle.failed("ana", elsewhere(u8::try_from(number).expect("small")));
        }
        assert!(throttle.check("ana", HOME).is_ok());
        assert!(throttle.check("ana", elsewhere(200)).is_err());
    }

    #[test]
    fn neighbours_in_an_ipv6_network_are_one() {
        let throttle = Throttle::new();
        for number in 0..OF_NAME_AND_ADDRESS {
            throttle.failed("ana", format!("2001:db8::{number:x}").parse().expect("an address"));
        }
        assert!(throttle.check("ana", "2001:db8::ffff".parse().expect("an address")).is_err());
        assert!(throttle.check("ana", "2001:db8:0:1::1".parse().expect("an address")).is_ok());
    }
}
