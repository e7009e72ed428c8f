//! What a write must know of a sibling's store: asked of its `_entities`, in batches, as rows
//! of a store of our own are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::dataloader::Loader;
use serde_json::{Value, json};

use super::client::Remote;
use crate::batching::{Batch, Source};
use crate::db::{AnyStore, Fault, MOST_KEYS, Ran, StoreError, Tally};
use crate::relay::{ClienteId, GlobalId as _, ProdutoId};
use crate::stores::references::Oferta;
use crate::writes::rules;

/// A sibling, asked for the requests with these tallies.
#[derive(Clone)]
pub(super) struct Asking {
    remote: Remote,
    audience: Arc<[Arc<Tally>]>,
}

impl Asking {
    pub(super) fn new(remote: Remote) -> Self {
        Self { remote, audience: Arc::default() }
    }

    /// An answer that is none.
    fn strange(&self, entity: &Value) -> StoreError {
        StoreError::new(
            self.store(),
            Fault::Internal,
            format!("the sibling answers what was not asked: {entity}"),
        )
    }

    /// One question for all: it is on every tally, as a statement would be.
    async fn ask(
        &self,
        name: &'static str,
        query: &'static str,
        representations: Vec<Value>,
    ) -> Result<Vec<Value>, StoreError> {
        let (store, begun, asked) = (self.store(), Instant::now(), representations.len());
        let outcome = self.remote.entities(name, query, representations).await;
        let (rows, failed) = (asked as u64, outcome.is_err());
        for tally in &*self.audience {
            let (time, requests) = (begun.elapsed(), self.audience.len());
            tally.record(Ran {
                store,
                name,
                text: query,
                begun,
                time,
                rows,
                requests,
                failed,
                replica: None,
                again: None,
            });
        }
        outcome
    }
}

impl Source for Asking {
    fn store(&self) -> AnyStore {
        self.remote.store().into()
    }

    fn patience(&self) -> Duration {
        self.remote.patience()
    }

    fn serving(&self, audience: Vec<Arc<Tally>>) -> Self {
        Self { remote: self.remote.clone(), audience: audience.into() }
    }
}

impl Batch<ClienteId> for Asking {
    const NAME: &'static str = "clientes.existe";
    const MOST: usize = MOST_KEYS;
}

/// Which clients there are. Asked for what their owner alone has: elsewhere every client exists, as
/// far as that store can know, and a sibling by mistake says that it does not fit.
impl Loader<ClienteId> for Asking {
    type Value = ();
    type Error = StoreError;

    async fn load(&self, ids: &[ClienteId]) -> Result<HashMap<ClienteId, ()>, StoreError> {
        const QUERY: &str = "query Existe($representations: [_Any!]!) { \
                             _entities(representations: $representations) { \
                             __typename ... on Cliente { nome } } }";
        let representations =
            ids.iter().map(|id| json!({ "__typename": "Cliente", "id": id.to_id().to_string() })).collect();
        let found = self.ask(<Self as Batch<ClienteId>>::NAME, QUERY, representations).await?;
        let mut there = HashMap::with_capacity(ids.len());
        for (id, entity) in ids.iter().zip(found).filter(|(_, entity)| !entity.is_null()) {
            if entity["__typename"] != "Cliente" || !entity["nome"].is_string() {
                return Err(self.strange(&entity));
            }
            there.insert(*id, ());
        }
        Ok(there)
    }
}

impl Batch<ProdutoId> for Asking {
    const NAME: &'static str = "catalogo.oferta";
    const MOST: usize = MOST_KEYS;
}

/// What products cost and whether they can be bought.
impl Loader<ProdutoId> for Asking {
    type Value = Oferta;
    type Error = StoreError;

    async fn load(&self, ids: &[ProdutoId]) -> Result<HashMap<ProdutoId, Oferta>, StoreError> {
        const QUERY: &str = "query Oferta($representations: [_Any!]!) { \
                             _entities(representations: $representations) { \
                             __typename ... on Produto { preco disponivel } } }";
        let representations =
            ids.iter().map(|id| json!({ "__typename": "Produto", "id": id.to_id().to_string() })).collect();
        let found = self.ask(<Self as Batch<ProdutoId>>::NAME, QUERY, representations).await?;
        let mut offers = HashMap::with_capacity(ids.len());
        for (id, entity) in ids.iter().zip(found).filter(|(_, entity)| !entity.is_null()) {
            let oferta = oferta(&entity).ok_or_else(|| self.strange(&entity))?;
            offers.insert(*id, oferta);
        }
        Ok(offers)
    }
}

/// By the rule for prices, as if somebody had typed it.
fn oferta(entity: &Value) -> Option<Oferta> {
    if entity["__typename"] != "Produto" {
        return None;
    }
    let preco = rules::preco(entity["preco"].as_str()?).ok()?;
    Some(Oferta { preco, disponivel: entity["disponivel"].as_bool()? })
}
