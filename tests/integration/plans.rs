//! How many rows the server reads for a listing: no more than the answer needs,
//! however large the table is. The server counts them, by index.

use quarteto::db::{PerStore, Store, connect};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use crate::support::server::Server;
use crate::support::shop::sql;
use crate::support::{TestApp, json};

/// A purchase an hour, from 2015 on; the oldest have the smallest ids.
const PURCHASES: &str = "\
INSERT INTO `inventario` (`id_cliente`, `id_produto`, `quantidade`, `preco_unitario`, `adquirido_em`)
WITH `digit` (`d`) AS (
    SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)
SELECT `n` % 500 + 1, `n` % 90 + 1, 1, 10.00, '2015-01-01' + INTERVAL `n` HOUR
FROM (SELECT `a`.`d` + 10 * `b`.`d` + 100 * `c`.`d` + 1000 * `e`.`d` + 10000 * `f`.`d` AS `n`
      FROM `digit` `a`, `digit` `b`, `digit` `c`, `digit` `e`, `digit` `f` WHERE `f`.`d` < 3) AS `numbers`
ORDER BY `n`";

/// Rows that have been read of the purchases so far, by the index that led to them.
async fn rows_read(mysql: &mut MySqlConnection, database: &str) -> Vec<(String, u64)> {
    let (version,): (String,) =
        sqlx::query_as("SELECT VERSION()").fetch_one(&mut *mysql).await.expect("read");
    let counts = if version.contains("MariaDB") {
        "SELECT CAST(index_name AS CHAR), CAST(rows_read AS UNSIGNED) FROM information_schema.index_statistics \
         WHERE table_schema = ? AND table_name = 'inventario'"
    } else {
        "SELECT index_name, count_fetch FROM performance_schema.table_io_waits_summary_by_index_usage \
         WHERE object_schema = ? AND object_name = 'inventario' AND index_name IS NOT NULL"
    };
    let rows = sqlx::query_as(counts).bind(database).fetch_all(mysql).await;
    rows.expect("the server counts what it reads")
}

/// A connection to look at the counts with, and the shop with many purchases.
async fn counted() -> (MySqlConnection, PerStore<String>) {
    let server = Server::shared().await;
    let databases = server.databases().await;
    sql(&databases, Store::Inventario, PURCHASES).await;
    sql(&databases, Store::Inventario, "ANALYZE TABLE `inventario`").await;
    let options = server.options(Store::Inventario, &databases[Store::Inventario]);
    let mut mysql = connect(&options, None).await.expect("a connection").into_mysql();
    // MariaDB counts only when it is told to; MySQL always does.
    let _ = sqlx::raw_sql(AssertSqlSafe("SET GLOBAL userstat = 1")).execute(&mut mysql).await;
    (mysql, databases)
}

fn total(counts: &[(String, u64)]) -> u64 {
    counts.iter().map(|(_, rows)| rows).sum()
}

#[tokio::test]
async fn a_range_of_moments_reads_the_purchases_in_it_and_no_others() {
    let (mut mysql, databases) = counted().await;
    let database = &databases[Store::Inventario];
    let app = TestApp::over(&databases).await;
    let query = "query($f: CompraFiltro) { compras(filtro: $f) { nodes { id } } }";
    let counted = "query($f: CompraFiltro) { compras(filtro: $f, first: 1) { total } }";
    // The rows of the range, a few times over: the harness asks in two ways, and some
    // are read once more to put them in order. The table has 30,000.
    for (query, filter, most) in [
        (query, json!({ "ate": "1990-01-01T00:00:00Z" }), 2),
        (query, json!({ "de": "2999-01-01T00:00:00Z" }), 2),
        (query, json!({ "de": "2015-01-01T00:00:00Z", "ate": "2015-01-03T00:00:00Z" }), 200),
        (query, json!({ "de": "2016-05-01T00:00:00Z", "ate": "2016-05-03T00:00:00Z" }), 200),
        (query, json!({ "de": "2018-05-01T00:00:00Z" }), 200),
        (query, json!({ "cliente": "7" }), 200),
        (query, json!({ "produto": "7" }), 200),
        (query, json!({ "cliente": "7", "de": "2016-05-01T00:00:00Z" }), 200),
        (query, json!({ "cliente": "99999" }), 2),
        (counted, json!({ "ate": "2015-01-05T00:00:00Z" }), 400),
    ] {
        let before = total(&rows_read(&mut mysql, database).await);
        let answer = app.ask_with(query, json!({ "f": filter })).await;
        assert_eq!(answer.json.get("errors"), None, "{filter}");
        let after = rows_read(&mut mysql, database).await;
        let read = total(&after) - before;
        assert!(read <= most, "{read} rows for {filter}: {after:?}");
    }
}
