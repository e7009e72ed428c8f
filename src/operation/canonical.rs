//! One operation with the fragments that it uses, printed in one fixed way: two
//! texts that differ in layout, comments, the order of fragments or in what the
//! operation does not use print alike.

use std::collections::{BTreeMap, HashMap};

use apollo_compiler::ast::{FragmentDefinition, OperationDefinition, Selection};

/// What becomes of plain `__typename` fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typename {
    /// Printed like any field.
    Keep,
    /// Left out: clients add them to documents by themselves.
    Drop,
}

/// Prints `operation`. A fragment that is not among `fragments` is left out.
pub(super) fn print(
    fragments: &HashMap<&str, &FragmentDefinition>,
    operation: &OperationDefinition,
    typename: Typename,
) -> String {
    let mut printed = operation.clone();
    if typename == Typename::Drop {
        drop_typename(&mut printed.selection_set);
    }
    let mut text = printed.serialize().no_indent().to_string();
    for fragment in used_fragments(fragments, operation).into_values() {
        let mut fragment = fragment.clone();
        if typename == Typename::Drop {
            drop_typename(&mut fragment.selection_set);
        }
        text.push(' ');
        text.push_str(&fragment.serialize().no_indent().to_string());
    }
    text
}

/// By name, those that fragments use included.
pub(super) fn used_fragments<'a>(
    fragments: &HashMap<&'a str, &'a FragmentDefinition>,
    operation: &'a OperationDefinition,
) -> BTreeMap<&'a str, &'a FragmentDefinition> {
    let mut used = BTreeMap::new();
    spreads(&operation.selection_set, &mut |name| {
        let found = fragments.get_key_value(name)?;
        used.insert(*found.0, *found.1).is_none().then_some(&*found.1.selection_set)
    });
    used
}

/// The first fragment that is spread and not among `fragments`.
pub(super) fn missing_fragment<'a>(
    fragments: &HashMap<&'a str, &'a FragmentDefinition>,
    operation: &'a OperationDefinition,
) -> Option<&'a str> {
    let (mut missing, mut seen) = (None, std::collections::HashSet::new());
    spreads(&operation.selection_set, &mut |name| {
        let Some(fragment) = fragments.get(name) else {
            missing = missing.or(Some(name));
            return None;
        };
        seen.insert(name).then_some(&*fragment.selection_set)
    });
    missing
}

/// Visits the name of every fragment that is spread in `set`, and in the selections
/// that `visit` returns.
fn spreads<'a>(set: &'a [Selection], visit: &mut dyn FnMut(&'a str) -> Option<&'a [Selection]>) {
    let mut sets = vec![set];
    while let Some(set) = sets.pop() {
        for selection in set {
            match selection {
                Selection::Field(field) => sets.push(&field.selection_set),
                Selection::InlineFragment(inline) => sets.push(&inline.selection_set),
                Selection::FragmentSpread(spread) => sets.extend(visit(spread.fragment_name.as_str())),
            }
        }
    }
}

/// What clients add by themselves.
pub(super) fn is_plain_typename(selection: &Selection) -> bool {
    matches!(selection, Selection::Field(field) if field.name == "__typename"
        && field.alias.is_none() && field.directives.is_empty())
}

fn drop_typename(set: &mut Vec<Selection>) {
    set.retain(|selection| !is_plain_typename(selection));
    for selection in set {
        match selection {
            Selection::Field(field) => drop_typename(&mut field.make_mut().selection_set),
            Selection::InlineFragment(inline) => drop_typename(&mut inline.make_mut().selection_set),
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ast::{Definition, Document};

    use super::super::size::fragments;
    use super::*;

    fn printed(text: &str, asked: Option<&str>, typename: Typename) -> String {
        let document = Document::parse(text, "").expect("valid");
        let operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
        let name = |operation: &OperationDefinition| operation.name.as_ref().map(ToString::to_string);
        let operation = operations.into_iter().find(|found| name(found).as_deref() == asked).expect("there");
        print(&fragments(&document), operation, typename)
    }

    const FULL: &str = r#"query A($id: ID! = "1", $n: [Int!] @x) @y(a: 1.5) {
        # a comment
        b: cliente(id: $id, filtro: {texto: "a \"b\" \\ \n", lista: [1, null, true, ENUM]}) @include(if: true) {
            __typename ...F ... on Cliente { nome } ... @skip(if: false) { cpf }
        }
    }
    fragment Unused on Cliente { email }
    fragment G on Cliente { id }
    fragment F on Cliente { ...G }"#;

    #[test]
    fn what_is_printed_parses_to_the_same() {
        let once = printed(FULL, Some("A"), Typename::Keep);
        assert_eq!(printed(&once, Some("A"), Typename::Keep), once);
        for kept in ["ENUM", "1.5", "$id: ID! = \"1\"", "fragment F", "fragment G", "@y", "__typename"] {
            assert!(once.contains(kept), "{kept} in {once}");
        }
        assert!(!once.contains("Unused"));
    }

    #[test]
    fn layout_and_what_is_not_used_do_not_matter_and_the_rest_does() {
        let print = |text: &str| printed(text, Some("A"), Typename::Drop);
        let plain = print("query A { eu { nome } }");
        assert_eq!(print("query A {\n  eu { # who\n __typename, nome\n }, __typename }"), plain);
        assert_eq!(print("query A { eu { nome } } query B { eu { papel } }"), plain);
        for other in [
            "query A { eu { papel } }",
            "query A { eu { a: nome } }",
            "query A { eu { nome } eu { nome } }",
            "query A { eu { nome @include(if: true) } }",
            "query A { eu { nome a: __typename } }",
            "mutation A { eu { nome } }",
        ] {
            assert_ne!(print(other), plain, "{other}");
        }
        // One text in three spellings, and another.
        let string = |text: &str| print(&format!("query A {{ eu(a: {text}) }}"));
        assert_eq!(string("\"\\u0041\""), string("\"A\""));
        assert_eq!(string("\"\"\"A\"\"\""), string("\"A\""));
        assert_ne!(string("\"\\\"A\""), string("\"A\""));
    }
}
