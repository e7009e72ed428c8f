//! Fields that lead from many objects to others: the field is resolved for all of them at once.
//!
//! What a page of clients is asked for, each of them is: so the keys of all go to the store in
//! one load, what comes back is walked as one list, and there is one future, one plan and one
//! text for all, and not one an object. A type says which of its fields are such by
//! [`ready!`](macro@super::ready), beside its resolvers, which do the same for one object.

use std::future::Future;
use std::ops::Range;

use async_graphql::resolver_utils::ContainerType;
use async_graphql::{
    Context, ContextSelectionSet, Error, InputType, Pos, QueryPathNode, QueryPathSegment, ServerError,
    ServerResult,
};
use futures_util::future::BoxFuture;

use super::plan::Plan;
use super::ready::Ready;
use super::walk::{Form, write};
use crate::kernel::{GraphError, GraphResult, Json, Written};

/// Where in the answer something stands.
pub(super) type Path<'a> = QueryPathNode<'a>;

/// What was made of several things: a text, and the piece of it that is each one's; null where
/// there is none.
pub struct Made {
    pub(super) json: Json,
    pub(super) pieces: Vec<ServerResult<Option<Range<usize>>>>,
}

/// A field that is under way for many objects: what it is for each.
pub type Leading<'a> = BoxFuture<'a, Made>;

/// A field of many objects.
pub struct Lead<'a, T> {
    ctx: &'a Context<'a>,
    objects: Vec<&'a T>,
    /// Of the objects.
    at: &'a [Path<'a>],
}

/// An error that has its place in the answer, as the executor gives one to it.
pub(super) fn placed(ctx: &ContextSelectionSet<'_>, at: &Path<'_>, error: ServerError) -> ServerError {
    let mut here = ctx.clone();
    here.path_node = Some(*at);
    here.set_error_path(error)
}

impl<'a, T: Sync> Lead<'a, T> {
    pub(super) const fn new(ctx: &'a Context<'a>, objects: Vec<&'a T>, at: &'a [Path<'a>]) -> Self {
        Self { ctx, objects, at }
    }

    /// An argument of the field; none when it cannot be read, and the field's resolver must say
    /// what is wrong with it.
    #[must_use]
    pub fn argument<V: InputType>(&self, name: &str) -> Option<V> {
        self.ctx.param_value(name, None).ok().map(|(_, value)| value)
    }

    /// The same field of a part of each object.
    pub fn part<P>(self, part: impl Fn(&'a T) -> &'a P) -> Lead<'a, P> {
        let Self { ctx, objects, at } = self;
        Lead { ctx, objects: objects.into_iter().map(part).collect(), at }
    }

    /// To one object from each, or none, which `load` finds; it is null, with an error, where
    /// that fails. None when it is the executor's.
    pub fn one<C, F>(self, load: impl FnOnce(&'a Context<'a>, Vec<&'a T>) -> F) -> Option<Leading<'a>>
    where
        C: ContainerType + Ready + 'a,
        F: Future<Output = GraphResult<Vec<Option<C>>>> + Send + 'a,
    {
        let selected = self.selected();
        let plan = Plan::of::<C>(&selected)?;
        let (fields, pos) = (self.paths(), self.ctx.item.pos);
        let loading = load(self.ctx, self.objects);
        Some(Box::pin(async move {
            let found = match loading.await {
                Ok(found) => found,
                Err(error) => return nothing(&selected, pos, &fields, &error),
            };
            let there = || fields.iter().zip(&found).filter(|(_, found)| found.is_some());
            let at: Vec<Path<'_>> = there().map(|(path, _)| *path).collect();
            let objects: Vec<&C> = found.iter().flatten().collect();
            let made = write(plan, &selected, objects, &at, Form::Held).await;
            let mut made_of = made.pieces.into_iter();
            let piece = |found: &Option<C>| {
                found.as_ref().and_then(|_| made_of.next()).map(|piece| caught(&selected, piece))
            };
            let pieces = found.iter().map(piece).map(Option::unwrap_or_default).map(Ok).collect();
            Made { json: made.json, pieces }
        }))
    }

    /// To a list of objects from each, which `load` finds; it is null, with an error, where that
    /// or one of the objects fails. None when it is the executor's.
    pub fn all<C, F>(self, load: impl FnOnce(&'a Context<'a>, Vec<&'a T>) -> F) -> Option<Leading<'a>>
    where
        C: ContainerType + Ready + 'a,
        F: Future<Output = GraphResult<Vec<Vec<C>>>> + Send + 'a,
    {
        let selected = self.selected();
        let plan = Plan::of::<C>(&selected)?;
        let (fields, pos) = (self.paths(), self.ctx.item.pos);
        let loading = load(self.ctx, self.objects);
        Some(Box::pin(async move {
            let found = match loading.await {
                Ok(found) => found,
                Err(error) => return nothing(&selected, pos, &fields, &error),
            };
            let Made { json, pieces } = lists(plan, &selected, found.iter(), &fields).await;
            Made { json, pieces: pieces.into_iter().map(|piece| Ok(caught(&selected, piece))).collect() }
        }))
    }

    /// To the objects that each has at hand; a failure of one is the failure of the object that
    /// has it. None when it is the executor's.
    pub fn held<C, L>(self, of: impl Fn(&'a T) -> L) -> Option<Leading<'a>>
    where
        C: ContainerType + Ready + 'a,
        L: IntoIterator<Item = &'a C> + Send + 'a,
    {
        let selected = self.selected();
        let plan = Plan::of::<C>(&selected)?;
        let fields = self.paths();
        let held: Vec<L> = self.objects.into_iter().map(of).collect();
        Some(Box::pin(async move { lists(plan, &selected, held, &fields).await }))
    }

    /// To the one object that each has at hand, likewise.
    pub fn held_one<C>(self, of: impl Fn(&'a T) -> &'a C) -> Option<Leading<'a>>
    where
        C: ContainerType + Ready + 'a,
    {
        let selected = self.selected();
        let plan = Plan::of::<C>(&selected)?;
        let fields = self.paths();
        let held: Vec<&'a C> = self.objects.into_iter().map(of).collect();
        Some(Box::pin(async move { write(plan, &selected, held, &fields, Form::Held).await }))
    }

    /// To a value from each, or none, which `load` finds; it is null, with an error, where that
    /// fails.
    pub fn leaf<V, F>(self, load: impl FnOnce(&'a Context<'a>, Vec<&'a T>) -> F) -> Leading<'a>
    where
        V: Written + Send,
        F: Future<Output = GraphResult<Vec<Option<V>>>> + Send + 'a,
    {
        let selected = self.selected();
        let (fields, pos) = (self.paths(), self.ctx.item.pos);
        let loading = load(self.ctx, self.objects);
        Box::pin(async move {
            let found = match loading.await {
                Ok(found) => found,
                Err(error) => return nothing(&selected, pos, &fields, &error),
            };
            let mut json = Json::new();
            let mut piece = |value: V| {
                let begin = json.end();
                value.write(&mut json);
                begin..json.end()
            };
            let pieces = found.into_iter().map(|value| Ok(value.map(&mut piece))).collect();
            Made { json, pieces }
        })
    }

    fn selected(&self) -> ContextSelectionSet<'a> {
        self.ctx.with_selection_set(&self.ctx.item.node.selection_set)
    }

    /// Where the field stands in each object.
    fn paths(&self) -> Vec<Path<'a>> {
        let segment = QueryPathSegment::Name(&self.ctx.item.node.response_key().node);
        self.at.iter().map(|object| Path { parent: Some(object), segment }).collect()
    }
}

/// Lists of objects, of which each stands at one of these places.
async fn lists<'a, 'c: 'a, C, L>(
    plan: Plan<'a>,
    selected: &'a ContextSelectionSet<'a>,
    found: impl IntoIterator<Item = L>,
    fields: &'a [Path<'a>],
) -> Made
where
    C: ContainerType + Ready + 'c,
    L: IntoIterator<Item = &'c C>,
{
    let (mut objects, mut at): (Vec<&'a C>, _) = (Vec::new(), Vec::new());
    let mut lists = Vec::with_capacity(fields.len());
    for (field, list) in fields.iter().zip(found) {
        let begin = objects.len();
        for (index, object) in list.into_iter().enumerate() {
            objects.push(object);
            at.push(Path { parent: Some(field), segment: QueryPathSegment::Index(index) });
        }
        lists.push(begin..objects.len());
    }
    write(plan, selected, objects, &at, Form::Lists(lists)).await
}

/// Null where something failed, with its error.
fn caught(ctx: &ContextSelectionSet<'_>, piece: ServerResult<Option<Range<usize>>>) -> Option<Range<usize>> {
    piece.unwrap_or_else(|error| {
        ctx.add_error(error);
        None
    })
}

/// Null for all, each with an error.
fn nothing(ctx: &ContextSelectionSet<'_>, pos: Pos, fields: &[Path<'_>], error: &GraphError) -> Made {
    for field in fields {
        let error = Error::from(error.clone()).into_server_error(pos);
        ctx.add_error(placed(ctx, field, error));
    }
    Made { json: Json::new(), pieces: vec![Ok(None); fields.len()] }
}
