//! Points at which a test may stop the program, as a loss of power would.
//!
//! With the feature `failpoints`, `FAILPOINTS='removal::leased=return'` aborts at
//! that point. Without it nothing of this is left.

/// The program is at the point `place::step`.
#[cfg(feature = "failpoints")]
pub fn reach(place: &str, step: &str) {
    let name = format!("{place}::{step}");
    fail::fail_point!(&name, |_| std::process::abort());
}

/// The program is at the point `place::step`.
#[cfg(not(feature = "failpoints"))]
pub const fn reach(_place: &str, _step: &str) {}
