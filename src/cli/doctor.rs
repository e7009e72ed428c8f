//! `quarteto doctor`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Args;
use futures_util::future::join_all;
use serde::Serialize;
use sqlx::mysql::MySqlConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{OpenStore, OpenStores, print};
use crate::auth::{Rights, UsersFile};
use crate::config::{Listen, Loaded, Subgraph};
use crate::db::migrations::{self, SchemaState};
use crate::db::{AnyStore, Db, Fault, Probe, Store, behind};
use crate::http::{self, HttpLimits, Tls};
use crate::kernel::{Papel, code};
use crate::peers::Remote;
use crate::stores::acessos;
use crate::writes::record;

/// Look at everything that `serve` needs: settings, users, certificate, ports, and each
/// store, down to the rights of its user and its last index.
///
/// Changes nothing, and may run beside `serve`. Exits with 3 when something is wrong.
#[derive(Args)]
pub(super) struct Doctor {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// The exit code when something is wrong.
const WRONG: u8 = 3;

/// Clocks that differ by more confuse whoever compares the log with the data.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Well,
    /// It serves, and is not as it should be.
    Doubtful,
    Wrong,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: String,
    outcome: Outcome,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn well(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), outcome: Outcome::Well, found: found.into(), remedy: None }
    }

    fn doubtful(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Doubtful, remedy: Some(remedy.into()), ..Self::well(check, found) }
    }

    fn wrong(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Wrong, remedy: Some(remedy.into()), ..Self::well(check, found) }
    }

    /// With the remedy in the sentence itself, as most errors have it.
    fn told(check: impl Into<String>, error: impl std::fmt::Display) -> Self {
        Self { outcome: Outcome::Wrong, ..Self::well(check, error.to_string()) }
    }

    fn line(&self) -> String {
        let sign = match self.outcome {
            Outcome::Well => '✓',
            Outcome::Doubtful => '!',
            Outcome::Wrong => '✗',
        };
        let remedy = self.remedy.as_ref().map(|remedy| format!("\n    → {remedy}")).unwrap_or_default();
        format!("{sign} {}: {}{remedy}\n", self.check, self.found)
    }
}

impl Doctor {
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<ExitCode> {
        let mut findings = settings(loaded);
        findings.push(port("port", loaded.config.http.listen.0, "--listen").await);
        findings.extend(metrics(loaded).await);
        findings.extend(certificate(loaded));
        findings.extend(users(loaded));
        findings.extend(match loaded.config.federation.store {
            Subgraph::None => stores(loaded).await,
            _ => subgraph(loaded).await,
        });
        let wrong = findings.iter().any(|finding| finding.outcome == Outcome::Wrong);
        let text = match self.json {
            true => {
                let lines = findings.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
                lines.context("a finding could not be written")?.join("\n") + "\n"
            }
            false => findings.iter().map(Finding::line).collect(),
        };
        let printed = print(&text);
        Ok(if wrong { ExitCode::from(WRONG) } else { printed })
    }
}

fn settings(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let differing = config.differing();
    let found = match differing.is_empty() {
        true => "all as by default".to_owned(),
        false => format!("not as by default: {}", differing.join(", ")),
    };
    let mut findings = vec![Finding::well("settings", found)];
    let notice = |notice: &String| Finding::doubtful("settings", notice, "remove it, or correct its name");
    findings.extend(loaded.notices.iter().map(notice));
    if let Err(error) = HttpLimits::of(config) {
        findings.push(Finding::told("settings", error));
    }
    if let Err(error) = config.http.check_exposure() {
        findings.push(Finding::told("exposure", error));
    }
    if config.http.behind_proxy && config.http.trusted_proxies.is_empty() {
        findings.push(Finding::doubtful(
            "proxies",
            "all clients count as one address, that of the proxy",
            "name the proxy in http.trusted_proxies",
        ));
    }
    findings
}

/// Free, or taken by a Quarteto.
async fn port(check: &str, address: SocketAddr, with: &str) -> Finding {
    match http::listen(address) {
        Ok(_) => Finding::well(check, format!("{address} is free")),
        Err(_) if is_quarteto(address).await => {
            Finding::well(check, format!("a Quarteto serves on {address}"))
        }
        Err(error) => {
            Finding::wrong(check, format!("{address}: {error}"), format!("choose another with {with}"))
        }
    }
}

/// The operator's own address, where there is one.
async fn metrics(loaded: &Loaded) -> Vec<Finding> {
    const CHECK: &str = "metrics";
    let address = match loaded.config.http.metrics_listen() {
        Ok(Some(address)) => address,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Finding::told(CHECK, error)],
    };
    let mut findings = vec![port(CHECK, address, "http.metrics_listen").await];
    if !Listen(address).is_local() {
        findings.push(Finding::doubtful(
            CHECK,
            format!("whoever reaches {address} sees the metrics, without a login and in the clear"),
            "let it be an address of the operator's network, or of this machine",
        ));
    }
    findings
}

async fn is_quarteto(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .ok()?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer).await.ok()?;
        Some(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"))
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), asked).await, Ok(Some(true)))
}

fn certificate(loaded: &Loaded) -> Option<Finding> {
    let files = loaded.config.http.tls_files()?;
    let shown = files.cert.display().to_string();
    Some(match Tls::open(files) {
        Ok(_) => Finding::well("certificate", format!("{shown} and its key fit")),
        Err(error) => Finding::told("certificate", error),
    })
}

fn users(loaded: &Loaded) -> Vec<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = UsersFile::at(loaded.config.users_file());
    let shown = file.path().display().to_string();
    let private = loaded.config.stores.databases().is_ok_and(|found| found.is_private());
    if !file.exists() {
        let add = "`quarteto user add NOME --papel ADMIN` makes it";
        return vec![match private {
            true => Finding::well("users", format!("{shown} is made at the first start")),
            false => Finding::wrong("users", format!("{shown} does not exist"), add),
        }];
    }
    let listed = match file.read().and_then(|_| file.list()) {
        Ok(listed) => listed,
        Err(error) => return vec![Finding::told("users", error)],
    };
    let admins = listed.iter().filter(|(_, papel)| *papel == Rights::Asks(Papel::Admin)).count();
    let mut findings = vec![match admins {
        0 => Finding::doubtful(
            "users",
            format!("no ADMIN among the {} in {shown}", listed.len()),
            "`quarteto user add NOME --papel ADMIN`",
        ),
        _ => Finding::well("users", format!("{shown} holds {}, {admins} of them ADMIN", listed.len())),
    }];
    let mode = std::fs::metadata(file.path()).map_or(0, |found| found.permissions().mode() & 0o777);
    if mode & 0o007 != 0 {
        findings.push(Finding::doubtful(
            "users",
            format!("everybody on this machine may read or change {shown} (mode {mode:o})"),
            format!("`chmod 600 {shown}`"),
        ));
    }
    findings
}

async fn stores(loaded: &Loaded) -> Vec<Finding> {
    let open = match OpenStores::open(&loaded.config).await {
        Ok(open) => open,
        Err(error) => return vec![Finding::told("stores", format!("{error:#}"))],
    };
    let mut findings = match &open.private {
        Some(private) if private.is_joined() => {
            vec![Finding::well("stores", "the private database of the Quarteto that serves")]
        }
        Some(_) => vec![Finding::well("stores", "the private database starts")],
        None => vec![Finding::well("stores", "four distinct databases, as far as they answer")],
    };
    let all = AnyStore::ALL.into_iter().filter_map(|store| Some((store, open.options(store)?)));
    let each = all.map(|(store, options)| look(loaded, store, options));
    findings.extend(join_all(each).await.into_iter().flatten());
    match loaded.config.stores.replicas() {
        Ok(replicas) => {
            let all = replicas.iter().flat_map(|(store, all)| all.iter().map(move |one| (store, one)));
            let each = all.map(|(store, options)| replica(store, &open.stores[store], options));
            findings.extend(join_all(each).await.into_iter().flatten());
        }
        Err(error) => findings.push(Finding::told("replicas", error)),
    }
    findings
}

/// Looks at a replica: reached, read-only, with the tables, and how far it is behind.
async fn replica(store: Store, primary: &MySqlConnectOptions, options: &MySqlConnectOptions) -> Vec<Finding> {
    let check = format!("replica of {store}");
    let probe = match Probe::of(options).await {
        Ok(probe) => probe,
        Err(reason) => {
            let remedy = format!(
                "see {} and the server's log; until then the primary answers",
                store.replica_url_variable()
            );
            return vec![Finding::doubtful(check, format!("cannot be reached: {reason}"), remedy)];
        }
    };
    let mut findings = vec![reached(&check, &probe)];
    if !probe.is_read_only {
        let remedy = "read_only = 1 there: what is written to a replica by mistake is in no other";
        findings.push(Finding::doubtful(&*check, "the server takes writes", remedy));
    }
    findings.push(match migrations::check(store, options).await {
        Ok(SchemaState::Current) => Finding::well(&*check, "schema current, to the last index"),
        Ok(SchemaState::Behind(missing)) => Finding::doubtful(
            &*check,
            format!("{missing} migrations are missing"),
            "they come from the primary: is it a replica of that store, and does it follow?",
        ),
        Ok(SchemaState::Differs(differences)) => Finding::doubtful(
            &*check,
            format!("the tables are not what the migrations made: {}", differences.join("; ")),
            "put them right by hand",
        ),
        Err(error) => Finding::told(&*check, error),
    });
    findings.push(match behind(store, primary, options).await {
        Ok(Some(lag)) => Finding::well(check, format!("{:.1} s behind its primary", lag.as_secs_f64())),
        Ok(None) => Finding::well(check, "how far it is behind is known while a Quarteto serves"),
        Err(error) => Finding::doubtful(check, error.detail.as_ref(), "see the other lines about it"),
    });
    findings
}

/// The one store of a subgraph, and the siblings that its writes need.
async fn subgraph(loaded: &Loaded) -> Vec<Finding> {
    let open = match OpenStore::to_serve(&loaded.config).await {
        Ok(open) => open,
        Err(error) => return vec![Finding::told("stores", format!("{error:#}"))],
    };
    let here = open.store.iter().map(|(store, options)| ((*store).into(), options));
    let all = here.chain(open.acessos.as_ref().map(|options| (AnyStore::Acessos, options)));
    let each = all.map(|(store, options)| look(loaded, store, options));
    let mut findings: Vec<Finding> = join_all(each).await.into_iter().flatten().collect();
    let access = match loaded.config.federation.peers() {
        Ok(access) => access,
        Err(error) => return [findings, vec![Finding::told("siblings", error)]].concat(),
    };
    match Remote::all(access.as_ref()) {
        Ok(siblings) => {
            let known = siblings.iter().filter_map(|(store, remote)| Some((store, remote.as_ref()?)));
            for (store, remote) in known {
                let check = format!("sibling {store}");
                // No entity is asked for, so it costs the sibling's store nothing.
                findings.push(match remote.entities("doctor", probe(store), Vec::new()).await {
                    Ok(_) => Finding::well(check, "answers, has this store, and knows this login"),
                    // It knows GraphQL, but not what is asked of the owner of this store.
                    Err(error) if error.detail.contains(code::GRAPHQL_VALIDATION_FAILED) => Finding::wrong(
                        check,
                        "answers, but is not the subgraph of this store",
                        format!("see where QUARTETO_{}_PEER leads", store.to_string().to_uppercase()),
                    ),
                    Err(error) => Finding::told(check, error.detail),
                });
            }
        }
        Err(error) => findings.push(Finding::told("siblings", error)),
    }
    findings
}

/// A question that the owner of a store alone can answer.
const fn probe(store: Store) -> &'static str {
    match store {
        Store::Clientes => {
            "query Doctor($representations: [_Any!]!) { _entities(representations: $representations) { ... on Cliente { nome } } }"
        }
        Store::Enderecos => {
            "query Doctor($representations: [_Any!]!) { _entities(representations: $representations) { ... on Endereco { cidade } } }"
        }
        Store::Catalogo => {
            "query Doctor($representations: [_Any!]!) { _entities(representations: $representations) { ... on Produto { preco } } }"
        }
        Store::Inventario => {
            "query Doctor($representations: [_Any!]!) { _entities(representations: $representations) { ... on Compra { total } } }"
        }
    }
}

async fn look(loaded: &Loaded, store: AnyStore, options: &MySqlConnectOptions) -> Vec<Finding> {
    let check = format!("store {store}");
    let probe = match Probe::of(options).await {
        Ok(probe) => probe,
        Err(reason) => {
            let remedy = format!("see {} and the server's log", store.url_variable());
            return vec![Finding::wrong(check, format!("cannot be reached: {reason}"), remedy)];
        }
    };
    let connections = loaded.config.stores.limits().connections;
    let mut findings = vec![reached(&check, &probe)];
    findings.extend(server(&check, &probe, connections));
    findings.push(match migrations::check(store, options).await {
        Ok(SchemaState::Current) => Finding::well(&*check, "schema current, to the last index"),
        Ok(SchemaState::Behind(missing)) => {
            Finding::wrong(&*check, format!("{missing} migrations are missing"), "`quarteto migrate`")
        }
        Ok(SchemaState::Differs(differences)) => Finding::doubtful(
            &*check,
            format!("the tables are not what the migrations made: {}", differences.join("; ")),
            "put them right by hand; `quarteto migrate --check` shows what is left",
        ),
        Err(error) => Finding::told(&*check, error),
    });
    let db = Db::new(store, options.clone(), loaded.config.stores.limits());
    let tried = match store {
        AnyStore::One(_) => record::try_out(&db).await,
        AnyStore::Acessos => acessos::try_out(&db).await,
    };
    findings.push(match tried {
        Ok(()) => Finding::well(check, "its user may read, write and delete"),
        Err(error) if error.fault == Fault::Unavailable => Finding::wrong(
            check,
            format!("its user may not write: {}", error.detail),
            "GRANT SELECT, INSERT, UPDATE, DELETE ON the database",
        ),
        Err(error) => Finding::wrong(
            check,
            format!("a write fails: {}", error.detail),
            "see the other lines about this store, and the server's log",
        ),
    });
    findings
}

fn reached(check: &str, probe: &Probe) -> Finding {
    let way = match (&probe.cipher, probe.is_local) {
        (Some(cipher), _) => format!("encrypted ({cipher})"),
        (None, true) => "over a socket of this machine".to_owned(),
        (None, false) => "not encrypted".to_owned(),
    };
    let found =
        format!("{}, {way}, {:.1} ms a question", probe.version, probe.round_trip.as_secs_f64() * 1e3);
    if !probe.is_supported() {
        return Finding::wrong(check, found, "MariaDB from 10.6 and MySQL from 8.0.13 are served over");
    }
    if probe.cipher.is_none() && !probe.is_local {
        return Finding::doubtful(
            check,
            found,
            "passwords and data pass in the clear: ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE in its URL",
        );
    }
    Finding::well(check, found)
}

/// What is unusual about a server.
fn server(check: &str, probe: &Probe, connections: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    if probe.is_read_only {
        let remedy = "let its URL lead to the primary";
        findings.push(Finding::wrong(check, "the server is read-only", remedy));
    }
    if probe.clock.abs() > CLOCKS_APART {
        let seconds = probe.clock.num_milliseconds().abs() / 1000;
        let ahead = if probe.clock > TimeDelta::zero() { "ahead of" } else { "behind" };
        findings.push(Finding::doubtful(
            check,
            format!("its clock is {seconds} s {ahead} this machine's"),
            "let both follow NTP",
        ));
    }
    if probe.most_connections < connections as u64 + 2 {
        findings.push(Finding::doubtful(
            check,
            format!(
                "the server takes {} connections, and each instance wants {connections}",
                probe.most_connections
            ),
            "raise max_connections there, or lower stores.connections",
        ));
    }
    if let Some(state) = probe.cluster.as_deref().filter(|state| *state != "Synced") {
        findings.push(Finding::doubtful(
            check,
            format!("its Galera node is {state}"),
            "wait until it is Synced, or let the URL lead to another",
        ));
    }
    findings
}
