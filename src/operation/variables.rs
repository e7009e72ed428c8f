//! The values of variables, coerced by the specification (section 6.1.2) before
//! anything uses them.
//!
//! Whether a CPF or a date is a good one is looked at in queries alone: the inputs of a
//! mutation answer that with an `Erro` beside the others, so that there a scalar of ours
//! must only be a string or a number.
//!
//! apollo-compiler coerces, too, and the tests compare with it. It is not used: it
//! knows no place inside a value, refuses whole numbers that a serialiser wrote with
//! a point, and numbers beyond 2^63 as an ID.

use std::fmt::Write as _;

use apollo_compiler::ast::{self, Type, VariableDefinition};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Node, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Number, Pos, Value, Variables};
use serde_json::{Map, Value as Json};

use super::refusal::{Problem, Refusal};
use crate::kernel::{code, scalars};
use crate::text::nfc;

/// Values that are told to be wrong at once.
const MOST_PROBLEMS: usize = 10;

/// A variable of an operation.
#[derive(Debug)]
pub(super) struct Variable {
    name: Name,
    ty: Type,
    /// Coerced already.
    default: Option<Value>,
    /// It stands where null cannot, whatever its own type says.
    pub never_null: bool,
    at: Option<Pos>,
}

impl Variable {
    /// From its definition in a valid document.
    pub(super) fn of(definition: &VariableDefinition, at: Option<Pos>, schema: &Schema) -> Self {
        let default = definition.default_value.as_ref();
        Self {
            name: Name::new(&definition.name),
            ty: (*definition.ty).clone(),
            default: default.map(|default| literal(default, &definition.ty, schema)),
            never_null: definition.ty.is_non_null(),
            at,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub(super) const fn ty(&self) -> &Type {
        &self.ty
    }

    /// Whether this is its name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == *name
    }

    /// Bytes that it takes.
    pub(super) const fn bytes() -> usize {
        size_of::<Self>() + 64
    }
}

/// `CoerceVariableValues`: the values of `declared` among `given`. What is absent
/// without a default stays absent; what is given and not declared does not matter.
///
/// # Errors
/// [`Refusal`] with a sentence for each variable that has no value or a wrong one.
pub(super) fn coerce(
    schema: &Schema,
    declared: &[Variable],
    given: Option<&Map<String, Json>>,
    scalars: Scalars,
) -> Result<Variables, Refusal> {
    let reader = Reader { schema, scalars };
    let mut values = Variables::default();
    let mut problems = Vec::new();
    for variable in declared {
        match reader.value_of(variable, given) {
            Ok(Some(value)) => {
                values.insert(variable.name.clone(), value);
            }
            Ok(None) => {}
            Err(message) => problems.push(Problem::at(message, variable.at)),
        }
    }
    if problems.is_empty() {
        return Ok(values);
    }
    problems.truncate(MOST_PROBLEMS);
    Err(Refusal { code: code::BAD_USER_INPUT, problems })
}

/// What is looked at in the values of our own scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalars {
    /// Whether each is a good one.
    Checked,
    /// Nothing: whoever reads them tells.
    AsTheyAre,
}

/// What is wrong with a value, and where in it.
struct Wrong {
    place: String,
    rule: String,
}

impl Wrong {
    fn here(rule: impl Into<String>) -> Self {
        Self { place: String::new(), rule: rule.into() }
    }

    fn below(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }
}

struct Reader<'a> {
    schema: &'a Schema,
    scalars: Scalars,
}

impl Reader<'_> {
    fn value_of(
        &self,
        variable: &Variable,
        given: Option<&Map<String, Json>>,
    ) -> Result<Option<Value>, String> {
        let Variable { name, ty, .. } = variable;
        match given.and_then(|given| given.get(name.as_str())) {
            None if variable.default.is_some() => Ok(variable.default.clone()),
            None if ty.is_non_null() => {
                Err(format!("Variable \"${name}\" of required type \"{ty}\" was not provided."))
            }
            None => Ok(None),
            Some(Json::Null) if ty.is_non_null() => {
                Err(format!("Variable \"${name}\" of required type \"{ty}\" must not be null."))
            }
            Some(Json::Null) if variable.never_null => {
                Err(format!("Variable \"${name}\" must not be null: it is used where null is not allowed."))
            }
            Some(value) => self.read(value, ty).map(Some).map_err(|wrong| {
                let place = if wrong.place.is_empty() {
                    String::new()
                } else {
                    format!(" at \"{name}{}\"", wrong.place)
                };
                format!("Variable \"${name}\" has a wrong value{place}: {}.", wrong.rule)
            }),
        }
    }

    fn read(&self, value: &Json, ty: &Type) -> Result<Value, Wrong> {
        if value.is_null() {
            if ty.is_non_null() {
                return Err(Wrong::here(format!("the type \"{ty}\" must not be null")));
            }
            return Ok(Value::Null);
        }
        let name = match ty {
            Type::List(inner) | Type::NonNullList(inner) => {
                let Json::Array(items) = value else {
                    // One value where a list may stand is a list of it.
                    return Ok(Value::List(vec![self.read(value, inner)?]));
                };
                let read = |(index, item)| {
                    self.read(item, inner).map_err(|wrong| wrong.below(&format!("[{index}]")))
                };
                return items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Value::List);
            }
            Type::Named(name) | Type::NonNullNamed(name) => name,
        };
        match self.schema.types.get(name) {
            Some(ExtendedType::InputObject(found)) => self.read_object(value, found),
            Some(ExtendedType::Enum(found)) => match value {
                Json::String(text) if found.values.contains_key(text.as_str()) => {
                    Ok(Value::Enum(Name::new(text)))
                }
                _ => Err(Wrong::here(format!("{} is not a value of the enum \"{name}\"", shown(value)))),
            },
            _ => {
                let read = read_scalar(value, name).ok_or_else(|| Wrong::here(expected(name, value)))?;
                if self.scalars == Scalars::Checked {
                    scalars::check(name, &read).map_err(Wrong::here)?;
                }
                Ok(read)
            }
        }
    }

    fn read_object(&self, value: &Json, found: &InputObjectType) -> Result<Value, Wrong> {
        let Json::Object(given) = value else {
            return Err(Wrong::here(format!(
                "an object of type \"{}\" is expected, not {}",
                found.name,
                shown(value)
            )));
        };
        if let Some(unknown) = given.keys().find(|key| !found.fields.contains_key(key.as_str())) {
            let rule = format!("\"{}\" is not a field of \"{}\"", shortened(unknown), found.name);
            return Err(Wrong::here(rule));
        }
        let mut members = IndexMap::with_capacity(given.len());
        for (name, field) in &found.fields {
            let value = match given.get(name.as_str()) {
                Some(value) => {
                    self.read(value, &field.ty).map_err(|wrong| wrong.below(&format!(".{name}")))?
                }
                None => match &field.default_value {
                    Some(default) => literal(default, &field.ty, self.schema),
                    None if field.ty.is_non_null() => {
                        let rule = format!(
                            "the field \"{name}\" of required type \"{}\" was not provided",
                            field.ty
                        );
                        return Err(Wrong::here(rule));
                    }
                    None => continue,
                },
            };
            members.insert(Name::new(name), value);
        }
        Ok(Value::Object(members))
    }
}

/// None when it is no value of the scalar.
fn read_scalar(value: &Json, name: &str) -> Option<Value> {
    match (name, value) {
        ("Int", Json::Number(number)) => {
            whole(number).and_then(|number| i32::try_from(number).ok()).map(Value::from)
        }
        ("Float", Json::Number(number)) => Some(Value::Number(number.clone())),
        ("String" | "ID", Json::String(text)) => Some(Value::String(nfc(text.clone()))),
        ("ID", Json::Number(number)) => whole(number).map(|number| Value::String(number.to_string())),
        ("Boolean", Json::Bool(value)) => Some(Value::Boolean(*value)),
        ("Int" | "Float" | "String" | "ID" | "Boolean", _) => None,
        // Any object of federation.
        ("_Any", value) => Value::from_json(value.clone()).ok(),
        (_, Json::String(text)) => Some(Value::String(nfc(text.clone()))),
        (_, Json::Number(number)) => Some(exact(number)),
        _ => None,
    }
}

/// A whole number, also where a serialiser wrote it with a point.
fn whole(number: &Number) -> Option<i128> {
    if let Some(number) = number.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = number.as_u64() {
        return Some(number.into());
    }
    // Up to 2^53 every whole number has a form of its own.
    let float =
        number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
    Some(float as i128)
}

/// A number for a scalar of ours, which reads digits: whole ones as they are, others
/// as the shortest text that means them.
fn exact(number: &Number) -> Value {
    if number.is_i64() || number.is_u64() {
        return Value::Number(number.clone());
    }
    // A serialiser may write an exponent, which none of the texts has.
    let plain = scalars::Decimal::from_number(number).map(|plain| plain.0.to_string());
    Value::String(plain.unwrap_or_else(|_| number.to_string()))
}

fn expected(name: &str, value: &Json) -> String {
    let article = if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    let detail = match (name, value) {
        ("Int", Json::Number(_)) => " (a whole number from -2147483648 to 2147483647)",
        _ => "",
    };
    format!("{article} {name} is expected{detail}, not {}", shown(value))
}

/// A value as a sentence quotes it.
fn shown(value: &Json) -> String {
    match value {
        Json::Object(_) => "an object".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        other => shortened(&other.to_string()),
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if short.len() < text.len() {
        let _ = write!(short, "…");
    }
    short
}

/// A constant of the document or the schema, coerced to its type. Validation has
/// seen that it is one of its type.
pub(super) fn literal(value: &Node<ast::Value>, ty: &Type, schema: &Schema) -> Value {
    if let Type::List(inner) | Type::NonNullList(inner) = ty
        && !value.is_null()
    {
        let items = value.as_list().unwrap_or(std::slice::from_ref(value));
        return Value::List(items.iter().map(|item| literal(item, inner, schema)).collect());
    }
    let name = ty.inner_named_type();
    match (&**value, schema.types.get(name)) {
        (ast::Value::Object(members), Some(ExtendedType::InputObject(found))) => {
            let given =
                |name: &str| members.iter().find(|(member, _)| member == name).map(|(_, value)| value);
            let fields = found.fields.iter().filter_map(|(name, field)| {
                let value = given(name).or(field.default_value.as_ref())?;
                Some((Name::new(name), literal(value, &field.ty, schema)))
            });
            Value::Object(fields.collect())
        }
        (value, _) => super::executable::constant(value, Some(name)),
    }
}
