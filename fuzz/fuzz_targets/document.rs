//! Any text is a document, and then the parser says so too, or a refusal.

#![no_main]

use async_graphql::parser::parse_query;
use libfuzzer_sys::fuzz_target;
use quarteto::graph::documents::{DocumentLimits, Documents, Refusal};

fuzz_target!(|text: &str| {
    match Documents::new(DocumentLimits::default()).get(text) {
        Ok(_) => assert!(parse_query(text).is_ok()),
        Err(Refusal::Unparsable(..)) => assert!(parse_query(text).is_err()),
        Err(_) => {}
    }
});
