//! Resolving objects and lists of objects, cheaply.
//!
//! The executor's own way makes a boxed future for every field of every object,
//! looks into the selection again for each object of a list, and hashes each key
//! of the answer. Most fields are ready at once, so here the selection is looked
//! at once a list, one box is used again for all fields that are ready, and only
//! what waits for a store is kept; the members of an answer are copied from a
//! template. The answer is the same. What is made is counted
//! ([`Budget`]): an answer that holds too much is not finished.
//!
//! What is unusual is left to the executor: requests that are traced, directives that
//! are executed, fragments on an interface, one key selected twice.
//!
//! An object that can be many, or stands in many, is wrapped: [`Walked`], [`WalkedList`].

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as Turn, Poll};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::resolver_utils::{ContainerType, resolve_container, resolve_list};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerError, ServerResult, Value};
use futures_util::future::{BoxFuture, join_all};

use super::counted::{key_bytes, value_bytes};
use crate::kernel::{Amount, Budget, RequestContext};

/// An object that is walked.
pub struct Walked<T>(pub T);

/// A list of objects that is walked.
pub struct WalkedList<L>(pub L);

/// What [`WalkedList`] takes.
pub trait List: Send + Sync {
    /// An object.
    type Item: ContainerType;

    /// How many there are.
    fn length(&self) -> usize;

    /// One of them.
    fn at(&self, index: usize) -> &Self::Item;
}

impl<T: ContainerType> List for Vec<T> {
    type Item = T;

    fn length(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> &T {
        &self[index]
    }
}

impl<T: ContainerType> List for &[T] {
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

impl<T: ContainerType> OutputType for Walked<T> {
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
            let one = |_, field| of_one(ctx, field, &self.0);
            let mut objects = Walk::run(plan, Owner::Field, 1, one).await?;
            Ok(objects.pop().map_or(Value::Null, Value::Object))
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
            let objects = Walk::run(plan, Owner::List, length, begin).await?;
            Ok(Value::List(objects.into_iter().map(Value::Object).collect()))
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

type Members = IndexMap<Name, Value>;

/// What is resolved of each object, in the order of the answer.
struct Plan<'a> {
    /// The keys, with null where a field is to be filled in.
    template: Members,
    fields: Vec<Planned<'a>>,
    /// What the answer may hold.
    budget: &'a Budget,
    /// What the template itself holds.
    blank: Amount,
}

/// A field, and its place in the template.
struct Planned<'a> {
    place: usize,
    field: &'a Positioned<Field>,
}

impl<'a> Plan<'a> {
    /// For objects like `example`; none when it is the executor's.
    fn of<T: ContainerType>(ctx: &ContextSelectionSet<'a>, example: &T) -> Option<Self> {
        let request = ctx.data_opt::<RequestContext>().filter(|request| !request.traced)?;
        let set = &ctx.item.node;
        let mut plan = Self {
            template: IndexMap::with_capacity(set.items.len()),
            fields: Vec::with_capacity(set.items.len()),
            budget: &request.budget,
            blank: Amount::default(),
        };
        if !plan.add(ctx, set, example) {
            return None;
        }
        plan.blank = blank(&plan.template);
        Some(plan)
    }

    /// False when it is the executor's.
    fn add<T: ContainerType>(
        &mut self,
        ctx: &ContextSelectionSet<'a>,
        set: &'a SelectionSet,
        example: &T,
    ) -> bool {
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => self.add_field(field, example),
            Selection::FragmentSpread(spread) => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
                spread.node.directives.is_empty()
                    && fragment.is_some_and(|fragment| {
                        let on = &fragment.node.type_condition.node.on.node;
                        self.add_on(ctx, Some(on), &fragment.node.selection_set.node, example)
                    })
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref().map(|found| &found.node.on.node);
                fragment.node.directives.is_empty()
                    && self.add_on(ctx, condition, &fragment.node.selection_set.node, example)
            }
        })
    }

    /// What a fragment selects, where it is about these objects. One about objects of another
    /// type selects nothing; what one about an interface selects is the executor's to say.
    fn add_on<T: ContainerType>(
        &mut self,
        ctx: &ContextSelectionSet<'a>,
        on: Option<&Name>,
        set: &'a SelectionSet,
        example: &T,
    ) -> bool {
        match on {
            Some(on) if *on != *T::type_name() => {
                matches!(ctx.schema_env.registry.types.get(on.as_str()), Some(MetaType::Object { .. }))
            }
            _ => self.add(ctx, set, example),
        }
    }

    fn add_field<T: ContainerType>(&mut self, field: &'a Positioned<Field>, example: &T) -> bool {
        let name = field.node.name.node.as_str();
        let value = if name == "__typename" {
            Value::String(example.introspection_type_name().into_owned())
        } else {
            Value::Null
        };
        let key = field.node.response_key().node.clone();
        let (place, previous) = self.template.insert_full(key, value);
        if name != "__typename" {
            self.fields.push(Planned { place, field });
        }
        previous.is_none() && field.node.directives.is_empty()
    }
}

/// What the keys of an object hold, and the values that are there already.
fn blank(template: &Members) -> Amount {
    let names = template.values().filter(|value| **value != Value::Null);
    let keys = template.keys().map(|key| key_bytes(key));
    Amount {
        objects: 0,
        fields: template.len() as u64,
        bytes: 1 + keys.sum::<u64>() + names.map(value_bytes).sum::<u64>(),
    }
}

/// The fields of a list of objects, or of one, under way side by side.
struct Walk<'a, F> {
    fields: Vec<Planned<'a>>,
    objects: Vec<Members>,
    waiting: Vec<Waiting<F>>,
    budget: &'a Budget,
    blank: Amount,
    /// Whether an object that fails is null by itself; otherwise the first failure ends all.
    apart: bool,
    /// Those that have failed.
    failed: Vec<(usize, ServerError)>,
}

/// A field that waits for a store.
struct Waiting<F> {
    object: usize,
    place: usize,
    value: Pin<Box<F>>,
}

/// Who counts an object that is walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The field that it is the value of, as every value of a field is.
    Field,
    /// Its list: the entries of a list are no fields.
    List,
}

/// Several objects of a list that may have others between them, each at its place; one that
/// fails is a failure of its own.
pub(super) async fn walk_apart<T: ContainerType>(
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
    let mut walk = Walk::over(plan, Owner::List, objects.len());
    walk.0.apart = true;
    // It cannot fail as a whole.
    let _ = walk.go(begin).await;
    let Walk { objects: made, failed, .. } = walk.0;
    let mut made: Vec<ServerResult<Value>> =
        made.into_iter().map(|members| Ok(Value::Object(members))).collect();
    for (index, error) in failed {
        made[index] = Err(error);
    }
    made
}

/// A walk that has not begun, with the template of each object and how many there are.
struct Unbegun<'a, F>(Walk<'a, F>, Members, usize);

impl<'a, F: Future<Output = ServerResult<Value>>> Unbegun<'a, F> {
    /// Resolves the fields. All are begun in the first turn, in the order of the answer, so that
    /// what they ask of the stores goes together. An answer that holds too much is never
    /// finished.
    async fn go(&mut self, begin: impl Fn(usize, &'a Positioned<Field>) -> F) -> ServerResult<()> {
        let Self(walk, template, length) = self;
        let mut begun = false;
        poll_fn(|turn| {
            if !begun {
                begun = true;
                return walk.begin(turn, template, *length, &begin);
            }
            walk.go_on(turn)
        })
        .await
    }
}

impl<'a, F: Future<Output = ServerResult<Value>>> Walk<'a, F> {
    fn over(plan: Plan<'a>, owner: Owner, length: usize) -> Unbegun<'a, F> {
        let Plan { template, fields, budget, blank } = plan;
        let blank = Amount { objects: u64::from(owner == Owner::List), ..blank };
        let objects = Vec::with_capacity(length);
        let walk =
            Self { fields, objects, waiting: Vec::new(), budget, blank, apart: false, failed: Vec::new() };
        Unbegun(walk, template, length)
    }

    /// Resolves the fields of `length` objects; the first failure ends it.
    async fn run(
        plan: Plan<'a>,
        owner: Owner,
        length: usize,
        begin: impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> ServerResult<Vec<Members>> {
        let mut walk = Self::over(plan, owner, length);
        walk.go(begin).await?;
        Ok(walk.0.objects)
    }

    /// Ready when nothing waits.
    fn begin(
        &mut self,
        turn: &mut Turn<'_>,
        template: &Members,
        length: usize,
        begin: &impl Fn(usize, &'a Positioned<Field>) -> F,
    ) -> Poll<ServerResult<()>> {
        let mut spare: Option<Pin<Box<F>>> = None;
        for object in 0..length {
            let mut members = template.clone();
            let mut part = self.blank;
            for &Planned { place, field } in &self.fields {
                let begun = begin(object, field);
                let mut value = match spare.take() {
                    None => Box::pin(begun),
                    Some(mut used) => {
                        used.set(begun);
                        used
                    }
                };
                match value.as_mut().poll(turn) {
                    Poll::Ready(Ok(ready)) => {
                        add(&mut part, &ready);
                        members[place] = ready;
                        spare = Some(value);
                    }
                    Poll::Ready(Err(error)) if self.apart => {
                        self.failed.push((object, error));
                        self.waiting.retain(|waiting| waiting.object != object);
                        break;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => self.waiting.push(Waiting { object, place, value }),
                }
            }
            self.objects.push(members);
            if !self.budget.spend(part) {
                return Poll::Pending;
            }
        }
        if self.waiting.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn go_on(&mut self, turn: &mut Turn<'_>) -> Poll<ServerResult<()>> {
        let mut failure = None;
        let mut part = Amount::default();
        let (objects, failed, apart) = (&mut self.objects, &mut self.failed, self.apart);
        self.waiting.retain_mut(|waiting| {
            if failure.is_some() {
                return true;
            }
            match waiting.value.as_mut().poll(turn) {
                Poll::Pending => return true,
                Poll::Ready(Ok(value)) => {
                    add(&mut part, &value);
                    objects[waiting.object][waiting.place] = value;
                }
                Poll::Ready(Err(error)) if apart => failed.push((waiting.object, error)),
                Poll::Ready(Err(error)) => failure = Some(error),
            }
            false
        });
        if !self.failed.is_empty() {
            // What else they ask for is of no use.
            let failed = &self.failed;
            self.waiting.retain(|waiting| failed.iter().all(|(object, _)| *object != waiting.object));
        }
        let within = self.budget.spend(part);
        match failure {
            Some(error) => Poll::Ready(Err(error)),
            None if self.waiting.is_empty() && within => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

/// Counts the value of a field.
fn add(part: &mut Amount, value: &Value) {
    part.objects += u64::from(matches!(value, Value::Object(_)));
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
    use crate::kernel::{AnswerLimits, Papel, Requester};

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

    async fn answer(query: &str, traced: bool) -> Response {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let requester = Requester { nome: "ana".into(), papel: Papel::Leitor };
        let today = chrono::NaiveDate::default();
        let scope = Scopes::default().open();
        let budget = Budget::new(AnswerLimits::default()).into();
        let request = RequestContext { requester, scope, today, idempotency_key: None, traced, budget };
        schema.execute(Request::new(query).data(request)).await
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
            let (walked, executed) = (answer(query, false).await, answer(query, true).await);
            let both = [walked, executed].map(|answer| serde_json::to_string(&answer).expect("JSON"));
            assert_eq!(both[0], both[1], "{query}");
        }
    }

    #[tokio::test]
    async fn what_is_walked_apart_fails_apart() {
        let answer = answer("{ apart(number: 9) { later atOnce perhaps } }", false).await;
        let data = serde_json::to_value(&answer.data).expect("JSON");
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
