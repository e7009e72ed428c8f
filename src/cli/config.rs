//! `quarteto config`.

use std::process::ExitCode;

use crate::config::Loaded;

/// Every setting: key, value, source; then what it means and its variable.
pub(super) fn run(loaded: &Loaded) -> ExitCode {
    let mut text = String::new();
    for (setting, value, source) in loaded.describe() {
        let shown = if value.is_empty() { "(empty)" } else { &value };
        text.push_str(&format!(
            "{} = {shown}\n    from {source}; {}; {}\n",
            setting.key, setting.variable, setting.meaning
        ));
    }
    super::print(&text)
}
