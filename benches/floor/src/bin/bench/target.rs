//! What is measured: Quarteto, the floor and the stock service, over the same data.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use quarteto_bench::{QUERIES, Query, USER};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::database::Way;
use crate::process::{self, Running};

/// How long a program may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(90);

/// The data that is asked about.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// How many clients.
    #[arg(long, default_value_t = 100_000)]
    pub clientes: u64,
    /// How many products.
    #[arg(long, default_value_t = 10_000)]
    pub produtos: u64,
    /// How many purchases.
    #[arg(long, default_value_t = 1_000_000)]
    pub compras: u64,
    /// How many of them are the first client's.
    #[arg(long, default_value_t = 50_000)]
    pub heavy: u64,
}

impl Data {
    /// Fills the data folder unless an earlier run did.
    pub fn seed(&self, place: &Place) -> anyhow::Result<()> {
        let plan = format!("{self:?}\n");
        let mark = place.data.join("bench-data");
        match fs::read_to_string(&mark) {
            Ok(there) if there == plan => return Ok(()),
            Ok(there) => bail!(
                "{} holds other data ({}); delete it or choose another --data-dir",
                place.data.display(),
                there.trim()
            ),
            Err(_) => {}
        }
        ensure!(
            !place.data.join("mariadb").exists(),
            "{} holds a database that this program did not fill, or did not finish; delete it or choose another --data-dir",
            place.data.display()
        );
        let count = |name: &str, count: u64| [format!("--{name}"), count.to_string()];
        let mut seed = place.quarteto("seed");
        seed.args(count("clientes", self.clientes)).args(count("produtos", self.produtos));
        seed.args(count("compras", self.compras)).args(count("heavy", self.heavy));
        process::run(&mut seed, "filling the database")?;
        fs::write(&mark, plan).with_context(|| format!("cannot write {}", mark.display()))
    }
}

/// Where everything is.
pub struct Place {
    /// The program to measure.
    binary: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    /// Scripts, logs and the users file of this run.
    pub folder: PathBuf,
}

impl Place {
    pub fn new(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        let binary = binary.canonicalize().with_context(|| {
            format!("{} is missing; build it with `cargo build --release --workspace`", binary.display())
        })?;
        let folder = data.join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { binary, data: data.canonicalize()?, folder: folder.canonicalize()? })
    }

    pub fn users_file(&self) -> PathBuf {
        self.folder.join("users")
    }

    pub fn quarteto(&self, command: &str) -> Command {
        let mut quarteto = Command::new(&self.binary);
        quarteto.arg(command).arg("--data-dir").arg(&self.data);
        // Settings of the shell we were called from are not to be measured.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("QUARTETO_") {
                quarteto.env_remove(name);
            }
        }
        quarteto
    }

    /// Brings data that an earlier version filled up to date: a server given by
    /// URLs is not migrated by itself.
    pub fn migrate(&self) -> anyhow::Result<()> {
        process::run(self.quarteto("migrate").stdout(Stdio::null()), "migrating the database")
    }

    /// Makes the one user of this run and returns the password.
    pub fn only_user(&self) -> anyhow::Result<String> {
        let file = self.users_file();
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        self.add_user(USER, "EDITOR")
    }

    /// Makes a user and returns the password.
    pub fn add_user(&self, name: &str, papel: &str) -> anyhow::Result<String> {
        let random = || RandomState::new().build_hasher().finish();
        let password = format!("{:016x}{:016x}", random(), random());
        let mut add = Command::new(&self.binary);
        add.args(["user", "add", name, "--papel", papel, "--users-file"]).arg(self.users_file());
        let mut child =
            add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("cannot start quarteto")?;
        if let Some(mut input) = child.stdin.take() {
            writeln!(input, "{password}")?;
        }
        ensure!(child.wait()?.success(), "`quarteto user add` failed");
        Ok(password)
    }

    /// Where the database server has its socket.
    pub fn socket(&self) -> PathBuf {
        self.data.join("mariadb.sock")
    }

    pub fn log(&self, name: &str) -> anyhow::Result<fs::File> {
        let path = self.folder.join(name);
        fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A port that is free now.
pub fn free_address() -> anyhow::Result<String> {
    let probe = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(probe.local_addr()?.to_string())
}

/// Asks single questions.
pub struct Client(reqwest::Client);

impl Client {
    pub fn new(authorization: &str) -> anyhow::Result<Self> {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::from_str(authorization)?),
            (CONTENT_TYPE, json.clone()),
            (ACCEPT, json),
        ]);
        Ok(Self(reqwest::Client::builder().default_headers(headers).no_proxy().build()?))
    }

    async fn ask(&self, url: &str, query: &str, variables: &Value) -> anyhow::Result<String> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let response = self.0.post(url).body(body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "{url} answered {status}: {text}");
        Ok(text)
    }

    /// Waits for the first answer.
    pub async fn wait(
        &self,
        running: &mut Running,
        url: &str,
        query: Query,
        log: &Path,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let Err(error) = self.ask(url, query.text, &json!({ "id": "cliente_1" })).await else {
                return Ok(());
            };
            let log = log.display();
            ensure!(!running.ended(), "the program ended at once; see {log}");
            ensure!(begun.elapsed() < PATIENCE, "no answer within {PATIENCE:?}: {error:#}; see {log}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The stores and their databases.
pub const STORES: [(&str, &str); 4] = [
    ("clientes", "clientes"),
    ("enderecos", "enderecos"),
    ("catalogo", "catalogo_produtos"),
    ("inventario", "inventario_produtos"),
];

/// The variable with the URL of a store.
pub fn url_of(store: &str) -> String {
    format!("QUARTETO_{}_URL", store.to_uppercase())
}

/// A running Quarteto.
pub struct Quarteto {
    running: Running,
    pub address: String,
}

impl Quarteto {
    /// Starts it, and tells how long it took to its first answer.
    pub async fn start(
        place: &Place,
        way: &Way,
        log: &str,
        client: &Client,
    ) -> anyhow::Result<(Self, Duration)> {
        let mut command = place.quarteto("serve");
        for (store, database) in STORES {
            command.env(url_of(store), way.url(database));
        }
        let begun = Instant::now();
        let quarteto = Self::spawn(command, place, log, client).await?;
        Ok((quarteto, begun.elapsed()))
    }

    async fn spawn(mut command: Command, place: &Place, log: &str, client: &Client) -> anyhow::Result<Self> {
        let log_file = "quarteto.log";
        let address = free_address()?;
        command.args(["--listen", &address, "--log", log, "--users-file"]).arg(place.users_file());
        let output = place.log(log_file)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut quarteto = Self { running: Running::spawn(&mut command)?, address };
        let url = quarteto.graphql();
        client.wait(&mut quarteto.running, &url, QUERIES[0], &place.folder.join(log_file)).await?;
        Ok(quarteto)
    }

    pub fn graphql(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Ends it.
    pub fn stop(self) {
        drop(self.running);
    }
}

/// What Quarteto is measured against.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// The queries by hand.
    Floor,
    /// async-graphql as it comes.
    Stock,
}

impl Bar {
    /// The program's name.
    const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Stock => "stock",
        }
    }

    const fn path(self, query: &Query) -> &'static str {
        match self {
            Self::Floor => query.path,
            Self::Stock => "/graphql",
        }
    }
}

/// One of them, running.
pub struct Rival {
    bar: Bar,
    running: Running,
    address: String,
}

impl Rival {
    pub async fn start(
        bar: Bar,
        place: &Place,
        way: &Way,
        authorization: &str,
        client: &Client,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name(bar.name());
        ensure!(
            program.exists(),
            "{} is missing; build it with `cargo build --release --workspace`",
            program.display()
        );
        let address = free_address()?;
        let log = format!("{}.log", bar.name());
        let output = place.log(&log)?;
        let mut command = Command::new(program);
        command
            .args(["--listen", &address, "--authorization", authorization])
            .args(["--server", &way.url("")]);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut rival = Self { bar, running: Running::spawn(&mut command)?, address };
        let url = rival.url(&QUERIES[0]);
        client.wait(&mut rival.running, &url, QUERIES[0], &place.folder.join(log)).await?;
        Ok(rival)
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }
}

/// The variables with which each query is asked. Clients are drawn at random,
/// many more than there are connections, so that requests at the same time
/// rarely want the same rows. Pages begin at cursors that Quarteto gave.
pub async fn variables(client: &Client, quarteto: &str, clientes: u64) -> anyhow::Result<Vec<Vec<Value>>> {
    let url = format!("http://{quarteto}/graphql");
    let mut random = Random(0x5EED);
    let by_id =
        (0..20_000).map(|_| json!({ "id": format!("cliente_{}", 1 + random.below(clientes)) })).collect();
    let pages_of_clientes = cursors(client, &url, "clientes", 10).await?;
    let pages_of_produtos = cursors(client, &url, "produtos", 10).await?;
    Ok(vec![by_id, pages_of_clientes, pages_of_produtos.clone(), pages_of_produtos])
}

/// Clients and available products, drawn likewise.
pub async fn purchases(client: &Client, quarteto: &str, clientes: u64) -> anyhow::Result<Vec<Value>> {
    let url = format!("http://{quarteto}/graphql");
    let query = "{ produtos(first: 100, filtro: { disponivel: true }) { nodes { id } } }";
    let answer: Value = serde_json::from_str(&client.ask(&url, query, &json!({})).await?)?;
    let nodes = answer["data"]["produtos"]["nodes"].as_array();
    let produtos = nodes.filter(|nodes| !nodes.is_empty()).context("no product is available")?;
    let mut random = Random(0xC0FFEE);
    let purchase = |number: usize| {
        let cliente = format!("cliente_{}", 1 + random.below(clientes));
        json!({ "cliente": cliente, "produto": produtos[number % produtos.len()]["id"] })
    };
    Ok((0..5_000).map(purchase).collect())
}

/// The beginning of a list and every `every`-th cursor in it, each with the
/// number of its row.
async fn cursors(client: &Client, url: &str, list: &str, every: usize) -> anyhow::Result<Vec<Value>> {
    let query = format!(
        "query($after: String) {{ {list}(first: 100, after: $after) {{ \
         edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let mut found = vec![json!({ "after": null, "depois": 0 })];
    let mut after = Value::Null;
    loop {
        let answer = client.ask(url, &query, &json!({ "after": after })).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let page = &answer["data"][list];
        let edges = page["edges"].as_array().with_context(|| format!("no page of {list}: {answer}"))?;
        for edge in edges.iter().skip(every - 1).step_by(every) {
            let id = edge["node"]["id"]
                .as_str()
                .and_then(|id| id.split_once('_'))
                .map_or("", |(_, number)| number);
            let depois: u64 = id.parse().with_context(|| format!("an id of {list}: {edge}"))?;
            found.push(json!({ "after": edge["cursor"], "depois": depois }));
        }
        if page["pageInfo"]["hasNextPage"] != true {
            // After the last row there is no page to speak of.
            found.pop();
            return Ok(found);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// Who gives the answers that Quarteto gives.
pub trait Answers {
    fn name(&self) -> &str;
    /// Where it answers `query`.
    fn url(&self, query: &Query) -> String;
}

impl Answers for Quarteto {
    fn name(&self) -> &str {
        "Quarteto"
    }

    fn url(&self, _: &Query) -> String {
        self.graphql()
    }
}

impl Answers for Rival {
    fn name(&self) -> &str {
        self.bar.name()
    }

    fn url(&self, query: &Query) -> String {
        format!("http://{}{}", self.address, self.bar.path(query))
    }
}

/// Asks all the same and fails when the answers differ. Returns how many answers of
/// Quarteto were compared.
pub async fn compare(
    client: &Client,
    quarteto: &str,
    others: &[impl Answers],
    variables: &[Vec<Value>],
) -> anyhow::Result<usize> {
    let mut compared = 0;
    for (query, all) in QUERIES.iter().zip(variables) {
        let heavy = json!({ "id": "cliente_1", "after": null, "depois": 0 });
        let step = (all.len() / 40).max(1);
        for variables in [&heavy].into_iter().chain(all.iter().step_by(step)).chain(all.last()) {
            let ours = client.ask(&format!("http://{quarteto}/graphql"), query.text, variables).await?;
            for other in others {
                let theirs = client.ask(&other.url(query), query.text, variables).await?;
                ensure!(
                    ours == theirs,
                    "{} with {variables} is answered differently\nQuarteto: {ours}\n{}:    {theirs}",
                    query.name,
                    other.name()
                );
            }
            compared += 1;
        }
    }
    Ok(compared)
}

/// The same numbers on every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
