//! The program killed at every step of a removal, then started again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use quarteto::auth::{UsersFile, hash};
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
        let server = Server::shared().await;
        let mut command = command(folder, server, databases);
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("FAILPOINTS", points);
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
