//! Writes to this store. The removal of a client crosses stores: it is told in
//! `removal/cliente.rs`.

use std::marker::PhantomData;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use chrono::NaiveDate;
use serde::Serialize;

use super::table::{self, Dados};
use super::{Clientes, OwnsClientes};
use crate::db::{Fault, StoreError, Transaction};
use crate::kernel::scalars::{Cpf, Date, DateTime};
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::ClienteId;
use crate::stores::references::Graph;
use crate::writes::{Change, Checks, CodigoErro, Erro, Lenient, Outcome, Write, payload, rules, run};

const NOME: usize = 120;

/// A new client.
#[derive(InputObject)]
pub struct CriarClienteInput {
    /// Full name, at most 120 characters.
    pub nome: String,
    /// E-mail address, unique among clients: case does not count, accents do.
    pub email: String,
    /// CPF, unique among clients; dots, dash and blanks do not count.
    pub cpf: Lenient<Cpf>,
    /// Telephone number, as written or pasted; without a country it is Brazil's, with
    /// its area code.
    pub telefone: Option<String>,
    /// Day of birth, from 1900-01-01 to today.
    pub data_nascimento: Option<Lenient<Date>>,
    /// The same key with the same input gives the same answer and no second
    /// client; 1 to 64 visible ASCII characters.
    pub chave_idempotencia: Option<String>,
}

impl CriarClienteInput {
    fn check(&self, today: NaiveDate) -> Result<CriarCliente, Vec<Erro>> {
        let mut checks = Checks::default();
        let nome = checks.required("nome", &self.nome, rules::line(NOME));
        let email = checks.required("email", &self.email, rules::email);
        let cpf = checks.required("cpf", self.cpf.text(), rules::cpf);
        let telefone = checks.optional("telefone", self.telefone.as_deref(), rules::telefone);
        let data_nascimento = checks.optional(
            "dataNascimento",
            self.data_nascimento.as_ref().map(Lenient::text),
            rules::data_nascimento(today),
        );
        checks
            .pass(|| Some(CriarCliente { nome: nome?, email: email?, cpf: cpf?, telefone, data_nascimento }))
    }
}

#[derive(Serialize)]
struct CriarCliente {
    nome: String,
    email: String,
    cpf: Cpf,
    telefone: Option<String>,
    data_nascimento: Option<Date>,
}

impl Write for CriarCliente {
    const OPERATION: &'static str = "criarCliente";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let dados = Dados {
            nome: &self.nome,
            email: &self.email,
            cpf: &self.cpf,
            telefone: self.telefone.as_deref(),
            data_nascimento: self.data_nascimento,
        };
        match table::insert(tx, &dados).await {
            Err(error) if error.fault == Fault::Duplicate => repeated(tx, &dados, None, &error).await,
            inserted => Ok(Outcome::Done(inserted?)),
        }
    }
}

/// Which of the unique values another client has: all of them, though the
/// database names one.
async fn repeated(
    tx: &mut Transaction<'_>,
    dados: &Dados<'_>,
    except: Option<ClienteId>,
    error: &StoreError,
) -> Result<Outcome, StoreError> {
    let (mut email, mut cpf) = table::taken(tx, dados.email, dados.cpf, except).await?;
    email |= &*error.detail == "cadastro_email_chave";
    cpf |= &*error.detail == "cadastro_cpf";
    let taken = |campo, mensagem: &str| Erro::em(campo, CodigoErro::JaCadastrado, mensagem);
    let mut erros = Vec::new();
    if email {
        erros.push(taken("email", "Este e-mail já pertence a outro cliente."));
    }
    if cpf {
        erros.push(taken("cpf", "Este CPF já pertence a outro cliente."));
    }
    Ok(Outcome::Refused(erros))
}

/// Changes to a client: what is absent stays, null clears what may be empty.
#[derive(InputObject)]
pub struct AtualizarClienteInput {
    /// Which client.
    pub id: ID,
    /// Full name, at most 120 characters.
    pub nome: MaybeUndefined<String>,
    /// E-mail address, unique among clients: case does not count, accents do.
    pub email: MaybeUndefined<String>,
    /// CPF, unique among clients; dots, dash and blanks do not count.
    pub cpf: MaybeUndefined<Lenient<Cpf>>,
    /// Telephone number, as written or pasted; without a country it is Brazil's, with
    /// its area code.
    pub telefone: MaybeUndefined<String>,
    /// Day of birth, from 1900-01-01 to today.
    pub data_nascimento: MaybeUndefined<Lenient<Date>>,
    /// `atualizadoEm` as it was read: when the client has changed since, nothing
    /// is written and the answer has the `erro` CONFLITO.
    pub atualizado_em: Option<Lenient<DateTime>>,
}

impl AtualizarClienteInput {
    fn check(&self, today: NaiveDate) -> Result<AtualizarCliente, Vec<Erro>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &self.id, rules::id);
        let nome = checks.change("nome", &self.nome, rules::line(NOME));
        let email = checks.change("email", &self.email, rules::email);
        let cpf = checks.change("cpf", &self.cpf, rules::cpf);
        let telefone = checks.change_optional("telefone", &self.telefone, rules::telefone);
        let data_nascimento =
            checks.change_optional("dataNascimento", &self.data_nascimento, rules::data_nascimento(today));
        let atualizado_em =
            checks.condition("atualizadoEm", self.atualizado_em.as_ref().map(Lenient::text), rules::momento);
        checks.pass(|| {
            Some(AtualizarCliente { id: id?, nome, email, cpf, telefone, data_nascimento, atualizado_em })
        })
    }
}

#[derive(Serialize)]
struct AtualizarCliente {
    id: ClienteId,
    nome: Change<String>,
    email: Change<String>,
    cpf: Change<Cpf>,
    telefone: Change<Option<String>>,
    data_nascimento: Change<Option<Date>>,
    atualizado_em: Option<DateTime>,
}

impl Write for AtualizarCliente {
    const OPERATION: &'static str = "atualizarCliente";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let Some(old) = table::lock(tx, self.id).await? else {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "O cliente")]));
        };
        if self.atualizado_em.is_some_and(|seen| !seen.means(*old.atualizado_em)) {
            return Ok(Outcome::Refused(vec![Erro::conflito()]));
        }
        let dados = Dados {
            nome: self.nome.over(&old.nome),
            email: self.email.over(&old.email),
            cpf: self.cpf.over(&old.cpf),
            telefone: self.telefone.over(&old.telefone).as_deref(),
            data_nascimento: *self.data_nascimento.over(&old.data_nascimento),
        };
        match table::update(tx, self.id, &dados).await {
            Err(error) if error.fault == Fault::Duplicate => {
                repeated(tx, &dados, Some(self.id), &error).await
            }
            updated => updated.map(|()| Outcome::Done(self.id.0)),
        }
    }
}

payload! {
    /// What came of `criarCliente`.
    CriarClientePayload<G: Graph>
    /// The new client; null when it was refused.
    cliente: G::Cliente = G::cliente, ClienteId
}

payload! {
    /// What came of `atualizarCliente`.
    AtualizarClientePayload<G: Graph>
    /// The client after the change; null when it was refused.
    cliente: G::Cliente = G::cliente, ClienteId
}

/// The mutations.
pub struct MutacoesClientes<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsClientes> MutacoesClientes<G> {
    /// Registers a client.
    async fn criar_cliente(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: CriarClienteInput,
    ) -> GraphResult<CriarClientePayload<G>> {
        let checked = input.check(ctx.request().today);
        let db = &ctx.data_unchecked::<Clientes>().db;
        Ok(CriarClientePayload::of(run(ctx, db, input.chave_idempotencia.as_deref(), checked).await?))
    }

    /// Changes a client: only the fields given.
    async fn atualizar_cliente(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: AtualizarClienteInput,
    ) -> GraphResult<AtualizarClientePayload<G>> {
        let checked = input.check(ctx.request().today);
        let db = &ctx.data_unchecked::<Clientes>().db;
        Ok(AtualizarClientePayload::of(run(ctx, db, None, checked).await?))
    }
}
