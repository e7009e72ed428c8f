//! The list of settings: the operator's reference.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its place in the config file: `section.name`.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Whether its value is a number.
    pub is_number: bool,
    /// Whether its value is `true` or `false`.
    pub is_flag: bool,
    /// Whether its value is hidden when shown, and may come from a file.
    pub is_secret: bool,
}

impl Setting {
    const fn text(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { key, variable, meaning, is_number: false, is_flag: false, is_secret: false }
    }

    const fn number(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_number: true, ..Self::text(key, variable, meaning) }
    }

    const fn flag(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_flag: true, ..Self::text(key, variable, meaning) }
    }

    const fn secret(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_secret: true, ..Self::text(key, variable, meaning) }
    }

    /// A value as it may be shown.
    #[must_use]
    pub fn shown(&self, value: &str) -> String {
        if self.is_secret { without_password(value) } else { value.to_owned() }
    }
}

/// A URL with its password, if any, replaced.
fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, place) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

/// All of them.
pub const SETTINGS: &[Setting] = &[
    Setting::secret(
        "stores.clientes_url",
        "QUARTETO_CLIENTES_URL",
        "URL of the store `clientes`: mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE.",
    ),
    Setting::secret("stores.enderecos_url", "QUARTETO_ENDERECOS_URL", "URL of the store `enderecos`."),
    Setting::secret("stores.catalogo_url", "QUARTETO_CATALOGO_URL", "URL of the store `catalogo`."),
    Setting::secret("stores.inventario_url", "QUARTETO_INVENTARIO_URL", "URL of the store `inventario`."),
    Setting::number("stores.connections", "QUARTETO_STORE_CONNECTIONS", "Connections to each store."),
    Setting::number(
        "stores.acquire_ms",
        "QUARTETO_STORE_ACQUIRE_MS",
        "How long a statement waits for a connection before the store counts as busy.",
    ),
    Setting::number("stores.statement_ms", "QUARTETO_STORE_STATEMENT_MS", "How long a statement may run."),
    Setting::text("http.listen", "QUARTETO_LISTEN", "Address and port to listen on."),
    Setting::text(
        "http.tls_cert",
        "QUARTETO_TLS_CERT",
        "The certificate chain, a PEM file; with it and its key the program speaks HTTPS.",
    ),
    Setting::text("http.tls_key", "QUARTETO_TLS_KEY", "The private key of the certificate, a PEM file."),
    Setting::flag(
        "http.behind_proxy",
        "QUARTETO_BEHIND_PROXY",
        "`true` lets plain HTTP listen beyond this machine, for a proxy that ends TLS.",
    ),
    Setting::number(
        "http.header_ms",
        "QUARTETO_HEADER_MS",
        "How long the head of a request may take, and how long a connection may idle.",
    ),
    Setting::number("http.header_bytes", "QUARTETO_HEADER_BYTES", "The largest head of a request."),
    Setting::number("http.body_ms", "QUARTETO_BODY_MS", "How long the body of a request may take."),
    Setting::number(
        "http.write_ms",
        "QUARTETO_WRITE_MS",
        "How long an answer waits for a client that takes nothing of it.",
    ),
    Setting::number("http.body_bytes", "QUARTETO_BODY_BYTES", "The largest request body."),
    Setting::number(
        "http.batch",
        "QUARTETO_BATCH",
        "Operations that one request may hold, as a list; 0 refuses lists.",
    ),
    Setting::text(
        "http.status_codes",
        "QUARTETO_STATUS_CODES",
        "`audit` answers with 200 and 400 as today's clients and audits expect, `draft-2026` also with 294 and 422.",
    ),
    Setting::text(
        "http.allowed_origins",
        "QUARTETO_ALLOWED_ORIGINS",
        "Origins whose pages may ask from a browser (CORS), separated by commas; none when empty.",
    ),
    Setting::text(
        "http.trusted_proxies",
        "QUARTETO_TRUSTED_PROXIES",
        "Addresses or networks of proxies whose X-Forwarded-For or Forwarded is believed, separated by commas.",
    ),
    Setting::text(
        "http.introspection",
        "QUARTETO_INTROSPECTION",
        "Who may ask for the schema: `all` with a login, `editor` or `admin` and up.",
    ),
    Setting::number("http.request_ms", "QUARTETO_REQUEST_MS", "How long a request may take in all."),
    Setting::number(
        "http.drain_ms",
        "QUARTETO_DRAIN_MS",
        "How long running requests are waited for at the end.",
    ),
    Setting::number("http.threads", "QUARTETO_THREADS", "Threads that serve requests; 0 for one a core."),
    Setting::number("limits.document_bytes", "QUARTETO_LIMIT_DOCUMENT_BYTES", "Bytes of a document."),
    Setting::number(
        "limits.tokens",
        "QUARTETO_LIMIT_TOKENS",
        "Tokens of a document, blanks between them among them.",
    ),
    Setting::number("limits.nesting", "QUARTETO_LIMIT_NESTING", "Brackets inside each other in a document."),
    Setting::number("limits.depth", "QUARTETO_LIMIT_DEPTH", "Fields inside each other, fragments expanded."),
    Setting::number("limits.selections", "QUARTETO_LIMIT_SELECTIONS", "Fields in all, fragments expanded."),
    Setting::number("limits.aliases", "QUARTETO_LIMIT_ALIASES", "Aliases in all, fragments expanded."),
    Setting::number(
        "limits.root_fields",
        "QUARTETO_LIMIT_ROOT_FIELDS",
        "Fields at the root of an operation.",
    ),
    Setting::number(
        "limits.directives",
        "QUARTETO_LIMIT_DIRECTIVES",
        "Directives in all, fragments expanded.",
    ),
    Setting::number(
        "limits.representations",
        "QUARTETO_LIMIT_REPRESENTATIONS",
        "Entries of `representations`, with which a federation router asks a subgraph for entities.",
    ),
    Setting::number(
        "limits.cost",
        "QUARTETO_LIMIT_COST",
        "Objects that an answer may hold, by the sizes that the schema declares and the operation asks for.",
    ),
    Setting::text(
        "limits.cost_mode",
        "QUARTETO_LIMIT_COST_MODE",
        "`enforce` refuses what costs more, `measure` only logs the cost.",
    ),
    Setting::number(
        "limits.answer_objects",
        "QUARTETO_LIMIT_ANSWER_OBJECTS",
        "Objects that an answer may hold, counted while it is made.",
    ),
    Setting::number(
        "limits.answer_fields",
        "QUARTETO_LIMIT_ANSWER_FIELDS",
        "Fields of all objects of an answer together, counted while it is made.",
    ),
    Setting::number(
        "limits.answer_bytes",
        "QUARTETO_LIMIT_ANSWER_BYTES",
        "Bytes of an answer, counted while it is made.",
    ),
    Setting::number(
        "limits.rate_per_minute",
        "QUARTETO_RATE_PER_MINUTE",
        "Cost that a user may spend in a minute, at least 1 an operation; 0 for no limit.",
    ),
    Setting::number(
        "limits.rate_burst",
        "QUARTETO_RATE_BURST",
        "Cost that a user who was idle may spend at once; 0 for that of a minute.",
    ),
    Setting::text(
        "documents.path",
        "QUARTETO_DOCUMENTS",
        "Trusted documents: a folder of .graphql files, or the manifest of Relay or Apollo (JSON).",
    ),
    Setting::text(
        "documents.mode",
        "QUARTETO_DOCUMENTS_MODE",
        "Documents that are not trusted are executed with `off`, and logged with `log-unknown`; `enforce` refuses them to all but ADMIN.",
    ),
    Setting::text(
        "auth.users_file",
        "QUARTETO_USERS_FILE",
        "The users file, `nome:hash:papel` a line; `users` in the data folder when empty.",
    ),
    Setting::text("log.filter", "QUARTETO_LOG", "What to log: info, debug, quarteto::db=debug, …"),
    Setting::text("log.format", "QUARTETO_LOG_FORMAT", "`pretty` for people, `json` for machines."),
    Setting::text(
        "local.data_dir",
        "QUARTETO_DATA_DIR",
        "The folder of the private database and the users file.",
    ),
];

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_hidden_whatever_they_hold() {
        assert_eq!(without_password("mysql://u:p@ss:w@h:3306/d?x=1"), "mysql://u:***@h:3306/d?x=1");
        assert_eq!(without_password("mysql://u@h/d"), "mysql://u@h/d");
        assert_eq!(without_password(""), "");
    }
}
