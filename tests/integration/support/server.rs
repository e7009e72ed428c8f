//! One database server for the whole run, and fresh databases for whoever asks.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use quarteto::db::{AnyStore, PerStore, Store, options};
use quarteto::local::LocalDatabase;
use quarteto::stores;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::sync::OnceCell;

/// Where the server is.
pub enum Server {
    /// Our own, started for this run.
    Private(LocalDatabase),
    /// The one that `QUARTETO_TEST_URL` names.
    External(String),
}

/// What a proxy forwards to.
#[derive(Clone)]
pub enum Target {
    /// A unix socket.
    Socket(PathBuf),
    /// HOST:PORT.
    Address(String),
}

impl Server {
    /// The server of this run. Its data folder is kept between runs, its
    /// databases are not.
    pub async fn shared() -> &'static Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        SERVER
            .get_or_init(|| async {
                let server = match std::env::var("QUARTETO_TEST_URL") {
                    Ok(url) => Self::External(url.trim_end_matches('/').to_owned()),
                    Err(_) => {
                        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stores");
                        let fast = ["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"];
                        Self::Private(LocalDatabase::start(&folder, &fast).await.expect("a private MariaDB"))
                    }
                };
                server.drop_old_databases().await;
                server
            })
            .await
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        match self {
            Self::Private(server) => server.url(database),
            Self::External(url) => format!("{url}/{database}"),
        }
    }

    /// The URL of a database, reached through a proxy on `port`.
    pub fn url_through(&self, port: u16, database: &str) -> String {
        let user = match self {
            Self::Private(_) => "root",
            Self::External(url) => {
                let rest = url.split_once("://").expect("a URL").1;
                rest.split_once('@').map_or("root", |(user, _)| user)
            }
        };
        format!("mysql://{user}@127.0.0.1:{port}/{database}?ssl-mode=DISABLED")
    }

    /// What a proxy forwards to.
    pub fn target(&self) -> Target {
        match self {
            Self::Private(server) => Target::Socket(server.socket().to_owned()),
            Self::External(url) => {
                let rest = url.split_once("://").expect("a URL").1;
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                Target::Address(place.to_owned())
            }
        }
    }

    /// Four fresh, migrated databases, by name.
    pub async fn databases(&self) -> PerStore<String> {
        let names = self.empty_databases().await;
        for (store, name) in names.iter() {
            stores::migrate(store, &self.options(store, name)).await.expect("migrated");
        }
        names
    }

    /// Four fresh databases without a table, by name.
    pub async fn empty_databases(&self) -> PerStore<String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let names = PerStore::from_fn(|store| format!("qt_{number}_{store}"));
        let mut connection = self.connect().await;
        for (_, name) in names.iter() {
            let sql = format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("created");
        }
        names
    }

    /// A fresh, migrated store `acessos`, by name.
    pub async fn acessos(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("qt_acessos_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.script(&format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4")).await;
        let options = options(AnyStore::Acessos, &self.url(&name)).expect("a URL of ours");
        stores::migrate(AnyStore::Acessos, &options).await.expect("migrated");
        name
    }

    /// Runs statements by hand.
    pub async fn script(&self, text: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.expect("executed");
    }

    /// How many rows a table has.
    pub async fn count(&self, database: &str, table: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM `{database}`.`{table}`");
        let mut connection = self.connect().await;
        sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&mut connection).await.expect("counted")
    }

    /// How the program connects to a database.
    pub fn options(&self, store: Store, database: &str) -> MySqlConnectOptions {
        options(store, &self.url(database)).expect("a URL of ours")
    }

    /// A connection of one's own.
    pub async fn connect(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url("mysql")).await.expect("a connection")
    }

    async fn drop_old_databases(&self) {
        let mut connection = self.connect().await;
        let old: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE schema_name LIKE 'qt\\_%'",
        )
        .fetch_all(&mut connection)
        .await
        .expect("listed");
        for name in old {
            let sql = format!("DROP DATABASE `{name}`");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("dropped");
        }
    }
}
