//! Resolving objects and lists of objects, cheaply.
//!
//! The executor's own way makes a boxed future for every field of every object,
//! looks into the selection again for each object of a list, makes a tree of values with
//! hashed keys, and that is written as JSON at last. Here the selection is looked at once for
//! all objects ([`Plan`]); what an object has at hand it writes into the answer's text
//! ([`Ready`]); a field that leads on to others is resolved for all objects at once
//! ([`Lead`]); what waits leaves a hole in the text, which is filled when it has come. The
//! answer is the same, byte for byte, and travels on as a finished piece ([`Json`]); only which
//! of several errors beneath one null are told may differ. What is
//! made is counted ([`Budget`](crate::kernel::Budget)): an answer that holds too much is not
//! finished.
//!
//! What is unusual is left to the executor: requests that are traced, directives that
//! are executed, fragments on an interface, and documents in which it would have to put two
//! objects together that were selected under one key, which finished pieces cannot be.
//!
//! An object that can be many, or stands in many, is wrapped: [`Walked`], [`WalkedList`].

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context as Turn, Poll};

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{ContainerType, resolve_container, resolve_list};
use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, QueryPathSegment, ServerError, ServerResult, Value,
};
use futures_util::future::{BoxFuture, join_all};

use super::counted::{objects, value_bytes};
use super::lead::{Lead, Leading, Made, Path, placed};
use super::plan::{Plan, Planned, Way};
use super::ready::Ready;
use crate::kernel::{Amount, Json};

/// An object that is walked.
pub struct Walked<T>(pub T);

/// A list of objects that is walked.
pub struct WalkedList<L>(pub L);

/// What [`WalkedList`] takes.
pub trait List: Send + Sync {
    /// An object.
    type Item: ContainerType + Ready;

    /// The objects.
    fn items(&self) -> impl Iterator<Item = &Self::Item> + Send;
}

impl<T: ContainerType + Ready> List for Vec<T> {
    type Item = T;

    fn items(&self) -> impl Iterator<Item = &T> + Send {
        self.iter()
    }
}

impl<T: ContainerType + Ready> List for &[T] {
    type Item = T;

    fn items(&self) -> impl Iterator<Item = &T> + Send {
        self.iter()
    }
}

impl<T> From<T> for Walked<T> {
    fn from(object: T) -> Self {
        Self(object)
    }
}

impl<L> From<L> for WalkedList<L> {
    fn from(list: L) -> Self {
        Self(list)
    }
}

impl<T: ContainerType + Ready> OutputType for Walked<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        apart(async move {
            match (Plan::of::<T>(ctx), ctx.path_node) {
                (Some(plan), Some(at)) => only(write(plan, ctx, vec![&self.0], &[at], Form::Held).await),
                _ => resolve_container(ctx, &self.0).await,
            }
        })
        .await
    }
}

impl<L: List> OutputType for WalkedList<L> {
    fn type_name() -> Cow<'static, str> {
        Vec::<L::Item>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<L::Item>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<L::Item>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        apart(async move {
            let objects: Vec<&L::Item> = self.0.items().collect();
            let Some(plan) = Plan::of::<L::Item>(ctx) else {
                let length = objects.len();
                return resolve_list(ctx, field, objects, Some(length)).await;
            };
            let at: Vec<Path<'_>> = (0..objects.len()).map(|index| entry(ctx, index)).collect();
            let whole = Form::list_of(objects.len());
            only(write(plan, ctx, objects, &at, whole).await)
        })
        .await
    }
}

/// In a box, so that the fields beside it need no room for it, and a type that
/// holds itself has an end.
fn apart<'a>(
    work: impl Future<Output = ServerResult<Value>> + Send + 'a,
) -> BoxFuture<'a, ServerResult<Value>> {
    Box::pin(work)
}

/// An entry of the list that stands here.
fn entry<'a>(ctx: &'a ContextSelectionSet<'_>, index: usize) -> Path<'a> {
    Path { parent: ctx.path_node.as_ref(), segment: QueryPathSegment::Index(index) }
}

/// The only thing that was made.
fn only(mut made: Made) -> ServerResult<Value> {
    let piece = made.pieces.pop().unwrap_or(Ok(None))?;
    Ok(if piece.is_some() { Value::Binary(made.json.into_bytes()) } else { Value::Null })
}

/// Several objects of a list that may have others between them, each at its place; one that
/// fails is a failure of its own.
pub(super) async fn walk_apart<T: ContainerType + Ready>(
    ctx: &ContextSelectionSet<'_>,
    objects: &[(usize, T)],
) -> Vec<ServerResult<Value>> {
    let Some(plan) = Plan::of::<T>(ctx) else {
        let executed = objects.iter().map(|(place, object)| async move {
            let ctx = ctx.with_index(*place);
            resolve_container(&ctx, object).await.map_err(|error| ctx.set_error_path(error))
        });
        return join_all(executed).await;
    };
    let at: Vec<Path<'_>> = objects.iter().map(|(place, _)| entry(ctx, *place)).collect();
    let walked = objects.iter().map(|(_, object)| object).collect();
    let Made { json, pieces } = write(plan, ctx, walked, &at, Form::Apart).await;
    let text = json.into_bytes();
    let value =
        |piece: Option<Range<usize>>| piece.map_or(Value::Null, |piece| Value::Binary(text.slice(piece)));
    pieces.into_iter().map(|piece| piece.map(value)).collect()
}

/// How objects stand in the answer.
pub(super) enum Form {
    /// Each by itself, counted by the field that holds it.
    Held,
    /// Each by itself, as an entry of a list.
    Apart,
    /// In lists, each of so many that follow each other. The first that fails is the failure of
    /// its list.
    Lists(Vec<Range<usize>>),
}

impl Form {
    fn list_of(length: usize) -> Self {
        Self::Lists(std::iter::once(0..length).collect())
    }

    /// How many pieces so many objects make.
    fn units(&self, objects: usize) -> usize {
        match self {
            Self::Held | Self::Apart => objects,
            Self::Lists(lists) => lists.len(),
        }
    }

    /// The objects of a piece.
    fn objects_of(&self, unit: usize) -> Range<usize> {
        match self {
            Self::Held | Self::Apart => unit..unit + 1,
            Self::Lists(lists) => lists.get(unit).cloned().unwrap_or_default(),
        }
    }

    /// The piece of an object.
    fn unit_of(&self, object: usize) -> usize {
        match self {
            Self::Held | Self::Apart => object,
            Self::Lists(lists) => lists.partition_point(|list| list.end <= object),
        }
    }
}

/// Writes objects, which stand at these places: a piece for each, or for each list.
///
/// All fields are begun in the first turn, so that what they ask of the stores goes together.
/// An answer that holds too much is never finished.
pub(super) async fn write<'a, T: ContainerType + Ready + 'a>(
    mut plan: Plan<'a>,
    ctx: &'a ContextSelectionSet<'a>,
    objects: Vec<&'a T>,
    at: &'a [Path<'a>],
    form: Form,
) -> Made {
    let fields: Vec<Option<Context<'_>>> =
        plan.fields.iter().map(|planned| leading::<T>(ctx, planned)).collect();
    let mut leads = Vec::new();
    for (planned, field) in plan.fields.iter_mut().zip(&fields) {
        let Some(field) = field else { continue };
        let lead = Lead::new(field, objects.clone(), at);
        if let Some(leading) = T::lead(&field.item.node.name.node, lead) {
            planned.way = Way::Lead(leads.len());
            leads.push(Underway { leading: Some(leading), made: None });
        }
    }
    let begin = |index: usize, field| resolved(ctx, &at[index], field, objects[index]);
    let mut walk = Walk::new(plan, (ctx, at), form, leads);
    let mut begun = false;
    poll_fn(|turn| {
        if !begun {
            begun = true;
            if !walk.begin(turn, &objects, &begin) {
                return Poll::Pending;
            }
        }
        walk.go_on(turn)
    })
    .await;
    walk.finish()
}

/// The field, if it is one that leads on.
fn leading<'a, T: Ready>(ctx: &'a ContextSelectionSet<'a>, planned: &Planned<'a>) -> Option<Context<'a>> {
    match planned.way {
        Way::Resolved(field) if T::leads(&field.node.name.node) => Some(ctx.with_field(field)),
        _ => None,
    }
}

/// A field of one object, by its resolver.
async fn resolved<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    at: &Path<'_>,
    field: &Positioned<Field>,
    object: &T,
) -> ServerResult<Value> {
    let mut ctx = ctx.with_field(field);
    if let Some(here) = &mut ctx.path_node {
        here.parent = Some(at);
    }
    Ok(object.resolve_field(&ctx).await?.unwrap_or_default())
}

/// Objects under way, with their fields side by side.
struct Walk<'a, F> {
    plan: Plan<'a>,
    ctx: &'a ContextSelectionSet<'a>,
    /// Where each object stands.
    at: &'a [Path<'a>],
    form: Form,
    /// What is written so far, without that which waits.
    json: Json,
    units: Vec<Unit>,
    /// What is missing in the text, in its order.
    holes: Vec<Hole>,
    waiting: Vec<Waiting<F>>,
    leads: Vec<Underway<'a>>,
}

/// What is made, and fails, as a whole: an object by itself, or a list.
struct Unit {
    text: Range<usize>,
    failed: Option<ServerError>,
}

/// A place in the text where a value belongs that had to be waited for.
struct Hole {
    at: usize,
    filler: Filler,
}

enum Filler {
    /// Of one object.
    Value(Value),
    /// What a lead has for an object.
    Piece { lead: usize, object: usize },
}

/// A field that waits for a store.
struct Waiting<F> {
    object: usize,
    hole: usize,
    value: Pin<Box<F>>,
}

/// A field that is resolved for all objects at once.
struct Underway<'a> {
    /// Until it is made.
    leading: Option<Leading<'a>>,
    made: Option<Made>,
}

/// Bytes that an object takes about, for a start.
const ROOM: usize = 160;

impl<'a, F: Future<Output = ServerResult<Value>>> Walk<'a, F> {
    const fn new(
        plan: Plan<'a>,
        (ctx, at): (&'a ContextSelectionSet<'a>, &'a [Path<'a>]),
        form: Form,
        leads: Vec<Underway<'a>>,
    ) -> Self {
        Self {
            plan,
            ctx,
            at,
            form,
            json: Json::new(),
            units: Vec::new(),
            holes: Vec::new(),
            waiting: Vec::new(),
            leads,
        }
    }

    /// Writes what is there, and begins what is not. False when that is too much.
    fn begin<T: Ready>(
        &mut self,
        turn: &mut Turn<'_>,
        objects: &[&T],
        begin: &impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> bool {
        let units = self.form.units(objects.len());
        self.json = Json::with_room(units + objects.len() * ROOM);
        self.units = Vec::with_capacity(units);
        let listed = matches!(self.form, Form::Lists(_));
        let mut spare = None;
        for unit in 0..units {
            let start = self.json.end();
            if listed {
                self.json.mark(b'[');
            }
            let mut failed = None;
            let these = self.form.objects_of(unit);
            for index in these.clone() {
                if index > these.start {
                    self.json.mark(b',');
                }
                match self.begin_object(turn, index, objects[index], begin, &mut spare) {
                    Ok(part) if self.plan.request.budget.spend(part) => {}
                    Ok(_) => return false,
                    Err(error) => {
                        failed = Some(self.placed(index, error));
                        // What else it asks for is of no use.
                        self.waiting.retain(|waiting| waiting.object < these.start);
                        break;
                    }
                }
            }
            if listed {
                self.json.mark(b']');
            }
            self.units.push(Unit { text: start..self.json.end(), failed });
        }
        true
    }

    /// What is there of an object, and how much that is.
    fn begin_object<T: Ready>(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        object: &T,
        begin: &impl Fn(usize, &'a Positioned<Field>) -> F,
        spare: &mut Option<Pin<Box<F>>>,
    ) -> ServerResult<Amount> {
        let Self { plan, form, json, holes, waiting, .. } = self;
        let mut part = Amount { objects: u64::from(!matches!(form, Form::Held)), ..plan.blank };
        json.mark(b'{');
        for (number, Planned { key, way }) in plan.fields.iter().enumerate() {
            if number > 0 {
                json.mark(b',');
            }
            json.key(key);
            let before = json.end();
            let field = match *way {
                Way::TypeName => {
                    json.name(&plan.type_name);
                    part.bytes += (json.end() - before) as u64;
                    continue;
                }
                Way::Ready(place, _) if object.write(place, plan.request, json) => {
                    part.bytes += (json.end() - before) as u64;
                    continue;
                }
                Way::Lead(lead) => {
                    holes.push(Hole { at: before, filler: Filler::Piece { lead, object: index } });
                    continue;
                }
                Way::Ready(_, field) | Way::Resolved(field) => field,
            };
            // One box is used again for all that need not wait.
            let begun = begin(index, field);
            let mut value = match spare.take() {
                None => Box::pin(begun),
                Some(mut used) => {
                    used.set(begun);
                    used
                }
            };
            match value.as_mut().poll(turn) {
                Poll::Ready(ready) => {
                    let ready = ready?;
                    add(&mut part, &ready);
                    json.value(&ready);
                    *spare = Some(value);
                }
                Poll::Pending => {
                    waiting.push(Waiting { object: index, hole: holes.len(), value });
                    holes.push(Hole { at: before, filler: Filler::Value(Value::Null) });
                }
            }
        }
        json.mark(b'}');
        Ok(part)
    }

    /// Ready when nothing waits.
    fn go_on(&mut self, turn: &mut Turn<'_>) -> Poll<()> {
        let mut part = Amount::default();
        // What leads on from what is lost already would be asked for nobody.
        if !self.is_lost() {
            self.go_on_with_fields(turn, &mut part);
            self.go_on_with_leads(turn, &mut part);
        }
        let within = self.plan.request.budget.spend(part);
        let waits = !self.waiting.is_empty() || self.leads.iter().any(|lead| lead.leading.is_some());
        if within && (!waits || self.is_lost()) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_lost(&self) -> bool {
        self.units.iter().all(|unit| unit.failed.is_some())
    }

    fn go_on_with_fields(&mut self, turn: &mut Turn<'_>, part: &mut Amount) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|waiting| {
            if self.has_failed(waiting.object) {
                return false;
            }
            match waiting.value.as_mut().poll(turn) {
                Poll::Pending => return true,
                Poll::Ready(Ok(value)) => {
                    add(part, &value);
                    self.holes[waiting.hole].filler = Filler::Value(value);
                }
                Poll::Ready(Err(error)) => self.fail(waiting.object, error),
            }
            false
        });
        self.waiting = waiting;
    }

    fn go_on_with_leads(&mut self, turn: &mut Turn<'_>, part: &mut Amount) {
        for number in 0..self.leads.len() {
            let Some(leading) = &mut self.leads[number].leading else { continue };
            let Poll::Ready(mut made) = leading.as_mut().poll(turn) else { continue };
            for (object, piece) in made.pieces.iter_mut().enumerate() {
                match piece {
                    _ if self.has_failed(object) => {}
                    Ok(None) => part.bytes += value_bytes(&Value::Null),
                    Ok(Some(piece)) => add_piece(part, made.json.piece(piece.start, piece.end)),
                    Err(_) => {
                        if let Err(error) = std::mem::replace(piece, Ok(None)) {
                            self.fail(object, error);
                        }
                    }
                }
            }
            self.leads[number] = Underway { leading: None, made: Some(made) };
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|waiting| !self.has_failed(waiting.object));
        self.waiting = waiting;
    }

    fn has_failed(&self, object: usize) -> bool {
        self.units.get(self.form.unit_of(object)).is_some_and(|unit| unit.failed.is_some())
    }

    fn fail(&mut self, object: usize, error: ServerError) {
        let error = self.placed(object, error);
        if let Some(unit) = self.units.get_mut(self.form.unit_of(object)) {
            unit.failed.get_or_insert(error);
        }
    }

    /// As the executor has it, an error of an entry of a list stands where the entry does.
    fn placed(&self, object: usize, error: ServerError) -> ServerError {
        match self.form {
            Form::Held => error,
            Form::Apart | Form::Lists(_) => placed(self.ctx, &self.at[object], error),
        }
    }

    /// What was made, when nothing waits.
    fn finish(self) -> Made {
        let Self { json, units, holes, leads, .. } = self;
        if holes.is_empty() {
            let piece = |unit: Unit| unit.failed.map_or(Ok(Some(unit.text)), Err);
            return Made { json, pieces: units.into_iter().map(piece).collect() };
        }
        let room = holes.iter().map(|hole| hole.filler.length(&leads)).sum::<usize>();
        let mut whole = Json::with_room(json.end() + room);
        let mut holes = &holes[..];
        let pieces = units.into_iter().map(|Unit { text, failed }| {
            let (own, others) = holes.split_at(holes.partition_point(|hole| hole.at < text.end));
            holes = others;
            if let Some(error) = failed {
                return Err(error);
            }
            let (begin, mut done) = (whole.end(), text.start);
            for hole in own {
                whole.written(json.piece(done, hole.at));
                hole.filler.write(&leads, &mut whole);
                done = hole.at;
            }
            whole.written(json.piece(done, text.end));
            Ok(Some(begin..whole.end()))
        });
        let pieces = pieces.collect();
        Made { json: whole, pieces }
    }
}

/// Bytes of a value that is not a finished text, about.
const SHORT: usize = 32;

impl Filler {
    /// The text of what a lead has; none where that is null.
    fn piece<'m>(leads: &'m [Underway<'_>], lead: usize, object: usize) -> Option<&'m [u8]> {
        let made = leads.get(lead)?.made.as_ref()?;
        let piece = made.pieces.get(object)?.as_ref().ok()?.as_ref()?;
        Some(made.json.piece(piece.start, piece.end))
    }

    /// In bytes, about.
    fn length(&self, leads: &[Underway<'_>]) -> usize {
        match self {
            Self::Value(Value::Binary(json)) => json.len(),
            Self::Value(_) => SHORT,
            Self::Piece { lead, object } => Self::piece(leads, *lead, *object).map_or(SHORT, <[u8]>::len),
        }
    }

    fn write(&self, leads: &[Underway<'_>], json: &mut Json) {
        match self {
            Self::Value(value) => json.value(value),
            Self::Piece { lead, object } => match Self::piece(leads, *lead, *object) {
                Some(piece) => json.written(piece),
                None => json.null(),
            },
        }
    }
}

/// Counts the value of a field.
fn add(part: &mut Amount, value: &Value) {
    part.objects += objects(value);
    part.bytes += value_bytes(value);
}

/// Likewise, of one that is written.
fn add_piece(part: &mut Amount, json: &[u8]) {
    match json.first() {
        Some(b'{') => {
            part.objects += 1;
            part.bytes += 2;
        }
        Some(b'[') => part.bytes += 2,
        _ => part.bytes += json.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Response, Schema};

    use super::*;
    use crate::batching::Scopes;
    use crate::executor::{StoreField, ready};
    use crate::kernel::{AnswerLimits, Budget, GraphError, GraphResult, Papel, RequestContext, Requester};

    type Fallible = async_graphql::Result<u32>;

    /// Fails where its number says so.
    struct Item(u32);

    impl Item {
        fn unless(&self, number: u32) -> Fallible {
            if self.0 == number { Err(format!("{number} fails").into()) } else { Ok(self.0) }
        }
    }

    #[Object]
    impl Item {
        async fn number(&self) -> u32 {
            self.0
        }

        async fn even(&self) -> Fallible {
            if self.0.is_multiple_of(2) { Ok(1) } else { Err(format!("{} is odd", self.0).into()) }
        }

        async fn at_once(&self) -> Fallible {
            self.unless(3)
        }

        async fn later(&self) -> Fallible {
            tokio::task::yield_now().await;
            self.unless(5)
        }

        async fn perhaps(&self) -> Option<Fallible> {
            tokio::task::yield_now().await;
            Some(self.unless(7))
        }

        async fn within(&self) -> Walked<Self> {
            Walked(Self(self.0))
        }

        async fn above(&self, number: u32) -> Option<WalkedList<Vec<Self>>> {
            Some(WalkedList((number..self.0).map(Self).collect()))
        }

        async fn next(&self) -> StoreField<Walked<Self>> {
            StoreField::only(next(vec![self])).await
        }

        async fn below(&self) -> StoreField<WalkedList<Vec<Self>>> {
            let items = below(vec![self]);
            StoreField::all(async { Ok(items.await?.pop().unwrap_or_default()) }).await
        }

        async fn lost(&self) -> StoreField<Walked<Self>> {
            StoreField::only(lost()).await
        }

        async fn word(&self) -> StoreField<String> {
            StoreField::only(words(vec![self])).await
        }
    }

    /// Nothing comes after what can be divided by three.
    async fn next(items: Vec<&Item>) -> GraphResult<Vec<Option<Item>>> {
        tokio::task::yield_now().await;
        Ok(items.iter().map(|item| (item.0 % 3 > 0).then_some(Item(item.0 + 1))).collect())
    }

    async fn below(items: Vec<&Item>) -> GraphResult<Vec<Vec<Item>>> {
        tokio::task::yield_now().await;
        Ok(items.iter().map(|item| (0..item.0).map(Item).collect()).collect())
    }

    async fn lost() -> GraphResult<Vec<Option<Item>>> {
        tokio::task::yield_now().await;
        Err(GraphError::bad_input("Lost."))
    }

    async fn words(items: Vec<&Item>) -> GraphResult<Vec<Option<String>>> {
        tokio::task::yield_now().await;
        Ok(items.iter().map(|item| (item.0 > 1).then(|| "-\"-".repeat(item.0 as usize))).collect())
    }

    ready! {
        impl Item, |item, request| {
            "number" => item.0,
            "even" if let 0 = item.0 % 2 => 1_u32,
        }
        leads |items| {
            "next" => items.one(|_, items| next(items)),
            "below" => items.all(|_, items| below(items)),
            "lost" => items.one(|_, _| lost()),
            "word" => Some(items.leaf(|_, items| words(items))),
        }
    }

    /// Every other one of the items up to a number, each for itself.
    struct Apart(Vec<(usize, Item)>);

    impl OutputType for Apart {
        fn type_name() -> Cow<'static, str> {
            Item::type_name()
        }

        fn qualified_type_name() -> String {
            "[Item]!".to_owned()
        }

        fn create_type_info(registry: &mut Registry) -> String {
            Item::create_type_info(registry);
            Self::qualified_type_name()
        }

        async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
            let mut list = vec![Value::Null; self.0.len() * 2];
            for ((place, _), made) in self.0.iter().zip(walk_apart(ctx, &self.0).await) {
                match made {
                    Ok(value) => list[*place] = value,
                    Err(error) => ctx.add_error(error),
                }
            }
            Ok(Value::List(list))
        }
    }

    struct Query;

    #[Object]
    impl Query {
        async fn apart(&self, number: u32) -> Apart {
            Apart((0..number).map(|number| (number as usize * 2, Item(number))).collect())
        }

        async fn item(&self, number: u32) -> Option<Walked<Item>> {
            Some(Walked(Item(number)))
        }

        async fn items(&self, number: u32) -> Option<WalkedList<Vec<Item>>> {
            Some(WalkedList((0..number).map(Item).collect()))
        }

        async fn all(&self) -> WalkedList<Vec<Item>> {
            WalkedList((0..10).map(Item).collect())
        }
    }

    async fn answer(query: &str, walks: bool) -> Response {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let requester = Requester { nome: "ana".into(), papel: Papel::Leitor };
        let today = chrono::NaiveDate::default();
        let scope = Scopes::default().open();
        let budget = Budget::new(AnswerLimits::default()).into();
        let request = RequestContext { requester, scope, today, idempotency_key: None, walks, budget };
        schema.execute(Request::new(query).data(request)).await
    }

    fn data(answer: &Response) -> String {
        let mut json = Json::new();
        json.value(&answer.data);
        String::from_utf8(json.into_bytes().to_vec()).expect("text")
    }

    #[tokio::test]
    async fn failures_go_where_the_executor_lets_them_go() {
        for query in [
            "{ items(number: 3) { atOnce later perhaps } }",
            "{ items(number: 4) { later atOnce } }",
            "{ items(number: 40) { atOnce later } }",
            "{ items(number: 6) { later } }",
            "{ items(number: 40) { later } }",
            "{ items(number: 40) { perhaps } }",
            "{ items(number: 0) { later } }",
            "{ items(number: 4) { number later __typename within { number name: __typename } } }",
            "{ items(number: 1) { number even } item(number: 4) { even number number } }",
            "{ items(number: 4) { number even } }",
            "{ apart(number: 6) { number even later } item(number: 4) { within { even later } even } }",
            "{ item(number: 3) { atOnce } more: item(number: 2) { atOnce later } }",
            "{ item(number: 5) { later perhaps } }",
            "{ item(number: 7) { later perhaps } }",
            "{ all { later } }",
            "{ items(number: 6) { within { within { later } } } }",
            "{ apart(number: 3) { atOnce later perhaps } }",
            "{ apart(number: 9) { perhaps later atOnce } }",
            "{ apart(number: 9) { later ... on Item { perhaps } ... on Query { item(number: 1) { atOnce } } } }",
            "{ apart(number: 40) { within { later } perhaps } }",
            "{ apart(number: 0) { later } }",
            "{ items(number: 9) { perhaps above(number: 2) { atOnce perhaps within { above(number: 4) { later } } } } }",
        ] {
            let (walked, executed) = (answer(query, true).await, answer(query, false).await);
            let both = [walked, executed].map(|answer| (data(&answer), format!("{:?}", answer.errors)));
            assert_eq!(both[0], both[1], "{query}");
        }
    }

    /// Which of several errors comes first is nobody's business here.
    #[tokio::test]
    async fn what_leads_on_leads_where_the_executor_goes() {
        for query in [
            "{ items(number: 7) { next { number } below { number } word lost { number } } }",
            "{ items(number: 7) { a: next { next { next { number } word } } b: next { __typename within { number } } } }",
            "{ items(number: 7) { next { number later } } }",
            "{ items(number: 7) { number below { later } next { within { later } } } }",
            "{ items(number: 5) { below { atOnce next { below { atOnce word } } } } }",
            "{ items(number: 4) { next { below { even } perhaps } } }",
            "{ items(number: 9) { below { number } even } }",
            "{ items(number: 9) { below { number } later } }",
            "{ items(number: 1) { below { number } next { number } word } }",
            "{ items(number: 0) { below { number } } }",
            "{ item(number: 4) { next { later } below { atOnce } word lost { below { word } } } }",
            "{ item(number: 7) { next { below { later perhaps } } } more: item(number: 5) { later below { number } } }",
            "{ apart(number: 7) { next { later } below { atOnce } perhaps } }",
            "{ apart(number: 7) { below { below { below { number } } } later } }",
            "{ items(number: 5) { next { number @skip(if: true) } below { word @include(if: true) ... @skip(if: false) { number } } } }",
            "query ($no: Boolean = false) { items(number: 5) { next { ... @include(if: $no) { number } word } } }",
        ] {
            let (walked, executed) = (answer(query, true).await, answer(query, false).await);
            let both = [walked, executed].map(|answer| {
                let mut errors: Vec<String> =
                    answer.errors.iter().map(|error| format!("{error:?}")).collect();
                errors.sort();
                (data(&answer), errors)
            });
            assert_eq!(both[0], both[1], "{query}");
        }
    }

    #[tokio::test]
    async fn what_is_walked_apart_fails_apart() {
        let answer = answer("{ apart(number: 9) { later atOnce perhaps } }", true).await;
        let data: serde_json::Value = serde_json::from_str(&data(&answer)).expect("JSON");
        let shape: Vec<bool> =
            data["apart"].as_array().expect("a list").iter().map(serde_json::Value::is_null).collect();
        let expected: Vec<bool> = (0..18).map(|place| place % 2 == 1 || place == 6 || place == 10).collect();
        assert_eq!(shape, expected);
        let mut paths: Vec<String> =
            answer.errors.iter().map(|error| serde_json::to_string(&error.path).expect("JSON")).collect();
        paths.sort();
        assert_eq!(paths, [r#"["apart",10]"#, r#"["apart",14,"perhaps"]"#, r#"["apart",6]"#]);
    }
}
