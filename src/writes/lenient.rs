//! Scalars as a person may have typed them.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Value};

use crate::kernel::scalars::Decimal;

/// The scalar `T` in an input, read as text and checked later: so that a wrong
/// CPF is an [`Erro`](super::Erro) beside the others, not the end of the request.
/// The schema shows `T`.
#[derive(Clone, Debug)]
pub struct Lenient<T> {
    text: String,
    scalar: PhantomData<fn() -> T>,
}

impl<T> Lenient<T> {
    /// As it came.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<T: InputType> InputType for Lenient<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let text = match value.unwrap_or_default() {
            Value::String(text) => text,
            // Without an exponent, which no rule reads.
            Value::Number(number) => {
                Decimal::from_number(&number).map_or_else(|_| number.to_string(), |plain| plain.0.to_string())
            }
            _ => return Err(InputValueError::custom(format!("expected a {}", T::type_name()))),
        };
        Ok(Self { text, scalar: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::String(self.text.clone())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T> AsRef<str> for Lenient<T> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}
