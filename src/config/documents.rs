//! The operations that are trusted.

use std::path::PathBuf;

use super::ConfigError;
use super::setting::section;
use crate::operation::trusted::TrustMode;

section! {
    /// The operations that are trusted.
    Documents in "documents" {
        pub path: PathBuf = PathBuf::new(), text, "QUARTETO_DOCUMENTS",
            "Trusted documents: a folder of .graphql files, or the manifest of Relay or Apollo (JSON).";
        pub mode: TrustMode = TrustMode::Off, text, "QUARTETO_DOCUMENTS_MODE",
            "Documents that are not trusted are executed with `off`, and logged with `log-unknown`; `enforce` refuses them to all but ADMIN.";
    }
}

impl Documents {
    /// The rules that tie settings together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.mode == TrustMode::Off || !self.path.as_os_str().is_empty() {
            return Ok(());
        }
        let rule = "documents.mode needs documents.path: the folder or the manifest of the trusted documents";
        Err(ConfigError(rule.into()))
    }
}
