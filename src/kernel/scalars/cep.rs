//! CEP: a Brazilian postal code.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// Eight digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Cep(String);

impl Cep {
    /// Reads a CEP with or without its dash.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let digits = match text.split_once('-') {
            Some((five, three)) if five.len() == 5 => format!("{five}{three}"),
            Some(_) => String::new(),
            None => text.to_owned(),
        };
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a CEP has 8 digits, as in 01310-100");
        }
        Ok(Self(digits))
    }

    /// The eight digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// A Brazilian postal code: 8 digits. Input may carry a dash (`01310-100`),
/// output is digits only.
#[Scalar(name = "CEP")]
impl ScalarType for Cep {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a CEP as a string")?;
        Self::parse(&text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dash_is_optional_and_only_in_its_place() {
        assert_eq!(Cep::parse("01310-100"), Cep::parse("01310100"));
        assert!(Cep::parse("01310100").is_ok());
        for text in ["0131-0100", "013101000", "0131010", "01310-10a", "", "--------"] {
            assert!(Cep::parse(text).is_err(), "{text}");
        }
    }
}
