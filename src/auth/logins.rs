//! From an `Authorization` header to a login.
//!
//! A password hash takes tens of milliseconds, a hundred times a whole query.
//! So a login that was verified is remembered for a few minutes, under a keyed
//! hash of the header: successes only, bounded, forgotten when the users file
//! changes. One verification runs at a time per login, and as many as there are
//! cores in all, on threads that may block; what waits beyond a bound is refused.
//!
//! A right login gets in while others guess at it: one that was right within a day is not
//! throttled, and a wrong one that comes again, as from a forgotten tab, is answered from
//! memory and counts once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Semaphore;

use super::rights::Rights;
use super::throttle::Throttle;
use super::users::{Users, UsersError, UsersFile};
use crate::mark::Mark;
use crate::reload::{Reloaded, Take};
use crate::text::nfc;

/// How long a verified login is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many are.
const MOST_REMEMBERED: u64 = 10_000;
/// How long a login that was right is no guess.
const RIGHT: Duration = Duration::from_secs(24 * 3600);
/// How long a login that was wrong is known to be.
const WRONG: Duration = Duration::from_secs(300);
/// How many are known.
const MOST_WRONG: u64 = 50_000;
/// How many logins may wait for their verification.
const MOST_WAITING: usize = 64;
/// Longer credentials are refused unread.
const LONGEST_HEADER: usize = 1024;

/// A login that is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The login name.
    pub nome: Arc<str>,
    /// What it is for.
    pub rights: Rights,
}

/// Why somebody may not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no `Authorization` header.
    Missing,
    /// The header is not Basic credentials as RFC 7617 writes them.
    Malformed,
    /// Unknown user or wrong password; which of them is not told.
    Wrong,
    /// Too many logins wait to be verified.
    Overloaded,
    /// Too many logins have failed; come back after this.
    Throttled(Duration),
}

impl Denied {
    /// The word in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Wrong => "wrong",
            Self::Overloaded => "overloaded",
            Self::Throttled(_) => "throttled",
        }
    }
}

/// Verifies logins against a users file that may change at any time.
pub struct Logins {
    file: UsersFile,
    opened: Mark,
    users: ArcSwap<Generation>,
    key: [u8; 32],
    remembered: moka::future::Cache<[u8; 32], Login>,
    right: moka::sync::Cache<[u8; 32], ()>,
    wrong: moka::sync::Cache<[u8; 32], ()>,
    throttle: Throttle,
    verifiers: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The users as last read.
struct Generation {
    number: u64,
    users: Users,
}

impl Logins {
    /// Reads the users file.
    ///
    /// # Errors
    /// [`UsersError`] when it cannot be read or holds a bad line.
    pub fn open(file: UsersFile) -> Result<Self, UsersError> {
        let opened = Mark::of([file.path()]);
        let users = file.read()?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            file,
            opened,
            users: ArcSwap::from_pointee(Generation { number: 0, users }),
            key: rand::random(),
            remembered: moka::future::Cache::builder()
                .max_capacity(MOST_REMEMBERED)
                .time_to_live(REMEMBERED)
                .build(),
            right: moka::sync::Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(RIGHT).build(),
            wrong: moka::sync::Cache::builder().max_capacity(MOST_WRONG).time_to_live(WRONG).build(),
            throttle: Throttle::new(),
            verifiers: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Who the bearer of this `Authorization` header is, who comes from
    /// `address`. A login that is remembered is never throttled.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn verify(&self, header: Option<&[u8]>, address: IpAddr) -> Result<Login, Denied> {
        let header = header.ok_or(Denied::Missing)?;
        if header.len() > LONGEST_HEADER {
            return Err(Denied::Malformed);
        }
        let generation = self.users.load_full();
        let name = self.remembered_as(generation.number, header);
        if let Some(requester) = self.remembered.get(&name).await {
            return Ok(requester);
        }
        if self.wrong.contains_key(&name) {
            return Err(Denied::Wrong);
        }
        // Of several at once with the same header one is looked at, and counts.
        let check = self.try_login(generation, name, header, address);
        self.remembered.try_get_with(name, check).await.map_err(|denied| *denied)
    }

    async fn try_login(
        &self,
        generation: Arc<Generation>,
        name: [u8; 32],
        header: &[u8],
        address: IpAddr,
    ) -> Result<Login, Denied> {
        let (nome, password) = credentials(header)?;
        let guess = match self.right.contains_key(&name) {
            true => None,
            false => Some(self.throttle.begin(&nome, address).map_err(Denied::Throttled)?),
        };
        let verified = self.check(generation, nome, password).await;
        match (&verified, guess) {
            (Ok(_), guess) => {
                self.right.insert(name, ());
                if let Some(guess) = guess {
                    guess.succeeded();
                }
            }
            (Err(Denied::Wrong), _) => self.wrong.insert(name, ()),
            (Err(_), Some(guess)) => guess.forget(),
            (Err(_), None) => {}
        }
        verified
    }

    /// Whether there is such a user, for the log: what is typed as a name may be anything.
    #[must_use]
    pub fn knows(&self, nome: &str) -> bool {
        self.users.load().users.get(nome).is_some()
    }

    /// A file that was replaced in mid-verification must not be remembered as
    /// verified by the new one: the generation is part of the name.
    fn remembered_as(&self, generation: u64, header: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&generation.to_le_bytes());
        hasher.update(header);
        *hasher.finalize().as_bytes()
    }

    async fn check(
        &self,
        generation: Arc<Generation>,
        nome: String,
        password: Vec<u8>,
    ) -> Result<Login, Denied> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.verifiers).acquire_owned().await.map_err(|_| Denied::Overloaded)?;
        let verify = move || {
            let _permit = permit;
            let user = generation.users.get(&nome);
            // An unknown user costs what a known one costs.
            let hash = &user.or_else(|| generation.users.any())?.hash;
            let right = hash.verify(&password);
            user.filter(|_| right).map(|user| Login { nome: Arc::clone(&user.nome), rights: user.rights })
        };
        let requester = tokio::task::spawn_blocking(verify).await;
        requester.ok().flatten().ok_or(Denied::Wrong)
    }
}

impl Reloaded for Logins {
    fn name(&self) -> &'static str {
        "users file"
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.file.path().to_owned()]
    }

    fn opened(&self) -> Mark {
        self.opened.clone()
    }

    /// Users that are not there any more, or have another password, are out at once; so who
    /// has guessed wrongly before may try again.
    fn read(&self) -> Result<Take<'_>, String> {
        let users = self.file.read().map_err(|error| error.to_string())?;
        let current = self.users.load_full();
        if users.is_empty() && !current.users.is_empty() {
            return Err(format!(
                "{}: holds no user; remove the last by stopping the program",
                self.file.path().display()
            ));
        }
        Ok(Box::new(move || {
            let told = format!("{} users", users.len());
            self.users.store(Arc::new(Generation { number: current.number + 1, users }));
            self.remembered.invalidate_all();
            self.throttle.forget_all();
            told
        }))
    }
}

/// A place in the queue before the verifiers.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, Denied> {
        let place = Self(count);
        if count.fetch_add(1, Relaxed) >= MOST_WAITING {
            return Err(Denied::Overloaded);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// User and password of Basic credentials (RFC 7617): the scheme in any case,
/// split at the first colon, the name in UTF-8 and in Normalization Form C.
///
/// # Errors
/// [`Denied::Malformed`] for anything else, whatever the bytes are.
pub fn credentials(header: &[u8]) -> Result<(String, Vec<u8>), Denied> {
    if header.len() > LONGEST_HEADER {
        return Err(Denied::Malformed);
    }
    let (scheme, encoded) = header.split_at_checked(6).ok_or(Denied::Malformed)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return Err(Denied::Malformed);
    }
    let decoded = STANDARD.decode(encoded.trim_ascii()).map_err(|_| Denied::Malformed)?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or(Denied::Malformed)?;
    let nome = String::from_utf8(decoded[..colon].to_vec()).map_err(|_| Denied::Malformed)?;
    Ok((nfc(nome), decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_the_rfc_writes_them() {
        let of = |text: &str| credentials(text.as_bytes());
        let expected = Ok(("zoé".to_owned(), b"a:b".to_vec()));
        let encoded = STANDARD.encode("zoé:a:b");
        assert_eq!(
            of(&format!("Basic {}", STANDARD.encode("zoe\u{301}:a:b"))),
            expected,
            "as a Mac writes it"
        );
        assert_eq!(of(&format!("Basic {encoded}")), expected);
        assert_eq!(of(&format!("bAsIc {encoded}")), expected);
        assert_eq!(of(&format!("Basic   {encoded} ")), expected);
        for bad in ["", "Basic", "Basic ", "Basic %%%", "Bearer abc", "Basic bm9jb2xvbg==", "Basic /////w=="]
        {
            assert_eq!(of(bad), Err(Denied::Malformed), "{bad}");
        }
    }
}
