//! Cursors: opaque to clients, and the whole sort key to us.
//!
//! A cursor holds the connection and the order it belongs to, the row's value in that
//! order and the row's id, which breaks ties. It is refused by another connection, and
//! where the order differs, since it would silently skip rows there.

use std::borrow::Cow;

use async_graphql::connection::CursorType;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::kernel::scalars::{DateTime, Decimal};
use crate::kernel::{GraphError, GraphResult, code};

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
    /// Whether a store can hold such a value: what it cannot, no cursor of ours has.
    fn is_storable(&self) -> bool {
        match self {
            Self::Moment(moment) => (DateTime::FIRST..=DateTime::LAST).contains(moment),
            Self::Id | Self::Text(_) | Self::Amount(_) => true,
        }
    }

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
    order: Cow<'static, str>,
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
        Self { order: Cow::Borrowed(order), key, id }
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
        if cursor.key.kind() != kind || !cursor.key.is_storable() {
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

    /// Whoever forges a cursor gets to choose its key.
    #[test]
    fn a_moment_that_no_store_holds_is_no_cursor_of_ours() {
        let parse = |moment: &str| {
            let forged = format!(r#"{{"o":"c.M","k":{{"m":"{moment}"}},"id":1}}"#);
            Cursor::parse("after", &URL_SAFE_NO_PAD.encode(forged), "c.M", KeyKind::Moment)
        };
        for moment in [
            "+70000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "0999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert!(matches!(parse(moment), Err(GraphError::Input(code::CURSOR_INVALIDO, _))), "{moment}");
        }
        for moment in ["1000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"] {
            assert!(parse(moment).is_ok(), "{moment}");
        }
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
