//! Trusted documents: the operations that a shop's own clients send, known in
//! advance.
//!
//! They come from a folder or from a manifest.
//!
//! - **A folder**: every `.graphql` and `.gql` file below it. All files together
//!   are one collection, so an operation may spread fragments of another file and
//!   a file may hold several operations; operations must be named, and names must
//!   be unique. An operation's id is its name, or the SHA-256 of the file's text
//!   when it is the only one in it.
//! - **A manifest** (JSON): Relay's, `{"id": "text", …}`, or Apollo's,
//!   `{"format": "apollo-persisted-query-manifest", "operations": [{"id", "body"}]}`.
//!   The ids are theirs; the SHA-256 of a text is one as well.
//!
//! **What is trusted is an operation together with the fragments that it uses**,
//! in whatever layout, order or company it is sent ([`super::canonical`]). Plain
//! `__typename` fields do not count: clients add them, and they ask no store.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationDefinition};
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::canonical::{Typename, missing_fragment, print};
use super::document::parse;
use super::size::{DocumentLimits, fragments};
use crate::mark::Mark;
use crate::reload::{Reloaded, Take};

/// What happens to an operation that is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustMode {
    /// It is executed like any other.
    Off,
    /// It is executed, and the log names it.
    LogUnknown,
    /// It is refused, except to an ADMIN.
    Enforce,
}

/// Names an operation with the fragments that it uses.
pub type Fingerprint = [u8; 32];

/// Why trusted documents cannot be used: the file and the rule.
#[derive(Debug, thiserror::Error)]
#[error("documents.path: {0}")]
pub struct TrustError(String);

/// The trusted documents, read again when their files change.
#[derive(Debug)]
pub struct Trusted {
    path: PathBuf,
    mode: TrustMode,
    current: ArcSwap<Library>,
    opened: Mark,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Library {
    by_id: HashMap<String, Arc<str>>,
    fingerprints: HashSet<Fingerprint>,
}

impl Trusted {
    /// Reads a folder or a manifest.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn open(path: &Path, mode: TrustMode) -> Result<Self, TrustError> {
        let (opened, library) = read(path)?;
        Ok(Self { path: path.to_owned(), mode, current: ArcSwap::from_pointee(library), opened })
    }

    /// What happens to other operations.
    #[must_use]
    pub const fn mode(&self) -> TrustMode {
        self.mode
    }

    /// The text with this id: that of a manifest, the name of an operation in a
    /// folder, or the SHA-256 of a text, with or without `sha256:` before it.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Arc<str>> {
        let library = self.current.load();
        let hash = id.strip_prefix("sha256:").unwrap_or(id);
        let found = library.by_id.get(id).or_else(|| library.by_id.get(&hash.to_ascii_lowercase()));
        found.cloned()
    }

    /// Whether the operation with this fingerprint is trusted.
    #[must_use]
    pub fn knows(&self, fingerprint: &Fingerprint) -> bool {
        self.current.load().fingerprints.contains(fingerprint)
    }
}

impl Reloaded for Trusted {
    fn name(&self) -> &'static str {
        "trusted documents"
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.path).unwrap_or_default()
    }

    fn opened(&self) -> Mark {
        self.opened.clone()
    }

    fn read(&self) -> Result<Take<'_>, String> {
        let (_, library) = read(&self.path).map_err(|error| error.to_string())?;
        Ok(Box::new(move || {
            let told = format!("{} operations", library.fingerprints.len());
            self.current.store(Arc::new(library));
            told
        }))
    }
}

/// The fingerprint of an operation, with the fragments that it uses among
/// `fragments`.
#[must_use]
pub(super) fn fingerprint(
    fragments: &HashMap<&str, &FragmentDefinition>,
    operation: &OperationDefinition,
) -> Fingerprint {
    *blake3::hash(print(fragments, operation, Typename::Drop).as_bytes()).as_bytes()
}

/// The mark is taken before reading, so that a change in between is noticed.
fn read(path: &Path) -> Result<(Mark, Library), TrustError> {
    let files = files(path)?;
    let mark = Mark::of(&files);
    let mut library = Library::default();
    if path.is_dir() {
        read_folder(&files, &mut library)?;
    } else {
        read_manifest(path, &mut library)?;
    }
    Ok((mark, library))
}

fn refuse(path: &Path, rule: impl std::fmt::Display) -> TrustError {
    TrustError(format!("{}: {rule}", path.display()))
}

/// The manifest, or all GraphQL files below the folder, in one order.
fn files(path: &Path) -> Result<Vec<PathBuf>, TrustError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut found, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| refuse(&folder, error))? {
            let entry = entry.map_err(|error| refuse(&folder, error))?;
            let kind = entry.file_type().map_err(|error| refuse(&entry.path(), error))?;
            let extension = entry.path().extension().map(std::ffi::OsStr::to_owned);
            if kind.is_dir() {
                folders.push(entry.path());
            } else if extension.is_some_and(|extension| extension == "graphql" || extension == "gql") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read_text(path: &Path) -> Result<String, TrustError> {
    fs::read_to_string(path).map_err(|error| refuse(path, error))
}

/// All files of a folder, parsed into one collection.
fn read_folder(files: &[PathBuf], library: &mut Library) -> Result<(), TrustError> {
    let mut operations: Vec<(&Path, Node<OperationDefinition>)> = Vec::new();
    let mut collected: Vec<Node<FragmentDefinition>> = Vec::new();
    // The hash of a file that holds one operation, and that operation.
    let mut alone: Vec<(String, String)> = Vec::new();
    for path in files {
        let text = read_text(path)?;
        let document = parse_file(&text).map_err(|rule| refuse(path, rule))?;
        let before = operations.len();
        for definition in document.definitions {
            match definition {
                Definition::OperationDefinition(operation) => {
                    check_name(path, &operation, &operations)?;
                    operations.push((path, operation));
                }
                Definition::FragmentDefinition(fragment) => {
                    if collected.iter().any(|known| known.name == fragment.name) {
                        let name = &fragment.name;
                        return Err(refuse(path, format!("the fragment {name} is also in another file")));
                    }
                    collected.push(fragment);
                }
                other => {
                    let name = other.name().map_or("a definition", |name| name.as_str());
                    return Err(refuse(path, format!("{name} is neither an operation nor a fragment")));
                }
            }
        }
        if let [(_, only)] = &operations[before..] {
            alone.push((sha256(&text), name_of(only).to_owned()));
        }
    }
    let fragments = collected.iter().map(|fragment| (fragment.name.as_str(), &**fragment)).collect();
    for (path, operation) in &operations {
        let name = name_of(operation);
        if let Some(missing) = missing_fragment(&fragments, operation) {
            return Err(refuse(path, format!("{name} uses the fragment {missing}, which is in no file")));
        }
        let text: Arc<str> = Arc::from(print(&fragments, operation, Typename::Keep));
        library.fingerprints.insert(fingerprint(&fragments, operation));
        library.by_id.insert(sha256(&text), Arc::clone(&text));
        library.by_id.insert(name.to_owned(), text);
    }
    for (hash, name) in alone {
        if let Some(text) = library.by_id.get(&name).cloned() {
            library.by_id.insert(hash, text);
        }
    }
    Ok(())
}

fn name_of(operation: &OperationDefinition) -> &str {
    operation.name.as_ref().map_or("", |name| name.as_str())
}

/// A name is there, and nobody else has it.
fn check_name(
    path: &Path,
    operation: &OperationDefinition,
    others: &[(&Path, Node<OperationDefinition>)],
) -> Result<(), TrustError> {
    let name = operation.name.as_ref();
    let name = name.ok_or_else(|| refuse(path, "every operation must have a name"))?;
    match others.iter().find(|(_, other)| other.name.as_ref() == Some(name)) {
        Some((other, _)) => Err(refuse(path, format!("the operation {name} is also in {}", other.display()))),
        None => Ok(()),
    }
}

/// A text of the operator's may be long, or hold comments alone, but not deep.
fn parse_file(text: &str) -> Result<Document, String> {
    if text.lines().all(|line| matches!(line.trim_start().chars().next(), None | Some('#'))) {
        return Ok(Document::new());
    }
    let limits = DocumentLimits { bytes: usize::MAX, tokens: usize::MAX, ..DocumentLimits::default() };
    parse(text, limits).map_err(|refusal| {
        let told = refusal.problems.iter().map(|problem| match problem.at {
            Some(at) => format!("line {}, column {}: {}", at.line, at.column, problem.message),
            None => problem.message.clone(),
        });
        told.collect::<Vec<_>>().join(" ")
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { format: String, operations: Vec<ApolloOperation> },
    Relay(HashMap<String, String>),
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

fn read_manifest(path: &Path, library: &mut Library) -> Result<(), TrustError> {
    let shapes = "a manifest is Relay's {\"id\": \"text\", …} or Apollo's {\"format\": \
        \"apollo-persisted-query-manifest\", \"operations\": [{\"id\": …, \"body\": …}, …]}";
    let manifest = serde_json::from_str(&read_text(path)?)
        .map_err(|error| refuse(path, format!("{error}; {shapes}")))?;
    let texts: Vec<(String, String)> = match manifest {
        Manifest::Apollo { format, operations } => {
            if format != "apollo-persisted-query-manifest" {
                return Err(refuse(path, format!("the format `{format}` is unknown; {shapes}")));
            }
            operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
        }
        Manifest::Relay(texts) => texts.into_iter().collect(),
    };
    for (id, text) in texts {
        let document =
            parse_file(&text).map_err(|rule| refuse(path, format!("the document {id}: {rule}")))?;
        let fragments = fragments(&document);
        for operation in document.definitions.iter().filter_map(Definition::as_operation_definition) {
            library.fingerprints.insert(fingerprint(&fragments, operation));
        }
        let hash = sha256(&text);
        let text: Arc<str> = Arc::from(text);
        library.by_id.insert(hash, Arc::clone(&text));
        library.by_id.insert(id, text);
    }
    Ok(())
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Trusted, String>) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let path = if files.len() == 1 && files[0].0 == "manifest.json" {
            folder.path().join("manifest.json")
        } else {
            folder.path().to_owned()
        };
        let opened = Trusted::open(&path, TrustMode::Enforce).map_err(|error| error.to_string());
        (folder, opened)
    }

    fn knows(trusted: &Trusted, text: &str) -> bool {
        let document = Document::parse(text, "").expect("valid");
        let fragments = fragments(&document);
        let mut operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
        operations.all(|operation| trusted.knows(&fingerprint(&fragments, operation)))
    }

    #[test]
    fn a_folder_is_one_collection() {
        let eu = "query Eu { eu { ...Quem } }\n";
        let (_folder, trusted) = folder(&[
            ("a.graphql", eu),
            ("deep/b.gql", "query B { eu { papel } } query C { eu { nome } }"),
            (
                "fragments.graphql",
                "fragment Quem on Usuario { nome ...Mais } fragment Mais on Usuario { papel }",
            ),
            ("ignored.txt", "query D {"),
        ]);
        let trusted = trusted.expect("readable");
        let sent = "fragment Mais on Usuario { papel __typename }\nfragment Quem on Usuario { nome ...Mais }\nquery Eu { eu { ...Quem } }";
        assert!(knows(&trusted, sent));
        assert!(knows(&trusted, "query C { eu { nome } }"));
        assert!(!knows(&trusted, "query C { eu { nome papel } }"));
        assert!(!knows(&trusted, "query X { eu { nome } }"));
        for id in ["Eu", &sha256(eu), &format!("sha256:{}", sha256(eu))] {
            let text = trusted.by_id(id).expect("known");
            assert!(text.starts_with("query Eu {") && text.contains("fragment Mais"), "{id}: {text}");
        }
        assert_eq!(trusted.by_id("D"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_used_says_why() {
        for (files, rule) in [
            (&[("a.graphql", "query A {"), ("b.graphql", "")][..], "a.graphql"),
            (&[("a.graphql", "{ eu { nome } }"), ("b.txt", "")], "every operation must have a name"),
            (
                &[("a.graphql", "query A { eu { nome } }"), ("b.graphql", "query A { eu { papel } }")],
                "the operation A is also in",
            ),
            (
                &[("a.graphql", "query A { eu { ...F } }"), ("b.txt", "")],
                "A uses the fragment F, which is in no file",
            ),
            (
                &[("a.graphql", "fragment F on U { a }"), ("b.graphql", "fragment F on U { b }")],
                "the fragment F is also in another file",
            ),
        ] {
            let error = folder(files).1.expect_err("refused");
            assert!(error.starts_with("documents.path: ") && error.contains(rule), "{error}");
        }
        let error = Trusted::open(Path::new("/nowhere"), TrustMode::Off).expect_err("refused").to_string();
        assert!(error.contains("/nowhere"), "{error}");
    }

    #[test]
    fn both_manifests_are_read() {
        let text = "query A { eu { nome } }";
        let relay = serde_json::json!({ "abc": text }).to_string();
        let apollo = serde_json::json!({ "format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{ "id": "abc", "name": "A", "type": "query", "body": text }] })
        .to_string();
        for manifest in [&relay, &apollo] {
            let trusted = folder(&[("manifest.json", manifest)]).1.expect("readable");
            assert!(knows(&trusted, "query A { eu { nome, } }"));
            assert_eq!(trusted.by_id("abc").as_deref(), Some(text));
            assert_eq!(trusted.by_id(&sha256(text).to_uppercase()).as_deref(), Some(text));
        }
        for (bad, rule) in [
            ("[]", "a manifest is Relay's"),
            (r#"{"format":"other","operations":[]}"#, "the format `other` is unknown"),
            (r#"{"abc":"{"}"#, "the document abc"),
        ] {
            let error = folder(&[("manifest.json", bad)]).1.expect_err("refused");
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn changes_count_and_a_broken_file_keeps_the_old_documents() {
        let (folder, trusted) = folder(&[("a.graphql", "query A { eu { nome } }"), ("b.txt", "")]);
        let trusted = trusted.expect("readable");
        fs::write(folder.path().join("b.graphql"), "query B { eu { nome } }").expect("written");
        trusted.read().expect("whole")();
        assert!(knows(&trusted, "query B { eu { nome } }"));
        fs::write(folder.path().join("a.graphql"), "query A { eu").expect("written");
        assert!(trusted.read().is_err());
        assert!(knows(&trusted, "query A { eu { nome } }"));
        fs::remove_file(folder.path().join("a.graphql")).expect("removed");
        trusted.read().expect("whole")();
        assert!(!knows(&trusted, "query A { eu { nome } }"));
    }
}
