//! The integration tests: the real router over a real server, one subject a
//! file. `support` is the harness.
//!
//! They start a MariaDB of their own. To run them against another server, set
//! `QUARTETO_TEST_URL` to `mysql://USER:PASSWORD@HOST:PORT` of one on which
//! databases may be made.

#![expect(clippy::expect_used, reason = "a test that cannot go on should say where")]

mod support;

mod acessos;
mod adopt;
mod answers;
mod attacks;
mod auth;
mod batching;
mod browser;
mod check;
mod clients;
mod clusters;
mod deploy;
mod deployment;
mod docs;
mod doctor;
mod documents;
mod drain;
mod endings;
mod ends;
mod faults;
mod federation;
mod filters;
mod histories;
mod http;
mod identity;
mod imports;
mod limits;
mod loaders;
mod memory;
mod metrics;
mod migrations;
mod mutations;
mod newest;
mod paging;
mod painel;
mod plans;
#[cfg(feature = "failpoints")]
mod power_loss;
mod program;
mod properties;
mod protocol;
mod races;
mod removals;
mod replicas;
mod routers;
mod schema;
mod secrets;
mod slow;
mod soak;
mod statements;
mod strangers;
mod telemetry;
mod titular;
mod tls;
mod tracing;
mod trusted;
mod walks;
