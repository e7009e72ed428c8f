//! Cursors: opaque to clients, and the whole sort key to us.
//!
//! A cursor holds the order it belongs to, the row's value in that order and
//! the row's id, which breaks ties. It is refused where the order differs, since
//! it would silently skip rows there.

use async_graphql::connection::CursorType;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::{GraphError, GraphResult, code};
use super::scalars::{DateTime, Decimal};

/// A row's value in the order of the page, beside its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey {
    /// Ordered by id alone.
    #[serde(rename = "i")]
    Id,
    /// Ordered by a text.
    #[serde(rename = "t")]
    Text(String),
    /// Ordered by an amount.
    #[serde(rename = "a")]
    Amount(Decimal),
    /// Ordered by a moment.
    #[serde(rename = "m")]
    Moment(DateTime),
}

/// What kind of value an order sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The id alone.
    Id,
    /// A text.
    Text,
    /// An amount.
    Amount,
    /// A moment.
    Moment,
}

impl SortKey {
    const fn kind(&self) -> KeyKind {
        match self {
            Self::Id => KeyKind::Id,
            Self::Text(_) => KeyKind::Text,
            Self::Amount(_) => KeyKind::Amount,
            Self::Moment(_) => KeyKind::Moment,
        }
    }
}

/// A place between two rows of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "o")]
    order: String,
    #[serde(rename = "k")]
    /// The value in that order.
    pub key: SortKey,
    /// The row's id, which breaks ties.
    pub id: u64,
}

/// Longer than any we make: a name of 120 characters, escaped and encoded.
const LONGEST: usize = 2048;

impl Cursor {
    /// The cursor of a row, in the order named `order`.
    #[must_use]
    pub fn new(order: &'static str, key: SortKey, id: u64) -> Self {
        Self { order: order.to_owned(), key, id }
    }

    /// Reads a cursor that must belong to the order named `order`, which sorts
    /// by a value of `kind`.
    ///
    /// # Errors
    /// `CURSOR_INVALIDO`, naming `argument`.
    pub fn parse(argument: &str, text: &str, order: &str, kind: KeyKind) -> GraphResult<Self> {
        let unreadable = || {
            GraphError::Input(
                code::CURSOR_INVALIDO,
                format!(
                    "`{argument}` is not a cursor of this connection; use `pageInfo` or `edges.cursor` of an earlier page as it is."
                ),
            )
        };
        if text.len() > LONGEST {
            return Err(unreadable());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        if cursor.order != order {
            return Err(GraphError::Input(
                code::CURSOR_INVALIDO,
                format!(
                    "`{argument}` is a cursor of another connection or order; start again without it when the order changes."
                ),
            ));
        }
        if cursor.key.kind() != kind {
            return Err(unreadable());
        }
        Ok(cursor)
    }
}

impl CursorType for Cursor {
    type Error = serde_json::Error;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        serde_json::from_str(text)
    }

    fn encode_cursor(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let cursor = Cursor::new("NOME_ASC", SortKey::Text("Zoé 🎉 \"x\"".into()), 7);
        let text = cursor.encode_cursor();
        assert_eq!(Cursor::parse("after", &text, "NOME_ASC", KeyKind::Text).ok(), Some(cursor));
    }

    #[test]
    fn is_refused_where_it_does_not_belong() {
        let text = Cursor::new("ID", SortKey::Id, 7).encode_cursor();
        let forged = Cursor::new("NOME_ASC", SortKey::Id, 7).encode_cursor();
        for (text, order, kind) in [
            (text.as_str(), "NOME_ASC", KeyKind::Text),
            (&forged, "NOME_ASC", KeyKind::Text),
            ("x", "ID", KeyKind::Id),
            ("", "ID", KeyKind::Id),
            ("e30", "ID", KeyKind::Id),
            (&"A".repeat(5000), "ID", KeyKind::Id),
        ] {
            assert!(matches!(
                Cursor::parse("after", text, order, kind),
                Err(GraphError::Input(code::CURSOR_INVALIDO, message)) if message.starts_with("`after`")
            ));
        }
    }
}
