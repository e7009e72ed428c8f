//! Fields that are ready: written where they stand, without a future and without a value
//! between; and fields that lead on, resolved for many objects at once. A type says which by
//! [`ready!`], beside its resolvers, and one that is made of parts by [`parts!`];
//! `schema/merged.rs` and `tests/integration/walks.rs` compare them with the resolvers.

use super::lead::{Lead, Leading};
use crate::kernel::{Json, RequestContext};

/// An object some of whose fields need no resolver of their own.
pub trait Ready: Send + Sync {
    /// The names of these fields. Each is a leaf without arguments.
    #[must_use]
    fn names() -> Vec<&'static str> {
        Vec::new()
    }

    /// The place of a field among them.
    #[must_use]
    fn place(_name: &str) -> Option<usize> {
        None
    }

    /// Writes the field at `place`; false, with nothing written, when its resolver must say what
    /// is wrong with it.
    fn write(&self, _place: usize, _request: &RequestContext, _json: &mut Json) -> bool {
        false
    }

    /// Whether a field is one that leads on.
    #[must_use]
    fn leads(_name: &str) -> bool {
        false
    }

    /// Begins such a field for many objects at once; none when it is not, or when each is to be
    /// asked by itself.
    #[must_use]
    fn lead<'a>(_name: &str, _lead: Lead<'a, Self>) -> Option<Leading<'a>>
    where
        Self: Sized + 'a,
    {
        None
    }
}

impl<T: Ready> Ready for &T {
    fn names() -> Vec<&'static str> {
        T::names()
    }

    fn place(name: &str) -> Option<usize> {
        T::place(name)
    }

    fn write(&self, place: usize, request: &RequestContext, json: &mut Json) -> bool {
        (**self).write(place, request, json)
    }

    fn leads(name: &str) -> bool {
        T::leads(name)
    }

    fn lead<'a>(name: &str, lead: Lead<'a, Self>) -> Option<Leading<'a>>
    where
        Self: 'a,
    {
        T::lead(name, lead.part(|object| *object))
    }
}

/// The fields of a type that are ready, each with its value:
///
/// ```text
/// ready! {
///     impl{G: Graph} Compra<G>, |compra, request| {
///         "quantidade" => compra.row.quantidade,
///     }
/// }
/// ```
///
/// The second name is the request's; `"uf" if let Some(uf) = …` leaves a field to its resolver
/// where there is nothing to write. Fields that lead on stand below, each with what becomes of it:
///
/// ```text
///     leads |compras| {
///         "produto" => compras.one(|ctx, compras| G::produtos(ctx, compras.iter().map(…).collect())),
///     }
/// ```
macro_rules! ready {
    (
        impl $({$($generics:tt)+})? $type:ty, |$it:ident, $request:ident| {
            $($name:literal $(if let $found:pat = $from:expr)? => $value:expr,)*
        }
        $(leads |$many:ident| { $($lead:literal => $leading:expr,)+ })?
    ) => {
        impl $(<$($generics)+>)? $crate::executor::Ready for $type {
            fn names() -> Vec<&'static str> {
                vec![$($name),*]
            }

            fn place(name: &str) -> Option<usize> {
                const NAMES: &[&str] = &[$($name),*];
                NAMES.iter().position(|known| *known == name)
            }

            fn write(
                &self,
                place: usize,
                request: &$crate::kernel::RequestContext,
                json: &mut $crate::kernel::Json,
            ) -> bool {
                type Write<T> =
                    fn(&T, &$crate::kernel::RequestContext, &mut $crate::kernel::Json) -> bool;
                let all: &[Write<Self>] = &[$(
                    |$it, $request, json| {
                        let _ = $request;
                        $(let $found = $from else { return false };)?
                        $crate::kernel::Written::write(&$value, json);
                        true
                    }
                ),*];
                all.get(place).is_some_and(|write| write(self, request, json))
            }

            $(
                fn leads(name: &str) -> bool {
                    [$($lead),+].contains(&name)
                }

                fn lead<'a>(
                    name: &str,
                    $many: $crate::executor::Lead<'a, Self>,
                ) -> Option<$crate::executor::Leading<'a>>
                where
                    Self: 'a,
                {
                    match name {
                        $($lead => $leading,)+
                        _ => None,
                    }
                }
            )?
        }
    };
}

/// The ready fields of an object that is made of parts: those of its parts.
macro_rules! parts {
    ($type:ty { $($place:tt: $part:ty),+ $(,)? }) => {
        impl $crate::executor::Ready for $type {
            fn names() -> Vec<&'static str> {
                let mut names = Vec::new();
                $(names.extend(<$part as $crate::executor::Ready>::names());)+
                names
            }

            fn place(name: &str) -> Option<usize> {
                // The parts are few: which one it is stands in the low bits.
                $(if let Some(place) = <$part as $crate::executor::Ready>::place(name) {
                    return Some(place << 3 | $place);
                })+
                None
            }

            fn write(
                &self,
                place: usize,
                request: &$crate::kernel::RequestContext,
                json: &mut $crate::kernel::Json,
            ) -> bool {
                match place & 7 {
                    $($place => $crate::executor::Ready::write(&self.$place, place >> 3, request, json),)+
                    _ => false,
                }
            }

            fn leads(name: &str) -> bool {
                false $(|| <$part as $crate::executor::Ready>::leads(name))+
            }

            fn lead<'a>(
                name: &str,
                lead: $crate::executor::Lead<'a, Self>,
            ) -> Option<$crate::executor::Leading<'a>>
            where
                Self: 'a,
            {
                $(if <$part as $crate::executor::Ready>::leads(name) {
                    return <$part as $crate::executor::Ready>::lead(name, lead.part(|whole| &whole.$place));
                })+
                None
            }
        }
    };
}

pub(crate) use {parts, ready};

/// What stands for a type that a schema has not.
impl Ready for async_graphql::EmptyMutation {}
