//! Any bytes are credentials, and then they are what was encoded, or malformed.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use quarteto::auth::{Denied, credentials};

fuzz_target!(|header: &[u8]| {
    match credentials(header) {
        Err(denied) => assert_eq!(denied, Denied::Malformed),
        Ok((nome, password)) => {
            let again = STANDARD.encode([nome.as_bytes(), b":", &password].concat());
            assert_eq!(again.as_bytes(), header[6..].trim_ascii());
        }
    }
});
