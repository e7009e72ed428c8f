//! JSON that is written as it is made. A value of the graph that is already written travels
//! through the executor as [`Value::Binary`], which none of our types is otherwise.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use async_graphql::Value;
use bytes::Bytes;

use crate::db::Read;

/// A text of JSON that grows.
#[derive(Debug, Default)]
pub struct Json(Vec<u8>);

impl Json {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Nothing yet, with room for so many bytes.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Where the text ends so far, in bytes.
    #[must_use]
    pub fn end(&self) -> usize {
        self.0.len()
    }

    /// A bracket, a comma, a colon.
    pub fn mark(&mut self, mark: u8) {
        self.0.push(mark);
    }

    /// JSON that is written already.
    pub fn written(&mut self, json: &[u8]) {
        self.0.extend_from_slice(json);
    }

    /// A text, with what must be escaped escaped.
    pub fn text(&mut self, text: &str) {
        // A vector takes all, and a text is always JSON.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    /// A name of GraphQL as a text: nothing in it is to be escaped.
    pub fn name(&mut self, name: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'"');
    }

    /// The key of a member that follows: a name of GraphQL.
    pub fn key(&mut self, key: &str) {
        self.name(key);
        self.0.push(b':');
    }

    /// What shows itself without anything that is to be escaped, as a text.
    pub fn shown(&mut self, shown: impl fmt::Display) {
        self.0.push(b'"');
        let _ = write!(self, "{shown}");
        self.0.push(b'"');
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) {
        let _ = serde_json::to_writer(&mut self.0, &number);
    }

    /// A prefix and a number as a text, as ids are written.
    pub fn numbered(&mut self, prefix: &str, number: u64) {
        self.0.push(b'"');
        self.0.extend_from_slice(prefix.as_bytes());
        self.0.push(b'_');
        self.number(number);
        self.0.push(b'"');
    }

    /// A number below 10,000 with two, three or four digits, without quotes.
    pub fn digits(&mut self, number: u32, digits: usize) {
        let digit = |unit: u32| b'0' + (number / unit % 10).to_le_bytes()[0];
        match digits {
            2 => self.0.extend_from_slice(&[digit(10), digit(1)]),
            3 => self.0.extend_from_slice(&[digit(100), digit(10), digit(1)]),
            _ => self.0.extend_from_slice(&[digit(1000), digit(100), digit(10), digit(1)]),
        }
    }

    /// True or false.
    pub fn boolean(&mut self, value: bool) {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Nothing.
    pub fn null(&mut self) {
        self.0.extend_from_slice(b"null");
    }

    /// What serde writes.
    pub fn serialized(&mut self, value: &impl serde::Serialize) {
        let before = self.0.len();
        if let Err(error) = serde_json::to_writer(&mut self.0, value) {
            tracing::error!(%error, "a part of an answer could not be written");
            self.0.truncate(before);
            self.null();
        }
    }

    /// A value of the executor, which may hold values that are written already.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Number(number) => {
                let _ = serde_json::to_writer(&mut self.0, number);
            }
            Value::String(text) => self.text(text),
            Value::Boolean(value) => self.boolean(*value),
            Value::Binary(json) => self.written(json),
            Value::Enum(name) => self.name(name),
            Value::List(items) => self.all(b"[]", items, Self::value),
            Value::Object(members) => self.all(b"{}", members, |json, (key, value)| {
                json.text(key);
                json.mark(b':');
                json.value(value);
            }),
        }
    }

    /// Several things between brackets, with commas between them.
    pub fn all<T>(
        &mut self,
        [open, close]: &[u8; 2],
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.mark(*open);
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                self.mark(b',');
            }
            write(self, item);
        }
        self.mark(*close);
    }

    /// The text.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0.into()
    }

    /// A piece of the text that was written so far.
    #[must_use]
    pub fn piece(&self, from: usize, to: usize) -> &[u8] {
        self.0.get(from..to).unwrap_or_default()
    }
}

impl fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// A value of a field that is written without waiting: the same text as the executor's.
pub trait Written {
    /// Writes it.
    fn write(&self, json: &mut Json);
}

impl<T: Written + ?Sized> Written for &T {
    fn write(&self, json: &mut Json) {
        (**self).write(json);
    }
}

impl<T: Written> Written for Option<T> {
    fn write(&self, json: &mut Json) {
        match self {
            Some(value) => value.write(json),
            None => json.null(),
        }
    }
}

impl Written for str {
    fn write(&self, json: &mut Json) {
        json.text(self);
    }
}

impl<T: Written> Written for Read<T> {
    fn write(&self, json: &mut Json) {
        (**self).write(json);
    }
}

impl Written for Arc<str> {
    fn write(&self, json: &mut Json) {
        json.text(self);
    }
}

impl Written for String {
    fn write(&self, json: &mut Json) {
        json.text(self);
    }
}

impl Written for Cow<'_, str> {
    fn write(&self, json: &mut Json) {
        json.text(self);
    }
}

impl Written for bool {
    fn write(&self, json: &mut Json) {
        json.boolean(*self);
    }
}

impl Written for u32 {
    fn write(&self, json: &mut Json) {
        json.number(u64::from(*self));
    }
}

impl Written for u64 {
    fn write(&self, json: &mut Json) {
        json.number(*self);
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, value};

    use super::*;

    fn text(json: Json) -> String {
        String::from_utf8(json.into_bytes().to_vec()).expect("text")
    }

    #[test]
    fn numbers_have_the_digits_that_are_asked_for() {
        let mut json = Json::new();
        for (number, digits) in [(0, 2), (7, 2), (59, 2), (7, 3), (2026, 4), (999, 4)] {
            json.digits(number, digits);
            json.mark(b' ');
        }
        json.numbered("cliente", 42);
        assert_eq!(text(json), r#"00 07 59 007 2026 0999 "cliente_42""#);
    }

    #[test]
    fn a_value_is_written_as_serde_writes_it() {
        for value in [
            value!(null),
            value!(true),
            value!(-12),
            value!(1.5),
            value!("a \"text\" with\n\u{1} and é 🦀 \u{2028}"),
            value!([]),
            value!({}),
            value!([1, [], {"a": [null, "b"], "c": {}}]),
            Value::Enum(Name::new("MAIS_RECENTES")),
        ] {
            let mut json = Json::default();
            json.value(&value);
            assert_eq!(text(json), serde_json::to_string(&value).expect("JSON"), "{value}");
        }
    }

    #[test]
    fn what_is_written_already_is_not_written_anew() {
        let mut json = Json::default();
        json.value(&Value::List(vec![Value::Binary(Bytes::from_static(br#"{"a":"\n"}"#)), Value::Null]));
        assert_eq!(text(json), r#"[{"a":"\n"},null]"#);
    }
}
