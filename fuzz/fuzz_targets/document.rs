//! Any text is a document, and then the parser says so too, or a refusal.

#![no_main]

use apollo_compiler::ast::Document;
use libfuzzer_sys::fuzz_target;
use quarteto::kernel::code;
use quarteto::operation::{DocumentLimits, check_text};

fuzz_target!(|text: &str| {
    match check_text(text, DocumentLimits::default()).map_err(|refusal| refusal.code) {
        Ok(()) => assert!(Document::parse(text, "").is_ok()),
        Err(code::GRAPHQL_PARSE_FAILED) => assert!(Document::parse(text, "").is_err()),
        Err(_) => {}
    }
});
