//! What holds for every input: of the check of documents before they are parsed,
//! and of the parser of `Authorization`. The fuzz targets in `fuzz/` look for
//! what these do not find.

use apollo_compiler::ast::Document;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use quarteto::auth::{Denied, credentials};
use quarteto::kernel::code;
use quarteto::operation::{DocumentLimits, check_text};
use quarteto::text::nfc;

/// A field as it is written.
#[derive(Clone, Debug)]
struct Field {
    alias: bool,
    directives: usize,
    /// Lists inside each other in its argument; none without one.
    nesting: usize,
    children: Vec<Field>,
}

/// What a document holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    fields: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    brackets: usize,
}

impl Field {
    fn write(&self, out: &mut String, noise: &str) {
        let alias = if self.alias { format!("other{noise}:") } else { String::new() };
        out.push_str(&format!("{noise}{alias}field"));
        if self.nesting > 0 {
            // Brackets in a string do not count.
            let (open, close) = ("[".repeat(self.nesting), "]".repeat(self.nesting));
            out.push_str(&format!("(list:{noise}{open}\"]{{(\\\"[\" \"\"\"{{[\"\" \"\"\"{close})"));
        }
        for _ in 0..self.directives {
            out.push_str(" @skip(if: false)");
        }
        if !self.children.is_empty() {
            out.push('{');
            self.children.iter().for_each(|child| child.write(out, noise));
            out.push('}');
        }
        out.push(' ');
    }

    fn count(&self, outer: usize, depth: usize, counts: &mut Counts) {
        counts.fields += 1;
        counts.aliases += usize::from(self.alias);
        counts.directives += self.directives;
        counts.depth = counts.depth.max(depth);
        let inner = [
            if self.nesting > 0 { self.nesting + 1 } else { 0 },
            usize::from(self.directives > 0),
            usize::from(!self.children.is_empty()),
        ];
        counts.brackets = counts.brackets.max(outer + inner.into_iter().max().unwrap_or(0));
        self.children.iter().for_each(|child| child.count(outer + 1, depth + 1, counts));
    }
}

fn field() -> impl Strategy<Value = Field> {
    let leaf = (any::<bool>(), 0..3_usize, 0..4_usize).prop_map(|(alias, directives, nesting)| Field {
        alias,
        directives,
        nesting,
        children: Vec::new(),
    });
    leaf.prop_recursive(5, 40, 4, |inner| {
        (any::<bool>(), 0..3_usize, 0..4_usize, vec(inner, 1..4))
            .prop_map(|(alias, directives, nesting, children)| Field { alias, directives, nesting, children })
    })
}

/// Whatever may stand between two tokens.
fn noise() -> impl Strategy<Value = String> {
    vec(prop_oneof![Just(" "), Just("\n"), Just(","), Just("\t"), Just("# }{)(\" \n"), Just("\r\n")], 1..4)
        .prop_map(|parts| parts.concat())
}

/// Pieces of GraphQL in no order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{", "}", "[", "]", "(", ")", "\"", "\"\"\"", "\\", "\\\"\"\"", "#", "\n", "\r", "...", "@", "$",
        ":", "!", "=", "|", "&", "a", "on", "query", "mutation", "fragment", "true", "null", "1", "-1",
        "1.5e3", ",", " ", "é", "\u{feff}", "\u{0}", "__schema",
    ]);
    vec(pieces, 0..300).prop_map(|pieces| pieces.concat())
}

/// Limits that a document with these counts just meets.
fn exact(counts: &Counts) -> DocumentLimits {
    DocumentLimits {
        bytes: usize::MAX,
        tokens: usize::MAX,
        nesting: counts.brackets,
        depth: counts.depth,
        selections: counts.fields,
        aliases: counts.aliases,
        directives: counts.directives,
        ..DocumentLimits::default()
    }
}

/// The code of the refusal of a text.
fn refused(text: &str, limits: DocumentLimits) -> Option<&'static str> {
    check_text(text, limits).err().map(|refusal| refusal.code)
}

proptest! {
    #[test]
    fn any_text_is_a_document_or_a_refusal(text in prop_oneof![any::<String>(), soup()]) {
        // Commas mean nothing, but the parser stumbles over some.
        let parsed = Document::parse(&text, "").is_ok() || text.contains(',');
        match refused(&text, DocumentLimits::default()) {
            None => prop_assert!(parsed),
            Some(code::GRAPHQL_PARSE_FAILED) => prop_assert!(!parsed || text.contains(',')),
            Some(_) => {}
        }
    }

    #[test]
    fn brackets_are_never_counted_too_few(depth in 1..40_usize, noise in noise()) {
        let limits = DocumentLimits { nesting: depth, ..DocumentLimits::default() };
        let nested = |depth: usize| format!("{}{}", format!("{{{noise}a").repeat(depth), "}".repeat(depth));
        let limits = DocumentLimits { depth: 100, ..limits };
        prop_assert_eq!(refused(&nested(depth), limits), None);
        prop_assert_eq!(refused(&nested(depth + 1), limits), Some(code::LIMITE_PROFUNDIDADE));
    }

    #[test]
    fn what_is_counted_is_what_is_there(fields in vec(field(), 1..4), noise in noise()) {
        let (mut text, mut counts) = ("{".to_owned(), Counts::default());
        for field in &fields {
            field.write(&mut text, &noise);
            field.count(1, 1, &mut counts);
        }
        text.push('}');
        let get = |limits| refused(&text, limits);
        prop_assert_eq!(get(exact(&counts)), None, "{}", text);
        let less = |change: fn(&mut DocumentLimits)| {
            let mut limits = exact(&counts);
            change(&mut limits);
            get(limits)
        };
        if counts.depth > 1 {
            prop_assert_eq!(less(|limits| limits.nesting = limits.depth - 1), Some(code::LIMITE_PROFUNDIDADE));
        }
        prop_assert_eq!(less(|limits| limits.depth -= 1), Some(code::LIMITE_PROFUNDIDADE));
        prop_assert_eq!(less(|limits| limits.selections -= 1), Some(code::LIMITE_CUSTO));
        if counts.aliases > 0 {
            prop_assert_eq!(less(|limits| limits.aliases -= 1), Some(code::LIMITE_ALIASES));
        }
        if counts.directives > 0 {
            prop_assert_eq!(less(|limits| limits.directives -= 1), Some(code::LIMITE_DIRETIVAS));
        }
    }

    #[test]
    fn any_authorization_is_credentials_or_malformed(header in vec(any::<u8>(), 0..2000)) {
        for header in [header.clone(), [b"Basic ", &header[..]].concat()] {
            match credentials(&header) {
                Err(denied) => prop_assert_eq!(denied, Denied::Malformed),
                Ok((nome, password)) => {
                    let again = STANDARD.encode([nome.as_bytes(), b":", &password].concat());
                    prop_assert_eq!(again.as_bytes(), header[6..].trim_ascii());
                }
            }
        }
    }

    #[test]
    fn credentials_come_out_as_they_went_in_and_names_in_their_normal_form(
        nome in "[^:]{0,40}",
        password in vec(any::<u8>(), 0..200),
        upper in any::<bool>(),
    ) {
        let scheme = if upper { "BASIC" } else { "basic" };
        let encoded = STANDARD.encode([nome.as_bytes(), b":", &password].concat());
        let came_out = credentials(format!("{scheme} {encoded}").as_bytes());
        prop_assert_eq!(came_out, Ok((nfc(nome), password)));
    }

    #[test]
    fn what_is_longer_than_any_login_is_not_read(length in 760..20_000_usize) {
        let header = format!("Basic {}", STANDARD.encode(format!("ana:{}", "x".repeat(length))));
        prop_assert!(header.len() > 1024);
        prop_assert_eq!(credentials(header.as_bytes()), Err(Denied::Malformed));
    }
}
