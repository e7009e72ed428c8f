//! Replicas: what is read there, when it is not, and that nobody notices.
//!
//! The replica is a real one. What was planted in it alone tells who has answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quarteto::db::{Db, DbLimits, PerStore, ReplicaLimits, ReplicaState, Statement, Store, Tally, options};
use quarteto::stores;
use reqwest::Method;

use crate::support::app::{PASSWORD, Served, send};
use crate::support::pair::{Pair, Which};
use crate::support::server::Server;
use crate::support::{Proxy, TestApp, Value, json};

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// Replicas may be as old as they like: who is fit stays so.
const TOLERANT: ReplicaLimits =
    ReplicaLimits { lag: Duration::from_secs(3600), pin: Duration::from_secs(3600) };

const NOME: &str = r#"{ cliente(id: "cliente_2") { nome } }"#;

/// In the shop.
const OF_THE_PRIMARY: &str = "Caio Silva";

const OF_THE_REPLICA: &str = "Da Réplica";

const ATUALIZAR: &str = "mutation($input: AtualizarClienteInput!) { atualizarCliente(input: $input) {
    cliente { nome enderecos { cidade } } erros { codigo } } }";

/// An application over the pair, whose replica is fit and has names of its own.
struct Rig {
    app: TestApp,
    names: PerStore<String>,
}

impl Rig {
    async fn start(pair: &Pair, limits: ReplicaLimits) -> Self {
        let names = pair.shop().await;
        let replicas = pair.urls(Which::Replica, &names);
        let served = Served {
            replicas: PerStore::from_fn(|store| vec![replicas[store].clone()]),
            replica_limits: limits,
            ..Served::default()
        };
        let app = TestApp::at_with(&pair.urls(Which::Primary, &names), served).await.once();
        let rig = Self { app, names };
        rig.until_all("fit").await;
        rig.plant(pair, Which::Replica, OF_THE_REPLICA).await;
        rig
    }

    /// Gives the client a name on one server alone.
    async fn plant(&self, pair: &Pair, which: Which, nome: &str) {
        let database = &self.names[Store::Clientes];
        pair.script(which, &format!("UPDATE `{database}`.cadastro SET nome = '{nome}' WHERE id = 2")).await;
    }

    async fn ready(&self) -> Value {
        let answer = send(self.app.anonymous(Method::GET, "/readyz")).await;
        json!({ "code": answer.status, "status": answer.json["status"], "stores": answer.json["stores"] })
    }

    /// Looks again and again until `holds` holds.
    async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        let mut ready = self.ready().await;
        while !holds(&ready) {
            assert!(begun.elapsed() < PATIENCE, "never {what}: {ready}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            ready = self.ready().await;
        }
    }

    async fn until_all(&self, state: &str) {
        self.until(state, |ready| {
            Store::ALL.iter().all(|store| ready["stores"][store.name()]["replicas"] == json!([state]))
        })
        .await;
    }

    async fn nome(&self) -> String {
        let data = self.app.data(NOME).await;
        data["cliente"]["nome"].as_str().expect("a name").to_owned()
    }

    /// As the login that writes.
    async fn nome_for_editor(&self) -> String {
        let answer = send(self.app.write_request(NOME, &json!({}))).await;
        assert_eq!(answer.json.get("errors"), None, "{}", answer.json);
        answer.json["data"]["cliente"]["nome"].as_str().expect("a name").to_owned()
    }

    /// Statements that were answered: by the primaries, and by the replicas.
    async fn answered(&self) -> (f64, f64) {
        let page = send(self.app.request(Method::GET, "/metrics")).await.text;
        let sum = |name: &str| {
            let of_it = page.lines().filter(|line| line.starts_with(name) && line.contains("\"answered\""));
            of_it
                .map(|line| line.rsplit_once(' ').expect("a value").1.parse::<f64>().expect("a number"))
                .sum()
        };
        (sum("quarteto_statements_total{"), sum("quarteto_replica_statements_total{"))
    }
}

const WALK: &str = r#"{ clientes(first: 20) { nodes { nome enderecos { cidade }
    compras(first: 2) { nodes { quantidade produto { nome } } } } } }"#;

#[tokio::test]
async fn what_reads_goes_to_the_replica_in_as_many_statements_as_before() {
    let pair = Pair::alone().await;
    let rig = Rig::start(&pair, TOLERANT).await;
    let alone = TestApp::at(&pair.urls(Which::Primary, &rig.names)).await.once();
    let (before, there) = rig.answered().await;
    let walked = rig.app.ask(WALK).await;
    assert_eq!(walked.statements(), alone.ask(WALK).await.statements());
    let asked: u64 = walked.statements().iter().map(|(_, count)| count).sum();
    let (after, now_there) = rig.answered().await;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let asked = asked as f64;
    assert_eq!((after - before, now_there - there), (0.0, asked), "the primaries were asked nothing");
    assert_eq!(rig.nome().await, OF_THE_REPLICA);
    // Who answered is told.
    let explained = rig.app.anonymous(Method::POST, "/graphql").basic_auth("admin", Some(PASSWORD));
    let explained = explained.header("X-Quarteto-Explain", "1").json(&json!({ "query": NOME }));
    let explained = send(explained).await;
    let replica = explained.json["extensions"]["quarteto"]["instrucoes"][0]["replica"].clone();
    let database = &rig.names[Store::Clientes];
    assert!(
        replica.as_str().is_some_and(|name| name.ends_with(&format!("/{database}"))),
        "{}",
        explained.json
    );
}

/// With a replica that follows no more, so that nothing but the rule lets a login see what it wrote.
#[tokio::test]
async fn who_has_written_sees_it_and_who_has_not_may_see_it_later() {
    let pair = Pair::alone().await;
    let rig = Rig::start(&pair, TOLERANT).await;
    pair.script(Which::Replica, "STOP SLAVE").await;
    assert_eq!(rig.nome_for_editor().await, OF_THE_REPLICA, "it has written nothing yet");
    let (_, before) = rig.answered().await;
    let input = json!({ "id": "cliente_2", "nome": "Novo Nome" });
    let payload = rig.app.write(ATUALIZAR, input).await;
    assert_eq!(payload["erros"], json!([]));
    assert_eq!(
        payload["cliente"]["nome"], "Novo Nome",
        "what a write answers comes from where it was written"
    );
    assert_eq!(rig.answered().await.1, before, "no replica took part in the write");
    assert_eq!(rig.nome_for_editor().await, "Novo Nome");
    assert_eq!(rig.nome().await, OF_THE_REPLICA, "another login");
    // What is refused has been looked up where it was to be written, too.
    let comprar = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { precoUnitario } erros { codigo } } }";
    let database = &rig.names[Store::Catalogo];
    pair.script(Which::Replica, &format!("UPDATE `{database}`.catalogo SET preco = 99 WHERE id = 3")).await;
    let bought = json!({ "cliente": "cliente_2", "produto": "produto_3", "quantidade": 1, "chaveIdempotencia": "uma" });
    for _ in 0..2 {
        let bought = rig.app.write(comprar, bought.clone()).await;
        assert_eq!(bought["compra"]["precoUnitario"], "13.90", "the price of the primary: {bought}");
    }
    assert_eq!(rig.answered().await.1 - before, 1.0, "the replica was asked for one name alone");
}

/// For a short time, which is over when every replica that is fit has what was written.
#[tokio::test]
async fn who_has_written_comes_back_to_the_replica() {
    let pair = Pair::alone().await;
    let lag = Duration::from_millis(2000);
    let rig = Rig::start(&pair, ReplicaLimits { lag, pin: lag }).await;
    rig.app.write(ATUALIZAR, json!({ "id": "cliente_1", "nome": "Outro Nome" })).await;
    let begun = Instant::now();
    while rig.nome_for_editor().await != OF_THE_REPLICA {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() + Duration::from_millis(500) > lag, "it was pinned for its time");
    let other = send(rig.app.write_request(r#"{ cliente(id: "cliente_1") { nome } }"#, &json!({}))).await;
    assert_eq!(other.json["data"]["cliente"]["nome"], "Outro Nome");
}

#[tokio::test]
async fn a_replica_that_does_not_follow_is_not_read_whatever_it_says_of_itself() {
    let pair = Pair::alone().await;
    let limits = ReplicaLimits { lag: Duration::from_millis(1500), ..ReplicaLimits::default() };
    let rig = Rig::start(&pair, limits).await;
    assert_eq!(rig.nome().await, OF_THE_REPLICA);
    for (broken, mended) in [
        ("STOP SLAVE", "START SLAVE"),
        // What has come is applied, and nothing comes.
        ("STOP SLAVE IO_THREAD", "START SLAVE IO_THREAD"),
        (
            "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 600; START SLAVE",
            "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE",
        ),
    ] {
        pair.script(Which::Replica, broken).await;
        rig.until_all("late").await;
        let own_word = pair.seconds_behind_master().await;
        assert_eq!(own_word.is_none(), !broken.contains("MASTER_DELAY"), "{broken}: {own_word:?}");
        assert_eq!(rig.nome().await, OF_THE_PRIMARY, "{broken}");
        assert_eq!(rig.ready().await["status"], "up", "{broken}");
        pair.script(Which::Replica, mended).await;
        rig.until_all("fit").await;
        assert_eq!(rig.nome().await, OF_THE_REPLICA, "{mended}");
    }
    // A primary that takes everything but beats is not away: what it commits counts.
    let database = &rig.names[Store::Clientes];
    pair.script(Which::Primary, &format!("RENAME TABLE `{database}`.heartbeat TO `{database}`.gone")).await;
    rig.until("late", |ready| ready["stores"]["clientes"]["replicas"] == json!(["late"])).await;
    assert_eq!(rig.nome().await, OF_THE_PRIMARY);
    pair.script(Which::Primary, &format!("RENAME TABLE `{database}`.gone TO `{database}`.heartbeat")).await;
    rig.until_all("fit").await;
}

/// Readers that ask all the time, until they are told to end.
struct Load {
    ended: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    readers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn on(app: &TestApp) -> Self {
        let (ended, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let readers = (0..6).map(|_| {
            let (ended, answers) = (Arc::clone(&ended), Arc::clone(&answers));
            let request = app.request(Method::POST, "/graphql").json(&json!({ "query": WALK }));
            tokio::spawn(async move {
                while !ended.load(Ordering::SeqCst) {
                    let answer = send(request.try_clone().expect("a body in memory")).await;
                    assert_eq!((answer.status, answer.json.get("errors")), (200, None), "{}", answer.json);
                    let nodes = answer.json["data"]["clientes"]["nodes"].as_array().expect("a page");
                    assert_eq!(nodes.len(), 20);
                    answers.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Self { readers: readers.collect(), ended, answers }
    }

    /// Waits until so many more are answered.
    async fn goes_on(&self, more: u64) {
        let (begun, wanted) = (Instant::now(), self.answers.load(Ordering::SeqCst) + more);
        while self.answers.load(Ordering::SeqCst) < wanted {
            assert!(
                begun.elapsed() < PATIENCE && !self.readers.iter().any(tokio::task::JoinHandle::is_finished)
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        for reader in self.readers {
            reader.await.expect("every answer was whole");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_under_load_costs_nobody_an_answer_and_comes_back() {
    let mut pair = Pair::alone().await;
    let rig =
        Rig::start(&pair, ReplicaLimits { lag: Duration::from_secs(3), ..ReplicaLimits::default() }).await;
    let load = Load::on(&rig.app);
    load.goes_on(20).await;
    pair.kill(Which::Replica);
    rig.until_all("down").await;
    load.goes_on(50).await;
    assert_eq!(rig.nome().await, OF_THE_PRIMARY);
    pair.start_again(Which::Replica).await;
    rig.until_all("fit").await;
    let (_, before) = rig.answered().await;
    load.goes_on(20).await;
    assert!(rig.answered().await.1 > before, "it is asked again");
    // One that is there and says nothing.
    pair.freeze(Which::Replica);
    load.goes_on(20).await;
    rig.until_all("down").await;
    load.goes_on(20).await;
    pair.thaw(Which::Replica);
    rig.until_all("fit").await;
    load.goes_on(20).await;
    load.end().await;
    assert_eq!(rig.nome().await, OF_THE_REPLICA);
}

#[tokio::test]
async fn without_the_primary_what_reads_is_answered_and_what_writes_is_told() {
    let mut pair = Pair::alone().await;
    let lag = Duration::from_millis(1500);
    let rig = Rig::start(&pair, ReplicaLimits { lag, ..ReplicaLimits::default() }).await;
    pair.kill(Which::Primary);
    let is_away = |ready: &Value| {
        Store::ALL.iter().all(|store| {
            let store = &ready["stores"][store.name()];
            store["status"] == "down" && store["replicas"] == json!(["fit"])
        })
    };
    rig.until("away", is_away).await;
    // For longer than data may be old while there is newer.
    let begun = Instant::now();
    while begun.elapsed() < lag * 2 {
        assert_eq!(rig.nome().await, OF_THE_REPLICA);
    }
    let ready = rig.ready().await;
    assert_eq!((&ready["code"], &ready["status"]), (&json!(200), &json!("degraded")), "{ready}");
    let written =
        rig.app.write_with(ATUALIZAR, json!({ "input": { "id": "cliente_1", "nome": "Ninguém" } })).await;
    assert_eq!(written.codes(), ["STORE_UNAVAILABLE"]);
    // A login that wants to write must see what there is.
    let read = send(rig.app.write_request(NOME, &json!({}))).await;
    assert_eq!(read.codes(), ["STORE_UNAVAILABLE"]);
    pair.start_again(Which::Primary).await;
    rig.until("back", |ready| ready["status"] == "up").await;
    rig.until_all("fit").await;
    let written = rig.app.write(ATUALIZAR, json!({ "id": "cliente_1", "nome": "Alguém" })).await;
    assert_eq!(written["cliente"]["nome"], "Alguém");
}

/// Two replicas, one of them behind a proxy, and requests of either kind.
#[tokio::test]
async fn each_replica_has_its_turn_and_one_that_must_see_writes_takes_its_batch_along() {
    let pair = Pair::alone().await;
    let names = pair.shop().await;
    let database = &names[Store::Clientes];
    let mut proxy = Proxy::start(pair.replica_target()).await;
    let through = format!("mysql://root@127.0.0.1:{}/{database}?ssl-mode=DISABLED", proxy.port());
    let read = |url: &str| options(Store::Clientes, url).expect("a URL of ours");
    let replicas = vec![read(&pair.urls(Which::Replica, &names)[Store::Clientes]), read(&through)];
    let primary = read(&pair.urls(Which::Primary, &names)[Store::Clientes]);
    let limits = ReplicaLimits { lag: Duration::from_secs(5), ..TOLERANT };
    let db = Db::replicated(Store::Clientes, primary, DbLimits::default(), replicas, limits);
    let watching = tokio::spawn({
        let db = db.clone();
        async move { db.watch_replicas().await }
    });
    let states = || db.replicas().map(|replica| replica.state()).collect::<Vec<_>>();
    let until = async |wanted: &[ReplicaState]| {
        let begun = Instant::now();
        while states() != wanted {
            assert!(begun.elapsed() < PATIENCE, "{:?}", states());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let answered = || -> Vec<u64> {
        let of = |usage: &quarteto::db::Usage| usage.outcomes().next().expect("answered").1;
        std::iter::once(of(db.usage())).chain(db.replicas().map(|replica| of(replica.usage()))).collect()
    };
    let ask = async |audience: &[Arc<Tally>]| {
        let statement = Statement::new("test.um", "SELECT CAST(1 AS SIGNED)");
        assert_eq!(db.read::<(i64,)>(statement, audience).await.expect("answered"), [(1,)]);
    };
    let free = || vec![Arc::<Tally>::default()];
    ask(&free()).await;
    assert_eq!(answered(), [1, 0, 0], "before anybody has shown anything");
    until(&[ReplicaState::Fit, ReplicaState::Fit]).await;
    for _ in 0..10 {
        ask(&free()).await;
    }
    assert_eq!(answered(), [1, 5, 5], "in turn");
    let bound = Arc::<Tally>::default();
    bound.see_writes();
    ask(&[free(), vec![bound]].concat()).await;
    ask(&[]).await;
    let statement = Statement::new("test.um", "SELECT CAST(1 AS SIGNED)");
    db.read_primary::<(i64,)>(statement, &free()).await.expect("answered");
    assert_eq!(answered(), [4, 5, 5], "what must see all that was written");
    proxy.cut().await;
    until(&[ReplicaState::Fit, ReplicaState::Down]).await;
    for _ in 0..10 {
        ask(&free()).await;
    }
    assert_eq!(answered(), [4, 15, 5], "the other has its turns");
    proxy.restore().await;
    until(&[ReplicaState::Fit, ReplicaState::Fit]).await;
    // Between the cut and the next look somebody finds out, and is answered all the same.
    let tally = free();
    watching.abort();
    proxy.cut().await;
    for _ in 0..4 {
        ask(&tally).await;
    }
    let statements: u32 = tally[0].stores().map(|store| store.statements).sum();
    assert_eq!(statements, 4, "however many servers were asked");
    assert_eq!(answered()[0], 6, "the primary answered for it");
}

/// Nobody believes a server that was never seen to follow, though it has every table.
#[tokio::test]
async fn another_shop_is_no_replica() {
    let server = Server::shared().await;
    let (ours, theirs) = (server.databases().await, server.databases().await);
    let store = Store::Catalogo;
    let limits = ReplicaLimits { lag: Duration::from_millis(400), ..ReplicaLimits::default() };
    let (primary, other) = (server.options(store, &ours[store]), server.options(store, &theirs[store]));
    stores::migrate(store, &other).await.expect("migrated");
    let db = Db::replicated(store, primary, DbLimits::default(), vec![other], limits);
    let watched = db.clone();
    tokio::spawn(async move { watched.watch_replicas().await });
    let begun = Instant::now();
    while db.replicas().all(|replica| replica.state() != ReplicaState::Late) {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while server.count(&ours[store], "heartbeat").await == 0 {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(db.replicas().all(|replica| replica.state() == ReplicaState::Late));
}
