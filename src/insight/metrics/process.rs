//! The program as the system sees it, under the names that all programs use.
//! Only where there is a `/proc`.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType::Counter;
use prometheus_client::registry::Registry;

use crate::insight::log::lost_lines;
use crate::insight::traces::lost_spans;

/// Lines of the log that nobody will read.
#[derive(Debug)]
pub(super) struct LostLines;

impl Collector for LostLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "log_lines_lost",
                "Lines of the log that could not be written.",
                None,
                Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&lost_lines(), None)
    }
}

/// Spans that nobody will see.
#[derive(Debug)]
pub(super) struct LostSpans;

impl Collector for LostSpans {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "trace_spans_lost",
                "Spans that found no room, or no collector.",
                None,
                Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&lost_spans(), None)
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(linux::ThisProcess));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::process::{LimitValue, Process, Stat};
    use procfs::{ProcResult, WithCurrentSystemInfo as _, boot_time_secs, ticks_per_second};
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
    use prometheus_client::metrics::MetricType::{Counter, Gauge};

    #[derive(Debug)]
    pub(super) struct ThisProcess;

    impl Collector for ThisProcess {
        /// Says nothing where the system does not.
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let Ok((stat, files, booted)) = read() else { return Ok(()) };
            let ticks = ticks_per_second();
            #[expect(clippy::cast_precision_loss, reason = "2⁵³ ticks are a million years")]
            let seconds = |count: u64| count as f64 / ticks as f64;
            encoder
                .encode_descriptor("process_cpu_seconds", "CPU time.", None, Counter)?
                .encode_counter::<NoLabelSet, _, u64>(&seconds(stat.utime + stat.stime), None)?;
            encoder
                .encode_descriptor("process_resident_memory_bytes", "Memory.", None, Gauge)?
                .encode_gauge(&stat.rss_bytes().get())?;
            encoder
                .encode_descriptor("process_open_fds", "Open files and sockets.", None, Gauge)?
                .encode_gauge(&files.open)?;
            // Without a limit there is nothing to come near to.
            if let LimitValue::Value(most) = files.most {
                encoder
                    .encode_descriptor("process_max_fds", "How many of them there may be.", None, Gauge)?
                    .encode_gauge(&most)?;
            }
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
            let started = booted as f64 + seconds(stat.starttime);
            encoder
                .encode_descriptor("process_start_time_seconds", "When it was started.", None, Gauge)?
                .encode_gauge(&started)
        }
    }

    /// Open files and sockets.
    struct Files {
        open: usize,
        most: LimitValue,
    }

    fn read() -> ProcResult<(Stat, Files, u64)> {
        let this = Process::myself()?;
        let files = Files { open: this.fd_count()?, most: this.limits()?.max_open_files.soft_limit };
        Ok((this.stat()?, files, boot_time_secs()?))
    }
}
