//! Global ids: readable, and the same in every answer: `cliente_42`.

use std::fmt;

use async_graphql::ID;

use crate::kernel::{GraphError, GraphResult, Json, Written, code};

/// What the four kinds of id have in common.
pub trait GlobalId: Copy + Eq + Sized {
    /// The GraphQL type it names.
    const TYPE: &'static str;
    /// What stands before the underscore.
    const PREFIX: &'static str;

    /// From the number in the store.
    fn from_number(number: u64) -> Self;

    /// The number in the store.
    fn number(self) -> u64;

    /// The numbers of many.
    fn numbers(ids: &[Self]) -> Vec<u64> {
        ids.iter().map(|id| id.number()).collect()
    }

    /// As GraphQL shows it.
    fn to_id(self) -> ID {
        ID(format!("{}_{}", Self::PREFIX, self.number()))
    }

    /// Reads `cliente_42` and, as a convenience, `42`.
    ///
    /// # Errors
    /// `ID_INVALIDO`, naming `argument` and what was expected.
    fn parse(argument: &str, text: &str) -> GraphResult<Self> {
        let digits = match text.split_once('_') {
            Some((prefix, digits)) if prefix == Self::PREFIX => digits,
            Some((prefix, _)) if let Some(other) = type_of(prefix) => {
                return Err(invalid(format!(
                    "`{argument}`: `{}` is the id of type {other}; type {} is expected here, as in `{}_42`.",
                    shown(text),
                    Self::TYPE,
                    Self::PREFIX
                )));
            }
            Some(_) => "",
            None => text,
        };
        number(digits).map(Self::from_number).ok_or_else(|| {
            invalid(format!(
                "`{argument}`: `{}` is not an id of type {}; one looks like `{}_42`.",
                shown(text),
                Self::TYPE,
                Self::PREFIX
            ))
        })
    }
}

macro_rules! global_ids {
    ($($(#[$doc:meta])* $name:ident = $type:literal, $prefix:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize)]
            #[serde(transparent)]
            #[sqlx(transparent)]
            pub struct $name(pub u64);

            impl GlobalId for $name {
                const TYPE: &'static str = $type;
                const PREFIX: &'static str = $prefix;

                fn from_number(number: u64) -> Self {
                    Self(number)
                }

                fn number(self) -> u64 {
                    self.0
                }
            }

            impl Written for $name {
                fn write(&self, json: &mut Json) {
                    json.numbered($prefix, self.0);
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}_{}", $prefix, self.0)
                }
            }
        )+

        fn type_of(prefix: &str) -> Option<&'static str> {
            match prefix {
                $($prefix => Some($type),)+
                _ => None,
            }
        }
    };
}

global_ids! {
    /// A client, in the store `clientes`.
    ClienteId = "Cliente", "cliente";
    /// An address, in the store `enderecos`.
    EnderecoId = "Endereco", "endereco";
    /// A product, in the store `catalogo`.
    ProdutoId = "Produto", "produto";
    /// A purchase, in the store `inventario`.
    CompraId = "Compra", "compra";
}

/// The id of anything, as `node` takes it: the prefix is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyId {
    /// A client.
    Cliente(ClienteId),
    /// An address.
    Endereco(EnderecoId),
    /// A product.
    Produto(ProdutoId),
    /// A purchase.
    Compra(CompraId),
}

impl AnyId {
    /// Reads an id with its prefix.
    ///
    /// # Errors
    /// `ID_INVALIDO`, naming `argument` and what is accepted.
    pub fn parse(argument: &str, text: &str) -> GraphResult<Self> {
        match text.split_once('_').map(|(prefix, _)| prefix) {
            Some(ClienteId::PREFIX) => ClienteId::parse(argument, text).map(Self::Cliente),
            Some(EnderecoId::PREFIX) => EnderecoId::parse(argument, text).map(Self::Endereco),
            Some(ProdutoId::PREFIX) => ProdutoId::parse(argument, text).map(Self::Produto),
            Some(CompraId::PREFIX) => CompraId::parse(argument, text).map(Self::Compra),
            _ => Err(invalid(format!(
                "`{argument}`: `{}` is not a global id; one looks like `cliente_42`, `endereco_7`, `produto_3` or `compra_99`.",
                shown(text)
            ))),
        }
    }
}

/// Digits only, no leading zero, at least 1: one spelling for each id.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && !digits.starts_with('0')).then(|| digits.parse().ok()).flatten()
}

/// Enough of what the caller sent to recognise it.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn invalid(message: String) -> GraphError {
    GraphError::Input(code::ID_INVALIDO, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match ClienteId::parse("id", text) {
            Err(GraphError::Input(code::ID_INVALIDO, message)) => message,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn reads_its_own_prefix_and_bare_numbers() {
        for text in ["cliente_42", "42"] {
            assert_eq!(ClienteId::parse("id", text).ok(), Some(ClienteId(42)));
        }
        assert_eq!(ClienteId(42).to_id(), ID::from("cliente_42"));
    }

    #[test]
    fn says_whose_id_it_is() {
        assert_eq!(
            refusal("endereco_42"),
            "`id`: `endereco_42` is the id of type Endereco; type Cliente is expected here, as in `cliente_42`."
        );
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "_",
            "cliente_",
            "cliente_0",
            "cliente_042",
            "0",
            "-1",
            "+1",
            "1.0",
            "cliente_1 ",
            "Cliente_1",
            "cliente_18446744073709551616",
            "zzz_1",
            "💥_1",
            "cliente_1_2",
        ] {
            refusal(text);
        }
    }
}
