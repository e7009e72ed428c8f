//! One operation with the fragments that it uses, printed in one fixed way: two
//! texts that differ in layout, comments, the order of fragments or in what the
//! operation does not use print alike.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// What becomes of plain `__typename` fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typename {
    /// Printed like any field.
    Keep,
    /// Left out: clients add them to documents by themselves.
    Drop,
}

/// Prints `operation` of `document`. A fragment that is not there is left out.
pub(super) fn print(
    document: &ExecutableDocument,
    name: Option<&str>,
    operation: &OperationDefinition,
    typename: Typename,
) -> String {
    let mut printer = Printer { out: String::new(), typename };
    // Writing to a string does not fail.
    let _ = printer.operation(name, operation);
    for (name, fragment) in used_fragments(document, operation) {
        let _ = write!(printer.out, "fragment {name} on {}", fragment.type_condition.node.on.node);
        let _ = printer.directives(&fragment.directives);
        let _ = printer.set(&fragment.selection_set.node);
    }
    printer.out
}

type Fragment = async_graphql::parser::types::FragmentDefinition;

/// By name, those that fragments use included.
fn used_fragments<'a>(
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
) -> BTreeMap<&'a str, &'a Fragment> {
    let mut used = BTreeMap::new();
    let mut sets = vec![&operation.selection_set.node];
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => sets.push(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let found = document.fragments.get_key_value(&spread.node.fragment_name.node);
                    if let Some((name, fragment)) = found
                        && used.insert(name.as_str(), &fragment.node).is_none()
                    {
                        sets.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    used
}

struct Printer {
    out: String,
    typename: Typename,
}

impl Printer {
    fn operation(&mut self, name: Option<&str>, operation: &OperationDefinition) -> fmt::Result {
        write!(self.out, "{}", operation.ty)?;
        if let Some(name) = name {
            write!(self.out, " {name}")?;
        }
        if !operation.variable_definitions.is_empty() {
            self.out.push('(');
            for variable in operation.variable_definitions.iter().map(|variable| &variable.node) {
                write!(self.out, "${}:{}", variable.name.node, variable.var_type.node)?;
                if let Some(default) = &variable.default_value {
                    write!(self.out, "={}", default.node)?;
                }
                self.directives(&variable.directives)?;
                self.out.push(' ');
            }
            self.out.push(')');
        }
        self.directives(&operation.directives)?;
        self.set(&operation.selection_set.node)
    }

    fn set(&mut self, set: &SelectionSet) -> fmt::Result {
        if set.items.is_empty() {
            return Ok(());
        }
        self.out.push('{');
        for item in &set.items {
            let before = self.out.len();
            match &item.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::FragmentSpread(spread) => {
                    write!(self.out, "...{}", spread.node.fragment_name.node)?;
                    self.directives(&spread.node.directives)?;
                }
                Selection::InlineFragment(inline) => {
                    self.out.push_str("...");
                    if let Some(condition) = &inline.node.type_condition {
                        write!(self.out, "on {}", condition.node.on.node)?;
                    }
                    self.directives(&inline.node.directives)?;
                    self.set(&inline.node.selection_set.node)?;
                }
            }
            if self.out.len() > before {
                self.out.push(' ');
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn field(&mut self, field: &Field) -> fmt::Result {
        let plain = field.alias.is_none() && field.directives.is_empty() && field.arguments.is_empty();
        if self.typename == Typename::Drop && plain && field.name.node == "__typename" {
            return Ok(());
        }
        if let Some(alias) = &field.alias {
            write!(self.out, "{}:", alias.node)?;
        }
        write!(self.out, "{}", field.name.node)?;
        self.arguments(&field.arguments)?;
        self.directives(&field.directives)?;
        self.set(&field.selection_set.node)
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) -> fmt::Result {
        for directive in directives {
            write!(self.out, " @{}", directive.node.name.node)?;
            self.arguments(&directive.node.arguments)?;
        }
        Ok(())
    }

    fn arguments<V: fmt::Display>(&mut self, arguments: &[(Positioned<Name>, Positioned<V>)]) -> fmt::Result {
        if arguments.is_empty() {
            return Ok(());
        }
        self.out.push('(');
        for (name, value) in arguments {
            write!(self.out, "{}:{} ", name.node, value.node)?;
        }
        self.out.push(')');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn printed(text: &str, asked: Option<&str>, typename: Typename) -> String {
        let document = parse_query(text).expect("valid");
        let (_, operation) =
            document.operations.iter().find(|(name, _)| name.map(Name::as_str) == asked).expect("there");
        print(&document, asked, &operation.node, typename)
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
        for kept in ["a \\\"b\\\" \\\\ \\n", "ENUM", "1.5", "$id:ID!=\"1\"", "fragment F", "fragment G", "@y"]
        {
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
    }
}
