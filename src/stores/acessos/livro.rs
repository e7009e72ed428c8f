//! What is known and not written yet, in bounded memory: this minute, those before it that
//! the store does not have, new operations, slow ones. Nobody waits here: each use is a few
//! microseconds under one lock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::{HashMap, HashSet};

use super::minuto::{Conhecidas, Conta, Minuto};
use super::{Assinatura, DeQuem, Documento, Lenta};

/// Accesses of all minutes together that are held.
const MOST_ACCESSES: usize = 20_000;

/// Operations whose text is held.
const MOST_DOCUMENTS: usize = 2_000;

/// Bytes of their texts.
const MOST_TEXT: usize = 8 << 20;

/// Slow operations that wait to be looked at.
const MOST_WAITING: usize = 50;

/// Slow operations that are kept.
pub(super) const MOST_SLOW: usize = 200;

/// Minutes that are kept where there is no store.
const MINUTES_IN_MEMORY: usize = 180;

/// What is held.
#[derive(Debug)]
pub(super) struct Livro {
    state: Mutex<State>,
    has_store: bool,
}

#[derive(Debug)]
struct State {
    now: Minuto,
    /// The oldest first.
    before: VecDeque<Arc<Minuto>>,
    /// What the store does not have, or where there is none, all that is held.
    documents: HashMap<Assinatura, Visto>,
    text: usize,
    /// Operations that the store has, as far as it is known here.
    known: Conhecidas,
    slow: VecDeque<Lenta>,
    waiting: VecDeque<Lenta>,
    lost: Perda,
}

/// An operation, and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct Visto {
    pub documento: Arc<Documento>,
    /// Seconds since 1970.
    pub primeiro: i64,
    pub ultimo: i64,
    /// Whether the store has it; then it is told when it was seen, now and then.
    pub is_known: bool,
}

/// Accesses that were counted and are nowhere any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Perda {
    /// How many calls.
    pub chamadas: u64,
    /// Their first minute, in seconds since 1970.
    pub de: i64,
    /// The end of their last.
    pub ate: i64,
}

/// How old may be what the store knows of when an operation was last seen, in seconds.
pub(super) const SEEN_EVERY: i64 = 600;

/// The beginning of the minute that a second is in.
pub(super) const fn minute_of(second: i64) -> i64 {
    second - second.rem_euclid(60)
}

impl Livro {
    pub(super) fn new(has_store: bool, second: i64) -> Self {
        let state = State {
            now: Minuto::new(minute_of(second)),
            before: VecDeque::new(),
            documents: HashMap::new(),
            text: 0,
            known: Conhecidas::default(),
            slow: VecDeque::new(),
            waiting: VecDeque::new(),
            lost: Perda::default(),
        };
        Self { state: Mutex::new(state), has_store }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one access at a second.
    pub(super) fn note(
        &self,
        second: i64,
        quem: &DeQuem<'_>,
        documento: Option<&Arc<Documento>>,
        count: impl FnOnce(&mut Conta),
    ) {
        let mut state = self.lock();
        state.turn(minute_of(second), self.has_store);
        let State { now, known, .. } = &mut *state;
        count(now.conta(quem, known));
        if let Some(documento) = documento {
            state.see(documento, second);
        }
    }

    /// Begins the next minute when it is time.
    pub(super) fn turn(&self, second: i64) {
        self.lock().turn(minute_of(second), self.has_store);
    }

    /// Keeps a slow operation until somebody looks how its statements are done; the oldest
    /// goes when there are too many.
    pub(super) fn slow(&self, lenta: Lenta) {
        let mut state = self.lock();
        if state.waiting.len() >= MOST_WAITING {
            state.waiting.pop_front();
        }
        state.waiting.push_back(lenta);
    }

    /// The next slow operation that nobody has looked at.
    pub(super) fn next_slow(&self) -> Option<Lenta> {
        self.lock().waiting.pop_front()
    }

    /// Keeps a slow operation that was looked at.
    pub(super) fn keep_slow(&self, lenta: Lenta) {
        let mut state = self.lock();
        if state.slow.len() >= MOST_SLOW {
            state.slow.pop_front();
        }
        state.slow.push_back(lenta);
    }

    /// The slow operations that are held, the oldest first.
    pub(super) fn all_slow(&self) -> Vec<Lenta> {
        let state = self.lock();
        state.slow.iter().chain(&state.waiting).cloned().collect()
    }

    /// All minutes that are held, the oldest first, each with its rows given out.
    pub(super) fn minutes(&self) -> Vec<Arc<Minuto>> {
        let mut state = self.lock();
        let State { now, before, known, .. } = &mut *state;
        now.put_together(known);
        before.iter().cloned().chain([Arc::new(now.clone())]).collect()
    }

    /// The operations that are held and asked in a row of its own.
    pub(super) fn documents_in(&self, minutos: &[Arc<Minuto>]) -> Vec<Visto> {
        let asked: HashSet<Assinatura> =
            minutos.iter().flat_map(|minuto| minuto.contas()).map(|(chave, _)| chave.assinatura).collect();
        let state = self.lock();
        state.documents.values().filter(|visto| asked.contains(&visto.documento.id)).cloned().collect()
    }

    /// The operations that are held.
    pub(super) fn documents(&self) -> Vec<Visto> {
        self.lock().documents.values().cloned().collect()
    }

    /// What of `minutos` was written is not written again; minutes that are over and written
    /// are held no longer.
    pub(super) fn has_written(&self, minutos: &[Arc<Minuto>], documents: &[Visto]) {
        let mut state = self.lock();
        // What is over does not change any more; but a minute that was copied before its end
        // is not whole.
        state.before.retain(|minuto| !minutos.iter().any(|written| Arc::ptr_eq(written, minuto)));
        let inicio = state.now.inicio;
        if let Some(written) = minutos.iter().find(|written| written.inicio == inicio) {
            state.now.has_written(written);
        }
        for visto in documents {
            state.has_document(visto);
        }
    }

    /// What the store knows already.
    pub(super) fn knows(&self, known: impl IntoIterator<Item = Assinatura>) {
        let mut state = self.lock();
        for id in known {
            state.known.add(id, 0);
        }
    }

    /// What was lost since it was last asked for.
    pub(super) fn lost(&self) -> Perda {
        self.lock().lost
    }
}

impl State {
    fn turn(&mut self, minute: i64, has_store: bool) {
        // A clock that goes back counts on in the minute that has begun.
        if minute <= self.now.inicio {
            return;
        }
        self.now.put_together(&self.known);
        let done = std::mem::replace(&mut self.now, Minuto::new(minute));
        if done.len() > 0 {
            self.before.push_back(Arc::new(done));
        }
        while !has_store && self.before.len() > MINUTES_IN_MEMORY {
            self.before.pop_front();
        }
        let held = |before: &VecDeque<Arc<Minuto>>| before.iter().map(|minuto| minuto.len()).sum::<usize>();
        while held(&self.before) > MOST_ACCESSES {
            let Some(oldest) = self.before.pop_front() else { break };
            if has_store {
                self.lost.chamadas += oldest.chamadas();
                self.lost.de = if self.lost.ate == 0 { oldest.inicio } else { self.lost.de };
                self.lost.ate = oldest.inicio + 60;
            }
        }
        self.forget_documents();
    }

    /// Operations that are in none of the minutes any more.
    fn forget_documents(&mut self) {
        if self.documents.len() < MOST_DOCUMENTS / 2 && self.text < MOST_TEXT / 2 {
            return;
        }
        let of = |minuto: &Minuto| minuto.contas().map(|(chave, _)| chave.assinatura).collect::<Vec<_>>();
        let used: HashSet<Assinatura> =
            self.before.iter().map(|minuto| &**minuto).chain([&self.now]).flat_map(of).collect();
        self.documents.retain(|id, _| used.contains(id));
        self.text = self.documents.values().map(|visto| visto.documento.bytes()).sum();
    }

    fn see(&mut self, documento: &Arc<Documento>, second: i64) {
        if let Some(visto) = self.documents.get_mut(&documento.id) {
            visto.ultimo = visto.ultimo.max(second);
            return;
        }
        let is_known = match self.known.seen(&documento.id) {
            Some(told) if second < told + SEEN_EVERY => return,
            told => told.is_some(),
        };
        let bytes = documento.bytes();
        if self.documents.len() >= MOST_DOCUMENTS || self.text + bytes > MOST_TEXT {
            return;
        }
        self.text += bytes;
        let documento = Arc::clone(documento);
        self.documents.insert(documento.id, Visto { documento, primeiro: second, ultimo: second, is_known });
    }

    fn has_document(&mut self, written: &Visto) {
        let id = written.documento.id;
        self.known.add(id, written.ultimo);
        if let Some(visto) = self.documents.remove(&id) {
            self.text = self.text.saturating_sub(visto.documento.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quem(number: u32) -> DeQuem<'static> {
        let assinatura = Assinatura::of(&number.to_string());
        DeQuem { assinatura, programa: "site", versao: "1", usuario: "ana" }
    }

    /// A store that is away for so long that memory may hold no more.
    #[test]
    fn what_finds_no_room_is_counted_with_its_time_and_the_rest_is_held() {
        const MINUTES: i64 = 100;
        let livro = Livro::new(true, 0);
        for minute in 0..MINUTES {
            for number in 0..400 {
                livro.note(minute * 60, &quem(number), None, |conta| conta.soma.chamadas += 1);
            }
        }
        livro.turn(MINUTES * 60);
        let held: u64 = livro.minutes().iter().map(|minuto| minuto.chamadas()).sum();
        let lost = livro.lost();
        assert_eq!(held + lost.chamadas, 400 * 100);
        assert!(lost.chamadas > 0 && lost.de == 0 && lost.ate % 60 == 0, "{lost:?}");
        assert_eq!(livro.minutes().first().map(|minuto| minuto.inicio), Some(lost.ate));
        let rows: usize = livro.minutes().iter().map(|minuto| minuto.len()).sum();
        assert!(rows <= MOST_ACCESSES, "{rows}");
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let livro = Livro::new(true, 600);
        for second in [600, 660, 610, 0, 661, 720] {
            livro.note(second, &quem(1), None, |conta| conta.soma.chamadas += 1);
        }
        let seen: Vec<(i64, u64)> =
            livro.minutes().iter().map(|minuto| (minuto.inicio, minuto.chamadas())).collect();
        assert_eq!(seen, [(600, 1), (660, 4), (720, 1)]);
    }

    /// A minute that is written while it goes on, and ends before the store has answered.
    #[test]
    fn what_came_while_it_was_written_is_written_once_more() {
        let livro = Livro::new(true, 0);
        livro.note(0, &quem(1), None, |conta| conta.soma.chamadas += 1);
        let copies = livro.minutes();
        livro.note(1, &quem(1), None, |conta| conta.soma.chamadas += 1);
        livro.turn(60);
        livro.has_written(&copies, &[]);
        let again = livro.minutes();
        assert_eq!(again.iter().map(|minuto| minuto.chamadas()).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(again[0].changed().count(), 1);
        livro.has_written(&again, &[]);
        assert_eq!(livro.minutes().iter().map(|minuto| minuto.chamadas()).collect::<Vec<_>>(), [0]);
    }
}
