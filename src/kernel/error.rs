//! What a resolver may fail with, and what the client sees of it.
//!
//! The client gets a fixed English sentence and `extensions.code`; the cause
//! goes to the log, where the failure happened. Resolvers return [`GraphError`]
//! and nothing else, so no text of a driver can reach an answer.

use async_graphql::{Error, ErrorExtensionValues, ServerError, Value};

use crate::db::{AnyStore, Fault, StoreError, Unreadable};

/// The values of `extensions.code`.
pub mod code {
    /// No valid credentials.
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// Not allowed for this user, or from this page.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// The hash of a persisted query is not known.
    pub const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
    /// The operation is not among the trusted ones.
    pub const UNTRUSTED_DOCUMENT: &str = "UNTRUSTED_DOCUMENT";
    /// The user has spent what a minute allows, or too many logins wait or have
    /// failed.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The program has just started.
    pub const STARTING: &str = "STARTING";
    /// Too many requests are under way.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// The HTTP request is not a GraphQL request.
    pub const BAD_REQUEST: &str = "BAD_REQUEST";
    /// The document is not GraphQL.
    pub const GRAPHQL_PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    /// The document does not fit the schema.
    pub const GRAPHQL_VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    /// An argument or variable has an impossible value.
    pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    /// `first`/`last` out of range or combined.
    pub const PAGINACAO_INVALIDA: &str = "PAGINACAO_INVALIDA";
    /// A cursor that this connection did not hand out.
    pub const CURSOR_INVALIDO: &str = "CURSOR_INVALIDO";
    /// An id that is no id, or that of another type.
    pub const ID_INVALIDO: &str = "ID_INVALIDO";
    /// Nested or expanded beyond the limits.
    pub const LIMITE_PROFUNDIDADE: &str = "LIMITE_PROFUNDIDADE";
    /// More fields under another name than allowed.
    pub const LIMITE_ALIASES: &str = "LIMITE_ALIASES";
    /// More directives than allowed.
    pub const LIMITE_DIRETIVAS: &str = "LIMITE_DIRETIVAS";
    /// A list in an argument is longer than allowed.
    pub const LIMITE_LISTA: &str = "LIMITE_LISTA";
    /// More operations in one request than allowed.
    pub const LIMITE_LOTE: &str = "LIMITE_LOTE";
    /// More selected than an answer may hold.
    pub const LIMITE_CUSTO: &str = "LIMITE_CUSTO";
    /// A store cannot be reached.
    pub const STORE_UNAVAILABLE: &str = "STORE_UNAVAILABLE";
    /// A store did not answer in time.
    pub const STORE_TIMEOUT: &str = "STORE_TIMEOUT";
    /// All of a store's connections are taken.
    pub const STORE_BUSY: &str = "STORE_BUSY";
    /// A row of a store cannot be read, since another program has written it.
    pub const STORE_UNREADABLE: &str = "STORE_UNREADABLE";
    /// The whole request took too long.
    pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";
    /// Another write has the same record, or the same key, in hand.
    pub const CONFLICT: &str = "CONFLICT";
    /// The idempotency key was used for something else.
    pub const IDEMPOTENCY_MISMATCH: &str = "IDEMPOTENCY_MISMATCH";
    /// Nobody can tell right now whether the write was done.
    pub const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";
    /// Our mistake.
    pub const INTERNAL: &str = "INTERNAL";
}

/// The failure of a field.
#[derive(Clone, Debug)]
pub enum GraphError {
    /// The caller's doing: `code`, and a sentence that names the argument and
    /// the rule.
    Input(&'static str, String),
    /// A store's doing.
    Store(StoreError),
}

/// What resolvers return.
pub type GraphResult<T> = Result<T, GraphError>;

impl GraphError {
    /// A value that no rule allows.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::Input(code::BAD_USER_INPUT, message.into())
    }
}

impl From<StoreError> for GraphError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<GraphError> for Error {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Input(code, message) => coded(message, code, None),
            GraphError::Store(StoreError { store, fault, .. }) => {
                let (code, sentence) = match fault {
                    Fault::Unavailable | Fault::Lost => {
                        (code::STORE_UNAVAILABLE, "cannot be reached right now")
                    }
                    Fault::Timeout | Fault::Slow => (code::STORE_TIMEOUT, "did not answer in time"),
                    Fault::Busy => (code::STORE_BUSY, "is busy, try again shortly"),
                    Fault::Deadlock | Fault::Locked => {
                        (code::CONFLICT, "has another write to the same record under way, try again")
                    }
                    Fault::OutcomeUnknown => (
                        code::OUTCOME_UNKNOWN,
                        "was told to write and did not answer; ask again with the same idempotency key",
                    ),
                    Fault::Unreadable => (
                        code::STORE_UNREADABLE,
                        "has a row here that cannot be read, since another program has written it",
                    ),
                    Fault::Internal | Fault::Duplicate => {
                        (code::INTERNAL, "could not answer because of an internal error")
                    }
                };
                coded(format!("The store `{store}` {sentence}."), code, Some(store))
            }
        }
    }
}

/// What is told of a row that is left out of an answer.
#[must_use]
pub fn unreadable(row: Unreadable) -> ServerError {
    let which = row.id.map_or_else(|| "a row".to_owned(), |id| format!("the row {id}"));
    let message = format!(
        "The store `{}` has {which} that cannot be read, since another program has written it; it is left out.",
        row.store
    );
    let error = coded(message, code::STORE_UNREADABLE, Some(row.store));
    // It has no place in the document: whatever asked for the row may share it.
    let mut error = error.into_server_error(async_graphql::Pos::default());
    error.locations.clear();
    error
}

/// The code of an error in an answer.
#[must_use]
pub fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn coded(message: String, code: &'static str, store: Option<AnyStore>) -> Error {
    let mut values = ErrorExtensionValues::default();
    values.set("code", code);
    if let Some(store) = store {
        values.set("store", store.name());
    }
    Error { message, source: None, extensions: Some(values) }
}
