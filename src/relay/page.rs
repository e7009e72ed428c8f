//! Pages: from Relay's four arguments to what a store reads, and back. Pure
//! values, no SQL.

use super::cursor::{Cursor, KeyKind};
use crate::executor::Lead;
use crate::kernel::sizes::DEFAULT_PAGE;
use crate::kernel::{GraphError, GraphResult, code};

/// Rows of a page when the client does not say.
const DEFAULT: usize = DEFAULT_PAGE as usize;
/// The most rows of a page.
const MOST: usize = 100;

/// Relay's arguments, as they came.
#[derive(Clone, Debug, Default)]
pub struct PageArgs {
    /// So many from the start.
    pub first: Option<i32>,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

impl PageArgs {
    /// Those of a connection that is asked of many objects; none when one cannot be read.
    #[must_use]
    pub fn of<T: Sync>(lead: &Lead<'_, T>) -> Option<Self> {
        Some(Self {
            first: lead.argument("first")?,
            after: lead.argument("after")?,
            last: lead.argument("last")?,
            before: lead.argument("before")?,
        })
    }
}

/// Which end of the order a page is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the start: `first`.
    Forward,
    /// From the end: `last`.
    Backward,
}

/// A page that may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which end to read from.
    pub direction: Direction,
    /// Rows wanted, 1 to 100.
    pub size: usize,
    /// Only rows after this one.
    pub after: Option<Cursor>,
    /// Only rows before this one.
    pub before: Option<Cursor>,
}

/// The rows of a page, in the order of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are rows before the first.
    pub has_previous: bool,
    /// Whether there are rows after the last.
    pub has_next: bool,
}

impl Page {
    /// Checks the arguments of a connection whose order is named `order` and
    /// sorts by a value of `kind`.
    ///
    /// # Errors
    /// `PAGINACAO_INVALIDA` or `CURSOR_INVALIDO`, naming the argument.
    pub fn new(args: &PageArgs, order: &str, kind: KeyKind) -> GraphResult<Self> {
        let (direction, size) = match (args.first, args.last) {
            (Some(_), Some(_)) => {
                return Err(invalid("`first` and `last` cannot be combined; give one of them.".into()));
            }
            (None, Some(last)) => (Direction::Backward, size("last", last)?),
            (Some(first), None) => (Direction::Forward, size("first", first)?),
            // `before` alone reads towards it, from its own side.
            (None, None) if args.before.is_some() && args.after.is_none() => (Direction::Backward, DEFAULT),
            (None, None) => (Direction::Forward, DEFAULT),
        };
        let cursor = |argument, text: &Option<String>| {
            text.as_deref().map(|text| Cursor::parse(argument, text, order, kind)).transpose()
        };
        Ok(Self {
            direction,
            size,
            after: cursor("after", &args.after)?,
            before: cursor("before", &args.before)?,
        })
    }

    /// How many rows to read: one more than wanted tells whether there are more.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// As [`slice`](Self::slice), of rows of which some cannot be read: they are left
    /// out, and do not end the pages.
    #[must_use]
    pub fn slice_of<T>(&self, rows: Vec<Option<T>>) -> Slice<T> {
        let Slice { rows, has_previous, has_next } = self.slice(rows);
        Slice { rows: rows.into_iter().flatten().collect(), has_previous, has_next }
    }

    /// Turns the rows as read (from the page's own end, up to
    /// [`limit`](Self::limit)) into the page.
    #[must_use]
    pub fn slice<T>(&self, mut rows: Vec<T>) -> Slice<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        match self.direction {
            Direction::Forward => Slice { rows, has_previous: self.after.is_some(), has_next: more },
            Direction::Backward => {
                rows.reverse();
                Slice { rows, has_previous: more, has_next: self.before.is_some() }
            }
        }
    }
}

fn size(argument: &str, asked: i32) -> GraphResult<usize> {
    match usize::try_from(asked) {
        Ok(size) if (1..=MOST).contains(&size) => Ok(size),
        _ => Err(invalid(format!("`{argument}` must be between 1 and {MOST}, not {asked}."))),
    }
}

fn invalid(message: String) -> GraphError {
    GraphError::Input(code::PAGINACAO_INVALIDA, message)
}

#[cfg(test)]
mod tests {
    use async_graphql::connection::CursorType as _;

    use super::super::cursor::SortKey;
    use super::*;

    fn page(first: Option<i32>, last: Option<i32>) -> GraphResult<Page> {
        Page::new(&PageArgs { first, last, ..PageArgs::default() }, "ID", KeyKind::Id)
    }

    #[test]
    fn sizes_have_a_default_and_bounds() {
        assert_eq!(page(None, None).map(|page| page.size).ok(), Some(20));
        assert_eq!(page(Some(100), None).map(|page| page.size).ok(), Some(100));
        for (first, last) in
            [(Some(0), None), (Some(-1), None), (Some(101), None), (None, Some(0)), (Some(1), Some(1))]
        {
            assert!(matches!(page(first, last), Err(GraphError::Input(code::PAGINACAO_INVALIDA, _))));
        }
    }

    #[test]
    fn the_row_too_many_tells_that_there_are_more() {
        let forward = page(Some(2), None).expect("valid");
        assert_eq!(
            forward.slice(vec![1, 2, 3]),
            Slice { rows: vec![1, 2], has_previous: false, has_next: true }
        );
        let backward = page(None, Some(2)).expect("valid");
        assert_eq!(
            backward.slice(vec![9, 8, 7]),
            Slice { rows: vec![8, 9], has_previous: true, has_next: false }
        );
    }

    #[test]
    fn before_alone_reads_towards_it() {
        let before = Some(Cursor::new("ID", SortKey::Id, 9).encode_cursor());
        let page = Page::new(&PageArgs { before, ..PageArgs::default() }, "ID", KeyKind::Id).expect("valid");
        assert_eq!(page.direction, Direction::Backward);
    }
}
