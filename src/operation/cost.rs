//! What an operation may cost at most: the objects that its answer may hold, by the
//! sizes that the *types* declare (`@listSize`, `@cost`; see `kernel/sizes.rs`), and
//! more for what weighs more than an object.
//!
//! What can be known of a document is found once ([`Formula`]); a request puts in the
//! values of its variables ([`Formula::price`]). A field of an object type counts 1
//! and what it selects, a list that many times, a scalar nothing. What `@skip` or
//! `@include` leave out is counted, too.

use std::collections::HashMap;

use apollo_compiler::executable::{Field, FragmentMap, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::{Name, Node, Schema, ast};
use async_graphql::{Value, Variables};

/// The most that an operation may cost, as far as its document tells.
#[derive(Debug)]
pub(super) struct Formula(Vec<Term>);

/// A field that costs something, by itself or by what it selects.
#[derive(Debug)]
struct Term {
    /// Of each.
    weight: u64,
    /// How many there may be.
    times: Times,
    selected: Vec<Term>,
}

/// How many there may be of something.
#[derive(Clone, Debug)]
enum Times {
    /// One.
    Once,
    /// So many at most.
    AtMost(u64),
    /// As many as the request says.
    Asked(Asked),
}

/// A size that arguments of the request tell.
#[derive(Clone, Debug)]
struct Asked {
    /// The values given to those arguments.
    given: Vec<Given>,
    /// When none is given; of a list the most.
    assumed: Option<u64>,
}

/// The value given to an argument that tells a size.
#[derive(Clone, Debug)]
enum Given {
    /// A number, or the length of a list.
    Known(Length),
    /// What the variable holds.
    Variable { argument: String, name: String },
}

/// A size that was told.
#[derive(Clone, Debug)]
enum Length {
    Number(u64),
    Entries { argument: String, count: u64 },
}

/// What an operation costs with the variables of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Price {
    /// The most that it may cost.
    pub cost: u64,
    /// A list in an argument that is longer than its field takes.
    pub too_long: Option<TooLong>,
}

/// A list in an argument that is longer than its field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    pub argument: String,
    pub count: u64,
    pub most: u64,
}

/// Entries of `_entities(representations:)`, which federation defines and no store.
const REPRESENTATIONS: &str = "representations";

impl Formula {
    /// Of a selection of a valid document: no fragment is in itself.
    pub(super) fn of(set: &SelectionSet, fragments: &FragmentMap, costs: &Costs<'_>) -> Self {
        Self(Maker { fragments, costs }.set(set, None))
    }

    /// With these variables, which are coerced.
    pub(super) fn price(&self, variables: &Variables) -> Price {
        let mut price = Price::default();
        price.cost = sum(&self.0, variables, &mut price.too_long);
        price
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        fn of(terms: &[Term]) -> usize {
            terms.iter().map(|term| size_of::<Term>() + 64 + of(&term.selected)).sum()
        }
        of(&self.0)
    }
}

fn sum(terms: &[Term], variables: &Variables, too_long: &mut Option<TooLong>) -> u64 {
    terms.iter().fold(0_u64, |sum, term| {
        let each = term.weight.saturating_add(self::sum(&term.selected, variables, too_long));
        let times = match &term.times {
            Times::Once => 1,
            Times::AtMost(most) => *most,
            Times::Asked(asked) => asked.times(variables, too_long),
        };
        sum.saturating_add(each.saturating_mul(times))
    })
}

impl Asked {
    fn times(&self, variables: &Variables, too_long: &mut Option<TooLong>) -> u64 {
        let told = self.given.iter().filter_map(|given| given.length(variables));
        let told = told.inspect(|length| {
            if let (Length::Entries { argument, count }, Some(most)) = (length, self.assumed)
                && *count > most
            {
                *too_long = Some(TooLong { argument: argument.clone(), count: *count, most });
            }
        });
        let largest = told.map(|length| match length {
            Length::Number(count) | Length::Entries { count, .. } => count,
        });
        largest.max().or(self.assumed).unwrap_or(1)
    }
}

impl Given {
    fn length(&self, variables: &Variables) -> Option<Length> {
        match self {
            Self::Known(length) => Some(length.clone()),
            Self::Variable { argument, name } => match variables.get(name.as_str())? {
                Value::List(entries) => {
                    Some(Length::Entries { argument: argument.clone(), count: entries.len() as u64 })
                }
                Value::Null => None,
                Value::Number(number) => Some(Length::Number(number.as_u64().unwrap_or(0))),
                // One value where a list may stand is a list of it.
                _ => Some(Length::Entries { argument: argument.clone(), count: 1 }),
            },
        }
    }
}

/// How long those lists are of which no store says it.
pub(super) struct Costs<'a> {
    /// The most entries of `representations`.
    representations: u64,
    own: &'a OwnSizes,
}

/// How long the lists are that tell of the schema itself, by type and field.
///
/// A list below a list is as long as it is on the whole: the price of everything
/// that there is to ask of a schema is near to what there is.
#[derive(Debug, Default)]
pub(crate) struct OwnSizes(HashMap<(&'static str, &'static str), u64>);

impl OwnSizes {
    /// Of `schema`.
    pub(crate) fn of(schema: &Schema) -> Self {
        let (mut fields, mut arguments, mut inputs, mut values, mut fieldful) = (0, 0, 0, 0, 0);
        let (mut input_types, mut enums, mut interfaces, mut most_implementers) = (0, 0, 0, 0);
        for found in schema.types.values() {
            let of_fields = match found {
                ExtendedType::Object(object) => Some((&object.fields, object.implements_interfaces.len())),
                ExtendedType::Interface(object) => Some((&object.fields, object.implements_interfaces.len())),
                _ => None,
            };
            if let Some((own, implemented)) = of_fields {
                fieldful += 1;
                fields += own.len();
                arguments += own.values().map(|field| field.arguments.len()).sum::<usize>();
                interfaces += implemented;
            }
            match found {
                ExtendedType::Enum(found) => {
                    enums += 1;
                    values += found.values.len();
                }
                ExtendedType::InputObject(found) => {
                    input_types += 1;
                    inputs += found.fields.len();
                }
                ExtendedType::Union(found) => most_implementers = most_implementers.max(found.members.len()),
                _ => {}
            }
        }
        for implementers in schema.implementers_map().values() {
            most_implementers = most_implementers.max(implementers.objects.len());
        }
        let types = schema.types.len();
        // Of types of which few have any: as many as each has on the whole.
        let each = |all: usize, of: usize| (all.div_ceil(of.max(1))) as u64;
        let sizes = [
            (("__Schema", "types"), types as u64),
            (("__Schema", "directives"), schema.directive_definitions.len() as u64),
            (("__Type", "fields"), each(fields, fieldful.max(types))),
            (("__Type", "interfaces"), each(interfaces, types)),
            (("__Type", "possibleTypes"), each(most_implementers, types)),
            (("__Type", "enumValues"), each(values, enums.max(types))),
            (("__Type", "inputFields"), each(inputs, input_types.max(types))),
            (("__Field", "args"), each(arguments, fields)),
            (("__Directive", "args"), 2),
            (("__Directive", "locations"), 1),
        ];
        Self(sizes.into_iter().collect())
    }

    fn get(&self, owner: &str, field: &str) -> Option<u64> {
        let mut sizes = self.0.iter();
        sizes.find(|((known, name), _)| *known == owner && *name == field).map(|(_, size)| *size)
    }
}

impl<'a> Costs<'a> {
    pub(super) const fn new(own: &'a OwnSizes, representations: u64) -> Self {
        Self { representations, own }
    }
}

/// The fields of what a field returns whose size that field tells.
struct Sized<'a> {
    fields: Vec<&'a str>,
    times: Times,
}

struct Maker<'a> {
    fragments: &'a FragmentMap,
    costs: &'a Costs<'a>,
}

impl<'a> Maker<'a> {
    /// The terms of a selection. `sized` is what the field above says of it.
    fn set(&self, set: &'a SelectionSet, sized: Option<&Sized<'a>>) -> Vec<Term> {
        let mut terms = Vec::new();
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => terms.extend(self.field(&set.ty, field, sized)),
                Selection::InlineFragment(inline) => terms.extend(self.set(&inline.selection_set, sized)),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.fragment_name) {
                        terms.extend(self.set(&fragment.selection_set, sized));
                    }
                }
            }
        }
        terms
    }

    /// Nothing for a field that costs nothing.
    fn field(&self, owner: &Name, field: &'a Field, sized: Option<&Sized<'a>>) -> Option<Term> {
        let definition = &*field.definition;
        let selects = !field.selection_set.selections.is_empty();
        let weight = weight_of(definition).unwrap_or(u64::from(selects));
        let size = SizeOf::read(definition);
        let times = if definition.ty.is_list() {
            let above = sized.filter(|sized| sized.fields.contains(&field.name.as_str()));
            above.map_or_else(|| self.list(owner, field, size.as_ref()), |above| above.times.clone())
        } else {
            Times::Once
        };
        let below = size
            .as_ref()
            .filter(|size| !size.sized_fields.is_empty())
            .map(|size| Sized { fields: size.sized_fields.clone(), times: Times::Asked(size.asked(field)) });
        let selected = self.set(&field.selection_set, below.as_ref());
        (weight > 0 || !selected.is_empty()).then_some(Term { weight, times, selected })
    }

    /// The length of a list that no field above it tells.
    fn list(&self, owner: &Name, field: &Field, size: Option<&SizeOf<'_>>) -> Times {
        if let Some(size) = size {
            return Times::Asked(size.asked(field));
        }
        if field.name == "_entities" {
            let own = SizeOf {
                assumed: Some(self.costs.representations),
                slicing: vec![REPRESENTATIONS],
                sized_fields: Vec::new(),
            };
            return Times::Asked(own.asked(field));
        }
        // A list of scalars costs nothing, however long it is.
        Times::AtMost(self.costs.own.get(owner, &field.name).unwrap_or(1))
    }
}

/// `@listSize` of a field.
struct SizeOf<'a> {
    assumed: Option<u64>,
    slicing: Vec<&'a str>,
    sized_fields: Vec<&'a str>,
}

impl<'a> SizeOf<'a> {
    fn read(definition: &'a FieldDefinition) -> Option<Self> {
        let directive = definition.directives.get("listSize")?;
        let names = |argument: &str| {
            let given = directive.specified_argument_by_name(argument);
            let list = given.and_then(|value| value.as_list()).unwrap_or_default();
            list.iter().filter_map(|value| value.as_str()).collect::<Vec<_>>()
        };
        let assumed = directive.specified_argument_by_name("assumedSize");
        Some(Self {
            assumed: assumed.and_then(|value| value.to_i32()).and_then(|size| u64::try_from(size).ok()),
            slicing: names("slicingArguments"),
            sized_fields: names("sizedFields"),
        })
    }

    /// What `field` gives to the arguments that tell its size.
    fn asked(&self, field: &Field) -> Asked {
        let given = self
            .slicing
            .iter()
            .filter_map(|argument| given(argument, field.specified_argument_by_name(argument)?));
        Asked { given: given.collect(), assumed: self.assumed }
    }
}

fn given(argument: &str, value: &Node<ast::Value>) -> Option<Given> {
    let argument = argument.to_owned();
    let known = |count| Given::Known(Length::Entries { argument: argument.clone(), count });
    Some(match &**value {
        ast::Value::Null => return None,
        ast::Value::Variable(name) => Given::Variable { argument, name: name.to_string() },
        ast::Value::Int(number) => Given::Known(Length::Number(number.as_str().parse().unwrap_or(0))),
        ast::Value::List(entries) => known(entries.len() as u64),
        _ => known(1),
    })
}

/// `@cost` of a field.
fn weight_of(definition: &FieldDefinition) -> Option<u64> {
    let weight = definition.directives.get("cost")?.specified_argument_by_name("weight")?.to_i32()?;
    u64::try_from(weight).ok()
}

/// Fields that return lists of objects and do not say how long these may be.
#[cfg(test)]
pub(crate) fn unsized_lists(schema: &Schema) -> Vec<String> {
    let is_object = |name: &Name| {
        schema
            .types
            .get(name)
            .is_some_and(|found| found.is_object() || found.is_interface() || found.is_union())
    };
    let fields = schema.types.values().flat_map(|found| {
        let fields = match found {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(object) => &object.fields,
            _ => return Vec::new(),
        };
        fields.values().map(|field| (found.name().clone(), field.clone())).collect::<Vec<_>>()
    });
    let fields: Vec<_> = fields.filter(|(owner, _)| !owner.starts_with("__")).collect();
    // What every field that returns the type says of it.
    let told = |owner: &Name, name: &Name| {
        let mut returning =
            fields.iter().filter(|(_, field)| field.ty.inner_named_type() == owner).peekable();
        returning.peek().is_some()
            && returning.all(|(_, field)| {
                SizeOf::read(field).is_some_and(|size| size.sized_fields.contains(&name.as_str()))
            })
    };
    let silent = fields.iter().filter(|(owner, field)| {
        field.ty.is_list()
            && is_object(field.ty.inner_named_type())
            && field.name != "_entities"
            && SizeOf::read(field).is_none_or(|size| size.assumed.is_none())
            && !told(owner, &field.name)
    });
    silent.map(|(owner, field)| format!("{owner}.{}", field.name)).collect()
}
