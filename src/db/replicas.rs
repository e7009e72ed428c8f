//! The replicas of a store: who may answer a read, and how that is known.
//!
//! What a server says of its own lag is not believed: `Seconds_Behind_Master` is 0 while
//! nothing arrives, and NULL when replication has stopped. Instead this instance writes its
//! next number ("beat") into a row of its own in the primary, a few times a second, and looks
//! for it on each replica. A replica that shows number n has all that the primary had committed
//! when n was committed, so its data is at most as old as the moment at which n was *sent*. Only
//! this machine's monotonic clock is asked. A number is never used twice by anybody, so that a
//! replica that follows a primary of yesterday shows nothing that we could take for new.
//!
//! Whether a replica is fit is computed when a read asks, and not when it was last looked
//! at: should the looking stop, every replica is unfit a moment later.
//!
//! | the replica | its reads go |
//! | --- | --- |
//! | shows a beat that was sent within the bound, and was seen within it | to it, in turn |
//! | shows older beats only, or none | to the primary |
//! | cannot be reached, or was not seen within the bound | to the primary |
//! | has failed reads, so that its circuit is open | to the primary |
//!
//! While the primary is away nothing new is committed that we could know of, so age is counted
//! up to its last sign of life: who was fit then answers until it is back.
//!
//! The looking has connections of its own: a pool that is full does not make a replica late.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use uuid::Uuid;

use super::connection::place;
use super::error::{StoreError, explain};
use super::{AnyStore, Connections, Db, Fault, Tally, Usage, connect};

/// What is asked of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaLimits {
    /// How old the data of a read may be.
    pub lag: Duration,
    /// For how long a login that has written reads from the primary. Not less than
    /// `lag`: by then every replica that is fit has what was written.
    pub pin: Duration,
}

impl Default for ReplicaLimits {
    fn default() -> Self {
        Self { lag: Duration::from_secs(1), pin: Duration::from_secs(5) }
    }
}

impl ReplicaLimits {
    /// How often a beat is written, so that a replica that follows closely is always
    /// well within the bound.
    fn interval(self) -> Duration {
        (self.lag / 4).clamp(Duration::from_millis(10), Duration::from_millis(500))
    }
}

/// How a replica stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// Reads go there.
    Fit,
    /// Its data is, or may be, older than the bound.
    Late,
    /// It cannot be reached, or fails what is asked of it.
    Down,
}

impl ReplicaState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Late => "late",
            Self::Down => "down",
        }
    }
}

/// A replica, seen from outside.
#[derive(Clone, Copy)]
pub struct ReplicaView<'a> {
    replica: &'a Replica,
    all: &'a Replicas,
}

impl ReplicaView<'_> {
    /// Its server and database, without user and password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.replica.name
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> ReplicaState {
        self.all.state(self.replica, Instant::now())
    }

    /// How old its data may be, at the most.
    #[must_use]
    pub fn lag(&self) -> Duration {
        self.all.lag(self.replica, Instant::now())
    }

    /// What it was asked since the program started.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        self.replica.db.usage()
    }

    /// Its connections right now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.replica.db.connections()
    }
}

/// A server that has a store's rows, a little later.
pub(super) struct Replica {
    db: Db,
    name: Arc<str>,
    /// When the newest beat that it has shown was sent; 0 before the first.
    shown: AtomicU64,
    /// When it was asked, the last time that it answered.
    seen: AtomicU64,
    /// Why it cannot be reached, when it cannot.
    down: Mutex<Option<String>>,
    is_down: AtomicBool,
}

/// All moments are microseconds since `begun`.
pub(super) struct Replicas {
    all: Vec<Replica>,
    limits: ReplicaLimits,
    begun: Instant,
    /// When the primary last answered a beat.
    answered: AtomicU64,
    /// The primary answers nothing.
    is_away: AtomicBool,
    turn: AtomicUsize,
}

impl Replicas {
    pub(super) fn new(all: Vec<Db>, limits: ReplicaLimits) -> Self {
        let replica = |db: Db| Replica {
            name: name_of(&db.options()),
            db,
            shown: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            down: Mutex::default(),
            is_down: AtomicBool::new(false),
        };
        Self {
            all: all.into_iter().map(replica).collect(),
            limits,
            begun: Instant::now(),
            answered: AtomicU64::new(0),
            is_away: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
        }
    }

    /// Who answers a read for these requests: each fit replica in turn; none where the primary
    /// must, or nobody else can. The primary has no turn: it has all that is written, and a
    /// read that does not need it would go down with it.
    pub(super) fn choose(&self, audience: &[Arc<Tally>]) -> Option<&Db> {
        if audience.is_empty() || audience.iter().any(|tally| tally.must_see_writes()) {
            return None;
        }
        let now = Instant::now();
        // A circuit that has rested lets one read through to try.
        let may_answer = |replica: &&Replica| {
            !replica.db.0.circuit.is_resting(now) && self.following(replica, now) == ReplicaState::Fit
        };
        let fit = || self.all.iter().filter(may_answer);
        let count = fit().count();
        if count == 0 {
            return None;
        }
        // By the number of those that are fit, so that who follows one that is not has no
        // more to do than the others.
        let turn = self.turn.fetch_add(1, Relaxed) % count;
        fit().nth(turn).map(|replica| &replica.db)
    }

    fn state(&self, replica: &Replica, now: Instant) -> ReplicaState {
        match replica.db.resting_because() {
            Some(_) => ReplicaState::Down,
            None => self.following(replica, now),
        }
    }

    /// How it stands by the beats that it shows.
    fn following(&self, replica: &Replica, now: Instant) -> ReplicaState {
        let bound = micros(self.limits.lag);
        let (shown, seen) = (replica.shown.load(Relaxed), replica.seen.load(Relaxed));
        // Whoever does not answer at all is no follower that is late.
        let is_silent = seen == 0 || self.elapsed(now).saturating_sub(seen) > bound;
        if is_silent || replica.is_down.load(Relaxed) {
            return ReplicaState::Down;
        }
        match shown == 0 || self.reference(now).saturating_sub(shown) > bound {
            true => ReplicaState::Late,
            false => ReplicaState::Fit,
        }
    }

    /// How old its data may be.
    fn lag(&self, replica: &Replica, now: Instant) -> Duration {
        Duration::from_micros(self.reference(now).saturating_sub(replica.shown.load(Relaxed)))
    }

    fn elapsed(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.begun))
    }

    /// Up to when the age of data is counted.
    fn reference(&self, now: Instant) -> u64 {
        match self.is_away.load(Relaxed) {
            true => self.answered.load(Relaxed),
            false => self.elapsed(now),
        }
    }

    /// Never 0, which means never.
    fn micros_now(&self) -> u64 {
        self.elapsed(Instant::now()).max(1)
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|replica| &replica.name)).finish()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The server and the database: what a replica is called.
pub(super) fn name_of(options: &MySqlConnectOptions) -> Arc<str> {
    format!("{}/{}", place(options), options.get_database().unwrap_or_default()).into()
}

/// Whether a read that failed so at a replica is sent to the primary: whatever the reason
/// is, it may be the replica's own. A statement that takes too long would take as long there,
/// and nobody needs it twice.
pub(super) const fn may_do_elsewhere(fault: Fault) -> bool {
    !matches!(fault, Fault::Slow)
}

impl Db {
    /// The replicas, in the order in which they are configured.
    pub fn replicas(&self) -> impl Iterator<Item = ReplicaView<'_>> {
        let all = self.0.replicas.as_deref();
        all.into_iter().flat_map(|all| all.all.iter().map(move |replica| ReplicaView { replica, all }))
    }

    /// For how long a login that has written must read from the primary; none where nobody
    /// else answers.
    #[must_use]
    pub fn pin(&self) -> Option<Duration> {
        self.0.replicas.as_ref().map(|replicas| replicas.limits.pin)
    }

    /// Writes beats and looks for them on the replicas, for ever. Without replicas it does
    /// nothing.
    pub async fn watch_replicas(&self) {
        match self.0.replicas.as_deref() {
            Some(replicas) => watch(self, replicas).await,
            None => std::future::pending().await,
        }
    }
}

async fn watch(primary: &Db, replicas: &Replicas) {
    let beats = Beats { instance: Uuid::now_v7().to_string(), sent: Mutex::default() };
    let heart =
        Heart { primary, replicas, beats: &beats, connection: None, beat: 0, failures: 0, answered: 0 };
    let eyes = replicas.all.iter().map(|replica| {
        // Of a beat that another has written nothing is known.
        replica.shown.store(0, Relaxed);
        let eye = Eye {
            store: primary.store(),
            replica,
            replicas,
            beats: &beats,
            connection: None,
            told: None,
            followed: false,
            since: Instant::now(),
        };
        eye.run()
    });
    join(heart.run(), join_all(eyes)).await;
}

/// Beats that are remembered: older ones are all the same to everybody.
const REMEMBERED: usize = 4096;

/// Beats in a row that fail before the primary is taken for away.
const AWAY: u32 = 2;

/// What was written, and when it was sent.
struct Beats {
    instance: String,
    /// Number and moment of the latest, oldest first.
    sent: Mutex<VecDeque<(u64, u64)>>,
}

impl Beats {
    fn send(&self, beat: u64, moment: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push_back((beat, moment));
        if sent.len() > REMEMBERED {
            sent.pop_front();
        }
    }

    /// When the beat that a replica shows was sent; of one that is forgotten, when it was sent at
    /// the latest; 0 of none.
    fn moment(&self, shown: Option<u64>) -> u64 {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(shown), Some((oldest, moment))) = (shown, sent.front().copied()) else { return 0 };
        let place = shown.checked_sub(oldest).map(usize::try_from);
        match place {
            Some(Ok(place)) => sent.get(place).map_or(0, |(_, moment)| *moment),
            _ => moment,
        }
    }
}

/// Writes beats.
struct Heart<'a> {
    primary: &'a Db,
    replicas: &'a Replicas,
    beats: &'a Beats,
    connection: Option<MySqlConnection>,
    beat: u64,
    failures: u32,
    /// What the primary had answered when the first of them happened.
    answered: u64,
}

impl Heart<'_> {
    async fn run(mut self) {
        let interval = self.replicas.limits.interval();
        loop {
            let next = Instant::now() + interval;
            self.beat(interval).await;
            // The second look at one who does not answer comes at once.
            if self.failures != 1 {
                tokio::time::sleep_until(next.into()).await;
            }
        }
    }

    async fn beat(&mut self, patience: Duration) {
        self.beat += 1;
        let sent = self.replicas.micros_now();
        self.beats.send(self.beat, sent);
        match self.write(patience).await {
            Ok(()) => {
                self.replicas.answered.store(sent, Relaxed);
                self.failures = 0;
                self.tell(None);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// A statement that commits by itself: an instance that is frozen in the middle of it
    /// holds no lock. A beat that was given up may still arrive, after the next.
    async fn write(&mut self, patience: Duration) -> Result<(), sqlx::Error> {
        let text = "\
INSERT INTO `heartbeat` (`instance`, `beat`, `written_at`) VALUES (?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE `beat` = GREATEST(`beat`, ?), `written_at` = UTC_TIMESTAMP(6)";
        // Rows of instances that have ended, by the primary's own clock.
        let forgotten = "DELETE FROM `heartbeat` WHERE `written_at` < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR";
        let mut connection = opened(self.connection.take(), self.primary).await?;
        within(patience, async {
            if self.beat == 1 {
                sqlx::query(forgotten).execute(&mut connection).await?;
            }
            let beat = sqlx::query(text).bind(&*self.beats.instance).bind(self.beat).bind(self.beat);
            beat.execute(&mut connection).await
        })
        .await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// The primary is away when nothing that it is asked is answered, by anybody here. One that is
    /// slow, or that refuses beats alone, is not: what it commits meanwhile counts.
    fn failed(&mut self, error: &sqlx::Error) {
        let answered = self.primary.usage().answered();
        let reason = explain(error);
        tracing::debug!(store = %self.primary.store(), reason, "a beat failed");
        if error.as_database_error().is_some() || (self.failures > 0 && self.answered != answered) {
            self.failures = 0;
            self.tell(None);
        }
        self.answered = answered;
        if error.as_database_error().is_none() {
            self.failures += 1;
        }
        if self.failures >= AWAY {
            self.tell(Some(&reason));
        }
    }

    fn tell(&self, reason: Option<&str>) {
        let store = self.primary.store();
        let was_away = self.replicas.is_away.swap(reason.is_some(), Relaxed);
        match reason {
            Some(reason) if !was_away => tracing::warn!(
                %store, reason,
                "the primary is away: replicas that had what it last committed go on answering"
            ),
            None if was_away => tracing::info!(%store, "the primary is back"),
            _ => {}
        }
    }
}

/// Looks at one replica, and tells the operator what is new of it.
struct Eye<'a> {
    store: AnyStore,
    replica: &'a Replica,
    replicas: &'a Replicas,
    beats: &'a Beats,
    connection: Option<MySqlConnection>,
    /// How it stood, when anything has been told.
    told: Option<ReplicaState>,
    /// Whether it followed when it was last looked at.
    followed: bool,
    since: Instant,
}

impl Eye<'_> {
    /// Twice a beat, so that who follows at once is seen to.
    async fn run(mut self) {
        let interval = self.replicas.limits.interval();
        loop {
            let next = Instant::now() + interval / 2;
            self.look(interval).await;
            self.tell();
            tokio::time::sleep_until(next.into()).await;
        }
    }

    async fn look(&mut self, patience: Duration) {
        let asked = self.replicas.micros_now();
        let reason = match self.read(patience).await {
            Ok(beat) => {
                self.replica.shown.store(self.beats.moment(beat), Relaxed);
                self.replica.seen.store(asked, Relaxed);
                None
            }
            // Slow for once, perhaps: what has not been seen for as long as the bound is down.
            Err(sqlx::Error::PoolTimedOut) => return,
            Err(error) => Some(explain(&error)),
        };
        self.replica.is_down.store(reason.is_some(), Relaxed);
        *self.replica.down.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    async fn read(&mut self, patience: Duration) -> Result<Option<u64>, sqlx::Error> {
        let text = "SELECT `beat` FROM `heartbeat` WHERE `instance` = ?";
        let mut connection = opened(self.connection.take(), &self.replica.db).await?;
        let shown = sqlx::query_scalar(text).bind(&*self.beats.instance).fetch_optional(&mut connection);
        let beat = within(patience, shown).await?;
        self.connection = Some(connection);
        Ok(beat)
    }

    fn tell(&mut self) {
        let now = Instant::now();
        let follows = self.replicas.following(self.replica, now) == ReplicaState::Fit;
        if follows && !self.followed {
            // It was away, and what its circuit knows is of then.
            self.replica.db.0.circuit.close(now);
        }
        self.followed = follows;
        let state = self.replicas.state(self.replica, now);
        let is_starting = self.told.is_none() && now - self.since < self.replicas.limits.lag;
        if self.told == Some(state) || (is_starting && state != ReplicaState::Fit) {
            return;
        }
        self.told = Some(state);
        let (store, replica, seconds) = (self.store, &*self.replica.name, (now - self.since).as_secs_f64());
        self.since = now;
        match state {
            ReplicaState::Fit => tracing::info!(%store, replica, seconds, "replica is fit: reads go there"),
            ReplicaState::Late => {
                let lag = self.replicas.lag(self.replica, now).as_secs_f64();
                tracing::warn!(%store, replica, lag, "replica is late: its reads go elsewhere");
            }
            ReplicaState::Down => {
                let reason = self.replica.down.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let reason = reason.or_else(|| Some(self.replica.db.resting_because()?.to_string()));
                let reason = reason.unwrap_or_else(|| "it does not answer".to_owned());
                tracing::warn!(%store, replica, reason, "replica is down: its reads go elsewhere");
            }
        }
    }
}

/// The connection, or a new one.
async fn opened(connection: Option<MySqlConnection>, db: &Db) -> Result<MySqlConnection, sqlx::Error> {
    match connection {
        Some(connection) => Ok(connection),
        None => {
            let options = db.options();
            let made = Box::pin(connect(&options, None));
            within(db.0.limits.acquire, made).await.map(super::Connection::into_mysql)
        }
    }
}

async fn within<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(patience, asked).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// How far a replica is behind its primary by the newest beats of anybody, as the primary's
/// clock dated them: for whoever looks in passing. None while nobody writes any.
///
/// # Errors
/// What the driver said, with the remedy where we know it.
pub async fn behind(
    store: impl Into<AnyStore>,
    primary: &MySqlConnectOptions,
    replica: &MySqlConnectOptions,
) -> Result<Option<Duration>, StoreError> {
    let newest = async |options| {
        let text = "\
SELECT CAST(TIMESTAMPDIFF(MICROSECOND, '2000-01-01', MAX(`written_at`)) AS SIGNED), \
COALESCE(MAX(`written_at`) > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE, 0) = 1 FROM `heartbeat`";
        let mut mysql = connect(options, None).await?.into_mysql();
        sqlx::query_as::<_, (Option<i64>, bool)>(text).fetch_one(&mut mysql).await
    };
    let store = store.into();
    let failed = |error| StoreError::connecting(store, &error);
    // The replica first: what is written in between makes it later, never earlier.
    let (there, _) = newest(replica).await.map_err(failed)?;
    let (here, is_written) = newest(primary).await.map_err(failed)?;
    let (Some(here), true) = (here, is_written) else { return Ok(None) };
    let apart = here.saturating_sub(there.unwrap_or_default());
    Ok(Some(Duration::from_micros(u64::try_from(apart).unwrap_or_default())))
}
