//! A store's side of batching: when a loader is called, with which keys.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use foldhash::{HashSet, HashSetExt as _};
use tracing::Instrument as _;

use super::group::{Answer, Group, lock};
use super::lanes::{HEAVY, Lane, MOST_ROWS, Weights};
use super::loader::{Batch, Key};
use super::scope::Scope;
use crate::db::{Fault, StoreError};

/// How often a batch lets everything else that can run go first: once, and what
/// has just arrived is read; twice, and what that has woken has asked, too.
const LETS_PASS: usize = 2;

/// Each with the rows that are known to stand behind its keys.
type Waiting<K, V> = VecDeque<(Arc<Group<K, V>>, u64)>;

/// Batches of one kind, shared by all requests.
pub struct Scheduler<L: Batch<K>, K: Key>(Arc<Inner<L, K>>);

struct Inner<L: Batch<K>, K: Key> {
    loader: L,
    weights: Weights<K>,
    /// Of each lane, in the order of [`Lane::ALL`].
    states: [Mutex<State<K, L::Value>>; Lane::ALL.len()],
}

struct State<K, V> {
    waiting: Waiting<K, V>,
    /// With the one that is gathering.
    in_flight: usize,
    /// A batch is about to take what waits.
    gathering: bool,
}

impl<K, V> Default for State<K, V> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), in_flight: 0, gathering: false }
    }
}

impl<L: Batch<K>, K: Key> Inner<L, K> {
    fn state(&self, lane: Lane) -> MutexGuard<'_, State<K, L::Value>> {
        lock(&self.states[lane as usize])
    }
}

impl<L: Batch<K>, K: Key> Clone for Scheduler<L, K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Batch<K>, K: Key> Scheduler<L, K> {
    /// A scheduler that finds keys by `loader`.
    pub fn new(loader: L) -> Self {
        Self(Arc::new(Inner { loader, weights: Weights::new(), states: Default::default() }))
    }

    /// Asks for one key; together with every other key that the request asks
    /// for in this turn, and with what other requests wait for. `None` when
    /// there is no such row. Must be awaited inside [`Scope::run`].
    ///
    /// # Errors
    /// As [`load_all`](Self::load_all).
    pub fn load(
        &self,
        scope: &Arc<Scope>,
        key: K,
    ) -> impl Future<Output = Result<Option<L::Value>, StoreError>> + Send + use<L, K> {
        let loading = self.load_all(scope, vec![key]);
        async move { Ok(loading.await?.pop().flatten()) }
    }

    /// Likewise for many keys: what was found of each, in their order.
    ///
    /// # Errors
    /// The [`StoreError`] of the batch, or of this request's part of it when the
    /// batch had to be taken apart.
    pub fn load_all(
        &self,
        scope: &Arc<Scope>,
        keys: Vec<K>,
    ) -> impl Future<Output = Result<Vec<Option<L::Value>>, StoreError>> + Send + use<L, K> {
        let group = (!keys.is_empty()).then(|| self.group(scope, &keys));
        poll_fn(move |cx| match &group {
            Some(group) => group.poll(&keys, cx.waker()).map_or(Poll::Pending, Poll::Ready),
            None => Poll::Ready(Ok(Vec::new())),
        })
    }

    /// The group in which these keys go.
    fn group(&self, scope: &Arc<Scope>, keys: &[K]) -> Arc<Group<K, L::Value>> {
        let group = scope.group(Arc::as_ptr(&self.0).addr(), || {
            let group = Arc::new(Group::new(scope));
            let (scheduler, submitted) = (self.clone(), Arc::clone(&group));
            (group, Box::new(move || scheduler.submit(submitted)))
        });
        group.ask(keys);
        group
    }

    fn submit(&self, group: Arc<Group<K, L::Value>>) {
        let rows = self.0.weights.of(&group);
        let lane = if rows > HEAVY { Lane::Heavy } else { Lane::Light };
        self.0.state(lane).waiting.push_back((group, rows));
        self.pump(lane);
    }

    /// Starts a batch for what waits, when one may start.
    fn pump(&self, lane: Lane) {
        {
            let mut state = self.0.state(lane);
            if state.waiting.is_empty() || state.gathering || state.in_flight >= lane.in_flight() {
                return;
            }
            state.in_flight += 1;
            state.gathering = true;
        }
        let scheduler = self.clone();
        // A task of its own: a request that goes away must not take the answers
        // of others with it.
        tokio::spawn(async move {
            scheduler.let_others_ask(lane).await;
            scheduler.take_off(lane).run().await;
        });
    }

    /// With others under way it pays to wait for what they are about to ask: a
    /// larger batch costs all of them less than their own would.
    async fn let_others_ask(&self, lane: Lane) {
        for _ in 0..LETS_PASS {
            if self.0.state(lane).waiting.front().is_none_or(|(group, _)| group.is_alone()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The batch of what waits by now.
    fn take_off(&self, lane: Lane) -> Flight<L, K> {
        let patience = self.0.loader.patience();
        let (groups, late) = {
            let mut state = self.0.state(lane);
            state.gathering = false;
            // The first have waited longest.
            let late = state.waiting.iter().take_while(|(group, _)| group.waited() > patience).count();
            let late: Vec<_> = state.waiting.drain(..late).collect();
            (take(&mut state.waiting, L::MOST), late)
        };
        for (group, _) in late {
            let told = format!("no batch of {} took it within {patience:?}", L::NAME);
            group.complete(Err(StoreError::new(self.0.loader.store(), Fault::Busy, told)));
        }
        let flight = Flight { scheduler: self.clone(), lane, groups };
        // For those that did not fit.
        self.pump(lane);
        flight
    }
}

/// The groups that go together: as many as fit, at least one if anybody waits.
fn take<K, V>(waiting: &mut Waiting<K, V>, most: usize) -> Vec<Arc<Group<K, V>>>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let mut groups: Vec<Arc<Group<K, V>>> = Vec::new();
    let (mut keys, mut rows) = (0, 0);
    while let Some((next, rows_behind)) = waiting.front() {
        if next.is_abandoned() {
            waiting.pop_front();
            continue;
        }
        keys += next.key_count();
        rows += rows_behind;
        if !groups.is_empty() && (keys > most || rows > MOST_ROWS) {
            break;
        }
        groups.extend(waiting.pop_front().map(|(group, _)| group));
    }
    groups
}

/// A batch under way. However it ends, also by a panic, its groups are answered
/// and the next batch is started.
struct Flight<L: Batch<K>, K: Key> {
    scheduler: Scheduler<L, K>,
    lane: Lane,
    groups: Vec<Arc<Group<K, L::Value>>>,
}

impl<L: Batch<K>, K: Key> Flight<L, K> {
    async fn run(self) {
        if self.groups.is_empty() {
            return;
        }
        let span = self.span();
        self.answer().instrument(span).await;
    }

    /// Answers every group. A batch that fails for a reason that may lie in one
    /// request's keys is asked again in halves, so that one request's trouble is not
    /// another's: a single bad one among n costs about 2 log n calls. Whoever has gone
    /// away meanwhile is left out, and when nobody waits any more nothing is asked.
    async fn answer(&self) {
        let mut parts = vec![self.groups.clone()];
        while let Some(mut part) = parts.pop() {
            part.retain(|group| !group.is_abandoned());
            if part.is_empty() {
                continue;
            }
            match load(&self.scheduler.0.loader, &part).await {
                Err(error) if worth_taking_apart(&error) && part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                answer => {
                    let weights = &self.scheduler.0.weights;
                    match (&answer, &part[..]) {
                        (Ok(found), _) => weights.note::<L>(found),
                        (Err(error), [alone]) if error.fault == Fault::Slow => weights.note_slow::<L>(alone),
                        (Err(_), _) => {}
                    }
                    for group in part {
                        group.complete(answer.clone());
                    }
                }
            }
        }
    }

    /// Below the first request that it serves, and linked to the others.
    fn span(&self) -> tracing::Span {
        let first = self.groups.first().and_then(|group| group.span.id());
        let span =
            tracing::debug_span!(parent: first, "batch", loader = L::NAME, requests = self.groups.len());
        for group in self.groups.iter().skip(1) {
            span.follows_from(&group.span);
        }
        span
    }
}

/// A store that cannot be reached or does not answer fails everybody alike; a
/// statement that took the server too long or was refused may be the fault of one
/// group's keys, and a row that cannot be read is only the business of those who want what is
/// spoilt in it.
fn worth_taking_apart(error: &StoreError) -> bool {
    matches!(error.fault, Fault::Slow | Fault::Internal | Fault::Unreadable)
}

impl<L: Batch<K>, K: Key> Drop for Flight<L, K> {
    fn drop(&mut self) {
        for group in self.groups.drain(..) {
            // Does nothing when the group has been answered.
            group.complete(Err(StoreError::new(
                self.scheduler.0.loader.store(),
                Fault::Internal,
                "a batch ended without an answer",
            )));
        }
        self.scheduler.0.state(self.lane).in_flight -= 1;
        self.scheduler.pump(self.lane);
    }
}

async fn load<L: Batch<K>, K: Key>(loader: &L, groups: &[Arc<Group<K, L::Value>>]) -> Answer<K, L::Value> {
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for group in groups {
        keys.extend(group.keys().into_iter().filter(|key| seen.insert(*key)));
    }
    let loader = loader.serving(groups.iter().map(|group| Arc::clone(group.tally())).collect());
    let mut chunks = keys.chunks(L::MOST);
    let Some(first) = chunks.next() else {
        return Ok(Arc::default());
    };
    let mut found = loader.load(first).await?;
    for chunk in chunks {
        found.extend(loader.load(chunk).await?);
    }
    Ok(Arc::new(found))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use std::collections::HashMap;

    use async_graphql::dataloader::Loader;
    use tokio::sync::Semaphore;

    use super::super::Scopes;
    use super::super::loader::Source;
    use super::*;
    use std::time::Duration;

    use crate::db::{AnyStore, Store, Tally};

    /// Finds even numbers; counts calls; waits for a permit when told to.
    #[derive(Clone)]
    struct Evens {
        calls: Arc<Mutex<Vec<Vec<u32>>>>,
        gate: Arc<Semaphore>,
        poison: Arc<Mutex<Vec<u32>>>,
        panics: Arc<AtomicBool>,
        hasty: Arc<AtomicBool>,
    }

    impl Source for Evens {
        fn store(&self) -> AnyStore {
            Store::Clientes.into()
        }

        fn patience(&self) -> Duration {
            match self.hasty.load(Ordering::SeqCst) {
                true => Duration::ZERO,
                false => Duration::MAX,
            }
        }

        fn serving(&self, _: Vec<Arc<Tally>>) -> Self {
            self.clone()
        }
    }

    impl Batch<u32> for Evens {
        const NAME: &'static str = "test.evens";
        const MOST: usize = 8;

        /// Of keys beyond all others of these tests.
        const ROWS_BEHIND: Option<fn(&u32) -> u64> =
            Some(|value| if *value > 10_000 { u64::from(*value) } else { 0 });
    }

    impl Loader<u32> for Evens {
        type Value = u32;
        type Error = StoreError;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, StoreError> {
            lock(&self.calls).push(keys.to_vec());
            self.gate.acquire().await.expect("open").forget();
            if self.gate.available_permits() > 1_000 {
                // Not at once, so that other requests come in between.
                tokio::task::yield_now().await;
            }
            assert!(!self.panics.load(Ordering::SeqCst), "as told");
            if lock(&self.poison).iter().any(|slow| keys.contains(slow)) {
                return Err(StoreError::new(Store::Clientes, Fault::Slow, "slow key"));
            }
            Ok(keys.iter().filter(|key| *key % 2 == 0).map(|key| (*key, key * 10)).collect())
        }
    }

    struct Rig {
        loader: Scheduler<Evens, u32>,
        calls: Arc<Mutex<Vec<Vec<u32>>>>,
        gate: Arc<Semaphore>,
        poison: Arc<Mutex<Vec<u32>>>,
        panics: Arc<AtomicBool>,
        hasty: Arc<AtomicBool>,
    }

    fn rig(permits: usize) -> Rig {
        let calls = Arc::<Mutex<Vec<Vec<u32>>>>::default();
        let gate = Arc::new(Semaphore::new(permits));
        let poison = Arc::<Mutex<Vec<u32>>>::default();
        let panics = Arc::new(AtomicBool::new(false));
        let hasty = Arc::new(AtomicBool::new(false));
        let batch = Evens {
            calls: Arc::clone(&calls),
            gate: Arc::clone(&gate),
            poison: Arc::clone(&poison),
            panics: Arc::clone(&panics),
            hasty: Arc::clone(&hasty),
        };
        Rig { loader: Scheduler::new(batch), calls, gate, poison, panics, hasty }
    }

    /// A request that is alone.
    async fn ask(loader: &Scheduler<Evens, u32>, keys: &[u32]) -> Vec<Result<Option<u32>, Fault>> {
        ask_among(&Scopes::default(), loader, keys).await
    }

    async fn ask_among(
        requests: &Scopes,
        loader: &Scheduler<Evens, u32>,
        keys: &[u32],
    ) -> Vec<Result<Option<u32>, Fault>> {
        let scope = requests.open();
        let loads = keys.iter().map(|key| {
            let (loader, scope) = (loader.clone(), Arc::clone(&scope));
            async move { loader.load(&scope, *key).await.map_err(|error| error.fault) }
        });
        scope.run(futures_util::future::join_all(loads)).await
    }

    /// Behind a store that is slow, keys wait for so long and no longer.
    #[tokio::test]
    async fn what_has_waited_too_long_is_not_asked_any_more() {
        let rig = rig(0);
        let ask_for = |key: u32| {
            let loader = rig.loader.clone();
            tokio::spawn(async move { ask(&loader, &[key]).await })
        };
        let calls = async |count: usize| {
            while lock(&rig.calls).len() < count {
                tokio::task::yield_now().await;
            }
        };
        let first = ask_for(2);
        calls(1).await;
        let second = ask_for(4);
        calls(2).await;
        let late = ask_for(6);
        tokio::task::yield_now().await;
        rig.hasty.store(true, Ordering::SeqCst);
        rig.gate.add_permits(10);
        assert_eq!(first.await.expect("ran"), [Ok(Some(20))]);
        assert_eq!(second.await.expect("ran"), [Ok(Some(40))]);
        assert_eq!(late.await.expect("ran"), [Err(Fault::Busy)]);
        rig.hasty.store(false, Ordering::SeqCst);
        let fresh = ask_for(8);
        assert_eq!(fresh.await.expect("ran"), [Ok(Some(80))]);
        assert_eq!(*lock(&rig.calls), [vec![2], vec![4], vec![8]]);
    }

    /// Whoever asks for little does not wait for those who ask for much, and these wait for each
    /// other.
    #[tokio::test]
    async fn heavy_keys_have_a_lane_of_their_own() {
        let rig = rig(0);
        let ask_for = |keys: &[u32]| {
            let (loader, keys) = (rig.loader.clone(), keys.to_vec());
            tokio::spawn(async move { ask(&loader, &keys).await })
        };
        let calls = async |count: usize| {
            while lock(&rig.calls).len() < count {
                tokio::task::yield_now().await;
            }
        };
        // Nothing is known of any: the first have the lane that all have.
        let one = ask_for(&[2_002]);
        calls(1).await;
        let other = ask_for(&[1_800, 1_802]);
        calls(2).await;
        rig.gate.add_permits(2);
        one.await.expect("ran");
        other.await.expect("ran");
        // One key is heavy by itself, of two each is half as heavy, and together they are too.
        let heavy = ask_for(&[2_002]);
        calls(3).await;
        let heavier = ask_for(&[1_800, 4, 1_802]);
        let halves = [ask_for(&[1_800]), ask_for(&[6])];
        let light = || lock(&rig.calls)[3..].concat();
        while light().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(light(), [1_800, 6], "the heavy one waits for the other that is heavy");
        rig.gate.add_permits(100);
        assert_eq!(heavy.await.expect("ran"), [Ok(Some(20_020))]);
        assert_eq!(heavier.await.expect("ran"), [Ok(Some(18_000)), Ok(Some(40)), Ok(Some(18_020))]);
        for (half, value) in halves.into_iter().zip([18_000, 60]) {
            assert_eq!(half.await.expect("ran"), [Ok(Some(value))]);
        }
        assert_eq!(lock(&rig.calls).last(), Some(&vec![1_800, 4, 1_802]), "after the other that is heavy");
    }

    /// Together they would be one long statement, behind which even these wait.
    #[tokio::test]
    async fn heavy_keys_do_not_all_go_together() {
        let rig = rig(0);
        let ask_for = |key: u32| {
            let loader = rig.loader.clone();
            tokio::spawn(async move { ask(&loader, &[key]).await })
        };
        let calls = async |count: usize| {
            while lock(&rig.calls).len() < count {
                tokio::task::yield_now().await;
            }
        };
        let keys = [4_002, 4_004, 4_006, 4_008];
        for (number, key) in keys.into_iter().enumerate() {
            let asked = ask_for(key);
            calls(number + 1).await;
            rig.gate.add_permits(1);
            asked.await.expect("ran");
        }
        let [first, rest @ ..] = keys;
        let mut asked = vec![ask_for(first)];
        calls(5).await;
        asked.extend(rest.map(ask_for));
        while rig.loader.0.state(Lane::Heavy).waiting.len() < rest.len() {
            tokio::task::yield_now().await;
        }
        rig.gate.add_permits(100);
        for asked in asked {
            asked.await.expect("ran");
        }
        assert_eq!(lock(&rig.calls)[4..], [vec![4_002], vec![4_004, 4_006], vec![4_008]]);
    }

    /// What was never answered is not asked for among the others again, until it was.
    #[tokio::test]
    async fn what_is_not_answered_in_time_is_heavy() {
        let rig = rig(100);
        lock(&rig.poison).push(8);
        assert_eq!(ask(&rig.loader, &[8]).await, [Err(Fault::Slow)]);
        let lane_of = |key: u32| {
            let group = Group::<u32, u32>::new(&Scopes::default().open());
            group.ask(&[key]);
            rig.loader.0.weights.of(&group) > HEAVY
        };
        assert_eq!([8, 6].map(lane_of), [true, false]);
        lock(&rig.poison).clear();
        assert_eq!(ask(&rig.loader, &[8]).await, [Ok(Some(80))]);
        assert!(!lane_of(8), "an answer of few rows sets it right");
    }

    #[tokio::test]
    async fn one_turn_is_one_call_and_absent_keys_are_none() {
        let rig = rig(100);
        let answers = ask(&rig.loader, &[4, 3, 4, 2]).await;
        assert_eq!(answers, [Ok(Some(40)), Ok(None), Ok(Some(40)), Ok(Some(20))]);
        assert_eq!(*lock(&rig.calls), [vec![4, 3, 2]]);
    }

    #[tokio::test]
    async fn more_keys_than_fit_are_split() {
        let rig = rig(100);
        let keys: Vec<u32> = (0..20).collect();
        assert_eq!(ask(&rig.loader, &keys).await.len(), 20);
        let sizes: Vec<usize> = lock(&rig.calls).iter().map(Vec::len).collect();
        assert_eq!(sizes, [8, 8, 4]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_next_level_of_many_parents_is_one_call_on_many_threads() {
        let rig = rig(100_000);
        for _ in 0..200 {
            lock(&rig.calls).clear();
            let scope = Scopes::default().open();
            let walk = (0..8).map(|parent| {
                let (loader, scope) = (rig.loader.clone(), Arc::clone(&scope));
                async move {
                    let child = loader.load(&scope, parent * 2).await.expect("found");
                    loader.load(&scope, child.expect("even") + 2).await.expect("found")
                }
            });
            scope.run(futures_util::future::join_all(walk)).await;
            assert_eq!(lock(&rig.calls).len(), 2);
        }
    }

    /// The second of three fields keeps its thread, in its second turn, until the
    /// batch that the others wait for has ended on another.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_that_comes_in_the_middle_of_a_turn_is_for_the_next() {
        let (parents, children) = (rig(0), rig(100));
        let scope = Scopes::default().open();
        let field = async |key| {
            let parent = parents.loader.load(&scope, key).await.expect("loaded").expect("even");
            children.loader.load(&scope, parent).await.expect("loaded")
        };
        let mut turn = 0;
        let between = poll_fn(|cx| {
            turn += 1;
            if turn == 1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            parents.gate.add_permits(1);
            while parents.loader.0.state(Lane::Light).in_flight > 0 {
                std::thread::yield_now();
            }
            Poll::Ready(())
        });
        let walk = async { futures_util::join!(field(2), between, field(4)) };
        assert_eq!(scope.run(walk).await, (Some(200), (), Some(400)));
        assert_eq!(*lock(&children.calls), [vec![20, 40]], "one level, one call");
    }

    /// Batches end on another thread in the middle of a turn: were one of these
    /// missed, this would never end.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_requests_side_by_side_are_all_answered() {
        let rig = rig(1_000_000);
        let all = Scopes::default();
        let requests = (0..16_u32).map(|request| {
            let (loader, all) = (rig.loader.clone(), all.clone());
            tokio::spawn(async move {
                for turn in 0..200 {
                    let keys = [request * 2, request * 2 + 1, turn * 2];
                    let answers = ask_among(&all, &loader, &keys).await;
                    assert_eq!(answers, [Ok(Some(keys[0] * 10)), Ok(None), Ok(Some(turn * 20))]);
                }
            })
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.expect("answered");
        }
        assert!(lock(&rig.calls).len() < 16 * 200, "some were merged");
        assert_eq!(rig.loader.0.state(Lane::Light).in_flight, 0);
        assert!(all.open().is_alone(), "nobody else is counted any more");
    }

    /// The sizes of the batches when one of two requests asks a little later.
    async fn sizes_when_one_is_late(first: Scopes, second: Scopes) -> Vec<usize> {
        let rig = rig(100);
        let late = async {
            let scope = second.open();
            tokio::task::yield_now().await;
            drop(scope);
            ask_among(&second, &rig.loader, &[4]).await
        };
        futures_util::join!(ask_among(&first, &rig.loader, &[2]), late);
        lock(&rig.calls).iter().map(Vec::len).collect()
    }

    #[tokio::test]
    async fn a_batch_waits_for_what_others_are_about_to_ask_and_not_when_there_are_none() {
        let requests = Scopes::default();
        assert_eq!(sizes_when_one_is_late(requests.clone(), requests).await, [2]);
        assert_eq!(sizes_when_one_is_late(Scopes::default(), Scopes::default()).await, [1, 1]);
    }

    /// Starts a request for each of `keys`, one after the other, and waits until
    /// `is_asked` says that it has asked.
    async fn ask_in_order(
        rig: &Rig,
        keys: &[u32],
        is_asked: impl Fn(&Rig, usize) -> bool,
    ) -> Vec<tokio::task::JoinHandle<Vec<Result<Option<u32>, Fault>>>> {
        let mut requests = Vec::new();
        for (number, key) in (1..).zip(keys.iter().copied()) {
            let loader = rig.loader.clone();
            requests.push(tokio::spawn(async move { ask(&loader, &[key]).await }));
            while !is_asked(rig, number) {
                tokio::task::yield_now().await;
            }
        }
        requests
    }

    /// The first two fly, the others wait.
    fn two_fly(rig: &Rig, asked: usize) -> bool {
        lock(&rig.calls).len() == asked.min(2)
            && rig.loader.0.state(Lane::Light).waiting.len() == asked.saturating_sub(2)
    }

    #[tokio::test]
    async fn requests_that_wait_are_merged() {
        let rig = rig(0);
        let requests = ask_in_order(&rig, &[0, 2, 4, 6, 8, 10], two_fly).await;
        rig.gate.add_permits(100);
        for request in requests {
            assert!(matches!(request.await.expect("ran")[..], [Ok(Some(_))]));
        }
        let sizes: Vec<usize> = lock(&rig.calls).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 4], "two in flight, the other four together");
    }

    #[tokio::test]
    async fn a_failed_batch_is_taken_apart() {
        let rig = rig(0);
        lock(&rig.poison).push(6);
        let requests = ask_in_order(&rig, &[0, 2, 4, 6], two_fly).await;
        rig.gate.add_permits(100);
        let mut answers = Vec::new();
        for request in requests {
            answers.extend(request.await.expect("ran"));
        }
        assert_eq!(answers, [Ok(Some(0)), Ok(Some(20)), Ok(Some(40)), Err(Fault::Slow)]);
    }

    /// Starts eight requests, of which the last six share a batch that fails whenever
    /// it holds one of `slow`.
    async fn eight_with_slow(
        rig: &Rig,
        slow: &[u32],
    ) -> Vec<tokio::task::JoinHandle<Vec<Result<Option<u32>, Fault>>>> {
        lock(&rig.poison).extend_from_slice(slow);
        let requests = ask_in_order(rig, &[0, 2, 4, 6, 8, 10, 12, 14], two_fly).await;
        // The two that fly, and the batch of the others.
        rig.gate.add_permits(3);
        while lock(&rig.calls).len() < 4 {
            tokio::task::yield_now().await;
        }
        requests
    }

    fn later_calls(rig: &Rig) -> Vec<Vec<u32>> {
        lock(&rig.calls).iter().skip(2).cloned().collect()
    }

    #[tokio::test]
    async fn a_failed_batch_is_taken_apart_in_halves() {
        let rig = rig(0);
        let requests = eight_with_slow(&rig, &[12]).await;
        rig.gate.add_permits(100);
        for (request, key) in requests.into_iter().zip([0, 2, 4, 6, 8, 10, 12, 14]) {
            let expected = if key == 12 { Err(Fault::Slow) } else { Ok(Some(key * 10)) };
            assert_eq!(request.await.expect("ran"), [expected]);
        }
        let halves = [&[4, 6, 8, 10, 12, 14][..], &[4, 6, 8], &[10, 12, 14], &[10], &[12, 14], &[12], &[14]];
        assert_eq!(later_calls(&rig), halves);
    }

    #[tokio::test]
    async fn a_failed_batch_is_not_asked_again_for_requests_that_went_away() {
        let rig = rig(0);
        let mut requests = eight_with_slow(&rig, &[4, 6, 8, 10, 12, 14]).await;
        // The first half is under way. All but one go away.
        for request in requests.drain(..7) {
            request.abort();
            let _ = request.await;
        }
        rig.gate.add_permits(100);
        assert_eq!(requests.remove(0).await.expect("ran"), [Err(Fault::Slow)]);
        assert_eq!(later_calls(&rig), [&[4, 6, 8, 10, 12, 14][..], &[4, 6, 8], &[14]]);
    }

    #[tokio::test]
    async fn a_failed_batch_is_given_up_when_nobody_waits_any_more() {
        let rig = rig(0);
        for request in eight_with_slow(&rig, &[4, 6, 8, 10, 12, 14]).await {
            request.abort();
            let _ = request.await;
        }
        rig.gate.add_permits(100);
        while rig.loader.0.state(Lane::Light).in_flight > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(later_calls(&rig), [&[4, 6, 8, 10, 12, 14][..], &[4, 6, 8]]);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_for_its_own_requests_only() {
        let rig = rig(100);
        rig.panics.store(true, Ordering::SeqCst);
        assert_eq!(ask(&rig.loader, &[2]).await, [Err(Fault::Internal)]);
        rig.panics.store(false, Ordering::SeqCst);
        assert_eq!(ask(&rig.loader, &[2]).await, [Ok(Some(20))]);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_request_that_went_away() {
        let rig = rig(0);
        for request in ask_in_order(&rig, &[2, 4, 6], two_fly).await {
            request.abort();
            assert!(request.await.is_err());
        }
        rig.gate.add_permits(100);
        assert_eq!(ask(&rig.loader, &[8]).await, [Ok(Some(80))]);
        let asked: Vec<u32> = lock(&rig.calls).concat();
        assert_eq!(asked, [2, 4, 8], "6 was still waiting when its request went away");
    }
}
