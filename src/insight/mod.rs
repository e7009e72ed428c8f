//! Seeing what happens: the log, the line that every operation leaves, what a
//! request may learn about itself, and the numbers of `/metrics`.
//!
//! The spans nest: `request` (HTTP) → `operation` (GraphQL) → `batch` (a
//! loader) → `statement` (SQL), and for what writes `transaction` → `statement`. The first is
//! always there, with the request's id; the others appear with `QUARTETO_LOG=debug`, and where
//! a collector takes them ([`traces`]). A batch that serves several requests follows from the
//! operation of each.

mod json_lines;
mod log;
mod metrics;
mod repeats;
mod report;
mod traced_lines;
pub mod traces;

pub use log::{LogGuard, start};
pub use metrics::{Format, Metrics};
pub use repeats::Repeats;
pub use report::{Operation, report, statements};
