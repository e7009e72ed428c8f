//! Writes to this store.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use serde::Serialize;

use super::table::{self, Dados, Registro};
use super::{Endereco, Enderecos, Uf};
use crate::batching::Wanted;
use crate::db::{Columns, StoreError, Transaction};
use crate::kernel::scalars::{Cep, DateTime};
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::{ClienteId, EnderecoId};
use crate::stores::references::{Graph, siblings};
use crate::writes::guard::Guarded;
use crate::writes::{
    Change, Checks, CodigoErro, Erro, Lenient, Outcome, Write, payload, removal_payload, rules, run,
};

/// The most addresses that a client has.
pub const MOST_ADDRESSES: u64 = 50;

const LOGRADOURO: usize = 160;
const NUMERO: usize = 20;
const COMPLEMENTO: usize = 80;
const BAIRRO: usize = 80;
const CIDADE: usize = 80;

/// A new address of a client, who has 50 at most.
#[derive(InputObject)]
pub struct AdicionarEnderecoInput {
    /// Whose address.
    pub cliente: ID,
    /// Street, at most 160 characters.
    pub logradouro: String,
    /// House number, or `s/n`; at most 20 characters.
    pub numero: String,
    /// Flat, block, reference; at most 80 characters.
    pub complemento: Option<String>,
    /// Quarter, at most 80 characters.
    pub bairro: Option<String>,
    /// City, at most 80 characters.
    pub cidade: String,
    /// Federal unit.
    pub uf: Uf,
    /// Postal code; its dash, dots and blanks do not count.
    pub cep: Lenient<Cep>,
    /// Country, as two letters (ISO 3166-1).
    #[graphql(default = "BR")]
    pub pais: String,
    /// The same key with the same input gives the same answer and no second
    /// address; 1 to 64 visible ASCII characters.
    pub chave_idempotencia: Option<String>,
}

impl AdicionarEnderecoInput {
    fn check(&self) -> Result<AdicionarEndereco, Vec<Erro>> {
        let mut checks = Checks::default();
        let cliente = checks.required("cliente", &self.cliente, rules::id);
        let logradouro = checks.required("logradouro", &self.logradouro, rules::line(LOGRADOURO));
        let numero = checks.required("numero", &self.numero, rules::line(NUMERO));
        let complemento =
            checks.optional("complemento", self.complemento.as_deref(), rules::line(COMPLEMENTO));
        let bairro = checks.optional("bairro", self.bairro.as_deref(), rules::line(BAIRRO));
        let cidade = checks.required("cidade", &self.cidade, rules::line(CIDADE));
        let cep = checks.required("cep", self.cep.text(), rules::cep);
        let pais = checks.required("pais", &self.pais, rules::pais);
        checks.pass(|| {
            Some(AdicionarEndereco {
                cliente: cliente?,
                logradouro: logradouro?,
                numero: numero?,
                complemento,
                bairro,
                cidade: cidade?,
                uf: self.uf.letters(),
                cep: cep?,
                pais: pais?,
            })
        })
    }
}

#[derive(Serialize)]
struct AdicionarEndereco {
    cliente: ClienteId,
    logradouro: String,
    numero: String,
    complemento: Option<String>,
    bairro: Option<String>,
    cidade: String,
    uf: &'static str,
    cep: Cep,
    pais: String,
}

impl Write for AdicionarEndereco {
    const OPERATION: &'static str = "adicionarEndereco";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        Ok(match siblings(ctx).has_cliente(ctx.scope(), self.cliente).await? {
            true => Vec::new(),
            false => vec![Erro::nao_encontrado("cliente", "O cliente")],
        })
    }

    /// The note on the client is locked before anything is counted or written:
    /// so two writes do not both become the fiftieth, and none comes after the
    /// client's removal.
    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        if Guarded::Cliente.lock(tx, self.cliente.0).await? {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("cliente", "O cliente")]));
        }
        if table::count_of(tx, self.cliente).await? >= MOST_ADDRESSES {
            let mensagem = format!("O cliente já tem {MOST_ADDRESSES} endereços, o máximo.");
            let erro = Erro::em("cliente", CodigoErro::LimiteDeEnderecos, mensagem);
            return Ok(Outcome::Refused(vec![erro]));
        }
        let dados = Dados {
            logradouro: &self.logradouro,
            numero: &self.numero,
            complemento: self.complemento.as_deref(),
            bairro: self.bairro.as_deref(),
            cidade: &self.cidade,
            uf: self.uf,
            cep: &self.cep,
            pais: &self.pais,
        };
        Ok(Outcome::Done(table::insert(tx, self.cliente, &dados).await?))
    }
}

/// Changes to an address: what is absent stays, null clears what may be empty.
#[derive(InputObject)]
pub struct AtualizarEnderecoInput {
    /// Which address.
    pub id: ID,
    /// Street, at most 160 characters.
    pub logradouro: MaybeUndefined<String>,
    /// House number, or `s/n`; at most 20 characters.
    pub numero: MaybeUndefined<String>,
    /// Flat, block, reference; at most 80 characters.
    pub complemento: MaybeUndefined<String>,
    /// Quarter, at most 80 characters.
    pub bairro: MaybeUndefined<String>,
    /// City, at most 80 characters.
    pub cidade: MaybeUndefined<String>,
    /// Federal unit.
    pub uf: MaybeUndefined<Uf>,
    /// Postal code; its dash, dots and blanks do not count.
    pub cep: MaybeUndefined<Lenient<Cep>>,
    /// Country, as two letters (ISO 3166-1).
    pub pais: MaybeUndefined<String>,
    /// `atualizadoEm` as it was read: when the address has changed since, nothing
    /// is written and the answer has the `erro` CONFLITO.
    pub atualizado_em: Option<Lenient<DateTime>>,
}

impl AtualizarEnderecoInput {
    fn check(&self) -> Result<AtualizarEndereco, Vec<Erro>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &self.id, rules::id);
        let logradouro = checks.change("logradouro", &self.logradouro, rules::line(LOGRADOURO));
        let numero = checks.change("numero", &self.numero, rules::line(NUMERO));
        let complemento = checks.change_optional("complemento", &self.complemento, rules::line(COMPLEMENTO));
        let bairro = checks.change_optional("bairro", &self.bairro, rules::line(BAIRRO));
        let cidade = checks.change("cidade", &self.cidade, rules::line(CIDADE));
        let uf = checks.change_typed("uf", &self.uf).map(|uf| uf.letters().to_owned());
        let cep = checks.change("cep", &self.cep, rules::cep);
        let pais = checks.change("pais", &self.pais, rules::pais);
        let atualizado_em =
            checks.condition("atualizadoEm", self.atualizado_em.as_ref().map(Lenient::text), rules::momento);
        checks.pass(|| {
            Some(AtualizarEndereco {
                id: id?,
                logradouro,
                numero,
                complemento,
                bairro,
                cidade,
                uf,
                cep,
                pais,
                atualizado_em,
            })
        })
    }
}

#[derive(Serialize)]
struct AtualizarEndereco {
    id: EnderecoId,
    logradouro: Change<String>,
    numero: Change<String>,
    complemento: Change<Option<String>>,
    bairro: Change<Option<String>>,
    cidade: Change<String>,
    uf: Change<String>,
    cep: Change<Cep>,
    pais: Change<String>,
    atualizado_em: Option<DateTime>,
}

impl Write for AtualizarEndereco {
    const OPERATION: &'static str = "atualizarEndereco";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let Some(old) = table::lock(tx, self.id).await? else {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "O endereço")]));
        };
        if self.atualizado_em.is_some_and(|seen| !seen.means(*old.atualizado_em)) {
            return Ok(Outcome::Refused(vec![Erro::conflito()]));
        }
        let dados = Dados {
            logradouro: self.logradouro.over(&old.logradouro),
            numero: self.numero.over(&old.numero),
            complemento: self.complemento.over(&old.complemento).as_deref(),
            bairro: self.bairro.over(&old.bairro).as_deref(),
            cidade: self.cidade.over(&old.cidade),
            uf: self.uf.over(&old.uf),
            cep: self.cep.over(&old.cep),
            pais: self.pais.over(&old.pais),
        };
        table::update(tx, self.id, &dados).await?;
        Ok(Outcome::Done(self.id.0))
    }
}

/// Which address is removed.
#[derive(InputObject)]
pub struct RemoverEnderecoInput {
    /// Which address.
    pub id: ID,
}

#[derive(Serialize)]
struct RemoverEndereco {
    id: EnderecoId,
    #[serde(skip)]
    before: Option<Arc<Registro>>,
}

impl Write for RemoverEndereco {
    const OPERATION: &'static str = "removerEndereco";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        let store = ctx.data_unchecked::<Enderecos>();
        self.before = store.por_id.load(ctx.scope(), Wanted { key: self.id, columns: Columns::ALL }).await?;
        Ok(Vec::new())
    }

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        Ok(if table::delete(tx, self.id).await? {
            Outcome::Done(self.id.0)
        } else {
            Outcome::Refused(vec![Erro::nao_encontrado("id", "O endereço")])
        })
    }
}

payload! {
    /// What came of `adicionarEndereco`.
    AdicionarEnderecoPayload<G: Graph>
    /// The new address; null when it was refused.
    endereco: Endereco<G> = Endereco::fetch, EnderecoId
}

payload! {
    /// What came of `atualizarEndereco`.
    AtualizarEnderecoPayload<G: Graph>
    /// The address after the change; null when it was refused.
    endereco: Endereco<G> = Endereco::fetch, EnderecoId
}

removal_payload! {
    /// What came of `removerEndereco`.
    RemoverEnderecoPayload<G: Graph>
    /// The address as it was; null when it was refused, or removed before.
    endereco: Endereco<G>, EnderecoId
}

/// The mutations.
pub struct MutacoesEnderecos<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> MutacoesEnderecos<G> {
    /// Adds an address to a client, who has 50 at most.
    async fn adicionar_endereco(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: AdicionarEnderecoInput,
    ) -> GraphResult<AdicionarEnderecoPayload<G>> {
        let db = &ctx.data_unchecked::<Enderecos>().db;
        let made = run(ctx, db, input.chave_idempotencia.as_deref(), input.check()).await?;
        Ok(AdicionarEnderecoPayload::of(made))
    }

    /// Changes an address: only the fields given.
    async fn atualizar_endereco(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: AtualizarEnderecoInput,
    ) -> GraphResult<AtualizarEnderecoPayload<G>> {
        let db = &ctx.data_unchecked::<Enderecos>().db;
        Ok(AtualizarEnderecoPayload::of(run(ctx, db, None, input.check()).await?))
    }

    /// Removes an address.
    async fn remover_endereco(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: RemoverEnderecoInput,
    ) -> GraphResult<RemoverEnderecoPayload<G>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &input.id, rules::id);
        let checked = checks.pass(|| Some(RemoverEndereco { id: id?, before: None }));
        let db = &ctx.data_unchecked::<Enderecos>().db;
        let made = run(ctx, db, None, checked).await?;
        Ok(RemoverEnderecoPayload::of(made, |write| write.before.map(Endereco::of)))
    }
}
