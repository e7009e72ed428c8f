//! The scalars of the graph: exact values with one spelling each.
//!
//! Each reads what people write (dots, dashes) and prints one canonical form.
//! To add one: a file here with the type, its `#[Scalar]` and its tests.

mod cep;
mod cpf;
mod date;
mod date_time;
mod decimal;
mod pasted;

pub use cep::Cep;
pub use cpf::{Cpf, NoCpf};
pub use date::Date;
pub use date_time::DateTime;
pub use decimal::Decimal;
pub use pasted::Spoilt;

use async_graphql::{InputType, InputValueError, ScalarType, Value};

/// Whether `value` is a good one of our scalar `name`; anything is of a scalar that is
/// not ours.
///
/// # Errors
/// A sentence that names the rule.
pub fn check(name: &str, value: &Value) -> Result<(), String> {
    fn read<T: ScalarType + InputType>(value: &Value) -> Result<(), String> {
        <T as ScalarType>::parse(value.clone()).map(|_| ()).map_err(|error| {
            let message = error.into_server_error(async_graphql::Pos::default()).message;
            // What the executor says before it is said by whoever asks.
            message.split_once("\": ").map_or(message.clone(), |(_, rule)| rule.to_owned())
        })
    }
    match name {
        "CPF" => read::<Cpf>(value),
        "CEP" => read::<Cep>(value),
        "Date" => read::<Date>(value),
        "DateTime" => read::<DateTime>(value),
        "Decimal" => read::<Decimal>(value),
        _ => Ok(()),
    }
}

/// The text of an input, or a refusal that says what is expected.
fn text<T: InputType>(value: &Value, expected: &str) -> Result<String, InputValueError<T>> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(InputValueError::custom(format!("expected {expected}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use super::*;
    use crate::kernel::{Json, Written};

    fn same(value: impl Display + Written) {
        let mut json = Json::new();
        value.write(&mut json);
        let written = json.into_bytes();
        assert_eq!(String::from_utf8_lossy(&written), format!("\"{value}\""));
    }

    #[test]
    fn what_is_written_is_what_is_shown() {
        let moments = [
            "0000-01-01T00:00:00Z",
            "0999-12-31T23:59:59.999999Z",
            "1000-01-01T00:00:00.000001Z",
            "1970-01-01T00:00:00.001Z",
            "2026-11-24T12:00:00Z",
            "2026-11-24T12:00:00.120Z",
            "2026-11-24T12:00:00.120034Z",
            "2026-11-24T12:00:00.120034005Z",
            "2016-12-31T23:59:59.000000001Z",
        ];
        for text in moments {
            let moment: chrono::DateTime<chrono::Utc> = text.parse().expect(text);
            same(DateTime(moment));
            same(Date(moment.date_naive()));
        }
        same(DateTime::LAST);
        let leap = chrono::NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).expect("a leap second");
        same(DateTime(chrono::NaiveDate::MAX.and_time(leap).and_utc()));
        same(Date(chrono::NaiveDate::MAX));
        same(Date(chrono::NaiveDate::MIN));
        for mantissa in [0, 1, -1, 9, 10, 99, 100, -100, 123_456, i64::MAX, i64::MIN] {
            for scale in 0..=6 {
                same(Decimal(rust_decimal::Decimal::new(mantissa, scale)));
            }
        }
        same(Decimal(rust_decimal::Decimal::MAX));
        same(Decimal(rust_decimal::Decimal::from_i128_with_scale(i128::from(u64::MAX) + 1, 2)));
        same(Decimal(-rust_decimal::Decimal::new(0, 2)));
    }
}
