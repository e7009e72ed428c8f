//! The program killed at every step of a removal, then started again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use quarteto::auth::{Rights, UsersFile, hash};
use quarteto::db::{PerStore, Store};
use quarteto::kernel::Papel;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::check::check;
use crate::support::server::Server;
use crate::support::{TestApp, shop};

const PASSWORD: &str = "segredo-dos-testes";

struct Program {
    child: Child,
    base: String,
}

impl Program {
    /// The program over four databases; `points` are the points of failure.
    async fn start(folder: &Path, databases: &PerStore<String>, points: &str) -> Self {
        let command = command(folder, Server::shared().await, databases);
        Self::started(command, "127.0.0.1:0", points)
    }

    fn started(mut command: Command, listen: &str, points: &str) -> Self {
        command.args(["serve", "--listen", listen]).env("FAILPOINTS", points);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut base = String::new();
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            if let Some((_, address)) = line.split_once("listens on ") {
                address.clone_into(&mut base);
            }
            // The last one: nobody listens to it any more after this.
            if line.contains("Try ") {
                break;
            }
        }
        Self { child, base }
    }

    async fn remove(&self, mutation: &str, input: &Value) -> Option<Value> {
        let body = json!({ "query": mutation, "variables": { "input": input } });
        let request = reqwest::Client::new().post(format!("{}/graphql", self.base));
        let response = request.basic_auth("editor", Some(PASSWORD)).json(&body).send().await.ok()?;
        response.json().await.ok()
    }
}

fn command(folder: &Path, server: &Server, databases: &PerStore<String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarteto"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("QUARTETO_DATA_DIR", folder);
    for (store, database) in databases.iter() {
        command.env(store.url_variable(), server.url(database));
    }
    command.stdin(Stdio::null());
    command
}

/// The lease of the one who is dead runs out.
async fn time_passes(databases: &PerStore<String>) {
    for store in [Store::Clientes, Store::Inventario] {
        let options = Server::shared().await.options(store, &databases[store]);
        let mut mysql = quarteto::db::connect(&options, None).await.expect("connected").into_mysql();
        let text = "UPDATE `outbox` SET `lease_until` = CURRENT_TIMESTAMP(6) - INTERVAL 1 SECOND";
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut mysql).await.expect("time passed");
    }
}

async fn until_clean(app: &TestApp) {
    for _ in 0..100_000 {
        if app.removals.open().await.expect("read").is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(check(app, false).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_survives_the_program_at_every_step() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    let folder = tempfile::tempdir().expect("a folder");
    let users = UsersFile::at(folder.path().join("users"));
    users.add("editor", &hash(PASSWORD).expect("hashed"), Papel::Editor).expect("added");
    let cliente = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido } }";
    let produto = "mutation($input: RemoverProdutoInput!) { removerProduto(input: $input) { idRemovido } }";
    let steps = [
        ("removerCliente::before_commit", false),
        ("removerCliente::after_commit", true),
        ("removal::begun", true),
        ("outbox.toma::before_commit", true),
        ("outbox.toma::after_commit", true),
        ("removal::leased", true),
        ("enderecos.esquece_cliente::before_commit", true),
        ("removal::enderecos", true),
        ("inventario.esquece_cliente::before_commit", true),
        ("removal::noted", true),
        ("inventario.remove_do_cliente::before_commit", true),
        ("removal::inventario", true),
        ("removal::before_done", true),
        ("removal::done", true),
    ];
    for (number, (step, is_gone)) in steps.into_iter().enumerate() {
        let id = format!("cliente_{}", number + 1);
        let mut program = Program::start(folder.path(), &databases, &format!("{step}=return")).await;
        let answer = program.remove(cliente, &json!({ "id": id, "compras": "REMOVER" })).await;
        assert_eq!(answer, None, "{step}: the program should be gone");
        assert!(!program.child.wait().expect("gone").success());
        time_passes(&databases).await;
        let mut next = Program::start(folder.path(), &databases, "").await;
        until_clean(&app).await;
        let left = app
            .ask_with(
                "query($id: ID!) { cliente(id: $id) { id } enderecos(filtro: { cliente: $id }) { total } compras(filtro: { cliente: $id }) { total } }",
                json!({ "id": id }),
            )
            .await;
        let purchases = if is_gone { 0 } else { shop::COMPRAS_DE_CADA };
        assert_eq!(left.json["data"]["cliente"].is_null(), is_gone, "{step}");
        assert_eq!(left.json["data"]["compras"]["total"], purchases, "{step}");
        if is_gone {
            assert_eq!(left.json["data"]["enderecos"]["total"], 0, "{step}");
        }
        next.child.kill().expect("killed");
        next.child.wait().expect("gone");
    }

    for step in [
        "removerProduto::before_commit",
        "removerProduto::after_commit",
        "catalogo.remove::before_commit",
        "removal::catalogo",
    ] {
        let made = app
            .write(
                "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id } erros { codigo } } }",
                json!({ "nome": "Banco", "preco": "10.00" }),
            )
            .await;
        let id = made["produto"]["id"].clone();
        let mut program = Program::start(folder.path(), &databases, &format!("{step}=return")).await;
        assert_eq!(program.remove(produto, &json!({ "id": id })).await, None, "{step}");
        program.child.wait().expect("gone");
        time_passes(&databases).await;
        let mut next = Program::start(folder.path(), &databases, "").await;
        until_clean(&app).await;
        let left = app.ask_with("query($id: ID!) { produto(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(left.json["data"]["produto"].is_null(), step != "removerProduto::before_commit", "{step}");
        next.child.kill().expect("killed");
        next.child.wait().expect("gone");
    }

    let output = command(folder.path(), Server::shared().await, &databases)
        .args(["check", "--json"])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"found\":0,\"mended\":0}\n");
}

/// The same graph as four programs, each with its own database alone.
struct Four {
    folder: tempfile::TempDir,
    databases: PerStore<String>,
    ports: PerStore<u16>,
    programs: PerStore<Option<Program>>,
}

impl Four {
    async fn start(databases: &PerStore<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let users = UsersFile::at(folder.path().join("users"));
        let hash = hash(PASSWORD).expect("hashed");
        users.add("editor", &hash, Papel::Editor).expect("added");
        users.add("servico", &hash, Rights::Serves).expect("added");
        let free = |_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let held: PerStore<std::net::TcpListener> = PerStore::from_fn(free);
        let ports = PerStore::from_fn(|store| held[store].local_addr().expect("bound").port());
        drop(held);
        let databases = databases.clone();
        let mut this = Self { folder, databases, ports, programs: PerStore::default() };
        for store in Store::ALL {
            this.restart(store, "").await;
        }
        this
    }

    /// Kills the program of a store, where it runs, and starts it with points of failure.
    async fn restart(&mut self, store: Store, points: &str) {
        if let Some(mut old) = self.programs[store].take() {
            // It may be gone already.
            let _ = old.child.kill();
            old.child.wait().expect("gone");
        }
        let server = Server::shared().await;
        let mut command = command(self.folder.path(), server, &self.databases);
        for other in Store::ALL.into_iter().filter(|other| *other != store) {
            command.env_remove(other.url_variable());
            let peer = other.url_variable().replace("_URL", "_PEER");
            command.env(peer, format!("http://127.0.0.1:{}", self.ports[other]));
        }
        command.env("QUARTETO_SERVE_STORE", store.name());
        command.env("QUARTETO_PEER_USER", "servico").env("QUARTETO_PEER_PASSWORD", PASSWORD);
        let listen = format!("127.0.0.1:{}", self.ports[store]);
        self.programs[store] = Some(Program::started(command, &listen, points));
    }

    async fn remove(&self, store: Store, mutation: &str, input: &Value) -> Option<Value> {
        self.programs[store].as_ref().expect("it runs").remove(mutation, input).await
    }

    /// Until the program of a store has met its point of failure.
    fn gone(&mut self, store: Store) {
        let program = self.programs[store].as_mut().expect("it was started");
        assert!(!program.child.wait().expect("gone").success());
    }
}

impl Drop for Four {
    fn drop(&mut self) {
        for (_, program) in self.programs.iter_mut() {
            if let Some(program) = program {
                let _ = program.child.kill();
                let _ = program.child.wait();
            }
        }
    }
}

/// Steps of a removal that other programs do: whoever dies, the one that began it or the one
/// that does its step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_across_programs_survives_each_of_them_at_every_step() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    let mut four = Four::start(&databases).await;
    let cliente = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido enderecos compras } }";
    let produto =
        "mutation($input: RemoverProdutoInput!) { removerProduto(input: $input) { idRemovido catalogo } }";
    let steps = [
        ("removerCliente::before_commit", Store::Clientes, false),
        ("removerCliente::after_commit", Store::Clientes, true),
        ("outbox.toma::after_commit", Store::Clientes, true),
        ("enderecos.esquece_cliente::before_commit", Store::Enderecos, true),
        ("enderecos.esquece_cliente::after_commit", Store::Enderecos, true),
        ("removal::enderecos", Store::Clientes, true),
        ("inventario.esquece_cliente::before_commit", Store::Inventario, true),
        ("inventario.esquece_cliente::after_commit", Store::Inventario, true),
        ("inventario.remove_do_cliente::before_commit", Store::Inventario, true),
        ("removal::noted", Store::Clientes, true),
        ("removal::done", Store::Clientes, true),
    ];
    for (number, (step, victim, is_gone)) in steps.into_iter().enumerate() {
        let id = format!("cliente_{}", number + 1);
        four.restart(victim, &format!("{step}=return")).await;
        let answer = four.remove(Store::Clientes, cliente, &json!({ "id": id, "compras": "REMOVER" })).await;
        four.gone(victim);
        match (victim, answer) {
            (Store::Clientes, answer) => assert_eq!(answer, None, "{step}"),
            (_, Some(answer)) => {
                let told = &answer["data"]["removerCliente"];
                assert_eq!(told["idRemovido"], id, "{step}: {answer}");
                let waits = if victim == Store::Enderecos { "enderecos" } else { "compras" };
                assert_eq!(told[waits], "PENDENTE", "{step}: {answer}");
            }
            (_, None) => panic!("{step}: the program that was asked should have answered"),
        }
        time_passes(&databases).await;
        four.restart(victim, "").await;
        until_clean(&app).await;
        let left = app
            .ask_with(
                "query($id: ID!) { cliente(id: $id) { id } enderecos(filtro: { cliente: $id }) { total } compras(filtro: { cliente: $id }) { total } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(left.json["data"]["cliente"].is_null(), is_gone, "{step}");
        let purchases = if is_gone { 0 } else { shop::COMPRAS_DE_CADA };
        assert_eq!(left.json["data"]["compras"]["total"], purchases, "{step}");
        if is_gone {
            assert_eq!(left.json["data"]["enderecos"]["total"], 0, "{step}");
        }
    }
    for (step, victim) in [
        ("removerProduto::after_commit", Store::Inventario),
        ("catalogo.remove::before_commit", Store::Catalogo),
        ("catalogo.remove::after_commit", Store::Catalogo),
        ("removal::catalogo", Store::Inventario),
    ] {
        let made = app
            .write(
                "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id } erros { codigo } } }",
                json!({ "nome": "Banco", "preco": "10.00" }),
            )
            .await;
        let id = made["produto"]["id"].clone();
        four.restart(victim, &format!("{step}=return")).await;
        let answer = four.remove(Store::Inventario, produto, &json!({ "id": id })).await;
        four.gone(victim);
        match answer {
            None => assert_eq!(victim, Store::Inventario, "{step}"),
            Some(answer) => assert_eq!(
                answer["data"]["removerProduto"],
                json!({ "idRemovido": id, "catalogo": "PENDENTE" }),
                "{step}"
            ),
        }
        time_passes(&databases).await;
        four.restart(victim, "").await;
        until_clean(&app).await;
        let left = app.ask_with("query($id: ID!) { produto(id: $id) { id } }", json!({ "id": id })).await;
        assert!(left.json["data"]["produto"].is_null(), "{step}");
    }
}

/// One program of four is killed while all are at work: the others answer, and when it is back
/// nothing is lost or done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subgraph_killed_under_load_loses_nothing() {
    const EACH: u64 = 30;
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    let mut four = Four::start(&databases).await;
    let base = |four: &Four, store: Store| format!("http://127.0.0.1:{}/graphql", four.ports[store]);
    let (catalogo, inventario) = (base(&four, Store::Catalogo), base(&four, Store::Inventario));
    let http = reqwest::Client::new();
    let ask = async |base: &str, body: Value| {
        let request = http.post(base).basic_auth("editor", Some(PASSWORD)).json(&body);
        match request.send().await {
            Ok(response) => response.json::<Value>().await.ok(),
            Err(_) => None,
        }
    };
    let acknowledged = std::sync::atomic::AtomicU64::new(0);
    let (asked, failed) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    // Says each purchase again until it is acknowledged.
    let buyer = async |number: u64| {
        for step in 0..EACH {
            let input = json!({ "cliente": format!("cliente_{}", number + 1), "produto": "produto_1", "quantidade": 1,
                "chaveIdempotencia": format!("{number}-{step}") });
            let query = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id } erros { codigo } } }";
            loop {
                let answer =
                    ask(&inventario, json!({ "query": query, "variables": { "input": input } })).await;
                let answer = answer.expect("whoever is not killed answers");
                if answer.get("errors").is_none() {
                    assert_eq!(answer["data"]["registrarCompra"]["erros"], json!([]), "{answer}");
                    acknowledged.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    asked.notify_one();
                    break;
                }
                let code = answer["errors"][0]["extensions"]["code"].as_str().expect("a code");
                assert!(["STORE_UNAVAILABLE", "STORE_TIMEOUT"].contains(&code), "{answer}");
                assert_eq!(answer["errors"][0]["extensions"]["store"], "catalogo");
                failed.notify_one();
            }
        }
    };
    let killer = async {
        while acknowledged.load(std::sync::atomic::Ordering::SeqCst) < EACH {
            asked.notified().await;
        }
        if let Some(program) = four.programs[Store::Catalogo].as_mut() {
            program.child.kill().expect("killed");
        }
        failed.notified().await;
        assert_eq!(ask(&catalogo, json!({ "query": "{ produto(id: 1) { id } }" })).await, None);
        // What needs the catalogue fails, and everything else is answered.
        let other = json!({ "query": "{ compras(first: 1) { nodes { id produto { id } } } }" });
        let answer = ask(&inventario, other).await.expect("answered");
        assert_eq!(answer.get("errors"), None, "{answer}");
        four.restart(Store::Catalogo, "").await;
    };
    futures_util::join!(futures_util::future::join_all((0..4).map(&buyer)), killer);
    for number in 1..=4 {
        let query = format!("{{ compras(filtro: {{ cliente: \"{number}\" }}) {{ total }} }}");
        assert_eq!(
            app.data(&query).await["compras"]["total"],
            shop::COMPRAS_DE_CADA + EACH,
            "none lost, none twice"
        );
    }
    assert_eq!(check(&app, false).await, []);
}
