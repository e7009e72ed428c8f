//! The settings: what there is, where it comes from, what it is by default.
//!
//! Flags win over environment variables, those over the config file (TOML), that
//! over the defaults. [`settings`] is the whole list, and the operator's
//! reference: `quarteto config` prints it with the values in force and where
//! each came from. A variable with `_FILE` appended names a file that holds the
//! value, for those marked secret.
//!
//! Each section has a file of its own, which says all about its settings and what
//! they become. What does not live here: what they do. To add a setting: a line in
//! its section. To add a section: a file like the others, a field in [`Config`], a
//! line in [`settings`] and one in `Config::check`.

mod acessos;
mod auth;
mod documents;
mod environment;
mod federation;
mod http;
mod limits;
mod listen;
mod local;
mod log;
mod setting;
mod stores;
mod telemetry;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::{Deserialize, Serialize};

use crate::db::AnyStore;

pub use acessos::Acessos;
pub use auth::Auth;
pub use documents::Documents;
use environment::Environment;
pub use federation::{Federation, PeerAccess, Subgraph};
pub use http::{ConnectionLimits, Http, Introspection, StatusCodes, TlsFiles};
pub use limits::{CostMode, Limits, Rate};
pub use listen::Listen;
pub use local::Local;
pub use log::{Log, LogFormat};
pub use setting::Setting;
pub use stores::{Databases, Stores};
pub use telemetry::Telemetry;

/// The settings in force.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The four stores.
    pub stores: Stores,
    /// The HTTP server.
    pub http: Http,
    /// What an operation may be.
    pub limits: Limits,
    /// The operations that are trusted.
    pub documents: Documents,
    /// Login.
    pub auth: Auth,
    /// Who asks what.
    pub acessos: Acessos,
    /// The log.
    pub log: Log,
    /// Traces, for an OpenTelemetry collector.
    pub telemetry: Telemetry,
    /// One store's subgraph.
    pub federation: Federation,
    /// The private database and other local data.
    pub local: Local,
    /// The files that hold values of secret settings, by their keys.
    #[serde(skip)]
    files: BTreeMap<&'static str, PathBuf>,
}

/// All settings, section by section.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    let sections = [
        Stores::SETTINGS,
        Http::SETTINGS,
        Limits::SETTINGS,
        Documents::SETTINGS,
        Auth::SETTINGS,
        Acessos::SETTINGS,
        Log::SETTINGS,
        Telemetry::SETTINGS,
        Federation::SETTINGS,
        Local::SETTINGS,
    ];
    sections.into_iter().flatten()
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The settings, and where each came from.
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences about what was set and means nothing.
    pub notices: Vec<String>,
    figment: Figment,
}

impl Config {
    /// Reads all sources. `file` is the config file, when one is named; `flags`
    /// are values given on the command line, by key; `environment` the variables.
    ///
    /// # Errors
    /// A message that names the setting, the source and the rule.
    pub fn load(
        file: Option<PathBuf>,
        flags: &BTreeMap<&'static str, String>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Loaded, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError(format!("the config file {} does not exist", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let Environment { values, notices } = Environment::read(environment)?;
        let mut files = BTreeMap::new();
        for given in values {
            files.extend(given.file.map(|file| (given.key, file)));
            figment = figment.merge(Text::new(given.name, given.key, &given.text));
        }
        for (key, text) in flags {
            figment = figment.merge(Text::new(format!("the flag for {key}"), key, text));
        }
        let mut config: Self = figment.extract().map_err(|error| explain(&error))?;
        config.files = files;
        config.check()?;
        Ok(Loaded { config, notices, figment })
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.stores.within_bounds()?;
        self.http.within_bounds()?;
        self.limits.within_bounds()?;
        self.documents.within_bounds()?;
        self.auth.within_bounds()?;
        self.acessos.within_bounds()?;
        self.log.within_bounds()?;
        self.telemetry.within_bounds()?;
        self.federation.within_bounds()?;
        self.local.within_bounds()?;
        self.stores.check()?;
        self.http.check()?;
        self.limits.check()?;
        self.documents.check()?;
        self.telemetry.check()
    }

    /// The file that holds a store's URL, where one does.
    #[must_use]
    pub fn url_file(&self, store: impl Into<AnyStore>) -> Option<&Path> {
        let store = store.into();
        let setting = settings().find(|setting| setting.variable == store.url_variable())?;
        self.files.get(setting.key).map(PathBuf::as_path)
    }

    /// The settings that are not as by default, as `key=value`, secrets hidden.
    #[must_use]
    pub fn differing(&self) -> Vec<String> {
        let whole = |config: &Self| serde_json::to_value(config).unwrap_or_default();
        let (now, default) = (whole(self), whole(&Self::default()));
        let differs = |setting: &'static Setting| {
            let (section, name) = setting.key.split_once('.')?;
            let value = &now[section][name];
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (*value != default[section][name]).then(|| format!("{}={}", setting.key, setting.shown(&text)))
        };
        settings().filter_map(differs).collect()
    }

    /// The users file.
    #[must_use]
    pub fn users_file(&self) -> PathBuf {
        self.auth.users_file(&self.local.data_dir)
    }
}

impl Loaded {
    /// Every setting with its value (secrets hidden) and where it came from.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static Setting, String, String)> {
        settings()
            .map(|setting| {
                let shown = match self.figment.find_value(setting.key) {
                    Ok(value) => setting.shown(&plain(&value)),
                    Err(_) => String::new(),
                };
                let source = self.figment.find_metadata(setting.key);
                (setting, shown, source.map_or_else(String::new, source_name))
            })
            .collect()
    }
}

fn plain(value: &Value) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn source_name(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(path)) => format!("file {}", short(path)),
        Some(figment::Source::Code(_)) => "default".into(),
        _ => metadata.name.to_string(),
    }
}

/// As the operator would write it: below the working folder where it is.
fn short(path: &std::path::Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// One value as text, given outside the config file.
struct Text {
    name: String,
    key: &'static str,
    text: String,
}

impl Text {
    fn new(name: impl Into<String>, key: &'static str, text: &str) -> Self {
        Self { name: name.into(), key, text: text.to_owned() }
    }

    fn is(&self, kind: impl Fn(&Setting) -> bool) -> bool {
        settings().any(|setting| setting.key == self.key && kind(setting))
    }
}

impl Provider for Text {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        // A number is a number only where the setting is one: a password in a
        // URL may look like anything.
        let value = match self.text.parse::<u64>() {
            Ok(number) if self.is(|setting| setting.is_number) => Value::from(number),
            _ if self.is(|setting| setting.is_flag) && self.text == "true" => Value::from(true),
            _ if self.is(|setting| setting.is_flag) && self.text == "false" => Value::from(false),
            _ => Value::from(self.text.clone()),
        };
        let nested = figment::util::nest(self.key, value);
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

fn explain(error: &figment::Error) -> ConfigError {
    let key = error.path.join(".");
    let source = error.metadata.as_ref().map_or_else(String::new, source_name);
    let place = match (key.is_empty(), source.is_empty()) {
        (false, false) => format!("{key} (from {source}): "),
        (false, true) => format!("{key}: "),
        (true, false) => format!("{source}: "),
        (true, true) => String::new(),
    };
    ConfigError(format!("{place}{}", error.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Config::load(None, &BTreeMap::new(), variables).map_err(|error| error.to_string())
    }

    fn refusal(variables: &[(&str, &str)]) -> String {
        match load(variables) {
            Err(message) => message,
            Ok(loaded) => match loaded.config.stores.databases() {
                Err(error) => error.to_string(),
                Ok(_) => panic!("accepted {variables:?}"),
            },
        }
    }

    #[test]
    fn every_setting_is_a_field_and_every_field_a_setting() {
        let loaded = load(&[]).expect("defaults");
        let described = loaded.describe();
        assert!(described.iter().all(|(_, _, source)| source == "default"));
        let fields = serde_json::to_value(Config::default()).expect("plain");
        let sections = fields.as_object().expect("sections").values();
        let count: usize = sections.map(|section| section.as_object().map_or(0, serde_json::Map::len)).sum();
        assert_eq!(count, settings().count());
    }

    #[test]
    fn what_the_pools_do_by_themselves_is_what_the_settings_say() {
        let (own, set) = (crate::db::DbLimits::default(), Config::default().stores.limits());
        assert_eq!(
            (own.connections, own.acquire, own.statement),
            (set.connections, set.acquire, set.statement)
        );
    }

    #[test]
    fn what_differs_is_told_without_its_secrets() {
        assert_eq!(load(&[]).expect("defaults").config.differing(), Vec::<String>::new());
        let set = [("QUARTETO_CLIENTES_URL", "mysql://a:geheim@b/c"), ("QUARTETO_BODY_BYTES", "4096")];
        assert_eq!(
            load(&set).expect("valid").config.differing(),
            ["stores.clientes_url=mysql://a:***@b/c", "http.body_bytes=4096"]
        );
    }

    #[test]
    fn bad_values_name_the_setting_the_source_and_the_rule() {
        assert_eq!(
            refusal(&[("QUARTETO_LISTEN", "nowhere")]),
            "http.listen (from QUARTETO_LISTEN): `nowhere` is no address and port: they look like 127.0.0.1:4000, [::1]:4000 or 4000"
        );
        assert_eq!(
            refusal(&[("QUARTETO_STORE_CONNECTIONS", "many")]),
            "stores.connections (from QUARTETO_STORE_CONNECTIONS): invalid type: found string \"many\", expected usize"
        );
        assert_eq!(
            refusal(&[("QUARTETO_STORE_CONNECTIONS", "0")]),
            "stores.connections must be between 1 and 1000"
        );
        assert_eq!(
            refusal(&[("QUARTETO_BODY_BYTES", "1")]),
            "http.body_bytes must be between 1024 and 67108864"
        );
    }

    #[test]
    fn urls_are_all_or_none_and_well_formed() {
        assert!(
            refusal(&[("QUARTETO_CLIENTES_URL", "mysql://a@b/c")]).starts_with("QUARTETO_ENDERECOS_URL and")
        );
        let all = |clientes| {
            [
                ("QUARTETO_CLIENTES_URL", clientes),
                ("QUARTETO_ENDERECOS_URL", "mysql://a@b/e"),
                ("QUARTETO_CATALOGO_URL", "mysql://a@b/p"),
                ("QUARTETO_INVENTARIO_URL", "mysql://a@b/i"),
            ]
        };
        assert!(
            refusal(&all("postgres://a@b/c")).starts_with("QUARTETO_CLIENTES_URL must look like mysql://")
        );
        assert!(refusal(&all("mysql://a@b")).starts_with("QUARTETO_CLIENTES_URL names no database"));
        assert!(refusal(&all("mysql://a@b:port/c")).starts_with("QUARTETO_CLIENTES_URL cannot be read"));
        assert_eq!(
            refusal(&all("mysql://x:y@B:3306/i?ssl-mode=REQUIRED")),
            "QUARTETO_CLIENTES_URL and QUARTETO_INVENTARIO_URL name the same database, i on b:3306; each store needs one of its own"
        );
        let loaded = load(&all("mysql://a:1234@b/c")).expect("valid");
        assert!(matches!(loaded.config.stores.databases(), Ok(Databases::Configured(_))));
    }

    #[test]
    fn a_subgraph_that_writes_knows_its_siblings() {
        let peers = |variables: &[(&str, &str)]| {
            let given = [("QUARTETO_PEER_USER", "servico"), ("QUARTETO_PEER_PASSWORD", "hunter2")];
            let all: Vec<(&str, &str)> = given.into_iter().chain(variables.iter().copied()).collect();
            load(&all)?.config.federation.peers().map_err(|error| error.to_string())
        };
        let enderecos =
            |peer| peers(&[("QUARTETO_SERVE_STORE", "enderecos"), ("QUARTETO_CLIENTES_PEER", peer)]);
        for peer in [
            "https://clientes:4000",
            "https://clientes:4000/",
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.0.0.9:1",
        ] {
            let access = enderecos(peer).unwrap_or_else(|told| panic!("{peer}: {told}")).expect("needed");
            let named = access.bases.iter().filter(|(_, base)| base.is_some()).map(|(store, _)| store.name());
            assert_eq!(named.collect::<Vec<_>>(), ["clientes"]);
        }
        for (peer, told) in [
            ("", "QUARTETO_CLIENTES_PEER is not set"),
            ("clientes:4000", "must look like https://HOST:PORT"),
            ("https://clientes:4000/graphql", "must look like https://HOST:PORT"),
            ("ftp://clientes", "must look like https://HOST:PORT"),
            ("https://a:b@clientes", "QUARTETO_CLIENTES_PEER holds a login"),
            ("http://clientes:4000", "without encryption"),
            ("http://10.0.0.1:4000", "without encryption"),
        ] {
            let refused = enderecos(peer).expect_err(peer);
            assert!(refused.contains(told), "{peer}: {refused}");
        }
        let meshed = [
            ("QUARTETO_SERVE_STORE", "enderecos"),
            ("QUARTETO_CLIENTES_PEER", "http://clientes:4000"),
            ("QUARTETO_PEER_PLAINTEXT", "true"),
        ];
        assert!(peers(&meshed).is_ok_and(|access| access.is_some()));
        for free in ["", "catalogo", "nos"] {
            assert!(peers(&[("QUARTETO_SERVE_STORE", free)]).is_ok_and(|access| access.is_none()), "{free}");
        }
        let nobody = [("QUARTETO_SERVE_STORE", "enderecos"), ("QUARTETO_CLIENTES_PEER", "https://clientes")];
        let told = load(&nobody).map(|loaded| loaded.config.federation.peers().map(|_| ()));
        assert!(
            told.is_ok_and(|told| told.is_err_and(|error| error.to_string().contains("QUARTETO_PEER_USER")))
        );
        assert!(refusal(&[("QUARTETO_SERVE_STORE", "pedidos")]).contains("federation.store"));
        // What is shown tells nothing of the password.
        let loaded = load(&[("QUARTETO_PEER_PASSWORD", "hunter2")]).expect("valid");
        assert!(loaded.describe().iter().all(|(_, shown, _)| !shown.contains("hunter2")));
        assert_eq!(loaded.config.differing(), ["federation.peer_password=***"]);
    }

    #[test]
    fn replicas_are_other_servers_than_their_primary_and_each_other() {
        let with = |list: &'static str| {
            let mut all = vec![
                ("QUARTETO_CLIENTES_URL", "mysql://a@b/c"),
                ("QUARTETO_ENDERECOS_URL", "mysql://a@b/e"),
                ("QUARTETO_CATALOGO_URL", "mysql://a@b/p"),
                ("QUARTETO_INVENTARIO_URL", "mysql://a@b/i"),
            ];
            all.push(("QUARTETO_CLIENTES_REPLICA_URL", list));
            let loaded = load(&all).expect("valid");
            let replicas = loaded.config.stores.replicas().map_err(|error| error.to_string())?;
            Ok::<_, String>(crate::db::Store::ALL.map(|store| replicas[store].len()))
        };
        assert_eq!(with(""), Ok([0; 4]));
        assert_eq!(with("mysql://a@r1/c, mysql://a@r2/c\nmysql://a@r2/copy\n"), Ok([3, 0, 0, 0]));
        assert_eq!(
            with("mysql://x:y@B:3306/c?ssl-mode=REQUIRED"),
            Err("QUARTETO_CLIENTES_REPLICA_URL: the database c on b:3306 is that of the primary; each replica needs a server of its own".to_owned())
        );
        assert_eq!(
            with("mysql://a@r/c,mysql://b@r:3306/c"),
            Err("QUARTETO_CLIENTES_REPLICA_URL: the database c on r:3306 is named twice; each replica needs a server of its own".to_owned())
        );
        assert_eq!(
            with("mysql://a@r"),
            Err("QUARTETO_CLIENTES_REPLICA_URL names no database; it must look like mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=REQUIRED".to_owned())
        );
        let alone = load(&[("QUARTETO_CATALOGO_REPLICA_URL", "mysql://a@b/c")]).expect("valid").config;
        assert_eq!(
            alone.stores.replicas().map_err(|error| error.to_string()).err().as_deref(),
            Some(
                "QUARTETO_CATALOGO_REPLICA_URL is set and QUARTETO_CATALOGO_URL is not; set both, or neither"
            )
        );
        assert!(refusal(&[("QUARTETO_STORE_REPLICA_PIN_MS", "999")]).contains("must not be less than"));
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_somebody_says_otherwise() {
        let open = |variables: &[(&str, &str)]| {
            load(variables).expect("valid").config.http.check_exposure().map_err(|error| error.to_string())
        };
        for local in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            assert_eq!(open(&[("QUARTETO_LISTEN", local)]), Ok(()));
        }
        for far in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
            assert!(
                open(&[("QUARTETO_LISTEN", far)]).is_err_and(|error| error.contains("http.behind_proxy"))
            );
            assert_eq!(open(&[("QUARTETO_LISTEN", far), ("QUARTETO_BEHIND_PROXY", "true")]), Ok(()));
            let tls = [("QUARTETO_LISTEN", far), ("QUARTETO_TLS_CERT", "c"), ("QUARTETO_TLS_KEY", "k")];
            assert_eq!(open(&tls), Ok(()));
        }
        assert!(refusal(&[("QUARTETO_BEHIND_PROXY", "yes")]).starts_with("http.behind_proxy (from"));
        assert!(refusal(&[("QUARTETO_TLS_KEY", "k")]).contains("go together"));
        assert!(refusal(&[("QUARTETO_DOCUMENTS_MODE", "enforce")]).contains("documents.path"));
        assert!(refusal(&[("QUARTETO_RATE_BURST", "7")]).contains("limits.rate_per_minute"));
    }

    #[test]
    fn secrets_are_hidden_and_may_come_from_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("url");
        std::fs::write(&file, "mysql://user:hunter2@db/clientes\n").expect("written");
        let path = file.to_str().expect("plain").to_owned();
        let loaded = load(&[("QUARTETO_CLIENTES_URL_FILE", &path)]).expect("valid");
        let (_, shown, source) = loaded.describe().swap_remove(0);
        assert_eq!(shown, "mysql://user:***@db/clientes");
        assert_eq!(source, format!("QUARTETO_CLIENTES_URL_FILE ({path})"));
    }
}
