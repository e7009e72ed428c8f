//! The keys that one request asks of one loader in one turn, and where their
//! answer arrives.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::scope::Scope;
use crate::db::{StoreError, Tally};

/// What a batch found, shared by every group it served.
pub(super) type Answer<K, V> = Result<Arc<HashMap<K, V>>, StoreError>;

pub(super) struct Group<K, V> {
    scope: Weak<Scope>,
    tally: Arc<Tally>,
    /// The span of the request, so that a shared batch can be linked to it.
    pub(super) span: tracing::Span,
    since: Instant,
    keys: Mutex<Vec<K>>,
    answer: OnceLock<Answer<K, V>>,
    /// The answer may be seen. Set at the beginning of a turn of the request, so that
    /// all fields see it in the same turn, whatever the other threads do meanwhile.
    delivered: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl<K, V> Group<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(scope: &Arc<Scope>) -> Self {
        Self {
            scope: Arc::downgrade(scope),
            tally: Arc::clone(scope.tally()),
            span: tracing::Span::current(),
            since: Instant::now(),
            keys: Mutex::default(),
            answer: OnceLock::new(),
            delivered: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    pub(super) fn ask(&self, keys: &[K]) {
        lock(&self.keys).extend_from_slice(keys);
    }

    pub(super) fn keys(&self) -> Vec<K> {
        lock(&self.keys).clone()
    }

    pub(super) fn key_count(&self) -> usize {
        lock(&self.keys).len()
    }

    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Whether no other request is under way that could ask for the same.
    pub(super) fn is_alone(&self) -> bool {
        self.scope.upgrade().is_none_or(|scope| scope.is_alone())
    }

    /// How long its keys have waited.
    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether the request has gone away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.scope.strong_count() == 0
    }

    /// The answer for some of its keys, in their order: `None` until it has been delivered. An
    /// answer that comes in the middle of a turn is for the next: were some fields to see it and
    /// others not, they would ask for the next level in pieces.
    pub(super) fn poll(&self, keys: &[K], waker: &Waker) -> Option<Result<Vec<Option<V>>, StoreError>> {
        if !self.delivered.load(Ordering::Acquire) {
            let mut waiting = lock(&self.waiting);
            // Looked at again under the lock that `wake` takes, so that a delivery in
            // between is not missed.
            if !self.delivered.load(Ordering::Acquire) {
                // Fields that are polled side by side have one waker.
                if !waiting.last().is_some_and(|last| last.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                return None;
            }
        }
        self.answer.get().map(|answer| match answer {
            Ok(found) => Ok(keys.iter().map(|key| found.get(key).cloned()).collect()),
            Err(error) => Err(error.clone()),
        })
    }

    /// Hands the answer over. The request's own turn delivers it and wakes the fields
    /// that wait, all at once: were they woken from here, one by one, the request
    /// could run in between and ask for the next level in pieces.
    pub(super) fn complete(self: Arc<Self>, answer: Answer<K, V>) {
        if self.answer.set(answer).is_err() {
            return;
        }
        if let Some(scope) = self.scope.upgrade() {
            scope.completed(self);
        }
    }
}

/// A completed group, seen from the scope.
pub(super) trait Deliver: Send + Sync {
    /// Lets the answer be seen and wakes every field that waits for it, but for those
    /// that wait with `turn`: they are polled next anyway.
    fn wake(&self, turn: &Waker);
}

impl<K: Send + Sync, V: Send + Sync> Deliver for Group<K, V> {
    fn wake(&self, turn: &Waker) {
        let mut waiting = lock(&self.waiting);
        self.delivered.store(true, Ordering::Release);
        for waker in waiting.drain(..) {
            if !waker.will_wake(turn) {
                waker.wake();
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
