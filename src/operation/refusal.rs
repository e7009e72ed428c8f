//! Why an operation is not executed.

use async_graphql::{Pos, ServerError};

use crate::kernel::code;

/// Why an operation is not executed: a code, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The value of `extensions.code`.
    pub code: &'static str,
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A sentence.
    pub message: String,
    /// Where in the document, if it is somewhere in it.
    pub at: Option<Pos>,
}

impl Problem {
    /// Something that is wrong at a place of the document.
    pub(super) fn at(message: impl Into<String>, at: Option<Pos>) -> Self {
        Self { message: message.into(), at }
    }
}

impl Refusal {
    /// For one reason, which has no place.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, problems: vec![Problem::at(message, None)] }
    }

    /// For what is wrong in the document.
    pub(super) fn of_document(problems: Vec<Problem>) -> Self {
        Self { code: code::GRAPHQL_VALIDATION_FAILED, problems }
    }

    /// As an answer has it.
    pub(super) fn errors(&self) -> Vec<ServerError> {
        let error = |problem: &Problem| {
            let mut error = ServerError::new(&problem.message, problem.at);
            error.extensions.get_or_insert_default().set("code", self.code);
            error
        };
        self.problems.iter().map(error).collect()
    }
}
