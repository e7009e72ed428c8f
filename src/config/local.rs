//! The private database and other local data.

use std::path::PathBuf;

use super::setting::section;

section! {
    /// The private database and other local data.
    Local in "local" {
        pub data_dir: PathBuf = ".quarteto".into(), text, "QUARTETO_DATA_DIR",
            "The folder of the private database and the users file.";
    }
}
