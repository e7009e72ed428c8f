//! One operation on its way: checked, executed, completed, logged.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Request as Operation, Response as Answer, ServerError, Value, Variables};
use axum::http::Method;
use serde_json::Map;
use tracing::Instrument as _;

use super::parameters::Parameters;
use super::persisted::Unusable;
use crate::batching::Scope;
use crate::graph::cost::cost;
use crate::graph::documents::Refusal;
use crate::http::App;
use crate::http::request_id::RequestId;
use crate::insight;
use crate::kernel::{RequestContext, Requester, code};

/// What an operation is executed with.
pub(super) struct Execution<'a> {
    pub app: &'a App,
    pub requester: &'a Requester,
    pub id: &'a RequestId,
    /// Whether `extensions.tracing` and `extensions.quarteto` are wanted.
    pub traced: bool,
    /// How the operation came.
    pub method: &'a Method,
}

/// What came of an operation.
pub(super) enum Outcome {
    /// An answer, perhaps with errors.
    Answer(Answer),
    /// There is nothing to execute: the request is at fault.
    BadRequest(String),
    /// A GET may only read.
    NotByGet,
}

impl Execution<'_> {
    /// Executes what `parameters` ask.
    pub(super) async fn run(self, parameters: Parameters) -> Outcome {
        let begun = Instant::now();
        let text = match self.app.persisted.document(parameters.query, parameters.extensions.as_ref()) {
            Ok(text) => text,
            Err(Unusable::NotFound) => return self.not_found(),
            Err(Unusable::Malformed(message)) => return Outcome::BadRequest(message.into()),
            Err(Unusable::NothingAsked) => {
                return Outcome::BadRequest("`query` is missing: the GraphQL document, a string.".into());
            }
        };
        let scope = Scope::new();
        let asked = parameters.operation_name.as_deref().filter(|name| !name.is_empty());
        let found = self.app.documents.get(&text);
        let chosen = found.as_ref().ok().and_then(|document| choose(&document.parsed, asked));
        if *self.method == Method::GET
            && chosen.as_ref().is_some_and(|chosen| chosen.operation.ty != OperationType::Query)
        {
            return Outcome::NotByGet;
        }
        let name = chosen.as_ref().and_then(|chosen| chosen.name).or(asked).map(str::to_owned);
        let span = tracing::debug_span!("operation", name = name.as_deref());
        let price = match (&found, &chosen) {
            (Ok(document), Some(chosen)) => {
                cost(&document.parsed, chosen.operation, parameters.variables.as_ref())
            }
            _ => 0,
        };
        let mut answer = match &found {
            Err(refusal) => refused(refusal),
            Ok(_) if let Some(most) = self.app.limits.cost.filter(|most| price > *most) => {
                too_costly(price, most)
            }
            Ok(document)
                if document.introspects && !self.app.limits.introspection.allows(self.requester.papel) =>
            {
                refusal_answer(code::FORBIDDEN, "The schema may not be asked for with this login.", &[])
            }
            Ok(document) => {
                let operation = self.operation(&text, asked, parameters.variables, &document.parsed, &scope);
                let schema = if self.traced { &self.app.schemas.traced } else { &self.app.schemas.plain };
                scope.run(schema.execute(operation)).instrument(span.clone()).await
            }
        };
        self.complete(&mut answer, &scope, price);
        let _entered = span.enter();
        insight::Operation {
            name: name.as_deref(),
            user: &self.requester.nome,
            duration: begun.elapsed(),
            cost: price,
            errors: answer.errors.len(),
            first_code: answer.errors.first().and_then(code_of),
            tally: scope.tally(),
        }
        .log();
        Outcome::Answer(answer)
    }

    fn operation(
        &self,
        text: &str,
        name: Option<&str>,
        variables: Option<Map<String, serde_json::Value>>,
        document: &ExecutableDocument,
        scope: &Arc<Scope>,
    ) -> Operation {
        let variables = serde_json::Value::Object(variables.unwrap_or_default());
        let mut operation =
            Operation::new(text).variables(Variables::from_json(variables)).data(RequestContext {
                requester: self.requester.clone(),
                scope: Arc::clone(scope),
                today: chrono::Utc::now().date_naive(),
                idempotency_key: None,
            });
        operation.operation_name = name.map(str::to_owned);
        operation.set_parsed_query(document.clone());
        operation
    }

    /// Every error gets a code and the request's id. Those without a code come
    /// from the executor, whose sentences speak of the schema alone: before
    /// execution they are about the document, in it about a value.
    fn complete(&self, answer: &mut Answer, scope: &Scope, price: u64) {
        for error in &mut answer.errors {
            let missing = code_of(error).is_none();
            let fallback =
                if error.path.is_empty() { code::GRAPHQL_VALIDATION_FAILED } else { code::BAD_USER_INPUT };
            let values = error.extensions.get_or_insert_default();
            if missing {
                values.set("code", fallback);
            }
            values.set("requestId", self.id.as_str());
        }
        if self.traced {
            answer.extensions.insert("quarteto".into(), insight::report(scope.tally(), price));
        }
    }

    /// What Apollo's clients understand: they send the document next.
    fn not_found(&self) -> Outcome {
        let mut error = ServerError::new("PersistedQueryNotFound", None);
        error.extensions.get_or_insert_default().set("code", code::PERSISTED_QUERY_NOT_FOUND);
        let mut answer = Answer::from_errors(vec![error]);
        self.complete(&mut answer, &Scope::new(), 0);
        Outcome::Answer(answer)
    }
}

/// The operation that will run.
struct Chosen<'a> {
    name: Option<&'a str>,
    operation: &'a OperationDefinition,
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

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// The answer to a document that is not executed.
fn refused(refusal: &Refusal) -> Answer {
    let (code, message, places) = match refusal {
        Refusal::Unparsable(message, places) => (code::GRAPHQL_PARSE_FAILED, message, &places[..]),
        Refusal::TooDeep(message) => (code::LIMITE_PROFUNDIDADE, message, &[][..]),
        Refusal::TooMuch(message) => (code::LIMITE_CUSTO, message, &[][..]),
        Refusal::TooManyAliases(message) => (code::LIMITE_ALIASES, message, &[][..]),
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
