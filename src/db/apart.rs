//! Whether four stores are four databases: proved on the servers, since one place has many
//! names and two places may have the same.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

use super::connection::CONNECT_PATIENCE;
use super::{PerStore, Store, connect};

/// What a node of Galera says while it belongs to no cluster.
const NO_CLUSTER: &str = "00000000-0000-0000-0000-000000000000";

/// Two stores that are one database, if there are any: whatever is written to one would be
/// in the other. Stores that do not answer are passed over: for as long as is waited here,
/// whoever writes waits for them, too.
pub async fn not_apart(stores: &PerStore<MySqlConnectOptions>) -> Option<(Store, Store)> {
    let token = Uuid::now_v7().simple().to_string();
    let asked = stores.iter().map(|(store, options)| within(Witness::call(store, options, &token)));
    let mut witnesses: Vec<Witness> = join_all(asked).await.into_iter().flatten().collect();
    let found = first_pair(&mut witnesses).await;
    // Politely, and no longer than need be: the locks end with the connections.
    let farewells = witnesses.into_iter().map(|witness| within(witness.mysql.close()));
    join_all(farewells).await;
    found
}

async fn first_pair(witnesses: &mut [Witness]) -> Option<(Store, Store)> {
    for later in 1..witnesses.len() {
        let (before, after) = witnesses.split_at_mut(later);
        for other in before {
            if after[0].is_where(other).await {
                return Some((other.store, after[0].store));
            }
        }
    }
    None
}

/// What comes of asking a server, if anything does in time.
async fn within<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Option<T> {
    let limit: Duration = CONNECT_PATIENCE;
    tokio::time::timeout(limit, asked).await.ok().and_then(Result::ok)
}

/// A connection to a store that holds a lock by a name that nobody else can know: whoever
/// sees the lock is on the same server.
struct Witness {
    store: Store,
    mysql: MySqlConnection,
    /// The database, as the server tells names apart.
    database: String,
    /// The cluster whose data this is, when it is of one.
    cluster: Option<String>,
    lock: String,
}

impl Witness {
    async fn call(store: Store, options: &MySqlConnectOptions, token: &str) -> Result<Self, sqlx::Error> {
        let mut mysql = connect(options, None).await?.into_mysql();
        let database = sqlx::query_scalar(
            "SELECT CAST(IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE())) AS CHAR)",
        )
        .fetch_one(&mut mysql)
        .await?;
        let cluster = cluster(&mut mysql).await?;
        let lock = format!("quarteto.{token}.{store}");
        // Some clusters refuse such locks; they are told by their name.
        let _ = sqlx::query("DO GET_LOCK(?, 0)").bind(&lock).execute(&mut mysql).await;
        Ok(Self { store, mysql, database, cluster, lock })
    }

    /// Whether the other's database is this one.
    async fn is_where(&mut self, other: &Self) -> bool {
        if self.database != other.database {
            return false;
        }
        self.cluster.is_some() && self.cluster == other.cluster
            || within(self.sees(&other.lock)).await == Some(true)
    }

    async fn sees(&mut self, lock: &str) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT IS_USED_LOCK(?) IS NOT NULL").bind(lock).fetch_one(&mut self.mysql).await
    }
}

/// The name of the data that the nodes of a Galera cluster share, which no other has. A server
/// without one knows no such variable, or has nothing in it.
async fn cluster(mysql: &mut MySqlConnection) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid'").fetch_optional(mysql).await?;
    let name: Option<String> = row.map(|row| row.try_get(1)).transpose()?;
    Ok(name.filter(|name| !name.is_empty() && name != NO_CLUSTER))
}
