//! CEP: a Brazilian postal code.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use super::Spoilt;
use crate::kernel::{Json, Written};

/// The first that there is (Correios, "Estrutura do CEP"): the centre of Sao Paulo.
const FIRST: &str = "01000000";

/// Eight digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Cep(String);

impl Cep {
    /// Reads a CEP as people write and paste it: with blanks, dots, dashes.
    ///
    /// # Errors
    /// [`Spoilt`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Spoilt> {
        let exists = |digits: &str| digits >= FIRST;
        let digits = super::pasted::digits(text, 8, exists)?;
        if exists(&digits) { Ok(Self(digits)) } else { Err(Spoilt::Shape) }
    }

    /// The eight digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// A Brazilian postal code: 8 digits. Input may carry what people put between them
/// (`01310-100`), output is digits only.
#[Scalar(name = "CEP")]
impl ScalarType for Cep {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a CEP as a string")?;
        Self::parse(&text).map_err(|spoilt| {
            let rule = spoilt.rule().map(|rule| format!("; {rule}")).unwrap_or_default();
            InputValueError::custom(format!("a CEP has 8 digits, as in 01310-100{rule}"))
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Written for Cep {
    fn write(&self, json: &mut Json) {
        json.text(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ornaments_are_left_out() {
        for text in [
            "01310-100",
            "01310100",
            "０１３１０１００",
            "01.310-100",
            "01310 100",
            "01310\u{a0}100",
            "01310\u{2013}100",
        ] {
            assert_eq!(Cep::parse(text).map(|cep| cep.0).as_deref(), Ok("01310100"), "{text}");
        }
        for (text, spoilt) in [
            ("1310100", Spoilt::LostZeros("01310100".into())),
            ("'01310100", Spoilt::Apostrophe),
            ("1.3E+6", Spoilt::Scientific),
            ("1310100.0", Spoilt::Fraction),
            ("013101000", Spoilt::Shape),
            ("0131", Spoilt::Shape),
            ("01310-10a", Spoilt::Shape),
            ("00000000", Spoilt::Shape),
            ("00999-999", Spoilt::Shape),
            ("-1310100", Spoilt::Shape),
            ("-01310100", Spoilt::Shape),
            ("0131010", Spoilt::Shape),
            ("4000-123", Spoilt::Shape),
            ("", Spoilt::Shape),
            ("--------", Spoilt::Shape),
        ] {
            assert_eq!(Cep::parse(text), Err(spoilt), "{text}");
        }
    }
}
