//! The stores.

use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;

use super::ConfigError;
use super::setting::section;
use crate::db::{AnyStore, DbLimits, PerStore, Store, options};

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
        acessos_url: String = String::new(), secret, "QUARTETO_ACESSOS_URL",
            "URL of a database for accesses, the same for all instances; without it, and without the private database, the last hours stay in memory.";
        connections: usize = 10, number in 1..=1000, "QUARTETO_STORE_CONNECTIONS",
            "Connections to each store.";
        acquire_ms: u64 = 500, number in 1..=60_000, "QUARTETO_STORE_ACQUIRE_MS",
            "How long a statement waits for a connection before the store counts as busy.";
        statement_ms: u64 = 2_000, number in 10..=600_000, "QUARTETO_STORE_STATEMENT_MS",
            "How long a statement may run.";
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
            "{} not set; set it, or the URL of no store to use the private database",
            store.url_variable()
        )))
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
