//! Accesses: what of them is nowhere any more.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType::Counter;

use crate::stores::acessos::Acessos;

#[derive(Debug)]
pub(super) struct Accesses(pub Acessos);

impl Collector for Accesses {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Operations that were counted and could not be kept.";
        encoder
            .encode_descriptor("accesses_lost", help, None, Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&self.0.lost().chamadas, None)
    }
}
