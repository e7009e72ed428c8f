//! Rules of validation that apollo-compiler leaves out, found by trying it:
//!
//! - an input object gives a key once (section 5.6.3), also in the default of a
//!   variable and in a custom scalar;
//! - a literal of a scalar of ours is a good one (section 5.6.1); the inputs of a mutation
//!   tell that themselves, with an `Erro`;
//! - a variable fits the place where it stands (section 5.8.5) *inside* a list or an
//!   input object, too: the crate compares the whole type at an argument alone, and
//!   only the name of the type further in.

use std::collections::HashSet;

use apollo_compiler::ast::{self, InputValueDefinition, Type, Value, VariableDefinition};
use apollo_compiler::executable::{Directive, Field, Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};
use async_graphql::Pos;

use super::executable::constant;
use super::refusal::{Problem, Refusal};
use crate::kernel::{code, scalars};

/// Variables that may be null by their type, and not where they stand: by operation and
/// name. The specification allows that where there is a default (section 5.8.5), and
/// leaves it to the execution that null is not given.
pub(super) type NeverNull<'a> = HashSet<(Option<&'a Name>, &'a Name)>;

/// Whether a document that the crate finds valid is so by the other rules, too.
///
/// # Errors
/// [`Refusal`].
pub(super) fn check<'a>(
    document: &'a ExecutableDocument,
    schema: &'a Schema,
) -> Result<NeverNull<'a>, Refusal> {
    let (mut problems, mut values, mut never_null) = (Vec::new(), Vec::new(), HashSet::new());
    for operation in document.operations.iter() {
        let mut checker = Checker {
            document,
            schema,
            operation,
            seen: HashSet::new(),
            problems: &mut problems,
            values: &mut values,
            never_null: &mut never_null,
        };
        checker.operation();
    }
    match (problems.is_empty(), values.is_empty()) {
        (false, _) => Err(Refusal::of_document(problems)),
        (true, false) => Err(Refusal { code: code::BAD_USER_INPUT, problems: values }),
        (true, true) => Ok(never_null),
    }
}

struct Checker<'a, 'p> {
    document: &'a ExecutableDocument,
    schema: &'a Schema,
    operation: &'a Operation,
    /// Fragments that this operation has used before.
    seen: HashSet<&'a Name>,
    problems: &'p mut Vec<Problem>,
    /// Of values that are no good ones of a scalar of ours.
    values: &'p mut Vec<Problem>,
    never_null: &'p mut NeverNull<'a>,
}

/// Where a value stands.
struct Place<'a> {
    /// None inside a custom scalar, where everything goes.
    ty: Option<&'a Type>,
    has_default: bool,
    /// A variable that is the whole value of an argument was looked at already.
    is_argument: bool,
}

impl<'a> Checker<'a, '_> {
    fn operation(&mut self) {
        let operation = self.operation;
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                self.value(default, &Place { ty: Some(&variable.ty), has_default: false, is_argument: true });
            }
            self.directives(&variable.directives);
        }
        self.directives(&operation.directives);
        self.set(&operation.selection_set);
    }

    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => self.field(field),
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives);
                    self.set(&inline.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                        && self.seen.insert(&fragment.name)
                    {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &'a Field) {
        self.arguments(&field.arguments, &field.definition.arguments);
        self.directives(&field.directives);
        self.set(&field.selection_set);
    }

    fn directives(&mut self, directives: &'a [Node<Directive>]) {
        for directive in directives {
            if let Some(definition) = self.schema.directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(&mut self, given: &'a [Node<ast::Argument>], definitions: &'a [Node<InputValueDefinition>]) {
        for argument in given {
            let definition = definitions.iter().find(|definition| definition.name == argument.name);
            let place = Place {
                ty: definition.map(|definition| &*definition.ty),
                has_default: definition.is_some_and(|definition| definition.default_value.is_some()),
                is_argument: true,
            };
            self.value(&argument.value, &place);
        }
    }

    fn value(&mut self, value: &'a Node<Value>, place: &Place<'a>) {
        match &**value {
            Value::Variable(name) => self.usage(name, value, place),
            Value::List(items) => {
                let ty = place.ty.map(Type::item_type);
                for item in items {
                    self.value(item, &Place { ty, has_default: false, is_argument: false });
                }
            }
            Value::Object(members) => self.object(members, place),
            Value::Null => {}
            literal => self.literal(literal, value, place),
        }
    }

    fn literal(&mut self, literal: &Value, value: &Node<Value>, place: &Place<'_>) {
        let Some(name) = place.ty.map(Type::inner_named_type) else { return };
        if !self.operation.is_query() {
            return;
        }
        if let Err(rule) = scalars::check(name, &constant(literal, Some(name))) {
            let problem = Problem::at(
                format!("{name} cannot represent this value: {rule}."),
                place_of(value, &self.document.sources),
            );
            if !self.values.contains(&problem) {
                self.values.push(problem);
            }
        }
    }

    fn object(&mut self, members: &'a [(Name, Node<Value>)], place: &Place<'a>) {
        let definition = place.ty.and_then(|ty| match self.schema.types.get(ty.inner_named_type()) {
            Some(ExtendedType::InputObject(found)) => Some(found),
            _ => None,
        });
        let mut names = HashSet::new();
        for (name, value) in members {
            if !names.insert(name) {
                let message = format!("There can be only one input field named \"{name}\".");
                self.problem(message, value);
            }
            let field = definition.and_then(|definition| definition.fields.get(name));
            let place = Place {
                ty: field.map(|field| &*field.ty),
                has_default: field.is_some_and(|field| field.default_value.is_some()),
                is_argument: false,
            };
            self.value(value, &place);
        }
    }

    /// `IsVariableUsageAllowed` of the specification.
    fn usage(&mut self, name: &'a Name, value: &Node<Value>, place: &Place<'_>) {
        let variable = self.operation.variables.iter().find(|variable| variable.name == *name);
        let (Some(ty), Some(variable)) = (place.ty, variable) else { return };
        if ty.is_non_null() && !variable.ty.is_non_null() {
            self.never_null.insert((self.operation.name.as_ref(), name));
        }
        if !place.is_argument && !fits(variable, ty, place.has_default) {
            let message = format!(
                "Variable \"${name}\" of type \"{}\" used in position expecting type \"{ty}\".",
                variable.ty
            );
            self.problem(message, value);
        }
    }

    fn problem(&mut self, message: String, value: &Node<Value>) {
        let problem = Problem::at(message, place_of(value, &self.document.sources));
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn fits(variable: &VariableDefinition, ty: &Type, has_default: bool) -> bool {
    if !ty.is_non_null() || variable.ty.is_non_null() {
        return variable.ty.is_assignable_to(ty);
    }
    let not_null = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
    (not_null || has_default) && variable.ty.is_assignable_to(&ty.clone().nullable())
}

/// Where a node stands in its text.
pub(super) fn place_of<T: ?Sized>(node: &Node<T>, sources: &SourceMap) -> Option<Pos> {
    let place = node.location()?.line_column(sources)?;
    Some(Pos { line: place.line, column: place.column })
}
