//! The log.

use serde::{Deserialize, Serialize};

use super::setting::section;

section! {
    /// The log.
    Log in "log" {
        pub filter: String = "info".into(), text, "QUARTETO_LOG",
            "What to log: info, debug, quarteto::db=debug, …";
        pub format: LogFormat = LogFormat::Pretty, text, "QUARTETO_LOG_FORMAT",
            "`pretty` for people, `json` for machines.";
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}
