//! What every mutation answers: the object, and what a person can mend.

/// Defines a payload: the object of this id, loaded when it is selected (so with
/// everything below it, and after the write), and `erros`.
macro_rules! payload {
    (
        $(#[$doc:meta])*
        $name:ident<$graph:ident: $bound:path>
        $(#[$field_doc:meta])*
        $field:ident: $object:ty = $load:path, $id:ty
    ) => {
        $(#[$doc])*
        pub struct $name<$graph> {
            outcome: Result<$id, Vec<$crate::writes::Erro>>,
            graph: ::std::marker::PhantomData<fn() -> $graph>,
        }

        impl<$graph> $name<$graph> {
            fn of<W>(made: Result<$crate::writes::Done<W>, Vec<$crate::writes::Erro>>) -> Self {
                use $crate::relay::GlobalId as _;
                let outcome = made.map(|done| <$id>::from_number(done.id));
                Self { outcome, graph: ::std::marker::PhantomData }
            }
        }

        $(#[$doc])*
        #[::async_graphql::Object]
        impl<$graph: $bound> $name<$graph> {
            $(#[$field_doc])*
            async fn $field(&self, ctx: &::async_graphql::Context<'_>) -> $crate::executor::StoreField<$crate::executor::Walked<$object>> {
                let id = self.outcome.as_ref().ok().copied();
                $crate::executor::StoreField::found(async move {
                    match id {
                        Some(id) => $load(ctx, id).await,
                        None => Ok(None),
                    }
                })
                .await
            }

            /// What a person can mend; empty when it was done.
            #[graphql(directive = $crate::kernel::sizes::at_most::apply($crate::kernel::sizes::MOST_ERROS))]
            async fn erros(&self) -> &[$crate::writes::Erro] {
                self.outcome.as_ref().err().map_or(&[], Vec::as_slice)
            }
        }
    };
}

/// Defines the payload of a removal: the object as it was, its id, and `erros`.
macro_rules! removal_payload {
    (
        $(#[$doc:meta])*
        $name:ident<$graph:ident: $bound:path>
        $(#[$field_doc:meta])*
        $field:ident: $object:ty, $id:ty
    ) => {
        $(#[$doc])*
        pub struct $name<$graph: $bound> {
            removed: Option<(Option<$object>, $id)>,
            erros: Vec<$crate::writes::Erro>,
        }

        impl<$graph: $bound> $name<$graph> {
            fn of<W>(
                made: Result<$crate::writes::Done<W>, Vec<$crate::writes::Erro>>,
                before: impl FnOnce(W) -> Option<$object>,
            ) -> Self {
                use $crate::relay::GlobalId as _;
                match made {
                    Ok(done) => Self {
                        removed: Some((before(done.write), <$id>::from_number(done.id))),
                        erros: Vec::new(),
                    },
                    Err(erros) => Self { removed: None, erros },
                }
            }
        }

        $(#[$doc])*
        #[::async_graphql::Object]
        impl<$graph: $bound> $name<$graph> {
            $(#[$field_doc])*
            async fn $field(&self) -> Option<&$object> {
                self.removed.as_ref()?.0.as_ref()
            }

            /// The id of what was removed; null when nothing was.
            async fn id_removido(&self) -> Option<::async_graphql::ID> {
                use $crate::relay::GlobalId as _;
                self.removed.as_ref().map(|(_, id)| id.to_id())
            }

            /// What a person can mend; empty when it was done.
            #[graphql(directive = $crate::kernel::sizes::at_most::apply($crate::kernel::sizes::MOST_ERROS))]
            async fn erros(&self) -> &[$crate::writes::Erro] {
                &self.erros
            }
        }
    };
}

pub(crate) use {payload, removal_payload};
