//! The part of `Cliente` that this store owns.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, Object};

use super::Cadastro;
use super::table::column;
use crate::db::Columns;
use crate::executor::{Reads, ready};
use crate::kernel::ContextExt as _;
use crate::kernel::scalars::{Cpf, Date, DateTime};
use crate::kernel::telefone;

/// A client's own data.
pub struct ClienteCadastro(pub Arc<Cadastro>);

#[Object]
impl ClienteCadastro {
    /// Full name.
    async fn nome(&self) -> &str {
        &self.0.nome
    }

    /// E-mail address, unique among clients.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// CPF, unique among clients.
    async fn cpf(&self) -> &Cpf {
        &self.0.cpf
    }

    /// Telephone number: digits with the area code, and for other countries than
    /// Brazil in E.164 (`+351912345678`).
    async fn telefone(&self) -> Option<Cow<'_, str>> {
        self.0.telefone.as_deref().map(telefone::shown)
    }

    /// Day of birth.
    async fn data_nascimento(&self) -> Option<Date> {
        *self.0.data_nascimento
    }

    /// Age in full years, from `dataNascimento` to today (UTC).
    async fn idade(&self, ctx: &Context<'_>) -> Option<u32> {
        (*self.0.data_nascimento)?.years_until(ctx.request().today)
    }

    /// When the client was registered.
    async fn criado_em(&self) -> DateTime {
        *self.0.criado_em
    }

    /// When the client's own data last changed.
    async fn atualizado_em(&self) -> DateTime {
        *self.0.atualizado_em
    }
}

impl Reads for ClienteCadastro {
    fn reads(field: &str) -> Columns {
        match field {
            "nome" => column::NOME,
            "email" => column::EMAIL,
            "cpf" => column::CPF,
            "telefone" => column::TELEFONE,
            "dataNascimento" | "idade" => column::DATA_NASCIMENTO,
            "criadoEm" => column::CRIADO_EM,
            "atualizadoEm" => column::ATUALIZADO_EM,
            _ => Columns::KEYS,
        }
    }
}

ready! {
    impl ClienteCadastro, |cliente, request| {
        "nome" => cliente.0.nome,
        "email" => cliente.0.email,
        "cpf" => cliente.0.cpf,
        "telefone" => cliente.0.telefone.as_deref().map(telefone::shown),
        "dataNascimento" => cliente.0.data_nascimento,
        "idade" => cliente.0.data_nascimento.and_then(|born| born.years_until(request.today)),
        "criadoEm" => cliente.0.criado_em,
        "atualizadoEm" => cliente.0.atualizado_em,
    }
}
