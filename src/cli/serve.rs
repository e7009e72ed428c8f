//! `quarteto serve`.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::future::join_all;
use indicatif::MultiProgress;
use sqlx::mysql::MySqlConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::OpenStores;
use crate::auth::{Logins, UsersFile, hash, random_password};
use crate::config::Config;
use crate::db::migrations::{self, MigrationError, SchemaState};
use crate::db::{Db, PerStore, Store};
use crate::http::{self, App, Handle, HttpLimits, Tls};
use crate::kernel::Papel;
use crate::operation::trusted::Trusted;
use crate::removal::Removals;
use crate::seed::{self, Plan};
use crate::stores;

/// Serve the API; with no store URL set, over a private database.
#[derive(Args)]
pub(super) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:4000].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Fill an empty private database with demo data without asking.
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub(super) fn flags(&self) -> BTreeMap<&'static str, String> {
        let listen = self.listen.clone().map(|listen| ("http.listen", listen));
        listen.into_iter().collect()
    }

    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        // First what fails fast: nothing is started for a port that is taken.
        let bounds = HttpLimits::of(config).map_err(anyhow::Error::msg)?;
        config.http.check_exposure()?;
        warn_of_one_address(config);
        let tls = open_tls(config).await?;
        let listener = listen(config.http.listen.0).await?;
        let OpenStores { stores, private } = OpenStores::open(config).await?;
        if private.is_some() {
            for store in Store::ALL {
                stores::migrate(store, &stores[store]).await?;
            }
            self.offer_demo_data(&stores).await?;
        } else {
            check_schemas(&stores).await?;
        }
        let users = UsersFile::at(config.users_file());
        let first_password = first_user(&users, private.is_some())?;
        let logins = Arc::new(Logins::open(users)?);
        let files = Files { logins: Arc::clone(&logins), tls: tls.clone(), trusted: bounds.trusted.clone() };
        tokio::spawn(files.watch());
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, stores[store].clone(), limits));
        let removals = Removals::new(databases.clone());
        tokio::spawn(Arc::clone(&removals).run());
        let app = App::new(databases, &removals, logins, bounds)?;
        // Before the greeting: who reads it may stop the program at once.
        let handle = Handle::new();
        stop_at_signal(handle.clone(), config.http.drain())?;
        greet(listener.local_addr()?, first_password.as_deref(), config);
        http::serve(
            listener,
            http::router(Arc::clone(&app)),
            tls.as_deref(),
            config.http.connections(),
            handle,
        )
        .await
        .context("the HTTP server failed")?;
        if tokio::time::timeout(config.http.drain(), app.written()).await.is_err() {
            tracing::warn!("some writes did not finish in time");
        }
        // Stopped last, when nobody asks it anything any more.
        drop(private);
        Ok(ExitCode::SUCCESS)
    }

    async fn offer_demo_data(&self, stores: &PerStore<MySqlConnectOptions>) -> anyhow::Result<()> {
        if !seed::is_empty(stores).await? {
            return Ok(());
        }
        if self.demo || asked_for_demo()? {
            let summary = seed::run(&Plan::DEMO, stores, &MultiProgress::new()).await?;
            println!("{summary}");
        } else {
            println!("The stores are empty; `quarteto serve --demo` or `quarteto seed` fills them.");
        }
        Ok(())
    }
}

/// Asks at a terminal; nobody is there otherwise, and nothing is filled.
fn asked_for_demo() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Ok(false);
    }
    print!("The stores are empty. Fill them with demo data (200 clientes)? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(!answer.trim().to_ascii_lowercase().starts_with('n'))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => "something listens there already; choose another port with --listen",
            ErrorKind::PermissionDenied => "ports below 1024 need rights; choose another with --listen",
            ErrorKind::AddrNotAvailable => "this machine has no such address; choose another with --listen",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("cannot listen on {address}: {error}; {remedy}")
    })
}

/// A store that is down does not keep the others from serving; one whose schema
/// does not fit does, since its answers would be wrong.
async fn check_schemas(stores: &PerStore<MySqlConnectOptions>) -> anyhow::Result<()> {
    let checks =
        stores.iter().map(|(store, options)| async move { (store, migrations::check(store, options).await) });
    for (store, state) in join_all(checks).await {
        match state {
            Ok(SchemaState::Current) => {}
            Ok(SchemaState::Behind(missing)) => {
                anyhow::bail!("store {store}: {missing} migrations are missing; run `quarteto migrate` first")
            }
            Ok(SchemaState::Differs(differences)) => {
                tracing::warn!(%store, differences = differences.join("; "), "the tables are not what the migrations made; `quarteto migrate --check` shows how");
            }
            Err(error @ MigrationError::Unreachable { .. }) => {
                tracing::warn!(%store, %error, "store is down; its fields are null until it is back");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes the first user of a private install and returns the password, to be
/// shown once.
fn first_user(users: &UsersFile, private: bool) -> anyhow::Result<Option<String>> {
    if users.exists() {
        return Ok(None);
    }
    anyhow::ensure!(
        private,
        "the users file {} does not exist; add a user with `quarteto user add NOME --papel ADMIN`",
        users.path().display()
    );
    let password = random_password();
    users.add("admin", &hash(&password)?, Papel::Admin)?;
    Ok(Some(password))
}

/// Behind a proxy that is not trusted every client has the proxy's address.
fn warn_of_one_address(config: &Config) {
    if config.http.behind_proxy && config.http.trusted_proxies.is_empty() {
        tracing::warn!(
            "http.behind_proxy is set but http.trusted_proxies is empty: all clients count as one address, \
             and the failed logins of one slow down all; name the proxy there"
        );
    }
}

async fn open_tls(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    match config.http.tls_files() {
        None => Ok(None),
        Some(files) => Ok(Some(Arc::new(Tls::open(files).await?))),
    }
}

/// What is read again when its files change.
struct Files {
    logins: Arc<Logins>,
    tls: Option<Arc<Tls>>,
    trusted: Option<Arc<Trusted>>,
}

impl Files {
    async fn watch(self) {
        let mut pulse = tokio::time::interval(Duration::from_secs(1));
        loop {
            pulse.tick().await;
            self.logins.reload();
            if let Some(tls) = &self.tls {
                tls.reload().await;
            }
            if let Some(trusted) = self.trusted.clone() {
                // A folder of many files: not on a thread that serves.
                let _ = tokio::task::spawn_blocking(move || trusted.reload()).await;
            }
        }
    }
}

/// Where to go, and one line that works.
fn greet(address: SocketAddr, first_password: Option<&str>, config: &Config) {
    let scheme = if config.http.tls_files().is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{address}");
    println!("Quarteto listens on {base}");
    println!("  Playground  {base}/");
    println!("  GraphiQL    {base}/graphiql");
    let login = match first_password {
        Some(password) => {
            println!(
                "  Login       admin / {password}   (shown once; `quarteto user passwd admin` changes it)"
            );
            format!("admin:{password}")
        }
        None => {
            println!("  Login       one of {}", config.users_file().display());
            "NOME".to_owned()
        }
    };
    println!(
        "  Try         curl -u '{login}' {base}/graphql -H 'Content-Type: application/json' -d '{{\"query\":\"{{ eu {{ nome papel }} }}\"}}'"
    );
}

/// At SIGTERM or Ctrl-C no more is accepted, and running requests may finish.
fn stop_at_signal(handle: Handle, drain: Duration) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; running requests may finish");
        handle.graceful_shutdown(None);
        tokio::time::sleep(drain).await;
        tracing::warn!(connections = handle.connection_count(), "some requests did not finish in time");
        handle.shutdown();
    });
    Ok(())
}
