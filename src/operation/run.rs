//! The second door: a checked operation runs, once, and leaves its line in the log and
//! its number in the metrics however it ends: answered, out of time, its client gone,
//! or by a panic of ours.
//!
//! What writes runs in a task of its own: to its end, when the client has gone away,
//! and the program waits for it before it stops. Its line tells what came of it.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use async_graphql::{Name, PathSegment, Request, Response, ServerError, Value};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::answer::Answer;
use super::checked::{About, Checked, RefusedOperation};
use super::masking::{INTERNAL_SENTENCE, mask};
use super::refusal::Refusal;
use super::signature::Aliases;
use super::{Operations, Shared};
use crate::batching::Scope;
use crate::insight;
use crate::kernel::{AnswerLimits, Budget, RequestContext, Requester, code, code_of, unreadable};
use crate::stores::acessos::{Acesso, Falha, Instrucao, explain};

/// Who asks, and how.
#[derive(Clone)]
pub struct Caller<'a> {
    /// Who.
    pub requester: &'a Requester,
    /// The id of the request, which errors carry.
    pub id: &'a str,
    /// Whether `extensions.tracing` and `extensions.quarteto` are wanted.
    pub traced: bool,
    /// Whether the way in which it came may only read.
    pub reads_only: bool,
    /// The key under which a single mutation is remembered.
    pub idempotency_key: Option<&'a str>,
    /// When the request is given up.
    pub deadline: Instant,
    /// The program that asks, as it calls itself, and its version.
    pub program: (&'a str, &'a str),
    /// Whether every statement is wanted in `extensions.quarteto`, with the database's EXPLAIN.
    pub explains: bool,
    /// Whether another subgraph asks, which may ask for entities and for the SDL alone.
    pub is_sibling: bool,
}

/// How many fields one counts as that is traced: each has a record in the answer.
const TRACED_FIELD: u64 = 10;

/// What an operation leaves behind when it ends.
struct Record {
    shared: Arc<Shared>,
    about: About,
    user: Arc<str>,
    program: (Box<str>, Box<str>),
    budget: Option<Arc<Budget>>,
    id: Box<str>,
    scope: Arc<Scope>,
    may_introspect: bool,
    traced: bool,
    explains: bool,
    is_sibling: bool,
    /// The client is gone: there was nobody to answer.
    recorded: bool,
    span: tracing::Span,
}

impl Operations {
    /// Runs a checked operation, completes its answer, leaves a line in the log, and
    /// counts it. In bounded time: until the caller's deadline.
    pub async fn run(&self, checked: Checked, caller: &Caller<'_>) -> Answer {
        let mut record = self.record(checked.about, caller);
        let Checked { executable, variables, merges, .. } = checked;
        // The text is not parsed again, so it need not be there.
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(executable);
        let request = self.prepared(request, merges, caller, &record.scope);
        record.budget = Some(Arc::clone(&request.budget));
        let deadline = caller.deadline.into();
        let explained = caller.explains.then(|| {
            record.scope.tally().keep_arguments();
            (Arc::clone(&record.scope), record.about.begun)
        });
        let is_mutation = record.about.kind == Some(OperationType::Mutation);
        self.see_writes(is_mutation, &record);
        if is_mutation {
            let id: Box<str> = caller.id.into();
            let written = tokio::spawn(self.write(request, record).await);
            return match tokio::time::timeout_at(deadline, written).await {
                Ok(Ok(answer)) => self.explain(answer, explained).await,
                // The task itself outlives a panic of the write.
                Ok(Err(error)) => {
                    tracing::error!(%error, "a mutation ended without an answer");
                    masked(Answer::ended(&Refusal::new(code::INTERNAL, INTERNAL_SENTENCE)), &id)
                }
                Err(_) => masked(Answer::ended(&out_of_time()), &id),
            };
        }
        let span = record.span.clone();
        let executed = self.execute(request, &record.scope);
        let outcome = tokio::time::timeout_at(deadline, executed).instrument(span).await;
        match outcome {
            Ok(answer) => {
                let explained = self.explain(record.answered(answer), explained);
                explained.await
            }
            Err(_) => record.out_of_time(),
        }
    }

    /// Lets the primaries answer where what was written must be seen: in a write, and for a login
    /// that has written of late.
    fn see_writes(&self, is_mutation: bool, record: &Record) {
        let Some(pins) = &self.shared.pins else { return };
        if is_mutation {
            // Whoever gives up on it may find it done.
            pins.wrote(&record.user);
        }
        // What another subgraph asks, a write there must know.
        if is_mutation || record.is_sibling || pins.has_written(&record.user) {
            record.scope.tally().see_writes();
        }
    }

    /// Completes an answer by its statements, where they are wanted: when it is recorded, so
    /// that to look does not change what is counted.
    async fn explain(&self, mut answer: Answer, wanted: Option<(Arc<Scope>, Instant)>) -> Answer {
        let Some((scope, begun)) = wanted else { return answer };
        let mut instrucoes = Instrucao::all(scope.tally().ran(), begun);
        explain(&mut instrucoes, self.shared.acessos.stores()).await;
        let told = answer.extensions.get_mut("quarteto");
        if let Some(Value::Object(members)) = told {
            members.insert(Name::new("instrucoes"), insight::statements(&instrucoes));
        }
        answer
    }

    /// Answers an operation that is not run, with its line and its number.
    #[must_use]
    pub fn refuse(&self, refused: RefusedOperation, caller: &Caller<'_>) -> Answer {
        let RefusedOperation { about, refusal } = refused;
        self.record(about, caller).answered(Answer::refused(&refusal))
    }

    /// Executes a write in a future that nobody but it can end.
    async fn write(&self, request: Prepared, record: Record) -> impl Future<Output = Answer> + use<> {
        let under_way = self.writing().await;
        let (execute, span) = (self.execute(request, &record.scope), record.span.clone());
        async move {
            let answer = execute.await;
            if let Some(pins) = &record.shared.pins {
                pins.wrote(&record.user);
            }
            let answer = record.answered(answer);
            drop(under_way);
            answer
        }
        .instrument(span)
    }

    /// Executes; a panic is an answer, too, and an answer that holds too much is none.
    fn execute(&self, request: Prepared, scope: &Arc<Scope>) -> impl Future<Output = Answer> + Send + use<> {
        let served = Arc::clone(&self.served);
        let scope = Arc::clone(scope);
        let Prepared { request, budget, traced } = request;
        async move {
            let executed = AssertUnwindSafe(within(&budget, scope.run(served.execute(request, traced))));
            match executed.catch_unwind().await {
                Ok(Some(response)) => answer_of(response),
                Ok(None) => Answer::ended(&Refusal::new(code::LIMITE_CUSTO, budget.sentence())),
                Err(cause) => {
                    let message = cause.downcast_ref::<String>().map(String::as_str);
                    let message = message.or_else(|| cause.downcast_ref::<&str>().copied());
                    tracing::error!(message = message.unwrap_or("unknown"), "an operation panicked");
                    Answer::ended(&Refusal::new(code::INTERNAL, INTERNAL_SENTENCE))
                }
            }
        }
    }

    fn prepared(&self, request: Request, merges: bool, caller: &Caller<'_>, scope: &Arc<Scope>) -> Prepared {
        let budget = Arc::new(Budget::new(self.limits(caller)));
        let context = RequestContext {
            requester: caller.requester.clone(),
            scope: Arc::clone(scope),
            today: chrono::Utc::now().date_naive(),
            idempotency_key: caller.idempotency_key.map(str::to_owned),
            walks: !caller.traced && !merges,
            budget: Arc::clone(&budget),
        };
        Prepared { request: request.data(context), budget, traced: caller.traced }
    }

    /// What the answer may hold.
    fn limits(&self, caller: &Caller<'_>) -> AnswerLimits {
        let limits = self.settings.answer;
        let fields = if caller.traced { limits.fields / TRACED_FIELD } else { limits.fields };
        AnswerLimits { fields, ..limits }
    }

    fn record(&self, about: About, caller: &Caller<'_>) -> Record {
        let span = tracing::debug_span!(
            "operation",
            graphql.operation.name = about.name.as_deref(),
            graphql.operation.type = about.kind.map(tracing::field::display),
            error.type = tracing::field::Empty,
        );
        Record {
            shared: Arc::clone(&self.shared),
            about,
            user: Arc::clone(&caller.requester.nome),
            program: (caller.program.0.into(), caller.program.1.into()),
            budget: None,
            id: caller.id.into(),
            scope: self.requests.open(),
            may_introspect: self.settings.introspection.allows(caller.requester.papel),
            traced: caller.traced,
            explains: caller.explains,
            is_sibling: caller.is_sibling,
            recorded: false,
            span,
        }
    }
}

/// What is handed to the executor.
struct Prepared {
    request: Request,
    budget: Arc<Budget>,
    traced: bool,
}

/// What `work` answers; nothing as soon as the answer holds too much.
async fn within<F: Future>(budget: &Budget, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    poll_fn(|turn| {
        let turn = work.as_mut().poll(turn);
        if budget.is_exceeded() {
            return Poll::Ready(None);
        }
        turn.map(Some)
    })
    .await
}

fn answer_of(response: Response) -> Answer {
    Answer { errors: response.errors, data: Some(response.data), extensions: response.extensions }
}

fn out_of_time() -> Refusal {
    Refusal::new(code::DEADLINE_EXCEEDED, "The request took too long and was given up.")
}

fn masked(mut answer: Answer, id: &str) -> Answer {
    mask(&mut answer.errors, id, false);
    answer
}

/// Errors of one answer: a store that is down fails every field that asks it.
const MOST_ERRORS: usize = 1_000;

/// Keeps so many that the answer stays small, and says how many there were.
fn leave_out(errors: &mut Vec<ServerError>) {
    let more = errors.len().saturating_sub(MOST_ERRORS);
    if more > 0 {
        errors.truncate(MOST_ERRORS);
        let mut last = ServerError::new(format!("There are {more} more errors, which are left out."), None);
        last.extensions = errors.first().and_then(|error| error.extensions.clone());
        errors.push(last);
    }
}

impl Record {
    /// Completes an answer, and records it.
    fn answered(mut self, mut answer: Answer) -> Answer {
        answer.errors.extend(self.scope.tally().unreadable_rows().into_iter().map(unreadable));
        leave_out(&mut answer.errors);
        mask(&mut answer.errors, &self.id, self.may_introspect);
        if self.traced || self.explains {
            let report = insight::report(self.scope.tally(), self.about.cost);
            answer.extensions.insert("quarteto".into(), report);
        }
        self.leave(answer.outcome(), &answer.errors);
        answer
    }

    fn out_of_time(mut self) -> Answer {
        let answer = masked(Answer::ended(&out_of_time()), &self.id);
        self.leave("out_of_time", &answer.errors);
        answer
    }

    fn leave(&mut self, outcome: &'static str, errors: &[ServerError]) {
        self.recorded = true;
        if outcome != "ok" {
            self.span.record("error.type", errors.first().and_then(code_of).unwrap_or(outcome));
        }
        let _entered = self.span.enter();
        let duration = self.about.begun.elapsed();
        self.count(duration, outcome, errors);
        insight::Operation {
            name: self.about.name.as_deref(),
            kind: self.about.kind,
            user: &self.user,
            duration,
            cost: self.about.cost,
            outcome,
            errors,
            tally: self.scope.tally(),
        }
        .record(&self.shared.metrics);
    }
}

impl Record {
    /// Counts the access.
    fn count(&self, duration: Duration, outcome: &'static str, errors: &[ServerError]) {
        let signature = self.about.signature.as_ref();
        let aliases = signature.map(|signature| &signature.aliases);
        let spent = self.budget.as_ref().map(|budget| budget.spent()).unwrap_or_default();
        self.shared.acessos.note(Acesso {
            documento: signature.map(|signature| &signature.documento),
            programa: &self.program.0,
            versao: &self.program.1,
            usuario: &self.user,
            pedido: &self.id,
            begun: self.about.begun,
            micros: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            custo: self.about.cost,
            objetos: spent.objects,
            bytes: spent.bytes,
            resultado: outcome,
            falhas: counted(errors.iter().map(|error| failure(error, aliases))),
            entradas: &self.about.given,
            tally: self.scope.tally(),
        });
    }
}

/// A store that is down fails many fields alike.
fn counted(failures: impl Iterator<Item = Falha>) -> Vec<(Falha, u64)> {
    let mut all: HashMap<Falha, u64> = HashMap::new();
    for failure in failures {
        *all.entry(failure).or_default() += 1;
    }
    all.into_iter().collect()
}

/// Bytes of the place of an error.
const LONGEST_PLACE: usize = 150;

/// An error as it is counted: its place as fields of the schema, without numbers.
fn failure(error: &ServerError, aliases: Option<&Aliases>) -> Falha {
    let mut place = String::new();
    for segment in &error.path {
        let PathSegment::Field(key) = segment else { continue };
        let name = aliases.and_then(|aliases| aliases.get(key.as_str())).map_or(key.as_str(), |name| &**name);
        if place.len() + name.len() + 1 > LONGEST_PLACE {
            break;
        }
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(name);
    }
    let store = error.extensions.as_ref().and_then(|values| values.get("store"));
    let store = store.and_then(|store| match store {
        Value::String(name) => Some(name.as_str()),
        _ => None,
    });
    Falha {
        codigo: code_of(error).unwrap_or(code::INTERNAL).into(),
        caminho: place.into(),
        store: store.unwrap_or_default().into(),
    }
}

impl Drop for Record {
    /// Whoever waited has gone away.
    fn drop(&mut self) {
        if !self.recorded {
            self.leave("abandoned", &[]);
        }
    }
}
