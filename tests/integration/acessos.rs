//! Accesses: counted without a loss, kept, put together, told, and never anybody's data.

use std::time::Duration;

use quarteto::auth::{UsersFile, hash};
use quarteto::db::{BreakerLimits, DbLimits};
use quarteto::kernel::Papel;
use reqwest::Method;

use crate::program::{Serving, ask, quarteto, run};
use crate::support::app::{Answer, PASSWORD, Served, send};
use crate::support::server::Server;
use crate::support::{Proxy, TestApp, Value, json, shop};

/// Asks as a user, as a program with a version.
async fn ask_as(app: &TestApp, user: &str, program: (&str, &str), body: &Value) -> Answer {
    let request = app.anonymous(Method::POST, "/graphql").basic_auth(user, Some(PASSWORD));
    let request = request.header("apollographql-client-name", program.0);
    send(request.header("apollographql-client-version", program.1).json(body)).await
}

/// What `acessos` shows the admin.
async fn told(app: &TestApp, janela: &Value, selection: &str) -> Value {
    let query =
        format!("query Painel($janela: JanelaAcessos) {{ acessos(janela: $janela) {{ {selection} }} }}");
    let body = json!({ "query": query, "variables": { "janela": janela } });
    let answer = ask_as(app, "admin", ("painel", ""), &body).await;
    assert_eq!(answer.json.get("errors"), None, "{}", answer.text);
    answer.json["data"]["acessos"].clone()
}

const SITE: (&str, &str) = ("site", "1.0");
const LOJA: (&str, &str) = ("loja", "2.1");

/// Over a store of accesses, or none.
async fn over(database: Option<&str>) -> TestApp {
    let server = Server::shared().await;
    let acessos = database.map(|database| server.url(database));
    TestApp::served(Served { acessos, ..Served::default() }).await.once()
}

/// Some operations by two programs and two users.
async fn use_it(app: &TestApp) {
    let cpf = json!({ "query": "query Cadastro($id: ID!) { cliente(id: $id) { nome cpf } }",
                      "variables": { "id": "cliente_1" } });
    for _ in 0..3 {
        ask_as(app, "leitor", SITE, &cpf).await;
    }
    ask_as(app, "editor", LOJA, &cpf).await;
    let filtered = json!({
        "query": "query Lista($f: ClienteFiltro, $o: ClienteOrdem = NOME_ASC) { x: clientes(first: 2, filtro: $f, ordem: $o) { nodes { nome enderecos { cidade } } } }",
        "variables": { "f": { "nomeContem": "segredo da Ana" } }
    });
    ask_as(app, "leitor", LOJA, &filtered).await;
    let literal = json!({ "query": "{ clientes(filtro: { nomeContem: \"outro segredo\" }) { total } }" });
    ask_as(app, "leitor", SITE, &literal).await;
    ask_as(app, "leitor", SITE, &json!({ "query": "{ naoExiste }" })).await;
    ask_as(
        app,
        "leitor",
        SITE,
        &json!({ "query": "query Errada { meu_nome: cliente(id: \"endereco_1\") { nome } }" }),
    )
    .await;
}

const OPERATIONS: &str = "operacoes(ordem: NOME) { total nodes { nome tipo documento \
    totais { chamadas comErro recusadas } programas { nome versao totais { chamadas } } \
    usuarios { nome totais { chamadas } } campos erros { codigo caminho store vezes } } }";

/// The rows of what [`use_it`] has asked, in memory and in a store alike.
async fn shows_what_was_asked(app: &TestApp) {
    let seen = told(app, &json!({}), OPERATIONS).await;
    let nodes: Vec<Value> = seen["operacoes"]["nodes"].as_array().expect("a list").clone();
    let of = |name: &str| {
        let mut own = nodes.iter().filter(|node| node["nome"] == name);
        let found = own.next().unwrap_or_else(|| panic!("{name} in {seen}")).clone();
        assert_eq!(own.next(), None, "{name}");
        found
    };
    assert_eq!(
        of("Cadastro"),
        json!({
            "nome": "Cadastro", "tipo": "query",
            "documento": "query Cadastro($id: ID!) { cliente(id: $id) { nome cpf } }",
            "totais": { "chamadas": 4.0, "comErro": 0.0, "recusadas": 0.0 },
            "programas": [
                { "nome": "site", "versao": "1.0", "totais": { "chamadas": 3.0 } },
                { "nome": "loja", "versao": "2.1", "totais": { "chamadas": 1.0 } }
            ],
            "usuarios": [
                { "nome": "leitor", "totais": { "chamadas": 3.0 } },
                { "nome": "editor", "totais": { "chamadas": 1.0 } }
            ],
            "campos": ["Cliente.cpf", "Cliente.nome", "Query.cliente", "Query.cliente(id:)"],
            "erros": []
        })
    );
    let lista = of("Lista");
    assert_eq!(
        lista["documento"],
        "query Lista($f: ClienteFiltro, $o: ClienteOrdem = NOME_ASC) { a1: clientes(first: 0, filtro: $f, ordem: $o) { nodes { nome enderecos { cidade } } } }"
    );
    for campo in
        ["ClienteFiltro.nomeContem", "ClienteOrdem.NOME_ASC", "Query.clientes(ordem:)", "Endereco.cidade"]
    {
        assert!(lista["campos"].as_array().expect("a list").contains(&campo.into()), "{campo}: {lista}");
    }
    let nameless = of("{ clientes(filtro: {nomeContem: \"\"}) { total } }");
    assert_eq!(nameless["documento"], "{ clientes(filtro: {nomeContem: \"\"}) { total } }");
    let misfit = of("{ naoExiste }");
    assert_eq!(misfit["totais"], json!({ "chamadas": 1.0, "comErro": 1.0, "recusadas": 1.0 }));
    assert_eq!(misfit["erros"][0]["codigo"], "GRAPHQL_VALIDATION_FAILED");
    let errada = of("Errada");
    assert_eq!(
        errada["erros"],
        json!([{ "codigo": "ID_INVALIDO", "caminho": "cliente", "store": null, "vezes": 1.0 }])
    );
    assert!(!seen.to_string().contains("segredo"), "{seen}");
}

#[tokio::test]
async fn the_last_hours_are_in_memory_where_there_is_no_store() {
    let app = over(None).await;
    use_it(&app).await;
    shows_what_was_asked(&app).await;
    let how = told(&app, &json!({}), "emStore perdidas perdidasDe instancias { esta perdidas }").await;
    assert_eq!(
        how,
        json!({ "emStore": false, "perdidas": 0.0, "perdidasDe": null, "instancias": [{ "esta": true, "perdidas": 0.0 }] })
    );
}

#[tokio::test]
async fn what_is_kept_is_what_was_in_memory_and_comes_back_after_the_end() {
    let database = Server::shared().await.acessos().await;
    let app = over(Some(&database)).await;
    use_it(&app).await;
    shows_what_was_asked(&app).await;
    app.acessos.flush().await;
    shows_what_was_asked(&app).await;
    // Written once more, and with what came meanwhile.
    app.acessos.flush().await;
    let other = over(Some(&database)).await;
    use_it(&other).await;
    other.acessos.flush().await;
    let seen = told(&other, &json!({}), "emStore totais { chamadas comErro } instancias { esta }").await;
    // Twice eight, and what the admin has asked of the first.
    assert_eq!(seen["totais"], json!({ "chamadas": 19.0 - 1.0, "comErro": 4.0 }));
    assert_eq!(seen["instancias"].as_array().map(Vec::len), Some(2));
    // By instance.
    let own = told(&other, &json!({ "instancia": other.acessos.instancia().id }), "totais { comErro }").await;
    assert_eq!(own["totais"]["comErro"], 2.0);
    // No value of anybody anywhere in the database.
    let dump = dumped(&database).await;
    assert!(dump.contains("Cadastro") && !dump.contains("segredo") && !dump.contains("cliente_1"), "{dump}");
}

/// All texts of all tables.
async fn dumped(database: &str) -> String {
    let server = Server::shared().await;
    let mut connection = server.connect().await;
    let mut all = String::new();
    for (table, columns) in [
        ("acesso", "assinatura, programa, versao, usuario"),
        ("erro", "codigo, caminho, store"),
        ("entrada", "campo, programa"),
        ("documento", "nome, texto"),
        ("documento_campo", "campo"),
        ("lenta", "detalhe, pedido"),
    ] {
        let text = format!("SELECT CONCAT_WS(' ', {columns}) FROM `{database}`.`{table}`");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_all(&mut connection).await.expect("read");
        all.push_str(&rows.join("\n"));
    }
    all
}

#[tokio::test]
async fn minutes_become_hours_and_days_without_a_loss() {
    let server = Server::shared().await;
    let database = server.acessos().await;
    let app = over(Some(&database)).await;
    use_it(&app).await;
    app.acessos.flush().await;
    let now = chrono::Utc::now().timestamp();
    let wide = |passo: &str| {
        let at = |second: i64| chrono::DateTime::from_timestamp(second, 0).expect("a moment").to_rfc3339();
        json!({ "de": at(now - 86_400 * 3), "ate": at(now + 3_600), "passo": passo, "programa": "site" })
    };
    let sums = "totais { chamadas comErro objetos p95Ms maiorMs instrucoes } campos(busca: \"cpf\") { nodes { nome totais { chamadas } } } erros { nodes { codigo vezes } }";
    let before = told(&app, &wide("HORA"), sums).await;
    assert_eq!(before["totais"]["chamadas"], 6.0);
    // Two days later everything that was asked is in hours and days.
    app.acessos.tidy(now + 86_400 * 2).await.expect("put together");
    for passo in [0, 1, 2] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT CAST(SUM(chamadas) AS SIGNED) FROM `{database}`.acesso WHERE passo = {passo} AND programa = 'site'"
        )))
        .fetch_one(&mut server.connect().await)
        .await
        .expect("read");
        assert_eq!(rows, 6, "{passo}");
    }
    server.script(&format!("DELETE FROM `{database}`.acesso WHERE passo = 0")).await;
    // Another run, which holds none of it.
    let other = over(Some(&database)).await;
    for passo in ["HORA", "DIA"] {
        assert_eq!(told(&other, &wide(passo), sums).await, before, "{passo}");
    }
    // And after a year it is gone, but for the days.
    app.acessos.tidy(now + 86_400 * 400).await.expect("deleted");
    let mut left = Vec::new();
    for passo in [0, 1, 2] {
        let text = format!("SELECT COUNT(*) FROM `{database}`.acesso WHERE passo = {passo}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
            .fetch_one(&mut server.connect().await)
            .await
            .expect("read");
        left.push(rows > 0);
    }
    assert_eq!(left, [false, false, true]);
}

#[tokio::test]
async fn a_store_that_is_away_touches_no_request_and_loses_nothing_that_can_be_held() {
    let server = Server::shared().await;
    let database = server.acessos().await;
    let mut proxy = Proxy::start(server.target()).await;
    // It looks again at once.
    let breaker = BreakerLimits { rest: Duration::ZERO, ..BreakerLimits::default() };
    let stores = DbLimits { breaker, ..DbLimits::default() };
    let acessos = Some(server.url_through(proxy.port(), &database));
    let app = TestApp::served(Served { acessos, stores, ..Served::default() }).await.once();
    use_it(&app).await;
    proxy.cut().await;
    use_it(&app).await;
    app.acessos.flush().await;
    // Who looks is told which store it is.
    let query = json!({ "query": "{ acessos { emStore totais { chamadas } } eu { nome } }" });
    let answer = ask_as(&app, "admin", ("painel", ""), &query).await;
    assert_eq!(
        answer.json["data"],
        json!({ "acessos": { "emStore": true, "totais": null }, "eu": { "nome": "admin" } })
    );
    assert_eq!(answer.codes(), ["STORE_UNAVAILABLE"]);
    assert_eq!(answer.json["errors"][0]["extensions"]["store"], "acessos");
    use_it(&app).await;
    proxy.restore().await;
    while send(app.anonymous(Method::POST, "/graphql").basic_auth("admin", Some(PASSWORD)).json(&query))
        .await
        .json
        .get("errors")
        .is_some()
    {
        app.acessos.flush().await;
    }
    app.acessos.flush().await;
    let seen = told(&app, &json!({ "programa": "site" }), "totais { chamadas } perdidas").await;
    assert_eq!(seen, json!({ "totais": { "chamadas": 18.0 }, "perdidas": 0.0 }));
}

#[tokio::test]
async fn a_flood_of_names_programs_and_texts_is_counted_and_bounded() {
    let server = Server::shared().await;
    let database = server.acessos().await;
    let app = over(Some(&database)).await;
    use_it(&app).await;
    app.acessos.flush().await;
    for number in 0..3_000 {
        let text = format!("query Nome{number} {{ eu {{ nome }} }}");
        let program = format!("programa {number}");
        ask_as(&app, "leitor", (&program, "1"), &json!({ "query": text })).await;
    }
    use_it(&app).await;
    app.acessos.flush().await;
    let seen = told(
        &app,
        &json!({}),
        "totais { chamadas } operacoes(busca: \"other\") { nodes { nome totais { chamadas } } }",
    )
    .await;
    assert_eq!(seen["totais"]["chamadas"], 3_016.0);
    let others = seen["operacoes"]["nodes"][0]["totais"]["chamadas"].as_f64().expect("a number");
    assert!((1_000.0..3_000.0).contains(&others), "{others}");
    let mine = told(&app, &json!({ "programa": "site" }), "totais { chamadas }").await;
    assert_eq!(mine["totais"]["chamadas"], 12.0, "what was known before has its own rows");
    // The flood may have been asked in two minutes or three.
    assert!(server.count(&database, "acesso").await <= 3 * 500);
    assert!(server.count(&database, "documento").await <= 3 * 250 + 10);
}

#[tokio::test]
async fn an_operation_that_took_long_is_kept_with_its_statements_and_plans() {
    let server = Server::shared().await;
    let acessos = Some(server.url(&server.acessos().await));
    let served = Served { acessos, slow_micros: 1, ..Served::default() };
    let app = TestApp::served(served).await.once();
    let body =
        json!({ "query": "query Lenta { clientes(first: 2) { nodes { nome enderecos { cidade } } } }" });
    ask_as(&app, "leitor", SITE, &body).await;
    for _ in 0..2 {
        let selection = "lentas { nome programa usuario resultado ms custo instrucoes { store nome texto ms inicioMs linhas pedidos falhou } }";
        let seen = told(&app, &json!({ "programa": "site" }), selection).await;
        let lenta = &seen["lentas"][0];
        let statements: Vec<(&str, &str)> = lenta["instrucoes"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|ran| (ran["store"].as_str().expect("text"), ran["nome"].as_str().expect("text")))
            .collect();
        assert_eq!(
            statements,
            [("clientes", "clientes.pagina"), ("enderecos", "enderecos.do_cliente")],
            "{lenta}"
        );
        assert_eq!(
            (&lenta["nome"], &lenta["programa"], &lenta["usuario"]),
            (&json!("Lenta"), &json!("site 1.0"), &json!("leitor"))
        );
        assert!(lenta["instrucoes"][0]["texto"].as_str().is_some_and(|text| text.contains('?')), "{lenta}");
        app.acessos.flush().await;
    }
}

#[tokio::test]
async fn the_admin_may_ask_how_each_statement_is_done() {
    let app = TestApp::start().await;
    let body = json!({ "query": "{ cliente(id: \"cliente_1\") { nome enderecos { cidade } } }" });
    let ask = async |user: &str| {
        let request = app.anonymous(Method::POST, "/graphql").basic_auth(user, Some(PASSWORD));
        send(request.header("X-Quarteto-Explain", "1").json(&body)).await
    };
    let refused = ask("leitor").await;
    assert_eq!((refused.status, refused.codes()), (403, vec!["FORBIDDEN".to_owned()]));
    let answer = ask("admin").await;
    let statements = answer.json["extensions"]["quarteto"]["instrucoes"].as_array().expect("a list");
    assert_eq!(statements.len(), 2, "{}", answer.text);
    for (ran, (nome, table)) in
        statements.iter().zip([("clientes.por_id", "cadastro"), ("enderecos.do_cliente", "endereco")])
    {
        assert_eq!(ran["nome"], nome);
        assert_eq!((&ran["linhas"].as_u64().is_some(), &ran["pedidos"]), (&true, &json!(1)));
        // MySQL 9 has read a single row by its key before it says how.
        let plan = ran["plano"].to_string();
        assert!(plan.contains(table) || plan.contains("rows_fetched_before_execution"), "{ran}");
    }
    // As everybody is answered.
    let plain = app.ask_plainly(body["query"].as_str().expect("text"), json!({})).await;
    assert_eq!(plain.json["data"], answer.json["data"]);
    assert_eq!(plain.json.get("extensions"), None);
}

#[tokio::test]
async fn accesses_are_for_the_admin_and_their_windows_have_rules() {
    let app = over(None).await;
    let error = app.error("{ acessos { perdidas } }").await;
    assert_eq!(error["extensions"]["code"], "FORBIDDEN");
    for (janela, code, part) in [
        (
            json!({ "de": "2026-01-02T00:00:00Z", "ate": "2026-01-01T00:00:00Z" }),
            "BAD_USER_INPUT",
            "`janela.de`",
        ),
        (
            json!({ "de": "2025-01-01T00:00:00Z", "ate": "2026-01-01T00:00:00Z", "passo": "MINUTO" }),
            "BAD_USER_INPUT",
            "1500",
        ),
        (json!({ "operacao": "x" }), "ID_INVALIDO", "`janela.operacao`"),
    ] {
        let query = "query($janela: JanelaAcessos) { acessos(janela: $janela) { perdidas } }";
        let body = json!({ "query": query, "variables": { "janela": janela } });
        let answer = ask_as(&app, "admin", SITE, &body).await;
        assert_eq!(answer.codes(), [code], "{janela}");
        assert!(
            answer.json["errors"][0]["message"].as_str().is_some_and(|told| told.contains(part)),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn pages_of_operations_and_fields_go_on_where_the_last_ended() {
    let app = over(None).await;
    for name in ["B", "A", "C", "E", "D"] {
        ask_as(&app, "leitor", SITE, &json!({ "query": format!("query {name} {{ eu {{ nome }} }}") })).await;
    }
    let janela = json!({ "programa": "site" });
    let (mut after, mut names) = (String::new(), Vec::new());
    loop {
        let cursor = if after.is_empty() { String::new() } else { format!(", after: \"{after}\"") };
        let selection = format!(
            "operacoes(first: 2, ordem: NOME{cursor}) {{ total nodes {{ nome }} pageInfo {{ hasNextPage endCursor }} }}"
        );
        let page = told(&app, &janela, &selection).await["operacoes"].clone();
        assert_eq!(page["total"], 5);
        names.extend(
            page["nodes"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|node| node["nome"].as_str().expect("text").to_owned()),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].as_str().expect("a cursor").to_owned();
    }
    assert_eq!(names, ["A", "B", "C", "D", "E"]);
    // What nobody uses, and what is there no more.
    let unused = told(&app, &janela, "campos(uso: SEM_USO, busca: \"Cliente.cpf\") { nodes { nome existe totais { chamadas } } } a: campo(nome: \"Usuario.nome\") { existe obsoleto operacoes { nome } } b: campo(nome: \"Nada.nada\") { nome }").await;
    assert_eq!(
        unused["campos"]["nodes"][0],
        json!({ "nome": "Cliente.cpf", "existe": true, "totais": { "chamadas": 0.0 } })
    );
    assert_eq!(unused["a"]["operacoes"].as_array().map(Vec::len), Some(5));
    assert_eq!(unused["b"], Value::Null);
}

#[tokio::test]
async fn the_terminal_shows_what_the_panel_shows_and_what_a_schema_would_break() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    let (base, password) = (serving.word_after("listens on") + "/", serving.first_password());
    let login = format!("admin:{password}");
    for _ in 0..3 {
        ask(&base, &login, "query Cadastro { cliente(id: 1) { nome cpf } }").await;
    }
    ask(&base, &login, "query Papel { eu { papel } }").await;
    // What probes ask, and what never ran.
    ask(
        &base,
        &login,
        "query Sonda { __typename clientes { nodes { __typename ... on Cliente { __typename } } } }",
    )
    .await;
    ask(&base, &login, "query Errada { naoExiste }").await;
    let beside = |arguments: &[&str]| {
        let output = run(quarteto(folder.path()).args(["--log", "warn"]).args(arguments));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    // The end writes what is not written yet.
    serving.stop();
    let (code, text) = beside(&["acessos", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let rows: Value = serde_json::from_str(&text).expect("JSON");
    let seen = |row: &Value| (row["nome"].clone(), row["totais.chamadas"].clone(), row["tipo"].clone());
    assert_eq!(seen(&rows[0]), (json!("Cadastro"), json!(3.0), json!("query")));
    let papel = rows.as_array().expect("a list").iter().find(|row| row["nome"] == "Papel").expect("asked");
    assert_eq!(seen(papel), (json!("Papel"), json!(1.0), json!("query")));
    let (_, text) = beside(&["acessos", "operacoes", "--csv", "--campo", "Cliente.cpf"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("nome,id,tipo,primeiraVez,ultimaVez,totais.chamadas,"), "{text}");
    assert!(lines.len() == 2 && lines[1].starts_with("Cadastro,") && lines[1].contains(",3,"), "{text}");
    for list in ["campos", "erros", "programas", "usuarios", "stores", "serie", "lentas"] {
        let (code, text) = beside(&["acessos", list]);
        assert!(code == Some(0) && !text.is_empty(), "{list}: {text}");
    }
    // Without a field that is asked for, and with one that nobody gives.
    let now = quarteto::schema::merged_sdl();
    let file = folder.path().join("new.graphql");
    let path = file.to_str().expect("plain");
    std::fs::write(&file, &now).expect("written");
    assert_eq!(beside(&["schema", "--check", path]), (Some(0), "0 of 3 operations would break\n".to_owned()));
    std::fs::write(&file, now.replace("\tcpf: CPF!\n", "\tdocumento: CPF!\n")).expect("written");
    let (code, text) = beside(&["schema", "--check", path, "--dias", "30"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("Cadastro would break (3 calls")
            && text.contains("cpf")
            && text.ends_with("1 of 3 operations would break\n"),
        "{text}"
    );
    std::fs::write(&file, "type Query {").expect("written");
    let (code, text) = beside(&["schema", "--check", path]);
    assert!(code == Some(1) && text.contains("new.graphql"), "{text}");
}

#[tokio::test]
async fn what_one_instance_had_written_outlives_its_sudden_end() {
    let server = Server::shared().await;
    let (databases, database) = (shop::shared().await, server.acessos().await);
    let folder = tempfile::tempdir().expect("a folder");
    let users = UsersFile::at(folder.path().join("data").join("users"));
    std::fs::create_dir_all(folder.path().join("data")).expect("a folder");
    users.add("admin", &hash(PASSWORD).expect("hashed"), Papel::Admin).expect("added");
    let mut command = quarteto(folder.path());
    for (store, name) in databases.iter() {
        command.env(store.url_variable(), server.url(name));
    }
    command.env("QUARTETO_ACESSOS_URL", server.url(&database));
    let serving = Serving::started(command, folder.path(), &["--log", "warn"]);
    let base = serving.word_after("listens on") + "/";
    let login = format!("admin:{PASSWORD}");
    let other = over(Some(&database)).await;
    let asked = async {
        for number in 1..=20 {
            ask(&base, &login, "query Antes { eu { nome } }").await;
            use_it(&other).await;
            let _ = number;
        }
    };
    asked.await;
    let written = format!(
        "SELECT CAST(COALESCE(SUM(chamadas), 0) AS SIGNED) FROM `{database}`.acesso WHERE passo = 0 AND usuario = 'admin'"
    );
    let mut connection = server.connect().await;
    let all = async {
        loop {
            let text = sqlx::AssertSqlSafe(written.clone());
            let rows: i64 = sqlx::query_scalar(text).fetch_one(&mut connection).await.expect("read");
            if rows == 20 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("it writes every few seconds");
    serving.kill();
    other.acessos.flush().await;
    let seen =
        told(&other, &json!({ "usuario": "admin" }), "totais { chamadas } operacoes { nodes { nome } }")
            .await;
    assert_eq!(seen["totais"]["chamadas"], 20.0);
    let all =
        told(&other, &json!({ "semProgramas": ["painel"] }), "totais { chamadas } instancias { esta }").await;
    assert_eq!(all["totais"]["chamadas"], 20.0 + 20.0 * 8.0);
    assert_eq!(all["instancias"].as_array().map(Vec::len), Some(2));
}

/// The text of a block of a document.
fn blocks<'a>(text: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    text.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
}

#[tokio::test]
async fn the_questions_of_the_document_are_answered() {
    let server = Server::shared().await;
    let database = server.acessos().await;
    let acessos = Some(server.url(&database));
    let app = TestApp::served(Served { acessos, slow_micros: 1, ..Served::default() }).await.once();
    use_it(&app).await;
    app.acessos.flush().await;
    for name in ["docs/acessos.md", "docs/pt-BR/acessos.md"] {
        let text =
            std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a document");
        let mut answers = Vec::new();
        for query in blocks(&text, "graphql") {
            let answer = ask_as(&app, "admin", ("painel", ""), &json!({ "query": query })).await;
            assert_eq!(answer.json.get("errors"), None, "{name}: {query} {}", answer.text);
            answers.push(answer.json["data"]["acessos"].clone());
        }
        assert_eq!(answers.len(), 4, "{name}");
        assert_eq!(answers[0]["campo"]["usuarios"][0]["nome"], "leitor");
        assert!(answers[1]["programas"]["nodes"].as_array().map(Vec::len).is_some_and(|rows| rows >= 2));
        assert!(answers[2]["lentas"].as_array().map(Vec::len).is_some_and(|rows| rows >= 8));
        // Which of them takes longest, a busy machine decides.
        let costly = answers[3]["operacoes"]["nodes"].as_array().expect("a list");
        assert!(costly.iter().any(|node| node["nome"] == "Cadastro"), "{costly:?}");
        let mut connection = server.connect().await;
        let sql = blocks(&text, "sql")
            .next()
            .expect("a statement")
            .replace("FROM acesso", &format!("FROM `{database}`.acesso"));
        let sql = sql.replace("JOIN documento", &format!("JOIN `{database}`.documento"));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("read");
        assert!(rows.len() >= 3, "{name}");
    }
}

#[tokio::test]
async fn whatever_is_asked_of_accesses_is_a_constant_number_of_statements() {
    let database = Server::shared().await.acessos().await;
    let app = over(Some(&database)).await;
    let everything = "totais { chamadas } serie { inicio } stores { nome } lentas { nome } instancias { nome } \
        operacoes(first: 2) { nodes { nome serie { inicio } programas { nome } usuarios { nome } campos erros { codigo } lentas { nome } } } \
        campos(first: 2) { nodes { nome operacoes { nome } usuarios { nome } } } erros { nodes { codigo programas { nome } } } \
        programas { nodes { nome } } usuarios { nodes { nome } }";
    let query = format!("{{ acessos(janela: {{ programa: \"site\" }}) {{ {everything} }} }}");
    let mut counts = Vec::new();
    for round in 0..3 {
        for _ in 0..round * 3 {
            use_it(&app).await;
        }
        app.acessos.flush().await;
        let request = app.anonymous(Method::POST, "/graphql").basic_auth("admin", Some(PASSWORD));
        let answer = send(request.header("X-Apollo-Tracing", "1").json(&json!({ "query": query }))).await;
        assert_eq!(answer.json.get("errors"), None, "{}", answer.text);
        let asked = &answer.json["extensions"]["quarteto"]["stores"];
        assert_eq!(asked.as_array().map(Vec::len), Some(1), "{asked}");
        assert_eq!(asked[0]["nome"], "acessos");
        counts.push(asked[0]["consultas"].clone());
    }
    // Up to when it is put together, sums, errors, inputs, operations, what stands in them, slow
    // ones, runs.
    assert_eq!(counts, [json!(8), json!(8), json!(8)]);
}

/// More hours than are put together in one round: a day waits until all of its hours are there.
#[tokio::test]
async fn a_day_is_put_together_of_all_its_hours() {
    let server = Server::shared().await;
    let database = server.acessos().await;
    let app = over(Some(&database)).await;
    let zeros = ", 0".repeat(23);
    let rows: Vec<String> = (0..70)
        .map(|hour| {
            let at = format!("TIMESTAMPADD(HOUR, {hour}, '2026-03-01 00:05:00')");
            format!("(0, {at}, REPEAT('a', 32), REPEAT('b', 32), 'site', '1', 'ana', 1{zeros}, '')")
        })
        .collect();
    server.script(&format!("INSERT INTO `{database}`.acesso VALUES {}", rows.join(", "))).await;
    let sums = async || {
        let mut all = Vec::new();
        for passo in [1, 2] {
            let text = format!(
                "SELECT CAST(COALESCE(SUM(chamadas), 0) AS SIGNED) FROM `{database}`.acesso WHERE passo = {passo}"
            );
            let mut connection = server.connect().await;
            let sum: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(&mut connection).await.expect("read");
            all.push(sum);
        }
        all
    };
    let soon = chrono::DateTime::parse_from_rfc3339("2026-03-10T00:00:00Z").expect("a moment").timestamp();
    app.acessos.tidy(soon).await.expect("put together");
    assert_eq!(sums().await, [50, 48], "two days are whole");
    app.acessos.tidy(soon).await.expect("put together");
    assert_eq!(sums().await, [70, 70]);
    let janela = json!({ "de": "2026-03-01T00:00:00Z", "ate": "2026-03-04T00:00:00Z", "passo": "DIA" });
    let seen = told(&app, &janela, "serie { totais { chamadas } }").await;
    let days: Vec<f64> = seen["serie"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|point| point["totais"]["chamadas"].as_f64().expect("a number"))
        .collect();
    assert_eq!(days, [24.0, 24.0, 22.0]);
}

#[tokio::test]
async fn an_input_is_used_by_those_who_gave_it() {
    let database = Server::shared().await.acessos().await;
    let app = over(Some(&database)).await;
    let asked = |filtro: Value| json!({ "query": "query Lista($f: ClienteFiltro) { clientes(filtro: $f) { total } }", "variables": { "f": filtro } });
    for _ in 0..4 {
        ask_as(&app, "leitor", SITE, &asked(json!({ "nomeContem": "Ana" }))).await;
        ask_as(&app, "editor", LOJA, &asked(json!({ "nascidoDe": "1990-01-01" }))).await;
    }
    for _ in 0..2 {
        let selection = "campo(nome: \"ClienteFiltro.nascidoDe\") { totais { chamadas } usuarios { nome totais { chamadas } } \
             programas { nome totais { chamadas } } operacoes { nome totais { chamadas } } }";
        let of = |nome: &str| json!([{ "nome": nome, "totais": { "chamadas": 4.0 } }]);
        assert_eq!(
            told(&app, &json!({}), selection).await["campo"],
            json!({ "totais": { "chamadas": 4.0 }, "usuarios": of("editor"), "programas": of("loja"), "operacoes": of("Lista") })
        );
        app.acessos.flush().await;
    }
}
