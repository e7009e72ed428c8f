//! Where log lines go and how they look.

use std::io::IsTerminal as _;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{Log, LogFormat};

/// Writes what is still in the buffer when dropped.
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Starts logging to standard error, from a thread of its own so that a slow
/// terminal does not slow a query.
///
/// # Errors
/// A sentence when the filter cannot be read.
pub fn start(log: &Log) -> Result<LogGuard, String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        format!("log.filter `{}` cannot be read: {error}; try `info` or `quarteto=debug`", log.filter)
    })?;
    // Whatever waits is written at once, and then flushed: under load one call of
    // the system for many lines.
    let stderr = std::io::BufWriter::with_capacity(64 << 10, std::io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = match log.format {
        LogFormat::Pretty => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map_err(|error| error.to_string())?;
    Ok(LogGuard(guard))
}
