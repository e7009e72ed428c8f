//! Where log lines go and how they look.

use std::io::{self, BufWriter, IsTerminal as _, Stderr, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FmtSpan, JsonFields};

use super::json_lines::JsonLines;
use crate::config::{Log, LogFormat};

/// Writes what is still in the buffer when dropped.
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Lines that found no room to wait in.
static CROWDED: OnceLock<ErrorCounter> = OnceLock::new();

/// Writes that failed, as on a full disk: at least a line each.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// How many lines were lost: there were too many at once, or they could not be written.
#[must_use]
pub fn lost_lines() -> u64 {
    let crowded = CROWDED.get().map_or(0, ErrorCounter::dropped_lines);
    UNWRITTEN.load(Ordering::Relaxed).saturating_add(crowded as u64)
}

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
    let stderr = BufWriter::with_capacity(64 << 10, Counted(io::stderr()));
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr);
    let _ = CROWDED.set(writer.error_counter());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = match log.format {
        LogFormat::Pretty => builder.with_ansi(has_colours()).try_init(),
        LogFormat::Json => builder.fmt_fields(JsonFields::new()).event_format(JsonLines).try_init(),
    };
    started.map_err(|error| error.to_string())?;
    Ok(LogGuard(guard))
}

/// At a terminal, unless the person there wants none (no-color.org).
fn has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty())
}

/// Counts what could not be written, which nobody else hears of.
struct Counted(Stderr);

impl Counted {
    fn counted<T>(written: io::Result<T>) -> io::Result<T> {
        written.inspect_err(|_| {
            UNWRITTEN.fetch_add(1, Ordering::Relaxed);
        })
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::counted(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::counted(self.0.flush())
    }
}
