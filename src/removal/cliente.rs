//! The whole story of a client's removal.
//!
//! 1. [`RemoverCliente`]: in `clientes`, the row goes and a row of the outbox comes, in one
//!    transaction. From then on the client is gone for everybody who asks.
//! 2. [`Removals::forget_cliente`]: its addresses go in `enderecos`; in `inventario` it is
//!    noted that the client is gone, and its purchases go when that was wanted. Each store
//!    notes the client as removed first, so that nothing new can refer to it.
//! 3. The row of the outbox goes ([`advance`](super::advance)).

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use serde::Serialize;

use super::{EstadoRemocao, Progress, Removals, Removed};
use crate::db::{Fault, Store, StoreError, Transaction};
use crate::executor::Selection;
use crate::failpoint::reach;
use crate::kernel::GraphResult;
use crate::kernel::sizes::{MOST_ERROS, at_most};
use crate::peers::{Left, Step};
use crate::relay::{ClienteId, GlobalId as _};
use crate::stores::clientes::{self, Cadastro, Clientes, OwnsClientes};
use crate::writes::outbox::{self, Leased, PoliticaCompras, Task};
use crate::writes::{Checks, Erro, Outcome, Write, rules, run};

/// Steps of a thousand purchases at once; other removals wait for as long.
const AT_ONCE: u32 = 1_000;

/// Which client is removed.
#[derive(InputObject)]
pub struct RemoverClienteInput {
    /// Which client.
    pub id: ID,
    /// What becomes of the purchases; the addresses always go.
    #[graphql(default)]
    pub compras: PoliticaCompras,
}

/// What the removal of a client does here, and what it leaves to be done
/// elsewhere.
#[derive(Serialize)]
struct RemoverCliente {
    /// Who goes.
    id: ClienteId,
    /// What becomes of the purchases.
    compras: PoliticaCompras,
    /// The client as it was.
    #[serde(skip)]
    before: Option<Arc<Cadastro>>,
}

impl Write for RemoverCliente {
    const OPERATION: &'static str = "removerCliente";

    async fn prepare(&mut self, ctx: &Context<'_>) -> GraphResult<Vec<Erro>> {
        self.before = Clientes::fetch(ctx, vec![self.id], Selection::Whole).await?.pop().flatten();
        Ok(match self.before {
            Some(_) => Vec::new(),
            None => vec![Erro::nao_encontrado("id", "O cliente")],
        })
    }

    async fn apply(&self, tx: &mut Transaction<'_>) -> Result<Outcome, StoreError> {
        if clientes::lock(tx, self.id).await?.is_none() {
            return Ok(Outcome::Refused(vec![Erro::nao_encontrado("id", "O cliente")]));
        }
        clientes::delete(tx, self.id).await?;
        outbox::add(tx, Task::RemoverCliente, self.id.0, self.compras).await?;
        Ok(Outcome::Done(self.id.0))
    }
}

impl Removals {
    /// Both stores are tried, whatever comes of the first.
    pub(super) async fn forget_cliente(&self, leased: &Leased) -> (Progress, Option<StoreError>) {
        let cliente = leased.target;
        let addresses = self.steps.take(Step::ForgetEnderecos { cliente }).await;
        reach("removal", "enderecos");
        let purchases = self.forget_purchases(leased, cliente).await;
        reach("removal", "inventario");
        let progress =
            Progress { enderecos: addresses.is_ok(), inventario: purchases.is_ok(), catalogo: true };
        (progress, addresses.err().or(purchases.err()))
    }

    async fn forget_purchases(&self, leased: &Leased, cliente: u64) -> Result<(), StoreError> {
        let kept = leased.policy == PoliticaCompras::Manter;
        self.steps.take(Step::ForgetCompras { cliente, kept }).await?;
        reach("removal", "noted");
        let mut times = 0;
        while !kept && self.steps.take(Step::DeleteCompras { cliente }).await? == Left::More {
            reach("removal", "some_deleted");
            times += 1;
            if times == AT_ONCE {
                let rest = "a million rows are gone, and the rest follows";
                return Err(StoreError::new(Store::Inventario, Fault::Busy, rest));
            }
        }
        Ok(())
    }
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

/// The mutation.
pub struct RemocaoDeCliente<G>(pub PhantomData<fn() -> G>);

#[Object]
impl<G: OwnsClientes> RemocaoDeCliente<G> {
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
        let removals = ctx.data_unchecked::<Arc<Removals>>();
        Ok(RemoverClientePayload(Ok(Removed {
            before: done.write.before.map(G::cliente_of),
            id: done.write.id,
            compras: done.write.compras,
            progress: removals.finish(Store::Clientes, Task::RemoverCliente, done.id).await,
        })))
    }
}
