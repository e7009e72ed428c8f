//! The settings: what there is, where it comes from, what it is by default.
//!
//! Flags win over environment variables, those over the config file (TOML), that
//! over the defaults. [`SETTINGS`] is the whole list, and the operator's
//! reference: `quarteto config` prints it with the values in force and where
//! each came from. A variable with `_FILE` appended names a file that holds the
//! value, for those marked secret.
//!
//! To add one: a line in [`SETTINGS`], a field in its section below.

mod bounds;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::{Deserialize, Serialize};

pub use bounds::{ConnectionLimits, Rate, TlsFiles};
pub use settings::{SETTINGS, Setting};

use crate::db::{BreakerLimits, DbLimits, PerStore, Store, options};
use crate::kernel::{AnswerLimits, Papel};
use crate::operation::DocumentLimits;
use crate::operation::trusted::TrustMode;
use sqlx::mysql::MySqlConnectOptions;

/// The settings in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The log.
    pub log: Log,
    /// The private database and other local data.
    pub local: Local,
}

/// The four stores.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stores {
    clientes_url: String,
    enderecos_url: String,
    catalogo_url: String,
    inventario_url: String,
    connections: usize,
    acquire_ms: u64,
    statement_ms: u64,
}

/// The HTTP server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where to listen.
    pub listen: SocketAddr,
    tls_cert: PathBuf,
    tls_key: PathBuf,
    /// Whether plain HTTP may listen beyond this machine.
    pub behind_proxy: bool,
    header_ms: u64,
    /// The largest head of a request, in bytes.
    pub header_bytes: usize,
    body_ms: u64,
    write_ms: u64,
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// Operations that one request may hold as a list; none when 0.
    pub batch: usize,
    /// Which status codes tell how an operation went.
    pub status_codes: StatusCodes,
    /// Origins whose pages may ask, separated by commas.
    pub allowed_origins: String,
    /// Proxies whose `X-Forwarded-For` or `Forwarded` is believed, separated by commas.
    pub trusted_proxies: String,
    /// Who may ask for the schema: everybody with a login, or from this papel
    /// up.
    pub introspection: Introspection,
    request_ms: u64,
    drain_ms: u64,
    threads: usize,
}

/// Which status codes tell how an operation went. `src/http/graphql/mod.rs` has
/// the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusCodes {
    /// 200 and 400, as the audits of `graphql-http` and clients of today expect.
    #[serde(rename = "audit")]
    Audit,
    /// Also 422 and 294, as the draft of 2026 recommends.
    #[serde(rename = "draft-2026")]
    Draft2026,
}

/// Who may ask for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Everybody with a login.
    All,
    /// Editors and administrators.
    Editor,
    /// Administrators.
    Admin,
}

impl Introspection {
    /// Whether somebody with this papel may.
    #[must_use]
    pub fn allows(self, papel: Papel) -> bool {
        let least = match self {
            Self::All => Papel::Leitor,
            Self::Editor => Papel::Editor,
            Self::Admin => Papel::Admin,
        };
        papel >= least
    }
}

/// What an operation may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    document_bytes: usize,
    tokens: usize,
    nesting: usize,
    depth: usize,
    selections: usize,
    aliases: usize,
    root_fields: usize,
    directives: usize,
    /// Entries of `representations`.
    pub representations: usize,
    cost: u64,
    cost_mode: CostMode,
    answer_objects: u64,
    answer_fields: u64,
    answer_bytes: u64,
    rate_per_minute: u32,
    rate_burst: u32,
}

/// The operations that are trusted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// A folder or a manifest; empty for none.
    pub path: PathBuf,
    /// What happens to other operations.
    pub mode: TrustMode,
}

/// What happens to an operation that costs too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostMode {
    /// It is refused.
    Enforce,
    /// It runs, and the log shows its cost.
    Measure,
}

/// Login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The users file; empty for `users` in the data folder.
    users_file: PathBuf,
}

/// The log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// What to log, in the words of `tracing`: `info`, `quarteto=debug`, …
    pub filter: String,
    /// How to log it.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// The private database and other local data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// The data folder.
    pub data_dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stores: Stores {
                clientes_url: String::new(),
                enderecos_url: String::new(),
                catalogo_url: String::new(),
                inventario_url: String::new(),
                connections: 10,
                acquire_ms: 500,
                statement_ms: 2_000,
            },
            http: Http {
                listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
                tls_cert: PathBuf::new(),
                tls_key: PathBuf::new(),
                behind_proxy: false,
                header_ms: 5_000,
                header_bytes: 32 << 10,
                body_ms: 5_000,
                write_ms: 10_000,
                body_bytes: 1 << 20,
                batch: 0,
                status_codes: StatusCodes::Audit,
                allowed_origins: String::new(),
                trusted_proxies: String::new(),
                introspection: Introspection::All,
                request_ms: 10_000,
                drain_ms: 15_000,
                threads: 0,
            },
            limits: Limits::default(),
            documents: Documents { path: PathBuf::new(), mode: TrustMode::Off },
            auth: Auth { users_file: PathBuf::new() },
            log: Log { filter: "info".into(), format: LogFormat::Pretty },
            local: Local { data_dir: ".quarteto".into() },
        }
    }
}

/// Which databases to use.
pub enum Databases {
    /// None is configured: the private one.
    Private,
    /// The four that are configured.
    Configured(Box<PerStore<MySqlConnectOptions>>),
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The settings, and where each came from.
pub struct Loaded {
    /// The settings.
    pub config: Config,
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
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError(format!("the config file {} does not exist", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        for source in from_environment(environment)? {
            figment = figment.merge(source);
        }
        for (key, text) in flags {
            figment = figment.merge(Text::new(format!("the flag for {key}"), key, text));
        }
        let config: Self = figment.extract().map_err(|error| explain(&error))?;
        config.check()?;
        Ok(Loaded { config, figment })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            ((1..=1000).contains(&self.stores.connections), "stores.connections must be between 1 and 1000"),
            ((1..=60_000).contains(&self.stores.acquire_ms), "stores.acquire_ms must be between 1 and 60000"),
            (
                (10..=600_000).contains(&self.stores.statement_ms),
                "stores.statement_ms must be between 10 and 600000",
            ),
            (
                (1024..=64 << 20).contains(&self.http.body_bytes),
                "http.body_bytes must be between 1024 and 67108864",
            ),
            ((100..=600_000).contains(&self.http.header_ms), "http.header_ms must be between 100 and 600000"),
            // Below this the HTTP library cannot read a head at all.
            (
                (8192..=1 << 20).contains(&self.http.header_bytes),
                "http.header_bytes must be between 8192 and 1048576",
            ),
            ((100..=600_000).contains(&self.http.body_ms), "http.body_ms must be between 100 and 600000"),
            ((100..=600_000).contains(&self.http.write_ms), "http.write_ms must be between 100 and 600000"),
            ((0..=100).contains(&self.http.batch), "http.batch must be between 0 and 100"),
            ((10..=600_000).contains(&self.http.request_ms), "http.request_ms must be between 10 and 600000"),
            ((0..=1024).contains(&self.http.threads), "http.threads must be between 0 and 1024"),
            // Beyond this the parser could run out of stack.
            ((8..=200).contains(&self.limits.nesting), "limits.nesting must be between 8 and 200"),
            ((4..=60).contains(&self.limits.depth), "limits.depth must be between 4 and 60"),
            (
                self.limits.rate_burst == 0 || self.limits.rate_per_minute > 0,
                "limits.rate_burst needs limits.rate_per_minute",
            ),
            (
                self.documents.mode == TrustMode::Off || !self.documents.path.as_os_str().is_empty(),
                "documents.mode needs documents.path: the folder or the manifest of the trusted documents",
            ),
            (
                self.http.tls_cert.as_os_str().is_empty() == self.http.tls_key.as_os_str().is_empty(),
                "http.tls_cert and http.tls_key go together: set both for HTTPS, or neither",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(ConfigError(rule.into())),
            None => Ok(()),
        }
    }

    /// Which databases to use: all four URLs, or none.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn databases(&self) -> Result<Databases, ConfigError> {
        let missing: Vec<&str> = Store::ALL
            .into_iter()
            .filter(|store| self.stores.url(*store).is_empty())
            .map(Store::url_variable)
            .collect();
        match missing.len() {
            0 => PerStore::try_from_fn(|store| options(store, self.stores.url(store)))
                .map(|stores| Databases::Configured(Box::new(stores)))
                .map_err(ConfigError),
            4 => Ok(Databases::Private),
            _ => Err(ConfigError(format!(
                "{} not set; set the URLs of all four stores, or of none to use the private database",
                missing.join(" and ")
            ))),
        }
    }

    /// Threads that serve requests: as set, or one a core.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        match self.http.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// The users file.
    #[must_use]
    pub fn users_file(&self) -> PathBuf {
        if self.auth.users_file.as_os_str().is_empty() {
            self.local.data_dir.join("users")
        } else {
            self.auth.users_file.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let (document, answer) = (DocumentLimits::default(), AnswerLimits::default());
        Self {
            document_bytes: document.bytes,
            tokens: document.tokens,
            nesting: document.nesting,
            depth: document.depth,
            selections: document.selections,
            aliases: document.aliases,
            root_fields: document.root_fields,
            directives: document.directives,
            representations: 1_000,
            cost: 20_000,
            cost_mode: CostMode::Enforce,
            answer_objects: answer.objects,
            answer_fields: answer.fields,
            answer_bytes: answer.bytes,
            rate_per_minute: 0,
            rate_burst: 0,
        }
    }
}

impl Limits {
    /// Of a document.
    #[must_use]
    pub fn document(&self) -> DocumentLimits {
        DocumentLimits {
            bytes: self.document_bytes,
            tokens: self.tokens,
            nesting: self.nesting,
            depth: self.depth,
            selections: self.selections,
            aliases: self.aliases,
            root_fields: self.root_fields,
            directives: self.directives,
            ..DocumentLimits::default()
        }
    }

    /// Of an answer.
    #[must_use]
    pub const fn answer(&self) -> AnswerLimits {
        AnswerLimits { objects: self.answer_objects, fields: self.answer_fields, bytes: self.answer_bytes }
    }

    /// The most that an operation may cost, where that is enforced.
    #[must_use]
    pub fn enforced_cost(&self) -> Option<u64> {
        (self.cost_mode == CostMode::Enforce).then_some(self.cost)
    }

    /// What a user may spend, where that is limited.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let per_minute = NonZeroU32::new(self.rate_per_minute)?;
        Some(Rate { per_minute, burst: NonZeroU32::new(self.rate_burst).unwrap_or(per_minute) })
    }
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

    /// What each store's pool may do.
    #[must_use]
    pub fn limits(&self) -> DbLimits {
        DbLimits {
            connections: self.connections,
            acquire: Duration::from_millis(self.acquire_ms),
            statement: Duration::from_millis(self.statement_ms),
            breaker: BreakerLimits::default(),
        }
    }
}

impl Http {
    /// The files for HTTPS, when they are named.
    #[must_use]
    pub fn tls_files(&self) -> Option<TlsFiles> {
        let named = !self.tls_cert.as_os_str().is_empty();
        named.then(|| TlsFiles { cert: self.tls_cert.clone(), key: self.tls_key.clone() })
    }

    /// Passwords in the clear must not leave this machine by accident.
    ///
    /// # Errors
    /// A message that names the two remedies.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.listen.ip().to_canonical().is_loopback() || self.behind_proxy || self.tls_files().is_some() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "http.listen is {}, which other machines reach, and plain HTTP would send them passwords in the \
             clear: set http.tls_cert and http.tls_key to speak HTTPS, or http.behind_proxy = true \
             (QUARTETO_BEHIND_PROXY) when a proxy in front ends TLS",
            self.listen
        )))
    }

    /// What a connection may take.
    #[must_use]
    pub const fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            head: Duration::from_millis(self.header_ms),
            head_bytes: self.header_bytes,
            write: Duration::from_millis(self.write_ms),
        }
    }

    /// How long a body may take.
    #[must_use]
    pub const fn body_deadline(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    /// How long a request may take in all.
    #[must_use]
    pub const fn request_deadline(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    /// How long running requests are waited for when the program stops.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

impl Loaded {
    /// Every setting with its value (secrets hidden) and where it came from.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static Setting, String, String)> {
        SETTINGS
            .iter()
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
        SETTINGS.iter().any(|setting| setting.key == self.key && kind(setting))
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

/// A source for each variable that is set. A misspelt one is refused: it would
/// silently do nothing.
fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Result<Vec<Text>, ConfigError> {
    let mut sources = Vec::new();
    for (name, value) in variables.filter(|(name, _)| name.starts_with("QUARTETO_")) {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable == name) {
            sources.push(Text::new(name.clone(), setting.key, &value));
        } else if let Some(setting) = secret_file(&name) {
            let content = std::fs::read_to_string(&value)
                .map_err(|error| ConfigError(format!("{name}: cannot read {value}: {error}")))?;
            sources.push(Text::new(format!("{name} ({value})"), setting.key, content.trim_end()));
        } else if name != "QUARTETO_CONFIG" && !name.starts_with("QUARTETO_TEST_") {
            return Err(ConfigError(format!("{name} is not a setting; `quarteto config` lists them all")));
        }
    }
    Ok(sources)
}

fn secret_file(name: &str) -> Option<&'static Setting> {
    let variable = name.strip_suffix("_FILE")?;
    SETTINGS.iter().find(|setting| setting.is_secret && setting.variable == variable)
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
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, &BTreeMap::new(), variables).map_err(|error| error.to_string())
    }

    fn refusal(variables: &[(&str, &str)]) -> String {
        match load(variables) {
            Err(message) => message,
            Ok(loaded) => match loaded.config.databases() {
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
        assert_eq!(count, SETTINGS.len());
    }

    #[test]
    fn bad_values_name_the_setting_the_source_and_the_rule() {
        assert_eq!(
            refusal(&[("QUARTETO_LISTEN", "nowhere")]),
            "http.listen (from QUARTETO_LISTEN): invalid socket address syntax"
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
            refusal(&[("QUARTETO_LISTENN", "x")]),
            "QUARTETO_LISTENN is not a setting; `quarteto config` lists them all"
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
                ("QUARTETO_ENDERECOS_URL", "mysql://a@b/c"),
                ("QUARTETO_CATALOGO_URL", "mysql://a@b/c"),
                ("QUARTETO_INVENTARIO_URL", "mysql://a@b/c"),
            ]
        };
        assert!(
            refusal(&all("postgres://a@b/c")).starts_with("QUARTETO_CLIENTES_URL must look like mysql://")
        );
        assert!(refusal(&all("mysql://a@b")).starts_with("QUARTETO_CLIENTES_URL names no database"));
        assert!(refusal(&all("mysql://a@b:port/c")).starts_with("QUARTETO_CLIENTES_URL cannot be read"));
        let loaded = load(&all("mysql://a:1234@b/c")).expect("valid");
        assert!(matches!(loaded.config.databases(), Ok(Databases::Configured(_))));
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
