//! Whether an object of the answer would have to be put together from two: a key with a
//! selection that stands more than once among what is selected of one object. What is walked
//! (`executor/`) is finished text, which nothing can be put into, so such a document is the
//! executor's.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Schema;
use apollo_compiler::executable::{FragmentMap, Operation, Selection, SelectionSet};

/// Whether it would, anywhere in the operation. When in doubt it says yes: that costs time alone.
pub(super) fn merges(operation: &Operation, fragments: &FragmentMap, schema: &Schema) -> bool {
    let sets = fragments.values().map(|fragment| &fragment.selection_set);
    let mut sets: Vec<&SelectionSet> = sets.chain([&operation.selection_set]).collect();
    while let Some(set) = sets.pop() {
        let mut level = Level { fragments, schema, keys: HashMap::new(), spread: HashSet::new() };
        if level.add(set) {
            return true;
        }
        // Below a fragment it is the fragment's own to be looked at.
        below(set, &mut sets);
    }
    false
}

/// The sets inside a set.
fn below<'a>(set: &'a SelectionSet, sets: &mut Vec<&'a SelectionSet>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) if field.selection_set.is_empty() => {}
            Selection::Field(field) => sets.push(&field.selection_set),
            Selection::InlineFragment(inline) => below(&inline.selection_set, sets),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// What is selected of one object, fragments expanded.
struct Level<'a> {
    fragments: &'a FragmentMap,
    schema: &'a Schema,
    /// Of the fields with a selection, by key: the types that it is selected of.
    keys: HashMap<&'a str, Vec<&'a str>>,
    spread: HashSet<&'a str>,
}

impl<'a> Level<'a> {
    /// Whether a key is there twice.
    fn add(&mut self, set: &'a SelectionSet) -> bool {
        set.selections.iter().any(|selection| match selection {
            Selection::Field(field) if field.selection_set.is_empty() => false,
            Selection::Field(field) => {
                let (key, of) = (field.response_key().as_str(), set.ty.as_str());
                let types = self.keys.entry(key).or_default();
                let twice = types.iter().any(|other| !excludes(self.schema, of, other));
                types.push(of);
                twice
            }
            Selection::InlineFragment(inline) => self.add(&inline.selection_set),
            Selection::FragmentSpread(spread) => {
                // The same fragment again selects nothing that is new, and its objects twice.
                let Some(fragment) = self.fragments.get(&spread.fragment_name) else { return false };
                let again = !self.spread.insert(spread.fragment_name.as_str());
                if again {
                    selects_objects(&fragment.selection_set)
                } else {
                    self.add(&fragment.selection_set)
                }
            }
        })
    }
}

/// Whether no object is of both types.
fn excludes(schema: &Schema, one: &str, other: &str) -> bool {
    one != other && schema.get_object(one).is_some() && schema.get_object(other).is_some()
}

/// Whether a set may select objects: it does, or has a fragment that may.
fn selects_objects(set: &SelectionSet) -> bool {
    set.selections.iter().any(|selection| match selection {
        Selection::Field(field) => !field.selection_set.is_empty(),
        Selection::InlineFragment(inline) => selects_objects(&inline.selection_set),
        Selection::FragmentSpread(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ExecutableDocument;

    use super::*;

    const SCHEMA: &str = "
        interface Node { id: ID!, up: Node }
        type A implements Node { id: ID!, up: Node, b: B, bs: [B!] }
        type B implements Node { id: ID!, up: Node, a: A }
        type Query { node: Node, a: A }
    ";

    #[test]
    fn a_key_with_a_selection_that_is_there_twice_merges() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema").expect("a schema");
        for (query, expected) in [
            ("{ a { id b { id } } }", false),
            ("{ a { id id b { id } } a2: a { id } }", false),
            ("{ a { id } a { b { id } } }", true),
            ("{ a { b { id } b { id } } }", true),
            ("{ a { b { id } ... { b { a { id } } } } }", true),
            ("{ a { b { a { bs { id } bs { a { id } } } } } }", true),
            ("{ a { ...f ...f } } fragment f on A { id }", false),
            ("{ a { ...f ...f } } fragment f on A { b { id } }", true),
            ("{ a { ...f ...g } } fragment f on A { ...g } fragment g on A { b { id } }", true),
            ("{ a { b { id } ...f } } fragment f on A { b { a { id } } }", true),
            ("{ a { ...f } } fragment f on A { b { a { id } a { b { id } } } }", true),
            ("{ a { ...f } } fragment f on A { b { a { id } } }", false),
            ("{ node { ... on A { up { id } } ... on B { up { id } } } }", false),
            ("{ node { ... on A { up { id } } ... on Node { up { id } } } }", true),
            ("{ node { up { id } ... on Node { up { id } } } }", true),
        ] {
            let document = ExecutableDocument::parse_and_validate(&schema, query, "query").expect(query);
            let operation = document.operations.get(None).expect(query);
            assert_eq!(merges(operation, &document.fragments, &schema), expected, "{query}");
        }
    }
}
