//! Exact decimal numbers: money.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::{Deserialize, Serialize};

/// An amount, never rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Decimal(pub rust_decimal::Decimal);

impl Decimal {
    /// No money.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);

    /// Reads plain decimal notation.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let plain = unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && unsigned.starts_with(|c: char| c.is_ascii_digit())
            && unsigned.ends_with(|c: char| c.is_ascii_digit());
        if !plain {
            return Err("a Decimal is digits with an optional point, as in \"1234.50\"");
        }
        rust_decimal::Decimal::from_str_exact(text)
            .map(Self)
            .map_err(|_| "a Decimal has at most 28 digits and one point")
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An exact decimal number, as a string: `"1234.50"`. Input may also be an
/// integer.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        // A float has lost its digits before it comes here; an integer has not.
        if let Value::Number(number) = &value
            && let Some(integer) = number.as_i64()
        {
            return Ok(Self(integer.into()));
        }
        let text = super::text::<Self>(&value, "a Decimal as a string, as in \"1234.50\"")?;
        Self::parse(&text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_digit() {
        for text in ["1234.50", "0.10", "-3.00", "9999999999.99", "0"] {
            assert_eq!(Decimal::parse(text).map(|amount| amount.0.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn refuses_what_is_not_plain() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1e3",
            "1,5",
            "1.2.3",
            "NaN",
            "+1",
            "--1",
            "1_000",
            " 1",
            "99999999999999999999999999999999",
        ] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
    }
}
