//! Writes to this store. The removal of a product begins in `inventario`, which
//! knows whether it was bought, and ends with [`delete`](super::delete).

use std::marker::PhantomData;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use serde::Serialize;

use super::table::{self, Dados};
use super::{Catalogo, OwnsProdutos};
use crate::db::{StoreError, Transaction};
use crate::kernel::GraphResult;
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::ProdutoId;
use crate::stores::references::Graph;
use crate::writes::{Change, Checks, Erro, Lenient, Outcome, Write, payload, rules, run};

const NOME: usize = 160;
const DESCRICAO: usize = 10_000;

/// A new product.
#[derive(InputObject)]
pub struct CriarProdutoInput {
    /// Name, at most 160 characters.
    pub nome: String,
    /// Description, at most 10,000 characters; may have several lines.
    pub descricao: Option<String>,
    /// Price, from 0.00 to 9999999999.99, with at most two decimals.
    pub preco: Lenient<Decimal>,
    /// Whether it can be bought.
    #[graphql(default = true)]
    pub disponivel: bool,
    /// The same key with the same input gives the same answer and no second
    /// product; 1 to 64 visible ASCII characters.
    pub chave_idempotencia: Option<String>,
}

impl CriarProdutoInput {
    fn check(&self) -> Result<CriarProduto, Vec<Erro>> {
        let mut checks = Checks::default();
        let nome = checks.required("nome", &self.nome, rules::line(NOME));
        let descricao = checks.optional("descricao", self.descricao.as_deref(), rules::lines(DESCRICAO));
        let preco = checks.required("preco", self.preco.text(), rules::preco);
        let disponivel = self.disponivel;
        checks.pass(|| Some(CriarProduto { nome: nome?, descricao, preco: preco?, disponivel }))
    }
}

#[derive(Serialize)]
struct CriarProduto {
    nome: String,
    descricao: Option<String>,
    preco: Decimal,
    disponivel: bool,
}

impl Write for CriarProduto {
    const OPERATION: &'static str = "criarProduto";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let dados = Dados {
            nome: &self.nome,
            descricao: self.descricao.as_deref(),
            preco: self.preco,
            disponivel: self.disponivel,
        };
        Ok(Outcome::Done(table::insert(tx, &dados).await?))
    }
}

/// Changes to a product: what is absent stays, null clears what may be empty.
#[derive(InputObject)]
pub struct AtualizarProdutoInput {
    /// Which product.
    pub id: ID,
    /// Name, at most 160 characters.
    pub nome: MaybeUndefined<String>,
    /// Description, at most 10,000 characters; may have several lines.
    pub descricao: MaybeUndefined<String>,
    /// Price, from 0.00 to 9999999999.99, with at most two decimals; purchases
    /// keep the price of their day.
    pub preco: MaybeUndefined<Lenient<Decimal>>,
    /// Whether it can be bought.
    pub disponivel: MaybeUndefined<bool>,
    /// `atualizadoEm` as it was read: when the product has changed since, nothing
    /// is written and the answer has the `erro` CONFLITO.
    pub atualizado_em: Option<Lenient<DateTime>>,
}

impl AtualizarProdutoInput {
    fn check(&self) -> Result<AtualizarProduto, Vec<Erro>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &self.id, rules::id);
        let nome = checks.change("nome", &self.nome, rules::line(NOME));
        let descricao = checks.change_optional("descricao", &self.descricao, rules::lines(DESCRICAO));
        let preco = checks.change("preco", &self.preco, rules::preco);
        let disponivel = checks.change_typed("disponivel", &self.disponivel);
        let atualizado_em =
            checks.condition("atualizadoEm", self.atualizado_em.as_ref().map(Lenient::text), rules::momento);
        checks.pass(|| Some(AtualizarProduto { id: id?, nome, descricao, preco, disponivel, atualizado_em }))
    }
}

#[derive(Serialize)]
struct AtualizarProduto {
    id: ProdutoId,
    nome: Change<String>,
    descricao: Change<Option<String>>,
    preco: Change<Decimal>,
    disponivel: Change<bool>,
    atualizado_em: Option<DateTime>,
}

impl Write for AtualizarProduto {
    const OPERATION: &'static str = "atualizarProduto";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let Some(old) = table::lock(tx, self.id).await? else {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "O produto")]));
        };
        if self.atualizado_em.is_some_and(|seen| !seen.means(*old.atualizado_em)) {
            return Ok(Outcome::Refused(vec![Erro::conflito()]));
        }
        let descricao = table::descricao(tx, self.id).await?;
        let dados = Dados {
            nome: self.nome.over(&old.nome),
            descricao: self.descricao.over(&descricao).as_deref(),
            preco: *self.preco.over(&old.preco),
            disponivel: *self.disponivel.over(&old.disponivel),
        };
        table::update(tx, self.id, &dados).await?;
        Ok(Outcome::Done(self.id.0))
    }
}

payload! {
    /// What came of `criarProduto`.
    CriarProdutoPayload<G: Graph>
    /// The new product; null when it was refused.
    produto: G::Produto = G::produto, ProdutoId
}

payload! {
    /// What came of `atualizarProduto`.
    AtualizarProdutoPayload<G: Graph>
    /// The product after the change; null when it was refused.
    produto: G::Produto = G::produto, ProdutoId
}

/// The mutations.
pub struct MutacoesCatalogo<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsProdutos> MutacoesCatalogo<G> {
    /// Lists a product.
    async fn criar_produto(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: CriarProdutoInput,
    ) -> GraphResult<CriarProdutoPayload<G>> {
        let db = &ctx.data_unchecked::<Catalogo>().db;
        let made = run(ctx, db, input.chave_idempotencia.as_deref(), input.check()).await?;
        Ok(CriarProdutoPayload::of(made))
    }

    /// Changes a product: only the fields given.
    async fn atualizar_produto(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: AtualizarProdutoInput,
    ) -> GraphResult<AtualizarProdutoPayload<G>> {
        let db = &ctx.data_unchecked::<Catalogo>().db;
        Ok(AtualizarProdutoPayload::of(run(ctx, db, None, input.check()).await?))
    }
}
