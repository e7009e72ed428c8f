//! One operation on its way: checked ([`Execution::prepare`]), charged for with
//! those that came with it ([`Execution::charge`]), executed, completed, logged
//! ([`Execution::finish`]). No store is asked before the last.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Request as Operation, Response as Answer, ServerError, Value, Variables};
use axum::http::Method;
use serde_json::Map;
use tracing::Instrument as _;

use super::masking::mask;
use super::parameters::Parameters;
use super::persisted::Unusable;
use super::status::is_executed;
use crate::batching::Scope;
use crate::graph::cost::{Price, price};
use crate::graph::documents::{Document, Refusal};
use crate::graph::merged::MergedSchema;
use crate::graph::trusted::TrustMode;
use crate::http::App;
use crate::http::answer::INTERNAL_SENTENCE;
use crate::http::rate::Charge;
use crate::http::request_id::RequestId;
use crate::insight;
use crate::kernel::{Papel, RequestContext, Requester, code};

/// What an operation is executed with.
pub(super) struct Execution<'a> {
    pub app: &'a App,
    pub requester: &'a Requester,
    pub id: &'a RequestId,
    /// Whether `extensions.tracing` and `extensions.quarteto` are wanted.
    pub traced: bool,
    /// How the operation came.
    pub method: &'a Method,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
}

/// Why there is no answer of GraphQL.
pub(super) enum Fault {
    /// There is nothing to execute: the request is at fault.
    BadRequest(String),
    /// A GET may only read.
    NotByGet,
}

/// An operation that was looked at.
pub(super) struct Prepared {
    begun: Instant,
    name: Option<String>,
    kind: Option<OperationType>,
    price: Price,
    work: Work,
}

/// What there is to do for it.
enum Work {
    /// It is refused.
    Refused(Answer),
    /// It is executed.
    Execute(Executable),
}

/// What is executed.
struct Executable {
    text: Arc<str>,
    asked: Option<String>,
    document: Arc<Document>,
    variables: Variables,
}

impl Execution<'_> {
    /// Looks at what `parameters` ask, as far as that can be done without
    /// executing it.
    pub(super) fn prepare(&self, parameters: Parameters) -> Result<Prepared, Fault> {
        let begun = Instant::now();
        let refused = |answer| Prepared { begun, ..Prepared::refused(answer) };
        let asked = parameters.operation_name.filter(|name| !name.is_empty());
        let text = match self.text(parameters.query, parameters.document_id, parameters.extensions.as_ref()) {
            Ok(text) => text,
            Err(Unusable::NotFound) => return Ok(refused(not_found("PersistedQueryNotFound"))),
            Err(Unusable::NoSuchDocument) => {
                return Ok(refused(not_found("There is no trusted document with this id.")));
            }
            Err(Unusable::Malformed(message)) => return Err(Fault::BadRequest(message.into())),
            Err(Unusable::NothingAsked) => {
                return Err(Fault::BadRequest("`query` is missing: the GraphQL document, a string.".into()));
            }
        };
        let document = match self.app.documents.get(&text) {
            Ok(document) => document,
            Err(refusal) => return Ok(Prepared { name: asked, ..refused(refused_document(&refusal)) }),
        };
        let chosen = choose(&document.parsed, asked.as_deref());
        if *self.method == Method::GET
            && chosen.as_ref().is_some_and(|chosen| chosen.operation.ty != OperationType::Query)
        {
            return Err(Fault::NotByGet);
        }
        if self.idempotency_key.is_some() && !chosen.as_ref().is_some_and(Chosen::is_single_mutation) {
            let sentence =
                "Idempotency-Key is for an operation of one mutation; otherwise use `chaveIdempotencia`.";
            return Err(Fault::BadRequest(sentence.into()));
        }
        let kind = chosen.as_ref().map(|chosen| chosen.operation.ty);
        let name = chosen.as_ref().and_then(|chosen| chosen.name).or(asked.as_deref()).map(str::to_owned);
        let price = chosen.as_ref().map_or_else(Price::default, |chosen| {
            price(&document.parsed, chosen.operation, parameters.variables.as_ref())
        });
        let refusal = self.refusal(&document, chosen.as_ref(), price);
        let work = match refusal {
            Some(answer) => Work::Refused(answer),
            None => Work::Execute(Executable {
                text,
                asked,
                document,
                variables: variables(parameters.variables),
            }),
        };
        Ok(Prepared { begun, name, kind, price, work })
    }

    /// The document that is asked for: sent, remembered or trusted.
    fn text(
        &self,
        query: Option<String>,
        id: Option<String>,
        extensions: Option<&Map<String, serde_json::Value>>,
    ) -> Result<Arc<str>, Unusable> {
        let trusted = self.app.limits.trusted.as_deref();
        let by_id = |id: &str| trusted.and_then(|trusted| trusted.by_id(id));
        match (query, id) {
            (Some(_), Some(_)) => Err(Unusable::Malformed("Send `query` or `documentId`, not both.")),
            (None, Some(id)) => by_id(&id).ok_or(Unusable::NoSuchDocument),
            (query, None) => self.app.persisted.document(query, extensions, by_id),
        }
    }

    /// Why this operation may not be executed by this user, if so.
    fn refusal(&self, document: &Document, chosen: Option<&Chosen<'_>>, price: Price) -> Option<Answer> {
        let limits = &self.app.limits;
        if let Some(chosen) = chosen
            && self.is_untrusted(document, chosen)
        {
            let sentence = "This operation is not among the trusted documents of this server.";
            return Some(refusal_answer(code::UNTRUSTED_DOCUMENT, sentence, &[]));
        }
        if price.representations > limits.representations {
            let message = format!(
                "`representations` has {} entries; at most {} are allowed.",
                price.representations, limits.representations
            );
            return Some(refusal_answer(code::LIMITE_LISTA, &message, &[]));
        }
        if document.introspects && !limits.introspection.allows(self.requester.papel) {
            let sentence = "The schema may not be asked for with this login.";
            return Some(refusal_answer(code::FORBIDDEN, sentence, &[]));
        }
        None
    }

    /// Whether the operation is unknown and that matters. Nothing is computed
    /// where trust plays no part.
    fn is_untrusted(&self, document: &Document, chosen: &Chosen<'_>) -> bool {
        let Some(trusted) = &self.app.limits.trusted else { return false };
        let mode = trusted.mode();
        if mode == TrustMode::Off || self.requester.papel == Papel::Admin {
            return false;
        }
        let fingerprint = document.fingerprint(chosen.name, chosen.operation);
        if trusted.knows(&fingerprint) {
            return false;
        }
        let user = &self.requester.nome;
        tracing::warn!(operation = chosen.name.unwrap_or("-"), %user, ?mode, "operation is not trusted");
        mode == TrustMode::Enforce
    }

    /// What all operations of a request cost together: refuses them all when it
    /// is too much, and takes it from what the user may spend.
    pub(super) fn charge(&self, operations: &mut [Prepared]) -> Option<Charge> {
        let costs = operations.iter().filter(|operation| operation.is_executable());
        let cost = costs.map(|operation| operation.price.cost).fold(0, u64::saturating_add);
        let burst = self.app.spending.as_ref().map(|spending| u64::from(spending.burst()));
        let most = self.app.limits.cost.unwrap_or(u64::MAX).min(burst.unwrap_or(u64::MAX));
        let payable = if cost > most { 0 } else { cost };
        if cost > most {
            for operation in operations.iter_mut().filter(|operation| operation.is_executable()) {
                operation.work = Work::Refused(too_costly(cost, most));
            }
        }
        let spending = self.app.spending.as_ref()?;
        let charge = spending.charge(&self.requester.nome, payable.max(operations.len() as u64));
        if charge.refused.is_some() {
            let sentence = "You have spent what may be spent for now; try again later.";
            for operation in operations {
                operation.work = Work::Refused(refusal_answer(code::RATE_LIMITED, sentence, &[]));
            }
        }
        Some(charge)
    }

    /// Executes what was not refused, completes the answer, leaves a line in the
    /// log, and counts it.
    pub(super) async fn finish(&self, prepared: Prepared) -> Answer {
        let Prepared { begun, name, kind, price, work } = prepared;
        let scope = self.app.requests.open();
        let span = tracing::debug_span!("operation", name = name.as_deref());
        let mut answer = match work {
            Work::Refused(answer) => answer,
            Work::Execute(work) => {
                let schema = self.schema(&work);
                let document = Arc::clone(&work.document);
                let operation = self.operation(work, &scope);
                let answer = if kind == Some(OperationType::Mutation) {
                    self.write(schema.clone(), operation, Arc::clone(&scope), span.clone()).await
                } else {
                    scope.run(schema.execute(operation)).instrument(span.clone()).await
                };
                if answer.data != Value::Null {
                    document.validity.passed();
                }
                answer
            }
        };
        let may_introspect = self.app.limits.introspection.allows(self.requester.papel);
        mask(&mut answer.errors, self.id, may_introspect);
        if self.traced {
            answer.extensions.insert("quarteto".into(), insight::report(scope.tally(), price.cost));
        }
        let _entered = span.enter();
        insight::Operation {
            name: name.as_deref(),
            kind,
            user: &self.requester.nome,
            duration: begun.elapsed(),
            cost: price.cost,
            executed: is_executed(&answer),
            answer: &answer,
            tally: scope.tally(),
        }
        .record(&self.app.metrics);
        answer
    }

    fn schema(&self, work: &Executable) -> &MergedSchema {
        let schemas = &self.app.schemas;
        if self.traced {
            &schemas.traced
        } else if work.document.validity.is_known(&work.variables) {
            &schemas.validated
        } else {
            &schemas.plain
        }
    }

    /// Executes what writes in a task of its own: it runs to its end when the
    /// client has gone away, and the program waits for it before it stops.
    async fn write(
        &self,
        schema: MergedSchema,
        operation: Operation,
        scope: Arc<Scope>,
        span: tracing::Span,
    ) -> Answer {
        let under_way = Arc::clone(&self.app.writes_under_way).read_owned().await;
        let work = async move {
            let answer = scope.run(schema.execute(operation)).await;
            drop(under_way);
            answer
        };
        match tokio::spawn(work.instrument(span)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "a mutation ended without an answer");
                refusal_answer(code::INTERNAL, INTERNAL_SENTENCE, &[])
            }
        }
    }

    fn operation(&self, work: Executable, scope: &Arc<Scope>) -> Operation {
        let mut operation = Operation::new(&*work.text).variables(work.variables).data(RequestContext {
            requester: self.requester.clone(),
            scope: Arc::clone(scope),
            today: chrono::Utc::now().date_naive(),
            idempotency_key: self.idempotency_key.map(str::to_owned),
            traced: self.traced,
        });
        operation.operation_name = work.asked;
        operation.set_parsed_query(work.document.parsed.clone());
        operation
    }
}

impl Prepared {
    fn is_executable(&self) -> bool {
        matches!(self.work, Work::Execute { .. })
    }

    /// An operation of a list that is no GraphQL request.
    pub(super) fn bad_request(message: &str) -> Self {
        let answer = refusal_answer(code::BAD_REQUEST, message, &[]);
        Self::refused(answer)
    }

    /// What is not executed, before anything is known of it.
    fn refused(answer: Answer) -> Self {
        let (begun, price) = (Instant::now(), Price::default());
        Self { begun, name: None, kind: None, price, work: Work::Refused(answer) }
    }
}

fn variables(given: Option<Map<String, serde_json::Value>>) -> Variables {
    Variables::from_json(serde_json::Value::Object(given.unwrap_or_default()))
}

/// The operation that will run.
struct Chosen<'a> {
    name: Option<&'a str>,
    operation: &'a OperationDefinition,
}

impl Chosen<'_> {
    fn is_single_mutation(&self) -> bool {
        self.operation.ty == OperationType::Mutation && self.operation.selection_set.node.items.len() == 1
    }
}

/// The operation with that name, or the only one.
fn choose<'a>(document: &'a ExecutableDocument, asked: Option<&str>) -> Option<Chosen<'a>> {
    let mut operations = document.operations.iter();
    let (name, operation) = match asked {
        Some(asked) => operations.find(|(name, _)| name.is_some_and(|name| name == asked))?,
        None => match (operations.next(), operations.next()) {
            (Some(only), None) => only,
            _ => return None,
        },
    };
    Some(Chosen { name: name.map(async_graphql::Name::as_str), operation: &operation.node })
}

/// What Apollo's clients understand: they send the document next.
fn not_found(message: &str) -> Answer {
    refusal_answer(code::PERSISTED_QUERY_NOT_FOUND, message, &[])
}

/// The answer to a document that is not executed.
fn refused_document(refusal: &Refusal) -> Answer {
    let (code, message, places) = match refusal {
        Refusal::Unparsable(message, places) => (code::GRAPHQL_PARSE_FAILED, message, &places[..]),
        Refusal::TooDeep(message) => (code::LIMITE_PROFUNDIDADE, message, &[][..]),
        Refusal::TooMuch(message) => (code::LIMITE_CUSTO, message, &[][..]),
        Refusal::TooManyAliases(message) => (code::LIMITE_ALIASES, message, &[][..]),
        Refusal::TooManyDirectives(message) => (code::LIMITE_DIRETIVAS, message, &[][..]),
    };
    refusal_answer(code, message, places)
}

fn too_costly(price: u64, most: u64) -> Answer {
    let message = format!(
        "The operation may cost {price}; at most {most} is allowed. Ask for smaller pages, or fewer inside each other."
    );
    refusal_answer(code::LIMITE_CUSTO, &message, &[])
}

fn refusal_answer(code: &str, message: &str, places: &[async_graphql::Pos]) -> Answer {
    let mut error = ServerError::new(message, None);
    error.locations = places.to_vec();
    error.extensions.get_or_insert_default().set("code", code);
    Answer::from_errors(vec![error])
}
