//! `quarteto serve`.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use indicatif::MultiProgress;
use sqlx::mysql::MySqlConnectOptions;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::stop::{Patience, Signals, ended};
use super::{OpenStore, OpenStores};
use crate::auth::{Logins, UsersFile, hash, private_file, random_password};
use crate::config::{Config, Listen, Subgraph};
use crate::db::migrations::{self, MigrationError, SchemaState};
use crate::db::{Access, AnyStore, Db, PerStore, Present, Store, UrlFile};
use crate::http::{self, App, Door, Handle, HttpLimits, Tls};
use crate::kernel::Papel;
use crate::local::LocalDatabase;
use crate::peers::{Remote, Steps};
use crate::reload::{Reloaded, Watcher};
use crate::removal::Removals;
use crate::schema;
use crate::seed::{self, Plan};
use crate::stores;
use crate::stores::acessos::Acessos;

/// Serve the API; with no store URL set, over a private database.
#[derive(Args)]
pub(super) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:4000].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Fill an empty private database with demo data without asking.
    #[arg(long)]
    demo: bool,
    /// Serve the subgraph of one store alone (clientes, enderecos, catalogo, inventario), or the
    /// store-less `nos`, for a federation router.
    #[arg(long, value_name = "STORE")]
    store: Option<Subgraph>,
}

impl Serve {
    pub(super) fn flags(&self) -> BTreeMap<&'static str, String> {
        let listen = self.listen.clone().map(|listen| ("http.listen", listen));
        let store = self.store.map(|store| ("federation.store", store.name().to_owned()));
        listen.into_iter().chain(store).collect()
    }

    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        // First what fails fast: nothing is started for a port that is taken.
        let bounds = HttpLimits::of(config).map_err(anyhow::Error::msg)?;
        config.http.check_exposure()?;
        Remote::all(config.federation.peers()?.as_ref())?;
        warn_of_one_address(config);
        let tls = open_tls(config)?;
        let listener = listen("http.listen", config.http.listen.0)?;
        let address = listener.local_addr()?;
        let operator = match config.http.metrics_listen()? {
            Some(address) => Some(listen("http.metrics_listen", address)?),
            None => None,
        };
        // Then the door, shut: who watches over the program sees that it lives, however
        // long the stores take.
        let (door, handle) = (Door::default(), Handle::new());
        let mut signals = Signals::caught()?;
        let serving = tokio::spawn({
            let (door, tls, handle) = (door.clone(), tls.clone(), handle.clone());
            let limits = config.http.connections();
            async move { http::serve(listener, door, tls.as_deref(), limits, handle).await }
        });
        let watched = operator.map(|listener| Watched::open(listener, config)).transpose()?;
        let opened = tokio::select! {
            opened = self.open(config, bounds, tls) => opened?,
            sent = signals.next() => return Ok(sent.at_once().into()),
        };
        door.open(http::router(Arc::clone(&opened.app)));
        if let Some(watched) = &watched {
            watched.door.open(http::operator_router(Arc::clone(&opened.app)));
        }
        greet(address, watched.as_ref(), opened.first_password.as_ref(), config);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            %address,
            graph = config.federation.store.name(),
            stores = if opened.private.is_some() { "private" } else { "configured" },
            settings = config.differing().join(" "),
            "serving"
        );
        let patience = Patience { unready: config.http.unready(), drain: config.http.drain() };
        let ending = ended(signals, serving, &handle, &opened.app, patience).await?;
        if let Some(watched) = watched {
            watched.close();
        }
        opened.close().await;
        Ok(ending.into())
    }

    /// Everything behind the door.
    async fn open(
        &self,
        config: &Config,
        bounds: HttpLimits,
        tls: Option<Arc<Tls>>,
    ) -> anyhow::Result<Opened> {
        let Databases { here, acessos, private } = match config.federation.store {
            Subgraph::None => self.merged(config).await?,
            _ => Databases::of_subgraph(config).await?,
        };
        let first_password = first_user(config, private.is_some())?;
        let logins = Arc::new(Logins::open(UsersFile::at(config.users_file()))?);
        let mut files: Vec<Arc<dyn Reloaded>> = vec![Arc::clone(&logins) as Arc<dyn Reloaded>];
        files.extend(tls.map(|tls| tls as Arc<dyn Reloaded>));
        files.extend(bounds.trusted.clone().map(|trusted| trusted as Arc<dyn Reloaded>));
        let urls = here.iter().map(|(_, db)| db).chain(&acessos).filter_map(UrlFile::of);
        files.extend(urls.map(|url| Arc::new(url) as Arc<dyn Reloaded>));
        let files = Watcher::new(files);
        let watched: Vec<Db> = here.iter().map(|(_, db)| db.clone()).collect();
        let siblings = Remote::all(config.federation.peers()?.as_ref())?;
        let removals = Removals::across(here.clone(), Steps::new(&here, &siblings));
        let acessos = Acessos::new(acessos, here.clone(), config.acessos.settings());
        let served = schema::serve(config.federation.store, &here, &siblings, (&removals, &acessos))?;
        let app = App::over(served, (here, &siblings), (&removals, &acessos), logins, bounds);
        let background = vec![
            supervised("files", move || Arc::clone(&files).run()),
            supervised("replicas", move || {
                let watched = watched.clone();
                async move { _ = join_all(watched.iter().map(Db::watch_replicas)).await }
            }),
            supervised("removals", move || Arc::clone(&removals).run()),
            supervised("accesses", {
                let acessos = acessos.clone();
                move || {
                    let acessos = acessos.clone();
                    async move { acessos.keep().await }
                }
            }),
        ];
        Ok(Opened { app, acessos, private, first_password, background })
    }

    /// All four databases.
    async fn merged(&self, config: &Config) -> anyhow::Result<Databases> {
        let OpenStores { stores, acessos, private } = OpenStores::to_serve(config).await?;
        if private.is_some() {
            for store in Store::ALL {
                stores::migrate(store, &stores[store]).await?;
            }
            self.offer_demo_data(&stores).await?;
        } else {
            check_schemas(&stores).await?;
        }
        let acessos = open_acessos(config, acessos, private.is_some()).await?;
        let databases = PerStore::try_from_fn(|store| open_store(config, store, stores[store].clone()))?;
        Ok(Databases { here: databases.into(), acessos, private })
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

/// The databases of what is served.
struct Databases {
    here: Present,
    acessos: Option<Db>,
    private: Option<LocalDatabase>,
}

impl Databases {
    /// That of the subgraph's store alone.
    async fn of_subgraph(config: &Config) -> anyhow::Result<Self> {
        let OpenStore { store, acessos, private } = OpenStore::to_serve(config).await?;
        let mut here = Present::default();
        if let Some((store, options)) = store {
            if private.is_some() {
                stores::migrate(store, &options).await?;
            } else {
                check_schema(store.into(), migrations::check(store, &options).await)?;
            }
            here = Present::only(store, open_store(config, store, options)?);
        }
        let acessos = open_acessos(config, acessos, private.is_some()).await?;
        Ok(Self { here, acessos, private })
    }
}

/// The way to a database, by the URL that is in force.
fn access(config: &Config, store: impl Into<AnyStore>, options: MySqlConnectOptions) -> Access {
    match config.url_file(store) {
        Some(file) => Access::from_file(options, file.to_owned()),
        None => options.into(),
    }
}

/// One of the four, with its replicas.
fn open_store(config: &Config, store: Store, options: MySqlConnectOptions) -> anyhow::Result<Db> {
    let replicas = config.stores.replicas_of(store)?;
    let access = access(config, store, options);
    Ok(Db::replicated(store, access, config.stores.limits(), replicas, config.stores.replica_limits()))
}

/// Where accesses are kept: brought up to date where it is the private database's.
async fn open_acessos(
    config: &Config,
    options: Option<MySqlConnectOptions>,
    private: bool,
) -> anyhow::Result<Option<Db>> {
    let Some(options) = options else { return Ok(None) };
    if private && config.stores.has_no_acessos_url() {
        stores::migrate(AnyStore::Acessos, &options).await?;
    } else {
        check_schema(AnyStore::Acessos, migrations::check(AnyStore::Acessos, &options).await)?;
    }
    let access = access(config, AnyStore::Acessos, options);
    Ok(Some(Db::new(AnyStore::Acessos, access, config.stores.limits())))
}

/// How long it may take to write the last accesses.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What is behind the door.
struct Opened {
    app: Arc<App>,
    acessos: Acessos,
    private: Option<LocalDatabase>,
    first_password: Option<FirstPassword>,
    background: Vec<JoinHandle<()>>,
}

impl Opened {
    /// The database last, when nobody asks it anything any more.
    async fn close(self) {
        for task in self.background {
            task.abort();
            let _ = task.await;
        }
        // A store that is away does not hold up the end.
        let _ = tokio::time::timeout(LAST_WORDS, self.acessos.flush()).await;
        drop(self.private);
    }
}

/// Runs what never ends; should it panic, it is begun again.
fn supervised<F>(name: &'static str, task: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            if AssertUnwindSafe(task()).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a background task panicked, and is begun again");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
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

/// The operator's own address. It ends by itself, and not with the address of everybody: how an
/// end goes on is what an operator wants to see.
struct Watched {
    address: SocketAddr,
    door: Door,
    handle: Handle,
}

impl Watched {
    fn open(listener: TcpListener, config: &Config) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        if !Listen(address).is_local() {
            tracing::warn!(
                %address,
                "http.metrics_listen: whoever reaches this address sees the metrics, without a login and in the clear"
            );
        }
        let this = Self { address, door: Door::default(), handle: Handle::new() };
        let (shown, limits, handle) = (this.door.clone(), config.http.connections(), this.handle.clone());
        tokio::spawn(async move {
            if let Err(error) = http::serve(listener, shown, None, limits, handle).await {
                tracing::error!(%error, "the operator's address is served no more");
            }
        });
        Ok(this)
    }

    /// At once: nobody loses anything but a look.
    fn close(self) {
        self.handle.shutdown();
    }
}

/// Listens where a setting says.
fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    http::listen(address).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => "something listens there already; choose another port",
            ErrorKind::PermissionDenied => "ports below 1024 need rights; choose another",
            ErrorKind::AddrNotAvailable => "this machine has no such address; choose another",
            _ => "choose another address",
        };
        let (of, with) = match setting {
            "http.listen" => (String::new(), "--listen".to_owned()),
            other => (format!("{other}: "), other.to_owned()),
        };
        anyhow::anyhow!("{of}cannot listen on {address}: {error}; {remedy} with {with}")
    })
}

/// A store that is down does not keep the others from serving; one whose schema
/// does not fit does, since its answers would be wrong.
async fn check_schemas(stores: &PerStore<MySqlConnectOptions>) -> anyhow::Result<()> {
    let checks =
        stores.iter().map(|(store, options)| async move { (store, migrations::check(store, options).await) });
    for (store, state) in join_all(checks).await {
        check_schema(store.into(), state)?;
    }
    Ok(())
}

fn check_schema(store: AnyStore, state: Result<SchemaState, MigrationError>) -> anyhow::Result<()> {
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
    Ok(())
}

/// The password of the first user.
enum FirstPassword {
    /// It is shown, once, at a terminal.
    Shown(String),
    /// What the program says may be kept by others, as in a journal: it is in a file that
    /// its owner alone may read.
    Kept(PathBuf),
}

/// Makes the first user of a private install.
fn first_user(config: &Config, private: bool) -> anyhow::Result<Option<FirstPassword>> {
    let users = UsersFile::at(config.users_file());
    if users.exists() {
        return Ok(None);
    }
    anyhow::ensure!(
        private,
        "the users file {} does not exist; add a user with `quarteto user add NOME --papel ADMIN`",
        users.path().display()
    );
    let password = random_password();
    let hash = hash(&password)?;
    if io::stdout().is_terminal() {
        users.add("admin", &hash, Papel::Admin)?;
        return Ok(Some(FirstPassword::Shown(password)));
    }
    let file = config.local.data_dir.join("first-password");
    let name = || file.display().to_string();
    let mut kept = private_file(&file).with_context(name)?;
    writeln!(kept, "{password}").and_then(|()| kept.sync_all()).with_context(name)?;
    users.add("admin", &hash, Papel::Admin)?;
    Ok(Some(FirstPassword::Kept(file)))
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

fn open_tls(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    match config.http.tls_files() {
        None => Ok(None),
        Some(files) => Ok(Some(Arc::new(Tls::open(files)?))),
    }
}

/// Where to go, and one line that works.
fn greet(
    address: SocketAddr,
    watched: Option<&Watched>,
    first_password: Option<&FirstPassword>,
    config: &Config,
) {
    let scheme = if config.http.tls_files().is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{address}");
    println!("Quarteto listens on {base}");
    println!("  Playground  {base}/");
    println!("  GraphiQL    {base}/graphiql");
    // What asks no store is the merged graph's, and of subgraphs that of `nos`.
    let has_general = matches!(config.federation.store, Subgraph::None | Subgraph::Nos);
    if has_general {
        println!("  Painel      {base}/painel");
    }
    if let Some(watched) = watched {
        println!("  Metrics     http://{}/metrics", watched.address);
    }
    let login = match first_password {
        Some(FirstPassword::Shown(password)) => {
            println!(
                "  Login       admin / {password}   (shown once; `quarteto user passwd admin` changes it)"
            );
            format!("admin:{password}")
        }
        Some(FirstPassword::Kept(file)) => {
            println!("  Login       admin, with the password in {}", file.display());
            "admin".to_owned()
        }
        None => {
            println!("  Login       one of {}", config.users_file().display());
            "NOME".to_owned()
        }
    };
    let query = if has_general { "{ eu { nome papel } }" } else { "{ __typename }" };
    println!(
        "  Try         curl -u '{login}' {base}/graphql -H 'Content-Type: application/json' -d '{{\"query\":\"{query}\"}}'"
    );
}
