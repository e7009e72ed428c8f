//! Pages of a whole table: literal clauses put together into one statement,
//! with keyset pagination.
//!
//! The clauses of a table are few and literal, so the texts are too.

use sqlx::mysql::MySql;
use sqlx::{Encode, Type};

use crate::db::{Columns, Form, Select, Statement, intern};
use crate::relay::{Cursor, Direction, KeyKind, Page, SortKey};

/// How a listing is ordered; the id breaks ties, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The name that cursors carry: the connection's, and the order's in it.
    pub name: &'static str,
    /// What it sorts by.
    pub kind: KeyKind,
    /// The column, quoted.
    pub column: &'static str,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Order {
    /// By id, oldest first.
    pub const fn oldest_first(name: &'static str) -> Self {
        Self { name, kind: KeyKind::Id, column: "`id`", descending: false }
    }

    fn by_id_alone(self) -> bool {
        self.kind == KeyKind::Id
    }
}

/// Conditions on a table's rows, each a literal clause with its arguments.
#[derive(Clone, Default)]
pub struct Conditions {
    clauses: Vec<&'static str>,
    binders: Vec<Binder>,
}

/// Adds one argument to a statement.
type Binder = std::sync::Arc<dyn Fn(Statement) -> Statement + Send + Sync>;

impl Conditions {
    /// Adds a clause with one `?`.
    pub fn add<T>(&mut self, clause: &'static str, value: T)
    where
        T: for<'q> Encode<'q, MySql> + Type<MySql> + Clone + Send + Sync + 'static,
    {
        self.clauses.push(clause);
        self.bind(value);
    }

    /// Adds a clause with two `?`.
    pub fn add_range<T>(&mut self, clause: &'static str, from: T, to: T)
    where
        T: for<'q> Encode<'q, MySql> + Type<MySql> + Clone + Send + Sync + 'static,
    {
        self.clauses.push(clause);
        self.bind(from);
        self.bind(to);
    }

    fn bind<T>(&mut self, value: T)
    where
        T: for<'q> Encode<'q, MySql> + Type<MySql> + Clone + Send + Sync + 'static,
    {
        self.binders.push(std::sync::Arc::new(move |statement| statement.bind(value.clone())));
    }

    /// What is read of `select` under these conditions.
    pub fn form(&self, select: &'static Select, wanted: Columns) -> Form {
        select.of_listing(wanted, !self.clauses.is_empty())
    }

    /// `select` with these conditions and nothing else: a count.
    pub fn statement(&self, name: &'static str, select: &'static str) -> Statement {
        let text = format!("{select}{}", where_clause(&self.clauses, &[]));
        self.bind_all(Statement::new(name, intern(text)))
    }

    /// The rows of `page`: `select` with these conditions, in `order`, read from
    /// the page's own end, one row more than the page holds.
    pub fn page(&self, name: &'static str, select: impl Into<Form>, order: Order, page: &Page) -> Statement {
        let after = page.after.as_ref().map(|cursor| (cursor, order.descending));
        let before = page.before.as_ref().map(|cursor| (cursor, !order.descending));
        let bounds: Vec<(&Cursor, bool)> = after.into_iter().chain(before).collect();
        let keyset: Vec<String> = bounds.iter().map(|(_, below)| bound_clause(order, *below)).collect();
        let backward = page.direction == Direction::Backward;
        let direction = if order.descending == backward { "ASC" } else { "DESC" };
        let sort = if order.by_id_alone() {
            format!("`id` {direction}")
        } else {
            format!("{} {direction}, `id` {direction}", order.column)
        };
        let select = select.into();
        let found = where_clause(&self.clauses, &keyset);
        let text = format!("{}{found} ORDER BY {sort} LIMIT ?", select.text);
        let mut statement = self.bind_all(Statement::new(name, intern(text)).reading(select.reading));
        for (cursor, _) in bounds {
            statement = bind_bound(statement, cursor);
        }
        statement.bind(page.limit())
    }

    fn bind_all(&self, statement: Statement) -> Statement {
        self.binders.iter().fold(statement, |statement, bind| bind(statement))
    }
}

/// A LIKE pattern in which the caller's text stands for itself.
pub fn like_containing(part: &str) -> String {
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn where_clause(clauses: &[&'static str], keyset: &[String]) -> String {
    let all: Vec<&str> = clauses.iter().copied().chain(keyset.iter().map(String::as_str)).collect();
    if all.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", all.join(" AND "))
}

/// Rows on one side of a cursor. Written so that the index on (column, id)
/// gives a range; a comparison of row values would not.
fn bound_clause(order: Order, below: bool) -> String {
    let side = if below { "<" } else { ">" };
    if order.by_id_alone() {
        return format!("`id` {side} ?");
    }
    let column = order.column;
    format!("{column} {side}= ? AND ({column} {side} ? OR `id` {side} ?)")
}

/// The arguments of [`bound_clause`]; that the key's kind is the order's was
/// checked when the cursor was read.
fn bind_bound(statement: Statement, cursor: &Cursor) -> Statement {
    let keyed = match &cursor.key {
        SortKey::Id => statement,
        SortKey::Text(text) => statement.bind(text.clone()).bind(text.clone()),
        SortKey::Amount(amount) => statement.bind(*amount).bind(*amount),
        SortKey::Moment(moment) => statement.bind(*moment).bind(*moment),
    };
    keyed.bind(cursor.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_caller_stand_for_themselves() {
        assert_eq!(like_containing(r"50%_\"), r"%50\%\_\\%");
    }
}
