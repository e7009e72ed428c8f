//! What is written of each object of one type, in the order of the answer: found once for all
//! of them.

use std::borrow::Cow;
use std::collections::HashSet;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::MetaType;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ContextSelectionSet, Name, Positioned};

use super::counted::key_bytes;
use super::ready::Ready;
use crate::kernel::{Amount, RequestContext};

/// What is written of each object.
pub(super) struct Plan<'a> {
    pub fields: Vec<Planned<'a>>,
    /// Of the type, as the answer shows it.
    pub type_name: Cow<'static, str>,
    pub request: &'a RequestContext,
    /// What keys and brackets hold.
    pub blank: Amount,
}

/// A field and its key.
pub(super) struct Planned<'a> {
    pub key: &'a str,
    pub way: Way<'a>,
}

/// How the value of a field is come by.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// It is the type's name.
    TypeName,
    /// The object writes it: its place among those that do, and the field for what it cannot.
    Ready(usize, &'a Positioned<Field>),
    /// For all objects at once: which of these fields it is.
    Lead(usize),
    /// By its resolver.
    Resolved(&'a Positioned<Field>),
}

/// Up to so many keys are looked at one by one whether one is there twice.
const FEW_KEYS: usize = 16;

impl<'a> Plan<'a> {
    /// For objects of a type; none when they are the executor's.
    pub fn of<T: ContainerType + Ready>(ctx: &ContextSelectionSet<'a>) -> Option<Self> {
        let request = ctx.data_opt::<RequestContext>().filter(|request| request.walks)?;
        let set = &ctx.item.node;
        let mut plan = Self {
            fields: Vec::with_capacity(set.items.len()),
            type_name: T::type_name(),
            request,
            blank: Amount::default(),
        };
        if !plan.add::<T>(ctx, set) || plan.has_twice() {
            return None;
        }
        let keys = plan.fields.iter().map(|planned| key_bytes(planned.key)).sum::<u64>();
        plan.blank = Amount { objects: 0, fields: plan.fields.len() as u64, bytes: 1 + keys };
        Some(plan)
    }

    /// False when it is the executor's.
    fn add<T: ContainerType + Ready>(
        &mut self,
        ctx: &ContextSelectionSet<'a>,
        set: &'a SelectionSet,
    ) -> bool {
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => self.add_field::<T>(field),
            Selection::FragmentSpread(spread) => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
                spread.node.directives.is_empty()
                    && fragment.is_some_and(|fragment| {
                        let on = &fragment.node.type_condition.node.on.node;
                        self.add_on::<T>(ctx, Some(on), &fragment.node.selection_set.node)
                    })
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref().map(|found| &found.node.on.node);
                fragment.node.directives.is_empty()
                    && self.add_on::<T>(ctx, condition, &fragment.node.selection_set.node)
            }
        })
    }

    /// What a fragment selects, where it is about these objects. One about objects of another
    /// type selects nothing; what one about an interface selects is the executor's to say.
    fn add_on<T: ContainerType + Ready>(
        &mut self,
        ctx: &ContextSelectionSet<'a>,
        on: Option<&Name>,
        set: &'a SelectionSet,
    ) -> bool {
        match on {
            Some(on) if *on != *T::type_name() => {
                matches!(ctx.schema_env.registry.types.get(on.as_str()), Some(MetaType::Object { .. }))
            }
            _ => self.add::<T>(ctx, set),
        }
    }

    fn add_field<T: Ready>(&mut self, field: &'a Positioned<Field>) -> bool {
        let way = match field.node.name.node.as_str() {
            "__typename" => Way::TypeName,
            name => T::place(name).map_or(Way::Resolved(field), |place| Way::Ready(place, field)),
        };
        self.fields.push(Planned { key: field.node.response_key().node.as_str(), way });
        field.node.directives.is_empty()
    }

    /// Whether a key is there twice.
    fn has_twice(&self) -> bool {
        let keys = || self.fields.iter().map(|planned| planned.key);
        if self.fields.len() <= FEW_KEYS {
            return keys().enumerate().any(|(place, key)| keys().take(place).any(|other| other == key));
        }
        let mut seen = HashSet::with_capacity(self.fields.len());
        !keys().all(|key| seen.insert(key))
    }
}
