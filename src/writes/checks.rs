//! Everything that is wrong with an input, at once.

use async_graphql::MaybeUndefined;
use serde::Serialize;

use super::erro::{CodigoErro, Erro};
use super::rules::Checked;

/// What an update does to a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Change<T> {
    /// It stays.
    Keep,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// The value after the change.
    pub const fn over<'a>(&'a self, old: &'a T) -> &'a T {
        match self {
            Self::Keep => old,
            Self::Set(new) => new,
        }
    }

    /// The same change, in other words.
    pub fn map<U>(self, words: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Set(new) => Change::Set(words(new)),
        }
    }
}

/// Checks the fields of one input and gathers what is wrong.
#[derive(Debug, Default)]
pub struct Checks(Vec<Erro>);

impl Checks {
    /// A value that must be given.
    pub fn required<T>(
        &mut self,
        campo: &'static str,
        text: &str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        if text.trim().is_empty() {
            self.add(missing(campo));
            return None;
        }
        self.keep(campo, rule(text.trim()))
    }

    /// A value that may be absent; blank counts as absent.
    pub fn optional<T>(
        &mut self,
        campo: &'static str,
        text: Option<&str>,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        self.keep(campo, rule(text))
    }

    /// A condition on the write: absent sets none, but a blank one is wrong, since
    /// whoever gave it wants it to hold.
    pub fn condition<T>(
        &mut self,
        campo: &'static str,
        text: Option<&str>,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        self.keep(campo, rule(text?.trim()))
    }

    /// A new value for what must have one: absent keeps, null is refused.
    pub fn change<S: AsRef<str>, T>(
        &mut self,
        campo: &'static str,
        value: &MaybeUndefined<S>,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Change<T> {
        let new = match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => {
                self.add(missing(campo));
                None
            }
            MaybeUndefined::Value(text) => self.required(campo, text.as_ref(), rule),
        };
        new.map_or(Change::Keep, Change::Set)
    }

    /// A new value for what may have none: absent keeps, null and blank clear.
    pub fn change_optional<S: AsRef<str>, T>(
        &mut self,
        campo: &'static str,
        value: &MaybeUndefined<S>,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Change<Option<T>> {
        match value {
            MaybeUndefined::Undefined => Change::Keep,
            MaybeUndefined::Null => Change::Set(None),
            MaybeUndefined::Value(text) => Change::Set(self.optional(campo, Some(text.as_ref()), rule)),
        }
    }

    /// A new value that needs no rule beyond its type: absent keeps, null is
    /// refused.
    pub fn change_typed<T: Clone>(&mut self, campo: &'static str, value: &MaybeUndefined<T>) -> Change<T> {
        match value {
            MaybeUndefined::Undefined => Change::Keep,
            MaybeUndefined::Null => {
                self.add(missing(campo));
                Change::Keep
            }
            MaybeUndefined::Value(value) => Change::Set(value.clone()),
        }
    }

    /// What a rule said about a value.
    pub fn keep<T>(&mut self, campo: &'static str, checked: Checked<T>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err((codigo, mensagem)) => {
                self.add(Erro::em(campo, codigo, mensagem));
                None
            }
        }
    }

    /// Something else that is wrong.
    pub fn add(&mut self, erro: Erro) {
        self.0.push(erro);
    }

    /// The checked input, when nothing is wrong with it; `build` may then rely on
    /// every required value.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn pass<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Vec<Erro>> {
        match build() {
            Some(checked) if self.0.is_empty() => Ok(checked),
            _ => Err(self.0),
        }
    }
}

fn missing(campo: &str) -> Erro {
    Erro::em(campo, CodigoErro::Obrigatorio, "Este campo é obrigatório.")
}
