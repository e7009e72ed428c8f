//! Whether four stores are four databases: asked of the servers, since one place has many
//! names.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::mysql::MySqlConnectOptions;

use super::{PerStore, Store, connect};

/// A store that does not answer within this is not asked: nothing is written to it either.
const PATIENCE: Duration = Duration::from_secs(2);

/// Two stores that are one database, if there are any: whatever is written to one would be
/// in the other. Stores that do not answer are passed over.
pub async fn not_apart(stores: &PerStore<MySqlConnectOptions>) -> Option<(Store, Store)> {
    let places = stores.iter().map(|(store, options)| async move {
        let asked = tokio::time::timeout(PATIENCE, place(options)).await;
        asked.ok().and_then(Result::ok).map(|place| (store, place))
    });
    let mut seen: Vec<(Store, String)> = Vec::new();
    for (store, place) in join_all(places).await.into_iter().flatten() {
        if let Some((other, _)) = seen.iter().find(|(_, there)| *there == place) {
            return Some((*other, store));
        }
        seen.push((store, place));
    }
    None
}

/// What names a database whatever the way to it: the server's own name, port and folder, and
/// the database's name as the server tells names apart.
async fn place(options: &MySqlConnectOptions) -> Result<String, sqlx::Error> {
    let mut mysql = connect(options, None).await?.into_mysql();
    sqlx::query_scalar(
        "SELECT CAST(CONCAT_WS('|', @@hostname, @@port, @@datadir, \
         IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE()))) AS CHAR)",
    )
    .fetch_one(&mut mysql)
    .await
}
