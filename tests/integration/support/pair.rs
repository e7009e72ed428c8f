//! Two servers of one's own: a primary, and a replica that really follows it, by GTID.
//!
//! Breaking replication breaks it for all, so whoever has the pair has it alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use quarteto::db::{PerStore, Store, options};
use quarteto::local::LocalDatabase;
use quarteto::stores;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::server::Target;
use super::shop;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Primary,
    Replica,
}

/// A server that may be killed and begun again.
struct Node {
    folder: PathBuf,
    extra: Vec<String>,
    running: Option<LocalDatabase>,
}

/// The two.
pub struct Pair {
    primary: Node,
    replica: Node,
}

impl Node {
    fn new(name: &str, extra: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let fast =
            ["--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite", "--skip-slave-start=0"];
        let extra = fast.iter().chain(extra).map(|&option| option.to_owned()).collect();
        Self { folder, extra, running: None }
    }

    async fn start(&mut self) {
        let extra: Vec<&str> = self.extra.iter().map(String::as_str).collect();
        self.running = Some(LocalDatabase::start(&self.folder, &extra).await.expect("a server"));
    }

    fn server(&self) -> &LocalDatabase {
        self.running.as_ref().expect("it runs")
    }

    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.join("mariadb/mariadbd.pid")).expect("it runs");
        let sent = Command::new("kill").args([signal, pid.trim()]).status().expect("kill");
        assert!(sent.success());
    }

    async fn script(&self, text: &str) {
        let mut mysql = MySqlConnection::connect(&self.server().url("mysql")).await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut mysql).await.expect(text);
    }
}

impl Pair {
    /// The pair, for one test at a time: whole, following, and without what others have left.
    pub async fn alone() -> MutexGuard<'static, Self> {
        static PAIR: OnceCell<Mutex<Pair>> = OnceCell::const_new();
        let pair = PAIR.get_or_init(|| async { Mutex::new(Self::start().await) }).await;
        let mut pair = pair.lock().await;
        // A test that failed may have left it in pieces.
        for which in [Which::Primary, Which::Replica] {
            if pair.node(which).running.is_none() {
                pair.start_again(which).await;
            }
            pair.node(which).signal("-CONT");
        }
        pair.replica.script("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE").await;
        pair
    }

    async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let listen = format!("--port={port}");
        let mut pair = Self {
            primary: Node::new(
                "pair-primary",
                &[
                    "--skip-networking=0",
                    "--bind-address=127.0.0.1",
                    &listen,
                    "--log-bin=bin",
                    "--server-id=1",
                    "--binlog-format=ROW",
                ],
            ),
            replica: Node::new("pair-replica", &["--server-id=2", "--read-only=1", "--relay-log=relay"]),
        };
        pair.replica.start().await;
        pair.replica.script("STOP SLAVE; RESET SLAVE ALL").await;
        pair.primary.start().await;
        for node in [&pair.primary, &pair.replica] {
            let mut mysql =
                MySqlConnection::connect(&node.server().url("mysql")).await.expect("a connection");
            let old = "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE schema_name LIKE 'qt\\_%'";
            let old: Vec<String> = sqlx::query_scalar(old).fetch_all(&mut mysql).await.expect("listed");
            for name in old {
                node.script(&format!("DROP DATABASE `{name}`")).await;
            }
        }
        // What each has written by itself stays its own: both begin from nothing.
        pair.primary
            .script(
                "CREATE USER IF NOT EXISTS 'follows'@'127.0.0.1' IDENTIFIED BY 'follows'; \
                 GRANT REPLICATION SLAVE ON *.* TO 'follows'@'127.0.0.1'; RESET MASTER",
            )
            .await;
        pair.replica
            .script(&format!(
                "SET GLOBAL gtid_slave_pos = ''; SET GLOBAL slave_net_timeout = 5; \
                 CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'follows', \
                 MASTER_PASSWORD = 'follows', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos; START SLAVE"
            ))
            .await;
        pair
    }

    fn node(&mut self, which: Which) -> &mut Node {
        match which {
            Which::Primary => &mut self.primary,
            Which::Replica => &mut self.replica,
        }
    }

    /// Four fresh databases with the rows of a shop, by name.
    pub async fn shop(&self) -> PerStore<String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let names = PerStore::from_fn(|store| format!("qt_pair_{number}_{store}"));
        for (_, name) in names.iter() {
            self.primary.script(&format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4")).await;
        }
        let urls = self.urls(Which::Primary, &names);
        let all = PerStore::from_fn(|store| options(store, &urls[store]).expect("a URL of ours"));
        for store in Store::ALL {
            stores::migrate(store, &all[store]).await.expect("migrated");
        }
        shop::fill(&all).await;
        names
    }

    /// Where the databases are.
    pub fn urls(&self, which: Which, names: &PerStore<String>) -> PerStore<String> {
        let server = match which {
            Which::Primary => self.primary.server(),
            Which::Replica => self.replica.server(),
        };
        PerStore::from_fn(|store| server.url(&names[store]))
    }

    /// For a proxy before the replica.
    pub fn replica_target(&self) -> Target {
        Target::Socket(self.replica.server().socket().to_owned())
    }

    /// Runs statements by hand. On the primary they are not replicated.
    pub async fn script(&self, which: Which, text: &str) {
        match which {
            Which::Primary => self.primary.script(&format!("SET SESSION sql_log_bin = 0; {text}")).await,
            Which::Replica => self.replica.script(text).await,
        }
    }

    /// What the replica says of its own lag.
    pub async fn seconds_behind_master(&self) -> Option<u64> {
        let mut mysql =
            MySqlConnection::connect(&self.replica.server().url("mysql")).await.expect("a connection");
        let status = sqlx::raw_sql("SHOW SLAVE STATUS").fetch_one(&mut mysql).await.expect("a replica");
        status.try_get("Seconds_Behind_Master").expect("a number, or none")
    }

    /// Ends a server in mid-sentence.
    pub fn kill(&mut self, which: Which) {
        let node = self.node(which);
        node.signal("-KILL");
        node.running = None;
    }

    /// After [`kill`](Self::kill).
    pub async fn start_again(&mut self, which: Which) {
        self.node(which).start().await;
    }

    /// Stops a server's clock.
    pub fn freeze(&mut self, which: Which) {
        self.node(which).signal("-STOP");
    }

    /// After [`freeze`](Self::freeze).
    pub fn thaw(&mut self, which: Which) {
        self.node(which).signal("-CONT");
    }
}
