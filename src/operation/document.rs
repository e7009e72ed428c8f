//! From a text to a document that may be executed, and what is kept of it.
//!
//! In this order, so that each step may rely on those before it: bytes; tokens and
//! nesting while parsing; size, fragments counted and not expanded; validity against
//! the SDL that is served; the rules that the validator leaves out; introspection in
//! circles. What passed all of them is kept by its text, in the form that requests
//! need; a text that did not is not kept at all.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document as Ast, OperationDefinition};
use apollo_compiler::executable::Operation as Typed;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, introspection};
use apollo_parser::{Lexer, TokenKind};
use async_graphql::parser::types as executor;
use async_graphql::{Pos, Positioned};

use super::cost::{Costs, Formula};
use super::executable::{Converter, Fragments};
use super::merging::merges;
use super::refusal::{Problem, Refusal};
use super::rules::place_of;
use super::signature::Signature;
use super::size::{DocumentLimits, fragments, measure};
use super::trusted::{Fingerprint, fingerprint};
use super::variables::Variable;
use super::{messages, rules};
use crate::kernel::code;
use crate::schema::Served;

/// Parses a text within its limits.
///
/// # Errors
/// [`Refusal`], in time proportional to the text.
pub(super) fn parse(text: &str, limits: DocumentLimits) -> Result<Ast, Refusal> {
    if text.len() > limits.bytes {
        let (limit, length) = (limits.bytes, text.len());
        let message = format!("The document has {length} bytes; at most {limit} are allowed.");
        return Err(Refusal::new(code::LIMITE_CUSTO, message));
    }
    // The parser stumbles over a comma after `...` and before the colon of an alias, where
    // it means as little as anywhere (section 2.1.7). Without them, what is wrong is in the
    // same place.
    parse_as_it_is(text, limits).or_else(|refusal| match blank_commas(text, limits.tokens) {
        Some(text) if refusal.code == code::GRAPHQL_PARSE_FAILED => parse_as_it_is(&text, limits),
        _ => Err(refusal),
    })
}

fn parse_as_it_is(text: &str, limits: DocumentLimits) -> Result<Ast, Refusal> {
    let mut parser = Parser::new().recursion_limit(limits.nesting).token_limit(limits.tokens);
    parser.parse_ast(text, "document").map_err(|found| {
        if parser.tokens_reached() > limits.tokens {
            let message =
                format!("The document has more than {} tokens, blanks between them included.", limits.tokens);
            return Refusal::new(code::LIMITE_CUSTO, message);
        }
        if parser.recursion_reached() > limits.nesting {
            let message = format!("The document nests brackets more than {} deep.", limits.nesting);
            return Refusal::new(code::LIMITE_PROFUNDIDADE, message);
        }
        if text.trim_matches(['\u{FEFF}', ' ', '\t', '\r', '\n', ',']).is_empty() {
            return Refusal::new(code::GRAPHQL_PARSE_FAILED, "The document is empty.");
        }
        Refusal { code: code::GRAPHQL_PARSE_FAILED, problems: vec![messages::of_syntax(&found.errors)] }
    })
}

/// The text with a blank for each comma outside of strings and comments; nothing where
/// there is none.
fn blank_commas(text: &str, most: usize) -> Option<String> {
    if !text.contains(',') {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    for token in Lexer::new(text).with_limit(most).flatten() {
        if token.kind() == TokenKind::Comma
            && let Some(byte) = bytes.get_mut(token.index())
        {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).ok()
}

/// A document that may be executed.
#[derive(Debug)]
pub(super) struct Document {
    operations: Vec<Operation>,
    fragments: Arc<Fragments>,
    /// Bytes that it takes, as near as can be told.
    bytes: usize,
}

/// An operation of a document.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Whether it reads or writes.
    pub kind: executor::OperationType,
    /// Fields at its root, fragments expanded.
    pub root_fields: usize,
    /// Whether it asks for the schema.
    pub introspects: bool,
    /// Whether it asks for nothing but what routers ask of subgraphs.
    pub is_for_routers: bool,
    /// Whether the executor would have to put objects of its answer together.
    pub merges: bool,
    /// Whether it asks for nothing but the SDL and what entities have themselves.
    pub is_for_siblings: bool,
    /// What it may cost.
    pub formula: Formula,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// What names it among the trusted ones, where there are any.
    pub fingerprint: Option<Fingerprint>,
    /// What it is known by.
    pub signature: Arc<Signature>,
    definition: Positioned<executor::OperationDefinition>,
}

/// What documents are checked with.
#[derive(Debug)]
pub(super) struct Checks {
    /// What a document may be.
    pub limits: DocumentLimits,
    /// Entries of `representations`.
    pub representations: u64,
    /// Whether operations get a fingerprint.
    pub fingerprints: bool,
}

impl Document {
    /// Checks what was parsed from `text`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn check(ast: &Ast, text: &str, checks: &Checks, served: &Served) -> Result<Self, Refusal> {
        measure(ast, checks.limits)?;
        let schema = served.types();
        let typed = ast
            .to_executable_validate(schema)
            .map_err(|found| Refusal::of_document(messages::of_validation(&found.errors, schema)))?;
        let never_null = rules::check(&typed, schema)?;
        let converter = Converter { schema, sources: &typed.sources };
        let costs = Costs::new(served.own_sizes(), checks.representations);
        let untyped = fragments(ast);
        let mut operations = Vec::new();
        for operation in typed.operations.iter() {
            check_circles(&typed, operation)?;
            let Some(parsed) = operation_in(ast, operation.name.as_ref()) else { continue };
            let mut checked = Operation::of(operation, &typed, &converter, &costs, (parsed, &untyped));
            checked.fingerprint = checks.fingerprints.then(|| fingerprint(&untyped, parsed));
            for variable in &mut checked.variables {
                variable.never_null |= never_null
                    .iter()
                    .any(|(owner, name)| *owner == operation.name.as_ref() && variable.is_called(name));
            }
            operations.push(checked);
        }
        let fragments = Arc::new(converter.fragments(&typed.fragments));
        let bytes = text.len() + FIXED_BYTES + weigh(&operations, &fragments);
        Ok(Self { operations, fragments, bytes })
    }

    /// The operation called `asked`, or the only one.
    ///
    /// # Errors
    /// [`Refusal`] when there is none, or a choice.
    pub(super) fn choose(&self, asked: Option<&str>) -> Result<&Operation, Refusal> {
        let refuse = |message: String| Refusal::of_document(vec![Problem::at(message, None)]);
        match (asked, &self.operations[..]) {
            (None, [only]) => Ok(only),
            (None, _) => {
                Err(refuse("The document has several operations: say which with `operationName`.".into()))
            }
            (Some(asked), operations) => {
                let found = operations.iter().find(|operation| operation.name.as_deref() == Some(asked));
                found.ok_or_else(|| {
                    refuse(format!("The document has no operation named \"{}\".", shortened(asked)))
                })
            }
        }
    }

    /// The operation as the executor takes it.
    pub(super) fn executable(&self, operation: &Operation) -> executor::ExecutableDocument {
        executor::ExecutableDocument {
            operations: executor::DocumentOperations::Single(operation.definition.clone()),
            fragments: Fragments::clone(&self.fragments),
        }
    }
}

/// What a client sent, for a sentence.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The operation called `asked`, or the only one, before anything but the grammar was
/// checked. None when there is none, or a choice.
pub(super) fn choose_unchecked<'a>(ast: &'a Ast, asked: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = ast.definitions.iter().filter_map(Definition::as_operation_definition);
    let chosen = match asked {
        Some(asked) => {
            operations.find(|operation| operation.name.as_ref().is_some_and(|name| name == asked))?
        }
        None => operations.next().filter(|_| operations.next().is_none())?,
    };
    Some(chosen)
}

/// Fields of the schema that lead back to types, inside each other.
fn check_circles(document: &Valid<ExecutableDocument>, operation: &Node<Typed>) -> Result<(), Refusal> {
    introspection::check_max_depth(document, operation).map_err(|found| {
        let at = found.location().and_then(|span| span.line_column(&document.sources));
        let at = at.map(|place| Pos { line: place.line, column: place.column });
        let message = "The schema is asked for in circles: lists of fields, interfaces, possible types and \
             input fields may not be three deep.";
        Refusal { code: code::LIMITE_PROFUNDIDADE, problems: vec![Problem::at(message, at)] }
    })
}

/// The operation of this name as it was parsed; there is one in a valid document.
fn operation_in<'a>(ast: &'a Ast, name: Option<&apollo_compiler::Name>) -> Option<&'a OperationDefinition> {
    let mut all = ast.definitions.iter().filter_map(Definition::as_operation_definition);
    all.find(|found| found.name.as_ref() == name).map(|found| &**found)
}

type Untyped<'a> =
    (&'a OperationDefinition, &'a HashMap<&'a str, &'a apollo_compiler::ast::FragmentDefinition>);

impl Operation {
    fn of(
        operation: &Node<Typed>,
        document: &ExecutableDocument,
        converter: &Converter<'_>,
        costs: &Costs<'_>,
        (parsed, fragments): Untyped<'_>,
    ) -> Self {
        let definition = converter.operation(operation);
        let introspects = |name: &str| matches!(name, "__schema" | "__type" | "_service");
        let is_for_routers = |name: &str| matches!(name, "_entities" | "_service" | "__typename");
        let variables = operation
            .variables
            .iter()
            .map(|variable| Variable::of(variable, place_of(variable, &document.sources), converter.schema));
        let (set, schema) = (&operation.selection_set, converter.schema);
        let signature = Signature::of(parsed, fragments, set, &document.fragments, schema);
        Self {
            name: operation.name.as_ref().map(|name| Arc::from(name.as_str())),
            kind: definition.ty,
            root_fields: root_fields(operation, document),
            introspects: operation.root_fields(document).any(|field| introspects(&field.name)),
            is_for_routers: operation.root_fields(document).all(|field| is_for_routers(&field.name)),
            is_for_siblings: operation.root_fields(document).all(|field| {
                is_for_routers(&field.name)
                    && (field.name == "_service" || is_flat(&field.selection_set, document))
            }),
            merges: merges(operation, &document.fragments, schema),
            formula: Formula::of(&operation.selection_set, &document.fragments, costs),
            variables: variables.collect(),
            fingerprint: None,
            signature: Arc::new(signature),
            definition: Positioned::new(
                definition,
                place_of(operation, &document.sources).unwrap_or_default(),
            ),
        }
    }
}

/// Whether nothing is selected below the fields of a selection.
fn is_flat(set: &apollo_compiler::executable::SelectionSet, document: &ExecutableDocument) -> bool {
    use apollo_compiler::executable::Selection;
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => field.selection_set.selections.is_empty(),
        Selection::InlineFragment(inline) => is_flat(&inline.selection_set, document),
        Selection::FragmentSpread(spread) => {
            spread.fragment_def(document).is_none_or(|fragment| is_flat(&fragment.selection_set, document))
        }
    })
}

/// Fields at the root, each as often as it stands there.
fn root_fields(operation: &Typed, document: &ExecutableDocument) -> usize {
    use apollo_compiler::executable::{Selection, SelectionSet};
    fn count(set: &SelectionSet, document: &ExecutableDocument) -> usize {
        let of = |selection: &Selection| match selection {
            Selection::Field(_) => 1,
            Selection::InlineFragment(inline) => count(&inline.selection_set, document),
            Selection::FragmentSpread(spread) => {
                spread.fragment_def(document).map_or(0, |fragment| count(&fragment.selection_set, document))
            }
        };
        set.selections.iter().map(of).sum()
    }
    count(&operation.selection_set, document)
}

/// What a document takes beside what is weighed one by one.
const FIXED_BYTES: usize = 1024;

/// Bytes of the parts of a document as they are kept, allocations rounded up.
fn weigh(operations: &[Operation], fragments: &Fragments) -> usize {
    let of_operations = operations.iter().map(|operation| {
        size_of::<Operation>()
            + operation.formula.bytes()
            + operation.signature.bytes()
            + operation.variables.len() * (Variable::bytes() + 256)
            + weigh_set(&operation.definition.node.selection_set.node)
    });
    let of_fragments = fragments.iter().map(|(name, fragment)| {
        size_of::<Positioned<executor::FragmentDefinition>>()
            + 3 * name.len()
            + 128
            + weigh_set(&fragment.node.selection_set.node)
    });
    of_operations.sum::<usize>() + of_fragments.sum::<usize>()
}

fn weigh_set(set: &executor::SelectionSet) -> usize {
    // A name is a text of its own, with two counters before it.
    let name = |name: &str| name.len() + 32;
    let directives = |directives: &[Positioned<executor::Directive>]| {
        let of = |directive: &Positioned<executor::Directive>| {
            size_of::<Positioned<executor::Directive>>() + 32 + weigh_arguments(&directive.node.arguments)
        };
        directives.iter().map(of).sum::<usize>()
    };
    let of = |item: &Positioned<executor::Selection>| {
        let inner = match &item.node {
            executor::Selection::Field(field) => {
                let field = &field.node;
                name(&field.name.node)
                    + field.alias.as_ref().map_or(0, |alias| name(&alias.node))
                    + weigh_arguments(&field.arguments)
                    + weigh_set(&field.selection_set.node)
            }
            executor::Selection::FragmentSpread(spread) => name(&spread.node.fragment_name.node),
            executor::Selection::InlineFragment(inline) => 64 + weigh_set(&inline.node.selection_set.node),
        };
        size_of::<Positioned<executor::Selection>>() + inner + directives(item.node.directives())
    };
    set.items.iter().map(of).sum::<usize>() + 16
}

type Argument = (Positioned<async_graphql::Name>, Positioned<async_graphql_value::Value>);

fn weigh_arguments(arguments: &[Argument]) -> usize {
    use async_graphql_value::Value;
    fn of(value: &Value) -> usize {
        let inner = match value {
            Value::String(text) => text.len(),
            Value::Enum(name) | Value::Variable(name) => name.len() + 16,
            Value::List(items) => items.iter().map(of).sum(),
            Value::Object(members) => members.iter().map(|(name, value)| name.len() + 64 + of(value)).sum(),
            _ => 0,
        };
        size_of::<Value>() + 16 + inner
    }
    arguments.iter().map(|(name, value)| size_of::<Argument>() + name.node.len() + 32 + of(&value.node)).sum()
}

/// Documents by text: valid ones alone, in bounded memory.
pub(super) struct Documents(moka::sync::Cache<Arc<str>, Arc<Document>>);

impl Documents {
    /// None yet; all together take `bytes` at most.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh =
            |_: &Arc<str>, document: &Arc<Document>| u32::try_from(document.bytes).unwrap_or(u32::MAX);
        Self(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build())
    }

    /// A document that was kept.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Document>> {
        self.0.get(text)
    }

    /// Keeps a document by its text.
    pub(super) fn keep(&self, text: &Arc<str>, document: &Arc<Document>) {
        self.0.insert(Arc::clone(text), Arc::clone(document));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> &'static str {
        let limits = DocumentLimits::default();
        parse(text, limits).and_then(|ast| measure(&ast, limits)).expect_err("refused").code
    }

    #[test]
    fn what_is_deep_or_doubles_is_refused_in_time() {
        for (open, close) in [("[", "]"), ("{a:", "}"), ("(", ")")] {
            let text = format!("{{ a(b: {}1{}) }}", open.repeat(3000), close.repeat(3000));
            let code = code_of(&text);
            assert!(code == code::LIMITE_PROFUNDIDADE || open == "(", "{open}: {code}");
        }
        for text in [
            "{a".repeat(3000),
            format!("query($a: {}Int{}) {{ eu {{ nome }} }}", "[".repeat(3000), "]".repeat(3000)),
            format!("query($a: Int = {}1{}) {{ eu {{ nome }} }}", "[".repeat(3000), "]".repeat(3000)),
            format!("{{ eu @a(b: {}1{}) {{ nome }} }}", "[".repeat(3000), "]".repeat(3000)),
        ] {
            assert_eq!(code_of(&text), code::LIMITE_PROFUNDIDADE, "{}", &text[..30]);
        }
        let mut bomb = String::from("{ ...f0 }");
        for level in 0..100 {
            bomb.push_str(&format!(" fragment f{level} on Query {{ ...f{} ...f{} }}", level + 1, level + 1));
        }
        bomb.push_str(" fragment f100 on Query { __typename }");
        assert_eq!(code_of(&bomb), code::LIMITE_CUSTO);
    }
}
