//! CPF: the number of a Brazilian taxpayer.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use super::Spoilt;
use crate::kernel::{Json, Written};

/// Eleven digits whose last two check the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Cpf(String);

impl Cpf {
    /// Reads a CPF as people write and paste it (with blanks, dots, slashes, dashes) and
    /// checks its digits.
    ///
    /// # Errors
    /// [`NoCpf`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NoCpf> {
        let digits = super::pasted::digits(text, 11, |whole| values_of(whole).is_ok()).map_err(|spoilt| {
            match super::pasted::digits(text, 14, |_| false) {
                Ok(_) => NoCpf::Spoilt(Spoilt::Company),
                Err(_) => NoCpf::Spoilt(spoilt),
            }
        })?;
        values_of(&digits)?;
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

/// Why something is not a CPF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCpf {
    /// It is not written as one.
    #[error("a CPF has 11 digits, as in 529.982.247-25{}", .0.rule().map(|rule| format!("; {rule}")).unwrap_or_default())]
    Spoilt(Spoilt),
    /// Numbers of one repeated digit pass the sums but are never issued.
    #[error("a CPF of one repeated digit does not exist")]
    Repeated,
    /// Its last two digits are not those of the others.
    #[error("the check digits of this CPF do not match")]
    CheckDigits,
}

/// The values of eleven digits that are a CPF.
fn values_of(digits: &str) -> Result<Vec<u32>, NoCpf> {
    let values: Vec<u32> = digits.bytes().map(|byte| u32::from(byte - b'0')).collect();
    if values.iter().all(|value| *value == values[0]) {
        return Err(NoCpf::Repeated);
    }
    if values[9..] != check_digits(&values[..9]) {
        return Err(NoCpf::CheckDigits);
    }
    Ok(values)
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
/// may carry what people put between them (`529.982.247-25`), output is digits only.
#[Scalar(name = "CPF")]
impl ScalarType for Cpf {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = super::text::<Self>(&value, "a CPF as a string")?;
        Self::parse(&text).map_err(|why| InputValueError::custom(why.to_string()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Written for Cpf {
    fn write(&self, json: &mut Json) {
        json.text(&self.0);
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
        for text in [
            "529 982 247 25",
            "529\u{a0}982\u{a0}247/25",
            " 529.982.247\u{2011}25 ",
            "\u{202a}52998224725\u{202c}",
            "５２９.９８２.２４７-２５",
        ] {
            assert_eq!(Cpf::parse(text).map(|cpf| cpf.0).as_deref(), Ok("52998224725"), "{text}");
        }
        for text in ["52998224724", "11111111111", "5299822472", "529982247255", "-52998224725", ""] {
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

    #[test]
    fn what_a_spreadsheet_has_done_is_told() {
        for (text, spoilt) in [
            ("'52998224725", Spoilt::Apostrophe),
            ("5.2998E+10", Spoilt::Scientific),
            ("5,2998E+10", Spoilt::Scientific),
            ("5E10", Spoilt::Scientific),
            ("52998224725.0", Spoilt::Fraction),
            ("52998224725,00", Spoilt::Fraction),
            // 012.345.678-90 without its zero.
            ("1234567890", Spoilt::LostZeros("01234567890".into())),
            ("1234567891", Spoilt::Shape),
            // 000.000.001-91 without any of its zeros.
            ("191", Spoilt::LostZeros("00000000191".into())),
            ("11.222.333/0001-81", Spoilt::Company),
            ("0E1x", Spoilt::Shape),
            ("", Spoilt::Shape),
        ] {
            assert_eq!(Cpf::parse(text), Err(NoCpf::Spoilt(spoilt)), "{text}");
        }
    }
}
