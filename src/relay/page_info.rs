//! Where a page stands among the others (Relay Cursor Connections, section `PageInfo`).

use async_graphql::Object;
use async_graphql::connection::CursorType as _;

use super::cursor::Cursor;
use crate::executor::ready;

/// Of one page. A cursor is made when it is asked for.
pub struct PageInfo {
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after it.
    pub has_next: bool,
    /// Its first row's; none when it has no row.
    pub start: Option<Cursor>,
    /// Its last row's.
    pub end: Option<Cursor>,
}

impl PageInfo {
    fn start_cursor(&self) -> Option<String> {
        self.start.as_ref().map(Cursor::encode_cursor)
    }

    fn end_cursor(&self) -> Option<String> {
        self.end.as_ref().map(Cursor::encode_cursor)
    }
}

/// Where a page stands among the others.
#[Object(shareable)]
impl PageInfo {
    /// Whether there are rows before this page.
    async fn has_previous_page(&self) -> bool {
        self.has_previous
    }

    /// Whether there are rows after this page.
    async fn has_next_page(&self) -> bool {
        self.has_next
    }

    /// Of the first row, for `before`; null when the page is empty.
    #[graphql(name = "startCursor")]
    async fn start(&self) -> Option<String> {
        self.start_cursor()
    }

    /// Of the last row, for `after`; null when the page is empty.
    #[graphql(name = "endCursor")]
    async fn end(&self) -> Option<String> {
        self.end_cursor()
    }
}

ready! {
    impl PageInfo, |page, request| {
        "hasPreviousPage" => page.has_previous,
        "hasNextPage" => page.has_next,
        "startCursor" => page.start_cursor(),
        "endCursor" => page.end_cursor(),
    }
}
