//! A field that waits for a store, resolved in a future of its own.

use std::borrow::Cow;
use std::future::Future;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::future::BoxFuture;

use crate::kernel::GraphResult;

/// What a store gave for a nullable field: nothing, a failure, or a value.
///
/// The executor makes a future for every field, as large as the largest among
/// the fields of its type; a scalar pays for the connection beside it. So the
/// waiting goes into a box of its own, as the resolving of an object does
/// ([`Walked`](super::Walked), [`WalkedList`](super::WalkedList)).
pub struct StoreField<T>(Option<GraphResult<T>>);

impl<T: Send> StoreField<T> {
    /// Waits for what may not be there.
    pub fn found<'a, V: Into<T>>(
        load: impl Future<Output = GraphResult<Option<V>>> + Send + 'a,
    ) -> BoxFuture<'a, Self> {
        Box::pin(async move { Self(load.await.transpose().map(|value| value.map(V::into))) })
    }

    /// Waits for one of what is found of several at once.
    pub fn only<'a, V: Into<T> + Send>(
        load: impl Future<Output = GraphResult<Vec<Option<V>>>> + Send + 'a,
    ) -> BoxFuture<'a, Self> {
        Self::found(async move { Ok(load.await?.pop().flatten()) })
    }

    /// Waits for what is always there, unless the store fails.
    pub fn all<'a, V: Into<T>>(
        load: impl Future<Output = GraphResult<V>> + Send + 'a,
    ) -> BoxFuture<'a, Self> {
        Box::pin(async move { Self(Some(load.await.map(V::into))) })
    }
}

impl<T: OutputType> OutputType for StoreField<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        Option::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Option::<T>::create_type_info(registry)
    }

    fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> impl Future<Output = ServerResult<Value>> + Send {
        self.0.resolve(ctx, field)
    }
}
