//! The one task that writes what was counted, puts minutes together to hours and days, deletes
//! what is old, and looks how slow statements are done. A store that is away costs it its own
//! patience and nobody else's.

use std::time::Duration;

use chrono::Utc;

use super::table::{self, Escrita, Resumo};
use super::{Acessos, Instancia, Lenta, Passo, explain};
use crate::db::{Db, StoreError, Tally};

/// How often what was counted is written: whoever is killed loses as much.
pub const PERIOD: Duration = Duration::from_secs(5);

/// How long a round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the databases may be asked for plans in a round.
const LOOKS: Duration = Duration::from_secs(5);

/// Spans that are put together in one round.
const SPANS_A_ROUND: usize = 50;

/// After how long a span that is over is put together: the others have written by then.
const SETTLED: i64 = 120;

/// How long what is counted is kept.
#[derive(Clone, Copy, Debug)]
pub struct Guarda {
    /// Days for which minutes are kept.
    pub minutes: u32,
    /// Days for which hours are kept.
    pub hours: u32,
    /// Days for which days are kept.
    pub days: u32,
}

impl Default for Guarda {
    fn default() -> Self {
        Self { minutes: 30, hours: 365, days: 1_825 }
    }
}

impl Guarda {
    fn seconds(self) -> table::Guarda {
        let seconds = |days: u32| i64::from(days) * 86_400;
        table::Guarda { minutos: seconds(self.minutes), horas: seconds(self.hours), dias: seconds(self.days) }
    }
}

impl Acessos {
    /// Keeps what is counted, for ever.
    pub async fn keep(&self) {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut lentas = Vec::new();
        let mut round: u64 = 0;
        loop {
            tick.tick().await;
            self.round(&mut lentas, round).await;
            round += 1;
        }
    }

    /// Writes what there is, once and now: before the end, and in tests.
    pub async fn flush(&self) {
        self.round(&mut Vec::new(), 1).await;
    }

    /// Puts together what is over by `now`, and deletes what is old.
    ///
    /// # Errors
    /// The store's.
    pub async fn tidy(&self, now: i64) -> Result<(), StoreError> {
        let Some(db) = &self.0.db else { return Ok(()) };
        for passo in [Passo::Hora, Passo::Dia] {
            let resumo = Resumo { passo, over: now - SETTLED, again: None };
            for _ in 0..SPANS_A_ROUND {
                if !db.transaction(&resumo, &std::sync::Arc::<Tally>::default()).await? {
                    break;
                }
            }
        }
        table::purge(db, self.0.settings.guarda.seconds(), now).await?;
        Ok(())
    }

    async fn round(&self, lentas: &mut Vec<Lenta>, round: u64) {
        let now = Utc::now().timestamp();
        self.0.livro.turn(now);
        let until = tokio::time::Instant::now() + LOOKS;
        while let Some(mut lenta) = self.0.livro.next_slow() {
            // A database that is slow to tell is not asked on: its plans are missing then.
            let _ = tokio::time::timeout_at(until, explain(&mut lenta.instrucoes, &self.0.stores)).await;
            self.0.livro.keep_slow(lenta.clone());
            if lentas.len() < super::livro::MOST_SLOW && self.has_store() {
                lentas.push(lenta);
            }
        }
        let Some(db) = &self.0.db else { return };
        let work = Box::pin(async {
            if round == 0 {
                self.0.livro.knows(table::known(db).await?);
            }
            self.write(db, lentas, now).await?;
            // Each minute, and soon after the start.
            if round % 12 == 2 {
                self.tidy(now).await?;
            }
            Ok::<(), StoreError>(())
        });
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(())) => {}
            // The pool has told the operator, once; what is held is tried again.
            Ok(Err(error)) => tracing::debug!(%error, "accesses are not written yet"),
            Err(_) => tracing::debug!("accesses are not written yet: no answer within {PATIENCE:?}"),
        }
    }

    async fn write(&self, db: &Db, lentas: &mut Vec<Lenta>, now: i64) -> Result<(), StoreError> {
        let livro = &self.0.livro;
        let minutos = livro.minutes();
        let documentos = livro.documents_in(&minutos);
        let instancia = Instancia { ultimo: now, ..self.0.instancia.clone() };
        let tally = std::sync::Arc::<Tally>::default();
        // The oldest first, so that after a long pause each piece that is written stays written.
        for minuto in minutos.chunks(10) {
            let escrita = Escrita {
                instancia: &instancia,
                minutos: minuto,
                documentos: &documentos,
                lentas: &lentas[..],
                perda: livro.lost(),
            };
            db.transaction(&escrita, &tally).await?;
            livro.has_written(minuto, &documentos);
            lentas.clear();
            self.again(db, minuto, now).await?;
        }
        Ok(())
    }

    /// Hours and days that were put together before these minutes came.
    async fn again(
        &self,
        db: &Db,
        minutos: &[std::sync::Arc<super::minuto::Minuto>],
        now: i64,
    ) -> Result<(), StoreError> {
        let tally = std::sync::Arc::<Tally>::default();
        for passo in [Passo::Hora, Passo::Dia] {
            let start = |at: i64| at - at.rem_euclid(passo.seconds());
            let mut late: Vec<i64> =
                minutos.iter().map(|minuto| start(minuto.inicio)).filter(|span| *span < start(now)).collect();
            late.dedup();
            for span in late {
                db.transaction(&Resumo { passo, over: now, again: Some(span) }, &tally).await?;
            }
        }
        Ok(())
    }
}
