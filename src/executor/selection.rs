//! Which fields of the objects behind a field are asked for, for whoever reads no more than
//! these need.

use async_graphql::parser::types::{Selection as Selected, SelectionSet};
use async_graphql::{Context, Positioned};

use crate::db::Columns;

/// A type whose fields are made of columns of one table.
pub trait Reads {
    /// The columns that a field needs; none for a field that is not of this type.
    fn reads(field: &str) -> Columns;
}

/// What is selected of some objects.
#[derive(Clone, Copy)]
pub enum Selection<'a> {
    /// All that there is, for who does not know.
    Whole,
    /// What stands below this field, which answers them.
    Below(&'a Context<'a>),
    /// What stands below `nodes` and `edges { node }` of this field, which answers a connection
    /// of them.
    Nodes(&'a Context<'a>),
}

impl Selection<'_> {
    /// The columns that are needed of them.
    #[must_use]
    pub fn columns<T: Reads>(self) -> Columns {
        let (ctx, is_connection) = match self {
            Self::Whole => return Columns::ALL,
            Self::Below(ctx) => (ctx, false),
            Self::Nodes(ctx) => (ctx, true),
        };
        let set = &ctx.item.node.selection_set;
        let mut columns = Columns::KEYS;
        let mut read = |name: &str| columns = columns.and(T::reads(name));
        if is_connection {
            each(ctx, set, &mut |name, below| match name {
                "nodes" => each(ctx, below, &mut |name, _| read(name)),
                "edges" => each(ctx, below, &mut |name, below| {
                    if name == "node" {
                        each(ctx, below, &mut |name, _| read(name));
                    }
                }),
                _ => {}
            });
        } else {
            each(ctx, set, &mut |name, _| read(name));
        }
        columns
    }
}

/// Every field of a selection, also those of fragments, whatever these are about.
fn each<'a>(
    ctx: &'a Context<'_>,
    set: &'a Positioned<SelectionSet>,
    visit: &mut dyn FnMut(&'a str, &'a Positioned<SelectionSet>),
) {
    for selected in &set.node.items {
        match &selected.node {
            Selected::Field(field) => visit(&field.node.name.node, &field.node.selection_set),
            Selected::InlineFragment(fragment) => each(ctx, &fragment.node.selection_set, visit),
            Selected::FragmentSpread(spread) => {
                if let Some(fragment) = ctx.query_env.fragments.get(&spread.node.fragment_name.node) {
                    each(ctx, &fragment.node.selection_set, visit);
                }
            }
        }
    }
}
