//! Points at which a test may stop the program, as a loss of power would, or do
//! something that another program could do just then.
//!
//! With the feature `failpoints`, `FAILPOINTS='removal::leased=return'` aborts at
//! that point, and `fail::cfg_callback` runs something there. Without it nothing of
//! this is left.

/// The program is at the point `place::step`.
#[cfg(feature = "failpoints")]
pub fn reach(place: &str, step: &str) {
    let name = format!("{place}::{step}");
    fail::fail_point!(&name, |_| std::process::abort());
}

/// The program is at the point `place::step`.
#[cfg(not(feature = "failpoints"))]
pub const fn reach(_place: &str, _step: &str) {}
