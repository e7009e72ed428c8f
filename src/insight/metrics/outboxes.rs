//! The outboxes: how they stood at the worker's last look, and what it has done.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType::{Counter, Gauge};

use super::{count, gauge};
use crate::db::Store;
use crate::removal::{Removals, Step};
use crate::writes::outbox::Standing;

#[derive(Debug)]
pub(super) struct Outboxes(pub Arc<Removals>);

impl Collector for Outboxes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let help = "Removals that are not done in all stores yet.";
        self.seen(encoder, "outbox_open", help, |_, standing| standing.open)?;
        let help = "Removals that wait for a person, see `quarteto check`.";
        self.seen(encoder, "outbox_parked", help, |_, standing| standing.parked)?;
        let help = "How long ago the oldest open removal was asked for.";
        self.seen(encoder, "outbox_oldest_age_seconds", help, |_, standing| {
            Duration::from_micros(standing.oldest_micros).as_secs_f64()
        })?;
        let help = "When the outbox was last counted.";
        self.seen(encoder, "outbox_looked_timestamp_seconds", help, |looked, _| {
            looked.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
        })?;
        self.work(encoder)
    }
}

impl Outboxes {
    /// A store whose outbox was never seen has no value.
    fn seen<V: EncodeGaugeValue>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: impl Fn(SystemTime, Standing) -> V,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, Gauge)?;
        for store in Store::ALL {
            if let Some((looked, standing)) = self.0.standings().standing(store) {
                gauge(&mut family, &[("store", store.name())], &value(looked, standing))?;
            }
        }
        Ok(())
    }

    fn work(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let watch = self.0.standings();
        let help = "How removals were left after this program worked on them.";
        let mut family = encoder.encode_descriptor("outbox_steps", help, None, Counter)?;
        for step in Step::ALL {
            count(&mut family, &[("outcome", step.name())], &watch.steps(step))?;
        }
        let help = "Records of finished writes that were deleted for their age.";
        let mut family = encoder.encode_descriptor("idempotency_records_purged", help, None, Counter)?;
        for store in Store::ALL {
            count(&mut family, &[("store", store.name())], &watch.purged(store))?;
        }
        Ok(())
    }
}
