//! The command line: one subcommand a file, and what they share.
//!
//! Exit codes: 0 for success, 1 for a failure that the message explains, 2 for
//! a command line that cannot be read; 3 for a look that found something:
//! `migrate --check` when a store is behind, `check` when something fits nowhere,
//! `import` when rows were rejected, `doctor` when something is wrong, `schema --check`
//! when operations would break; and those of
//! `serve`, in `stop.rs`.

mod acessos;
mod adopt;
mod check;
mod config;
mod doctor;
mod export;
mod import;
mod migrate;
mod rejects;
mod schema;
mod schema_check;
mod seed;
mod serve;
mod stop;
mod titular;
mod user;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Databases};
use crate::db::{AnyStore, PerStore, Store, not_apart};
use crate::insight;
use crate::local::LocalDatabase;
use sqlx::mysql::MySqlConnectOptions;

/// One GraphQL API over four independent MySQL stores.
///
/// Settings come from flags, environment variables (QUARTETO_…), a config file
/// and defaults, in this order; `quarteto config` shows them all.
#[derive(Parser)]
#[command(name = "quarteto", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args)]
struct Common {
    /// A config file (TOML); see `quarteto config` for the keys.
    #[arg(long, global = true, value_name = "FILE", env = "QUARTETO_CONFIG")]
    config: Option<PathBuf>,
    /// The folder of the private database and the users file [default: .quarteto].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// What to log: `info`, `debug`, `quarteto::db=debug`, … [default: info].
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to log: pretty or json [default: pretty].
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The users file [default: `users` in the data folder].
    #[arg(long, global = true, value_name = "FILE")]
    users_file: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API; with no store URL set, over a private database.
    Serve(serve::Serve),
    /// Look at everything that `serve` needs, and name the remedies.
    Doctor(doctor::Doctor),
    /// Bring the schemas of the stores up to date.
    Migrate(migrate::Migrate),
    /// Fill empty stores with synthetic data, the same on every run.
    Seed(seed::Seed),
    /// Import rows of an old database from a CSV file.
    Import(import::Import),
    /// Take the four old databases over where they are.
    Adopt(adopt::Adopt),
    /// Write the rows of a store to a CSV file.
    Export(export::Export),
    /// Look for what fits nowhere across the stores, and mend it.
    Check(check::Check),
    /// Who asked what of the API, as the panel shows it.
    Acessos(acessos::AcessosArgs),
    /// Gather or remove all that is known of one person (LGPD).
    Titular(titular::Titular),
    /// Print the GraphQL schema (SDL).
    Schema(schema::Schema),
    /// Show the settings in force, and where each came from.
    Config,
    /// Manage the users who may log in.
    #[command(subcommand)]
    User(user::User),
}

/// Runs the command; what went wrong is printed for the person who typed it.
#[must_use]
pub fn run() -> ExitCode {
    // The points of failure that the variable FAILPOINTS names, for tests.
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let cli = Cli::parse();
    let starts = matches!(cli.command, Command::Serve(_));
    match execute(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quarteto: {error:#}");
            if starts {
                eprintln!("`quarteto doctor` looks at everything that it needs");
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut flags = cli.common.flags();
    if let Command::Serve(serve) = &cli.command {
        flags.extend(serve.flags());
    }
    let loaded = Config::load(cli.common.config.clone(), &flags, std::env::vars_os())?;
    // Only what serves has a trace: the rest is one long statement after another.
    let telemetry = matches!(cli.command, Command::Serve(_)).then_some(&loaded.config.telemetry);
    let _log = insight::start(&loaded.config.log, telemetry).map_err(anyhow::Error::msg)?;
    for notice in &loaded.notices {
        tracing::warn!("{notice}");
    }
    let config = &loaded.config;
    match cli.command {
        Command::Serve(serve) => block_on(config, serve.run(config)),
        Command::Doctor(doctor) => block_on(config, doctor.run(&loaded)),
        Command::Migrate(migrate) => block_on(config, migrate.run(config)),
        Command::Seed(seed) => block_on(config, seed.run(config)),
        Command::Import(import) => block_on(config, import.run(config)),
        Command::Adopt(adopt) => block_on(config, adopt.run(config)),
        Command::Export(export) => block_on(config, export.run(config)),
        Command::Check(check) => block_on(config, check.run(config)),
        Command::Acessos(acessos) => block_on(config, acessos.run(config)),
        Command::Titular(titular) => block_on(config, titular.run(config)),
        Command::Schema(schema) => block_on(config, schema.run(config)),
        Command::Config => Ok(config::run(&loaded)),
        Command::User(user) => user.run(config),
    }
}

/// Runs a command that waits for others.
fn block_on(
    config: &Config,
    command: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.http.worker_threads())
        .enable_all()
        .build()?
        .block_on(command)
}

/// Prints for a reader who may have seen enough before the end, as `head` has.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

impl Common {
    fn flags(&self) -> BTreeMap<&'static str, String> {
        let given = [
            ("local.data_dir", &self.data_dir),
            ("log.filter", &self.log),
            ("log.format", &self.log_format),
            ("auth.users_file", &self.users_file),
        ];
        given.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// The store of a subgraph, and the private server where it lives on one.
struct OpenStore {
    /// None of `nos`.
    store: Option<(Store, MySqlConnectOptions)>,
    /// Where accesses are kept, when they are.
    acessos: Option<MySqlConnectOptions>,
    private: Option<LocalDatabase>,
}

impl OpenStore {
    /// The configured store, or that of the private server: of one that runs, so that all
    /// subgraphs may share it, or started here.
    async fn to_serve(config: &Config) -> anyhow::Result<Self> {
        let acessos = config.stores.acessos()?;
        let Some(store) = config.federation.store.store() else {
            return Ok(Self { store: None, acessos, private: None });
        };
        if let Some(options) = config.stores.database_of(store)? {
            return Ok(Self { store: Some((store, options)), acessos, private: None });
        }
        let server = LocalDatabase::join_or_start(&config.local.data_dir).await?;
        let options = server.stores()?[store].clone();
        let acessos = acessos.map_or_else(|| server.acessos(), Ok)?;
        Ok(Self { store: Some((store, options)), acessos: Some(acessos), private: Some(server) })
    }
}

/// The stores, and the private server where they live on one.
struct OpenStores {
    stores: PerStore<MySqlConnectOptions>,
    /// Where accesses are kept, when they are.
    acessos: Option<MySqlConnectOptions>,
    private: Option<LocalDatabase>,
}

impl OpenStores {
    /// How a store is reached; none of one that is not configured.
    fn options(&self, store: AnyStore) -> Option<&MySqlConnectOptions> {
        match store {
            AnyStore::One(store) => Some(&self.stores[store]),
            AnyStore::Acessos => self.acessos.as_ref(),
        }
    }

    /// The configured stores, or the private server: that of a program that serves, or
    /// started.
    async fn open(config: &Config) -> anyhow::Result<Self> {
        Self::with(config, LocalDatabase::join_or_start(&config.local.data_dir)).await
    }

    /// The configured stores, or the private server, started here and for nobody else.
    async fn to_serve(config: &Config) -> anyhow::Result<Self> {
        Self::with(config, LocalDatabase::start(&config.local.data_dir, &[])).await
    }

    async fn with(
        config: &Config,
        private: impl Future<Output = anyhow::Result<LocalDatabase>>,
    ) -> anyhow::Result<Self> {
        Ok(match config.stores.databases()? {
            Databases::Configured(stores) => {
                if let Some((one, other)) = not_apart(&stores).await {
                    anyhow::bail!(
                        "{} and {} lead to the same database; each store needs one of its own, and nothing was written",
                        one.url_variable(),
                        other.url_variable()
                    );
                }
                Self { stores: *stores, acessos: config.stores.acessos()?, private: None }
            }
            Databases::Private => {
                let server = private.await?;
                let acessos = config.stores.acessos()?.map_or_else(|| server.acessos(), Ok)?;
                Self { stores: server.stores()?, acessos: Some(acessos), private: Some(server) }
            }
        })
    }
}
