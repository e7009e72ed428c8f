//! The stores: what they were asked, and how their connections and circuits are.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType::{Counter, Gauge, Histogram};

use super::{count, gauge};
use crate::db::{AnyStore, Db, ReplicaState};
use crate::stores::acessos::Acessos;

#[derive(Debug)]
pub(super) struct Stores(Vec<(AnyStore, Db)>);

impl Collector for Stores {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.statements(&mut encoder)?;
        self.connections(&mut encoder)?;
        self.replicas(&mut encoder)
    }
}

impl Stores {
    /// The four, and that of accesses where it has one.
    pub(super) fn of(acessos: &Acessos) -> Self {
        let four = acessos.stores().iter().map(|(store, db)| (store.into(), db.clone()));
        Self(four.chain(acessos.db().map(|db| (AnyStore::Acessos, db.clone()))).collect())
    }

    fn statements(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "SQL statements by store and by what came of them.";
        let mut family = encoder.encode_descriptor("statements", help, None, Counter)?;
        for (store, db) in &self.0 {
            for (outcome, number) in db.usage().outcomes() {
                count(&mut family, &[("store", store.name()), ("outcome", outcome)], &number)?;
            }
        }
        let help = "From asking for a connection to the last row.";
        let mut family = encoder.encode_descriptor("statement_duration_seconds", help, None, Histogram)?;
        for (store, db) in &self.0 {
            db.usage().duration().encode(family.encode_family(&[("store", store.name())])?)?;
        }
        self.counter(encoder, "statement_rows", "Rows read or changed.", |db| db.usage().rows())?;
        let help = "Uses of a store that were refused because its circuit was open.";
        self.counter(encoder, "statements_refused", help, |db| db.usage().refused())
    }

    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Open connections, by what they do.";
        let mut family = encoder.encode_descriptor("pool_connections", help, None, Gauge)?;
        for (store, db) in &self.0 {
            let connections = db.connections();
            for (state, number) in [("idle", connections.idle), ("used", connections.used)] {
                gauge(&mut family, &[("store", store.name()), ("state", state)], &number)?;
            }
        }
        self.gauge(encoder, "pool_connections_max", "How many connections there may be.", |db| {
            db.connections().most
        })?;
        self.gauge(encoder, "pool_waiting", "Statements that wait for a connection.", |db| {
            db.connections().waiting
        })?;
        self.gauge(encoder, "circuit_open", "1 while the store is left alone after failures.", |db| {
            usize::from(db.resting_because().is_some())
        })
    }

    fn replicas(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let all = || self.0.iter().flat_map(|(store, db)| db.replicas().map(|one| (store.name(), one)));
        let help = "Reads that replicas were asked, by what came of them.";
        let mut family = encoder.encode_descriptor("replica_statements", help, None, Counter)?;
        for (store, replica) in all() {
            for (outcome, number) in replica.usage().outcomes() {
                let labels = [("store", store), ("replica", replica.name()), ("outcome", outcome)];
                count(&mut family, &labels, &number)?;
            }
        }
        let help = "How old the data of a replica may be.";
        let mut family = encoder.encode_descriptor("replica_lag_seconds", help, None, Gauge)?;
        for (store, replica) in all() {
            let labels = [("store", store), ("replica", replica.name())];
            gauge(&mut family, &labels, &replica.lag().as_secs_f64())?;
        }
        let help = "1 while reads go to the replica.";
        let mut family = encoder.encode_descriptor("replica_fit", help, None, Gauge)?;
        for (store, replica) in all() {
            let labels = [("store", store), ("replica", replica.name())];
            gauge(&mut family, &labels, &u64::from(replica.state() == ReplicaState::Fit))?;
        }
        let help = "Open connections to replicas, by what they do.";
        let mut family = encoder.encode_descriptor("replica_connections", help, None, Gauge)?;
        for (store, replica) in all() {
            let connections = replica.connections();
            for (state, number) in [("idle", connections.idle), ("used", connections.used)] {
                let labels = [("store", store), ("replica", replica.name()), ("state", state)];
                gauge(&mut family, &labels, &number)?;
            }
        }
        Ok(())
    }

    fn counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: impl Fn(&Db) -> u64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, Counter)?;
        self.0.iter().try_for_each(|(store, db)| count(&mut family, &[("store", store.name())], &value(db)))
    }

    fn gauge(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: impl Fn(&Db) -> usize,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, Gauge)?;
        self.0.iter().try_for_each(|(store, db)| gauge(&mut family, &[("store", store.name())], &value(db)))
    }
}
