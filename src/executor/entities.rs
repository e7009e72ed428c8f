//! `_entities` and `_service`: what a router asks of a subgraph (Apollo Federation, subgraph
//! specification).
//!
//! async-graphql's own `_entities` resolves the representations one by one, and one that fails
//! makes the whole list null. Here they are a list like any other: all of a type are loaded in
//! one turn and walked together; one that fails or is of no known type is null, with an error
//! of its own that has its place in the list, and one that does not exist is null without.
//! The same one may be asked for several times.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::resolver_utils::{ContainerType, resolve_container};
use async_graphql::{
    Any, Context, ContextSelectionSet, Error, Object, ObjectType, OutputType, Positioned, ServerError,
    ServerResult, SimpleObject, Value,
};
use futures_util::future::{BoxFuture, join_all};

use super::ready::Ready;
use super::walk::walk_apart;
use crate::kernel::{GraphError, GraphResult};

/// A type that a router may ask for by its key, `id`.
pub trait Entity: Send + Sync + 'static {
    /// The type.
    type Object: ContainerType + Ready + 'static;

    /// The one with this id; `None` when there is none, as far as this schema can know.
    fn fetch(ctx: &Context<'_>, id: &str) -> impl Future<Output = GraphResult<Option<Self::Object>>> + Send;
}

/// What came of one, with its place in the list.
type Placed = (usize, ServerResult<Value>);

/// The entities of a schema: a tuple of [`Entity`].
pub trait Entities: Send + Sync + 'static {
    /// Makes the types known, and names them.
    fn register(registry: &mut Registry) -> Vec<String>;

    /// Those of the type `of`; nothing when it is not among these.
    fn resolve<'a>(
        ctx: &'a Asking<'a>,
        of: &str,
        asked: Vec<Asked<'a>>,
    ) -> Option<BoxFuture<'a, Vec<Placed>>>;
}

/// Where `_entities` is asked.
pub struct Asking<'a> {
    field: Context<'a>,
    selected: &'a ContextSelectionSet<'a>,
}

/// An entity that is asked for, at its place in the list.
#[derive(Clone)]
pub struct Asked<'a> {
    place: usize,
    id: Cow<'a, str>,
}

/// Loads all in one turn, and walks what was found.
async fn those_of<E: Entity>(ctx: &Asking<'_>, asked: Vec<Asked<'_>>) -> Vec<Placed> {
    let loads = asked.iter().map(|asked| E::fetch(&ctx.field, &asked.id));
    let loaded = join_all(loads).await;
    let mut answers = Vec::with_capacity(asked.len());
    let mut found = Vec::with_capacity(asked.len());
    for (Asked { place, .. }, loaded) in asked.into_iter().zip(loaded) {
        match loaded {
            Ok(Some(object)) => found.push((place, object)),
            Ok(None) => answers.push((place, Ok(Value::Null))),
            Err(error) => answers.push((place, Err(ctx.fails(place, error)))),
        }
    }
    let walked = walk_apart(ctx.selected, &found).await;
    answers.extend(found.into_iter().map(|(place, _)| place).zip(walked));
    answers
}

impl Asking<'_> {
    fn fails(&self, place: usize, error: GraphError) -> ServerError {
        let at = self.selected.with_index(place);
        at.set_error_path(Error::from(error).into_server_error(self.field.item.pos))
    }
}

macro_rules! entities {
    ($($entity:ident),+) => {
        impl<$($entity: Entity),+> Entities for ($($entity,)+) {
            fn register(registry: &mut Registry) -> Vec<String> {
                vec![$(<$entity::Object as OutputType>::create_type_info(registry)
                    .trim_end_matches('!')
                    .to_owned()),+]
            }

            fn resolve<'a>(
                ctx: &'a Asking<'a>,
                of: &str,
                asked: Vec<Asked<'a>>,
            ) -> Option<BoxFuture<'a, Vec<Placed>>> {
                $(if of == $entity::Object::type_name() {
                    return Some(Box::pin(those_of::<$entity>(ctx, asked)));
                })+
                None
            }
        }
    };
}

entities!(A);
entities!(A, B);
entities!(A, B, C);
entities!(A, B, C, D);

/// A schema without an entity of its own.
impl Entities for () {
    fn register(_: &mut Registry) -> Vec<String> {
        Vec::new()
    }

    fn resolve<'a>(_: &'a Asking<'a>, _: &str, _: Vec<Asked<'a>>) -> Option<BoxFuture<'a, Vec<Placed>>> {
        None
    }
}

/// The SDL that `_service` shows, in the data of a schema.
pub struct ServiceSdl(pub Arc<str>);

/// What a subgraph says of itself.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// Its schema, with the directives of the federation.
    sdl: String,
}

/// The root fields of the federation, as they are executed: no introspection shows them.
pub struct Federated<E>(PhantomData<fn() -> E>);

/// The root fields of a schema without an entity.
pub struct Described;

impl<E> Default for Federated<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[Object]
impl<E: Entities> Federated<E> {
    /// Entities by their keys, in the order asked.
    #[graphql(name = "_entities", visible = false)]
    async fn entities(&self, representations: Vec<Any>) -> EntityList<E> {
        EntityList { representations, entities: PhantomData }
    }

    /// What this subgraph is.
    #[graphql(name = "_service", visible = false)]
    async fn service(&self, ctx: &Context<'_>) -> Service {
        service(ctx)
    }
}

#[Object]
impl Described {
    /// What this subgraph is.
    #[graphql(name = "_service", visible = false)]
    async fn service(&self, ctx: &Context<'_>) -> Service {
        service(ctx)
    }
}

fn service(ctx: &Context<'_>) -> Service {
    let sdl = ctx.data_opt::<ServiceSdl>().map(|sdl| sdl.0.to_string());
    Service { sdl: sdl.unwrap_or_default() }
}

/// The keys of the entities, for the SDL that is composed; there is no field to ask.
pub struct Keyed<E>(PhantomData<fn() -> E>);

impl<E> Default for Keyed<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Entities> ContainerType for Keyed<E> {
    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(None)
    }
}

impl<E: Entities> ObjectType for Keyed<E> {}

impl<E: Entities> OutputType for Keyed<E> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Keyed")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for entity in E::register(registry) {
            registry.add_keys(&entity, "id");
        }
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |_| nothing())
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

/// An object without a field.
fn nothing() -> MetaType {
    MetaType::Object {
        name: "Keyed".to_owned(),
        description: None,
        fields: Default::default(),
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// The entities that are asked for.
struct EntityList<E> {
    representations: Vec<Any>,
    entities: PhantomData<fn() -> E>,
}

const UNION: &str = "_Entity";

impl<E: Entities> OutputType for EntityList<E> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(UNION)
    }

    fn qualified_type_name() -> String {
        format!("[{UNION}]!")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Union, |registry| MetaType::Union {
            name: UNION.to_owned(),
            description: None,
            possible_types: E::register(registry).into_iter().collect(),
            visible: Some(|_| false),
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
        });
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let work: BoxFuture<'_, Vec<Value>> = Box::pin(self.all(ctx, field));
        Ok(Value::List(work.await))
    }
}

impl<E: Entities> EntityList<E> {
    async fn all(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> Vec<Value> {
        let asking = Asking { field: ctx.with_field(field), selected: ctx };
        let mut answers = vec![Value::Null; self.representations.len()];
        let mut failures = Vec::new();
        // Mostly all are of one type.
        let mut by_type: HashMap<&str, Vec<Asked<'_>>> = HashMap::new();
        for (place, Any(representation)) in self.representations.iter().enumerate() {
            match read(representation) {
                Ok((of, id)) => by_type.entry(of).or_default().push(Asked { place, id }),
                Err(message) => failures.push((place, GraphError::bad_input(message))),
            }
        }
        let mut under_way = Vec::with_capacity(by_type.len());
        for (of, asked) in by_type {
            match E::resolve(&asking, of, asked.clone()) {
                Some(work) => under_way.push(work),
                None => failures.extend(asked.into_iter().map(|asked| {
                    let message =
                        format!("`representations`: `{}` is no entity of this subgraph.", shortened(of));
                    (asked.place, GraphError::bad_input(message))
                })),
            }
        }
        let mut errors: Vec<(usize, ServerError)> =
            failures.into_iter().map(|(place, error)| (place, asking.fails(place, error))).collect();
        for (place, answer) in join_all(under_way).await.into_iter().flatten() {
            match answer {
                Ok(value) => answers[place] = value,
                Err(error) => errors.push((place, error)),
            }
        }
        // In the order of the list, whatever came first.
        errors.sort_by_key(|(place, _)| *place);
        for (_, error) in errors {
            ctx.add_error(error);
        }
        answers
    }
}

/// The type and the id that a representation names.
fn read(representation: &Value) -> Result<(&str, Cow<'_, str>), String> {
    let Value::Object(members) = representation else {
        return Err("`representations`: each must be an object with `__typename` and `id`.".to_owned());
    };
    let Some(Value::String(of)) = members.get("__typename") else {
        return Err("`representations`: `__typename` is missing, a string.".to_owned());
    };
    match members.get("id") {
        Some(Value::String(id)) => Ok((of, Cow::Borrowed(id))),
        // As in variables: a whole number that a serialiser wrote with a point is one.
        Some(Value::Number(id)) => Ok((of, Cow::Owned(id.to_string().trim_end_matches(".0").to_owned()))),
        _ => Err("`representations`: `id` is missing, a string.".to_owned()),
    }
}

/// What a client sent, for a sentence.
fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(60).collect()
}
