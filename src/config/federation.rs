//! One store's subgraph, and how it reaches its siblings.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::setting::section;
use crate::db::{BreakerLimits, PerStore, Store};

section! {
    /// One store's subgraph, and how it reaches its siblings.
    Federation in "federation" {
        pub store: Subgraph = Subgraph::None, text, "QUARTETO_SERVE_STORE",
            "Serve the subgraph of this store alone (clientes, enderecos, catalogo, inventario), or the store-less `nos`; the merged graph when empty.";
        clientes_peer: String = String::new(), text, "QUARTETO_CLIENTES_PEER",
            "Where the subgraph `clientes` is served: https://HOST:PORT; what writes here must know or do there goes through it.";
        enderecos_peer: String = String::new(), text, "QUARTETO_ENDERECOS_PEER",
            "Where the subgraph `enderecos` is served.";
        catalogo_peer: String = String::new(), text, "QUARTETO_CATALOGO_PEER",
            "Where the subgraph `catalogo` is served.";
        inventario_peer: String = String::new(), text, "QUARTETO_INVENTARIO_PEER",
            "Where the subgraph `inventario` is served.";
        peer_user: String = String::new(), text, "QUARTETO_PEER_USER",
            "The login with the papel SERVICO that siblings know this subgraph by.";
        peer_password: String = String::new(), password, "QUARTETO_PEER_PASSWORD",
            "The password of that login.";
        peer_ca: PathBuf = PathBuf::new(), text, "QUARTETO_PEER_CA",
            "The authorities that certificates of siblings are checked by, a PEM file; those that browsers know when empty.";
        peer_plaintext: bool = false, flag, "QUARTETO_PEER_PLAINTEXT",
            "`true` lets http:// lead to siblings on other machines, where something else encrypts.";
        peer_ms: u64 = 5_000, number in 500..=600_000, "QUARTETO_PEER_MS",
            "How long a sibling may take to answer.";
    }
}

/// What is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subgraph {
    /// None: the merged graph.
    #[default]
    #[serde(rename = "")]
    None,
    /// That of the store `clientes`.
    Clientes,
    /// That of the store `enderecos`.
    Enderecos,
    /// That of the store `catalogo`.
    Catalogo,
    /// That of the store `inventario`.
    Inventario,
    /// The store-less one.
    Nos,
}

impl Subgraph {
    /// The word in flags, settings and the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Clientes => "clientes",
            Self::Enderecos => "enderecos",
            Self::Catalogo => "catalogo",
            Self::Inventario => "inventario",
            Self::Nos => "nos",
        }
    }

    /// The store, where it is the subgraph of one.
    #[must_use]
    pub const fn store(self) -> Option<Store> {
        match self {
            Self::None | Self::Nos => None,
            Self::Clientes => Some(Store::Clientes),
            Self::Enderecos => Some(Store::Enderecos),
            Self::Catalogo => Some(Store::Catalogo),
            Self::Inventario => Some(Store::Inventario),
        }
    }

    /// The siblings that its writes need.
    #[must_use]
    pub const fn needs(self) -> &'static [Store] {
        match self {
            Self::None | Self::Nos | Self::Catalogo => &[],
            Self::Clientes => &[Store::Enderecos, Store::Inventario],
            Self::Enderecos => &[Store::Clientes],
            Self::Inventario => &[Store::Clientes, Store::Catalogo],
        }
    }
}

impl std::str::FromStr for Subgraph {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "clientes" => Self::Clientes,
            "enderecos" => Self::Enderecos,
            "catalogo" => Self::Catalogo,
            "inventario" => Self::Inventario,
            "nos" => Self::Nos,
            _ => {
                return Err(format!(
                    "`{text}` is not a subgraph; the subgraphs are clientes, enderecos, catalogo, inventario, nos"
                ));
            }
        })
    }
}

/// How siblings are reached.
#[derive(Clone, Debug)]
pub struct PeerAccess {
    /// Where each is that is needed.
    pub bases: PerStore<Option<Uri>>,
    /// The login.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The authorities, where they are one's own.
    pub ca: Option<PathBuf>,
    /// How long a sibling may take.
    pub patience: Duration,
    /// When to leave one alone.
    pub circuit: BreakerLimits,
}

/// Whether nobody but this machine is reached by this name.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

impl Federation {
    fn peer(&self, store: Store) -> (&str, &'static str) {
        match store {
            Store::Clientes => (&self.clientes_peer, "QUARTETO_CLIENTES_PEER"),
            Store::Enderecos => (&self.enderecos_peer, "QUARTETO_ENDERECOS_PEER"),
            Store::Catalogo => (&self.catalogo_peer, "QUARTETO_CATALOGO_PEER"),
            Store::Inventario => (&self.inventario_peer, "QUARTETO_INVENTARIO_PEER"),
        }
    }

    /// How the siblings are reached that the subgraph needs; none where it needs none.
    ///
    /// # Errors
    /// A message that names the variable and the rule.
    pub fn peers(&self) -> Result<Option<PeerAccess>, ConfigError> {
        let needed = self.store.needs();
        if needed.is_empty() {
            return Ok(None);
        }
        let bases = PerStore::try_from_fn(|store| match needed.contains(&store) {
            true => self.base(store).map(Some),
            false => Ok(None),
        })?;
        if self.peer_user.contains(':') {
            return Err(ConfigError("QUARTETO_PEER_USER must not hold a colon: no login does".into()));
        }
        if self.peer_user.is_empty() || self.peer_password.is_empty() {
            return Err(ConfigError(
                "a subgraph that writes logs in to its siblings: set QUARTETO_PEER_USER and QUARTETO_PEER_PASSWORD \
                 (or QUARTETO_PEER_PASSWORD_FILE) to a user of theirs with the papel SERVICO"
                    .into(),
            ));
        }
        Ok(Some(PeerAccess {
            bases,
            user: self.peer_user.clone(),
            password: self.peer_password.clone(),
            ca: Some(self.peer_ca.clone()).filter(|path| !path.as_os_str().is_empty()),
            patience: Duration::from_millis(self.peer_ms),
            circuit: BreakerLimits::default(),
        }))
    }

    fn base(&self, store: Store) -> Result<Uri, ConfigError> {
        let (text, variable) = self.peer(store);
        if text.is_empty() {
            return Err(ConfigError(format!(
                "{variable} is not set: what this subgraph writes needs the subgraph `{store}`; say where it is served"
            )));
        }
        let rule = || ConfigError(format!("{variable} must look like https://HOST:PORT, not `{text}`"));
        let base: Uri = text.trim_end_matches('/').parse().map_err(|_| rule())?;
        let host = base.host().ok_or_else(rule)?;
        if base.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(ConfigError(format!(
                "{variable} holds a login; it belongs into QUARTETO_PEER_USER and QUARTETO_PEER_PASSWORD"
            )));
        }
        match base.scheme_str() {
            _ if base.path().len() > 1 || base.query().is_some() => Err(rule()),
            Some("https") => Ok(base),
            Some("http") if self.peer_plaintext || is_this_machine(host) => Ok(base),
            Some("http") => Err(ConfigError(format!(
                "{variable} leads to another machine without encryption; use https://, or, where something else \
                 encrypts, QUARTETO_PEER_PLAINTEXT=true"
            ))),
            _ => Err(rule()),
        }
    }
}
