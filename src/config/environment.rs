//! The environment variables: which are settings, which are nobody's business, and
//! which look like a mistake.
//!
//! A variable that we do not know may have been set by somebody who never heard of
//! us: Kubernetes names its service links after the service, so beside a service
//! `quarteto` each container has `QUARTETO_PORT`. So it is never an error. It is
//! told of, since a misspelt one silently does nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{ConfigError, Setting, settings};

/// What the environment sets.
pub(super) struct Environment {
    /// Values, in the order of the variables.
    pub values: Vec<Given>,
    /// Sentences about variables that mean nothing.
    pub notices: Vec<String>,
}

/// A value for a setting.
pub(super) struct Given {
    /// The variable, and the file that it names if it does.
    pub name: String,
    pub key: &'static str,
    pub text: String,
    pub file: Option<PathBuf>,
}

/// What a variable is.
enum Kind {
    /// The value of a setting.
    Value(&'static Setting),
    /// The name of a file with the value of one that is secret.
    File(&'static Setting),
    /// Something else's.
    Foreign,
    /// Of no meaning.
    Unknown,
}

impl Environment {
    /// Reads the variables.
    ///
    /// # Errors
    /// A message about a setting whose value cannot be read.
    pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        let mut environment = Self { values: Vec::new(), notices: Vec::new() };
        for (name, value) in variables {
            // A name that is no text is nobody's here.
            let Some(name) = name.to_str().filter(|name| name.starts_with("QUARTETO_")) else { continue };
            match kind(name, &value) {
                Kind::Value(setting) => environment.values.push(given(name, setting, &value)?),
                Kind::File(setting) => environment.values.push(from_file(name, setting, &value)?),
                Kind::Foreign => {}
                Kind::Unknown => environment.notices.push(notice(name)),
            }
        }
        Ok(environment)
    }
}

fn kind(name: &str, value: &OsStr) -> Kind {
    if let Some(setting) = settings().find(|setting| setting.variable == name) {
        return Kind::Value(setting);
    }
    let secret = name
        .strip_suffix("_FILE")
        .and_then(|variable| settings().find(|setting| setting.is_secret && setting.variable == variable));
    match secret {
        Some(setting) => Kind::File(setting),
        None if name == CONFIG || name.starts_with("QUARTETO_TEST_") => Kind::Foreign,
        None if is_service_link(name, value) => Kind::Foreign,
        None => Kind::Unknown,
    }
}

/// Names the config file; read with the flags.
const CONFIG: &str = "QUARTETO_CONFIG";

fn given(name: &str, setting: &'static Setting, value: &OsStr) -> Result<Given, ConfigError> {
    let Some(text) = value.to_str() else {
        return Err(ConfigError(format!("{} (from {name}): the value is not UTF-8", setting.key)));
    };
    Ok(Given { name: name.to_owned(), key: setting.key, text: text.to_owned(), file: None })
}

fn from_file(name: &str, setting: &'static Setting, value: &OsStr) -> Result<Given, ConfigError> {
    let path = Path::new(value).display();
    let content = std::fs::read_to_string(value)
        .map_err(|error| ConfigError(format!("{name}: cannot read {path}: {error}")))?;
    Ok(Given {
        name: format!("{name} ({path})"),
        key: setting.key,
        text: content.trim_start_matches('\u{feff}').trim_end().to_owned(),
        file: Some(PathBuf::from(value)),
    })
}

/// Whether Kubernetes, or Docker of old, has set this variable for a service whose
/// name begins with `quarteto`: `…_SERVICE_HOST`, `…_SERVICE_PORT`, the same with
/// the name of a port, `…_PORT`, `…_PORT_4000_TCP`, and `…_PROTO`, `…_PORT` and
/// `…_ADDR` of that.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_protocol = |part: &str| ["TCP", "UDP", "SCTP"].contains(&part);
    let parts: Vec<&str> = name.split('_').collect();
    match parts[..] {
        [.., "SERVICE", "HOST"] | [.., "SERVICE", "PORT"] => true,
        [.., "PORT", number, protocol] | [.., "PORT", number, protocol, "PROTO" | "PORT" | "ADDR"]
            if is_number(number) && is_protocol(protocol) =>
        {
            true
        }
        // A person would write a number.
        [.., "PORT"] => value.to_str().is_some_and(|value| value.contains("://")),
        _ => parts.windows(2).any(|pair| pair == ["SERVICE", "PORT"]),
    }
}

fn notice(name: &str) -> String {
    if is_of_routers(name) {
        return format!("{name} is for the recipes of routers and does nothing here");
    }
    match meant(name) {
        Some(variable) => format!("{name} is not a setting; did you mean {variable}?"),
        None => format!("{name} is not a setting and does nothing; `quarteto config` lists them all"),
    }
}

/// Whether `deploy/federation/` reads it: where the subgraphs are, and how its gateway runs.
fn is_of_routers(name: &str) -> bool {
    name.ends_with("_SUBGRAPH") || name.starts_with("QUARTETO_GATEWAY_") || name == "QUARTETO_SUPERGRAPH"
}

/// The variable that somebody had in mind who wrote `name`: made of the key, as
/// other programs have it; one that needs no file; or one that is spelt almost so.
fn meant(name: &str) -> Option<&'static str> {
    let by_key = |setting: &&Setting| {
        let key = setting.key.replace('.', "_").to_ascii_uppercase();
        name.strip_prefix("QUARTETO_") == Some(&key)
    };
    let without_file = |setting: &&Setting| name.strip_suffix("_FILE") == Some(setting.variable);
    let exact = settings().find(by_key).or_else(|| settings().find(without_file));
    exact.map(|setting| setting.variable).or_else(|| {
        let own = name.len() - "QUARTETO_".len();
        let all = settings().map(|setting| setting.variable).chain([CONFIG]);
        let near = all.map(|variable| (strsim::damerau_levenshtein(name, variable), variable));
        near.min().filter(|(distance, _)| *distance <= own / 3).map(|(_, variable)| variable)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn read(name: &str, value: &str) -> Result<Environment, String> {
        read_bytes(name.as_bytes(), value.as_bytes())
    }

    fn read_bytes(name: &[u8], value: &[u8]) -> Result<Environment, String> {
        let pair = (OsString::from_vec(name.to_owned()), OsString::from_vec(value.to_owned()));
        Environment::read([pair].into_iter()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_setting_is_told_of_and_never_an_error() {
        let lists = "and does nothing; `quarteto config` lists them all";
        for (name, value, said) in [
            // Service links, of a service by our name and of one whose name begins so.
            ("QUARTETO_SERVICE_HOST", "10.0.0.1", ""),
            ("QUARTETO_SERVICE_PORT", "4000", ""),
            ("QUARTETO_SERVICE_PORT_HTTP", "4000", ""),
            ("QUARTETO_PORT", "tcp://10.0.0.1:4000", ""),
            ("QUARTETO_PORT_4000_TCP", "tcp://10.0.0.1:4000", ""),
            ("QUARTETO_PORT_4000_TCP_PROTO", "tcp", ""),
            ("QUARTETO_PORT_4000_TCP_PORT", "4000", ""),
            ("QUARTETO_PORT_4000_TCP_ADDR", "10.0.0.1", ""),
            ("QUARTETO_CLIENTES_SERVICE_HOST", "10.0.0.2", ""),
            ("QUARTETO_CLIENTES_PORT_3306_TCP", "tcp://10.0.0.2:3306", ""),
            // Not ours, or read elsewhere.
            ("QUARTET_LISTEN", "x", ""),
            ("QUARTETO", "x", ""),
            ("QUARTETO_CONFIG", "q.toml", ""),
            ("QUARTETO_TEST_URL", "x", ""),
            // Mistakes.
            ("QUARTETO_PORT", "4000", lists),
            ("QUARTETO_", "x", lists),
            ("QUARTETO_XYZZY", "x", lists),
            ("QUARTETO_LIMITS_COST", "1", "did you mean QUARTETO_LIMIT_COST?"),
            ("QUARTETO_HTTP_LISTEN", "x", "did you mean QUARTETO_LISTEN?"),
            (
                "QUARTETO_INVENTARIO_SUBGRAPH",
                "http://x",
                "is for the recipes of routers and does nothing here",
            ),
            ("QUARTETO_GATEWAY_PORT", "4000", "is for the recipes of routers and does nothing here"),
            ("QUARTETO_FEDERATION_STORE", "clientes", "did you mean QUARTETO_SERVE_STORE?"),
            ("QUARTETO_STORES_CONNECTIONS", "1", "did you mean QUARTETO_STORE_CONNECTIONS?"),
            ("QUARTETO_LISTNE", "x", "did you mean QUARTETO_LISTEN?"),
            ("QUARTETO_LOGS", "x", "did you mean QUARTETO_LOG?"),
            ("QUARTETO_CATALOG_URL", "x", "did you mean QUARTETO_CATALOGO_URL?"),
            ("QUARTETO_TLS_CERT_FILE", "x", "did you mean QUARTETO_TLS_CERT?"),
            ("QUARTETO_CONFIGS", "x", "did you mean QUARTETO_CONFIG?"),
        ] {
            let environment = read(name, value).expect("no error");
            assert!(environment.values.is_empty(), "{name}");
            let expected = (!said.is_empty()).then(|| match said {
                _ if said.starts_with("and") => format!("{name} is not a setting {said}"),
                _ if said.starts_with("is") => format!("{name} {said}"),
                _ => format!("{name} is not a setting; {said}"),
            });
            assert_eq!(environment.notices, Vec::from_iter(expected), "{name}={value}");
        }
        for setting in settings() {
            let name = setting.variable;
            assert!(!is_service_link(name, OsStr::new("tcp://10.0.0.1:1")), "{name}");
        }
    }

    #[test]
    fn what_is_no_text_is_an_error_only_where_it_is_a_setting() {
        assert!(read_bytes(b"QUARTETO_\xff", b"x").is_ok_and(|read| read.values.is_empty()));
        assert!(read_bytes(b"OUTRA", b"\xff").is_ok());
        assert!(read_bytes(b"QUARTETO_XYZZY", b"\xff").is_ok_and(|read| read.notices.len() == 1));
        assert_eq!(
            read_bytes(b"QUARTETO_LISTEN", b"\xff").err().as_deref(),
            Some("http.listen (from QUARTETO_LISTEN): the value is not UTF-8")
        );
    }
}
