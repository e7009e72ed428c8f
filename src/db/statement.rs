//! A statement: its name, its text, its arguments.
//!
//! Texts are prepared once per connection and kept, so their number must be
//! bounded: they are literals, put together from a few literal clauses
//! ([`intern`]), or lists in a few lengths ([`sql_list`](super::sql_list)).

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::{Arguments as _, Encode, Type};
use tracing::Span;
use tracing::field::Empty;

use super::{AnyStore, Fault, Reading, StoreError};

/// One statement, ready to run. `name` is what spans and logs show.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) arguments: MySqlArguments,
    /// What its rows have of their table.
    pub(super) reading: Reading,
    /// Why it must not be sent, when it must not: an argument has no form on the
    /// wire, or there are more than fit. The first such reason.
    flaw: Option<Arc<str>>,
}

impl Statement {
    /// A statement with no argument yet.
    #[must_use]
    pub fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, arguments: MySqlArguments::default(), reading: Reading::ALL, flaw: None }
    }

    /// As this statement, whose rows have only these columns of their table.
    #[must_use]
    pub const fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Adds the next argument. A statement with a value that the wire cannot carry
    /// (a year of six digits, say) is never sent: whoever runs it gets
    /// [`Fault::Internal`].
    #[must_use]
    pub fn bind<'q, T: Encode<'q, MySql> + Type<MySql>>(mut self, value: T) -> Self {
        self.add(value);
        self
    }

    /// As this statement, but never to be sent.
    pub(super) fn refused(mut self, reason: impl Into<Arc<str>>) -> Self {
        self.flaw.get_or_insert_with(|| reason.into());
        self
    }

    pub(super) fn argument_count(&self) -> usize {
        self.arguments.len()
    }

    fn add<'q, T: Encode<'q, MySql> + Type<MySql>>(&mut self, value: T) {
        let position = self.arguments.len() + 1;
        if let Err(reason) = self.arguments.add(value) {
            self.flaw.get_or_insert_with(|| format!("argument {position} cannot be bound: {reason}").into());
        }
    }

    /// Whether it may be sent to `store`.
    ///
    /// # Errors
    /// [`Fault::Internal`]: whoever made the statement let a value pass that no
    /// column holds.
    pub(super) fn check(&self, store: AnyStore) -> Result<(), StoreError> {
        match &self.flaw {
            Some(flaw) => Err(StoreError::new(store, Fault::Internal, Arc::clone(flaw))),
            None => Ok(()),
        }
    }
}

/// The span in which a statement runs.
pub(super) fn span(store: AnyStore, name: &'static str) -> Span {
    tracing::debug_span!(
        "statement",
        db.system.name = "mysql",
        db.namespace = store.name(),
        db.operation.name = name,
        server.address = Empty,
        rows = Empty,
        micros = Empty,
        error.type = Empty,
    )
}

/// Notes in a span how what ran in it has failed, if it has. A value that is taken is an
/// answer to the person who writes.
pub(super) fn note_failure(span: &Span, failure: Option<&StoreError>) {
    if let Some(error) = failure.filter(|error| error.fault != Fault::Duplicate) {
        span.record("error.type", error.fault.name());
    }
}

/// Keeps a text that was put together from literal clauses. Bounded because
/// the clauses of a table are.
pub fn intern(text: String) -> &'static str {
    static KNOWN: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(text.as_str()).copied();
    known.unwrap_or_else(|| {
        let mut texts = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        texts.get(text.as_str()).copied().unwrap_or_else(|| {
            let text: &'static str = text.leak();
            texts.insert(text);
            text
        })
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::Store;
    use super::*;

    #[test]
    fn a_value_without_a_form_on_the_wire_spoils_the_statement() {
        fn refused<T: for<'q> Encode<'q, MySql> + Type<MySql>>(value: T) -> bool {
            let statement = Statement::new("test", "SELECT ?, ?, ?").bind(1).bind(value).bind("last");
            let error = statement.check(Store::Catalogo.into()).err();
            error.is_some_and(|error| {
                error.fault == Fault::Internal && error.detail.starts_with("argument 2 cannot be bound")
            })
        }
        let day = |year| NaiveDate::from_ymd_opt(year, 2, 28).expect("a day");
        for (year, expected) in
            [(-1, true), (0, false), (1990, false), (9999, false), (65_536, true), (200_000, true)]
        {
            let noon = day(year).and_hms_opt(12, 0, 0).expect("noon");
            assert_eq!(refused(day(year)), expected, "{year}");
            assert_eq!(refused(Some(day(year))), expected, "{year}");
            assert_eq!(refused(noon), expected, "{year}");
            assert_eq!(refused(noon.and_utc()), expected, "{year}");
            assert_eq!(refused(Some(crate::kernel::scalars::Date(day(year)))), expected, "{year}");
            assert_eq!(refused(crate::kernel::scalars::DateTime(noon.and_utc())), expected, "{year}");
        }
        for sound in
            [refused(u64::MAX), refused(i64::MIN), refused(""), refused(None::<String>), refused(true)]
        {
            assert!(!sound);
        }
        let largest = rust_decimal::Decimal::MAX;
        assert!(!refused(largest) && !refused(crate::kernel::scalars::Decimal(largest)));
    }
}
