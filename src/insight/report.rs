//! What an operation cost, for the log, the metrics and the client who asks.

use std::fmt::Write as _;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Name, ServerError, Value};

use super::Metrics;
use super::metrics::kind;
use crate::db::Tally;
use crate::kernel::code_of;
use crate::stores::acessos::Instrucao;

/// An operation that has ended.
pub struct Operation<'a> {
    /// Its name in the document, if it has one.
    pub name: Option<&'a str>,
    /// Whether it reads or writes; none when it could not be read as far as that.
    pub kind: Option<OperationType>,
    /// Who asked.
    pub user: &'a str,
    /// How long it took, from the parsed request to the answer.
    pub duration: Duration,
    /// What it may cost at most, by its arguments.
    pub cost: u64,
    /// How it ended: a word from a fixed list.
    pub outcome: &'static str,
    /// The errors of its answer.
    pub errors: &'a [ServerError],
    /// What it asked of the stores.
    pub tally: &'a Tally,
}

impl Operation<'_> {
    /// Leaves the operation's line in the log, and counts it.
    pub fn record(&self, metrics: &Metrics) {
        self.log();
        metrics.operation(self);
    }

    fn log(&self) {
        let (mut statements, mut stores) = (0, String::new());
        for store in self.tally.stores() {
            statements += store.statements;
            let separator = if stores.is_empty() { "" } else { " " };
            let ms = store.time.as_secs_f64() * 1e3;
            let _ = write!(stores, "{separator}{}={}/{ms:.2}ms", store.store, store.statements);
        }
        tracing::info!(
            graphql.operation.name = self.name.unwrap_or("-"),
            graphql.operation.type = kind(self.kind),
            user.name = self.user,
            ms = milliseconds(self.duration),
            cost = self.cost,
            statements,
            stores = stores.as_str(),
            outcome = self.outcome,
            errors = self.errors.len(),
            code = self.errors.first().and_then(code_of),
            "operation"
        );
    }
}

/// What stands in a line of the log as `clientes=2/0.46ms`, as an object.
pub(super) fn stores_of(text: &str) -> Option<serde_json::Value> {
    let store = |part: &str| {
        let (store, used) = part.split_once('=')?;
        let (statements, ms) = used.strip_suffix("ms")?.split_once('/')?;
        let (statements, ms): (u64, f64) = (statements.parse().ok()?, ms.parse().ok()?);
        Some((store.to_owned(), serde_json::json!({ "statements": statements, "ms": ms })))
    };
    text.split_whitespace()
        .map(store)
        .collect::<Option<serde_json::Map<_, _>>>()
        .map(serde_json::Value::Object)
}

/// `extensions.quarteto`: a line a store that was asked, and the cost.
#[must_use]
pub fn report(tally: &Tally, cost: u64) -> Value {
    let stores = tally.stores().map(|store| {
        object([
            ("nome", Value::from(store.store.name())),
            ("consultas", Value::from(store.statements)),
            ("linhas", Value::from(store.rows)),
            ("ms", Value::from(milliseconds(store.time))),
        ])
    });
    object([("stores", Value::List(stores.collect())), ("custo", Value::from(cost))])
}

/// The statements of a request, in the order in which they began.
#[must_use]
pub fn statements(instrucoes: &[Instrucao]) -> Value {
    let thousandths = |micros: u64| Value::from(milliseconds(Duration::from_micros(micros)));
    let one = |ran: &Instrucao| {
        let plan = ran.plano.clone().and_then(|plan| Value::from_json(plan).ok());
        let mut shown = object([
            ("store", Value::from(ran.store.as_str())),
            ("nome", Value::from(ran.nome.as_str())),
            ("texto", Value::from(ran.texto.as_str())),
            ("inicioMs", thousandths(ran.inicio)),
            ("ms", thousandths(ran.micros)),
            ("linhas", Value::from(ran.linhas)),
            ("pedidos", Value::from(ran.pedidos)),
            ("falhou", Value::from(ran.falhou)),
            ("plano", plan.unwrap_or_default()),
        ]);
        if let (Value::Object(members), Some(replica)) = (&mut shown, &ran.replica) {
            members.insert(Name::new("replica"), Value::from(replica.as_str()));
        }
        shown
    };
    Value::List(instrucoes.iter().map(one).collect())
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

/// In thousandths, so that a report stays short.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
