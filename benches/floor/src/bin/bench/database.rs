//! The database server that both use, over the data that Quarteto filled.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::process::{self, Running, Server};
use crate::target::{Place, free_address};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How Quarteto and the floor reach the server.
#[derive(Clone, Debug)]
pub enum Way {
    /// Over a port of 127.0.0.1, as in production, where a store has a server of its own.
    Tcp(String),
    /// Over its unix socket, as Quarteto reaches its private database.
    Socket(PathBuf),
}

impl Way {
    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        match self {
            Self::Tcp(address) => format!("mysql://root@{address}/{database}?ssl-mode=DISABLED"),
            Self::Socket(socket) => {
                format!("mysql://root@localhost/{database}?socket={}&ssl-mode=DISABLED", socket.display())
            }
        }
    }

    /// For the head of the table.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP",
            Self::Socket(_) => "its unix socket",
        }
    }
}

/// A running server; stopped when dropped.
pub struct Database {
    _running: Running,
    pub way: Way,
}

impl Database {
    /// Starts the server with the options that Quarteto gives its private one,
    /// reachable in one way or the other, and connects to it.
    pub async fn start(place: &Place, over_tcp: bool) -> anyhow::Result<(Self, Server)> {
        let program = ["mariadbd", "mysqld"].iter().find_map(|name| process::find(name));
        let mut command = Command::new(program.context("neither `mariadbd` nor `mysqld` is on the path")?);
        let (socket, log) = (place.socket(), place.folder.join("database.log"));
        let output = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.arg("--no-defaults");
        command.arg(format!("--datadir={}", place.data.join("mariadb").display()));
        command.arg(format!("--socket={}", socket.display()));
        command.args(["--skip-name-resolve", "--skip-log-bin", "--max-connections=200"]);
        command.args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=256M"]);
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.arg("--user=root");
        }
        let way = if over_tcp {
            let address = free_address()?;
            let (host, port) = address.split_once(':').context("an address has a port")?;
            command.args([format!("--bind-address={host}"), format!("--port={port}")]);
            Way::Tcp(address)
        } else {
            command.arg("--skip-networking");
            Way::Socket(socket)
        };
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut running = Running::spawn(&mut command)?;
        let begun = Instant::now();
        loop {
            let error = match Server::connect(&way).await {
                Ok(server) => return Ok((Self { _running: running, way }, server)),
                Err(error) => error,
            };
            ensure!(!running.ended(), "the database server ended at once; see {}", log.display());
            if begun.elapsed() > PATIENCE {
                bail!("no database server within {PATIENCE:?}: {error:#}; see {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
