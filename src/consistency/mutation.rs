//! The mutations that cross stores.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{Consistency, Progress};
use crate::db::Store;
use crate::kernel::GraphResult;
use crate::kernel::sizes::{MOST_ERROS, at_most};
use crate::relay::{ClienteId, GlobalId as _, ProdutoId};
use crate::stores::clientes::{Clientes, OwnsClientes, RemoverCliente};
use crate::stores::inventario::{Inventario, RemoverProduto};
use crate::stores::references::Offers;
use crate::writes::outbox::{PoliticaCompras, Task};
use crate::writes::{Checks, Erro, rules, run};

/// Which client is removed.
#[derive(InputObject)]
pub struct RemoverClienteInput {
    /// Which client.
    pub id: ID,
    /// What becomes of the purchases; the addresses always go.
    #[graphql(default)]
    pub compras: PoliticaCompras,
}

/// Which product is removed.
#[derive(InputObject)]
pub struct RemoverProdutoInput {
    /// Which product.
    pub id: ID,
}

/// How far a removal has come in another store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum EstadoRemocao {
    /// They are gone.
    Concluida,
    /// They will go, as soon as their store answers.
    Pendente,
    /// They stay.
    Mantida,
}

impl EstadoRemocao {
    const fn of(done: bool) -> Self {
        if done { Self::Concluida } else { Self::Pendente }
    }
}

struct Removed<T, I> {
    before: Option<T>,
    id: I,
    compras: PoliticaCompras,
    progress: Progress,
}

/// What came of `removerCliente`.
pub struct RemoverClientePayload<G: OwnsClientes>(Result<Removed<G::Cliente, ClienteId>, Vec<Erro>>);

/// What came of `removerCliente`.
#[Object]
impl<G: OwnsClientes> RemoverClientePayload<G> {
    /// The client as it was; null when it was refused, or removed before. What
    /// other stores know of it is already gone where `enderecos` and `compras`
    /// say so.
    async fn cliente(&self) -> Option<&G::Cliente> {
        self.0.as_ref().ok()?.before.as_ref()
    }

    /// The id of what was removed; null when nothing was.
    async fn id_removido(&self) -> Option<ID> {
        self.0.as_ref().ok().map(|removed| removed.id.to_id())
    }

    /// How far the addresses have gone; null when nothing was removed.
    async fn enderecos(&self) -> Option<EstadoRemocao> {
        self.0.as_ref().ok().map(|removed| EstadoRemocao::of(removed.progress.enderecos))
    }

    /// What has become of the purchases; null when nothing was removed.
    async fn compras(&self) -> Option<EstadoRemocao> {
        let removed = self.0.as_ref().ok()?;
        Some(match removed.compras {
            PoliticaCompras::Manter => EstadoRemocao::Mantida,
            PoliticaCompras::Remover => EstadoRemocao::of(removed.progress.inventario),
        })
    }

    /// What a person can mend; empty when it was done.
    #[graphql(directive = at_most::apply(MOST_ERROS))]
    async fn erros(&self) -> &[Erro] {
        self.0.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

/// What came of `removerProduto`.
pub struct RemoverProdutoPayload<G: Offers>(Result<Removed<G::Produto, ProdutoId>, Vec<Erro>>);

/// What came of `removerProduto`.
#[Object]
impl<G: Offers> RemoverProdutoPayload<G> {
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

/// The mutations.
pub struct Remocoes<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsClientes + Offers> Remocoes<G> {
    /// Removes a client, its addresses and, when told to, its purchases; otherwise
    /// the sales stay, with `cliente` null. Done at once here, and in the other
    /// stores as soon as they answer.
    async fn remover_cliente(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values; all that is wrong with them comes back in `erros`.")]
        input: RemoverClienteInput,
    ) -> GraphResult<RemoverClientePayload<G>> {
        let mut checks = Checks::default();
        let id = checks.required("id", &input.id, rules::id);
        let checked = checks.pass(|| Some(RemoverCliente { id: id?, compras: input.compras, before: None }));
        let db = ctx.data_unchecked::<Clientes>().db();
        let done = match run(ctx, db, None, checked).await? {
            Ok(done) => done,
            Err(erros) => return Ok(RemoverClientePayload(Err(erros))),
        };
        let consistency = ctx.data_unchecked::<Arc<Consistency>>();
        Ok(RemoverClientePayload(Ok(Removed {
            before: done.write.before.map(G::cliente_of),
            id: done.write.id,
            compras: done.write.compras,
            progress: consistency.finish(Store::Clientes, Task::RemoverCliente, done.id).await,
        })))
    }

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
        let consistency = ctx.data_unchecked::<Arc<Consistency>>();
        Ok(RemoverProdutoPayload(Ok(Removed {
            before: done.write.before,
            id: done.write.id,
            compras: PoliticaCompras::Manter,
            progress: consistency.finish(Store::Inventario, Task::RemoverProduto, done.id).await,
        })))
    }
}
