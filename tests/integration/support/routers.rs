//! Routers before the five subgraphs, as `deploy/federation/` configures them. `scripts/routers` has
//! installed what they need before; no test asks the network for anything.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::TestApp;
use super::split::SUBGRAPHS;

/// A router, or a way in which one plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hive Gateway, which plans in JavaScript.
    Hive,
    /// Hive Gateway, which plans in Rust.
    HiveRust,
    /// Grafbase's.
    Grafbase,
}

impl Kind {
    /// All that run on this machine. Grafbase's program is there for one kind of machine.
    pub fn here() -> Vec<Self> {
        let mut all = vec![Self::Hive, Self::HiveRust];
        match grafbase().exists() {
            true => all.push(Self::Grafbase),
            false => eprintln!("skipped: Grafbase's router, whose program is for Linux on x86-64"),
        }
        all
    }
}

/// A supergraph of the subgraphs of an application, in a folder of its own.
pub struct Composed {
    folder: TempDir,
    /// What Hive Gateway gives a subgraph, when not what it is configured for.
    upstream_ms: Option<&'static str>,
}

/// A router that is running.
pub struct Router {
    pub kind: Kind,
    base: String,
    log: PathBuf,
    _child: Child,
}

const INSTALL: &str = "`make tools-routers` installs what the tests of routers need";

/// Routers start in seconds, but not on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(180);

fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target").join("routers")
}

fn grafbase() -> PathBuf {
    installed().join("node/node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase")
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A copy of the recipes below what they import, which is found upwards from there.
pub fn laid_out() -> &'static Path {
    static RECIPES: OnceLock<PathBuf> = OnceLock::new();
    RECIPES.get_or_init(|| {
        for (lock, folder) in [("package-lock.json", "node"), ("cosmo/package-lock.json", "cosmo")] {
            let there = std::fs::read(installed().join(folder).join(".installed")).unwrap_or_default();
            let asked = std::fs::read(source("deploy/federation").join(lock)).expect("a lock");
            assert!(there == asked, "{lock}: {INSTALL}");
        }
        let recipes = installed().join("node/recipes");
        std::fs::create_dir_all(&recipes).expect("a folder");
        for folder in ["deploy/federation", "tests/routers"] {
            for entry in std::fs::read_dir(source(folder)).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.extension().is_some_and(|extension| extension == "mjs") {
                    let name = path.file_name().expect("a name");
                    std::fs::copy(&path, recipes.join(name)).expect("copied");
                }
            }
        }
        recipes
    })
}

/// A command that sees nobody else's settings.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
        command.env_remove(name);
    }
    command.env("NO_PROXY", "127.0.0.1").env("COSMO_TELEMETRY_DISABLED", "true").kill_on_drop(true);
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end: what it said.
pub async fn succeed(mut command: Command) -> String {
    let output = command.output().await.unwrap_or_else(|error| panic!("{command:?}: {error}; {INSTALL}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

impl Composed {
    /// By the recipe.
    pub async fn of(app: &TestApp) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut recipe = command("node");
        recipe.arg(laid_out().join("compose.mjs")).arg(source("subgraphs")).arg(folder.path());
        let split = app.split.as_ref().expect("split");
        for subgraph in SUBGRAPHS {
            let variable = format!("QUARTETO_{}_SUBGRAPH", subgraph.name().to_uppercase());
            recipe.env(variable, format!("{}/graphql", split.base(subgraph)));
        }
        let said = succeed(recipe).await;
        assert!(said.contains("no errors, no hints"), "{said}");
        let composed = Self { folder, upstream_ms: None };
        composed.configure_grafbase(app);
        composed
    }

    /// The configuration that we ship, with other addresses and paths.
    fn configure_grafbase(&self, app: &TestApp) {
        let mut text = std::fs::read_to_string(source("deploy/federation/grafbase.toml")).expect("a file");
        for (place, subgraph) in SUBGRAPHS.into_iter().enumerate() {
            let shipped = format!("http://127.0.0.1:{}/", 4001 + place);
            assert!(text.contains(&shipped), "{shipped}");
            let base = app.split.as_ref().expect("split").base(subgraph);
            text = text.replace(&shipped, &format!("{base}/"));
        }
        let text = text.replace("../../subgraphs", &source("subgraphs").to_string_lossy());
        std::fs::write(self.path("grafbase.toml"), text).expect("written");
    }

    /// As if a subgraph were somewhere else, where it has little time to answer; for Hive Gateway.
    pub fn moved(&mut self, base: &str, elsewhere: &str) {
        self.upstream_ms = Some("500");
        let supergraph = std::fs::read_to_string(self.path("supergraph.graphql")).expect("a file");
        assert!(supergraph.contains(base), "{base}");
        let moved = supergraph.replace(base, elsewhere);
        std::fs::write(self.path("supergraph.graphql"), moved).expect("written");
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the Cosmo router would read.
    pub async fn for_cosmo(&self) -> PathBuf {
        let execution = self.path("cosmo/execution.json");
        let mut wgc = command(installed().join("cosmo/node_modules/.bin/wgc"));
        wgc.args(["router", "compose", "--input"]).arg(self.path("cosmo/graph.yaml"));
        succeed({
            wgc.arg("--out").arg(&execution);
            wgc
        })
        .await;
        execution
    }

    /// Starts one, and waits until it answers.
    pub async fn route(&self, kind: Kind) -> Router {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let mut router = match kind {
            Kind::Hive | Kind::HiveRust => {
                let recipes = laid_out();
                let mut hive = command(recipes.join("../node_modules/.bin/hive-gateway"));
                hive.args(["supergraph", "-c"]).arg(recipes.join("gateway.config.mjs"));
                hive.env("QUARTETO_SUPERGRAPH", self.path("supergraph.graphql"));
                hive.env("QUARTETO_GATEWAY_PORT", port.to_string());
                hive.envs(self.upstream_ms.map(|millis| ("QUARTETO_GATEWAY_UPSTREAM_MS", millis)));
                if kind == Kind::HiveRust {
                    hive.env("QUARTETO_GATEWAY_PLANNER", "rust");
                }
                hive
            }
            Kind::Grafbase => {
                let mut grafbase = command(grafbase());
                grafbase
                    .arg("--home")
                    .arg(self.path("home"))
                    .args(["dev", "-c"])
                    .arg(self.path("grafbase.toml"));
                grafbase.args(["--listen-address", &format!("127.0.0.1:{port}")]);
                std::fs::create_dir_all(self.path("home")).expect("a folder");
                grafbase
            }
        };
        let log = self.path(&format!("{kind:?}.log"));
        let file = std::fs::File::create(&log).expect("a file");
        router.current_dir(self.folder.path()).stdout(file.try_clone().expect("a file")).stderr(file);
        let child = router.spawn().unwrap_or_else(|error| panic!("{router:?}: {error}; {INSTALL}"));
        let router = Router { kind, base: format!("http://127.0.0.1:{port}"), log, _child: child };
        router.until_it_answers().await;
        router
    }

    /// Starts all that run here, at once.
    pub async fn route_all(&self) -> Vec<Router> {
        let all = Kind::here().into_iter().map(|kind| self.route(kind));
        futures_util::future::join_all(all).await
    }
}

impl Router {
    /// `http://HOST:PORT`
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn until_it_answers(&self) {
        let begun = Instant::now();
        loop {
            let asked = reqwest::Client::new().post(format!("{}/graphql", self.base));
            let answer = asked.json(&super::json!({ "query": "{ __typename }" })).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "{:?} never answered: {log}", self.kind);
            // A process is started: there is nothing to wait for but time.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
