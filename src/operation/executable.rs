//! A checked document in the form that the executor takes. What is executed is what
//! was checked: no text is parsed a second time by other rules.

use apollo_compiler::ast::{self, Type};
use apollo_compiler::executable::{
    Directive, Field, Fragment, FragmentMap, Operation, Selection, SelectionSet,
};
use apollo_compiler::parser::SourceMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types as executor;
use async_graphql::{Name, Number, Pos, Positioned, Value as Constant};
use async_graphql_value::Value;

use super::rules::place_of;
use crate::text::nfc;

/// The fragments of a document, by name.
pub(super) type Fragments = std::collections::HashMap<Name, Positioned<executor::FragmentDefinition>>;

/// Makes the executor's form of a document's parts.
pub(super) struct Converter<'a> {
    pub schema: &'a Schema,
    pub sources: &'a SourceMap,
}

/// The values of GraphQL's own scalars are what they look like; ours read texts.
const OWN_SCALARS: [&str; 4] = ["Int", "Float", "String", "Boolean"];

impl Converter<'_> {
    /// An operation. Its variables were coerced, so they need no definition but a
    /// name.
    pub(super) fn operation(&self, operation: &Node<Operation>) -> executor::OperationDefinition {
        let variables = operation.variables.iter().map(|variable| {
            let at = self.at(variable);
            Positioned::new(
                executor::VariableDefinition {
                    name: Positioned::new(Name::new(&variable.name), at),
                    var_type: Positioned::new(
                        executor::Type {
                            base: executor::BaseType::Named(Name::new(variable.ty.inner_named_type())),
                            nullable: true,
                        },
                        at,
                    ),
                    directives: Vec::new(),
                    default_value: None,
                },
                at,
            )
        });
        executor::OperationDefinition {
            ty: kind(operation.operation_type),
            variable_definitions: variables.collect(),
            directives: Vec::new(),
            selection_set: Positioned::new(self.set(&operation.selection_set), self.at(operation)),
        }
    }

    /// All fragments.
    pub(super) fn fragments(&self, fragments: &FragmentMap) -> Fragments {
        fragments.iter().map(|(name, fragment)| (Name::new(name), self.fragment(fragment))).collect()
    }

    fn fragment(&self, fragment: &Node<Fragment>) -> Positioned<executor::FragmentDefinition> {
        let at = self.at(fragment);
        let definition = executor::FragmentDefinition {
            type_condition: condition(fragment.type_condition(), at),
            directives: Vec::new(),
            selection_set: Positioned::new(self.set(&fragment.selection_set), at),
        };
        Positioned::new(definition, at)
    }

    fn set(&self, set: &SelectionSet) -> executor::SelectionSet {
        executor::SelectionSet { items: set.selections.iter().map(|item| self.selection(item)).collect() }
    }

    fn selection(&self, selection: &Selection) -> Positioned<executor::Selection> {
        match selection {
            Selection::Field(field) => {
                let at = self.at(field);
                Positioned::new(executor::Selection::Field(Positioned::new(self.field(field, at), at)), at)
            }
            Selection::FragmentSpread(spread) => {
                let at = self.at(spread);
                let spread = executor::FragmentSpread {
                    fragment_name: Positioned::new(Name::new(&spread.fragment_name), at),
                    directives: self.directives(&spread.directives),
                };
                Positioned::new(executor::Selection::FragmentSpread(Positioned::new(spread, at)), at)
            }
            Selection::InlineFragment(inline) => {
                let at = self.at(inline);
                let inline = executor::InlineFragment {
                    type_condition: inline.type_condition.as_ref().map(|on| condition(on, at)),
                    directives: self.directives(&inline.directives),
                    selection_set: Positioned::new(self.set(&inline.selection_set), at),
                };
                Positioned::new(executor::Selection::InlineFragment(Positioned::new(inline, at)), at)
            }
        }
    }

    fn field(&self, field: &Field, at: Pos) -> executor::Field {
        let named = |name: &apollo_compiler::Name| Positioned::new(Name::new(name), at);
        executor::Field {
            alias: field.alias.as_ref().map(named),
            name: named(&field.name),
            arguments: self.arguments(&field.arguments, &field.definition.arguments),
            directives: self.directives(&field.directives),
            selection_set: Positioned::new(self.set(&field.selection_set), at),
        }
    }

    fn arguments(
        &self,
        given: &[Node<ast::Argument>],
        definitions: &[Node<ast::InputValueDefinition>],
    ) -> Vec<(Positioned<Name>, Positioned<Value>)> {
        let argument = |argument: &Node<ast::Argument>| {
            let definition = definitions.iter().find(|definition| definition.name == argument.name);
            let value = self.value(&argument.value, definition.map(|definition| &*definition.ty));
            let at = self.at(argument);
            (Positioned::new(Name::new(&argument.name), at), Positioned::new(value, self.at(&argument.value)))
        };
        given.iter().map(argument).collect()
    }

    /// Those that the executor knows: whether a selection is in the answer.
    fn directives(&self, directives: &[Node<Directive>]) -> Vec<Positioned<executor::Directive>> {
        let directive = |directive: &Node<Directive>| {
            let definition = self.schema.directive_definitions.get(&directive.name);
            let definitions = definition.map(|found| &found.arguments[..]).unwrap_or_default();
            let at = self.at(directive);
            let arguments = self.arguments(&directive.arguments, definitions);
            Positioned::new(
                executor::Directive { name: Positioned::new(Name::new(&directive.name), at), arguments },
                at,
            )
        };
        directives.iter().map(directive).collect()
    }

    fn value(&self, value: &Node<ast::Value>, ty: Option<&Type>) -> Value {
        let name = ty.map(Type::inner_named_type);
        match &**value {
            ast::Value::Variable(name) => Value::Variable(Name::new(name)),
            ast::Value::List(items) => {
                let item = ty.map(Type::item_type);
                Value::List(items.iter().map(|value| self.value(value, item)).collect())
            }
            ast::Value::Object(members) => {
                let definition = match name.and_then(|name| self.schema.types.get(name)) {
                    Some(ExtendedType::InputObject(found)) => Some(found),
                    _ => None,
                };
                let member = |(name, value): &(apollo_compiler::Name, Node<ast::Value>)| {
                    let field = definition.and_then(|definition| definition.fields.get(name));
                    (Name::new(name), self.value(value, field.map(|field| &*field.ty)))
                };
                Value::Object(members.iter().map(member).collect())
            }
            constant => self::constant(constant, name).into(),
        }
    }

    fn at<T: ?Sized>(&self, node: &Node<T>) -> Pos {
        place_of(node, self.sources).unwrap_or_default()
    }
}

/// A value without variables, for a place of the type `name`.
pub(super) fn constant(value: &ast::Value, name: Option<&apollo_compiler::Name>) -> Constant {
    match value {
        ast::Value::Null | ast::Value::Variable(_) => Constant::Null,
        ast::Value::Enum(name) => Constant::Enum(Name::new(name)),
        ast::Value::String(text) => Constant::String(nfc(text.clone())),
        ast::Value::Boolean(value) => Constant::Boolean(*value),
        ast::Value::Int(number) => number_of(number.as_str(), name),
        ast::Value::Float(number) => number_of(number.as_str(), name),
        ast::Value::List(items) => Constant::List(items.iter().map(|item| constant(item, name)).collect()),
        ast::Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (Name::new(name), constant(value, None)));
            Constant::Object(members.collect::<IndexMap<_, _>>())
        }
    }
}

/// A number as the type `name` reads it: an ID and our own scalars read the digits
/// themselves, so that none is lost.
fn number_of(digits: &str, name: Option<&apollo_compiler::Name>) -> Constant {
    let number = || {
        let whole =
            digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
        whole.ok().or_else(|| digits.parse().ok().and_then(Number::from_f64))
    };
    let is_own = name.is_none_or(|name| OWN_SCALARS.contains(&name.as_str()));
    match (is_own, name.is_some_and(|name| name == "ID")) {
        (_, true) => Constant::String(digits.to_owned()),
        (true, _) => number().map_or(Constant::Null, Constant::Number),
        // An exponent is not among the digits of anything of ours.
        (false, _) if digits.contains(['e', 'E']) || digits.parse::<i64>().is_ok() => {
            number().map_or_else(|| Constant::String(digits.to_owned()), Constant::Number)
        }
        (false, _) => Constant::String(digits.to_owned()),
    }
}

/// Whether an operation reads or writes.
pub(super) const fn kind(kind: ast::OperationType) -> executor::OperationType {
    match kind {
        ast::OperationType::Query => executor::OperationType::Query,
        ast::OperationType::Mutation => executor::OperationType::Mutation,
        ast::OperationType::Subscription => executor::OperationType::Subscription,
    }
}

fn condition(on: &apollo_compiler::Name, at: Pos) -> Positioned<executor::TypeCondition> {
    Positioned::new(executor::TypeCondition { on: Positioned::new(Name::new(on), at) }, at)
}
