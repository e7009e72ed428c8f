//! What apollo-compiler finds wrong with a document, in one sentence each, for
//! people: no names of the grammar, nothing twice, nothing that only follows from
//! what was said already, and never more than a screen of it.
//!
//! The parser and the validator tell their findings as texts alone. Those that read
//! like graphql-js, which frontends know, are taken as they are; the rest is mended
//! here. The table in the tests pins them all, so that another version of the crate
//! cannot change them unseen.

use std::collections::HashSet;

use apollo_compiler::Schema;
use apollo_compiler::parser::LineColumn;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::DiagnosticList;
use async_graphql::Pos;

use super::refusal::Problem;

/// Findings of one document that are told.
const MOST_PROBLEMS: usize = 10;

/// Characters of a sentence; what a client sent is quoted in some.
const LONGEST: usize = 300;

/// The first syntax error: those behind it follow from it.
pub(super) fn of_syntax(found: &DiagnosticList) -> Problem {
    let first = found.iter().min_by_key(|finding| start(finding.line_column_range()).unwrap_or((0, 0)));
    let Some(first) = first else { return Problem::at("The document cannot be parsed.", None) };
    let text = first.error.to_string();
    let text = text.strip_prefix("syntax error: ").unwrap_or(&text);
    Problem::at(
        shortened(&format!("Syntax error: {}.", readable(text))),
        pos(start(first.line_column_range())),
    )
}

/// The names that the parser has for marks, as people know them.
fn readable(text: &str) -> String {
    const NAMES: [(&str, &str); 17] = [
        ("R_CURLY", "`}`"),
        ("L_CURLY", "`{`"),
        ("R_PAREN", "`)`"),
        ("L_PAREN", "`(`"),
        ("R_BRACK", "`]`"),
        ("L_BRACK", "`[`"),
        ("R_BRACKET", "`]`"),
        ("L_BRACKET", "`[`"),
        ("COLON", "`:`"),
        ("DOLLAR", "`$`"),
        ("SPREAD", "`...`"),
        ("BANG", "`!`"),
        ("EQ", "`=`"),
        ("AT", "`@`"),
        ("NAME", "a name"),
        ("IDENT", "a name"),
        ("<EOF>", "the end of the document"),
    ];
    let text = text.trim().trim_end_matches('.');
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', '.']);
        let rest = &word[bare.len()..];
        let known = NAMES.iter().find(|(name, _)| *name == bare).map(|(_, readable)| *readable);
        let known = known.or_else(|| (bare == "EOF").then_some("the end of the document"));
        known.map_or_else(|| word.to_owned(), |known| format!("{known}{rest}"))
    });
    let text = words.collect::<Vec<_>>().join(" ");
    // The parser's own name of what a document is made of.
    let text = text.replace(
        "expected a StringValue, a name or OperationDefinition",
        "an operation or a fragment is expected here",
    );
    let text = text.replace(
        "expected a StringValue, Name or OperationDefinition",
        "an operation or a fragment is expected here",
    );
    let text =
        text.replace("expected at least one Selection in Selection Set", "`{ }` must select something");
    text.replace("Unexpected", "unexpected").replace(", got ", ", not ")
}

/// What the validator found, by place. `schema` knows the names that were perhaps
/// meant.
pub(super) fn of_validation(found: &DiagnosticList, schema: &Schema) -> Vec<Problem> {
    let names: HashSet<&str> =
        found.iter().filter_map(|finding| finding.error.unstable_error_name()).collect();
    let mut problems: Vec<((usize, usize), Problem)> = Vec::new();
    for finding in found.iter() {
        let name = finding.error.unstable_error_name().unwrap_or_default();
        if follows(name, &names) {
            continue;
        }
        let text = finding.error.unstable_compat_message();
        let text = text.unwrap_or_else(|| finding.error.to_string());
        let message = shortened(&with_hint(&sentence(&text), schema));
        let place = start(finding.line_column_range());
        if !problems.iter().any(|(_, known)| known.message == message) {
            problems.push((place.unwrap_or((usize::MAX, 0)), Problem::at(message, pos(place))));
        }
    }
    problems.sort_by_key(|(place, _)| *place);
    problems.truncate(MOST_PROBLEMS);
    problems.into_iter().map(|(_, problem)| problem).collect()
}

/// Whether a finding only follows from another: a selection set that held nothing
/// but unknown fields counts as empty, a null as an argument that is missing.
fn follows(name: &str, names: &HashSet<&str>) -> bool {
    match name {
        "MissingSubselection" => {
            names.contains("UndefinedField") || names.iter().any(|name| name.starts_with("SubselectionOn"))
        }
        "RequiredArgument" => names.contains("UnsupportedValueType"),
        "DisallowedVariableUsage" => {
            names.contains("VariableInputType") || names.contains("UndefinedDefinition")
        }
        "RecursionLimitError" | "DeeplyNestedType" => names.contains("RecursionError"),
        _ => false,
    }
}

/// In our words where they differ, on one line, with a full stop.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match text.strip_prefix("Cannot query field ") {
        Some(rest) => format!("Unknown field {rest}"),
        None => text,
    };
    // A directive is not a field.
    let text = match text.split_once(" on field \"@") {
        Some((before, after)) => format!("{before} on directive \"@{after}"),
        None => text,
    };
    if text.ends_with(['.', '?']) { text } else { format!("{text}.") }
}

/// A name that is nearly the one in the sentence. How sentences about unknown names
/// are made is pinned below.
fn with_hint(sentence: &str, schema: &Schema) -> String {
    let quoted: Vec<&str> = sentence.split('"').skip(1).step_by(2).collect();
    let names = |name: &str| schema.types.get(name);
    let near = match (sentence, &quoted[..]) {
        (text, [field, owner, ..]) if text.starts_with("Unknown field ") => match names(owner) {
            Some(ExtendedType::Object(found)) => nearest(field, found.fields.keys()),
            Some(ExtendedType::Interface(found)) => nearest(field, found.fields.keys()),
            _ => None,
        },
        (text, [argument, place, ..]) if text.starts_with("Unknown argument ") => {
            arguments(schema, place).and_then(|known| nearest(argument, known.iter()))
        }
        (text, [value, owner, ..]) if text.starts_with("Value ") => match names(owner) {
            Some(ExtendedType::Enum(found)) => nearest(value, found.values.keys()),
            _ => None,
        },
        (text, [field, owner, ..]) if text.contains(" is not defined by type ") => match names(owner) {
            Some(ExtendedType::InputObject(found)) => nearest(field, found.fields.keys()),
            _ => None,
        },
        (text, [name, ..]) if text.starts_with("Unknown type ") => nearest(name, schema.types.keys()),
        (text, [name, ..]) if text.starts_with("Unknown directive ") => {
            nearest(name.trim_start_matches('@'), schema.directive_definitions.keys())
        }
        _ => None,
    };
    match near {
        Some(near) => format!("{sentence}{HINT}\"{near}\"?"),
        None => sentence.to_owned(),
    }
}

/// How hints begin. They are not for those who may not see the schema.
pub(super) const HINT: &str = " Did you mean ";

/// The arguments of `Type.field` or of `@directive`.
fn arguments<'a>(schema: &'a Schema, place: &str) -> Option<Vec<&'a str>> {
    let definitions = match place.strip_prefix('@') {
        Some(directive) => &schema.directive_definitions.get(directive)?.arguments,
        None => {
            let (owner, field) = place.split_once('.')?;
            &schema.type_field(owner, field).ok()?.arguments
        }
    };
    Some(definitions.iter().map(|argument| argument.name.as_str()).collect())
}

/// The name that differs least, when that is little.
fn nearest<'a>(name: &str, known: impl Iterator<Item = impl AsRef<str> + 'a>) -> Option<String> {
    let (name, most) = (name.to_lowercase(), 1 + name.chars().count() / 4);
    known
        .map(|known| (strsim::damerau_levenshtein(&name, &known.as_ref().to_lowercase()), known))
        .filter(|(distance, known)| *distance <= most && !known.as_ref().starts_with("__"))
        .min_by_key(|(distance, known)| (*distance, known.as_ref().len().abs_diff(name.len())))
        .map(|(_, known)| known.as_ref().to_owned())
}

/// What a client sent may be long, and is quoted in some sentences.
fn shortened(sentence: &str) -> String {
    if sentence.chars().count() <= LONGEST {
        return sentence.to_owned();
    }
    let start: String = sentence.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

fn start(range: Option<std::ops::Range<LineColumn>>) -> Option<(usize, usize)> {
    range.map(|range| (range.start.line, range.start.column))
}

fn pos(place: Option<(usize, usize)>) -> Option<Pos> {
    place.map(|(line, column)| Pos { line, column })
}
