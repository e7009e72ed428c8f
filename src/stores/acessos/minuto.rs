//! One minute's accesses in bounded memory: the operations that are asked most, and those
//! that were known before; the rest is counted together.

use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

use super::soma::OUTRAS;
use super::{Assinatura, Chave, DeQuem, Falha, Soma};

/// Different accesses of a minute that have a row of their own.
pub(super) const MOST_ROWS: usize = 500;

/// Those that are held until it is known which have.
const MOST_HELD: usize = 2 * MOST_ROWS;

/// Rows for what is counted together: by program and user, as long as these are few.
const MOST_TOGETHER: usize = MOST_ROWS / 5;

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
    /// Rows of what is counted together.
    together: usize,
}

impl Conta {
    fn merge(&mut self, other: &Self) {
        self.soma.merge(&other.soma);
        for (falha, times) in &other.falhas {
            self.fail(falha.clone(), *times);
        }
        for (campo, times) in &other.entradas {
            self.given(campo, *times);
        }
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

    pub(super) fn given(&mut self, campo: &Arc<str>, times: u64) {
        if let Some((_, known)) = self.entradas.iter_mut().find(|(known, _)| known == campo) {
            *known += times;
        } else if self.entradas.len() < MOST_DETAILS {
            self.entradas.push((Arc::clone(campo), times));
        }
    }
}

/// An operation, a program and a user, whatever the version.
fn whose(chave: &Chave) -> (Assinatura, Arc<str>, Arc<str>) {
    (chave.assinatura, Arc::clone(&chave.programa), Arc::clone(&chave.usuario))
}

impl Minuto {
    pub(super) fn new(inicio: i64) -> Self {
        Self { inicio, contas: HashMap::new(), rows: 0, new: 0, together: 0 }
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
        let mut placed: HashSet<(Assinatura, Arc<str>, Arc<str>)> =
            self.contas.iter().filter(|(_, conta)| conta.has_row).map(|(chave, _)| whose(chave)).collect();
        for (is_known, _, chave) in without {
            let has_room = self.rows < MOST_ROWS - MOST_TOGETHER
                && (is_known || self.new < MOST_NEW && known.has_room());
            if has_room {
                self.rows += 1;
                self.new += usize::from(!is_known);
                if let Some(conta) = self.contas.get_mut(&chave) {
                    conta.has_row = true;
                }
                placed.insert(whose(&chave));
            } else if let Some(conta) = self.contas.remove(&chave) {
                let has_version = placed.contains(&whose(&chave));
                self.add_together(&chave, has_version, &conta);
            }
        }
    }

    /// Counts an access without a row of its own with others: those of the same operation,
    /// program and user, when another version of it has a row; else those of the same program and user; else
    /// all.
    fn add_together(&mut self, chave: &Chave, has_version: bool, conta: &Conta) {
        let by_operation = Chave { versao: OUTRAS.into(), ..chave.clone() };
        let by_program = Chave { assinatura: Assinatura::OUTRAS, versao: "".into(), ..chave.clone() };
        let row = if has_version && self.may_be_together(&by_operation) {
            by_operation
        } else if self.may_be_together(&by_program) {
            by_program
        } else {
            Chave::outras()
        };
        let together = &mut self.together;
        let new = || {
            *together += 1;
            Conta { has_row: true, ..Conta::default() }
        };
        self.contas.entry(row).or_insert_with(new).merge(conta);
    }

    fn may_be_together(&self, row: &Chave) -> bool {
        // One is left for what has no other.
        self.contas.contains_key(row) || self.together < MOST_TOGETHER - 1
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
        // The flood was one program's and one user's, and is told as theirs.
        let flood = Chave { assinatura: Assinatura::OUTRAS, versao: "".into(), ..chave(0) };
        assert!(minuto.contas[&flood].soma.chamadas > 98_000);
        assert!(!minuto.contas.contains_key(&Chave::outras()));
    }

    #[test]
    fn a_program_of_many_versions_keeps_its_operation_and_its_user() {
        let known = Conhecidas::default();
        let mut minuto = Minuto::new(0);
        for version in 0..2_000 {
            let versao = version.to_string();
            let Chave { assinatura, programa, usuario, .. } = &chave(1);
            let quem = DeQuem { assinatura: *assinatura, programa, versao: &versao, usuario };
            minuto.conta(&quem, &known).soma.chamadas += 1;
        }
        minuto.put_together(&known);
        let of_one = minuto.contas().filter(|(other, _)| other.assinatura == chave(1).assinatura);
        assert_eq!(of_one.map(|(_, conta)| conta.soma.chamadas).sum::<u64>(), 2_000);
        assert!(minuto.len() <= MOST_ROWS, "{}", minuto.len());
    }

    #[test]
    fn many_programs_at_once_are_bounded_too() {
        let known = Conhecidas::default();
        let mut minuto = Minuto::new(0);
        for number in 0..5_000 {
            let programa = format!("programa {number}");
            let assinatura = chave(number).assinatura;
            let quem = DeQuem { assinatura, programa: &programa, versao: "1", usuario: "ana" };
            minuto.conta(&quem, &known).soma.chamadas += 1;
        }
        minuto.put_together(&known);
        assert!(minuto.len() <= MOST_ROWS, "{}", minuto.len());
        assert_eq!(minuto.chamadas(), 5_000);
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
