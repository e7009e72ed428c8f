//! A window of time: what is asked of it, and the rows that answer, from the tables and from
//! memory. Each table is read once a request, whatever is selected.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::table::{self, Linha, Trecho, Vezes};
use super::{Acessos, Assinatura, Chave, Documento, Falha, Instancia, Lenta, Soma};
use crate::db::{Fault, StoreError, Tally};

/// How finely time is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "PassoAcessos")]
#[repr(u8)]
pub enum Passo {
    /// Minutes.
    Minuto = 0,
    /// Hours, of UTC.
    Hora = 1,
    /// Days, of UTC.
    Dia = 2,
}

impl Passo {
    /// How long one is.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minuto => 60,
            Self::Hora => 3_600,
            Self::Dia => 86_400,
        }
    }

    /// The finest of which a window of so many seconds has not too many to look at.
    #[must_use]
    pub const fn for_window(seconds: i64) -> Self {
        match seconds {
            ..=21_600 => Self::Minuto,
            21_601..=1_209_600 => Self::Hora,
            _ => Self::Dia,
        }
    }
}

/// A window of time, in seconds since 1970: its start belongs to it, its end does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Janela {
    /// Where it begins: at the start of a step.
    pub de: i64,
    /// Where it ends.
    pub ate: i64,
    /// How it is divided.
    pub passo: Passo,
}

/// The most points that a window is divided into.
pub(super) const MOST_POINTS: i64 = 1_500;

impl Janela {
    /// From `de` to `ate`, in steps of `passo` or of what suits its length.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn new(de: i64, ate: i64, passo: Option<Passo>) -> Result<Self, String> {
        if de >= ate {
            return Err("`janela.de` must be before `janela.ate`.".to_owned());
        }
        let passo = passo.unwrap_or(Passo::for_window(ate - de));
        let janela = Self { de: de - de.rem_euclid(passo.seconds()), ate, passo };
        if janela.points() > MOST_POINTS {
            return Err(format!(
                "`janela` must have at most {MOST_POINTS} steps; choose a shorter one, or a longer `passo`."
            ));
        }
        Ok(janela)
    }

    fn points(&self) -> i64 {
        (self.ate - self.de + self.passo.seconds() - 1) / self.passo.seconds()
    }

    /// Where its steps begin.
    pub(super) fn steps(&self) -> impl Iterator<Item = i64> {
        let (de, seconds) = (self.de, self.passo.seconds());
        (0..self.points()).map(move |step| de + step * seconds)
    }

    /// What is read of minutes, hours and days, when hours are there until `horas` and days
    /// until `dias`: each second once.
    fn stretches(&self, (horas, dias): (i64, i64)) -> [Trecho; 3] {
        let dias = if self.passo == Passo::Dia { dias.clamp(self.de, self.ate) } else { self.de };
        let horas = if self.passo == Passo::Minuto { self.de } else { horas.clamp(dias, self.ate.max(dias)) };
        [
            Trecho { passo: Passo::Dia, de: self.de, ate: dias },
            Trecho { passo: Passo::Hora, de: dias, ate: horas },
            Trecho { passo: Passo::Minuto, de: horas, ate: self.ate },
        ]
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Pergunta {
    /// Of which time.
    pub janela: Janela,
    /// Of this instance alone.
    pub instancia: Option<String>,
    /// Of this program alone.
    pub programa: Option<String>,
    /// Of this version of it alone.
    pub versao: Option<String>,
    /// Not of these programs.
    pub sem_programas: Vec<String>,
    /// Of this user alone.
    pub usuario: Option<String>,
    /// Of this operation alone.
    pub assinatura: Option<Assinatura>,
}

impl Pergunta {
    /// Everything in a window.
    #[must_use]
    pub const fn all(janela: Janela) -> Self {
        Self {
            janela,
            instancia: None,
            programa: None,
            versao: None,
            sem_programas: Vec::new(),
            usuario: None,
            assinatura: None,
        }
    }

    /// Whether it is asked of all programs, users and instances.
    pub(super) fn is_by_anybody(&self) -> bool {
        self.instancia.is_none() && self.programa.is_none() && self.versao.is_none() && self.usuario.is_none()
    }

    fn takes<T>(&self, linha: &Linha<T>) -> bool {
        let is =
            |wanted: &Option<String>, there: &str| wanted.as_deref().is_none_or(|wanted| wanted == there);
        let Chave { assinatura, programa, versao, usuario } = &linha.chave;
        is(&self.instancia, &linha.instancia)
            && is(&self.programa, programa)
            && is(&self.versao, versao)
            && !self.sem_programas.iter().any(|program| program == &**programa)
            // Errors and inputs are not by user.
            && (usuario.is_empty() || is(&self.usuario, usuario))
            && self.assinatura.is_none_or(|wanted| wanted == *assinatura)
    }
}

/// An operation, and when it was first and last seen.
#[derive(Clone, Debug)]
pub struct Conhecido {
    /// The operation.
    pub documento: Arc<Documento>,
    /// In seconds since 1970.
    pub primeiro: i64,
    /// Likewise, within ten minutes.
    pub ultimo: i64,
}

type Known = HashMap<Assinatura, Conhecido>;
type Shared<T> = OnceCell<Result<Arc<T>, StoreError>>;

/// What there is to be told of a window. Each part is read when it is first asked for.
pub struct Relatorio {
    acessos: Acessos,
    pergunta: Pergunta,
    audience: Vec<Arc<Tally>>,
    stretches: Shared<[Trecho; 3]>,
    somas: Shared<Vec<Linha<Soma>>>,
    falhas: Shared<Vec<Linha<Vezes<Falha>>>>,
    entradas: Shared<Vec<Linha<Vezes<Arc<str>>>>>,
    documentos: Shared<Known>,
    campos: Shared<HashMap<Arc<str>, Vec<Assinatura>>>,
    lentas: Shared<Vec<Lenta>>,
}

/// After all that there is.
const NEVER: i64 = 253_402_214_400;

impl Relatorio {
    /// Of what `pergunta` asks; what it costs is on the tallies of `audience`.
    #[must_use]
    pub fn new(acessos: Acessos, pergunta: Pergunta, audience: Vec<Arc<Tally>>) -> Self {
        Self {
            acessos,
            pergunta,
            audience,
            stretches: Shared::new(),
            somas: Shared::new(),
            falhas: Shared::new(),
            entradas: Shared::new(),
            documentos: Shared::new(),
            campos: Shared::new(),
            lentas: Shared::new(),
        }
    }

    /// What was asked.
    #[must_use]
    pub const fn pergunta(&self) -> &Pergunta {
        &self.pergunta
    }

    /// Who counts.
    #[must_use]
    pub const fn acessos(&self) -> &Acessos {
        &self.acessos
    }

    /// The first minute that is held, and the rows of `of` each minute.
    fn held<T, R>(&self, of: impl Fn(&Chave, &super::minuto::Conta) -> R) -> (i64, Vec<Linha<T>>)
    where
        R: IntoIterator<Item = (Chave, T)>,
    {
        let minutos = self.acessos.0.livro.minutes();
        let first = minutos.first().map_or(NEVER, |minuto| minuto.inicio);
        let Janela { de, ate, .. } = self.pergunta.janela;
        let id = &self.acessos.0.instancia.id;
        let rows = minutos.iter().filter(|minuto| (de..ate).contains(&minuto.inicio)).flat_map(|minuto| {
            let inicio = minuto.inicio;
            let rows: Vec<_> = minuto.contas().flat_map(|(chave, conta)| of(chave, conta)).collect();
            rows.into_iter().map(move |(chave, valor)| Linha {
                inicio,
                instancia: Arc::clone(id),
                chave,
                valor,
            })
        });
        (first, rows.collect())
    }

    async fn stretches(&self) -> Result<[Trecho; 3], StoreError> {
        let read = Box::pin(async {
            let Some(db) = &self.acessos.0.db else {
                return Ok(Arc::new(self.pergunta.janela.stretches((0, 0))));
            };
            let until = table::resumidos(db, &self.audience).await?;
            Ok(Arc::new(self.pergunta.janela.stretches(until)))
        });
        self.stretches.get_or_init(|| read).await.clone().map(|stretches| *stretches)
    }

    /// Rows by what `held` has and what `read` reads, of what is asked alone.
    async fn rows<T, F>(
        &self,
        (first, mut rows): (i64, Vec<Linha<T>>),
        read: impl FnOnce(crate::db::Db, [Trecho; 3], i64) -> F,
    ) -> Result<Arc<Vec<Linha<T>>>, StoreError>
    where
        F: Future<Output = Result<Vec<Linha<T>>, StoreError>>,
    {
        if let Some(db) = &self.acessos.0.db {
            let stored = read(db.clone(), self.stretches().await?, first).await?;
            if stored.len() as u64 >= table::MOST_READ {
                let told = "the window has too many rows to be read at once";
                return Err(StoreError::new(db.store(), Fault::Slow, told));
            }
            rows.extend(stored);
        }
        rows.retain(|linha| self.pergunta.takes(linha));
        rows.sort_by_key(|linha| linha.chave.assinatura);
        Ok(Arc::new(rows))
    }

    /// What accesses took, by operation.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn somas(&self) -> Result<Arc<Vec<Linha<Soma>>>, StoreError> {
        let read = Box::pin(async {
            let held = self.held(|chave, conta| [(chave.clone(), conta.soma.clone())]);
            self.rows(held, async |db, stretches, first| {
                table::somas(&db, &stretches, (&self.acessos.0.instancia.id, first), &self.audience).await
            })
            .await
        });
        self.somas.get_or_init(|| read).await.clone()
    }

    /// Errors, by operation.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn falhas(&self) -> Result<Arc<Vec<Linha<Vezes<Falha>>>>, StoreError> {
        let read = Box::pin(async {
            let held = self.held(|chave, conta| {
                let of = |(falha, vezes): &(Falha, u64)| (chave.clone(), Vezes(falha.clone(), *vezes));
                conta.falhas.iter().map(of).collect::<Vec<_>>()
            });
            self.rows(held, async |db, stretches, first| {
                table::erros(&db, &stretches, (&self.acessos.0.instancia.id, first), &self.audience).await
            })
            .await
        });
        self.falhas.get_or_init(|| read).await.clone()
    }

    /// Inputs in variables, by operation.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn entradas(&self) -> Result<Arc<Vec<Linha<Vezes<Arc<str>>>>>, StoreError> {
        let read = Box::pin(async {
            let held = self.held(|chave, conta| {
                let of = |(campo, vezes): &(Arc<str>, u64)| (chave.clone(), Vezes(Arc::clone(campo), *vezes));
                conta.entradas.iter().map(of).collect::<Vec<_>>()
            });
            self.rows(held, async |db, stretches, first| {
                table::entradas(&db, &stretches, (&self.acessos.0.instancia.id, first), &self.audience).await
            })
            .await
        });
        self.entradas.get_or_init(|| read).await.clone()
    }

    /// Since when operations must have been seen to be in the window.
    const fn since(&self) -> i64 {
        self.pergunta.janela.de - super::livro::SEEN_EVERY
    }

    /// The operations of the window.
    ///
    /// # Errors
    /// The store's.
    pub async fn documentos(&self) -> Result<Arc<Known>, StoreError> {
        let read = Box::pin(async {
            let mut known = Known::new();
            if let Some(db) = &self.acessos.0.db {
                for seen in table::documentos(db, self.since(), &self.audience).await? {
                    let (primeiro, ultimo) = (seen.primeiro, seen.ultimo);
                    let documento = Arc::new(seen.documento);
                    known.insert(documento.id, Conhecido { documento, primeiro, ultimo });
                }
            }
            for visto in self.acessos.0.livro.documents() {
                let seen = known.entry(visto.documento.id).or_insert_with(|| Conhecido {
                    documento: Arc::clone(&visto.documento),
                    primeiro: visto.primeiro,
                    ultimo: visto.ultimo,
                });
                seen.ultimo = seen.ultimo.max(visto.ultimo);
            }
            Ok(Arc::new(known))
        });
        self.documentos.get_or_init(|| read).await.clone()
    }

    /// What of the schema stands in which operations.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn campos(&self) -> Result<Arc<HashMap<Arc<str>, Vec<Assinatura>>>, StoreError> {
        let read = Box::pin(async {
            let mut all: HashMap<Arc<str>, Vec<Assinatura>> = HashMap::new();
            if let Some(db) = &self.acessos.0.db {
                for (id, campo) in table::campos(db, self.since(), &self.audience).await? {
                    all.entry(campo).or_default().push(id);
                }
            }
            for visto in self.acessos.0.livro.documents() {
                for campo in &*visto.documento.campos {
                    let of = all.entry(Arc::clone(campo)).or_default();
                    if !of.contains(&visto.documento.id) {
                        of.push(visto.documento.id);
                    }
                }
            }
            Ok(Arc::new(all))
        });
        self.campos.get_or_init(|| read).await.clone()
    }

    /// The slow operations of the window, the last first.
    ///
    /// # Errors
    /// The store's.
    pub async fn lentas(&self) -> Result<Arc<Vec<Lenta>>, StoreError> {
        let read = Box::pin(async {
            let Janela { de, ate, .. } = self.pergunta.janela;
            let mut all = match &self.acessos.0.db {
                Some(db) => table::lentas(db, (de, ate), &self.audience).await?,
                None => Vec::new(),
            };
            for held in self.acessos.0.livro.all_slow() {
                let at = held.quando.timestamp();
                if (de..ate).contains(&at) && !all.iter().any(|known| known.id == held.id) {
                    all.push(held);
                }
            }
            let wanted = |lenta: &Lenta| {
                self.pergunta.takes(&Linha {
                    inicio: 0,
                    instancia: Arc::clone(&lenta.instancia),
                    chave: lenta.chave.clone(),
                    valor: (),
                })
            };
            all.retain(wanted);
            all.sort_by_key(|lenta| std::cmp::Reverse((lenta.quando, lenta.id)));
            all.truncate(super::livro::MOST_SLOW);
            Ok(Arc::new(all))
        });
        self.lentas.get_or_init(|| read).await.clone()
    }

    /// The runs of the program that were heard of in the window.
    ///
    /// # Errors
    /// The store's.
    pub async fn instancias(&self) -> Result<Vec<Instancia>, StoreError> {
        let own = || {
            let now = chrono::Utc::now().timestamp();
            let perdidas = self.acessos.lost().chamadas;
            Instancia { ultimo: now, perdidas, ..self.acessos.0.instancia.clone() }
        };
        let Some(db) = &self.acessos.0.db else { return Ok(vec![own()]) };
        let mut all = table::instancias(db, self.pergunta.janela.de, &self.audience).await?;
        if !all.iter().any(|instancia| instancia.id == self.acessos.0.instancia.id) {
            all.insert(0, own());
        }
        Ok(all)
    }
}

/// The rows of one operation, of rows that are in the order of operations.
pub(super) fn of<T>(rows: &[Linha<T>], assinatura: Assinatura) -> &[Linha<T>] {
    let from = rows.partition_point(|linha| linha.chave.assinatura < assinatura);
    let until = rows.partition_point(|linha| linha.chave.assinatura <= assinatura);
    &rows[from..until]
}

/// Sums by what `key` says of a row, and the first and last moment of each.
pub(super) fn grouped<'a, K: Eq + Hash>(
    rows: impl IntoIterator<Item = &'a Linha<Soma>>,
    key: impl Fn(&'a Linha<Soma>) -> K,
) -> HashMap<K, Grupo> {
    let mut groups: HashMap<K, Grupo> = HashMap::new();
    for linha in rows {
        groups.entry(key(linha)).or_default().add(linha.inicio, &linha.valor);
    }
    groups
}

/// A sum, and from when to when.
#[derive(Clone, Debug, Default)]
pub(super) struct Grupo {
    pub soma: Soma,
    /// The first step with anything in it; 0 of nothing.
    pub primeiro: i64,
    /// The last.
    pub ultimo: i64,
}

impl Grupo {
    fn add(&mut self, inicio: i64, soma: &Soma) {
        self.soma.merge(soma);
        self.primeiro = if self.primeiro == 0 { inicio } else { self.primeiro.min(inicio) };
        self.ultimo = self.ultimo.max(inicio);
    }

    /// Adds what another has.
    pub(super) fn put(&mut self, other: &Self) {
        if other.ultimo > 0 {
            self.add(other.primeiro, &other.soma);
            self.ultimo = self.ultimo.max(other.ultimo);
        }
    }

    /// All rows together.
    pub(super) fn all<'a>(rows: impl IntoIterator<Item = &'a Linha<Soma>>) -> Self {
        let mut all = Self::default();
        for linha in rows {
            all.add(linha.inicio, &linha.valor);
        }
        all
    }
}

/// Sums by the steps of a window, also of steps in which nothing was asked.
pub(super) fn series<'a>(
    rows: impl IntoIterator<Item = &'a Linha<Soma>>,
    janela: Janela,
) -> Vec<(i64, Soma)> {
    let mut steps: BTreeMap<i64, Soma> = janela.steps().map(|step| (step, Soma::default())).collect();
    for linha in rows {
        let step = linha.inicio - linha.inicio.rem_euclid(janela.passo.seconds());
        if let Some(soma) = steps.get_mut(&step) {
            soma.merge(&linha.valor);
        }
    }
    steps.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_read_once_whatever_has_been_put_together() {
        const DAY: i64 = 86_400;
        for (passo, horas, dias) in [
            (Passo::Minuto, 5 * DAY, 4 * DAY),
            (Passo::Hora, 0, 0),
            (Passo::Hora, 2 * DAY + 3_600, DAY),
            (Passo::Dia, 2 * DAY + 3_600, 2 * DAY),
            (Passo::Dia, 0, 0),
            (Passo::Dia, 100 * DAY, 99 * DAY),
            (Passo::Dia, 3 * DAY, 0),
        ] {
            let janela = Janela { de: DAY, ate: DAY + 3 * DAY + 17, passo };
            let stretches = janela.stretches((horas, dias));
            let mut at = janela.de;
            for Trecho { de, ate, .. } in stretches {
                assert!(de == at && ate >= de, "{passo:?} {horas} {dias}: {stretches:?}");
                at = ate;
            }
            assert_eq!(at, janela.ate);
        }
    }

    #[test]
    fn a_window_has_a_step_that_suits_it_and_not_too_many() {
        let of = |seconds: i64| Janela::new(1_000_000, 1_000_000 + seconds, None).map(|janela| janela.passo);
        assert_eq!(
            (of(60), of(86_400), of(86_400 * 60)),
            (Ok(Passo::Minuto), Ok(Passo::Hora), Ok(Passo::Dia))
        );
        assert!(Janela::new(0, 0, None).is_err_and(|told| told.contains("janela.de")));
        assert!(Janela::new(0, 86_400 * 2, Some(Passo::Minuto)).is_err_and(|told| told.contains("1500")));
        assert_eq!(
            Janela::new(61, 200, Some(Passo::Minuto)).map(|janela| janela.steps().collect::<Vec<_>>()),
            Ok(vec![60, 120, 180])
        );
    }
}
