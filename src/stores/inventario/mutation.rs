//! Writes to this store.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use futures_util::future::join;
use serde::Serialize;

use super::table::{self, Registro};
use super::{Compra, Inventario};
use crate::db::{StoreError, Transaction};
use crate::kernel::scalars::Decimal;
use crate::kernel::{ContextExt as _, GraphResult};
use crate::relay::{ClienteId, CompraId, ProdutoId};
use crate::stores::references::{Graph, siblings};
use crate::writes::guard::Guarded;
use crate::writes::{
    Change, Checks, CodigoErro, Erro, Lenient, Outcome, Write, payload, removal_payload, rules, run,
};

/// A new purchase, now, at the price of now.
#[derive(InputObject)]
pub struct RegistrarCompraInput {
    /// Who buys.
    pub cliente: ID,
    /// What is bought; it must be `disponivel`.
    pub produto: ID,
    /// How many: 1 to 10,000.
    pub quantidade: i32,
    /// The same key with the same input gives the same answer and no second
    /// purchase; 1 to 64 visible ASCII characters.
    pub chave_idempotencia: Option<String>,
}

impl RegistrarCompraInput {
    fn check(&self) -> Result<RegistrarCompra, Vec<Erro>> {
        let mut checks = Checks::default();
        let cliente = checks.required("cliente", &self.cliente, rules::id);
        let produto = checks.required("produto", &self.produto, rules::id);
        let quantidade = checks.keep("quantidade", rules::quantidade(self.quantidade.into()));
        checks.pass(|| {
            Some(RegistrarCompra {
                cliente: cliente?,
                produto: produto?,
                quantidade: quantidade?,
                preco: Decimal::ZERO,
            })
        })
    }
}

#[derive(Serialize)]
struct RegistrarCompra {
    cliente: ClienteId,
    produto: ProdutoId,
    quantidade: u32,
    /// Not the caller's, so not part of what makes two inputs the same.
    #[serde(skip)]
    preco: Decimal,
}

impl Write for RegistrarCompra {
    const OPERATION: &'static str = "registrarCompra";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        let (others, scope) = (siblings(ctx), ctx.scope());
        let (has_cliente, oferta) =
            join(others.has_cliente(scope, self.cliente), others.oferta(scope, self.produto)).await;
        let mut erros = Vec::new();
        if !has_cliente? {
            erros.push(Erro::nao_encontrado("cliente", "O cliente"));
        }
        match oferta? {
            None => erros.push(Erro::nao_encontrado("produto", "O produto")),
            Some(oferta) if !oferta.disponivel => erros.push(Erro::em(
                "produto",
                CodigoErro::Indisponivel,
                "O produto não está disponível para compra.",
            )),
            Some(oferta) => self.preco = oferta.preco,
        }
        Ok(erros)
    }

    /// The notes on the client and the product are locked first, so that no
    /// purchase comes after the removal of either.
    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let mut erros = Vec::new();
        let (cliente_removed, produto_removed) =
            Guarded::share_pair(tx, self.cliente.0, self.produto.0).await?;
        if cliente_removed {
            erros.push(Erro::nao_encontrado("cliente", "O cliente"));
        }
        if produto_removed {
            erros.push(Erro::nao_encontrado("produto", "O produto"));
        }
        if !erros.is_empty() {
            return Ok(Outcome::Refused(erros));
        }
        let id = table::insert(tx, (self.cliente, self.produto), self.quantidade, self.preco).await?;
        Ok(Outcome::Done(id))
    }
}

/// Corrections to a purchase: what is absent stays.
#[derive(InputObject)]
pub struct CorrigirCompraInput {
    /// Which purchase.
    pub id: ID,
    /// How many: 1 to 10,000.
    pub quantidade: MaybeUndefined<i32>,
    /// The price of one, from 0.00 to 9999999999.99, with at most two decimals.
    pub preco_unitario: MaybeUndefined<Lenient<Decimal>>,
}

impl CorrigirCompraInput {
    fn check(&self) -> Result<CorrigirCompra, Vec<Erro>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &self.id, rules::id);
        let quantidade = match checks.change_typed("quantidade", &self.quantidade) {
            Change::Set(units) => {
                let fitting = checks.keep("quantidade", rules::quantidade(units.into()));
                fitting.map_or(Change::Keep, Change::Set)
            }
            Change::Keep => Change::Keep,
        };
        let preco_unitario = checks.change("precoUnitario", &self.preco_unitario, rules::preco);
        checks.pass(|| Some(CorrigirCompra { id: id?, quantidade, preco_unitario }))
    }
}

#[derive(Serialize)]
struct CorrigirCompra {
    id: CompraId,
    quantidade: Change<u32>,
    preco_unitario: Change<Decimal>,
}

impl Write for CorrigirCompra {
    const OPERATION: &'static str = "corrigirCompra";

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        let Some(old) = table::lock(tx, self.id).await? else {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "A compra")]));
        };
        let quantidade = *self.quantidade.over(&old.quantidade);
        let preco_unitario = *self.preco_unitario.over(&old.preco_unitario);
        table::update(tx, self.id, quantidade, preco_unitario).await?;
        Ok(Outcome::Done(self.id.0))
    }
}

/// Which purchase is cancelled.
#[derive(InputObject)]
pub struct CancelarCompraInput {
    /// Which purchase.
    pub id: ID,
}

#[derive(Serialize)]
struct CancelarCompra {
    id: CompraId,
    #[serde(skip)]
    before: Option<Arc<Registro>>,
}

impl Write for CancelarCompra {
    const OPERATION: &'static str = "cancelarCompra";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        let store = ctx.data_unchecked::<Inventario>();
        self.before = store.por_id.load(ctx.scope(), self.id).await?;
        Ok(Vec::new())
    }

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        Ok(if table::delete(tx, self.id).await? {
            Outcome::Done(self.id.0)
        } else {
            Outcome::Refused(vec![Erro::nao_encontrado("id", "A compra")])
        })
    }
}

payload! {
    /// What came of `registrarCompra`.
    RegistrarCompraPayload<G: Graph>
    /// The new purchase; null when it was refused.
    compra: Compra<G> = Compra::fetch, CompraId
}

payload! {
    /// What came of `corrigirCompra`.
    CorrigirCompraPayload<G: Graph>
    /// The purchase after the correction; null when it was refused.
    compra: Compra<G> = Compra::fetch, CompraId
}

removal_payload! {
    /// What came of `cancelarCompra`.
    CancelarCompraPayload<G: Graph>
    /// The purchase as it was; null when it was refused, or cancelled before.
    compra: Compra<G>, CompraId
}

/// The mutations.
pub struct MutacoesInventario<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: Graph> MutacoesInventario<G> {
    /// Registers that a client buys a product now, at its price of now.
    async fn registrar_compra(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: RegistrarCompraInput,
    ) -> GraphResult<RegistrarCompraPayload<G>> {
        let db = &ctx.data_unchecked::<Inventario>().db;
        let made = run(ctx, db, input.chave_idempotencia.as_deref(), input.check()).await?;
        Ok(RegistrarCompraPayload::of(made))
    }

    /// Corrects a purchase: only the fields given.
    async fn corrigir_compra(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: CorrigirCompraInput,
    ) -> GraphResult<CorrigirCompraPayload<G>> {
        let db = &ctx.data_unchecked::<Inventario>().db;
        Ok(CorrigirCompraPayload::of(run(ctx, db, None, input.check()).await?))
    }

    /// Cancels a purchase: it is removed.
    async fn cancelar_compra(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: CancelarCompraInput,
    ) -> GraphResult<CancelarCompraPayload<G>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &input.id, rules::id);
        let checked = checks.pass(|| Some(CancelarCompra { id: id?, before: None }));
        let db = &ctx.data_unchecked::<Inventario>().db;
        let made = run(ctx, db, None, checked).await?;
        Ok(CancelarCompraPayload::of(made, |write| write.before.map(Compra::of)))
    }
}
