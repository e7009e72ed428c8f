//! Random histories: several writers, stores that go and come back, COMMITs that
//! are lost; and what must hold at the end whatever has happened.
//!
//! A failure prints its seed; `QUARTETO_TEST_SEED=…` runs that history alone. The
//! writers' choices are the same then, their interleaving is not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use quarteto::db::{BreakerLimits, DbLimits, Store};
use quarteto::kernel::scalars::Cpf;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::Mutex;

use crate::check::check;
use crate::support::{Loss, Proxy, Shape, TestApp, Value, in_both_shapes, json, shop};

in_both_shapes!(whatever_happens_nothing_is_lost_doubled_or_orphaned);

const WRITERS: usize = 4;
const STEPS: usize = 25;

/// What a writer was told.
#[derive(Debug)]
enum Told {
    /// A client with this e-mail address is there.
    Cliente { id: String, email: String },
    /// An address with this number, of this client.
    Endereco { cliente: String, numero: String },
    /// A purchase of this client.
    Compra { id: String, cliente: String },
    /// A client is gone.
    Removed { cliente: String },
}

/// Clients that some writer has made, and the ones that some writer wants gone.
#[derive(Default)]
struct Shared {
    clientes: Vec<String>,
    doomed: Vec<String>,
}

struct Writer<'a> {
    app: &'a TestApp,
    number: usize,
    seed: u64,
    random: ChaCha8Rng,
    shared: &'a Mutex<Shared>,
    told: Vec<Told>,
    /// Steps that all writers have taken.
    clock: &'a AtomicUsize,
}

impl Writer<'_> {
    async fn run(mut self) -> Vec<Told> {
        for step in 0..STEPS {
            self.clock.fetch_add(1, Ordering::SeqCst);
            match self.random.random_range(0..10) {
                0..3 => self.create(step).await,
                3..6 => self.add_address(step).await,
                6..8 => self.buy(step).await,
                _ => self.remove().await,
            }
        }
        self.told
    }

    /// Says it again until somebody knows: an answer without GraphQL errors.
    async fn insist(&self, mutation: &str, input: Value) -> Value {
        loop {
            let answer = self.app.write_with(mutation, json!({ "input": input })).await;
            if answer.json.get("errors").is_none() {
                let data = answer.json["data"].as_object().expect("data");
                return data.values().next().expect("a payload").clone();
            }
            for code in answer.codes() {
                let passing = [
                    "STORE_UNAVAILABLE",
                    "STORE_TIMEOUT",
                    "STORE_BUSY",
                    "OUTCOME_UNKNOWN",
                    "CONFLICT",
                    "DEADLINE_EXCEEDED",
                ];
                assert!(passing.contains(&code.as_str()), "{}", answer.json);
            }
            tokio::task::yield_now().await;
        }
    }

    fn key(&self, step: usize) -> String {
        format!("{}-{}-{step}", self.seed, self.number)
    }

    async fn some_cliente(&mut self) -> Option<String> {
        let shared = self.shared.lock().await;
        // One of the newest, so that writers get in each other's way.
        let newest = &shared.clientes[shared.clientes.len().saturating_sub(3)..];
        (!newest.is_empty()).then(|| newest[self.random.random_range(0..newest.len())].clone())
    }

    async fn create(&mut self, step: usize) {
        let email = format!("w{}s{step}@example.com", self.number);
        let cpf = Cpf::from_base(u32::try_from(500_000 + self.number * 1000 + step).expect("small"));
        let input =
            json!({ "nome": "N", "email": email, "cpf": cpf.digits(), "chaveIdempotencia": self.key(step) });
        let mutation = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } erros { codigo } } }";
        // Without the object: its store may be down again by then.
        let mutation = mutation.replace("cliente { id }", "erros { campo }");
        assert_eq!(self.insist(&mutation, input).await["erros"], json!([]));
        let found = loop {
            let query = format!("{{ clientePorEmail(email: \"{email}\") {{ id }} }}");
            let answer = self.app.ask(&query).await;
            if answer.json.get("errors").is_none() {
                break answer.json["data"]["clientePorEmail"]["id"].as_str().map(str::to_owned);
            }
        };
        let id = found.expect("what was acknowledged is there");
        self.shared.lock().await.clientes.push(id.clone());
        self.told.push(Told::Cliente { id, email });
    }

    async fn add_address(&mut self, step: usize) {
        let Some(cliente) = self.some_cliente().await else { return };
        let numero = format!("{}.{step}", self.number);
        let input = json!({ "cliente": cliente, "logradouro": "R", "numero": numero, "cidade": "C", "uf": "SP",
            "cep": "11010000", "chaveIdempotencia": self.key(step) });
        let mutation = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { erros { codigo } } }";
        if self.insist(mutation, input).await["erros"] == json!([]) {
            self.told.push(Told::Endereco { cliente, numero });
        }
    }

    async fn buy(&mut self, step: usize) {
        let Some(cliente) = self.some_cliente().await else { return };
        let input = json!({ "cliente": cliente, "produto": "produto_1", "quantidade": 1, "chaveIdempotencia": self.key(step) });
        let mutation = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { erros { codigo } compra { id } } }";
        let payload = self.insist(mutation, input).await;
        if let Some(id) = payload["compra"]["id"].as_str() {
            self.told.push(Told::Compra { id: id.to_owned(), cliente });
        } else if payload["erros"] == json!([]) {
            let doomed = &self.shared.lock().await.doomed;
            assert!(doomed.contains(&cliente), "what was bought goes with its client alone: {payload}");
        }
    }

    async fn remove(&mut self) {
        let Some(cliente) = self.some_cliente().await else { return };
        self.shared.lock().await.doomed.push(cliente.clone());
        let mutation = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido erros { codigo } } }";
        let payload = self.insist(mutation, json!({ "id": cliente, "compras": "REMOVER" })).await;
        // Refused means that it is gone already: by another, or by ourselves when
        // the first answer was lost.
        assert!(
            payload["idRemovido"] == json!(cliente) || payload["erros"][0]["codigo"] == "NAO_ENCONTRADO",
            "{payload}"
        );
        self.told.push(Told::Removed { cliente });
    }
}

/// Breaks and mends stores as the writers step on; leaves them whole.
async fn faults(proxies: &mut [&mut Proxy], clock: &AtomicUsize, mut random: ChaCha8Rng) {
    let mut last = 0;
    while clock.load(Ordering::SeqCst) < WRITERS * STEPS {
        let now = clock.load(Ordering::SeqCst);
        if now == last {
            tokio::task::yield_now().await;
            continue;
        }
        last = now;
        let which = random.random_range(0..proxies.len());
        match random.random_range(0..7) {
            0 => {
                proxies[which].cut().await;
                proxies[which].restore().await;
            }
            1 => proxies[which].lose_next_commit(Loss::AfterCommit),
            2 => proxies[which].lose_next_commit(Loss::BeforeCommit),
            3 => {
                // Down for some turns, while everybody goes on trying.
                proxies[which].cut().await;
                for _ in 0..2_000 {
                    tokio::task::yield_now().await;
                }
                proxies[which].restore().await;
            }
            4 | 5 => {
                // A write that has looked for its client waits in `enderecos` or
                // `inventario`, while everybody else goes on for some steps.
                let which = [1, 3][which % 2];
                proxies[which].hold_one();
                let until = now + 3 * WRITERS;
                for _ in 0..100_000 {
                    if clock.load(Ordering::SeqCst) >= until {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                proxies[which].restore().await;
            }
            _ => {}
        }
    }
}

/// What the worker does, as fast as it can.
async fn finish_removals(app: &TestApp, clock: &AtomicUsize) {
    while clock.load(Ordering::SeqCst) < WRITERS * STEPS {
        // While a store is down there is nothing to be done there.
        let _ = app.removals.hasten().await;
        app.removals.round().await;
        tokio::task::yield_now().await;
    }
}

async fn history(seed: u64, shape: Shape) {
    let stores = DbLimits {
        breaker: BreakerLimits { rest: Duration::from_millis(5), ..BreakerLimits::default() },
        ..DbLimits::default()
    };
    let databases = shop::open().await;
    let mut app = TestApp::shaped_over_proxies(&databases, stores, shape).await.once();
    let mut proxies = app.proxies.take().expect("behind proxies");
    let (shared, clock) = (Mutex::default(), AtomicUsize::new(0));
    let writers = join_all((0..WRITERS).map(|number| {
        let random = ChaCha8Rng::seed_from_u64(seed * 100 + u64::try_from(number).expect("small"));
        Writer { app: &app, number, seed, random, shared: &shared, told: Vec::new(), clock: &clock }.run()
    }));
    let mut all: Vec<&mut Proxy> = proxies.iter_mut().map(|(_, proxy)| proxy).collect();
    let (told, (), ()) = futures_util::join!(
        async {
            let told = writers.await;
            clock.store(WRITERS * STEPS, Ordering::SeqCst);
            told
        },
        finish_removals(&app, &clock),
        faults(&mut all, &clock, ChaCha8Rng::seed_from_u64(seed)),
    );
    let told: Vec<Told> = told.into_iter().flatten().collect();

    // Whole again: everything that is pending is finished, and nothing is left.
    let calm = TestApp::over(&databases).await;
    for store in [Store::Clientes, Store::Inventario] {
        // As if the leases of what has broken had ended.
        shop::sql(&databases, store, "UPDATE `outbox` SET `lease_until` = NULL").await;
    }
    calm.removals.retake().await.expect("retaken");
    while !calm.removals.open().await.expect("read").is_empty() {
        calm.removals.hasten().await.expect("hastened");
        calm.removals.round().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(check(&calm, false).await, [], "seed {seed}");
    let removed: Vec<&String> = told
        .iter()
        .filter_map(|told| match told {
            Told::Removed { cliente } => Some(cliente),
            _ => None,
        })
        .collect();
    let mut purchases: HashMap<&String, u64> = HashMap::new();
    for fact in &told {
        match fact {
            Told::Cliente { id, email } => {
                let data = calm.data(&format!("{{ clientePorEmail(email: \"{email}\") {{ id }} }}")).await;
                let expected = if removed.contains(&id) { Value::Null } else { json!({ "id": id }) };
                assert_eq!(data["clientePorEmail"], expected, "seed {seed}: {fact:?}");
            }
            Told::Endereco { cliente, numero } if !removed.contains(&cliente) => {
                let query = format!("{{ cliente(id: \"{cliente}\") {{ enderecos {{ numero }} }} }}");
                let data = calm.data(&query).await;
                let there = data["cliente"]["enderecos"].as_array().expect("a list");
                let count = there.iter().filter(|endereco| endereco["numero"] == *numero).count();
                assert_eq!(count, 1, "seed {seed}: {fact:?}");
            }
            Told::Compra { id, cliente } if !removed.contains(&cliente) => {
                let data = calm.data(&format!("{{ compra(id: \"{id}\") {{ cliente {{ id }} }} }}")).await;
                assert_eq!(data["compra"]["cliente"]["id"], *cliente, "seed {seed}: {fact:?}");
                *purchases.entry(cliente).or_default() += 1;
            }
            _ => {}
        }
    }
    for (cliente, count) in purchases {
        let data =
            calm.data(&format!("{{ compras(filtro: {{ cliente: \"{cliente}\" }}) {{ total }} }}")).await;
        assert_eq!(data["compras"]["total"], count, "seed {seed}: none twice for {cliente}");
    }
}

async fn whatever_happens_nothing_is_lost_doubled_or_orphaned(shape: Shape) {
    let given = std::env::var("QUARTETO_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
    for seed in given.map_or_else(|| (1..=6).collect::<Vec<u64>>(), |seed| vec![seed]) {
        println!("history with seed {seed}");
        history(seed, shape).await;
    }
}
