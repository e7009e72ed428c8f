//! The stores.

use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;

use super::ConfigError;
use super::setting::section;
use crate::db::{AnyStore, DbLimits, PerStore, ReplicaLimits, Store, options, source_options, url_list};

section! {
    /// The four stores.
    Stores in "stores" {
        clientes_url: String = String::new(), secret, "QUARTETO_CLIENTES_URL",
            "URL of the store `clientes`: mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE.";
        enderecos_url: String = String::new(), secret, "QUARTETO_ENDERECOS_URL",
            "URL of the store `enderecos`.";
        catalogo_url: String = String::new(), secret, "QUARTETO_CATALOGO_URL",
            "URL of the store `catalogo`.";
        inventario_url: String = String::new(), secret, "QUARTETO_INVENTARIO_URL",
            "URL of the store `inventario`.";
        clientes_replica_url: String = String::new(), secret, "QUARTETO_CLIENTES_REPLICA_URL",
            "URLs of replicas of the store `clientes`, from which reads are answered, separated by commas or ends of lines; none when empty.";
        enderecos_replica_url: String = String::new(), secret, "QUARTETO_ENDERECOS_REPLICA_URL",
            "URLs of replicas of the store `enderecos`.";
        catalogo_replica_url: String = String::new(), secret, "QUARTETO_CATALOGO_REPLICA_URL",
            "URLs of replicas of the store `catalogo`.";
        inventario_replica_url: String = String::new(), secret, "QUARTETO_INVENTARIO_REPLICA_URL",
            "URLs of replicas of the store `inventario`.";
        acessos_url: String = String::new(), secret, "QUARTETO_ACESSOS_URL",
            "URL of a database for accesses, the same for all instances; without it, and without the private database, the last hours stay in memory.";
        connections: usize = 10, number in 1..=1000, "QUARTETO_STORE_CONNECTIONS",
            "Connections to each store.";
        acquire_ms: u64 = 500, number in 1..=60_000, "QUARTETO_STORE_ACQUIRE_MS",
            "How long a statement waits for a connection before the store counts as busy.";
        statement_ms: u64 = 2_000, number in 10..=600_000, "QUARTETO_STORE_STATEMENT_MS",
            "How long a statement may run.";
        replica_lag_ms: u64 = 1_000, number in 100..=600_000, "QUARTETO_STORE_REPLICA_LAG_MS",
            "How old the data of a replica may be that answers a read.";
        replica_pin_ms: u64 = 5_000, number in 100..=3_600_000, "QUARTETO_STORE_REPLICA_PIN_MS",
            "For how long a login that has written reads from the primaries; not less than `stores.replica_lag_ms`.";
    }
}

/// Which databases to use.
pub enum Databases {
    /// None is configured: the private one.
    Private,
    /// The four that are configured.
    Configured(Box<PerStore<MySqlConnectOptions>>),
}

impl Databases {
    /// Whether it is the private one.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        matches!(self, Self::Private)
    }
}

/// The server and the database.
fn place(options: &MySqlConnectOptions) -> (String, String) {
    let server = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host().to_ascii_lowercase(), options.get_port()),
    };
    (server, options.get_database().unwrap_or_default().to_owned())
}

/// Four stores are four databases.
fn apart(stores: &PerStore<MySqlConnectOptions>) -> Result<(), ConfigError> {
    let mut seen: Vec<(Store, _)> = Vec::new();
    for (store, options) in stores.iter() {
        let here = place(options);
        if let Some((other, _)) = seen.iter().find(|(_, there)| *there == here) {
            return Err(ConfigError(format!(
                "{} and {} name the same database, {} on {}; each store needs one of its own",
                other.url_variable(),
                store.url_variable(),
                here.1,
                here.0
            )));
        }
        seen.push((store, here));
    }
    Ok(())
}

impl Stores {
    fn url(&self, store: Store) -> &str {
        match store {
            Store::Clientes => &self.clientes_url,
            Store::Enderecos => &self.enderecos_url,
            Store::Catalogo => &self.catalogo_url,
            Store::Inventario => &self.inventario_url,
        }
    }

    /// Which databases to use: all four URLs, or none.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn databases(&self) -> Result<Databases, ConfigError> {
        let unset = Store::ALL.into_iter().filter(|store| self.url(*store).is_empty());
        let missing: Vec<&str> = unset.map(Store::url_variable).collect();
        match missing.len() {
            0 => {
                let stores =
                    PerStore::try_from_fn(|store| options(store, self.url(store))).map_err(ConfigError)?;
                apart(&stores)?;
                Ok(Databases::Configured(Box::new(stores)))
            }
            4 => Ok(Databases::Private),
            _ => Err(ConfigError(format!(
                "{} not set; set the URLs of all four stores, or of none to use the private database",
                missing.join(" and ")
            ))),
        }
    }

    /// The database of one store alone: the configured one, or, when none of the four is, the
    /// private one.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn database_of(&self, store: Store) -> Result<Option<MySqlConnectOptions>, ConfigError> {
        if !self.url(store).is_empty() {
            return options(store, self.url(store)).map(Some).map_err(ConfigError);
        }
        if Store::ALL.into_iter().all(|store| self.url(store).is_empty()) {
            return Ok(None);
        }
        Err(ConfigError(format!(
            "{} is not set, and the URL of another store is; set it, or the URL of no store to use the private database",
            store.url_variable()
        )))
    }

    fn replica_urls(&self, store: Store) -> &str {
        match store {
            Store::Clientes => &self.clientes_replica_url,
            Store::Enderecos => &self.enderecos_replica_url,
            Store::Catalogo => &self.catalogo_replica_url,
            Store::Inventario => &self.inventario_replica_url,
        }
    }

    /// The replicas of each store.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn replicas(&self) -> Result<PerStore<Vec<MySqlConnectOptions>>, ConfigError> {
        PerStore::try_from_fn(|store| self.replicas_of(store))
    }

    /// The replicas of a store.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn replicas_of(&self, store: Store) -> Result<Vec<MySqlConnectOptions>, ConfigError> {
        let name = store.replica_url_variable();
        let urls = url_list(self.replica_urls(store));
        if urls.is_empty() {
            return Ok(Vec::new());
        }
        if self.url(store).is_empty() {
            let primary = store.url_variable();
            return Err(ConfigError(format!("{name} is set and {primary} is not; set both, or neither")));
        }
        let primary = options(store, self.url(store)).map_err(ConfigError)?;
        let mut seen = vec![place(&primary)];
        let mut replicas = Vec::new();
        for url in urls {
            let options = source_options(name, url).map_err(ConfigError)?;
            let here = place(&options);
            if let Some(which) = seen.iter().position(|there| *there == here) {
                let which = if which == 0 { "that of the primary" } else { "named twice" };
                return Err(ConfigError(format!(
                    "{name}: the database {} on {} is {which}; each replica needs a server of its own",
                    here.1, here.0
                )));
            }
            seen.push(here);
            replicas.push(options);
        }
        Ok(replicas)
    }

    /// What is asked of replicas.
    #[must_use]
    pub const fn replica_limits(&self) -> ReplicaLimits {
        ReplicaLimits {
            lag: Duration::from_millis(self.replica_lag_ms),
            pin: Duration::from_millis(self.replica_pin_ms),
        }
    }

    /// Whether the settings fit each other.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.replica_pin_ms < self.replica_lag_ms {
            return Err(ConfigError(
                "stores.replica_pin_ms must not be less than stores.replica_lag_ms: by then a login would not \
                 see what it has written"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether it is not said where accesses are kept.
    #[must_use]
    pub const fn has_no_acessos_url(&self) -> bool {
        self.acessos_url.is_empty()
    }

    /// Where accesses are kept, when that is configured.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn acessos(&self) -> Result<Option<MySqlConnectOptions>, ConfigError> {
        if self.acessos_url.is_empty() {
            return Ok(None);
        }
        let acessos = options(AnyStore::Acessos, &self.acessos_url).map_err(ConfigError)?;
        if let Ok(Databases::Configured(stores)) = self.databases() {
            let same = stores.iter().find(|(_, options)| place(options) == place(&acessos));
            if let Some((store, options)) = same {
                return Err(ConfigError(format!(
                    "{} and {} name the same database, {}; each store needs one of its own",
                    store.url_variable(),
                    AnyStore::Acessos.url_variable(),
                    options.get_database().unwrap_or_default()
                )));
            }
        }
        Ok(Some(acessos))
    }

    /// What each store's pool may do.
    #[must_use]
    pub fn limits(&self) -> DbLimits {
        DbLimits {
            connections: self.connections,
            acquire: Duration::from_millis(self.acquire_ms),
            statement: Duration::from_millis(self.statement_ms),
            ..DbLimits::default()
        }
    }
}
