//! A slow operation: what its time went to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Assinatura, Chave};
use crate::db::{Present, Ran, Statement};

/// An operation that took long.
#[derive(Clone, Debug)]
pub struct Lenta {
    /// Its number.
    pub id: uuid::Uuid,
    /// When it was answered.
    pub quando: DateTime<Utc>,
    /// The run of the program that answered.
    pub instancia: Arc<str>,
    /// Who asked what.
    pub chave: Chave,
    /// The id of the request.
    pub pedido: Arc<str>,
    /// How it ended.
    pub resultado: Arc<str>,
    /// Until the answer.
    pub micros: u64,
    /// What it might have cost.
    pub custo: u64,
    /// Its first statements, in the order in which they began.
    pub instrucoes: Vec<Instrucao>,
}

/// A statement of an operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instrucao {
    /// The store's name.
    pub store: String,
    /// Its name, as in `clientes.por_id`.
    pub nome: String,
    /// With placeholders: values are never kept.
    pub texto: String,
    /// When it was begun, after the operation, in microseconds.
    pub inicio: u64,
    /// How long it took, the wait for a connection with it, in microseconds.
    pub micros: u64,
    /// Rows read or changed.
    pub linhas: u64,
    /// Requests that the batch served.
    pub pedidos: u64,
    /// Whether it failed.
    pub falhou: bool,
    /// The replica that answered; none when it was the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
    /// How the database does it: its EXPLAIN, in JSON of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plano: Option<serde_json::Value>,
    /// To be asked again with its values.
    #[serde(skip)]
    again: Option<Arc<Statement>>,
}

impl Instrucao {
    /// The statements of an operation that was begun at `begun`, in the order in which they
    /// began.
    #[must_use]
    pub fn all(mut ran: Vec<Ran>, begun: Instant) -> Vec<Self> {
        ran.sort_by_key(|ran| ran.begun);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let one = |ran: Ran| Self {
            store: ran.store.name().to_owned(),
            nome: ran.name.to_owned(),
            texto: ran.text.to_owned(),
            inicio: micros(ran.begun.saturating_duration_since(begun)),
            micros: micros(ran.time),
            linhas: ran.rows,
            pedidos: ran.requests as u64,
            falhou: ran.failed,
            replica: ran.replica.map(|replica| replica.as_ref().to_owned()),
            plano: None,
            again: ran.again,
        };
        ran.into_iter().map(one).collect()
    }
}

/// Asks the databases how they do those of `instrucoes` whose values are still there, and
/// forgets the values. What cannot be asked has no plan.
pub async fn explain(instrucoes: &mut [Instrucao], databases: &Present) {
    for instrucao in instrucoes {
        let Some(statement) = instrucao.again.take() else { continue };
        let Some((_, db)) = databases.iter().find(|(store, _)| store.name() == instrucao.store) else {
            continue;
        };
        instrucao.plano = db.explain(&statement).await;
    }
}

impl Lenta {
    /// Of which operation.
    #[must_use]
    pub const fn assinatura(&self) -> Assinatura {
        self.chave.assinatura
    }
}
