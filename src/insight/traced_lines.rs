//! Log lines for people that end with the ids of their trace.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::traces::Ids;

/// The line as it is without traces, and then `trace_id` and `span_id`.
pub(super) struct TracedLines {
    plain: Format,
    ids: Ids,
}

impl TracedLines {
    pub(super) fn new(ids: Ids, has_colours: bool) -> Self {
        Self { plain: Format::default().with_target(false).with_ansi(has_colours), ids }
    }
}

impl<S, N> FormatEvent<S, N> for TracedLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(ids) = self.ids.of(event) else { return self.plain.format_event(context, writer, event) };
        let mut line = String::new();
        self.plain.format_event(context, Writer::new(&mut line), event)?;
        write!(writer, "{}", line.trim_end_matches('\n'))?;
        for (name, id) in ids {
            write!(writer, " {name}={id}")?;
        }
        writeln!(writer)
    }
}
