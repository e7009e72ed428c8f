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
