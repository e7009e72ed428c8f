//! Exact decimal numbers: money.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use serde::{Deserialize, Serialize};

use crate::kernel::{Json, Written};

/// An amount, never rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Decimal(pub rust_decimal::Decimal);

impl Decimal {
    /// No money.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);

    /// Reads a number as JSON and GraphQL write it: `12.5`, `1e2`.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn from_number(number: &Number) -> Result<Self, &'static str> {
        let text = number.to_string();
        let read = if text.contains(['e', 'E']) {
            rust_decimal::Decimal::from_scientific(&text).ok().map(Self)
        } else {
            Self::parse(&text).ok()
        };
        read.ok_or("a Decimal has at most 28 digits and one point")
    }

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

/// With two decimals at least, since every amount here is money.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.scale() >= 2 {
            return write!(f, "{}", self.0);
        }
        write!(f, "{:.2}", self.0)
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An exact decimal number, as a string with two decimals at least: `"1234.50"`.
/// Input may also be a number.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        if let Value::Number(number) = &value {
            return Self::from_number(number).map_err(InputValueError::custom);
        }
        let text = super::text::<Self>(&value, "a Decimal as a string, as in \"1234.50\"")?;
        Self::parse(&text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Written for Decimal {
    fn write(&self, json: &mut Json) {
        // Prices: a mantissa of two decimals that fits a machine's word.
        match (self.0.scale(), u64::try_from(self.0.mantissa())) {
            (2, Ok(hundredths)) if self.0.is_sign_positive() => {
                json.mark(b'"');
                json.number(hundredths / 100);
                json.mark(b'.');
                json.digits(u32::try_from(hundredths % 100).unwrap_or_default(), 2);
                json.mark(b'"');
            }
            _ => json.shown(self),
        }
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
    fn shows_two_decimals_at_least() {
        for (text, shown) in [
            ("0", "0.00"),
            ("1.5", "1.50"),
            ("1.234", "1.234"),
            ("-3", "-3.00"),
            ("9999999999.99", "9999999999.99"),
        ] {
            assert_eq!(Decimal::parse(text).map(|amount| amount.to_string()).as_deref(), Ok(shown));
        }
        let free = rust_decimal::Decimal::new(0, 2) * rust_decimal::Decimal::from(3);
        assert_eq!(Decimal(free).to_value(), Value::from("0.00"));
    }

    #[test]
    fn numbers_are_read_as_their_texts() {
        for (json, shown) in [
            ("12.5", "12.50"),
            ("10", "10.00"),
            ("1e2", "100.00"),
            ("-5", "-5.00"),
            ("1e-7", "0.0000001"),
            ("0.1", "0.10"),
        ] {
            let number: Number = serde_json::from_str(json).expect("a number");
            assert_eq!(
                Decimal::from_number(&number).map(|amount| amount.to_string()).as_deref(),
                Ok(shown),
                "{json}"
            );
        }
        let huge: Number = serde_json::from_str("1e300").expect("a number");
        assert!(Decimal::from_number(&huge).is_err());
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
