//! Whether four stores are four databases: asked of the servers, since one place has many
//! names.
//!
//! Two connections lead to one server when a lock that one of them holds is seen by the
//! other: names of hosts, ports and folders may be equal on two machines. Two nodes of a
//! Galera cluster hold the same databases and no lock in common; they share the name of
//! their cluster.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::Row as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};

use super::{PerStore, Store, connect};

/// A store that does not answer within this is not asked: nothing is written to it either.
/// As long as a migration waits for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A store as it was found.
struct Place {
    store: Store,
    mysql: MySqlConnection,
    /// The lock that this connection holds.
    lock: String,
    /// The database's name, as the server tells names apart.
    database: String,
    /// The name of the Galera cluster, where there is one.
    cluster: Option<String>,
}

/// Two stores that are one database, if there are any: whatever is written to one would be
/// in the other. Stores that do not answer are passed over.
pub async fn not_apart(stores: &PerStore<MySqlConnectOptions>) -> Option<(Store, Store)> {
    let found = stores.iter().map(|(store, options)| async move {
        tokio::time::timeout(PATIENCE, Place::find(store, options)).await.ok().and_then(Result::ok)
    });
    let mut seen: Vec<Place> = Vec::new();
    for mut place in join_all(found).await.into_iter().flatten() {
        for other in &seen {
            if place.is(other).await {
                return Some((other.store, place.store));
            }
        }
        seen.push(place);
    }
    None
}

impl Place {
    async fn find(store: Store, options: &MySqlConnectOptions) -> Result<Self, sqlx::Error> {
        let mut mysql = connect(options, None).await?.into_mysql();
        let lock = format!("quarteto.apart.{}", uuid::Uuid::now_v7().simple());
        let database = sqlx::query_scalar(
            "SELECT CAST(CONCAT(IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE())), \
             IF(GET_LOCK(?, 0) = 1, '', '?')) AS CHAR)",
        )
        .bind(&lock)
        .fetch_one(&mut mysql)
        .await?;
        let cluster =
            sqlx::query("SHOW STATUS LIKE 'wsrep_cluster_state_uuid'").fetch_optional(&mut mysql).await?;
        let cluster =
            cluster.and_then(|row| row.try_get::<String, _>(1).ok()).filter(|name| !name.is_empty());
        Ok(Self { store, mysql, lock, database, cluster })
    }

    /// Whether this is the database of `other`. One that does not answer any more is not.
    async fn is(&mut self, other: &Self) -> bool {
        if self.database != other.database {
            return false;
        }
        if self.cluster.is_some() && self.cluster == other.cluster {
            return true;
        }
        let seen = sqlx::query_scalar("SELECT IS_USED_LOCK(?) IS NOT NULL").bind(&other.lock);
        let seen = tokio::time::timeout(PATIENCE, seen.fetch_one(&mut self.mysql)).await;
        matches!(seen, Ok(Ok(true)))
    }
}
