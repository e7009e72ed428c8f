//! Statements about many keys at once, each in a few lengths.
//!
//! A list owns its text, and makes the statement with its arguments: so no two
//! statements can share a text by mistake, and the number of marks is that of the
//! arguments. Each is a `static` beside the function that runs it:
//!
//! ```ignore
//! static BY_ID: InList = InList::new("clientes.por_id", &[SELECT, " WHERE `id` IN (…)"]);
//! db.read(BY_ID.of(ids), audience).await
//! ```
//!
//! Texts are prepared once per connection and kept, so their number is bounded: a
//! list that is shorter than the next length is filled up. One that is longer than
//! the longest is refused when it is run, as a mistake of ours
//! ([`Fault::Internal`](super::Fault::Internal)); whoever asks for more keys asks
//! several times.

use std::sync::OnceLock;

use sqlx::mysql::MySql;
use sqlx::{Encode, Type};

use super::Statement;
use super::columns::{Columns, FORMS, Form, Select};

/// The lengths to which lists are filled up: a repeated key costs the server next to
/// nothing, but it is sent. Those of pages that have ten or twenty rows, and of several of
/// them together, are among them.
const LIST_LENGTHS: [usize; 9] = [1, 4, 10, 20, 40, 100, 200, 400, 1024];

/// The lengths to which UNIONs are filled up: closer together, since an empty
/// branch still is planned each time and costs a look at the index.
const UNION_LENGTHS: [usize; 14] = [1, 2, 4, 7, 10, 15, 20, 30, 40, 50, 60, 80, 100, 128];

/// The most keys that one [`InList`] or [`ValueList`] takes.
pub const MOST_KEYS: usize = LIST_LENGTHS[LIST_LENGTHS.len() - 1];

/// The most parents that one [`Union`] takes.
pub const MOST_BRANCHES: usize = UNION_LENGTHS[UNION_LENGTHS.len() - 1];

/// A statement with a list of keys, written `IN (…)`. Arguments that come after the
/// list are bound to the statement that it makes.
#[derive(Debug)]
pub struct InList(Template<{ LIST_LENGTHS.len() }>);

impl InList {
    /// `name` is what spans and logs show; the text is that of `parts`, one after the
    /// other.
    #[must_use]
    pub const fn new(name: &'static str, parts: &'static [&'static str]) -> Self {
        Self(Template::new(name, parts, &LIST_LENGTHS, false))
    }

    /// The statement for `keys`, at most [`MOST_KEYS`]; for none, one that finds
    /// nothing.
    #[must_use]
    pub fn of<K>(&'static self, keys: &[K]) -> Statement
    where
        K: Copy + for<'q> Encode<'q, MySql> + Type<MySql>,
    {
        self.0.filled(keys.len(), with_marks, |statement, length| bind_all(statement, keys, length))
    }
}

/// The text with so many marks in its list.
fn with_marks(text: &str, length: usize) -> String {
    text.replacen(MARK, &format!("({})", vec!["?"; length].join(", ")), 1)
}

/// Binds `keys`, filled up to `length`: the last is repeated; NULL equals nothing.
fn bind_all<K>(statement: Statement, keys: &[K], length: usize) -> Statement
where
    K: Copy + for<'q> Encode<'q, MySql> + Type<MySql>,
{
    let filler = keys.last().copied();
    let all = keys.iter().copied().map(Some).chain(std::iter::repeat(filler));
    all.take(length).fold(statement, |statement, key| match key {
        Some(key) => statement.bind(key),
        None => statement.bind(None::<K>),
    })
}

/// An [`InList`] that reads the columns that are wanted, of a table.
#[derive(Debug)]
pub struct SelectList {
    select: &'static Select,
    template: Template<{ LIST_LENGTHS.len() }>,
    /// Of each selection.
    texts: [Texts<{ LIST_LENGTHS.len() }>; FORMS],
}

impl SelectList {
    /// `name` is what spans and logs show; the text is the selection and then `condition`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        select: &'static Select,
        condition: &'static [&'static str],
    ) -> Self {
        let template = Template::new(name, condition, &LIST_LENGTHS, false);
        Self { select, template, texts: [const { [const { OnceLock::new() }; LIST_LENGTHS.len()] }; FORMS] }
    }

    /// The statement for `keys`, as [`InList::of`], which reads the columns `wanted`.
    #[must_use]
    pub fn of<K>(&'static self, keys: &[K], wanted: Columns) -> Statement
    where
        K: Copy + for<'q> Encode<'q, MySql> + Type<MySql>,
    {
        let Form { number, reading, text } = self.select.of(wanted);
        let statement = self.template.filled_in(
            &self.texts[number],
            keys.len(),
            |condition, length| format!("{text}{}", with_marks(condition, length)),
            |statement, length| bind_all(statement, keys, length),
        );
        statement.reading(reading)
    }
}

/// A statement that inserts many rows of one value, written `VALUES (…)`.
#[derive(Debug)]
pub struct ValueList(Template<{ LIST_LENGTHS.len() }>);

impl ValueList {
    /// As [`InList::new`].
    #[must_use]
    pub const fn new(name: &'static str, parts: &'static [&'static str]) -> Self {
        Self(Template::new(name, parts, &LIST_LENGTHS, true))
    }

    /// The statement for `values`, at least one and at most [`MOST_KEYS`]. It must be
    /// one to which a repeated value makes no difference, as INSERT IGNORE.
    #[must_use]
    pub fn of<K>(&'static self, values: &[K]) -> Statement
    where
        K: Copy + for<'q> Encode<'q, MySql> + Type<MySql>,
    {
        let Some(last) = values.last().copied() else {
            return self.0.refused("no value to insert".to_owned());
        };
        let marks = |length: usize| vec!["(?)"; length].join(", ");
        self.0.filled(
            values.len(),
            |text, length| text.replacen(MARK, &marks(length), 1),
            |statement, length| {
                let all = values.iter().copied().chain(std::iter::repeat(last));
                all.take(length).fold(statement, Statement::bind)
            },
        )
    }
}

/// What a [`Union`] asks for one parent.
pub trait UnionBranch: Copy {
    /// Asks for nothing, to fill a UNION up.
    const EMPTY: Self;

    /// Binds the arguments of one branch, in the order of its marks.
    #[must_use]
    fn bind(self, statement: Statement) -> Statement;
}

/// A SELECT in parentheses, `UNION ALL` itself, once a parent: the first rows of
/// each of many parents in one statement. `{n}` in it becomes the branch's number.
/// Never a window function: those read every row of every parent.
#[derive(Debug)]
pub struct Union(Template<{ UNION_LENGTHS.len() }>);

impl Union {
    /// As [`InList::new`]; the parts make one branch.
    #[must_use]
    pub const fn new(name: &'static str, parts: &'static [&'static str]) -> Self {
        Self(Template::new(name, parts, &UNION_LENGTHS, true))
    }

    /// The statement for `branches`, at most [`MOST_BRANCHES`].
    #[must_use]
    pub fn of<B: UnionBranch>(&'static self, branches: &[B]) -> Statement {
        let numbered = |text: &str, length: usize| {
            let branch = |number: usize| format!("({})", text.replace("{n}", &number.to_string()));
            (0..length).map(branch).collect::<Vec<_>>().join("\nUNION ALL\n")
        };
        self.0.filled(branches.len(), numbered, |statement, length| {
            let all = branches.iter().copied().chain(std::iter::repeat(B::EMPTY));
            all.take(length).fold(statement, |statement, branch| branch.bind(statement))
        })
    }
}

/// Stands for the list in a template.
const MARK: &str = "(…)";

/// A text in `N` lengths, each made when it is first asked for.
#[derive(Debug)]
struct Template<const N: usize> {
    name: &'static str,
    parts: &'static [&'static str],
    lengths: &'static [usize; N],
    /// No argument follows those of the list.
    whole: bool,
    texts: Texts<N>,
}

/// Of each length.
type Texts<const N: usize> = [OnceLock<Text>; N];

#[derive(Debug)]
struct Text {
    sql: Box<str>,
    marks: usize,
}

impl<const N: usize> Template<N> {
    const fn new(
        name: &'static str,
        parts: &'static [&'static str],
        lengths: &'static [usize; N],
        whole: bool,
    ) -> Self {
        Self { name, parts, lengths, whole, texts: [const { OnceLock::new() }; N] }
    }

    /// The statement for `count` keys: its text made by `make` for the next length,
    /// and its arguments by `bind`.
    fn filled(
        &'static self,
        count: usize,
        make: impl FnOnce(&str, usize) -> String,
        bind: impl FnOnce(Statement, usize) -> Statement,
    ) -> Statement {
        self.filled_in(&self.texts, count, make, bind)
    }

    /// Likewise, with texts that are kept elsewhere.
    fn filled_in(
        &'static self,
        texts: &'static Texts<N>,
        count: usize,
        make: impl FnOnce(&str, usize) -> String,
        bind: impl FnOnce(Statement, usize) -> Statement,
    ) -> Statement {
        let fitting = self.lengths.iter().zip(texts).find(|(length, _)| **length >= count);
        let Some((length, text)) = fitting else {
            return self.refused(format!("{count} keys, more than the list takes"));
        };
        let text = text.get_or_init(|| {
            let sql = make(&self.parts.concat(), *length).into_boxed_str();
            Text { marks: sql.matches('?').count(), sql }
        });
        let statement = bind(Statement::new(self.name, &text.sql), *length);
        let bound = statement.argument_count();
        if bound > text.marks || (self.whole && bound < text.marks) {
            return self.refused(format!("{bound} arguments for {} marks", text.marks));
        }
        statement
    }

    /// A statement that will not be sent.
    fn refused(&self, reason: String) -> Statement {
        Statement::new(self.name, "").refused(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Store};
    use super::*;

    fn refusal(statement: &Statement) -> Option<String> {
        let error = statement.check(Store::Clientes.into()).err()?;
        assert_eq!(error.fault, Fault::Internal);
        Some(error.detail.to_string())
    }

    #[test]
    fn lists_are_filled_up_to_a_few_lengths_and_their_texts_are_kept() {
        static LIST: InList = InList::new("test", &["SELECT 1", " WHERE `id` IN (…)", " AND `x` = ?"]);
        let text = LIST.of(&[7_u64, 8, 9]).text;
        assert_eq!(text, "SELECT 1 WHERE `id` IN (?, ?, ?, ?) AND `x` = ?");
        assert!(std::ptr::eq(text, LIST.of(&[1_u64, 2]).text), "kept");
        for (count, length) in [(0, 1), (1, 1), (2, 4), (17, 20), (129, 200), (401, 1024), (1024, 1024)] {
            let statement = LIST.of(&vec![1_u64; count]);
            let marks = statement.text.matches('?').count();
            assert_eq!((statement.argument_count(), marks), (length, length + 1), "{count}");
            assert_eq!(refusal(&statement), None);
        }
    }

    #[test]
    fn two_lists_have_two_texts() {
        static ONE: InList = InList::new("one", &["SELECT 1 WHERE 1 IN (…)"]);
        static OTHER: InList = InList::new("other", &["SELECT 2 WHERE 2 IN (…)"]);
        assert_ne!(ONE.of(&[1_u64]).text, OTHER.of(&[1_u64]).text);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_dropped() {
        static LIST: InList = InList::new("test", &["SELECT 1 WHERE 1 IN (…)"]);
        static VALUES: ValueList = ValueList::new("test", &["INSERT IGNORE INTO `t` VALUES (…)"]);
        static UNION: Union = Union::new("test", &["SELECT {n}, ?, ?"]);
        let more = vec![1_u64; MOST_KEYS + 1];
        assert_eq!(refusal(&LIST.of(&more)).as_deref(), Some("1025 keys, more than the list takes"));
        assert_eq!(refusal(&VALUES.of(&more)).as_deref(), Some("1025 keys, more than the list takes"));
        assert_eq!(refusal(&VALUES.of::<u64>(&[])).as_deref(), Some("no value to insert"));
        let parents = [Two(1, 2); MOST_BRANCHES + 1];
        assert_eq!(refusal(&UNION.of(&parents)).as_deref(), Some("129 keys, more than the list takes"));
    }

    #[test]
    fn values_are_rows_of_one() {
        static LIST: ValueList = ValueList::new("test", &["INSERT IGNORE INTO `t` VALUES (…)"]);
        let statement = LIST.of(&[1_u64, 2]);
        assert_eq!(statement.text, "INSERT IGNORE INTO `t` VALUES (?), (?), (?), (?)");
        assert_eq!((statement.argument_count(), refusal(&statement)), (4, None));
    }

    #[derive(Clone, Copy)]
    struct Two(u64, u64);

    impl UnionBranch for Two {
        const EMPTY: Self = Self(0, 0);

        fn bind(self, statement: Statement) -> Statement {
            statement.bind(self.0).bind(self.1)
        }
    }

    #[test]
    fn a_union_has_one_branch_a_parent_and_the_arguments_of_each() {
        static UNION: Union = Union::new("test", &["SELECT {n}, ?", " LIMIT ?"]);
        let statement = UNION.of(&[Two(1, 2), Two(3, 4), Two(5, 6)]);
        assert_eq!(statement.text.matches("UNION ALL").count(), 3);
        assert!(statement.text.starts_with("(SELECT 0, ? LIMIT ?)"), "{}", statement.text);
        assert!(statement.text.ends_with("(SELECT 3, ? LIMIT ?)"), "{}", statement.text);
        assert_eq!((statement.argument_count(), refusal(&statement)), (8, None));

        static SHORT: Union = Union::new("test", &["SELECT {n}, ?"]);
        let refused = SHORT.of(&[Two(1, 2)]);
        assert_eq!(refusal(&refused).as_deref(), Some("2 arguments for 1 marks"));
        static LONG: Union = Union::new("test", &["SELECT {n}, ?, ?, ?"]);
        let refused = LONG.of(&[Two(1, 2)]);
        assert_eq!(refusal(&refused).as_deref(), Some("2 arguments for 3 marks"));
    }
}
