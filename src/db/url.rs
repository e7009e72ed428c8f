//! The URL of a store: read strictly, since what is passed over in silence is what was
//! meant to be safe.

use std::path::Path;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::{Host, Url};

use super::AnyStore;
use super::connection::STATEMENT_CACHE;

/// What a URL looks like.
const SHAPE: &str = "mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=REQUIRED";

/// The parameters that there are.
const PARAMETERS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

/// What may be asked of TLS, as MySQL's own programs call it.
const SSL_MODES: [(&str, MySqlSslMode); 5] = [
    ("DISABLED", MySqlSslMode::Disabled),
    ("PREFERRED", MySqlSslMode::Preferred),
    ("REQUIRED", MySqlSslMode::Required),
    ("VERIFY_CA", MySqlSslMode::VerifyCa),
    ("VERIFY_IDENTITY", MySqlSslMode::VerifyIdentity),
];

/// What other drivers call the mode of TLS.
const SSL_MODE_ELSEWHERE: [&str; 9] = [
    "ssl",
    "tls",
    "sslmode",
    "tlsmode",
    "usessl",
    "usetls",
    "requiressl",
    "requiretls",
    "verifyservercertificate",
];

/// Reads a store's URL. The message names the variable and the rule.
///
/// # Errors
/// A sentence for the operator.
pub fn options(store: impl Into<AnyStore>, url: &str) -> Result<MySqlConnectOptions, String> {
    source_options(store.into().url_variable(), url)
}

/// Reads the URL of a database that is given under `name`.
///
/// # Errors
/// A sentence for the operator, which begins with `name`. It shows no password.
pub fn source_options(name: &str, text: &str) -> Result<MySqlConnectOptions, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("mysql" | "mariadb")) {
        return Err(format!("{name} must look like {SHAPE}"));
    }
    let url = Url::parse(text).map_err(|error| unreadable(name, text, &error.to_string()))?;
    if url.fragment().is_some() {
        return Err(format!("{name} has a `#`, which ends a URL: write it as %23"));
    }
    let mut options = place(name, text, &url)?;
    options = database(name, text, &url, options)?;
    options = parameters(name, &url, options)?;
    // The session is set up in one statement of our own.
    Ok(options
        .statement_cache_capacity(STATEMENT_CACHE)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging())
}

/// The URLs of a list, which commas or ends of lines separate. A comma in a password is none that
/// separates: no URL begins after it.
#[must_use]
pub fn url_list(text: &str) -> Vec<&str> {
    let begins = |rest: &str| {
        let scheme = rest.trim_start().split_once("://").map_or("", |(scheme, _)| scheme);
        !scheme.is_empty() && scheme.chars().all(|letter| letter.is_ascii_alphabetic())
    };
    let mut urls = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let mut rest = line;
        while let Some(comma) = rest
            .match_indices(',')
            .map(|(at, _)| at)
            .find(|at| begins(&rest[at + 1..]) || rest[at + 1..].trim().is_empty())
        {
            urls.push(rest[..comma].trim());
            rest = &rest[comma + 1..];
        }
        urls.push(rest.trim());
    }
    urls.retain(|url| !url.is_empty());
    urls
}

/// What the parser says, and what it is where a character of a password is taken for a
/// part of the URL.
fn unreadable(name: &str, text: &str, why: &str) -> String {
    let after = text.split_once("://").map_or("", |(_, after)| after);
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    if after[end..].contains('@') {
        return format!(
            "{name} cannot be read: a special character in the user or the password must be percent-encoded: \
             `/` as %2F, `#` as %23, `?` as %3F, `@` as %40, `:` as %3A, `%` as %25"
        );
    }
    format!("{name} cannot be read: {why}; it must look like {SHAPE}")
}

/// Server, user and password.
fn place(name: &str, text: &str, url: &Url) -> Result<MySqlConnectOptions, String> {
    let mut options = MySqlConnectOptions::new();
    match url.host() {
        // A driver looks a host up as it is written, and no name has brackets.
        Some(Host::Ipv6(address)) => options = options.host(&address.to_string()),
        Some(Host::Ipv4(address)) => options = options.host(&address.to_string()),
        Some(Host::Domain(host)) if !host.is_empty() => options = options.host(&decoded(name, "host", host)?),
        _ if url.query_pairs().any(|(key, _)| key == "socket") => {}
        _ => return Err(unreadable(name, text, "it names no host")),
    }
    if let Some(port) = url.port() {
        options = options.port(port);
    }
    if !url.username().is_empty() {
        options = options.username(&decoded(name, "user", url.username())?);
    }
    if let Some(password) = url.password() {
        options = options.password(&decoded(name, "password", password)?);
    }
    Ok(options)
}

fn database(
    name: &str,
    text: &str,
    url: &Url,
    options: MySqlConnectOptions,
) -> Result<MySqlConnectOptions, String> {
    let path = url.path().strip_prefix('/').unwrap_or_default();
    if path.is_empty() {
        return Err(format!("{name} names no database; it must look like {SHAPE}"));
    }
    if path.contains(['/', '@']) {
        return Err(unreadable(name, text, "a database's name has no `/`"));
    }
    Ok(options.database(&decoded(name, "database", path)?))
}

fn parameters(
    name: &str,
    url: &Url,
    mut options: MySqlConnectOptions,
) -> Result<MySqlConnectOptions, String> {
    let mut seen = Vec::new();
    for (key, value) in url.query_pairs() {
        if seen.contains(&key) {
            return Err(format!("{name} has the parameter `{key}` twice"));
        }
        options = match &*key {
            "ssl-mode" => options.ssl_mode(ssl_mode(name, &value)?),
            "ssl-ca" => options.ssl_ca(file(name, &key, &value)?),
            "ssl-cert" => options.ssl_client_cert(file(name, &key, &value)?),
            "ssl-key" => options.ssl_client_key(file(name, &key, &value)?),
            "socket" if Path::new(&*value).is_absolute() => options.socket(&*value),
            "socket" => {
                return Err(format!(
                    "{name}: `socket` must be the whole path of a socket, as in /run/mysqld/mysqld.sock"
                ));
            }
            _ => return Err(unknown(name, &key)),
        };
        seen.push(key);
    }
    agree(name, options.get_ssl_mode(), |key| seen.iter().any(|seen| seen == key))?;
    Ok(options)
}

/// Refuses parameters that the driver would pass over in silence beside the others.
fn agree(name: &str, mode: MySqlSslMode, has: impl Fn(&str) -> bool) -> Result<(), String> {
    let (verifies, is_certain) = match mode {
        MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity => (true, true),
        MySqlSslMode::Required => (false, true),
        MySqlSslMode::Preferred | MySqlSslMode::Disabled => (false, false),
    };
    if has("ssl-ca") && !verifies {
        return Err(format!(
            "{name}: `ssl-ca` is looked at with ssl-mode=VERIFY_CA or VERIFY_IDENTITY alone; \
             add `ssl-mode=VERIFY_IDENTITY`"
        ));
    }
    if has("ssl-cert") != has("ssl-key") {
        return Err(format!("{name}: `ssl-cert` and `ssl-key` go together; name both, or neither"));
    }
    if has("ssl-cert") && !is_certain {
        return Err(format!(
            "{name}: `ssl-cert` needs TLS for certain; add `ssl-mode=REQUIRED`, or a stricter one"
        ));
    }
    Ok(())
}

fn unknown(name: &str, key: &str) -> String {
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let meant = if SSL_MODE_ELSEWHERE.contains(&&*plain) {
        Some("ssl-mode")
    } else {
        PARAMETERS
            .into_iter()
            .find(|known| strsim::damerau_levenshtein(known, &key.to_ascii_lowercase()) <= 2)
    };
    let rest = meant.map_or_else(|| "there".to_owned(), |meant| format!("is `{meant}` meant? There"));
    format!("{name} has the parameter `{key}`, which is none; {rest} are {}", PARAMETERS.join(", "))
}

fn ssl_mode(name: &str, value: &str) -> Result<MySqlSslMode, String> {
    let asked = value.to_ascii_uppercase().replace('-', "_");
    let found = SSL_MODES.iter().find(|(mode, _)| *mode == asked).map(|(_, mode)| *mode);
    found.ok_or_else(|| {
        let modes: Vec<&str> = SSL_MODES.iter().map(|(mode, _)| *mode).collect();
        format!("{name}: `ssl-mode` is one of {}, and not `{value}`", modes.join(", "))
    })
}

/// The name of a PEM file, which is looked into here: the driver reads it with every
/// connection, tells neither its name nor the store's, and is content with an empty one.
fn file(name: &str, key: &str, value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err(format!("{name}: `{key}` must name a file"));
    }
    let text = std::fs::read(value).map_err(|error| {
        format!("{name}: `{key}` cannot be read: {value}: {error}; name a file that is there")
    })?;
    let text = String::from_utf8_lossy(&text);
    let (section, holds) = if key == "ssl-key" {
        let is_open = !text.contains("ENCRYPTED PRIVATE KEY-----");
        ("-----BEGIN PRIVATE KEY-----", is_open && text.contains("PRIVATE KEY-----"))
    } else {
        ("-----BEGIN CERTIFICATE-----", text.contains("-----BEGIN CERTIFICATE-----"))
    };
    if !holds {
        return Err(format!("{name}: `{key}`: {value} holds no `{section}` section"));
    }
    Ok(value.to_owned())
}

fn decoded(name: &str, what: &str, text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| format!("{name}: the {what} is not UTF-8 where it is decoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<MySqlConnectOptions, String> {
        source_options("URL", url)
    }

    #[test]
    fn lists_are_taken_apart() {
        for (text, urls) in [
            ("", &[][..]),
            (" mysql://a@b/c ", &["mysql://a@b/c"]),
            ("mysql://a@b/c,mariadb://a@d/c", &["mysql://a@b/c", "mariadb://a@d/c"]),
            ("mysql://a:x,y@b/c,\r\n\n mysql://a@d/c\n", &["mysql://a:x,y@b/c", "mysql://a@d/c"]),
            ("mysql://a@b/c,nonsense", &["mysql://a@b/c,nonsense"]),
        ] {
            assert_eq!(url_list(text), urls, "{text}");
        }
    }

    #[test]
    fn what_is_read() {
        for (url, host, port, user, database) in [
            ("mysql://a:b@db:3307/c", "db", 3307, "a", "c"),
            ("MYSQL://a@db/c", "db", 3306, "a", "c"),
            ("mariadb://a@db/c", "db", 3306, "a", "c"),
            ("\u{feff}mysql://a@db/c\n", "db", 3306, "a", "c"),
            ("mysql://a@[::1]:3306/c", "::1", 3306, "a", "c"),
            ("mysql://a@[fe80::1]/c", "fe80::1", 3306, "a", "c"),
            ("mysql://a@10.0.0.1/c-d", "10.0.0.1", 3306, "a", "c-d"),
            ("mysql://a%40b:p%2F%23%3F%40%3A%25@db/c", "db", 3306, "a@b", "c"),
            ("mysql://a:p@ss@db/c", "db", 3306, "a", "c"),
            ("mysql://a@db/Endere%C3%A7os", "db", 3306, "a", "Endereços"),
        ] {
            let options = read(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let seen =
                (options.get_host(), options.get_port(), options.get_username(), options.get_database());
            assert_eq!(seen, (host, port, user, Some(database)), "{url}");
        }
        assert_eq!(
            read("mysql:///c?socket=/run/m.sock").map(|options| options.get_socket().cloned()),
            Ok(Some("/run/m.sock".into()))
        );
        for (mode, expected) in SSL_MODES {
            let options = read(&format!("mysql://a@db/c?ssl-mode={mode}")).expect(mode);
            assert_eq!(format!("{:?}", options.get_ssl_mode()), format!("{expected:?}"));
        }
    }

    /// What files there may be, and beside what.
    #[test]
    fn files_of_tls_are_looked_into_and_never_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let cert = file("cert.pem", "-----BEGIN CERTIFICATE-----\n");
        let key = file("key.pem", "-----BEGIN RSA PRIVATE KEY-----\n");
        let locked = file("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
        let missing = folder.path().join("missing.pem").display().to_string();
        let with = |parameters: &str| read(&format!("mysql://a@db/c?{parameters}")).map(|_| ());
        for (parameters, told) in [
            (format!("ssl-mode=verify-identity&ssl-ca={cert}"), None),
            (format!("ssl-ca={cert}&ssl-mode=VERIFY_CA"), None),
            (format!("ssl-mode=REQUIRED&ssl-cert={cert}&ssl-key={key}"), None),
            (format!("ssl-ca={cert}"), Some("URL: `ssl-ca` is looked at with ssl-mode=VERIFY_CA or VERIFY_IDENTITY alone; add `ssl-mode=VERIFY_IDENTITY`".to_owned())),
            (format!("ssl-mode=REQUIRED&ssl-ca={cert}"), Some("URL: `ssl-ca` is looked at with ssl-mode=VERIFY_CA or VERIFY_IDENTITY alone; add `ssl-mode=VERIFY_IDENTITY`".to_owned())),
            (format!("ssl-mode=REQUIRED&ssl-cert={cert}"), Some("URL: `ssl-cert` and `ssl-key` go together; name both, or neither".to_owned())),
            (format!("ssl-mode=REQUIRED&ssl-key={key}"), Some("URL: `ssl-cert` and `ssl-key` go together; name both, or neither".to_owned())),
            (format!("ssl-cert={cert}&ssl-key={key}"), Some("URL: `ssl-cert` needs TLS for certain; add `ssl-mode=REQUIRED`, or a stricter one".to_owned())),
            (format!("ssl-mode=VERIFY_CA&ssl-ca={missing}"), Some(format!("URL: `ssl-ca` cannot be read: {missing}: No such file or directory (os error 2); name a file that is there"))),
            (format!("ssl-mode=VERIFY_CA&ssl-ca={key}"), Some(format!("URL: `ssl-ca`: {key} holds no `-----BEGIN CERTIFICATE-----` section"))),
            (format!("ssl-mode=REQUIRED&ssl-cert={cert}&ssl-key={locked}"), Some(format!("URL: `ssl-key`: {locked} holds no `-----BEGIN PRIVATE KEY-----` section"))),
        ] {
            assert_eq!(with(&parameters).err(), told, "{parameters}");
        }
    }

    #[test]
    fn what_is_refused_is_told_with_the_rule() {
        let encoded = "URL cannot be read: a special character in the user or the password must be percent-encoded: \
                       `/` as %2F, `#` as %23, `?` as %3F, `@` as %40, `:` as %3A, `%` as %25";
        let all = "ssl-mode, ssl-ca, ssl-cert, ssl-key, socket";
        let none = |key: &str| {
            format!("URL has the parameter `{key}`, which is none; is `ssl-mode` meant? There are {all}")
        };
        for (url, told) in [
            ("postgres://a@db/c", format!("URL must look like {SHAPE}")),
            ("db:3306/c", format!("URL must look like {SHAPE}")),
            ("", format!("URL must look like {SHAPE}")),
            ("mysql://a@db", format!("URL names no database; it must look like {SHAPE}")),
            ("mysql://a@db/", format!("URL names no database; it must look like {SHAPE}")),
            ("mysql://a@db:port/c", format!("URL cannot be read: invalid port number; it must look like {SHAPE}")),
            ("mysql://a:p/ss@db/c", encoded.into()),
            ("mysql://a:p#ss@db/c", encoded.into()),
            ("mysql://a:p?ss@db/c", encoded.into()),
            ("mysql://a@db/c?sslMode=VERIFY_IDENTITY", none("sslMode")),
            ("mysql://a@db/c?ssl=true&tls=true", none("ssl")),
            ("mysql://a@db/c?tls=true", none("tls")),
            ("mysql://a@db/c?useSSL=true", none("useSSL")),
            ("mysql://a@db/c?ssl_mode=REQUIRED", none("ssl_mode")),
            ("mysql://a@db/c?charset=latin1", format!("URL has the parameter `charset`, which is none; there are {all}")),
            ("mysql://a@db/c?ssl-mode=banana", "URL: `ssl-mode` is one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY, and not `banana`".into()),
            ("mysql://a@db/c?ssl-mode=REQUIRED&ssl-mode=DISABLED", "URL has the parameter `ssl-mode` twice".into()),
            ("mysql://a@db/c?ssl-ca=", "URL: `ssl-ca` must name a file".into()),
            ("mysql://a@db/c?socket=m.sock", "URL: `socket` must be the whole path of a socket, as in /run/mysqld/mysqld.sock".into()),
            ("mysql://a@db/c#d", "URL has a `#`, which ends a URL: write it as %23".into()),
            ("mysql://a:%ff@db/c", "URL: the password is not UTF-8 where it is decoded".into()),
            ("mysql://a@/c", format!("URL cannot be read: empty host; it must look like {SHAPE}")),
        ] {
            assert_eq!(read(url).expect_err(url), told, "{url}");
        }
    }
}
