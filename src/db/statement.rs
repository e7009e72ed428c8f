//! A statement: its name, its text, its arguments.
//!
//! Texts are prepared once per connection and kept, so their number must be
//! bounded: every helper here that builds a text returns one from a small,
//! fixed set.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::{Arguments as _, Encode, Type};

use super::{Fault, Store, StoreError};

/// The lengths to which IN lists are padded: a repeated key costs the server
/// nothing.
const LIST_LENGTHS: [usize; 7] = [1, 4, 16, 32, 128, 256, 1024];

/// The lengths to which UNIONs are padded: closer together, since an empty
/// branch still costs a look at the index.
const UNION_LENGTHS: [usize; 9] = [1, 2, 4, 8, 16, 24, 32, 64, 128];

/// The most keys one IN list takes.
pub const MOST_KEYS: usize = LIST_LENGTHS[LIST_LENGTHS.len() - 1];

/// The most parents one UNION takes.
pub const MOST_BRANCHES: usize = UNION_LENGTHS[UNION_LENGTHS.len() - 1];

/// The shortest of `lengths` that holds `count`, or the longest.
fn padded(lengths: &[usize], count: usize) -> usize {
    let fitting = lengths.iter().find(|length| **length >= count);
    fitting.or(lengths.last()).copied().unwrap_or(count)
}

/// One statement, ready to run. `name` is what spans and logs show.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) arguments: MySqlArguments,
    /// Why it must not be sent, when it must not: an argument has no form on the
    /// wire. The first such reason.
    flaw: Option<Arc<str>>,
}

impl Statement {
    /// A statement with no argument yet.
    #[must_use]
    pub fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, arguments: MySqlArguments::default(), flaw: None }
    }

    /// Adds the next argument. A statement with a value that the wire cannot carry
    /// (a year of six digits, say) is never sent: whoever runs it gets
    /// [`Fault::Internal`].
    #[must_use]
    pub fn bind<'q, T: Encode<'q, MySql> + Type<MySql>>(mut self, value: T) -> Self {
        self.add(value);
        self
    }

    /// Adds the keys of an IN list whose text came from [`in_list`], repeating
    /// the last one to fill it.
    #[must_use]
    pub fn bind_list(mut self, keys: &[u64]) -> Self {
        let filler = keys.last().copied().unwrap_or_default();
        let length = padded(&LIST_LENGTHS, keys.len());
        for position in 0..length {
            self.add(keys.get(position).copied().unwrap_or(filler));
        }
        self
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
    pub(super) fn check(&self, store: Store) -> Result<(), StoreError> {
        match &self.flaw {
            Some(flaw) => Err(StoreError::new(store, Fault::Internal, Arc::clone(flaw))),
            None => Ok(()),
        }
    }
}

/// Texts made from literals, kept for the life of the program. Bounded because
/// the makers are: they combine a handful of literal clauses or the padded
/// lengths.
#[derive(Debug, Default)]
pub struct Texts(RwLock<HashMap<u64, &'static str>>);

impl Texts {
    /// The text numbered `number`, made by `make` the first time.
    pub fn get(&self, number: u64, make: impl FnOnce() -> String) -> &'static str {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(&number) {
            return text;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(number).or_insert_with(|| make().leak())
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

/// A statement text with one IN list, written `(…)` in `template`, in the
/// padded length for `keys`.
pub fn in_list(texts: &Texts, template: impl FnOnce() -> String, keys: usize) -> &'static str {
    let length = padded(&LIST_LENGTHS, keys);
    texts.get(length as u64, || {
        let marks = vec!["?"; length].join(", ");
        template().replace("(…)", &format!("({marks})"))
    })
}

/// A statement text with one list of rows of one value, written `(…)` in
/// `template`, in the padded length for `keys`; bind them with
/// [`Statement::bind_list`].
pub fn value_list(texts: &Texts, template: impl FnOnce() -> String, keys: usize) -> &'static str {
    let length = padded(&LIST_LENGTHS, keys);
    texts.get(length as u64, || template().replace("(…)", &vec!["(?)"; length].join(", ")))
}

/// How many branches [`union_all`] writes for `branches` parents; the ones over
/// must be bound to a parent that has no rows.
#[must_use]
pub fn union_length(branches: usize) -> usize {
    padded(&UNION_LENGTHS, branches)
}

/// `branch`, in parentheses, `UNION ALL` itself, in every padded length: the
/// first rows of each of many parents in one statement. `{n}` in it becomes the
/// branch's number. Never a window function: those read every row of every
/// parent.
pub fn union_all(
    texts: &Texts,
    variant: u64,
    branch: impl FnOnce() -> String,
    branches: usize,
) -> &'static str {
    let length = union_length(branches);
    texts.get((variant << 32) | length as u64, || {
        let branch = branch();
        let numbered = |number: usize| format!("({})", branch.replace("{n}", &number.to_string()));
        (0..length).map(numbered).collect::<Vec<_>>().join("\nUNION ALL\n")
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn lists_are_padded_to_a_few_lengths() {
        static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
        assert_eq!(padded(&LIST_LENGTHS, 3), 4);
        assert_eq!(padded(&LIST_LENGTHS, 17), 32);
        assert_eq!(padded(&LIST_LENGTHS, 9999), MOST_KEYS);
        let text = in_list(&TEXTS, || "SELECT 1 WHERE id IN (…)".into(), 3);
        assert_eq!(text, "SELECT 1 WHERE id IN (?, ?, ?, ?)");
        assert!(std::ptr::eq(text, in_list(&TEXTS, || "another".into(), 2)), "kept");
    }

    #[test]
    fn a_value_without_a_form_on_the_wire_spoils_the_statement() {
        fn refused<T: for<'q> Encode<'q, MySql> + Type<MySql>>(value: T) -> bool {
            let statement = Statement::new("test", "SELECT ?, ?, ?").bind(1).bind(value).bind("last");
            let error = statement.check(Store::Catalogo).err();
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

    #[test]
    fn a_union_has_one_branch_a_parent() {
        static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
        let text = union_all(&TEXTS, 0, || "SELECT {n} LIMIT ?".into(), 3);
        assert_eq!(text.matches("UNION ALL").count(), 3);
        assert!(text.starts_with("(SELECT 0 LIMIT ?)") && text.ends_with("(SELECT 3 LIMIT ?)"));
    }
}
