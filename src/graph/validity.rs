//! When a document need not be validated again.
//!
//! All rules of validation but one look at the document alone, so what passed once
//! passes always. The one looks at the values of variables; where these are of
//! GraphQL's own scalars, it is quickly seen whether they pass, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::parser::types::{BaseType, ExecutableDocument, OperationDefinition, VariableDefinition};
use async_graphql::{CacheControl, Name, ServerError, ValidationResult, Value, Variables};

/// Makes a schema take every document for valid.
///
/// Any extension puts the fields that the executor resolves on a slower path;
/// with the walk these are few, and the validation is dearer.
pub(super) struct TakenForValid;

impl ExtensionFactory for TakenForValid {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for TakenForValid {
    async fn validation(
        &self,
        _: &ExtensionContext<'_>,
        _: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }
}

/// What is known of a document.
#[derive(Debug)]
pub struct Validity {
    passed: AtomicBool,
    /// None when values of variables must be looked at by the validation.
    variables: Option<Vec<Variable>>,
}

/// A variable of one of GraphQL's own scalars.
#[derive(Debug)]
struct Variable {
    name: Name,
    scalar: Scalar,
    may_be_null: bool,
    may_be_absent: bool,
}

#[derive(Clone, Copy, Debug)]
enum Scalar {
    Id,
    String,
    Int,
    Boolean,
}

impl Validity {
    /// Nothing is known of `document` yet.
    pub(super) fn of(document: &ExecutableDocument) -> Self {
        // With several operations the one that is chosen would matter.
        let mut operations = document.operations.iter();
        let only = operations.next().filter(|_| operations.next().is_none());
        let variables = only.and_then(|(_, operation)| declared(&operation.node));
        Self { passed: AtomicBool::new(false), variables }
    }

    /// The document has been executed, so it was valid.
    pub fn passed(&self) {
        self.passed.store(true, Relaxed);
    }

    /// Whether validation would pass the document with `variables`. False when that
    /// is not known.
    #[must_use]
    pub fn is_known(&self, variables: &Variables) -> bool {
        self.passed.load(Relaxed)
            && self.variables.as_ref().is_some_and(|declared| {
                declared.iter().all(|variable| variable.takes(variables.get(&variable.name)))
            })
    }
}

fn declared(operation: &OperationDefinition) -> Option<Vec<Variable>> {
    operation.variable_definitions.iter().map(|definition| Variable::of(&definition.node)).collect()
}

impl Variable {
    fn of(definition: &VariableDefinition) -> Option<Self> {
        let declared = &definition.var_type.node;
        let BaseType::Named(name) = &declared.base else { return None };
        let scalar = match name.as_str() {
            "ID" => Scalar::Id,
            "String" => Scalar::String,
            "Int" => Scalar::Int,
            "Boolean" => Scalar::Boolean,
            _ => return None,
        };
        let has_default = definition.default_value.is_some();
        Some(Self {
            name: definition.name.node.clone(),
            scalar,
            // With a default it may stand where null is not allowed.
            may_be_null: declared.nullable && !has_default,
            may_be_absent: declared.nullable || has_default,
        })
    }

    fn takes(&self, value: Option<&Value>) -> bool {
        match (self.scalar, value) {
            (_, None) => self.may_be_absent,
            (_, Some(Value::Null)) => self.may_be_null,
            (Scalar::Id | Scalar::String, Some(Value::String(_)))
            | (Scalar::Boolean, Some(Value::Boolean(_))) => true,
            (Scalar::Id | Scalar::Int, Some(Value::Number(number))) => {
                number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn is_known(query: &str, variables: serde_json::Value) -> bool {
        let validity = Validity::of(&parse_query(query).expect("a document"));
        let variables = Variables::from_json(variables);
        assert!(!validity.is_known(&variables), "nothing is known before it was executed");
        validity.passed();
        validity.is_known(&variables)
    }

    #[test]
    fn values_of_graphqls_own_scalars_are_known() {
        let query = "query($id: ID!, $n: Int = 3, $t: String, $b: Boolean!) { a(id: $id) }";
        let whole = json!({ "id": "x", "n": 1, "t": "y", "b": true, "more": [] });
        assert!(is_known(query, whole.clone()));
        assert!(is_known("{ a }", json!(null)));
        for (name, value, known) in [
            ("id", json!(3), true),
            ("id", json!(null), false),
            ("id", json!(true), false),
            ("id", json!(2_147_483_648_u64), false),
            ("id", json!(1.5), false),
            ("n", json!(-5), true),
            ("n", json!(null), false),
            ("n", json!("3"), false),
            ("n", json!(1e3), false),
            ("t", json!(null), true),
            ("t", json!(3), false),
            ("t", json!(["y"]), false),
            ("t", json!({ "y": 1 }), false),
            ("b", json!("true"), false),
            ("b", json!(null), false),
        ] {
            let mut variables = whole.clone();
            variables[name] = value.clone();
            assert_eq!(is_known(query, variables), known, "{name}: {value}");
        }
        for (name, known) in [("id", false), ("n", true), ("t", true), ("b", false)] {
            let mut variables = whole.clone();
            variables.as_object_mut().expect("an object").remove(name);
            assert_eq!(is_known(query, variables), known, "without {name}");
        }
    }

    #[test]
    fn others_are_not() {
        for query in [
            "query($cpf: CPF) { a(cpf: $cpf) }",
            "query($ids: [ID!]!) { a(ids: $ids) }",
            "query($input: EntradaInput!) { a(input: $input) }",
            "query A { a } query B { a }",
        ] {
            assert!(!is_known(query, json!({ "cpf": "1", "ids": ["1"], "input": "1" })), "{query}");
        }
    }
}
