//! From a text to something that may run, and its run: two doors, for HTTP, and for
//! whatever else asks.
//!
//! [`Operations::check`] makes a [`Checked`] of what a client asks; nothing else can be
//! given to [`Operations::run`]. On the way to the first:
//!
//! | step | file |
//! | --- | --- |
//! | the text: sent, remembered by its hash, trusted by its id | [`persisted`], [`trusted`] |
//! | parsed within limits; measured; validated against the SDL that is served | [`document`], [`size`], [`rules`], [`messages`] |
//! | kept, when valid | [`document`] |
//! | the operation chosen; trusted; its variables coerced; priced by its types | [`checked`], [`canonical`], [`variables`], [`cost`] |
//! | what it is known by when accesses are counted | [`signature`] |
//!
//! and to the second: executed, counted while it is made, masked, recorded ([`run`],
//! [`masking`], [`answer`]). What does not live here: HTTP; a type of the graph; how
//! an answer is made (`executor/`).
//!
//! To add a limit: a field of [`DocumentLimits`] and its check in [`size`]. To let a
//! field weigh more: `@cost` beside it, see `kernel/sizes.rs`.

mod answer;
mod ask;
mod candidate;
mod canonical;
mod checked;
pub(crate) mod cost;
mod document;
mod executable;
mod masking;
mod merging;
mod messages;
mod persisted;
mod pins;
mod refusal;
mod rules;
mod run;
mod signature;
mod size;
#[cfg(test)]
mod tests;
pub mod trusted;
mod variables;

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, RwLock};

pub use answer::Answer;
pub use ask::Ask;
pub use candidate::Candidate;
pub use checked::{Checked, Refused, RefusedOperation};
pub use refusal::{Problem, Refusal};
pub use run::Caller;
pub use size::DocumentLimits;

use crate::batching::Scopes;
use crate::config::Introspection;
use crate::insight::Metrics;
use crate::kernel::AnswerLimits;
use crate::schema::Served;
use crate::stores::acessos::Acessos;
use document::{Checks, Documents};
use persisted::Persisted;
use pins::Pins;
use trusted::Trusted;

/// Whether a text is GraphQL within `limits`, before anything is known of a schema:
/// parsed and measured.
///
/// # Errors
/// [`Refusal`], in time proportional to the text.
pub fn check_text(text: &str, limits: DocumentLimits) -> Result<(), Refusal> {
    size::measure(&document::parse(text, limits)?, limits)
}

/// What operations are checked and run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a document may be.
    pub document: DocumentLimits,
    /// What an answer may hold.
    pub answer: AnswerLimits,
    /// Entries of `representations`.
    pub representations: usize,
    /// The operations that are trusted, where there are any.
    pub trusted: Option<Arc<Trusted>>,
    /// Who may ask for the schema.
    pub introspection: Introspection,
}

/// Checks and runs the operations of one served schema.
pub struct Operations {
    served: Arc<Served>,
    settings: Settings,
    checks: Checks,
    documents: Documents,
    persisted: Persisted,
    requests: Scopes,
    shared: Arc<Shared>,
    /// Held for reading by every mutation.
    writes_under_way: Arc<RwLock<()>>,
}

/// What outlives a request, since a write may.
struct Shared {
    metrics: Arc<Metrics>,
    acessos: Acessos,
    /// Who must read from the primaries; none where nobody reads from elsewhere.
    pins: Option<Pins>,
}

impl Operations {
    /// Over a served schema; operations are counted in `metrics` and `acessos`.
    #[must_use]
    pub fn new(served: Arc<Served>, settings: Settings, metrics: Arc<Metrics>, acessos: Acessos) -> Self {
        let pins = |acessos: &Acessos| {
            let pins = acessos.stores().iter().filter_map(|(_, db)| db.pin());
            pins.max().map(Pins::new)
        };
        acessos.knows_schema(signature::parts(served.types()));
        let checks = Checks {
            limits: settings.document,
            representations: settings.representations as u64,
            fingerprints: settings.trusted.is_some(),
        };
        Self {
            served,
            checks,
            documents: Documents::new(settings.document.kept_bytes),
            persisted: Persisted::new(),
            requests: Scopes::default(),
            shared: Arc::new(Shared { metrics, pins: pins(&acessos), acessos }),
            writes_under_way: Arc::default(),
            settings,
        }
    }

    /// The schema that is served.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.served
    }

    /// A write that is no operation: it is waited for as long as this is held.
    pub async fn writing(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.writes_under_way).read_owned().await
    }

    /// Waits for the mutations that are under way, their clients being gone or
    /// not.
    pub async fn written(&self) {
        drop(self.writes_under_way.write().await);
    }
}
