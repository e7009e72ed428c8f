//! Resolving objects and lists of objects, cheaply.
//!
//! The executor's own way makes a boxed future for every field of every object,
//! looks into the selection again for each object of a list, makes a tree of values with
//! hashed keys, and that is written as JSON at last. Here the selection is looked at once a
//! list; what an object has at hand it writes into the answer's text ([`Ready`]); what waits
//! for a store leaves a hole in it, which is filled when it has come. The answer is the same,
//! byte for byte, and travels on as a finished piece ([`Json`]). What is made is counted
//! ([`Budget`](crate::kernel::Budget)): an answer that holds too much is not finished.
//!
//! What is unusual is left to the executor: requests that are traced, directives that
//! are executed, fragments on an interface, and documents in which it would have to put two
//! objects together that were selected under one key, which finished pieces cannot be.
//!
//! An object that can be many, or stands in many, is wrapped: [`Walked`], [`WalkedList`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as Turn, Poll};

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::resolver_utils::{ContainerType, resolve_container, resolve_list};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerError, ServerResult, Value};
use futures_util::future::{BoxFuture, join_all};

use super::counted::{key_bytes, objects, value_bytes};
use super::ready::Ready;
use crate::kernel::{Amount, Json, RequestContext};

/// An object that is walked.
pub struct Walked<T>(pub T);

/// A list of objects that is walked.
pub struct WalkedList<L>(pub L);

/// What [`WalkedList`] takes.
pub trait List: Send + Sync {
    /// An object.
    type Item: ContainerType + Ready;

    /// How many there are.
    fn length(&self) -> usize;

    /// One of them.
    fn at(&self, index: usize) -> &Self::Item;
}

impl<T: ContainerType + Ready> List for Vec<T> {
    type Item = T;

    fn length(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> &T {
        &self[index]
    }
}

impl<T: ContainerType + Ready> List for &[T] {
    type Item = T;

    fn length(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> &T {
        &self[index]
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
            let Some(plan) = Plan::of(ctx, &self.0) else {
                return resolve_container(ctx, &self.0).await;
            };
            let begin = |_, field| of_one(ctx, field, &self.0);
            Walk::over(plan, Form::Object).run(1, |_| &self.0, begin).await
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
            let length = self.0.length();
            if length == 0 {
                return Ok(Value::List(Vec::new()));
            }
            let Some(plan) = Plan::of(ctx, self.0.at(0)) else {
                let items = (0..length).map(|index| self.0.at(index));
                return resolve_list(ctx, field, items, Some(length)).await;
            };
            let begin = |index, field| of_many(ctx, index, field, self.0.at(index));
            Walk::over(plan, Form::List).run(length, |index| self.0.at(index), begin).await
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

/// What is written of each object, in the order of the answer.
struct Plan<'a> {
    fields: Vec<Planned<'a>>,
    /// Of the type, as the answer shows it.
    type_name: Cow<'static, str>,
    request: &'a RequestContext,
    /// What keys and brackets hold.
    blank: Amount,
}

/// A field and its key.
struct Planned<'a> {
    key: &'a str,
    way: Way<'a>,
}

/// How the value of a field is come by.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// It is the type's name.
    TypeName,
    /// The object writes it: its place among those that do, and the field for what it cannot.
    Ready(usize, &'a Positioned<Field>),
    /// By its resolver.
    Resolved(&'a Positioned<Field>),
}

/// Up to so many keys are looked at one by one whether one is there twice.
const FEW_KEYS: usize = 16;

impl<'a> Plan<'a> {
    /// For objects like `example`; none when it is the executor's.
    fn of<T: ContainerType + Ready>(ctx: &ContextSelectionSet<'a>, example: &T) -> Option<Self> {
        let request = ctx.data_opt::<RequestContext>().filter(|request| request.walks)?;
        let set = &ctx.item.node;
        let mut plan = Self {
            fields: Vec::with_capacity(set.items.len()),
            type_name: example.introspection_type_name(),
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

/// What is made of the objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The one that there is, which its field counts, as it counts every value.
    Object,
    /// A list: its entries are no fields.
    List,
    /// Each for itself; one that fails is null by itself, where otherwise the first failure ends all.
    Apart,
}

/// The fields of a list of objects, or of one, under way side by side.
struct Walk<'a, F> {
    plan: Plan<'a>,
    form: Form,
    /// What is written so far, without that which waits.
    json: Json,
    /// Where each object begins; of those that are made apart alone.
    begins: Vec<usize>,
    /// What is missing in the text, in its order.
    holes: Vec<Hole>,
    waiting: Vec<Waiting<F>>,
    /// Those that have failed.
    failed: Vec<(usize, ServerError)>,
}

/// A place in the text where a value belongs that had to be waited for.
struct Hole {
    at: usize,
    value: Value,
}

/// A field that waits for a store.
struct Waiting<F> {
    object: usize,
    hole: usize,
    value: Pin<Box<F>>,
}

/// Bytes that an object takes about, for a start.
const ROOM: usize = 160;

/// Several objects of a list that may have others between them, each at its place; one that
/// fails is a failure of its own.
pub(super) async fn walk_apart<T: ContainerType + Ready>(
    ctx: &ContextSelectionSet<'_>,
    objects: &[(usize, T)],
) -> Vec<ServerResult<Value>> {
    let Some((_, example)) = objects.first() else { return Vec::new() };
    let Some(plan) = Plan::of(ctx, example) else {
        let executed = objects.iter().map(|(place, object)| async move {
            let ctx = ctx.with_index(*place);
            resolve_container(&ctx, object).await.map_err(|error| ctx.set_error_path(error))
        });
        return join_all(executed).await;
    };
    let begin = |index: usize, field| {
        let (place, object) = &objects[index];
        of_many(ctx, *place, field, object)
    };
    let mut walk = Walk::over(plan, Form::Apart);
    // It cannot fail as a whole.
    let _ = walk.go(objects.len(), |index| &objects[index].1, begin).await;
    walk.each()
}

impl<'a, F: Future<Output = ServerResult<Value>>> Walk<'a, F> {
    const fn over(plan: Plan<'a>, form: Form) -> Self {
        Self {
            plan,
            form,
            json: Json::new(),
            begins: Vec::new(),
            holes: Vec::new(),
            waiting: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Writes `length` objects; the first failure ends it.
    async fn run<'o, T: Ready + 'o>(
        mut self,
        length: usize,
        object: impl Fn(usize) -> &'o T,
        begin: impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> ServerResult<Value> {
        self.go(length, object, begin).await?;
        let end = self.json.end();
        Ok(Value::Binary(if self.holes.is_empty() {
            self.json.into_bytes()
        } else {
            filled(&self.json, 0, end, &self.holes).into_bytes()
        }))
    }

    /// Resolves the fields. All are begun in the first turn, in the order of the answer, so that
    /// what they ask of the stores goes together. An answer that holds too much is never
    /// finished.
    async fn go<'o, T: Ready + 'o>(
        &mut self,
        length: usize,
        object: impl Fn(usize) -> &'o T,
        begin: impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> ServerResult<()> {
        let mut begun = false;
        poll_fn(|turn| {
            if !begun {
                begun = true;
                return self.begin(turn, length, &object, &begin);
            }
            self.go_on(turn)
        })
        .await
    }

    /// Ready when nothing waits.
    fn begin<'o, T: Ready + 'o>(
        &mut self,
        turn: &mut Turn<'_>,
        length: usize,
        object: &impl Fn(usize) -> &'o T,
        begin: &impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> Poll<ServerResult<()>> {
        self.json = Json::with_room(length * ROOM);
        if self.form == Form::List {
            self.json.mark(b'[');
        }
        let mut spare = None;
        for index in 0..length {
            match self.form {
                Form::Apart => self.begins.push(self.json.end()),
                _ if index > 0 => self.json.mark(b','),
                _ => {}
            }
            match self.begin_object(turn, index, object(index), begin, &mut spare) {
                Ok(part) if self.plan.request.budget.spend(part) => {}
                Ok(_) => return Poll::Pending,
                Err(error) if self.form == Form::Apart => {
                    self.failed.push((index, error));
                    self.waiting.retain(|waiting| waiting.object != index);
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if self.form == Form::List {
            self.json.mark(b']');
        }
        if self.waiting.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
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
        let mut part = Amount { objects: u64::from(*form != Form::Object), ..plan.blank };
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
                    holes.push(Hole { at: before, value: Value::Null });
                }
            }
        }
        json.mark(b'}');
        Ok(part)
    }

    fn go_on(&mut self, turn: &mut Turn<'_>) -> Poll<ServerResult<()>> {
        let mut failure = None;
        let mut part = Amount::default();
        let (holes, failed, is_apart) = (&mut self.holes, &mut self.failed, self.form == Form::Apart);
        self.waiting.retain_mut(|waiting| {
            if failure.is_some() {
                return true;
            }
            match waiting.value.as_mut().poll(turn) {
                Poll::Pending => return true,
                Poll::Ready(Ok(value)) => {
                    add(&mut part, &value);
                    holes[waiting.hole].value = value;
                }
                Poll::Ready(Err(error)) if is_apart => failed.push((waiting.object, error)),
                Poll::Ready(Err(error)) => failure = Some(error),
            }
            false
        });
        if !self.failed.is_empty() {
            // What else they ask for is of no use.
            let failed = &self.failed;
            self.waiting.retain(|waiting| failed.iter().all(|(object, _)| *object != waiting.object));
        }
        let within = self.plan.request.budget.spend(part);
        match failure {
            Some(error) => Poll::Ready(Err(error)),
            None if self.waiting.is_empty() && within => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }

    /// The objects one by one, when nothing waits.
    fn each(self) -> Vec<ServerResult<Value>> {
        let ends = self.begins.iter().skip(1).copied().chain([self.json.end()]);
        let mut holes = &self.holes[..];
        let mut made: Vec<ServerResult<Value>> = Vec::with_capacity(self.begins.len());
        for (begin, end) in self.begins.iter().copied().zip(ends) {
            let (own, others) = holes.split_at(holes.partition_point(|hole| hole.at < end));
            holes = others;
            made.push(Ok(Value::Binary(filled(&self.json, begin, end, own).into_bytes())));
        }
        for (index, error) in self.failed {
            made[index] = Err(error);
        }
        made
    }
}

/// A piece of the text, with what was waited for in its holes.
fn filled(json: &Json, begin: usize, end: usize, holes: &[Hole]) -> Json {
    let waited_for = |hole: &Hole| match &hole.value {
        Value::Binary(json) => json.len(),
        _ => SHORT,
    };
    let room = end - begin + holes.iter().map(waited_for).sum::<usize>();
    let mut whole = Json::with_room(room);
    let mut done = begin;
    for hole in holes {
        whole.written(json.piece(done, hole.at));
        whole.value(&hole.value);
        done = hole.at;
    }
    whole.written(json.piece(done, end));
    whole
}

/// Bytes of a value that is not a finished text, about.
const SHORT: usize = 32;

/// Counts the value of a field.
fn add(part: &mut Amount, value: &Value) {
    part.objects += objects(value);
    part.bytes += value_bytes(value);
}

async fn of_one<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    object: &T,
) -> ServerResult<Value> {
    let ctx = ctx.with_field(field);
    Ok(object.resolve_field(&ctx).await?.unwrap_or_default())
}

async fn of_many<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    index: usize,
    field: &Positioned<Field>,
    object: &T,
) -> ServerResult<Value> {
    let ctx = ctx.with_index(index);
    of_one(&ctx, field, object).await.map_err(|error| ctx.set_error_path(error))
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Response, Schema};

    use super::*;
    use crate::batching::Scopes;
    use crate::executor::ready;
    use crate::kernel::{AnswerLimits, Budget, Papel, Requester};

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
    }

    ready! {
        impl Item, |item, request| {
            "number" => item.0,
            "even" if let 0 = item.0 % 2 => 1_u32,
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
