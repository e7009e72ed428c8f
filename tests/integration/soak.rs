//! Hours of a shop in which something breaks all the time: the program itself, over four
//! stores that are cut off, fall silent, and lose commits, killed and frozen and ended; and
//! what must hold all the while and at the end.
//!
//! `make soak` runs it, for `QUARTETO_SOAK_SECONDS` (600), with a fault every
//! `QUARTETO_SOAK_PERIOD` seconds (20), by a seed that it prints and that
//! `QUARTETO_TEST_SEED` gives again: the choices are the same then, their times are not.
//!
//! The ledger is kept here, outside of the program: what a writer was told, and nothing
//! else. Each writer has clients of its own, so it knows what it must see.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use quarteto::db::{PerStore, Store};
use quarteto::kernel::scalars::Cpf;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::Mutex;

use crate::ends::Running;
use crate::program::{quarteto, run};
use crate::support::server::Server;
use crate::support::{Loss, Proxy, Value, json, shop};

const WRITERS: u64 = 6;

/// What came of the requests.
#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    /// A store's fields were null, with a code that says why.
    partial: AtomicU64,
    /// No answer: the program was away.
    unanswered: AtomicU64,
    written: AtomicU64,
}

/// The shop, the program, and what is between them.
struct Rig {
    folder: tempfile::TempDir,
    databases: PerStore<String>,
    proxies: Mutex<PerStore<Proxy>>,
    program: Mutex<Option<Running>>,
    base: String,
    http: reqwest::Client,
    counts: Counts,
    over: AtomicBool,
    seed: u64,
}

/// Codes that say "not now".
const PASSING: [&str; 8] = [
    "STORE_UNAVAILABLE",
    "STORE_TIMEOUT",
    "STORE_BUSY",
    "OUTCOME_UNKNOWN",
    "CONFLICT",
    "DEADLINE_EXCEEDED",
    "STARTING",
    "RATE_LIMITED",
];

impl Rig {
    async fn new(seed: u64) -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let databases = shop::open().await;
        let server = Server::shared().await;
        let mut proxies = Vec::new();
        for _ in Store::ALL {
            proxies.push(Proxy::start(server.target()).await);
        }
        let mut proxies = proxies.into_iter();
        let proxies = PerStore::from_fn(|_| proxies.next().expect("four"));
        let program = start(folder.path(), &databases, &proxies, None).await;
        let base = program.base.clone();
        program.until_ready("up").await;
        Arc::new(Self {
            folder,
            databases,
            proxies: Mutex::new(proxies),
            program: Mutex::new(Some(program)),
            base,
            http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client"),
            counts: Counts::default(),
            over: AtomicBool::new(false),
            seed,
        })
    }

    /// The data of an answer, or nothing when it is one that says "not now".
    async fn ask(&self, query: &str, variables: &Value, key: Option<&str>) -> Option<Value> {
        let mut request = self
            .http
            .post(format!("{}/graphql", self.base))
            .basic_auth("ana", Some("senha-secreta"))
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let Ok(answer) = request.send().await else {
            self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
            return None;
        };
        let Ok(answer) = answer.json::<Value>().await else {
            self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let Some(errors) = answer["errors"].as_array() else {
            self.counts.answered.fetch_add(1, Ordering::Relaxed);
            return Some(answer["data"].clone());
        };
        for error in errors {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            assert!(PASSING.contains(&code), "seed {}: {answer}", self.seed);
        }
        self.counts.partial.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
        None
    }

    /// Says the same again, with the same key, until it is known what came of it.
    async fn insist(&self, query: &str, variables: Value, key: &str) -> Value {
        loop {
            if let Some(data) = self.ask(query, &variables, Some(key)).await {
                self.counts.written.fetch_add(1, Ordering::Relaxed);
                let payload = data.as_object().and_then(|data| data.values().next());
                return payload.expect("a payload").clone();
            }
        }
    }
}

async fn start(
    folder: &Path,
    databases: &PerStore<String>,
    proxies: &PerStore<Proxy>,
    port: Option<u16>,
) -> Running {
    let server = Server::shared().await;
    let url = |store: Store| server.url_through(proxies[store].port(), &databases[store]);
    Running::start_at(folder, port, url, &[("QUARTETO_UNREADY_MS", "0"), ("QUARTETO_LOG", "warn")])
}

/// A client of a writer's own, and what it was told of it.
struct Cliente {
    id: String,
    compras: u64,
    units: u64,
}

const CRIAR: &str = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } erros { codigo } } }";
const COMPRAR: &str = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id } erros { codigo } } }";
const MORAR: &str = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id } erros { codigo } } }";
const REMOVER: &str = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido erros { codigo } } }";
const VER: &str = "query($id: ID!) { cliente(id: $id) { compras(first: 1) { total } resumoCompras { unidades } enderecos { id } } }";

struct Writer {
    rig: Arc<Rig>,
    number: u64,
    random: ChaCha8Rng,
    step: u64,
}

impl Writer {
    fn key(&mut self) -> String {
        self.step += 1;
        format!("soak-{}-{}-{}", self.rig.seed, self.number, self.step)
    }

    /// Client after client, until it is over; those that stay, as they must be.
    async fn run(mut self) -> (Vec<Cliente>, Vec<String>) {
        let (mut kept, mut removed) = (Vec::new(), Vec::new());
        while !self.rig.over.load(Ordering::Relaxed) {
            let mut cliente = self.create().await;
            for _ in 0..self.random.random_range(1..8) {
                self.buy(&mut cliente).await;
                self.look(&cliente).await;
            }
            if self.random.random_bool(0.5) {
                self.remove(&cliente).await;
                removed.push(cliente.id);
            } else {
                kept.push(cliente);
            }
        }
        (kept, removed)
    }

    async fn create(&mut self) -> Cliente {
        let key = self.key();
        let number = u32::try_from(self.number * 10_000_000 + self.step).expect("small");
        let input = json!({ "nome": "Soak", "email": format!("soak{number}@example.com"),
            "cpf": Cpf::from_base(100_000_000 + number).digits() });
        let made = self.rig.insist(CRIAR, json!({ "input": input }), &key).await;
        let id = made["cliente"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let home = json!({ "cliente": id, "logradouro": "R", "numero": "1", "cidade": "C", "uf": "SP", "cep": "01310100" });
        let key = self.key();
        let added = self.rig.insist(MORAR, json!({ "input": home }), &key).await;
        assert!(added["endereco"]["id"].is_string(), "{added}");
        Cliente { id, compras: 0, units: 0 }
    }

    async fn buy(&mut self, cliente: &mut Cliente) {
        let (key, units) = (self.key(), self.random.random_range(1..100_u64));
        let produto = self.random.random_range(1..=shop::PRODUTOS);
        let input = json!({ "cliente": cliente.id, "produto": produto.to_string(), "quantidade": units });
        let bought = self.rig.insist(COMPRAR, json!({ "input": input }), &key).await;
        match bought["erros"][0]["codigo"].as_str() {
            None => {
                cliente.compras += 1;
                cliente.units += units;
            }
            // Some products are not for sale.
            Some(codigo) => assert_eq!(codigo, "INDISPONIVEL", "{bought}"),
        }
    }

    /// What was acknowledged is there, once.
    async fn look(&self, cliente: &Cliente) {
        let Some(data) = self.rig.ask(VER, &json!({ "id": cliente.id }), None).await else { return };
        let expected = json!({ "total": cliente.compras });
        assert_eq!(data["cliente"]["compras"], expected, "seed {}: {}", self.rig.seed, cliente.id);
        assert_eq!(data["cliente"]["resumoCompras"]["unidades"], json!(cliente.units), "{}", cliente.id);
        assert_eq!(data["cliente"]["enderecos"].as_array().map(Vec::len), Some(1), "{}", cliente.id);
    }

    async fn remove(&mut self, cliente: &Cliente) {
        let policy = if self.random.random_bool(0.5) { "MANTER" } else { "REMOVER" };
        let key = self.key();
        let input = json!({ "id": cliente.id, "compras": policy });
        let gone = self.rig.insist(REMOVER, json!({ "input": input }), &key).await;
        assert_eq!(gone["idRemovido"], cliente.id.as_str(), "{gone}");
    }
}

/// What breaks.
#[derive(Clone, Copy, Debug)]
enum Break {
    Cut(Store),
    Silence(Store),
    Hold(Store),
    LoseCommits(Store),
    Kill,
    End,
    Freeze,
}

impl Break {
    fn any(random: &mut ChaCha8Rng) -> Self {
        let store = Store::ALL[random.random_range(0..Store::ALL.len())];
        match random.random_range(0..9) {
            0 | 1 => Self::Cut(store),
            2 => Self::Silence(store),
            3 => Self::Hold(store),
            4 | 5 => Self::LoseCommits(store),
            6 => Self::Kill,
            7 => Self::End,
            _ => Self::Freeze,
        }
    }

    /// Breaks it, for a while, and mends it.
    async fn happen(self, rig: &Rig, seconds: u64) {
        let pause = || tokio::time::sleep(Duration::from_secs(seconds));
        match self {
            Self::Cut(store) => {
                rig.proxies.lock().await[store].cut().await;
                pause().await;
                rig.proxies.lock().await[store].restore().await;
            }
            Self::Silence(store) => {
                rig.proxies.lock().await[store].silence();
                pause().await;
                let mut proxies = rig.proxies.lock().await;
                // What was swallowed does not come back.
                proxies[store].cut().await;
                proxies[store].restore().await;
            }
            Self::Hold(store) => {
                rig.proxies.lock().await[store].hold();
                pause().await;
                rig.proxies.lock().await[store].restore().await;
            }
            Self::LoseCommits(store) => {
                for loss in [Loss::BeforeCommit, Loss::AfterCommit].into_iter().cycle().take(10) {
                    rig.proxies.lock().await[store].lose_next_commit(loss);
                    tokio::time::sleep(Duration::from_millis(seconds * 100)).await;
                }
            }
            Self::Kill | Self::End => {
                let mut program = rig.program.lock().await;
                let old = program.take().expect("it runs");
                let port = old.port();
                old.signal(if matches!(self, Self::Kill) { "-KILL" } else { "-TERM" });
                let code = old.ended();
                assert!(matches!(self, Self::Kill) || matches!(code, Some(0 | 4)), "{code:?}");
                *program = Some(
                    start(rig.folder.path(), &rig.databases, &*rig.proxies.lock().await, Some(port)).await,
                );
            }
            Self::Freeze => {
                rig.program.lock().await.as_ref().expect("it runs").signal("-STOP");
                pause().await;
                rig.program.lock().await.as_ref().expect("it runs").signal("-CONT");
            }
        }
    }
}

/// What the program takes of the machine.
#[derive(Clone, Copy, Debug)]
struct Taken {
    resident: u64,
    descriptors: usize,
    connections: usize,
}

fn taken(program: &Running) -> Option<Taken> {
    let of = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", program.id()));
    let status = of("status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let resident = line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10;
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", program.id())).ok()?.count();
    let tcp = of("net/tcp").ok()?;
    let connections = tcp.lines().filter(|line| line.contains(" 01 ")).count();
    Some(Taken { resident, descriptors, connections })
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: `make soak`"]
async fn a_shop_in_which_something_breaks_all_the_time() {
    let seconds = setting("QUARTETO_SOAK_SECONDS", 600);
    let period = setting("QUARTETO_SOAK_PERIOD", 20);
    let seed = setting("QUARTETO_TEST_SEED", rand::random_range(0..1_000_000));
    println!("soak: seed {seed}, {seconds} s, a fault every {period} s");
    let rig = Rig::new(seed).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let random = ChaCha8Rng::seed_from_u64(seed * 100 + number);
            tokio::spawn(Writer { rig: Arc::clone(&rig), number, random, step: 0 }.run())
        })
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(seconds) {
        let next = begun.elapsed() + Duration::from_secs(period);
        let fault = Break::any(&mut random);
        println!("soak: {:>5} s {fault:?}", begun.elapsed().as_secs());
        fault.happen(&rig, random.random_range(1..=period.div_ceil(2))).await;
        while begun.elapsed() < next {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer gave up");
        }
        seen.extend(rig.program.lock().await.as_ref().and_then(taken));
    }
    rig.over.store(true, Ordering::Relaxed);
    let told = join_all(writers).await;
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for writer in told {
        let (stay, gone) = writer.expect("every writer saw what it must");
        kept.extend(stay);
        removed.extend(gone);
    }
    everything_holds(&rig, &kept, &removed).await;
    report(&rig, &kept, &removed, &seen);
    let program = rig.program.lock().await.take().expect("it runs");
    program.signal("-TERM");
    assert_eq!(program.ended(), Some(0));
}

/// At the end, with every store back: each acknowledged write is there once, nothing is of
/// somebody who is gone, and nothing is left to be done.
async fn everything_holds(rig: &Rig, kept: &[Cliente], removed: &[String]) {
    rig.program.lock().await.as_ref().expect("it runs").until_ready("up").await;
    let see = async |id: &str| loop {
        if let Some(data) = rig.ask(VER, &json!({ "id": id }), None).await {
            return data["cliente"].clone();
        }
    };
    for cliente in kept {
        let expected = json!({ "compras": { "total": cliente.compras }, "resumoCompras": { "unidades": cliente.units } });
        let mut seen = see(&cliente.id).await;
        let homes = seen.as_object_mut().and_then(|seen| seen.remove("enderecos"));
        assert_eq!(
            (seen, homes.and_then(|homes| homes.as_array().map(Vec::len))),
            (expected, Some(1)),
            "{}",
            cliente.id
        );
    }
    for id in removed {
        assert_eq!(see(id).await, Value::Null, "{id}");
    }
    // Removals are done within the time of a lease and a look.
    let server = Server::shared().await;
    for last in (0..30).rev() {
        let mut command = quarteto(rig.folder.path());
        for store in Store::ALL {
            command.env(store.url_variable(), server.url(&rig.databases[store]));
        }
        let checked = run(command.arg("check"));
        if checked.status.success() {
            return;
        }
        assert!(last > 0, "seed {}: {}", rig.seed, String::from_utf8_lossy(&checked.stdout));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn report(rig: &Rig, kept: &[Cliente], removed: &[String], seen: &[Taken]) {
    let counts = &rig.counts;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "soak: {} answers, {} partial or put off, {} without an answer; {} writes acknowledged: {} clients with {} purchases \
         kept, {} removed",
        of(&counts.answered),
        of(&counts.partial),
        of(&counts.unanswered),
        of(&counts.written),
        kept.len(),
        kept.iter().map(|cliente| cliente.compras).sum::<u64>(),
        removed.len(),
    );
    let quarter = seen.len().div_ceil(4);
    let mean =
        |part: &[Taken], of: fn(&Taken) -> u64| part.iter().map(of).sum::<u64>() / part.len().max(1) as u64;
    for (name, of, most) in [
        ("resident KiB", (|taken| taken.resident >> 10) as fn(&Taken) -> u64, 64 << 10),
        ("descriptors", |taken| taken.descriptors as u64, 64),
        ("connections", |taken| taken.connections as u64, 64),
    ] {
        let (first, last) = (mean(&seen[..quarter], of), mean(&seen[seen.len() - quarter..], of));
        println!("soak: {name}: {first} in the first quarter, {last} in the last");
        assert!(last <= first + most, "{name} grow");
    }
}
