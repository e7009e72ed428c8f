//! The private MariaDB that `quarteto serve` starts when no store URL is given:
//! one server process with a database a store, reachable over a unix socket in
//! the data folder and in no other way. Its data stays between runs.
//!
//! The server is started under a small shell guard that holds a pipe from this
//! program: when the program ends, however it ends, the pipe closes and the
//! guard stops the server. So a killed program leaves no server behind.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::Connection as _;
use sqlx::mysql::MySqlConnectOptions;

use crate::db::{AnyStore, PerStore, options};

/// A unix socket's path must fit into 108 bytes.
const LONGEST_SOCKET: usize = 100;
/// How long the server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often somebody looks whether it has.
const POLL: Duration = Duration::from_millis(100);

/// A running private server; stopped, cleanly, when dropped, by whoever has started it.
pub struct LocalDatabase {
    socket: PathBuf,
    /// None when another Quarteto has started it.
    own: Option<Own>,
}

/// A server that this program has started.
struct Own {
    guard: Child,
    /// Held for as long as the data folder is ours.
    _lock: File,
}

impl LocalDatabase {
    /// Starts the server over the data in `folder`, made when missing. `extra`
    /// are further options for the server.
    ///
    /// # Errors
    /// A message that names what is missing or in the way, and the remedy.
    pub async fn start(folder: &Path, extra: &[&str]) -> anyhow::Result<Self> {
        let binaries = Binaries::find()?;
        let folder = private_folder(folder)?;
        let Some(lock) = lock(&folder).await? else {
            return Err(taken(&folder));
        };
        let socket = socket_in(&folder)?;
        let data = folder.join("mariadb");
        binaries.initialize(&folder, &data).await?;
        let log = folder.join("mariadb.log");
        let guard = binaries.serve(&data, &socket, &log, extra)?;
        let mut server = Self { socket, own: Some(Own { guard, _lock: lock }) };
        server.wait_until_up(&log).await?;
        server.create_databases().await?;
        Ok(server)
    }

    /// The server of another Quarteto that has the data folder, as while it serves; or one
    /// of our own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn join_or_start(folder: &Path) -> anyhow::Result<Self> {
        let own = private_folder(folder)?;
        let begun = Instant::now();
        loop {
            if lock(&own).await?.is_some() {
                return Self::start(folder, &[]).await;
            }
            let joined = Self { socket: socket_in(&own)?, own: None };
            let server: MySqlConnectOptions = joined.url("mysql").parse()?;
            match sqlx::MySqlConnection::connect_with(&server).await {
                Ok(connection) => {
                    let _ = connection.close().await;
                    return Ok(joined);
                }
                // It is just starting, or ending.
                Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
                Err(_) => return Err(taken(&own)),
            }
        }
    }

    /// Whether another Quarteto has started it.
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        self.own.is_none()
    }

    /// Where the server listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The URL of a database on it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let socket = self.socket.display();
        format!("mysql://root@localhost/{database}?socket={socket}&ssl-mode=DISABLED")
    }

    /// How to connect to the four stores.
    ///
    /// # Errors
    /// None in practice: the URLs are our own.
    pub fn stores(&self) -> anyhow::Result<PerStore<MySqlConnectOptions>> {
        PerStore::try_from_fn(|store| options(store, &self.url(store.database())).map_err(anyhow::Error::msg))
    }

    /// How to connect to the store `acessos`.
    ///
    /// # Errors
    /// None in practice: the URL is our own.
    pub fn acessos(&self) -> anyhow::Result<MySqlConnectOptions> {
        options(AnyStore::Acessos, &self.url(AnyStore::Acessos.database())).map_err(anyhow::Error::msg)
    }

    async fn wait_until_up(&mut self, log: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        let server: MySqlConnectOptions = self.url("mysql").parse()?;
        loop {
            if let Ok(connection) = sqlx::MySqlConnection::connect_with(&server).await {
                let _ = connection.close().await;
                return Ok(());
            }
            let ended = self.own.as_mut().map_or(Ok(None), |own| own.guard.try_wait())?;
            if let Some(status) = ended {
                bail!(
                    "the private MariaDB did not start ({status}); its log {} ends with:\n{}",
                    log.display(),
                    tail(log)
                );
            }
            if begun.elapsed() > PATIENCE {
                bail!(
                    "the private MariaDB did not answer within {PATIENCE:?}; see its log {}",
                    log.display()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn create_databases(&self) -> anyhow::Result<()> {
        let server: MySqlConnectOptions = self.url("mysql").parse()?;
        let mut connection = sqlx::MySqlConnection::connect_with(&server).await?;
        for store in AnyStore::ALL {
            let create = format!(
                "CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
                store.database()
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }
}

impl Drop for LocalDatabase {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            // The guard waits for this pipe to close.
            drop(own.guard.stdin.take());
            let _ = own.guard.wait();
        }
    }
}

/// The server's programs on this machine.
struct Binaries {
    server: PathBuf,
    installer: Option<PathBuf>,
}

impl Binaries {
    fn find() -> anyhow::Result<Self> {
        let server = find_program(&["mariadbd", "mysqld"]).context(
            "no MariaDB or MySQL server program (mariadbd, mysqld) was found for the private database; \
             install one (Debian, Ubuntu: `sudo apt-get install mariadb-server-core mariadb-client-core`), \
             or set the four QUARTETO_…_URL variables to servers of your own",
        )?;
        Ok(Self { server, installer: find_program(&["mariadb-install-db", "mysql_install_db"]) })
    }

    /// Makes the data folder on the first run. Built beside its place and
    /// renamed, so that an interrupted run leaves nothing half-made.
    async fn initialize(&self, folder: &Path, data: &Path) -> anyhow::Result<()> {
        if data.exists() {
            return Ok(());
        }
        let fresh = folder.join("mariadb.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
        }
        let mut command = match &self.installer {
            Some(installer) => {
                let mut command = tokio::process::Command::new(installer);
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                command
            }
            None => {
                let mut command = tokio::process::Command::new(&self.server);
                command.args(["--no-defaults", "--initialize-insecure"]);
                command
            }
        };
        let output = command
            .env("TMPDIR", own_temporary(folder)?)
            .arg(format!("--datadir={}", fresh.display()))
            .args(user_option())
            .stdin(Stdio::null())
            .output()
            .await
            .context("cannot run the database's installer")?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            bail!("the private database could not be initialised:\n{}", String::from_utf8_lossy(&said));
        }
        fs::rename(&fresh, data).with_context(|| format!("cannot rename {}", fresh.display()))
    }

    fn serve(&self, data: &Path, socket: &Path, log: &Path, extra: &[&str]) -> anyhow::Result<Child> {
        /// Stops the server when standard input closes, and ends with it.
        const GUARD: &str = r#""$@" & server=$!
            { cat >/dev/null; kill -TERM $server 2>/dev/null; } <&3 &
            wait $server; status=$?; kill $! 2>/dev/null; exit $status"#;
        let log_file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let folder = data.parent().unwrap_or(data);
        Command::new("/bin/sh")
            .env("TMPDIR", own_temporary(folder)?)
            .args(["-c", &format!("exec 3<&0 </dev/null; {GUARD}"), "quarteto-mariadb"])
            .arg(&self.server)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", data.join("mariadbd.pid").display()))
            .args(["--skip-networking", "--skip-name-resolve", "--skip-log-bin", "--max-connections=200"])
            .args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=256M"])
            .args(extra)
            .args(user_option())
            // Ctrl-C in the terminal is for us; the server ends when we do.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .context("cannot start the private MariaDB")
    }
}

/// The server refuses to run as root unless told to.
fn user_option() -> Option<&'static str> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    root.then_some("--user=root")
}

fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from))
        .collect();
    let mut candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.find(|candidate| candidate.is_file())
}

/// The data folder, for its owner alone: whoever reaches the socket is root
/// there.
fn private_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let problem = || {
        format!(
            "the data folder {} cannot be used; choose another with --data-dir or QUARTETO_DATA_DIR",
            folder.display()
        )
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(problem)?;
    folder.canonicalize().with_context(problem)
}

fn taken(folder: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "another Quarteto is using the data folder {}; stop it, or choose another with --data-dir",
        folder.display()
    )
}

/// Takes the data folder; none when another program has it. One that was killed a moment
/// ago still has a guard that is stopping its server; it is waited for.
async fn lock(folder: &Path) -> anyhow::Result<Option<File>> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).with_context(|| {
        format!(
            "cannot write {}; choose another data folder with --data-dir or QUARTETO_DATA_DIR",
            path.display()
        )
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    wait_for_old_server(folder).await?;
    Ok(Some(file))
}

/// Waits until no server runs on our data any more. A pid file alone proves
/// nothing: the process must be there and its command line must name our folder.
async fn wait_for_old_server(folder: &Path) -> anyhow::Result<()> {
    let pid_file = folder.join("mariadb").join("mariadbd.pid");
    let begun = Instant::now();
    while let Some(pid) = running_server(&pid_file, folder) {
        if begun.elapsed() > PATIENCE {
            bail!(
                "the database server with pid {pid} still runs on {}; stop it with `kill {pid}`",
                folder.display()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn running_server(pid_file: &Path, folder: &Path) -> Option<u32> {
    let pid: u32 = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    String::from_utf8_lossy(&command).contains(folder.to_str()?).then_some(pid)
}

/// The socket's place: in the data folder, or, where that path is too long for
/// a socket, in a private folder of the system's for temporary files.
fn socket_in(folder: &Path) -> anyhow::Result<PathBuf> {
    let socket = folder.join("mariadb.sock");
    if socket.as_os_str().len() <= LONGEST_SOCKET {
        return Ok(socket);
    }
    let name = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
    let short = std::env::temp_dir().join(format!("quarteto-{}", &name[..16]));
    match fs::DirBuilder::new().mode(0o700).create(&short) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot make {}", short.display()));
        }
    }
    let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.mode() & 0o077));
    if owner(&short)? != (owner(folder)?.0, 0) {
        bail!("{} belongs to somebody else; choose a shorter data folder with --data-dir", short.display());
    }
    Ok(short.join("mariadb.sock"))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// A folder for the server's temporary tables. A server removes what look like its
/// left-over ones when it starts, so in a shared folder it would take those of
/// another that is starting.
fn own_temporary(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("tmp");
    fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    path.canonicalize().with_context(|| path.display().to_string())
}
