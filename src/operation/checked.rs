//! The first door: from what a client asks to an operation that may run. Nothing else
//! can be run, and no store is asked here.

use std::sync::Arc;
use std::time::Instant;

use apollo_compiler::ast::Document as Ast;
use async_graphql::Variables;
use async_graphql::parser::types::{ExecutableDocument, OperationType};

use super::Operations;
use super::ask::Ask;
use super::cost::Price;
use super::document::{Document, Operation, choose_unchecked, parse};
use super::executable::kind;
use super::persisted::Unusable;
use super::refusal::{Problem, Refusal};
use super::run::Caller;
use super::signature::{Signature, given};
use super::size::fragments;
use super::trusted::TrustMode;
use super::variables::{Scalars, coerce};
use crate::kernel::{Papel, code};

/// What names an operation that was asked for and is none of its document's.
const UNKNOWN: &str = "(unknown)";

/// Bytes of a name in log and metrics.
const LONGEST_NAME: usize = 64;

/// An operation that may run: parsed, valid, within its limits, its variables coerced,
/// trusted where that is asked for, and priced.
pub struct Checked {
    pub(super) about: About,
    pub(super) executable: ExecutableDocument,
    pub(super) merges: bool,
    pub(super) variables: Variables,
}

/// What is known of an operation, for the log and the metrics.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub begun: Instant,
    pub name: Option<Arc<str>>,
    pub kind: Option<OperationType>,
    pub cost: u64,
    /// What it is known by, once it was read.
    pub signature: Option<Arc<Signature>>,
    /// Input fields and values of enums that came in its variables.
    pub given: Vec<Arc<str>>,
}

/// What is not run, and why.
pub enum Refused {
    /// There is nothing to check: what was asked is no GraphQL request. A sentence.
    Malformed(String),
    /// It would write, and was asked in a way that may only read.
    ReadsOnly,
    /// The operation, for a reason that the client is told in an answer of GraphQL.
    Operation(RefusedOperation),
}

/// An operation that is not run.
pub struct RefusedOperation {
    pub(super) about: About,
    pub(super) refusal: Refusal,
}

impl RefusedOperation {
    /// Something that was refused before anything was known of it.
    #[must_use]
    pub fn unread(refusal: Refusal) -> Self {
        Self { about: About::new(None), refusal }
    }

    /// Tells another reason.
    #[must_use]
    pub fn instead(self, refusal: Refusal) -> Self {
        Self { refusal, ..self }
    }

    /// Refuses a checked operation after all.
    #[must_use]
    pub fn after(checked: Checked, refusal: Refusal) -> Self {
        Self { about: checked.about, refusal }
    }
}

impl Checked {
    /// The most that it may cost.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.about.cost
    }
}

impl About {
    fn new(asked: Option<&str>) -> Self {
        Self {
            begun: Instant::now(),
            name: asked.map(|_| Arc::from(UNKNOWN)),
            kind: None,
            cost: 0,
            signature: None,
            given: Vec::new(),
        }
    }

    fn is(&mut self, name: Option<&Arc<str>>, kind: OperationType) {
        self.name =
            name.map(|name| if name.len() <= LONGEST_NAME { Arc::clone(name) } else { bounded(name) });
        self.kind = Some(kind);
    }
}

/// A name as log and metrics show it.
pub(super) fn bounded(name: &str) -> Arc<str> {
    if name.len() <= LONGEST_NAME {
        return Arc::from(name);
    }
    // Names are ASCII.
    Arc::from(format!("{}…", &name[..LONGEST_NAME]))
}

impl Operations {
    /// Checks what `ask` asks, for `caller`.
    ///
    /// # Errors
    /// [`Refused`], before any store is asked.
    pub fn check(&self, ask: Ask, caller: &Caller<'_>) -> Result<Checked, Refused> {
        let Ask { query, document_id, operation_name, variables: sent, extensions } = ask;
        let asked = operation_name.filter(|name| !name.is_empty());
        let mut about = About::new(asked.as_deref());
        let refuse = |about: About, refusal| Refused::Operation(RefusedOperation { about, refusal });
        let text = match self.text(query, document_id, extensions.as_ref()) {
            Ok(text) => text,
            Err(Unusable::Malformed(message)) => return Err(Refused::Malformed(message.into())),
            Err(Unusable::NothingAsked) => {
                let sentence = "`query` is missing: the GraphQL document, a string.";
                return Err(Refused::Malformed(sentence.into()));
            }
            Err(unknown) => {
                let refusal = Refusal::new(code::PERSISTED_QUERY_NOT_FOUND, unknown.sentence());
                return Err(refuse(about, refusal));
            }
        };
        let document = match self.document(&text, asked.as_deref(), caller, &mut about) {
            Ok(document) => document,
            Err(None) => return Err(Refused::ReadsOnly),
            Err(Some(refusal)) => return Err(refuse(about, refusal)),
        };
        let operation = match document.choose(asked.as_deref()) {
            Ok(operation) => operation,
            Err(refusal) => return Err(refuse(about, refusal)),
        };
        about.is(operation.name.as_ref(), operation.kind);
        about.signature = Some(Arc::clone(&operation.signature));
        if caller.reads_only && operation.kind != OperationType::Query {
            return Err(Refused::ReadsOnly);
        }
        // Routers send a client's headers with all that its mutation makes them ask. Of these
        // questions nobody needs to know the key.
        let may_have_key = is_single_mutation(operation) || operation.is_for_routers;
        if caller.idempotency_key.is_some() && !may_have_key {
            let sentence =
                "Idempotency-Key is for an operation of one mutation; otherwise use `chaveIdempotencia`.";
            return Err(Refused::Malformed(sentence.into()));
        }
        match self.admit(operation, sent.as_ref(), caller) {
            Ok((variables, cost)) => {
                about.cost = cost;
                if let Some(sent) = sent.as_ref().filter(|_| operation.signature.has_inputs) {
                    about.given = given(self.served.types(), &operation.variables, sent);
                }
                let executable = document.executable(operation);
                Ok(Checked { about, executable, merges: operation.merges, variables })
            }
            Err((refusal, cost)) => {
                about.cost = cost;
                Err(refuse(about, refusal))
            }
        }
    }

    /// The document that is asked for: sent, remembered or trusted.
    fn text(
        &self,
        query: Option<String>,
        id: Option<String>,
        extensions: Option<&serde_json::Map<String, serde_json::Value>>,
    ) -> Result<Arc<str>, Unusable> {
        let trusted = self.settings.trusted.as_deref();
        let by_id = |id: &str| trusted.and_then(|trusted| trusted.by_id(id));
        match (query, id) {
            (Some(_), Some(_)) => Err(Unusable::Malformed("Send `query` or `documentId`, not both.")),
            (None, Some(id)) => by_id(&id).ok_or(Unusable::NoSuchDocument),
            (query, None) => self.persisted.document(query, extensions, by_id),
        }
    }

    /// The document of `text`, checked, now or before. No refusal when it would write
    /// and may not.
    fn document(
        &self,
        text: &Arc<str>,
        asked: Option<&str>,
        caller: &Caller<'_>,
        about: &mut About,
    ) -> Result<Arc<Document>, Option<Refusal>> {
        if let Some(known) = self.documents.get(text) {
            return Ok(known);
        }
        let ast: Ast = parse(text, self.checks.limits)?;
        if let Some(chosen) = choose_unchecked(&ast, asked) {
            about.is(
                chosen.name.as_ref().map(|name| Arc::from(name.as_str())).as_ref(),
                kind(chosen.operation_type),
            );
            // Said first: whether it is valid is nothing to whoever may not send it so.
            if caller.reads_only && !chosen.operation_type.is_query() {
                return Err(None);
            }
        }
        let document = Document::check(&ast, text, &self.checks, &self.served).map_err(|refusal| {
            if refusal.code == code::GRAPHQL_VALIDATION_FAILED {
                about.signature = misfit(&ast, asked);
            }
            self.without_hints(refusal, caller)
        })?;
        let document = Arc::new(document);
        self.documents.keep(text, &document);
        Ok(document)
    }

    /// Hints at names in the schema are for those who may ask for the schema.
    fn without_hints(&self, mut refusal: Refusal, caller: &Caller<'_>) -> Refusal {
        if !self.settings.introspection.allows(caller.requester.papel) {
            for Problem { message, .. } in &mut refusal.problems {
                if let Some(at) = message.find(super::messages::HINT) {
                    message.truncate(at);
                }
            }
        }
        refusal
    }

    /// The values of its variables and its cost, when this caller may run it. Its cost,
    /// as far as it is known, when not.
    fn admit(
        &self,
        operation: &Operation,
        variables: Option<&serde_json::Map<String, serde_json::Value>>,
        caller: &Caller<'_>,
    ) -> Result<(Variables, u64), (Refusal, u64)> {
        if self.is_untrusted(operation, caller) {
            let sentence = "This operation is not among the trusted documents of this server.";
            return Err((Refusal::new(code::UNTRUSTED_DOCUMENT, sentence), 0));
        }
        if caller.is_sibling && !operation.is_for_siblings {
            let sentence = "The papel SERVICO asks for _service and for what _entities have themselves, and for nothing else.";
            return Err((Refusal::new(code::FORBIDDEN, sentence), 0));
        }
        let may_introspect = caller.is_sibling || self.settings.introspection.allows(caller.requester.papel);
        if operation.introspects && !may_introspect {
            let sentence = "The schema may not be asked for with this login.";
            return Err((Refusal::new(code::FORBIDDEN, sentence), 0));
        }
        let scalars = match operation.kind {
            OperationType::Mutation => Scalars::AsTheyAre,
            _ => Scalars::Checked,
        };
        let variables = coerce(self.served.types(), &operation.variables, variables, scalars)
            .map_err(|refusal| (refusal, 0))?;
        let Price { cost, too_long } = operation.formula.price(&variables);
        match too_long {
            Some(list) => {
                let message = format!(
                    "`{}` must have at most {} entries, not {}.",
                    list.argument, list.most, list.count
                );
                Err((Refusal::new(code::LIMITE_LISTA, message), cost))
            }
            None => Ok((variables, cost)),
        }
    }

    /// Whether the operation is unknown and that matters. Nothing is computed
    /// where trust plays no part.
    fn is_untrusted(&self, operation: &Operation, caller: &Caller<'_>) -> bool {
        let Some(trusted) = &self.settings.trusted else { return false };
        let mode = trusted.mode();
        if mode == TrustMode::Off || caller.requester.papel == Papel::Admin || caller.is_sibling {
            return false;
        }
        if operation.fingerprint.is_some_and(|fingerprint| trusted.knows(&fingerprint)) {
            return false;
        }
        let (name, user) =
            (operation.name.as_ref().map_or("-".into(), |name| bounded(name)), &caller.requester.nome);
        let refused = mode == TrustMode::Enforce;
        tracing::warn!(
            graphql.operation.name = &*name,
            user.name = &**user,
            refused,
            "operation is not trusted"
        );
        refused
    }
}

/// What an operation is known by that is not run since its document does not fit. A document
/// that is too large or too deep is not looked at again.
fn misfit(ast: &Ast, asked: Option<&str>) -> Option<Arc<Signature>> {
    let chosen = choose_unchecked(ast, asked)?;
    Some(Arc::new(Signature::of_misfit(chosen, &fragments(ast))))
}

fn is_single_mutation(operation: &Operation) -> bool {
    operation.kind == OperationType::Mutation && operation.root_fields == 1
}
