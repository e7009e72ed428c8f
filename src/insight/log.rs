//! Where log lines go and how they look.

use std::io::{self, BufWriter, IsTerminal as _, Stderr, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::{FmtSpan, JsonFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use super::json_lines::JsonLines;
use super::traced_lines::TracedLines;
use super::traces::Traces;
use crate::config::{Log, LogFormat, Telemetry};

/// Hands over the last traces and writes what is still in the buffer when dropped, in
/// this order.
pub struct LogGuard {
    _traces: Option<Traces>,
    _written: WorkerGuard,
}

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
/// terminal does not slow a query; and traces, where they are asked for.
///
/// # Errors
/// A sentence when the filter cannot be read, or the collector's setting.
pub fn start(log: &Log, telemetry: Option<&Telemetry>) -> Result<LogGuard, String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        format!("log.filter `{}` cannot be read: {error}; try `info` or `quarteto=debug`", log.filter)
    })?;
    let traces = telemetry.map(Traces::start).transpose()?.flatten();
    // Whatever waits is written at once, and then flushed: under load one call of
    // the system for many lines.
    let stderr = BufWriter::with_capacity(64 << 10, Counted(io::stderr()));
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr);
    let _ = CROWDED.set(writer.error_counter());
    match &traces {
        None => untraced(log.format, filter, writer),
        Some(traces) => traced(log.format, filter, writer, traces),
    }
    .map_err(|error| error.to_string())?;
    Ok(LogGuard { _traces: traces, _written: guard })
}

/// The filter is everybody's: what the log does not show is not even made.
fn untraced(format: LogFormat, filter: EnvFilter, writer: NonBlocking) -> Result<(), TryInitError> {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let all = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Pretty => all.with(lines.with_ansi(has_colours())).try_init(),
        LogFormat::Json => {
            all.with(lines.fmt_fields(JsonFields::new()).event_format(JsonLines::default())).try_init()
        }
    }
}

/// The filter is the log's alone.
fn traced(
    format: LogFormat,
    filter: EnvFilter,
    writer: NonBlocking,
    traces: &Traces,
) -> Result<(), TryInitError> {
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_span_events(FmtSpan::NONE);
    let all = tracing_subscriber::registry().with(traces.layer());
    match format {
        LogFormat::Pretty => {
            let colours = has_colours();
            let lines = lines.with_ansi(colours).event_format(TracedLines::new(traces.ids(), colours));
            all.with(lines.with_filter(filter)).try_init()
        }
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(JsonLines::with(traces.ids()));
            all.with(lines.with_filter(filter)).try_init()
        }
    }
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
