//! What a field may hold, declared beside it and shown in the schema: the
//! directives of the GraphQL cost specification
//! (<https://ibm.github.io/graphql-specs/cost-spec.html>), which routers read, too.
//!
//! A list of objects says how long it may be with [`list_size`]; a test finds
//! those that do not. What weighs more than an object says so with [`cost`].

use std::borrow::Cow;

use async_graphql::TypeDirective;
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::registry::{MetaDirectiveInvocation, Registry};

/// The rows of a page when the client does not say.
pub const DEFAULT_PAGE: i32 = 20;

/// What a `total` weighs: to count reads an index from end to end.
pub const COUNTED: i32 = 10;

/// What a text of up to 10,000 characters weighs: as many objects as would take as
/// many bytes.
pub const LONG_TEXT: i32 = 10;

/// Things that a person can mend, in the answer to one input.
pub const MOST_ERROS: u64 = 20;

/// How many entries a list may hold: as many as the number, or the length of the
/// list, in one of `slicingArguments`; `assumedSize` when none of them is given. Of
/// a list in an argument `assumedSize` is the most. With `sizedFields` it speaks of
/// these fields of what is returned.
#[TypeDirective(name = "listSize", location = "FieldDefinition")]
pub fn list_size(
    assumed_size: Option<i32>,
    slicing_arguments: Option<Vec<String>>,
    sized_fields: Option<Vec<String>>,
) {
}

/// What a field adds to the cost of an operation, where that is not 1 for an object
/// and nothing for a scalar.
#[TypeDirective(name = "cost", location = "FieldDefinition")]
pub fn cost(weight: i32) {}

/// One of the ways in which a list says its size: `directive = at_most::apply(50)`
/// beside the field.
macro_rules! ways {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) => $applied:expr;)+) => {$(
        $(#[$doc])*
        #[expect(non_camel_case_types, reason = "written as a directive is")]
        pub struct $name;

        impl $name {
            /// The directive, as it stands beside the field.
            #[must_use]
            pub fn apply($($argument: $type),*) -> MetaDirectiveInvocation {
                $applied
            }
        }

        impl TypeDirective for $name {
            fn name(&self) -> Cow<'static, str> {
                list_size.name()
            }

            fn register(&self, registry: &mut Registry) {
                list_size.register(registry);
            }
        }

        impl Directive_At_FIELD_DEFINITION for $name {}
    )+};
}

ways! {
    /// A list of at most so many.
    at_most(size: u64) => list_size::apply(i32::try_from(size).ok(), None, None);
    /// A connection: its rows are as many as `first` or `last` says.
    paged() => list_size::apply(
        Some(DEFAULT_PAGE),
        Some(vec!["first".to_owned(), "last".to_owned()]),
        Some(vec!["nodes".to_owned(), "edges".to_owned()]),
    );
    /// A list with an entry for each in an argument, of which there are at most so
    /// many.
    one_each(argument: &str, most: u64) => list_size::apply(
        i32::try_from(most).ok(),
        Some(vec![argument.to_owned()]),
        None,
    );
}
