//! Who is asked how often: a bounded number of names, first come, first kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;

use super::count;

/// A client chooses names, and each costs memory here and in the monitoring
/// system.
const MOST_NAMES: usize = 100;

/// What all other names are counted as. No name of GraphQL has parentheses.
const OTHERS: &str = "(other)";

/// Counts operations by their names.
#[derive(Debug, Default)]
pub(super) struct Named {
    known: RwLock<HashMap<String, Count>>,
    others: Count,
}

#[derive(Debug, Default)]
struct Count {
    operations: Counter,
    micros: Counter,
}

impl Count {
    fn add(&self, duration: Duration) {
        self.operations.inc();
        self.micros.inc_by(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Named {
    pub(super) fn count(&self, name: &str, duration: Duration) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = known.get(name) {
            return count.add(duration);
        }
        if known.len() >= MOST_NAMES {
            return self.others.add(duration);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_NAMES && !known.contains_key(name) {
            return self.others.add(duration);
        }
        known.entry(name.to_owned()).or_default().add(duration);
    }

    fn each(&self, mut visit: impl FnMut(&str, &Count) -> fmt::Result) -> fmt::Result {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().try_for_each(|(name, count)| visit(name, count))?;
        visit(OTHERS, &self.others)
    }
}

impl Collector for Named {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Operations by their names, as long as these are few.";
        let mut family = encoder.encode_descriptor("operations_by_name", help, None, MetricType::Counter)?;
        self.each(|name, of| count(&mut family, &[("operation", name)], &of.operations.get()))?;
        let help = "Time spent on operations, by their names.";
        let mut family =
            encoder.encode_descriptor("operations_by_name_seconds", help, None, MetricType::Counter)?;
        self.each(|name, of| {
            let seconds = Duration::from_micros(of.micros.get()).as_secs_f64();
            count(&mut family, &[("operation", name)], &seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_nothing_is_lost() {
        let named = Named::default();
        for number in 0..300 {
            named.count(&format!("Q{number}"), Duration::from_millis(2));
        }
        named.count("Q7", Duration::from_millis(2));
        let mut counts = HashMap::new();
        named
            .each(|name, count| {
                counts.insert(name.to_owned(), (count.operations.get(), count.micros.get()));
                Ok(())
            })
            .expect("visited");
        assert_eq!(counts.len(), 101);
        assert_eq!(counts["Q7"], (2, 4_000));
        assert_eq!(counts["Q99"], (1, 2_000));
        assert_eq!(counts[OTHERS], (200, 400_000));
    }
}
