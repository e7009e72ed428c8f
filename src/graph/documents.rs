//! From a text to a parsed document that is safe to hand to the executor.
//!
//! The executor's own limits come too late for two attacks: a literal nested a
//! few thousand deep overflows the parser's stack and aborts the process, and a
//! chain of fragments that doubles at each level is expanded in full before any
//! limit is looked at. So a text is scanned before it is parsed, and its
//! selections are counted, without expanding them, before it is executed. What
//! passed is kept, parsed, for the next request with the same text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Pos, Positioned, parser};
use serde::{Deserialize, Serialize};

use super::trusted::{self, Fingerprint};
use super::validity::Validity;

/// What a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentLimits {
    /// Bytes of its text.
    pub bytes: usize,
    /// Tokens of its text.
    pub tokens: usize,
    /// Brackets of any kind inside each other, in the text.
    pub nesting: usize,
    /// Fields inside each other, fragments expanded.
    pub depth: usize,
    /// Fields in all, fragments expanded.
    pub selections: usize,
    /// Fields under another name, fragments expanded.
    pub aliases: usize,
    /// Fields at the root, fragments expanded.
    pub root_fields: usize,
    /// Directives, fragments expanded.
    pub directives: usize,
    /// Bytes of documents that are kept parsed.
    pub kept_bytes: u64,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 100 << 10,
            tokens: 10_000,
            nesting: 64,
            depth: 24,
            selections: 2_000,
            aliases: 200,
            root_fields: 50,
            directives: 50,
            kept_bytes: 8 << 20,
        }
    }
}

/// Why a document was refused before it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not GraphQL: the parser's message and where.
    Unparsable(String, Vec<Pos>),
    /// It is nested too deeply: a sentence with the limit.
    TooDeep(String),
    /// It selects too much: a sentence with the limit.
    TooMuch(String),
    /// It gives too many fields another name: a sentence with the limit.
    TooManyAliases(String),
    /// It has too many directives: a sentence with the limit.
    TooManyDirectives(String),
}

/// Parsed documents by text, bounded.
pub struct Documents {
    limits: DocumentLimits,
    kept: moka::sync::Cache<String, Arc<Document>>,
}

/// A document that may be executed.
#[derive(Debug)]
pub struct Document {
    /// As the executor takes it.
    pub parsed: ExecutableDocument,
    /// Whether it asks for the schema.
    pub introspects: bool,
    /// When it need not be validated again.
    pub validity: Validity,
    /// Of the operations whose fingerprint was wanted, by name.
    fingerprints: Mutex<Vec<(Option<String>, Fingerprint)>>,
}

impl Document {
    /// Names `operation`, which is called `name`, with the fragments that it
    /// uses. Printed and hashed once.
    #[must_use]
    pub fn fingerprint(&self, name: Option<&str>, operation: &OperationDefinition) -> Fingerprint {
        let mut known = self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fingerprint)) = known.iter().find(|(known, _)| known.as_deref() == name) {
            return *fingerprint;
        }
        let fingerprint = trusted::fingerprint(&self.parsed, name, operation);
        known.push((name.map(str::to_owned), fingerprint));
        fingerprint
    }
}

impl Documents {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: DocumentLimits) -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(limits.kept_bytes)
            .weigher(|text: &String, _| u32::try_from(text.len()).unwrap_or(u32::MAX))
            .build();
        Self { limits, kept }
    }

    /// The document of `text`, parsed and within the limits.
    ///
    /// # Errors
    /// [`Refusal`], in time proportional to the text.
    pub fn get(&self, text: &str) -> Result<Arc<Document>, Refusal> {
        if let Some(known) = self.kept.get(text) {
            return Ok(known);
        }
        check_text(text, self.limits)?;
        let parsed = parser::parse_query(text)
            .map_err(|error| Refusal::Unparsable(error.to_string(), error.positions().collect()))?;
        let introspects = measure(&parsed, self.limits)?;
        let validity = Validity::of(&parsed);
        let document = Arc::new(Document { parsed, introspects, validity, fingerprints: Mutex::default() });
        self.kept.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

/// What can be said of a text without parsing it: enough to parse it without
/// fear.
///
/// # Errors
/// [`Refusal`], in time proportional to the text.
pub fn check_text(text: &str, limits: DocumentLimits) -> Result<(), Refusal> {
    if text.len() > limits.bytes {
        let (limit, length) = (limits.bytes, text.len());
        return Err(Refusal::TooMuch(format!(
            "The document has {length} bytes; at most {limit} are allowed."
        )));
    }
    let scan = Scan::of(text);
    if scan.nesting > limits.nesting {
        let (limit, depth) = (limits.nesting, scan.nesting);
        return Err(Refusal::TooDeep(format!(
            "The document nests brackets {depth} deep; at most {limit} are allowed."
        )));
    }
    if scan.tokens > limits.tokens {
        let (limit, count) = (limits.tokens, scan.tokens);
        return Err(Refusal::TooMuch(format!(
            "The document has {count} tokens; at most {limit} are allowed."
        )));
    }
    Ok(())
}

/// One pass over a text, outside its strings and comments.
#[derive(Default)]
struct Scan {
    /// How deep brackets of any kind go.
    nesting: usize,
    /// Names, numbers, strings and punctuators.
    tokens: usize,
}

impl Scan {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut scan, mut depth, mut at) = (Self::default(), 0_usize, 0);
        while let Some(byte) = bytes.get(at) {
            let length = match byte {
                b'#' => length_until(&bytes[at..], |byte| matches!(byte, b'\n' | b'\r')),
                b' ' | b'\t' | b'\n' | b'\r' | b',' => 1,
                b'"' => {
                    scan.tokens += 1;
                    string_length(&bytes[at..])
                }
                b'[' | b'{' | b'(' => {
                    scan.tokens += 1;
                    depth += 1;
                    scan.nesting = scan.nesting.max(depth);
                    1
                }
                b']' | b'}' | b')' => {
                    scan.tokens += 1;
                    depth = depth.saturating_sub(1);
                    1
                }
                byte if is_word(*byte) => {
                    scan.tokens += 1;
                    length_until(&bytes[at..], |byte| !is_word(byte))
                }
                _ => {
                    scan.tokens += 1;
                    1
                }
            };
            at += length;
        }
        scan
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn length_until(bytes: &[u8], end: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| end(*byte)).unwrap_or(bytes.len())
}

/// The bytes of the string, or block string, that `bytes` begins with.
fn string_length(bytes: &[u8]) -> usize {
    const BLOCK: &[u8] = b"\"\"\"";
    let mut at;
    if bytes.starts_with(BLOCK) {
        at = BLOCK.len();
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(BLOCK) {
                return at + BLOCK.len();
            } else {
                at += 1;
            }
        }
    } else {
        at = 1;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'"' | b'\n' => return at + 1,
                _ => at += 1,
            }
        }
    }
    bytes.len()
}

/// How much a selection set holds with every fragment expanded. A chain of
/// fragments that doubles at each level makes numbers that no machine holds, so
/// they stop at the largest.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    /// Selection sets inside each other, those of fragments included.
    sets: usize,
    /// Fields of this very level.
    fields: usize,
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
            sets: self.sets.max(other.sets),
            fields: self.fields.saturating_add(other.fields),
        }
    }
}

/// Measures every operation and every fragment, used or not, and tells whether
/// any of them asks for the schema.
fn measure(document: &ExecutableDocument, limits: DocumentLimits) -> Result<bool, Refusal> {
    let mut ruler = Ruler { document, limits, known: HashMap::new(), introspects: false, level: 0 };
    for (_, operation) in document.operations.iter() {
        let mut size = ruler.size(&operation.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(operation.node.directives.len());
        for variable in &operation.node.variable_definitions {
            size.directives = size.directives.saturating_add(variable.node.directives.len());
        }
        check(size, limits)?;
        if size.fields > limits.root_fields {
            let (limit, count) = (limits.root_fields, size.fields);
            return Err(Refusal::TooMuch(format!(
                "The operation has {count} fields at its root; at most {limit} are allowed."
            )));
        }
    }
    for fragment in document.fragments.values() {
        let mut size = ruler.size(&fragment.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        check(size, limits)?;
    }
    Ok(ruler.introspects)
}

fn check(size: Size, limits: DocumentLimits) -> Result<(), Refusal> {
    let (depth, selections) = (size.depth, size.selections);
    if depth > limits.depth {
        return Err(Refusal::TooDeep(format!(
            "The document selects fields {depth} levels deep; at most {} are allowed.",
            limits.depth
        )));
    }
    if size.sets > most_sets(limits) {
        return Err(too_many_sets(limits));
    }
    if selections > limits.selections {
        return Err(Refusal::TooMuch(format!(
            "The document selects {selections} fields, with its fragments expanded; at most {} are allowed.",
            limits.selections
        )));
    }
    if size.aliases > limits.aliases {
        return Err(Refusal::TooManyAliases(format!(
            "The document has {} aliases, with its fragments expanded; at most {} are allowed.",
            size.aliases, limits.aliases
        )));
    }
    if size.directives > limits.directives {
        return Err(Refusal::TooManyDirectives(format!(
            "The document has {} directives, with its fragments expanded; at most {} are allowed.",
            size.directives, limits.directives
        )));
    }
    Ok(())
}

/// Selection sets inside each other: whoever walks a document recurses so deep.
/// Fragments inside each other reach deeper than the brackets of the text do.
const fn most_sets(limits: DocumentLimits) -> usize {
    limits.nesting.saturating_mul(2)
}

fn too_many_sets(limits: DocumentLimits) -> Refusal {
    Refusal::TooDeep(format!(
        "The document nests selections more than {} deep, with its fragments expanded.",
        most_sets(limits)
    ))
}

struct Ruler<'a> {
    document: &'a ExecutableDocument,
    limits: DocumentLimits,
    /// `None` while a fragment is being measured, so that a cycle is noticed.
    known: HashMap<&'a str, Option<Size>>,
    introspects: bool,
    /// How deep the ruler itself has recursed.
    level: usize,
}

impl<'a> Ruler<'a> {
    fn size(&mut self, set: &'a SelectionSet) -> Result<Size, Refusal> {
        if self.level > most_sets(self.limits) {
            return Err(too_many_sets(self.limits));
        }
        self.level += 1;
        let mut all = Size::default();
        for selection in &set.items {
            all = all.and(self.selection(&selection.node)?);
        }
        self.level -= 1;
        Ok(Size { sets: all.sets + 1, ..all })
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Size, Refusal> {
        let inner = match selection {
            Selection::Field(field) => {
                let field = &field.node;
                self.introspects |= matches!(field.name.node.as_str(), "__schema" | "__type");
                let inner = match field.selection_set.node.items.is_empty() {
                    true => Size::default(),
                    false => self.size(&field.selection_set.node)?,
                };
                Size {
                    aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
                    depth: inner.depth + 1,
                    fields: 1,
                    ..inner
                }
            }
            Selection::InlineFragment(inline) => self.size(&inline.node.selection_set.node)?,
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
        };
        let own: &[Positioned<Directive>] = selection.directives();
        Ok(Size {
            selections: inner.selections.saturating_add(1),
            directives: inner.directives.saturating_add(own.len()),
            ..inner
        })
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, Refusal> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(Refusal::TooDeep(format!("The fragment `{name}` contains itself.")));
            }
            None => {}
        }
        // An unknown fragment is for the validation to report.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.known.insert(name, None);
        let size = self.size(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(text: &str) -> Refusal {
        Documents::new(DocumentLimits::default()).get(text).expect_err("refused")
    }

    #[test]
    fn a_known_text_is_parsed_once() {
        let documents = Documents::new(DocumentLimits::default());
        let first = documents.get("{ eu { nome } }").expect("valid");
        assert!(Arc::ptr_eq(&first, &documents.get("{ eu { nome } }").expect("valid")));
    }

    #[test]
    fn a_deep_literal_is_refused_before_it_is_parsed() {
        for (open, close) in [("[", "]"), ("{a:", "}"), ("(", ")")] {
            let text = format!("{{ a(b: {}1{}) }}", open.repeat(3000), close.repeat(3000));
            assert!(matches!(refuse(&text), Refusal::TooDeep(_)));
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = "[".repeat(200);
        let text =
            format!("# {many}\n{{ a(b: \"{many} \\\" {many}\", c: \"\"\"{many} \\\"\"\" {many}\"\"\") }}");
        assert!(Scan::of(&text).nesting <= 2);
        assert_eq!(Scan::of(&format!("\"closed\" {many}")).nesting, 200);
        assert_eq!(Scan::of("\"open \\").nesting, 0);
    }

    #[test]
    fn a_fragment_bomb_is_counted_and_not_expanded() {
        let mut text = String::from("{ ...f0 }");
        for level in 0..100 {
            text.push_str(&format!(" fragment f{level} on Query {{ ...f{} ...f{} }}", level + 1, level + 1));
        }
        text.push_str(" fragment f100 on Query { __typename }");
        assert!(matches!(refuse(&text), Refusal::TooMuch(_)));
    }

    #[test]
    fn tokens_bytes_aliases_and_root_fields_are_counted() {
        assert_eq!(
            Scan::of("query A($b: Int! = 1) { c(d: $b, e: \"f g\") ...H # i\n }").tokens,
            27,
            "three for the dots"
        );
        assert!(matches!(refuse(&"a ".repeat(10_001)), Refusal::TooMuch(message)
            if message == "The document has 10001 tokens; at most 10000 are allowed."));
        assert!(
            matches!(refuse(&" ".repeat(200_000)), Refusal::TooMuch(message) if message.contains("200000 bytes"))
        );
        let aliases: String = (0..201).map(|n| format!("a{n}: b ")).collect();
        assert!(matches!(refuse(&format!("{{ x {{ {aliases} }} }}")), Refusal::TooManyAliases(_)));
        assert!(matches!(refuse(&format!("{{ {} }}", "eu ".repeat(51))), Refusal::TooMuch(message)
            if message == "The operation has 51 fields at its root; at most 50 are allowed."));
    }

    #[test]
    fn directives_are_counted_wherever_they_stand() {
        let many = "@include(if: true) ".repeat(51);
        for text in [
            format!("query {many} {{ eu {{ nome }} }}"),
            format!("query ($a: Int {many}) {{ eu {{ nome }} }}"),
            format!("{{ eu {{ nome {many} }} }}"),
            format!("{{ ... {many} {{ eu {{ nome }} }} }}"),
            format!("{{ ...a {many} }} fragment a on Query {{ eu {{ nome }} }}"),
            format!("{{ eu {{ nome }} }} fragment a on Query {many} {{ eu {{ nome }} }}"),
        ] {
            assert!(matches!(refuse(&text), Refusal::TooManyDirectives(message)
                if message == "The document has 51 directives, with its fragments expanded; at most 50 are allowed."));
        }
    }

    #[test]
    fn fragments_inside_each_other_are_bounded_where_no_field_is() {
        let mut text = String::from("{ ...f0 }");
        for level in 0..900 {
            text.push_str(&format!(" fragment f{level} on Query {{ ...f{} }}", level + 1));
        }
        text.push_str(" fragment f900 on Query { a }");
        let said = "The document nests selections more than 128 deep, with its fragments expanded.";
        assert_eq!(refuse(&text), Refusal::TooDeep(said.into()));
        let unused = text.replacen("{ ...f0 }", "{ a }", 1);
        assert_eq!(refuse(&unused), Refusal::TooDeep(said.into()));
    }

    #[test]
    fn cycles_used_or_not_are_refused() {
        for text in [
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
            "{ __typename } fragment a on Query { ...a }",
        ] {
            assert!(matches!(refuse(text), Refusal::TooDeep(message) if message.contains("contains itself")));
        }
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        let mut text = String::from("{ ...f0 }");
        for level in 0..30 {
            text.push_str(&format!(" fragment f{level} on Query {{ a {{ ...f{} }} }}", level + 1));
        }
        text.push_str(" fragment f30 on Query { a }");
        assert!(
            matches!(refuse(&text), Refusal::TooDeep(message) if message.contains("31 levels deep; at most 24"))
        );
    }

    #[test]
    fn what_is_not_graphql_is_said_with_its_place() {
        assert!(matches!(refuse("{ eu { "), Refusal::Unparsable(_, places) if places.len() == 1));
    }
}
