//! What an operation may cost at most, by the arguments it really has.
//!
//! The cost is the number of objects that the answer may hold: a field with a
//! selection counts as one, a page multiplies what it selects by its size, a
//! list of ids or representations by its length. Fields without a selection are
//! free. On the way the longest such lists are found, which have limits of their
//! own.

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use serde_json::{Map, Value as Json};

/// The rows of a page when the client does not say.
const DEFAULT_PAGE: u64 = 20;

/// The fields that are pages; all but the first are also found nested.
const PAGES: [&str; 4] = ["clientes", "produtos", "compras", "enderecos"];

/// What an operation asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// The most that it may cost.
    pub cost: u64,
    /// Entries of its longest `representations`.
    pub representations: usize,
}

/// The price of `operation` with these variables.
#[must_use]
pub fn price(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: Option<&Map<String, Json>>,
) -> Price {
    let mut till = Till { document, operation, variables, known: HashMap::new(), representations: 0 };
    let cost = till.set(&operation.selection_set.node);
    Price { cost, representations: till.representations }
}

struct Till<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: Option<&'a Map<String, Json>>,
    /// Fragments that were counted; cycles were refused before.
    known: HashMap<&'a str, u64>,
    representations: usize,
}

impl<'a> Till<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> u64 {
        set.items.iter().fold(0_u64, |sum, selection| {
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            sum.saturating_add(part)
        })
    }

    fn field(&mut self, field: &'a Field) -> u64 {
        let selection = &field.selection_set.node;
        if selection.items.is_empty() || field.name.node.starts_with("__") {
            return 0;
        }
        let inner = self.set(selection);
        if let Some(entries) = self.entries(field, "ids") {
            return (entries as u64).saturating_mul(inner.saturating_add(1));
        }
        if field.name.node == "_entities"
            && let Some(entries) = self.entries(field, "representations")
        {
            self.representations = self.representations.max(entries);
            return (entries as u64).saturating_mul(inner.saturating_add(1));
        }
        self.rows(field).saturating_mul(inner).saturating_add(1)
    }

    /// How many times the selection of `field` may stand in the answer.
    fn rows(&self, field: &Field) -> u64 {
        if let Some(size) = self.number(field, "first").or_else(|| self.number(field, "last")) {
            return size;
        }
        let is_page = PAGES.contains(&field.name.node.as_str());
        let has_rows = field.selection_set.node.items.iter().any(|item| match &item.node {
            Selection::Field(inner) => matches!(inner.node.name.node.as_str(), "nodes" | "edges"),
            _ => true,
        });
        if is_page && has_rows { DEFAULT_PAGE } else { 1 }
    }

    fn entries(&self, field: &Field, argument: &str) -> Option<usize> {
        match self.argument(field, argument)? {
            Value::List(entries) => Some(entries.len()),
            _ => None,
        }
    }

    fn number(&self, field: &Field, argument: &str) -> Option<u64> {
        match self.argument(field, argument)? {
            Value::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The value of an argument, with variables and their defaults put in.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = field.get_argument(name)?.node.clone();
        value.into_const_with(|variable| self.variable(&variable).ok_or(())).ok()
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let given = self.variables.and_then(|variables| variables.get(name));
        if let Some(given) = given {
            return Value::from_json(given.clone()).ok();
        }
        let mut definitions = self.operation.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == name)?;
        Some(definition.node.default_value.as_ref()?.node.clone())
    }

    fn fragment(&mut self, name: &'a str) -> u64 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return 0 };
        let counted = self.set(&fragment.node.selection_set.node);
        self.known.insert(name, counted);
        counted
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn of(text: &str, variables: &Json) -> u64 {
        let document = parse_query(text).expect("valid");
        let (_, operation) = document.operations.iter().next().expect("one");
        price(&document, &operation.node, variables.as_object()).cost
    }

    #[test]
    fn representations_multiply_and_are_counted() {
        let text = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Cliente { compras { nodes { id } } } } }";
        let document = parse_query(text).expect("valid");
        let (_, operation) = document.operations.iter().next().expect("one");
        let variables = serde_json::json!({ "r": [{ "id": "1" }, { "id": "2" }] });
        let price = price(&document, &operation.node, variables.as_object());
        assert_eq!(price, Price { cost: 2 * (1 + 1 + 20), representations: 2 });
    }

    #[test]
    fn pages_multiply_by_their_size() {
        let none = Json::Null;
        assert_eq!(of("{ eu { nome } }", &none), 1);
        assert_eq!(of("{ clientes { total } }", &none), 1);
        let page = |size: u64| 1 + size;
        assert_eq!(of("{ clientes { nodes { nome } } }", &none), page(20));
        assert_eq!(of("{ clientes(first: 100) { nodes { nome } } }", &none), page(100));
        assert_eq!(of("query($n: Int = 7) { clientes(last: $n) { nodes { nome } } }", &none), page(7));
        let three = serde_json::json!({ "n": 3, "ids": ["a", "b"] });
        assert_eq!(of("query($n: Int = 7) { clientes(last: $n) { nodes { nome } } }", &three), page(3));
        assert_eq!(of("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", &three), 2);
        let nested = "{ clientes(first: 10) { nodes { compras(first: 5) { nodes { id } } } } }";
        assert_eq!(of(nested, &none), 1 + 10 * (1 + page(5)));
    }

    #[test]
    fn fragments_count_where_they_are_spread() {
        let plain = of("{ a: clientes { nodes { id } } b: clientes { nodes { id } } }", &Json::Null);
        let spread =
            "{ a: clientes { ...P } b: clientes { ...P } } fragment P on ClienteConnection { nodes { id } }";
        assert_eq!(of(spread, &Json::Null), plain);
    }

    #[test]
    fn nothing_overflows() {
        let mut text = "{ nome }".to_owned();
        for _ in 0..24 {
            text = format!("{{ compras(first: 100) {text} }}");
        }
        assert_eq!(of(&text, &Json::Null), u64::MAX);
    }
}
