//! From an `Authorization` header to a requester.
//!
//! A password hash takes tens of milliseconds, a hundred times a whole query.
//! So a login that was verified is remembered for a few minutes, under a keyed
//! hash of the header: successes only, bounded, forgotten when the users file
//! changes. One verification runs at a time per login, and as many as there are
//! cores in all, on threads that may block; what waits beyond a bound is refused.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Semaphore;

use super::throttle::Throttle;
use super::users::{Users, UsersError, UsersFile};
use crate::kernel::Requester;
use crate::mark::Mark;
use crate::text::nfc;

/// How long a verified login is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many are.
const MOST_REMEMBERED: u64 = 10_000;
/// How many logins may wait for their verification.
const MOST_WAITING: usize = 64;
/// Longer credentials are refused unread.
const LONGEST_HEADER: usize = 1024;

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
    users: ArcSwap<Generation>,
    key: [u8; 32],
    remembered: moka::future::Cache<[u8; 32], Requester>,
    throttle: Throttle,
    verifiers: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The users as last read, and the mark of the file they came from.
struct Generation {
    number: u64,
    users: Users,
    mark: Mark,
}

impl Logins {
    /// Reads the users file.
    ///
    /// # Errors
    /// [`UsersError`] when it cannot be read or holds a bad line.
    pub fn open(file: UsersFile) -> Result<Self, UsersError> {
        let mark = Mark::of([file.path()]);
        let users = file.read()?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            file,
            users: ArcSwap::from_pointee(Generation { number: 0, users, mark }),
            key: rand::random(),
            remembered: moka::future::Cache::builder()
                .max_capacity(MOST_REMEMBERED)
                .time_to_live(REMEMBERED)
                .build(),
            throttle: Throttle::new(),
            verifiers: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Reads the users file again when it has changed. A file that cannot be
    /// read, or is half-written, leaves the old users in place.
    pub fn reload(&self) {
        let now = Mark::of([self.file.path()]);
        let current = self.users.load();
        if now == current.mark {
            return;
        }
        match self.file.read() {
            Ok(users) => {
                tracing::info!(users = users.len(), "users file reloaded");
                let number = current.number + 1;
                self.users.store(Arc::new(Generation { number, users, mark: now }));
                self.remembered.invalidate_all();
            }
            Err(error) => {
                tracing::warn!(%error, "users file changed but cannot be used; the old users stay");
                let kept = Generation { number: current.number, users: current.users.clone(), mark: now };
                self.users.store(Arc::new(kept));
            }
        }
    }

    /// Who the bearer of this `Authorization` header is, who comes from
    /// `address`. A login that is remembered is never throttled.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn verify(&self, header: Option<&[u8]>, address: IpAddr) -> Result<Requester, Denied> {
        let header = header.ok_or(Denied::Missing)?;
        if header.len() > LONGEST_HEADER {
            return Err(Denied::Malformed);
        }
        let generation = self.users.load_full();
        let name = self.remembered_as(generation.number, header);
        if let Some(requester) = self.remembered.get(&name).await {
            return Ok(requester);
        }
        let (nome, password) = credentials(header)?;
        self.throttle.check(&nome, address).map_err(Denied::Throttled)?;
        let check = self.check(generation, nome.clone(), password);
        let verified = self.remembered.try_get_with(name, check).await.map_err(|denied| *denied);
        match verified {
            Ok(_) => self.throttle.succeeded(&nome, address),
            Err(Denied::Wrong) => self.throttle.failed(&nome, address),
            Err(_) => {}
        }
        verified
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
    ) -> Result<Requester, Denied> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.verifiers).acquire_owned().await.map_err(|_| Denied::Overloaded)?;
        let verify = move || {
            let _permit = permit;
            let user = generation.users.get(&nome);
            // An unknown user costs what a known one costs.
            let hash = &user.or_else(|| generation.users.any())?.hash;
            let right = hash.verify(&password);
            user.filter(|_| right).map(|user| Requester { nome: Arc::clone(&user.nome), papel: user.papel })
        };
        let requester = tokio::task::spawn_blocking(verify).await;
        requester.ok().flatten().ok_or(Denied::Wrong)
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
