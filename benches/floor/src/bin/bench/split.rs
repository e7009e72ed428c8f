//! The same graph from five subgraphs behind routers, over the same database as the merged server:
//! what a hop costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use quarteto_bench::{QUERIES, Query};

use crate::database::Way;
use crate::process::{self, Running};
use crate::target::{Answers, Client, Place, STORES, free_address, url_of};

/// The subgraphs; each but the last has the store of its name.
const SUBGRAPHS: [&str; 5] = ["clientes", "enderecos", "catalogo", "inventario", "nos"];

/// Whom the subgraphs know each other by.
const PEER: &str = "servico";

/// How the graph is put together.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Hive Gateway, which plans in JavaScript.
    Hive,
    /// Hive Gateway, which plans in Rust.
    HiveRust,
    /// Grafbase's, which is a program of its own in Rust.
    Grafbase,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Hive, Self::HiveRust, Self::Grafbase];

    const fn name(self) -> &'static str {
        match self {
            Self::Hive => "Hive Gateway",
            Self::HiveRust => "Hive Gateway, Rust planner",
            Self::Grafbase => "Grafbase",
        }
    }
}

/// A running router.
pub struct Router {
    kind: Kind,
    running: Running,
    address: String,
}

impl Answers for Router {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn url(&self, _: &Query) -> String {
        format!("http://{}/graphql", self.address)
    }
}

/// Five subgraphs, and routers before them; stopped when dropped.
pub struct Split {
    pub routers: Vec<Router>,
    subgraphs: Vec<Running>,
}

impl Split {
    pub async fn start(place: &Place, way: &Way, log: &str, client: &Client) -> anyhow::Result<Self> {
        let recipes = recipes()?;
        let password_file = place.folder.join("peer-password");
        fs::write(&password_file, place.add_user(PEER, "SERVICO")?)?;
        let addresses = SUBGRAPHS.iter().map(|_| free_address()).collect::<anyhow::Result<Vec<String>>>()?;
        let mut subgraphs = Vec::new();
        for (name, address) in SUBGRAPHS.into_iter().zip(&addresses) {
            let mut command = place.quarteto("serve");
            for ((store, database), address) in STORES.into_iter().zip(&addresses) {
                let peer = format!("QUARTETO_{}_PEER", store.to_uppercase());
                command.env(url_of(store), way.url(database)).env(peer, format!("http://{address}"));
            }
            command.env("QUARTETO_PEER_USER", PEER).env("QUARTETO_PEER_PASSWORD_FILE", &password_file);
            command.args(["--store", name, "--listen", address, "--log", log, "--users-file"]);
            let log_file = format!("subgraph-{name}.log");
            let url = format!("http://{address}/graphql");
            subgraphs.push(spawn(command.arg(place.users_file()), &url, place, &log_file, client).await?);
        }
        compose(&recipes, place, &addresses)?;
        let mut routers = Vec::new();
        for kind in Kind::ALL {
            let address = free_address()?;
            let mut command = kind.command(&recipes, place, &address)?;
            let log_file = format!("{kind:?}.log");
            let url = format!("http://{address}/graphql");
            let running = spawn(&mut command, &url, place, &log_file, client).await?;
            routers.push(Router { kind, running, address });
        }
        Ok(Self { routers, subgraphs })
    }

    /// Who answers when a router is asked, it itself first.
    pub fn pids(&self, router: &Router) -> Vec<u32> {
        [&router.running].into_iter().chain(&self.subgraphs).map(Running::pid).collect()
    }
}

/// A copy of the recipes beside what they import, which is found upwards from there.
fn recipes() -> anyhow::Result<PathBuf> {
    let target = std::env::current_exe()?.ancestors().nth(2).context("target")?.to_owned();
    let node = target.join("routers/node");
    ensure!(
        node.join("node_modules").exists(),
        "the routers are missing; `make tools-routers` installs them"
    );
    let recipes = node.join("recipes");
    fs::create_dir_all(&recipes)?;
    for entry in fs::read_dir("deploy/federation").context("call it in the project's folder")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            fs::copy(&path, recipes.join(path.file_name().context("a file")?))?;
        }
    }
    Ok(recipes)
}

/// The supergraph, by the recipe; and Grafbase's configuration, which it composes by itself.
fn compose(recipes: &Path, place: &Place, addresses: &[String]) -> anyhow::Result<()> {
    let mut compose = Command::new("node");
    compose.arg(recipes.join("compose.mjs")).arg("subgraphs").arg(&place.folder).stdout(Stdio::null());
    let mut grafbase = fs::read_to_string("deploy/federation/grafbase.toml")?;
    for (number, (name, address)) in SUBGRAPHS.into_iter().zip(addresses).enumerate() {
        let variable = format!("QUARTETO_{}_SUBGRAPH", name.to_uppercase());
        compose.env(variable, format!("http://{address}/graphql"));
        grafbase = grafbase.replace(&format!("127.0.0.1:{}/", 4001 + number), &format!("{address}/"));
    }
    let sdl = fs::canonicalize("subgraphs")?;
    fs::write(
        place.folder.join("grafbase.toml"),
        grafbase.replace("../../subgraphs", &sdl.display().to_string()),
    )?;
    process::run(&mut compose, "composing the supergraph")
}

impl Kind {
    fn command(self, recipes: &Path, place: &Place, address: &str) -> anyhow::Result<Command> {
        let modules = recipes.join("../node_modules");
        let (_, port) = address.split_once(':').context("an address has a port")?;
        let mut command = match self {
            Self::Hive | Self::HiveRust => {
                let mut hive = Command::new(modules.join(".bin/hive-gateway"));
                hive.args(["supergraph", "-c"]).arg(recipes.join("gateway.config.mjs"));
                hive.env("QUARTETO_SUPERGRAPH", place.folder.join("supergraph.graphql"));
                hive.env("QUARTETO_GATEWAY_PORT", port).env("NODE_ENV", "production");
                let planner = if matches!(self, Self::HiveRust) { "rust" } else { "" };
                hive.env("QUARTETO_GATEWAY_PLANNER", planner);
                hive
            }
            Self::Grafbase => {
                let home = place.folder.join("grafbase-home");
                fs::create_dir_all(&home)?;
                let mut grafbase =
                    Command::new(modules.join("@grafbase/cli-x86_64-unknown-linux-musl/grafbase"));
                grafbase.arg("--home").arg(home).args(["dev", "-c"]).arg(place.folder.join("grafbase.toml"));
                grafbase.args(["--listen-address", address]);
                grafbase
            }
        };
        // Every program of this run has as many processes as its pid says: one.
        command.env("FORK", "0").current_dir(&place.folder);
        Ok(command)
    }
}

/// Starts a program and waits until it answers.
async fn spawn(
    command: &mut Command,
    url: &str,
    place: &Place,
    log_file: &str,
    client: &Client,
) -> anyhow::Result<Running> {
    let output = place.log(log_file)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut running = Running::spawn(command)?;
    let anything = Query { text: "{ __typename }", ..QUERIES[0] };
    client.wait(&mut running, url, anything, &place.folder.join(log_file)).await?;
    Ok(running)
}
