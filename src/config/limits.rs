//! What an operation may be, and what a user may spend.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::setting::section;
use crate::kernel::AnswerLimits;
use crate::operation::DocumentLimits;

section! {
    /// What an operation may be.
    Limits in "limits" {
        document_bytes: usize = DocumentLimits::default().bytes, number, "QUARTETO_LIMIT_DOCUMENT_BYTES",
            "Bytes of a document.";
        tokens: usize = DocumentLimits::default().tokens, number, "QUARTETO_LIMIT_TOKENS",
            "Tokens of a document, blanks between them among them.";
        // Beyond this the parser could run out of stack.
        nesting: usize = DocumentLimits::default().nesting, number in 8..=200, "QUARTETO_LIMIT_NESTING",
            "Brackets inside each other in a document.";
        depth: usize = DocumentLimits::default().depth, number in 4..=60, "QUARTETO_LIMIT_DEPTH",
            "Fields inside each other, fragments expanded.";
        selections: usize = DocumentLimits::default().selections, number, "QUARTETO_LIMIT_SELECTIONS",
            "Fields in all, fragments expanded.";
        aliases: usize = DocumentLimits::default().aliases, number, "QUARTETO_LIMIT_ALIASES",
            "Aliases in all, fragments expanded.";
        root_fields: usize = DocumentLimits::default().root_fields, number, "QUARTETO_LIMIT_ROOT_FIELDS",
            "Fields at the root of an operation.";
        directives: usize = DocumentLimits::default().directives, number, "QUARTETO_LIMIT_DIRECTIVES",
            "Directives in all, fragments expanded.";
        representations: usize = 0, number, "QUARTETO_LIMIT_REPRESENTATIONS",
            "Entries of `representations`, with which a federation router asks a subgraph for entities; 0 for as many as `limits.cost` lets an answer hold.";
        cost: u64 = 20_000, number, "QUARTETO_LIMIT_COST",
            "Objects that an answer may hold, by the sizes that the schema declares and the operation asks for.";
        cost_mode: CostMode = CostMode::Enforce, text, "QUARTETO_LIMIT_COST_MODE",
            "`enforce` refuses what costs more, `measure` only logs the cost.";
        answer_objects: u64 = AnswerLimits::default().objects, number, "QUARTETO_LIMIT_ANSWER_OBJECTS",
            "Objects that an answer may hold, counted while it is made.";
        answer_fields: u64 = AnswerLimits::default().fields, number, "QUARTETO_LIMIT_ANSWER_FIELDS",
            "Fields of all objects of an answer together, counted while it is made.";
        answer_bytes: u64 = AnswerLimits::default().bytes, number, "QUARTETO_LIMIT_ANSWER_BYTES",
            "Bytes of an answer, counted while it is made.";
        rate_per_minute: u32 = 0, number, "QUARTETO_RATE_PER_MINUTE",
            "Cost that a user may spend in a minute, at least 1 an operation; 0 for no limit.";
        rate_burst: u32 = 0, number, "QUARTETO_RATE_BURST",
            "Cost that a user who was idle may spend at once; 0 for that of a minute.";
    }
}

/// What happens to an operation that costs too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostMode {
    /// It is refused.
    Enforce,
    /// It runs, and the log shows its cost.
    Measure,
}

/// What a user may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Cost that comes back in a minute.
    pub per_minute: NonZeroU32,
    /// Cost that may be spent at once.
    pub burst: NonZeroU32,
}

impl Limits {
    /// The rules that tie settings together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.rate_burst == 0 || self.rate_per_minute > 0 {
            return Ok(());
        }
        Err(ConfigError("limits.rate_burst needs limits.rate_per_minute".into()))
    }

    /// Of a document.
    #[must_use]
    pub fn document(&self) -> DocumentLimits {
        DocumentLimits {
            bytes: self.document_bytes,
            tokens: self.tokens,
            nesting: self.nesting,
            depth: self.depth,
            selections: self.selections,
            aliases: self.aliases,
            root_fields: self.root_fields,
            directives: self.directives,
            ..DocumentLimits::default()
        }
    }

    /// Entries of `representations`. A router asks for all entities of a level at once, of which
    /// there are as many as the merged graph would have answered with.
    #[must_use]
    pub fn representations(&self) -> usize {
        match self.representations {
            0 => usize::try_from(self.cost).unwrap_or(usize::MAX),
            most => most,
        }
    }

    /// Of an answer.
    #[must_use]
    pub const fn answer(&self) -> AnswerLimits {
        AnswerLimits { objects: self.answer_objects, fields: self.answer_fields, bytes: self.answer_bytes }
    }

    /// The most that an operation may cost, where that is enforced.
    #[must_use]
    pub fn enforced_cost(&self) -> Option<u64> {
        (self.cost_mode == CostMode::Enforce).then_some(self.cost)
    }

    /// What a user may spend, where that is limited.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let per_minute = NonZeroU32::new(self.rate_per_minute)?;
        Some(Rate { per_minute, burst: NonZeroU32::new(self.rate_burst).unwrap_or(per_minute) })
    }
}
