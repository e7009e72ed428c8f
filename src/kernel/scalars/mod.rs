//! The scalars of the graph: exact values with one spelling each.
//!
//! Each reads what people write (dots, dashes) and prints one canonical form.
//! To add one: a file here with the type, its `#[Scalar]` and its tests.

mod cep;
mod cpf;
mod date;
mod date_time;
mod decimal;

pub use cep::Cep;
pub use cpf::Cpf;
pub use date::Date;
pub use date_time::DateTime;
pub use decimal::Decimal;

use async_graphql::{InputType, InputValueError, Value};

/// The text of an input, or a refusal that says what is expected.
fn text<T: InputType>(value: &Value, expected: &str) -> Result<String, InputValueError<T>> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(InputValueError::custom(format!("expected {expected}"))),
    }
}
