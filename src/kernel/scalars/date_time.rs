//! Moments in time.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySql, MySqlTypeInfo, MySqlValueRef};

use crate::kernel::{Json, Written};

/// A moment, kept and shown in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateTime(pub chrono::DateTime<Utc>);

impl DateTime {
    /// The first moment that a DATETIME column holds.
    pub const FIRST: Self = Self(moment(1000, 1, 1, (0, 0, 0, 0)));
    /// The last.
    pub const LAST: Self = Self(moment(9999, 12, 31, (23, 59, 59, 999_999)));

    /// Reads RFC 3339 with any offset.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        chrono::DateTime::parse_from_rfc3339(text)
            .map(|moment| Self(without_leap(moment.to_utc())))
            .map_err(|_| "a DateTime is RFC 3339 with an offset, as in 2026-11-24T12:00:00Z")
    }

    /// The last moment that this one stands for: a JavaScript `Date` knows milliseconds
    /// alone, so a moment without finer digits stands for its whole millisecond.
    #[must_use]
    pub fn last_meant(self) -> Self {
        if !self.0.nanosecond().is_multiple_of(1_000_000) {
            return self;
        }
        Self(self.0.checked_add_signed(TimeDelta::microseconds(999)).unwrap_or(self.0))
    }

    /// Whether this is `kept` as a client read it, which may have lost what is finer
    /// than a millisecond on the way.
    #[must_use]
    pub fn means(self, kept: Self) -> bool {
        self <= kept && kept <= self.last_meant()
    }
}

/// As a DATETIME, which is what the columns are. The driver sends a moment with a zone as
/// a TIMESTAMP, and MariaDB finds that to be neither before nor after anything when
/// it lies outside of 1970 to 2038.
impl sqlx::Type<MySql> for DateTime {
    fn type_info() -> MySqlTypeInfo {
        <NaiveDateTime as sqlx::Type<MySql>>::type_info()
    }

    fn compatible(other: &MySqlTypeInfo) -> bool {
        <NaiveDateTime as sqlx::Type<MySql>>::compatible(other)
    }
}

impl<'q> sqlx::Encode<'q, MySql> for DateTime {
    fn encode_by_ref(&self, bytes: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        self.0.naive_utc().encode_by_ref(bytes)
    }

    fn size_hint(&self) -> usize {
        sqlx::Encode::<MySql>::size_hint(&self.0.naive_utc())
    }
}

impl<'r> sqlx::Decode<'r, MySql> for DateTime {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        <NaiveDateTime as sqlx::Decode<MySql>>::decode(value).map(|moment| Self(moment.and_utc()))
    }
}

/// A second `:60` as what comes after it: no column holds one, and a comparison with one
/// would be none.
fn without_leap(moment: chrono::DateTime<Utc>) -> chrono::DateTime<Utc> {
    let Some(beyond) = moment.nanosecond().checked_sub(1_000_000_000) else {
        return moment;
    };
    chrono::DateTime::from_timestamp(moment.timestamp() + 1, beyond).unwrap_or(moment)
}

const fn moment(year: i32, month: u32, day: u32, time: (u32, u32, u32, u32)) -> chrono::DateTime<Utc> {
    let (hour, minute, second, micros) = time;
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => match day.and_hms_micro_opt(hour, minute, second, micros) {
            Some(moment) => moment.and_utc(),
            None => chrono::DateTime::<Utc>::MIN_UTC,
        },
        None => chrono::DateTime::<Utc>::MIN_UTC,
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A moment in UTC: `2026-11-24T12:00:00Z` (RFC 3339). Input may carry another
/// offset; fractions of a second appear when there are any.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a DateTime as a string, as in \"2026-11-24T12:00:00Z\"")?;
        Self::parse(&text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Written for DateTime {
    fn write(&self, json: &mut Json) {
        // What chrono writes, without its detours. Columns hold microseconds and no leap second.
        let (date, time) = (self.0.date_naive(), self.0.time());
        let micros = time.nanosecond() / 1_000;
        if !(0..=9999).contains(&date.year()) || time.nanosecond() % 1_000 != 0 || micros >= 1_000_000 {
            return json.shown(self);
        }
        json.mark(b'"');
        json.digits(date.year().unsigned_abs(), 4);
        for (mark, part) in [
            (b'-', date.month()),
            (b'-', date.day()),
            (b'T', time.hour()),
            (b':', time.minute()),
            (b':', time.second()),
        ] {
            json.mark(mark);
            json.digits(part, 2);
        }
        if micros > 0 {
            json.mark(b'.');
            json.digits(micros / 1_000, 3);
        }
        if micros % 1_000 > 0 {
            json.digits(micros % 1_000, 3);
        }
        json.written(b"Z\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_in_utc() {
        let shown = |text| DateTime::parse(text).map(|moment| moment.to_value());
        assert_eq!(shown("2026-11-24T09:00:00-03:00"), Ok(Value::from("2026-11-24T12:00:00Z")));
        assert_eq!(shown("2026-11-24T12:00:00.5Z"), Ok(Value::from("2026-11-24T12:00:00.500Z")));
        assert_eq!(shown("2016-12-31T23:59:60Z"), Ok(Value::from("2017-01-01T00:00:00Z")));
        assert_eq!(shown("2016-12-31T20:59:60.25-03:00"), Ok(Value::from("2017-01-01T00:00:00.250Z")));
        assert!(shown("2026-11-24 12:00").is_err());
        assert!(shown("2026-11-24").is_err());
    }

    #[test]
    fn milliseconds_stand_for_all_of_theirs() {
        let at = |text| DateTime::parse(text).expect("valid");
        let kept = at("2026-11-24T12:00:00.123456Z");
        for (seen, same) in [
            ("2026-11-24T12:00:00.123456Z", true),
            ("2026-11-24T09:00:00.123-03:00", true),
            ("2026-11-24T12:00:00.124Z", false),
            ("2026-11-24T12:00:00.122Z", false),
            ("2026-11-24T12:00:00.123455Z", false),
            ("2026-11-24T12:00:00.123457Z", false),
            ("2026-11-24T12:00:00Z", false),
        ] {
            assert_eq!(at(seen).means(kept), same, "{seen}");
        }
        assert!(at("2026-11-24T12:00:00Z").means(at("2026-11-24T12:00:00.000999Z")));
    }
}
