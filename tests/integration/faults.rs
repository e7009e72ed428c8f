//! Stores that are down, silent or slow: what still answers, and recovery.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use quarteto::db::{
    BreakerLimits, Db, DbLimits, End, Fault, Statement, Store, StoreError, Transaction, Work,
};
use quarteto::http::HttpLimits;
use reqwest::Method;
use tokio::sync::Notify;

use crate::support::app::send;
use crate::support::server::Server;
use crate::support::{Proxy, TestApp, Value, json, shop};

/// Patience that suits a test.
fn limits() -> DbLimits {
    DbLimits {
        connections: 4,
        acquire: Duration::from_millis(500),
        statement: Duration::from_millis(500),
        breaker: BreakerLimits { rest: Duration::from_millis(50), ..BreakerLimits::default() },
        ..DbLimits::default()
    }
}

const WALK: &str = r#"{ eu { nome }
    cliente(id: "cliente_2") { nome enderecos { cidade } compras(first: 1) { nodes { quantidade produto { nome } } } } }"#;

fn whole() -> Value {
    json!({ "eu": { "nome": "leitor" }, "cliente": { "nome": "Caio Silva",
        "enderecos": [{ "cidade": "Santo André" }, { "cidade": "São Paulo" }],
        "compras": { "nodes": [{ "quantidade": 3, "produto": { "nome": "Estante 3" } }] } } })
}

/// The answer without the store's fields.
fn without(store: Store) -> (Value, Value) {
    let mut data = whole();
    let path = match store {
        Store::Clientes => {
            data["cliente"] = Value::Null;
            json!(["cliente"])
        }
        Store::Enderecos => {
            data["cliente"]["enderecos"] = Value::Null;
            json!(["cliente", "enderecos"])
        }
        Store::Catalogo => {
            data["cliente"]["compras"]["nodes"][0]["produto"] = Value::Null;
            json!(["cliente", "compras", "nodes", 0, "produto"])
        }
        Store::Inventario => {
            data["cliente"]["compras"] = Value::Null;
            json!(["cliente", "compras"])
        }
    };
    (data, path)
}

#[tokio::test]
async fn each_store_nulls_its_own_fields_and_comes_back() {
    let mut app = TestApp::behind_proxies(limits()).await;
    assert_eq!(app.data(WALK).await, whole());
    for store in Store::ALL {
        app.proxy(store).cut().await;
        // More often than the breaker's bound, so that it opens on the way.
        for _ in 0..8 {
            let answer = app.ask(WALK).await;
            let (data, path) = without(store);
            assert_eq!(answer.json["data"], data, "{store}");
            let error = answer.only_error();
            assert_eq!(error["path"], path);
            assert_eq!(error["message"], format!("The store `{store}` cannot be reached right now."));
            assert_eq!(error["extensions"], json!({ "code": "STORE_UNAVAILABLE", "store": store.name() }));
        }
        app.proxy(store).restore().await;
        until_whole(&app).await;
    }
}

/// Asks until the answer is whole again; a bound of a different kind, the
/// request's own, ends a store that never comes back.
async fn until_whole(app: &TestApp) {
    for _ in 0..10_000 {
        let answer = app.ask(WALK).await;
        if answer.json.get("errors").is_none() {
            assert_eq!(answer.json["data"], whole());
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the store did not come back");
}

#[tokio::test]
async fn connections_that_died_in_the_pool_are_not_noticed_by_anybody() {
    let mut app = TestApp::behind_proxies(limits()).await;
    assert_eq!(app.data(WALK).await, whole());
    for store in Store::ALL {
        app.proxy(store).cut().await;
        app.proxy(store).restore().await;
    }
    assert_eq!(app.data(WALK).await, whole(), "each read was sent once more on a fresh connection");
}

#[tokio::test]
async fn a_silent_store_is_given_up_in_bounded_time() {
    let mut app = TestApp::behind_proxies(limits()).await;
    assert_eq!(app.data(WALK).await, whole());
    app.proxy(Store::Catalogo).silence();
    let answer = app.ask(WALK).await;
    assert_eq!(answer.json["data"], without(Store::Catalogo).0);
    assert_eq!(answer.only_error()["extensions"], json!({ "code": "STORE_TIMEOUT", "store": "catalogo" }));
    app.proxy(Store::Catalogo).cut().await;
    app.proxy(Store::Catalogo).restore().await;
    until_whole(&app).await;
}

#[tokio::test]
async fn a_store_that_is_down_at_start_does_not_keep_the_others_from_serving() {
    let mut app = TestApp::behind_proxies(limits()).await;
    app.proxy(Store::Inventario).cut().await;
    let answer = app.ask(WALK).await;
    assert_eq!(answer.json["data"], without(Store::Inventario).0);
    app.proxy(Store::Inventario).restore().await;
    until_whole(&app).await;
}

#[tokio::test]
async fn readiness_names_the_store_that_is_down() {
    let mut app = TestApp::behind_proxies(limits()).await;
    app.proxy(Store::Enderecos).cut().await;
    let answer = send(app.anonymous(Method::GET, "/readyz")).await;
    assert_eq!(answer.status, 200);
    let up = json!({ "status": "up" });
    let since = answer.json["stores"]["enderecos"]["since"].clone();
    assert!(since.as_str().is_some_and(|since| since.ends_with('Z')), "{since}");
    let down = json!({ "status": "down", "since": since });
    assert_eq!(
        answer.json,
        json!({ "status": "degraded",
            "stores": { "clientes": up, "enderecos": down, "catalogo": up, "inventario": up } })
    );
    let mut dead = TestApp::behind_proxies(limits()).await;
    for store in Store::ALL {
        dead.proxy(store).cut().await;
    }
    let answer = send(dead.anonymous(Method::GET, "/readyz")).await;
    assert_eq!((answer.status, &answer.json["status"]), (503, &json!("down")));
}

/// All connections being taken is not being down: whoever asks whether to send requests
/// here must not be told to send them elsewhere.
#[tokio::test]
async fn readiness_tells_busy_and_behind_from_down() {
    let databases = shop::open().await;
    shop::sql(&databases, Store::Catalogo, "DROP TABLE catalogo; DELETE FROM _sqlx_migrations").await;
    let one = DbLimits { connections: 1, acquire: Duration::from_millis(50), ..limits() };
    let mut app = TestApp::over_proxies(&databases, one).await;
    app.data("{ compras(first: 1) { total } }").await;
    app.proxy(Store::Inventario).hold();
    let held =
        app.request(Method::POST, "/graphql").json(&json!({ "query": "{ compras(first: 1) { total } }" }));
    let held = tokio::spawn(send(held));
    app.proxy(Store::Inventario).holds_something().await;
    let answer = send(app.anonymous(Method::GET, "/readyz")).await;
    let stores = &answer.json["stores"];
    assert_eq!((answer.status, &answer.json["status"]), (200, &json!("degraded")));
    assert_eq!(stores["inventario"], json!({ "status": "busy" }));
    assert_eq!(stores["catalogo"]["status"], "behind");
    assert!(stores["catalogo"]["missing"].as_u64().is_some_and(|missing| missing > 0), "{stores}");
    app.proxy(Store::Inventario).restore().await;
    held.await.expect("it ran");
}

/// What comes beyond the bound is told to come again, and whoever watches over the program
/// is answered all the same.
#[tokio::test]
async fn so_many_requests_are_under_way_and_no_more() {
    let databases = shop::open().await;
    let bounds = HttpLimits { requests: 1, ..HttpLimits::default() };
    let mut app = TestApp::over_proxies_with(&databases, bounds, limits()).await;
    app.data("{ clientes(first: 1) { total } }").await;
    app.proxy(Store::Clientes).hold();
    let held =
        app.request(Method::POST, "/graphql").json(&json!({ "query": "{ clientes(first: 1) { total } }" }));
    let held = tokio::spawn(send(held));
    app.proxy(Store::Clientes).holds_something().await;
    let refused =
        send(app.request(Method::POST, "/graphql").json(&json!({ "query": "{ eu { nome } }" }))).await;
    assert_eq!((refused.status, refused.codes()), (503, vec!["OVERLOADED".to_owned()]));
    assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
    assert_eq!(send(app.anonymous(Method::GET, "/healthz")).await.status, 200);
    app.proxy(Store::Clientes).restore().await;
    held.await.expect("it ran");
    assert_eq!(app.data("{ eu { nome } }").await, json!({ "eu": { "nome": "leitor" } }));
}

/// Locks a row and falls silent, as a process that is frozen does.
struct FallsSilent(Arc<Proxy>, Arc<Notify>);

impl Work for FallsSilent {
    type Output = ();

    fn name(&self) -> &'static str {
        "falls.silent"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        tx.write(Statement::new("locks", "UPDATE catalogo SET preco = preco + 1 WHERE id = 1")).await?;
        self.0.silence();
        self.1.notify_one();
        Ok(End::Commit(()))
    }
}

/// The server gives a silent transaction up, and its locks with it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_silent_in_a_transaction_holds_its_locks_for_seconds() {
    let databases = shop::open().await;
    let server = Server::shared().await;
    let (proxy, is_silent) = (Arc::new(Proxy::start(server.target()).await), Arc::new(Notify::new()));
    let url = server.url_through(proxy.port(), &databases[Store::Catalogo]);
    let through = quarteto::db::options(Store::Catalogo, &url).expect("a URL");
    let patient = DbLimits { statement: Duration::from_secs(600), silence: 2, ..limits() };
    let silent = Db::new(Store::Catalogo, through, patient);
    let direct =
        Db::new(Store::Catalogo, server.options(Store::Catalogo, &databases[Store::Catalogo]), limits());
    let work = FallsSilent(Arc::clone(&proxy), Arc::clone(&is_silent));
    let waits = tokio::spawn(async move { silent.transaction(&work, &Arc::default()).await });
    is_silent.notified().await;
    let price = || Statement::new("price", "UPDATE catalogo SET preco = 7 WHERE id = 1");
    let mut tries = 0;
    while let Err(error) = direct.write(price(), &Arc::default()).await {
        assert!(matches!(error.fault, Fault::Locked | Fault::Timeout | Fault::Slow), "{error}");
        tries += 1;
        assert!(tries < 20, "it is never given up");
    }
    assert!(tries > 0, "it was locked");
    waits.abort();
}

/// A connection that the server has given up meanwhile is noticed by nobody. MySQL has one
/// limit for both, so it gives up a connection that had a transaction as soon as one in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_idle_for_too_long_is_noticed_by_nobody() {
    let databases = shop::open().await;
    let server = Server::shared().await;
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    let db = Db::new(Store::Catalogo, options.clone(), DbLimits { connections: 1, silence: 1, ..limits() });
    let price = || Statement::new("price", "UPDATE catalogo SET preco = 7 WHERE id = 1");
    let mut other = quarteto::db::connect(&options, None).await.expect("a connection");
    for _ in 0..3 {
        db.write(price(), &Arc::default()).await.expect("written");
        let id = connection_of(&db).await;
        // On MySQL the server gives it up by itself; here it is helped along.
        let version: String =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(other.mysql()).await.expect("read");
        let is_mariadb = version.contains("MariaDB");
        if is_mariadb {
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("KILL {id}")))
                .execute(other.mysql())
                .await
                .expect("killed");
        }
        // MySQL cannot show what others are doing with bytes.
        let there = match is_mariadb {
            true => "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?",
            false => "SELECT COUNT(*) FROM performance_schema.threads WHERE processlist_id = ?",
        };
        while sqlx::query_scalar::<_, i64>(there).bind(id).fetch_one(other.mysql()).await.expect("counted")
            > 0
        {
            tokio::task::yield_now().await;
        }
        db.write(price(), &Arc::default()).await.expect("written over a new one");
    }
}

/// Two writers in opposite order, many times: somebody always loses, and nobody hears of it.
struct Crosses([u64; 2]);

impl Work for Crosses {
    type Output = ();

    fn name(&self) -> &'static str {
        "crosses"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        for id in self.0 {
            let text = "UPDATE catalogo SET preco = preco + 1 WHERE id = ?";
            tx.write(Statement::new("adds", text).bind(id)).await?;
        }
        Ok(End::Commit(()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_deadlocks_is_seen_by_nobody() {
    let databases = shop::open().await;
    let server = Server::shared().await;
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    let db = Db::new(
        Store::Catalogo,
        options,
        DbLimits {
            connections: 8,
            acquire: Duration::from_secs(60),
            // On a busy machine, too.
            statement: Duration::from_secs(20),
            ..DbLimits::default()
        },
    );
    shop::sql(&databases, Store::Catalogo, "UPDATE catalogo SET preco = 0 WHERE id IN (1, 2)").await;
    let writers = (0..8_u64).map(|number| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..125 {
                let order = if number % 2 == 0 { [1, 2] } else { [2, 1] };
                db.transaction(&Crosses(order), &Arc::default()).await.expect("in the end");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("all went well");
    }
    let read = Statement::new("sum", "SELECT CAST(SUM(preco) AS SIGNED) FROM catalogo WHERE id IN (1, 2)");
    let sum: Vec<(i64,)> = db.read(read, &[]).await.expect("read");
    assert_eq!(sum, [(2000,)]);
}

/// Reads for minutes, without a table.
const ENDLESS: &str = "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.collations a \
    JOIN information_schema.collations b JOIN information_schema.collations c JOIN information_schema.collations d";

fn endless() -> Statement {
    Statement::new("test.endless", ENDLESS)
}

async fn db(limits: DbLimits) -> Db {
    let server = Server::shared().await;
    Db::new(Store::Clientes, server.options(Store::Clientes, "mysql"), limits)
}

/// Waits until nobody but the asker runs the endless statement.
async fn until_nothing_runs(db: &Db) {
    let running = "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.processlist \
        WHERE info LIKE '%collations%' AND id <> CONNECTION_ID()";
    for _ in 0..10_000 {
        let rows: Vec<(i64,)> = db.read(Statement::new("test.running", running), &[]).await.expect("read");
        if rows == [(0,)] {
            return;
        }
    }
    panic!("the statement goes on");
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_gives_its_slot_back_and_is_killed() {
    let patient = DbLimits { connections: 1, statement: Duration::from_secs(60), ..limits() };
    let db = db(patient).await;
    let abandoned = tokio::spawn({
        let db = db.clone();
        async move { db.read::<(i64,)>(endless(), &[]).await.map(|_| ()) }
    });
    // The only slot is taken: whoever asks now is told that the store is busy.
    let busy = loop {
        match db.read::<(i64,)>(Statement::new("test.one", "SELECT 1"), &[]).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(busy.fault, Fault::Busy);
    abandoned.abort();
    assert!(abandoned.await.is_err());
    let rows: Vec<(i64,)> =
        db.read(Statement::new("test.one", "SELECT 1"), &[]).await.expect("the slot is free");
    assert_eq!(rows, [(1,)]);
    until_nothing_runs(&db).await;
}

#[tokio::test]
async fn the_server_gives_up_before_we_do_and_the_connection_lives_on() {
    let db = db(DbLimits { connections: 1, ..limits() }).await;
    let id = || db.read::<(u64,)>(Statement::new("test.id", "SELECT CAST(CONNECTION_ID() AS UNSIGNED)"), &[]);
    let before = id().await.expect("an id");
    let error = db.read::<(i64,)>(endless(), &[]).await.map(|_| ()).expect_err("too slow");
    assert_eq!(error.fault, Fault::Slow);
    assert_eq!(id().await.expect("an id"), before, "the same connection");
    let error = db.transaction(&Reads(endless()), &Arc::default()).await.expect_err("too slow");
    assert_eq!(error.fault, Fault::Slow);
    assert_eq!(id().await.expect("an id"), before, "rolled back, and still the same");
}

/// A transaction that reads.
struct Reads(Statement);

impl Work for Reads {
    type Output = ();

    fn name(&self) -> &'static str {
        "test.reads"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        tx.read::<(i64,)>(self.0.clone()).await.map(|_| End::Commit(()))
    }
}

async fn connection_of(db: &Db) -> u64 {
    let text = "SELECT CAST(CONNECTION_ID() AS UNSIGNED)";
    let rows: Vec<(u64,)> = db.read(Statement::new("test.id", text), &[]).await.expect("an answer");
    rows[0].0
}

/// One that the server ends by itself, in MariaDB's way or in MySQL's, long before we
/// would.
const LIMITED: &str = "/*M!100100 SET STATEMENT max_statement_time = 0.05 FOR */ \
    SELECT /*+ MAX_EXECUTION_TIME(50) */ CAST(COUNT(*) AS SIGNED) FROM information_schema.collations a \
    JOIN information_schema.collations b JOIN information_schema.collations c JOIN information_schema.collations d";

#[tokio::test]
async fn statements_that_take_too_long_are_not_a_sick_store() {
    let db = db(DbLimits { connections: 1, statement: Duration::from_secs(60), ..limits() }).await;
    let limited = || Statement::new("test.limited", LIMITED);
    for _ in 0..BreakerLimits::default().failures_in_a_row {
        let error = db.read::<(i64,)>(limited(), &[]).await.map(|_| ()).expect_err("too slow");
        assert_eq!(error.fault, Fault::Slow);
    }
    let rows: Vec<(i64,)> = db.read(Statement::new("test.one", "SELECT 1"), &[]).await.expect("answered");
    assert_eq!((rows, db.resting_because()), (vec![(1,)], None), "the circuit is closed");
    assert!(db.usage().outcomes().any(|outcome| outcome == ("slow", 5)));
}

#[tokio::test]
async fn what_cannot_be_sent_is_our_mistake_and_the_store_is_left_out_of_it() {
    let db = db(DbLimits { connections: 1, ..limits() }).await;
    let before = connection_of(&db).await;
    let year = NaiveDate::from_ymd_opt(70_000, 1, 1).expect("a date");
    let unsendable = || Statement::new("test.year", "SELECT CAST(? AS SIGNED), ?").bind(1).bind(year);
    for _ in 0..10 {
        let error = db.read::<(i64,)>(unsendable(), &[]).await.map(|_| ()).expect_err("refused");
        assert_eq!(error.fault, Fault::Internal, "{error}");
        assert!(error.detail.contains("argument 2"), "{error}");
        let error = db.transaction(&Reads(unsendable()), &Arc::default()).await.expect_err("refused");
        assert_eq!(error.fault, Fault::Internal, "{error}");
        let error = db.write(unsendable(), &Arc::default()).await.expect_err("refused");
        assert_eq!(error.fault, Fault::Internal, "{error}");
    }
    assert_eq!((connection_of(&db).await, db.resting_because()), (before, None));
}

#[tokio::test]
async fn a_wrong_number_of_arguments_is_our_mistake_and_costs_a_connection_alone() {
    let db = db(DbLimits { connections: 1, ..limits() }).await;
    let wrong = || Statement::new("test.wrong", "SELECT CAST(? AS SIGNED), ?").bind(1);
    for _ in 0..10 {
        let error = db.read::<(i64,)>(wrong(), &[]).await.map(|_| ()).expect_err("refused");
        assert_eq!(error.fault, Fault::Internal, "{error}");
        connection_of(&db).await;
        let error = db.transaction(&Reads(wrong()), &Arc::default()).await.expect_err("refused");
        assert_eq!(error.fault, Fault::Internal, "{error}");
        connection_of(&db).await;
    }
    assert_eq!(db.resting_because(), None);
}

#[tokio::test]
async fn no_answer_tells_what_lies_behind() {
    let mut app = TestApp::behind_proxies(limits()).await;
    for store in Store::ALL {
        app.proxy(store).cut().await;
    }
    let answer = app
        .ask("{ a: clientes { total } b: enderecos { total } c: produtos { total } d: compras { total } }")
        .await;
    assert_eq!(answer.codes(), ["STORE_UNAVAILABLE"; 4]);
    let text = answer.json.to_string();
    for secret in ["SELECT", "127.0.0.1", "cadastro", "mysql", "refused", "qt_", "/"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
