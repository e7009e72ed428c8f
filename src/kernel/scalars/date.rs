//! Calendar dates.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike as _, NaiveDate};

use crate::kernel::{Json, Written};

/// A day, without a time or a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Date(pub NaiveDate);

impl Date {
    /// Reads `2026-11-24`.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rule = "a Date looks like 2026-11-24 and exists in the calendar";
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !shaped {
            return Err(rule);
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| rule)
    }

    /// Full years from this day to `today`; nothing for a day to come.
    #[must_use]
    pub fn years_until(self, today: NaiveDate) -> Option<u32> {
        today.years_since(self.0)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

/// A calendar date: `2026-11-24` (full-date of RFC 3339).
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a Date as a string, as in \"2026-11-24\"")?;
        Self::parse(&text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Written for Date {
    fn write(&self, json: &mut Json) {
        let (0..=9999, year) = (self.0.year(), self.0.year().unsigned_abs()) else { return json.shown(self) };
        json.mark(b'"');
        json.digits(year, 4);
        json.mark(b'-');
        json.digits(self.0.month(), 2);
        json.mark(b'-');
        json.digits(self.0.day(), 2);
        json.mark(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist() {
        assert!(Date::parse("2024-02-29").is_ok());
        for text in ["2023-02-29", "24-11-2026", "2026-1-2", "2026-11-24T00:00:00Z", "", "+026-01-01"] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn years_turn_on_the_birthday() {
        let born = Date::parse("2000-02-29").expect("valid");
        let on = |text| born.years_until(Date::parse(text).expect("valid").0);
        assert_eq!(on("2026-02-28"), Some(25));
        assert_eq!(on("2026-03-01"), Some(26));
        assert_eq!(on("1999-01-01"), None);
    }
}
