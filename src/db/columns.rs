//! Which columns of a table a statement reads: those that somebody has asked for.
//!
//! A column that nobody asked for costs the database, the wire and the driver, which describes
//! every column of every answer. A table lists its columns once, in a [`Select`]; a statement
//! is made for those that are wanted, and carries them to where its rows are read
//! ([`FromColumns`]). What was not read cannot be taken for a value ([`Read`]).
//!
//! Texts are prepared once per connection and kept, so their number is bounded: a table has at
//! most [`FORMS`] selections, and listings, which have many texts of their own, at most
//! [`FEW_FORMS`] of them, or with a filter one. Once these are taken, more columns are read than are wanted: those
//! of the smallest of them that has all, at worst the whole row. What was not wanted is not looked
//! at, so that an answer never depends on what others have asked.

use std::fmt;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

use sqlx::mysql::{MySql, MySqlRow};
use sqlx::{Decode, FromRow, Row as _, Type};

use super::statement::{Statement, intern};

/// The most selections of a table, with that of all columns.
pub(super) const FORMS: usize = 8;

/// Those of them that listings use.
const FEW_FORMS: usize = 3;

/// Some columns of a table, by their places in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Columns(u16);

impl Columns {
    /// All that there are.
    pub const ALL: Self = Self(u16::MAX);

    /// None but those that are always read.
    pub const KEYS: Self = Self(0);

    /// The one at this place of the list, which has room for 16.
    #[must_use]
    pub const fn at(place: usize) -> Self {
        Self(1 << place)
    }

    /// These and others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// The columns of a table, and what is selected of them.
#[derive(Debug)]
pub struct Select {
    table: &'static str,
    columns: &'static [&'static str],
    always: Columns,
    /// The first is that of all columns.
    forms: RwLock<Vec<Form>>,
}

/// What a statement's rows have of their table, and what is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    there: Columns,
    wanted: Columns,
}

impl Reading {
    pub(super) const ALL: Self = Self { there: Columns::ALL, wanted: Columns::ALL };
}

/// A selection of a table.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub(super) number: usize,
    /// What it reads.
    pub reading: Reading,
    /// `SELECT … FROM …`, without conditions.
    pub text: &'static str,
}

/// A whole statement's text, whose rows have all columns.
impl From<&'static str> for Form {
    fn from(text: &'static str) -> Self {
        Self { number: 0, reading: Reading::ALL, text }
    }
}

impl Form {
    /// The statement of this selection with `condition`, a literal.
    #[must_use]
    pub fn statement(self, name: &'static str, condition: &'static str) -> Statement {
        Statement::new(name, intern(format!("{}{condition}", self.text))).reading(self.reading)
    }
}

impl Select {
    /// Of `table`, which has `columns`, whose first `keys` are always read.
    #[must_use]
    pub const fn new(table: &'static str, columns: &'static [&'static str], keys: usize) -> Self {
        assert!(columns.len() <= 16, "more columns than a set has room for");
        Self { table, columns, always: Columns((1 << keys) - 1), forms: RwLock::new(Vec::new()) }
    }

    /// The selection that has what is wanted.
    pub fn of(&'static self, wanted: Columns) -> Form {
        self.among(FORMS, wanted)
    }

    /// Likewise for a listing, which has the whole row where it is `filtered`.
    pub fn of_listing(&'static self, wanted: Columns, filtered: bool) -> Form {
        self.among(if filtered { 1 } else { FEW_FORMS }, wanted)
    }

    fn among(&'static self, most: usize, wanted: Columns) -> Form {
        let whole = Columns(u16::MAX >> (16 - self.columns.len()));
        let wanted = Columns(wanted.and(self.always).0 & whole.0);
        let found = known(wanted, most, &self.forms.read().unwrap_or_else(PoisonError::into_inner));
        let form = found.unwrap_or_else(|| {
            let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
            if forms.is_empty() {
                forms.push(self.form(0, whole));
            }
            known(wanted, most, &forms).unwrap_or_else(|| {
                let form = self.form(forms.len(), wanted);
                forms.push(form);
                form
            })
        });
        Form { reading: Reading { wanted, ..form.reading }, ..form }
    }

    fn form(&self, number: usize, columns: Columns) -> Form {
        let names = self.columns.iter().enumerate().filter(|(place, _)| columns.has(Columns::at(*place)));
        let names: Vec<String> = names.map(|(_, name)| format!("`{name}`")).collect();
        let text = format!("SELECT {}\nFROM `{}`", names.join(", "), self.table);
        Form { number, reading: Reading { there: columns, wanted: columns }, text: text.leak() }
    }
}

/// Of the first `most` of those that there are; none while there is room for another.
fn known(wanted: Columns, most: usize, forms: &[Form]) -> Option<Form> {
    let among = || forms.iter().take(most);
    let exact = among().find(|form| form.reading.there == wanted).copied();
    exact.or_else(|| match forms.len() >= most {
        true => among()
            .filter(|form| form.reading.there.has(wanted))
            .min_by_key(|form| form.reading.there.count())
            .copied(),
        false => None,
    })
}

/// A value of a row, if its column was asked for. To look at one that was not is a mistake of
/// ours, and a panic: never a value that is none.
pub struct Read<T>(Option<T>);

impl<T> Read<T> {
    /// The value.
    #[must_use]
    pub fn take(self) -> T {
        self.0.unwrap_or_else(|| unread())
    }
}

impl<T> Deref for Read<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap_or_else(|| unread())
    }
}

#[cold]
fn unread() -> ! {
    unreachable!("a column is looked at that was not read")
}

impl<T: fmt::Debug> fmt::Debug for Read<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("unread"),
        }
    }
}

/// The values of a row, one after the other.
pub struct Reader<'r> {
    row: &'r MySqlRow,
    reading: Reading,
    /// In the table's list.
    place: usize,
    /// In the row.
    position: usize,
}

impl<'r> Reader<'r> {
    /// Of a row that has these columns of its table.
    #[must_use]
    pub const fn new(row: &'r MySqlRow, reading: Reading) -> Self {
        Self { row, reading, place: 0, position: 0 }
    }

    /// The value of the next column in the table's list.
    ///
    /// # Errors
    /// The driver's: there is something else in it.
    pub fn value<T: Decode<'r, MySql> + Type<MySql>>(&mut self) -> Result<Read<T>, sqlx::Error> {
        let column = Columns::at(self.place);
        self.place += 1;
        if self.reading.wanted.has(column) {
            return self.taken().map(|value| Read(Some(value)));
        }
        self.position += usize::from(self.reading.there.has(column));
        Ok(Read(None))
    }

    /// Likewise, of one that is always read.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn key<T: Decode<'r, MySql> + Type<MySql>>(&mut self) -> Result<T, sqlx::Error> {
        self.place += 1;
        self.taken()
    }

    fn taken<T: Decode<'r, MySql> + Type<MySql>>(&mut self) -> Result<T, sqlx::Error> {
        let value = self.row.try_get(self.position);
        self.position += 1;
        value
    }
}

/// What can be made of a row.
pub trait FromColumns: Sized {
    /// Of a row that has these columns, of what is wanted of it.
    ///
    /// # Errors
    /// The driver's: a value cannot be read.
    fn from_columns(row: &MySqlRow, reading: Reading) -> Result<Self, sqlx::Error>;
}

impl<R: for<'r> FromRow<'r, MySqlRow>> FromColumns for R {
    fn from_columns(row: &MySqlRow, _: Reading) -> Result<Self, sqlx::Error> {
        R::from_row(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["id", "a", "b", "c", "d"];

    #[test]
    fn only_what_is_wanted_is_selected_and_keys() {
        static SELECT: Select = Select::new("t", NAMES, 1);
        for (wanted, text) in [
            (Columns::ALL, "SELECT `id`, `a`, `b`, `c`, `d`\nFROM `t`"),
            (Columns::KEYS, "SELECT `id`\nFROM `t`"),
            (Columns::at(3).and(Columns::at(1)), "SELECT `id`, `a`, `c`\nFROM `t`"),
            (Columns::at(9), "SELECT `id`\nFROM `t`"),
        ] {
            let form = SELECT.of(wanted);
            assert_eq!(form.text, text);
            assert!(std::ptr::eq(form.text, SELECT.of(wanted).text), "kept");
        }
        assert_eq!(SELECT.of(Columns::ALL).number, 0);
        assert_eq!(SELECT.of(Columns::ALL).reading.there, Columns(0b11111));
    }

    #[test]
    fn a_table_has_few_texts() {
        static SELECT: Select = Select::new("t", NAMES, 1);
        let wanted = (0..16_u16).map(|set| Columns(set << 1));
        let texts: std::collections::HashSet<&str> = wanted.clone().map(|set| SELECT.of(set).text).collect();
        assert_eq!(texts.len(), FORMS);
        for set in wanted {
            let form = SELECT.of(set);
            assert!(form.reading.there.has(set), "{set:?} {form:?}");
            assert_eq!(form.reading.wanted, Columns(set.0 | 1), "{form:?}");
            assert!(form.number < FORMS);
            let few = SELECT.of_listing(set, false);
            assert!(few.reading.there.has(set) && few.number < FEW_FORMS, "{set:?} {few:?}");
            let filtered = SELECT.of_listing(set, true);
            assert_eq!((filtered.number, filtered.reading.wanted), (0, Columns(set.0 | 1)));
        }
        // The first seven are there, with all columns; of b and c, with a there is none.
        assert_eq!(SELECT.of(Columns(0b0110)).reading.there, Columns(0b0111));
        assert_eq!(SELECT.of(Columns(0b1_0010)).reading.there, Columns(0b1_1111));
    }

    #[test]
    #[should_panic(expected = "a column is looked at that was not read")]
    fn what_was_not_read_is_no_value() {
        assert_eq!(*Read(Some(1)), 1);
        let _ = *Read(None::<u32>);
    }
}
