//! The whole story of a product's removal.
//!
//! 1. [`RemoverProduto`]: in `inventario`, which alone knows whether it was bought. Then it
//!    is refused; otherwise the product is noted as removed, so that nobody buys it any
//!    more, and a row of the outbox comes, in one transaction.
//! 2. [`Removals::forget_produto`]: its row goes in `catalogo`.
//! 3. The row of the outbox goes ([`advance`](super::advance)).

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use futures_util::future::join;
use serde::Serialize;

use super::{EstadoRemocao, Progress, Removals, Removed};
use crate::db::{Store, StoreError, Transaction};
use crate::executor::Selection;
use crate::failpoint::reach;
use crate::kernel::sizes::{MOST_ERROS, at_most};
use crate::kernel::{ContextExt as _, GraphResult};
use crate::peers::Step;
use crate::relay::{GlobalId as _, ProdutoId};
use crate::stores::inventario::{self, Inventario};
use crate::stores::references::{Graph, siblings};
use crate::writes::guard::Guarded;
use crate::writes::outbox::{self, Leased, PoliticaCompras, Task};
use crate::writes::{Checks, CodigoErro, Erro, Outcome, Write, rules, run};

/// Which product is removed.
#[derive(InputObject)]
pub struct RemoverProdutoInput {
    /// Which product.
    pub id: ID,
}

/// What the removal of a product does here: it is refused when the product was
/// bought; otherwise nobody buys it any more, and the catalogue is told.
#[derive(Serialize)]
struct RemoverProduto<G: Graph> {
    /// What goes.
    id: ProdutoId,
    /// The product as it was.
    #[serde(skip)]
    before: Option<G::Produto>,
}

impl<G: Graph> Write for RemoverProduto<G> {
    const OPERATION: &'static str = "removerProduto";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        let oferta = siblings(ctx).oferta(ctx.scope(), self.id);
        let whole = G::produtos(ctx, vec![self.id], Selection::Whole);
        let (oferta, before) = join(oferta, whole).await;
        self.before = before?.pop().flatten();
        Ok(match oferta? {
            Some(_) => Vec::new(),
            None => vec![Erro::nao_encontrado("id", "O produto")],
        })
    }

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        if Guarded::Produto.lock(tx, self.id.0).await? {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "O produto")]));
        }
        if inventario::was_bought(tx, self.id).await? {
            return Ok(Outcome::Refused(vec![Erro::em(
                "id",
                CodigoErro::ProdutoComCompras,
                "O produto tem compras e não pode ser removido; torne-o indisponível (disponivel: false).",
            )]));
        }
        Guarded::Produto.mark_removed(tx, self.id.0, false).await?;
        outbox::add(tx, Task::RemoverProduto, self.id.0, PoliticaCompras::Manter).await?;
        Ok(Outcome::Done(self.id.0))
    }
}

impl Removals {
    pub(super) async fn forget_produto(&self, leased: &Leased) -> (Progress, Option<StoreError>) {
        let deleted = self.steps.take(Step::DeleteProduto { produto: leased.target }).await;
        reach("removal", "catalogo");
        (Progress { catalogo: deleted.is_ok(), ..Progress::WHOLE }, deleted.err())
    }
}

/// What came of `removerProduto`.
pub struct RemoverProdutoPayload<G: Graph>(Result<Removed<G::Produto, ProdutoId>, Vec<Erro>>);

/// What came of `removerProduto`.
#[Object]
impl<G: Graph> RemoverProdutoPayload<G> {
    /// The product as it was; null when it was refused, or removed before.
    async fn produto(&self) -> Option<&G::Produto> {
        self.0.as_ref().ok()?.before.as_ref()
    }

    /// The id of what was removed; null when nothing was.
    async fn id_removido(&self) -> Option<ID> {
        self.0.as_ref().ok().map(|removed| removed.id.to_id())
    }

    /// Whether the catalogue has let it go yet; null when nothing was removed. In
    /// any case nobody can buy it any more.
    async fn catalogo(&self) -> Option<EstadoRemocao> {
        self.0.as_ref().ok().map(|removed| EstadoRemocao::of(removed.progress.catalogo))
    }

    /// What a person can mend; empty when it was done.
    #[graphql(directive = at_most::apply(MOST_ERROS))]
    async fn erros(&self) -> &[Erro] {
        self.0.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

/// The mutation.
pub struct RemocaoDeProduto<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> RemocaoDeProduto<G> {
    /// Removes a product that nobody has bought; one that was bought is refused
    /// with `PRODUTO_COM_COMPRAS`, and can be made unavailable instead.
    async fn remover_produto(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: RemoverProdutoInput,
    ) -> GraphResult<RemoverProdutoPayload<G>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &input.id, rules::id);
        let checked = checks.pass(|| Some(RemoverProduto::<G> { id: id?, before: None }));
        let db = ctx.data_unchecked::<Inventario>().db();
        let done = match run(ctx, db, None, checked).await? {
            Ok(done) => done,
            Err(erros) => return Ok(RemoverProdutoPayload(Err(erros))),
        };
        let removals = ctx.data_unchecked::<Arc<Removals>>();
        Ok(RemoverProdutoPayload(Ok(Removed {
            before: done.write.before,
            id: done.write.id,
            compras: PoliticaCompras::Manter,
            progress: removals.finish(Store::Inventario, Task::RemoverProduto, done.id).await,
        })))
    }
}
