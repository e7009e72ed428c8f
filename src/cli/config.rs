//! `quarteto config`.

use std::process::ExitCode;

use crate::config::Loaded;

/// Every setting: key, value, source; then what it means and its variable.
pub(super) fn run(loaded: &Loaded) -> ExitCode {
    for (setting, value, source) in loaded.describe() {
        let shown = if value.is_empty() { "(empty)" } else { &value };
        println!("{} = {shown}\n    from {source}; {}; {}", setting.key, setting.variable, setting.meaning);
    }
    ExitCode::SUCCESS
}
