//! CPF: the number of a Brazilian taxpayer.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// Eleven digits whose last two check the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Cpf(String);

impl Cpf {
    /// Reads a CPF with or without dots and dash and checks its digits.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-')).collect();
        if digits.len() != 11 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a CPF has 11 digits, as in 529.982.247-25");
        }
        let values: Vec<u32> = digits.bytes().map(|byte| u32::from(byte - b'0')).collect();
        // Numbers of one repeated digit pass the sums but are never issued.
        if values.iter().all(|value| *value == values[0]) {
            return Err("a CPF of one repeated digit does not exist");
        }
        if values[9..] != check_digits(&values[..9]) {
            return Err("the check digits of this CPF do not match");
        }
        Ok(Self(digits))
    }

    /// The CPF whose first nine digits are those of `number`.
    #[must_use]
    pub fn from_base(number: u32) -> Self {
        let base = format!("{:09}", number % 1_000_000_000);
        let values: Vec<u32> = base.bytes().map(|byte| u32::from(byte - b'0')).collect();
        let [first, second] = check_digits(&values);
        Self(format!("{base}{first}{second}"))
    }

    /// The eleven digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Both check digits of nine digits: weighted sums modulo 11, where 10 counts
/// as 0 (Receita Federal).
fn check_digits(nine: &[u32]) -> [u32; 2] {
    let digit = |digits: &[u32]| {
        let weights = (2..=11_u32).take(digits.len()).collect::<Vec<_>>();
        let sum: u32 = digits.iter().zip(weights.iter().rev()).map(|(d, w)| d * w).sum();
        (sum * 10 % 11) % 10
    };
    let first = digit(nine);
    let mut ten = nine.to_vec();
    ten.push(first);
    [first, digit(&ten)]
}

/// The number of a Brazilian taxpayer: 11 digits with valid check digits. Input
/// may carry dots and dash (`529.982.247-25`), output is digits only.
#[Scalar(name = "CPF")]
impl ScalarType for Cpf {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a CPF as a string")?;
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
    fn check_digits_are_checked() {
        for text in ["529.982.247-25", "52998224725", "111.444.777-35"] {
            assert!(Cpf::parse(text).is_ok(), "{text}");
        }
        for text in ["52998224724", "11111111111", "5299822472", "529982247255", "529982247２5", ""] {
            assert!(Cpf::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn made_numbers_are_valid() {
        for base in [0, 1, 529_982_247, 999_999_998, u32::MAX] {
            let made = Cpf::from_base(base);
            if base > 0 {
                assert_eq!(Cpf::parse(made.digits()), Ok(made.clone()));
            }
        }
    }
}
