//! One request's side of batching.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;

use super::group::{Deliver, lock};
use crate::db::Tally;

/// The requests that are under way side by side.
#[derive(Clone, Debug, Default)]
pub struct Scopes(Arc<AtomicUsize>);

impl Scopes {
    /// A scope for a new request, which is under way until the scope is dropped.
    #[must_use]
    pub fn open(&self) -> Arc<Scope> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Arc::new(Scope {
            all: self.clone(),
            tally: Arc::default(),
            open: Mutex::default(),
            completed: Mutex::default(),
            waker: AtomicWaker::new(),
        })
    }
}

/// Gathers the keys of one request and counts what they cost.
pub struct Scope {
    all: Scopes,
    tally: Arc<Tally>,
    open: Mutex<Vec<OpenGroup>>,
    completed: Mutex<Vec<Arc<dyn Deliver>>>,
    waker: AtomicWaker,
}

/// A group that still takes keys in this turn.
struct OpenGroup {
    loader: usize,
    group: Arc<dyn Any + Send + Sync>,
    submit: Box<dyn FnOnce() + Send>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.all.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Scope {
    /// What the request has cost so far.
    #[must_use]
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Whether no other request is under way.
    pub(super) fn is_alone(&self) -> bool {
        self.all.0.load(Ordering::Relaxed) <= 1
    }

    /// Runs `work`, whose loads go through this scope.
    pub fn run<F: Future>(self: &Arc<Self>, work: F) -> Scoped<F> {
        Scoped { scope: Arc::clone(self), work: Box::pin(work) }
    }

    /// The group that gathers for the loader numbered `loader` in this turn,
    /// opened by `open` when it is the first key; the closure beside it submits
    /// the group when the turn ends.
    pub(super) fn group<G: Any + Send + Sync>(
        &self,
        loader: usize,
        open: impl FnOnce() -> (Arc<G>, Box<dyn FnOnce() + Send>),
    ) -> Arc<G> {
        let mut groups = lock(&self.open);
        let known = groups
            .iter()
            .find(|group| group.loader == loader)
            .and_then(|group| Arc::clone(&group.group).downcast::<G>().ok());
        known.unwrap_or_else(|| {
            let (group, submit) = open();
            groups.push(OpenGroup { loader, group: Arc::<G>::clone(&group), submit });
            group
        })
    }

    pub(super) fn completed(&self, group: Arc<dyn Deliver>) {
        lock(&self.completed).push(group);
        self.waker.wake();
    }

    /// In the turn that was begun with `turn`.
    fn deliver(&self, turn: &Waker) {
        let completed = std::mem::take(&mut *lock(&self.completed));
        for group in completed {
            group.wake(turn);
        }
    }

    fn submit(&self) {
        let open = std::mem::take(&mut *lock(&self.open));
        for group in open {
            (group.submit)();
        }
    }
}

/// A future run inside a [`Scope`]: before each of its turns the answers that
/// have come are delivered, after it the keys that it asked for are handed over.
pub struct Scoped<F> {
    scope: Arc<Scope>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Registered before looking, so that a completion in between wakes us.
        self.scope.waker.register(cx.waker());
        self.scope.deliver(cx.waker());
        let turn = self.work.as_mut().poll(cx);
        self.scope.submit();
        turn
    }
}
