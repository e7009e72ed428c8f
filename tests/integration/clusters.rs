//! A cluster under the stores whose writer is killed under load: what was acknowledged is there,
//! once, and what was not is said again until it is.
//!
//! `make clusters` runs it against the cluster that `QUARTETO_TEST_URL` names (one writer at a
//! time, behind a balancer) with the command `QUARTETO_TEST_KILL`, which kills the writer. The
//! longest time without an acknowledgement is printed; nothing is asserted of it.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};

use crate::check::check;
use crate::support::app::Answer;
use crate::support::{TestApp, Value, json, shop};

const WRITERS: u64 = 8;
/// Purchases before the writer is killed, and after.
const BEFORE: u64 = 200;
const AFTER: u64 = 400;

/// What a store that is failing over may say.
const PASSING: [&str; 6] =
    ["STORE_UNAVAILABLE", "STORE_TIMEOUT", "STORE_BUSY", "OUTCOME_UNKNOWN", "CONFLICT", "DEADLINE_EXCEEDED"];

struct Ledger {
    acknowledged: AtomicU64,
    errors: Mutex<std::collections::BTreeMap<String, u64>>,
    latest: Mutex<Instant>,
    longest: Mutex<Duration>,
    over: AtomicBool,
}

impl Ledger {
    fn acknowledge(&self) -> u64 {
        let mut latest = self.latest.lock().expect("whole");
        let mut longest = self.longest.lock().expect("whole");
        *longest = longest.max(latest.elapsed());
        *latest = Instant::now();
        self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn fail(&self, answer: &Answer) {
        for code in answer.codes() {
            assert!(PASSING.contains(&code.as_str()), "{}", answer.json);
            *self.errors.lock().expect("whole").entry(code).or_default() += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster"]
async fn a_writer_killed_under_load_loses_nothing_and_doubles_nothing() {
    let kill = std::env::var("QUARTETO_TEST_KILL").expect("the command that kills the writer");
    let app = TestApp::over(&shop::open().await).await.once();
    let ledger = Ledger {
        acknowledged: AtomicU64::new(0),
        errors: Mutex::default(),
        latest: Mutex::new(Instant::now()),
        longest: Mutex::default(),
        over: AtomicBool::new(false),
    };
    let mutation =
        "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { erros { codigo } } }";
    let writer = async |number: u64| {
        let mut written = 0_u64;
        while !ledger.over.load(Ordering::SeqCst) {
            let input = json!({ "cliente": format!("cliente_{}", number + 1), "produto": "produto_1",
                "quantidade": 1, "chaveIdempotencia": format!("{number}-{written}") });
            loop {
                let answer = app.write_with(mutation, json!({ "input": input })).await;
                if answer.json.get("errors").is_none() {
                    assert_eq!(answer.json["data"]["registrarCompra"]["erros"], json!([]));
                    break;
                }
                ledger.fail(&answer);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            written += 1;
            if ledger.acknowledge() >= BEFORE + AFTER {
                ledger.over.store(true, Ordering::SeqCst);
            }
        }
        written
    };
    let killer = async {
        while ledger.acknowledged.load(Ordering::SeqCst) < BEFORE {
            tokio::task::yield_now().await;
        }
        let calm = std::mem::take(&mut *ledger.longest.lock().expect("whole"));
        let done = tokio::task::spawn_blocking(move || Command::new("bash").args(["-c", &kill]).status());
        assert!(done.await.expect("it ran").expect("bash").success());
        calm
    };
    let (written, calm) = join(join_all((0..WRITERS).map(&writer)), killer).await;
    let (mut lost, mut doubled) = (0, 0);
    for (number, written) in written.iter().enumerate() {
        let query = format!("{{ compras(filtro: {{ cliente: \"{}\" }}) {{ total }} }}", number + 1);
        let data: Value = app.data(&query).await;
        let there = data["compras"]["total"].as_u64().expect("a number") - shop::COMPRAS_DE_CADA;
        lost += written.saturating_sub(there);
        doubled += there.saturating_sub(*written);
    }
    let longest = *ledger.longest.lock().expect("whole");
    let errors = ledger.errors.lock().expect("whole").clone();
    println!(
        "{} acknowledged, {lost} lost, {doubled} doubled; longest wait {longest:?} ({calm:?} before); {errors:?}",
        ledger.acknowledged.load(Ordering::SeqCst)
    );
    assert_eq!((lost, doubled), (0, 0));
    assert_eq!(check(&app, false).await, []);
}
