//! What a person can mend in what they sent.

use async_graphql::{Enum, SimpleObject};

/// What is wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum CodigoErro {
    /// It must be given.
    Obrigatorio,
    /// It is not of the form that it must have.
    Invalido,
    /// It has more characters than fit.
    MuitoLongo,
    /// It is outside of what is allowed.
    ForaDaFaixa,
    /// Another record has it already.
    JaCadastrado,
    /// It refers to what does not exist, or no longer.
    NaoEncontrado,
    /// It cannot be bought.
    Indisponivel,
    /// The client has as many addresses as a client may have.
    LimiteDeEnderecos,
    /// The record has changed since it was read.
    Conflito,
    /// The product was bought, so it stays; it can be made unavailable.
    ProdutoComCompras,
}

/// Something that a person can mend, in words fit to show to them.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct Erro {
    /// What is wrong.
    pub codigo: CodigoErro,
    /// A sentence in Portuguese.
    pub mensagem: String,
    /// Where: the path inside of `input`; null when it is about all of it.
    pub campo: Option<Vec<String>>,
}

impl Erro {
    /// Something wrong with the field `campo`.
    pub fn em(campo: &str, codigo: CodigoErro, mensagem: impl Into<String>) -> Self {
        Self { codigo, mensagem: mensagem.into(), campo: Some(vec![campo.to_owned()]) }
    }

    /// The record has changed since the caller read it.
    #[must_use]
    pub fn conflito() -> Self {
        let mensagem = "O registro foi alterado por outra pessoa; leia-o de novo antes de salvar.";
        Self::em("atualizadoEm", CodigoErro::Conflito, mensagem)
    }

    /// The record that `campo` names does not exist.
    #[must_use]
    pub fn nao_encontrado(campo: &str, o_que: &str) -> Self {
        Self::em(campo, CodigoErro::NaoEncontrado, format!("{o_que} não existe ou já foi removido."))
    }
}
