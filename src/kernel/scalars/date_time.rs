//! Moments in time.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A moment, kept and shown in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct DateTime(pub chrono::DateTime<Utc>);

impl DateTime {
    /// Reads RFC 3339 with any offset.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        chrono::DateTime::parse_from_rfc3339(text)
            .map(|moment| Self(moment.to_utc()))
            .map_err(|_| "a DateTime is RFC 3339 with an offset, as in 2026-11-24T12:00:00Z")
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
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
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
        assert!(shown("2026-11-24 12:00").is_err());
        assert!(shown("2026-11-24").is_err());
    }
}
