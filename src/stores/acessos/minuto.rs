//! One minute's accesses in bounded memory: the operations that are asked most, and those
//! that were known before; the rest is counted together.

use hashbrown::HashMap;
use std::sync::Arc;

use super::soma::OUTRAS;
use super::{Assinatura, Chave, DeQuem, Falha, Soma};

/// Different accesses of a minute that have a row of their own.
pub(super) const MOST_ROWS: usize = 500;

/// Those that are held until it is known which have.
const MOST_HELD: usize = 2 * MOST_ROWS;

/// Rows for operations that were never seen before: a flood of new ones leaves room for
/// those that are known.
const MOST_NEW: usize = MOST_ROWS / 2;

/// Different errors, and different inputs, of one access.
const MOST_DETAILS: usize = 64;

/// Operations that are known by their signatures. When there are too many, no more are added,
/// and what is new is counted together.
const MOST_KNOWN: usize = 20_000;

/// Operations that the store has, and what it knows of when each was last seen, in seconds
/// since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct Conhecidas(HashMap<Assinatura, i64>);

impl Conhecidas {
    pub(super) fn add(&mut self, id: Assinatura, ultimo: i64) {
        if self.has_room() || self.0.contains_key(&id) {
            self.0.insert(id, ultimo);
        }
    }

    pub(super) fn seen(&self, id: &Assinatura) -> Option<i64> {
        self.0.get(id).copied()
    }

    fn has_room(&self) -> bool {
        self.0.len() < MOST_KNOWN
    }
}

/// What one access took in this minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Conta {
    pub soma: Soma,
    pub falhas: Vec<(Falha, u64)>,
    pub entradas: Vec<(Arc<str>, u64)>,
    /// Whether it has a row, which it keeps.
    has_row: bool,
    /// Whether its row is behind.
    changed: bool,
}

/// A minute.
#[derive(Clone, Debug)]
pub(super) struct Minuto {
    /// Seconds since 1970.
    pub inicio: i64,
    contas: HashMap<Chave, Conta>,
    rows: usize,
    /// Rows of operations that were not known.
    new: usize,
}

impl Conta {
    fn merge(&mut self, other: &Self) {
        self.soma.merge(&other.soma);
        for (falha, times) in &other.falhas {
            self.fail(falha.clone(), *times);
        }
        // What is counted together has no inputs: nobody could tell whose.
        self.changed = true;
    }

    pub(super) fn fail(&mut self, falha: Falha, times: u64) {
        if let Some((_, known)) = self.falhas.iter_mut().find(|(known, _)| *known == falha) {
            *known += times;
        } else if self.falhas.len() < MOST_DETAILS {
            self.falhas.push((falha, times));
        } else {
            let rest = Falha { caminho: OUTRAS.into(), store: "".into(), ..falha };
            match self
                .falhas
                .iter_mut()
                .find(|(known, _)| known.codigo == rest.codigo && known.caminho == rest.caminho)
            {
                Some((_, known)) => *known += times,
                // Codes come from a fixed list: these are few.
                None => self.falhas.push((rest, times)),
            }
        }
    }

    pub(super) fn given(&mut self, campo: &Arc<str>) {
        if let Some((_, known)) = self.entradas.iter_mut().find(|(known, _)| known == campo) {
            *known += 1;
        } else if self.entradas.len() < MOST_DETAILS {
            self.entradas.push((Arc::clone(campo), 1));
        }
    }
}

impl Minuto {
    pub(super) fn new(inicio: i64) -> Self {
        Self { inicio, contas: HashMap::new(), rows: 0, new: 0 }
    }

    /// How many accesses it holds apart.
    pub(super) fn len(&self) -> usize {
        self.contas.len()
    }

    /// How often anything was asked.
    pub(super) fn chamadas(&self) -> u64 {
        self.contas.values().map(|conta| conta.soma.chamadas).sum()
    }

    /// What an access took so far, to be added to.
    pub(super) fn conta(&mut self, quem: &DeQuem<'_>, known: &Conhecidas) -> &mut Conta {
        if self.contas.len() >= MOST_HELD && !self.contas.contains_key(quem) {
            self.put_together(known);
        }
        let conta = self.contas.entry_ref(quem).or_default();
        conta.changed = true;
        conta
    }

    /// Gives rows to those that are known and asked most, as far as there are any left, and
    /// puts the rest together.
    pub(super) fn put_together(&mut self, known: &Conhecidas) {
        let mut without: Vec<(bool, u64, Chave)> = self
            .contas
            .iter()
            .filter(|(_, conta)| !conta.has_row)
            .map(|(chave, conta)| {
                (known.seen(&chave.assinatura).is_some(), conta.soma.chamadas, chave.clone())
            })
            .collect();
        without.sort_by(|one, other| other.cmp(one));
        let outras = Chave::outras();
        for (is_known, _, chave) in without {
            // One row is left for the rest.
            let has_room = self.rows < MOST_ROWS - 1 && (is_known || self.new < MOST_NEW && known.has_room());
            if has_room || chave == outras {
                self.rows += 1;
                self.new += usize::from(!is_known);
                if let Some(conta) = self.contas.get_mut(&chave) {
                    conta.has_row = true;
                }
            } else if let Some(conta) = self.contas.remove(&chave) {
                self.contas
                    .entry(outras.clone())
                    .or_insert_with(|| Conta { has_row: true, ..Conta::default() })
                    .merge(&conta);
            }
        }
    }

    /// What has changed since it was last written.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Chave, &Conta)> {
        self.contas.iter().filter(|(_, conta)| conta.changed && conta.has_row)
    }

    /// All of it.
    pub(super) fn contas(&self) -> impl Iterator<Item = (&Chave, &Conta)> {
        self.contas.iter()
    }

    /// `written`, a copy of this minute, stands in the store.
    pub(super) fn has_written(&mut self, written: &Self) {
        for (chave, conta) in &written.contas {
            if let Some(own) = self.contas.get_mut(chave)
                && own.soma == conta.soma
            {
                own.changed = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chave(number: u32) -> Chave {
        Chave {
            assinatura: Assinatura::of(&number.to_string()),
            programa: "site".into(),
            versao: "1".into(),
            usuario: "ana".into(),
        }
    }

    fn ask(minuto: &mut Minuto, number: u32, known: &Conhecidas) {
        let Chave { assinatura, programa, versao, usuario } = &chave(number);
        let quem = DeQuem { assinatura: *assinatura, programa, versao, usuario };
        minuto.conta(&quem, known).soma.chamadas += 1;
    }

    #[test]
    fn whoever_floods_a_minute_does_not_push_out_what_is_known() {
        let mut known = Conhecidas::default();
        (0..100).for_each(|number| known.add(chave(number).assinatura, 0));
        let mut minuto = Minuto::new(0);
        for number in 1_000..100_000 {
            ask(&mut minuto, number, &known);
        }
        for number in 0..100 {
            ask(&mut minuto, number, &known);
        }
        minuto.put_together(&known);
        assert!(minuto.len() <= MOST_ROWS, "{}", minuto.len());
        assert_eq!(minuto.chamadas(), 99_100);
        let mine = (0..100).filter(|number| minuto.contas.contains_key(&chave(*number))).count();
        assert_eq!(mine, 100);
        assert!(minuto.contas[&Chave::outras()].soma.chamadas > 98_000);
    }

    #[test]
    fn what_was_written_is_written_once_more_when_it_has_changed() {
        let known = Conhecidas::default();
        let mut minuto = Minuto::new(0);
        ask(&mut minuto, 1, &known);
        ask(&mut minuto, 2, &known);
        minuto.put_together(&known);
        let copy = minuto.clone();
        assert_eq!(copy.changed().count(), 2);
        ask(&mut minuto, 1, &known);
        minuto.has_written(&copy);
        assert_eq!(minuto.changed().map(|(chave, _)| chave.clone()).collect::<Vec<_>>(), [chave(1)]);
        let copy = minuto.clone();
        minuto.has_written(&copy);
        assert_eq!(minuto.changed().count(), 0);
    }
}
