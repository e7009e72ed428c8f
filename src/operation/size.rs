//! How large a document is, before anything of it is validated: validation takes
//! longer the more there is, and a chain of fragments that doubles at each level
//! would be expanded in full.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::{
    Definition, Directive, Document, FragmentDefinition, OperationDefinition, Selection,
};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::kernel::code;

/// What a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentLimits {
    /// Bytes of its text.
    pub bytes: usize,
    /// Tokens of its text, blanks between them among them.
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
    /// Bytes of documents that are kept, as they are kept.
    pub kept_bytes: u64,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 100 << 10,
            tokens: 20_000,
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

    fn with_directives(mut self, directives: &[Node<Directive>]) -> Self {
        self.directives = self.directives.saturating_add(directives.len());
        self
    }
}

/// Measures every operation and every fragment, used or not.
///
/// # Errors
/// [`Refusal`] when one is beyond `limits`.
pub(super) fn measure(document: &Document, limits: DocumentLimits) -> Result<(), Refusal> {
    let fragments = fragments(document);
    let mut ruler = Ruler { fragments: &fragments, limits, known: HashMap::new(), level: 0 };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => measure_operation(&mut ruler, operation)?,
            Definition::FragmentDefinition(fragment) => {
                let size = ruler.size(&fragment.selection_set)?;
                check(size.with_directives(&fragment.directives), limits)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn measure_operation<'a>(ruler: &mut Ruler<'a>, operation: &'a OperationDefinition) -> Result<(), Refusal> {
    let limits = ruler.limits;
    let mut size = ruler.size(&operation.selection_set)?.with_directives(&operation.directives);
    for variable in &operation.variables {
        size = size.with_directives(&variable.directives);
    }
    check(size, limits)?;
    if size.fields > limits.root_fields {
        let (limit, count) = (limits.root_fields, size.fields);
        return Err(too_much(format!(
            "The operation has {count} fields at its root; at most {limit} are allowed."
        )));
    }
    Ok(())
}

/// The fragments of a document by name, the first where a name is there twice.
pub(super) fn fragments(document: &Document) -> HashMap<&str, &FragmentDefinition> {
    let mut fragments = HashMap::new();
    for fragment in document.definitions.iter().filter_map(Definition::as_fragment_definition) {
        fragments.entry(fragment.name.as_str()).or_insert(&**fragment);
    }
    fragments
}

fn too_much(message: String) -> Refusal {
    Refusal::new(code::LIMITE_CUSTO, message)
}

fn too_deep(message: String) -> Refusal {
    Refusal::new(code::LIMITE_PROFUNDIDADE, message)
}

fn check(size: Size, limits: DocumentLimits) -> Result<(), Refusal> {
    let (depth, selections) = (size.depth, size.selections);
    if depth > limits.depth {
        return Err(too_deep(format!(
            "The document selects fields {depth} levels deep; at most {} are allowed.",
            limits.depth
        )));
    }
    if size.sets > most_sets(limits) {
        return Err(too_many_sets(limits));
    }
    if selections > limits.selections {
        return Err(too_much(format!(
            "The document selects {selections} fields, with its fragments expanded; at most {} are allowed.",
            limits.selections
        )));
    }
    if size.aliases > limits.aliases {
        let message = format!(
            "The document has {} aliases, with its fragments expanded; at most {} are allowed.",
            size.aliases, limits.aliases
        );
        return Err(Refusal::new(code::LIMITE_ALIASES, message));
    }
    if size.directives > limits.directives {
        let message = format!(
            "The document has {} directives, with its fragments expanded; at most {} are allowed.",
            size.directives, limits.directives
        );
        return Err(Refusal::new(code::LIMITE_DIRETIVAS, message));
    }
    Ok(())
}

/// Selection sets inside each other: whoever walks a document recurses so deep.
/// Fragments inside each other reach deeper than the brackets of the text do.
const fn most_sets(limits: DocumentLimits) -> usize {
    limits.nesting.saturating_mul(2)
}

fn too_many_sets(limits: DocumentLimits) -> Refusal {
    too_deep(format!(
        "The document nests selections more than {} deep, with its fragments expanded.",
        most_sets(limits)
    ))
}

struct Ruler<'a> {
    fragments: &'a HashMap<&'a str, &'a FragmentDefinition>,
    limits: DocumentLimits,
    /// `None` while a fragment is being measured, so that a cycle is noticed.
    known: HashMap<&'a str, Option<Size>>,
    /// How deep the ruler itself has recursed.
    level: usize,
}

impl<'a> Ruler<'a> {
    fn size(&mut self, set: &'a [Selection]) -> Result<Size, Refusal> {
        if self.level > most_sets(self.limits) {
            return Err(too_many_sets(self.limits));
        }
        self.level += 1;
        let mut all = Size::default();
        for selection in set {
            all = all.and(self.selection(selection)?);
        }
        self.level -= 1;
        Ok(Size { sets: all.sets + 1, ..all })
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Size, Refusal> {
        let inner = match selection {
            Selection::Field(field) => {
                let inner = match field.selection_set.is_empty() {
                    true => Size::default(),
                    false => self.size(&field.selection_set)?,
                };
                Size {
                    aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
                    depth: inner.depth + 1,
                    fields: 1,
                    ..inner
                }
            }
            Selection::InlineFragment(inline) => self.size(&inline.selection_set)?,
            Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name)?,
        };
        let directives = match selection {
            Selection::Field(field) => &field.directives,
            Selection::InlineFragment(inline) => &inline.directives,
            Selection::FragmentSpread(spread) => &spread.directives,
        };
        Ok(Size { selections: inner.selections.saturating_add(1), ..inner }.with_directives(directives))
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, Refusal> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(too_deep(format!("The fragment `{name}` contains itself."))),
            None => {}
        }
        // An unknown fragment is for the validation to report.
        let Some(fragment) = self.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.known.insert(name, None);
        let size = self.size(&fragment.selection_set)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}
