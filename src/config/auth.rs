//! Login.

use std::path::{Path, PathBuf};

use super::setting::section;

section! {
    /// Login.
    Auth in "auth" {
        users_file: PathBuf = PathBuf::new(), text, "QUARTETO_USERS_FILE",
            "The users file, `nome:hash:papel` a line; `users` in the data folder when empty.";
    }
}

impl Auth {
    /// The users file.
    #[must_use]
    pub fn users_file(&self, data_dir: &Path) -> PathBuf {
        if self.users_file.as_os_str().is_empty() { data_dir.join("users") } else { self.users_file.clone() }
    }
}
