//! Mutations of one store: what they write, what they refuse, and what is left
//! when they do.

use quarteto::db::{Db, DbLimits, Store};
use quarteto::writes::record;

use crate::support::app::patience;
use crate::support::server::Server;
use crate::support::{Loss, TestApp, Value, json, shop};

const CRIAR_CLIENTE: &str = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) {
    cliente { id nome email cpf telefone dataNascimento enderecos { id } compras { total } }
    erros { codigo mensagem campo } } }";
const ATUALIZAR_CLIENTE: &str = "mutation($input: AtualizarClienteInput!) { atualizarCliente(input: $input) {
    cliente { nome email telefone atualizadoEm } erros { codigo campo } } }";
const ADICIONAR_ENDERECO: &str = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) {
    endereco { id logradouro complemento uf cep pais cliente { id enderecos { id } } } erros { codigo campo } } }";
const CRIAR_PRODUTO: &str = "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) {
    produto { id nome descricao preco disponivel } erros { codigo campo } } }";
const REGISTRAR_COMPRA: &str = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) {
    compra { id quantidade precoUnitario total cliente { id } produto { id } } erros { codigo campo } } }";

fn ana() -> Value {
    json!({ "nome": "  Ana Çelik 🎉 ", "email": "ana.celik@example.com", "cpf": "529.982.247-25",
        "telefone": "(11) 91234-5678", "dataNascimento": "1990-02-28" })
}

/// The `codigo` and `campo` of every erro.
fn erros(payload: &Value) -> Vec<(String, String)> {
    let erros = payload["erros"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    erros.iter().map(|erro| (text(&erro["codigo"]), text(&erro["campo"][0]))).collect()
}

fn erro(codigo: &str, campo: &str) -> Vec<(String, String)> {
    vec![(codigo.to_owned(), campo.to_owned())]
}

#[tokio::test]
async fn a_client_is_registered_changed_and_read_back_whole() {
    let app = TestApp::over(&shop::open().await).await;
    let made = app.write(CRIAR_CLIENTE, ana()).await;
    assert_eq!(
        made,
        json!({ "cliente": { "id": "cliente_121", "nome": "Ana Çelik 🎉", "email": "ana.celik@example.com",
            "cpf": "52998224725", "telefone": "11912345678", "dataNascimento": "1990-02-28",
            "enderecos": [], "compras": { "total": 0 } }, "erros": [] })
    );
    let seen = app.data(r#"{ cliente(id: "cliente_121") { atualizadoEm } }"#).await;
    let changed = app
        .write(ATUALIZAR_CLIENTE, json!({ "id": "121", "nome": "Ana", "telefone": null, "atualizadoEm": seen["cliente"]["atualizadoEm"] }))
        .await;
    assert_eq!(changed["cliente"]["nome"], "Ana");
    assert_eq!(changed["cliente"]["email"], "ana.celik@example.com", "what is absent stays");
    assert_eq!(changed["cliente"]["telefone"], Value::Null);
    assert_ne!(changed["cliente"]["atualizadoEm"], seen["cliente"]["atualizadoEm"]);
    // The same moment again: somebody has changed it since.
    let late = json!({ "id": "121", "nome": "Bia", "atualizadoEm": seen["cliente"]["atualizadoEm"] });
    let refused = app.write(ATUALIZAR_CLIENTE, late).await;
    assert_eq!(
        refused,
        json!({ "cliente": null, "erros": [{ "codigo": "CONFLITO", "campo": ["atualizadoEm"] }] })
    );
    let missing = app.write(ATUALIZAR_CLIENTE, json!({ "id": "cliente_999", "nome": "X" })).await;
    assert_eq!(erros(&missing), erro("NAO_ENCONTRADO", "id"));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_asked() {
    let app = TestApp::over(&shop::open().await).await;
    let input = json!({ "nome": " ", "email": "ana@", "cpf": "529.982.247-24", "telefone": "12",
        "dataNascimento": "2999-01-01" });
    let answer = app.write_with(CRIAR_CLIENTE, json!({ "input": input })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["data"]["criarCliente"],
        json!({ "cliente": null, "erros": [
            { "codigo": "OBRIGATORIO", "mensagem": "Este campo é obrigatório.", "campo": ["nome"] },
            { "codigo": "INVALIDO", "mensagem": "O e-mail não é válido; ele tem a forma nome@exemplo.com.br.", "campo": ["email"] },
            { "codigo": "INVALIDO", "mensagem": "O CPF não é válido; confira os 11 dígitos.", "campo": ["cpf"] },
            { "codigo": "INVALIDO", "mensagem": "O telefone não é válido: ele tem dígitos de menos. Ele tem a forma (11) 91234-5678 ou +351 912 345 678.", "campo": ["telefone"] },
            { "codigo": "FORA_DA_FAIXA", "mensagem": "A data de nascimento deve estar entre 1900-01-01 e hoje.", "campo": ["dataNascimento"] },
        ] })
    );
    assert_eq!(answer.statements(), []);

    let nulls = json!({ "id": "cliente_1", "nome": null, "email": null, "cpf": null });
    let refused = app.write(ATUALIZAR_CLIENTE, nulls).await;
    let required = ["nome", "email", "cpf"].map(|campo| ("OBRIGATORIO".to_owned(), campo.to_owned()));
    assert_eq!(erros(&refused), required);

    let produto = json!({ "nome": "x".repeat(161), "preco": "-1.00", "descricao": "a\u{7}" });
    let expected = [("MUITO_LONGO", "nome"), ("INVALIDO", "descricao"), ("FORA_DA_FAIXA", "preco")];
    let expected = expected.map(|(codigo, campo)| (codigo.to_owned(), campo.to_owned()));
    assert_eq!(erros(&app.write(CRIAR_PRODUTO, produto).await), expected);
    let compra = json!({ "cliente": "produto_1", "produto": "nada", "quantidade": 10001 });
    let expected = [("INVALIDO", "cliente"), ("INVALIDO", "produto"), ("FORA_DA_FAIXA", "quantidade")];
    let expected = expected.map(|(codigo, campo)| (codigo.to_owned(), campo.to_owned()));
    assert_eq!(erros(&app.write(REGISTRAR_COMPRA, compra).await), expected);
}

#[tokio::test]
async fn unique_values_are_refused_by_field() {
    let app = TestApp::over(&shop::open().await).await;
    app.write(CRIAR_CLIENTE, ana()).await;
    let both = app.write(CRIAR_CLIENTE, ana()).await;
    let taken = ["email", "cpf"].map(|campo| ("JA_CADASTRADO".to_owned(), campo.to_owned()));
    assert_eq!(erros(&both), taken);
    let email = json!({ "id": "cliente_1", "email": "ANA.CELIK@example.com" });
    assert_eq!(erros(&app.write(ATUALIZAR_CLIENTE, email).await), erro("JA_CADASTRADO", "email"));
    let cpf = json!({ "id": "cliente_1", "cpf": "52998224725" });
    assert_eq!(erros(&app.write(ATUALIZAR_CLIENTE, cpf).await), erro("JA_CADASTRADO", "cpf"));
    let own = json!({ "id": "cliente_121", "cpf": "52998224725", "email": "Ana.Celik@example.com" });
    assert_eq!(app.write(ATUALIZAR_CLIENTE, own).await["erros"], json!([]), "its own values are free");
}

#[tokio::test]
async fn readers_may_not_write_and_no_store_is_asked() {
    let app = TestApp::start().await;
    let mutations = [
        (CRIAR_CLIENTE, ana()),
        (ATUALIZAR_CLIENTE, json!({ "id": "1" })),
        (REGISTRAR_COMPRA, json!({ "cliente": "1", "produto": "1", "quantidade": 1 })),
        (
            "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido } }",
            json!({ "id": "1" }),
        ),
        (
            "mutation($input: RemoverProdutoInput!) { removerProduto(input: $input) { idRemovido } }",
            json!({ "id": "1" }),
        ),
        (
            "mutation($input: CancelarCompraInput!) { cancelarCompra(input: $input) { idRemovido } }",
            json!({ "id": "1" }),
        ),
    ];
    for (mutation, input) in mutations {
        let answer = app.ask_with(mutation, json!({ "input": input })).await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "{mutation}");
        assert_eq!(answer.json["data"], Value::Null);
        assert_eq!(answer.statements(), []);
    }
}

#[tokio::test]
async fn addresses_are_added_up_to_fifty() {
    let app = TestApp::over(&shop::open().await).await;
    let endereco = |numero: usize| {
        json!({ "cliente": "cliente_3", "logradouro": "Rua A", "numero": numero.to_string(),
        "cidade": "Santos", "uf": "SP", "cep": "11010-000", "complemento": " " })
    };
    let first = app.write(ADICIONAR_ENDERECO, endereco(1)).await;
    let id = first["endereco"]["id"].clone();
    assert_eq!(
        first["endereco"],
        json!({ "id": id, "logradouro": "Rua A", "complemento": null, "uf": "SP", "cep": "11010000", "pais": "BR",
            "cliente": { "id": "cliente_3", "enderecos": [{ "id": id }] } })
    );
    for numero in 2..=50 {
        assert_eq!(app.write(ADICIONAR_ENDERECO, endereco(numero)).await["erros"], json!([]));
    }
    assert_eq!(
        erros(&app.write(ADICIONAR_ENDERECO, endereco(51)).await),
        erro("LIMITE_DE_ENDERECOS", "cliente")
    );
    let changed = app
        .write(
            "mutation($input: AtualizarEnderecoInput!) { atualizarEndereco(input: $input) {
                endereco { cidade uf bairro } erros { codigo campo } } }",
            json!({ "id": id, "cidade": "Niterói", "uf": "RJ", "bairro": "Icaraí" }),
        )
        .await;
    assert_eq!(
        changed,
        json!({ "endereco": { "cidade": "Niterói", "uf": "RJ", "bairro": "Icaraí" }, "erros": [] })
    );
    let remover = "mutation($input: RemoverEnderecoInput!) { removerEndereco(input: $input) {
        endereco { cidade } idRemovido erros { codigo campo } } }";
    let removed = app.write(remover, json!({ "id": id })).await;
    assert_eq!(removed, json!({ "endereco": { "cidade": "Niterói" }, "idRemovido": id, "erros": [] }));
    assert_eq!(erros(&app.write(remover, json!({ "id": id })).await), erro("NAO_ENCONTRADO", "id"));
    assert_eq!(app.write(ADICIONAR_ENDERECO, endereco(51)).await["erros"], json!([]), "there is room again");
    let nobody = json!({ "cliente": "cliente_999", "logradouro": "R", "numero": "1", "cidade": "C", "uf": "SP", "cep": "11010000" });
    assert_eq!(erros(&app.write(ADICIONAR_ENDERECO, nobody).await), erro("NAO_ENCONTRADO", "cliente"));
}

#[tokio::test]
async fn a_purchase_takes_the_price_of_the_moment_and_keeps_it() {
    let app = TestApp::over(&shop::open().await).await;
    let input = json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 3 });
    let made = app.write(REGISTRAR_COMPRA, input).await;
    let compra = &made["compra"];
    assert_eq!(
        *compra,
        json!({ "id": "compra_841", "quantidade": 3, "precoUnitario": "11.90", "total": "35.70",
            "cliente": { "id": "cliente_1" }, "produto": { "id": "produto_1" } })
    );
    let atualizar = "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) {
        produto { preco disponivel descricao } erros { codigo campo } } }";
    let dearer = json!({ "id": "produto_1", "preco": 20, "disponivel": false });
    assert_eq!(
        app.write(atualizar, dearer).await["produto"],
        json!({ "preco": "20.00", "disponivel": false, "descricao": "Madeira de demolição, número 1" })
    );
    let kept = app.data(r#"{ compra(id: "compra_841") { precoUnitario produto { preco } } }"#).await;
    assert_eq!(kept["compra"], json!({ "precoUnitario": "11.90", "produto": { "preco": "20.00" } }));
    let gone = json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 1 });
    assert_eq!(erros(&app.write(REGISTRAR_COMPRA, gone).await), erro("INDISPONIVEL", "produto"));
    let unknown = json!({ "cliente": "cliente_999", "produto": "produto_999", "quantidade": 1 });
    let both = ["cliente", "produto"].map(|campo| ("NAO_ENCONTRADO".to_owned(), campo.to_owned()));
    assert_eq!(erros(&app.write(REGISTRAR_COMPRA, unknown).await), both);

    let corrigir = "mutation($input: CorrigirCompraInput!) { corrigirCompra(input: $input) {
        compra { quantidade total } erros { codigo campo } } }";
    let corrected = app.write(corrigir, json!({ "id": "compra_841", "quantidade": 2 })).await;
    assert_eq!(corrected["compra"], json!({ "quantidade": 2, "total": "23.80" }));
    let wrong =
        app.write(corrigir, json!({ "id": "compra_841", "quantidade": 0, "precoUnitario": "1.999" })).await;
    let expected = [("FORA_DA_FAIXA", "quantidade"), ("INVALIDO", "precoUnitario")];
    assert_eq!(erros(&wrong), expected.map(|(codigo, campo)| (codigo.to_owned(), campo.to_owned())));
    let cancelar = "mutation($input: CancelarCompraInput!) { cancelarCompra(input: $input) {
        compra { total produto { id } } idRemovido erros { codigo campo } } }";
    let cancelled = app.write(cancelar, json!({ "id": "compra_841" })).await;
    assert_eq!(
        cancelled,
        json!({ "compra": { "total": "23.80", "produto": { "id": "produto_1" } }, "idRemovido": "compra_841", "erros": [] })
    );
    assert_eq!(app.data(r#"{ compra(id: "compra_841") { id } }"#).await["compra"], Value::Null);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_one_effect() {
    let app = TestApp::over(&shop::open().await).await;
    let input = json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 1, "chaveIdempotencia": "pedido-1" });
    let first = app.write(REGISTRAR_COMPRA, input.clone()).await;
    // What has changed since does not matter: the purchase was made.
    let off = json!({ "id": "produto_1", "disponivel": false });
    app.write(
        "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { erros { codigo } } }",
        off,
    )
    .await;
    assert_eq!(app.write(REGISTRAR_COMPRA, input.clone()).await, first);
    let count = app.data(r#"{ cliente(id: "cliente_1") { compras { total } } }"#).await;
    assert_eq!(count["cliente"]["compras"]["total"], shop::COMPRAS_DE_CADA + 1);

    let mut other = input.clone();
    other["quantidade"] = json!(2);
    let answer = app.write_with(REGISTRAR_COMPRA, json!({ "input": other })).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["IDEMPOTENCY_MISMATCH".to_owned()]));
    let mut another = input;
    another["chaveIdempotencia"] = json!("com espaço");
    let answer = app.write_with(REGISTRAR_COMPRA, json!({ "input": another })).await;
    assert_eq!((answer.status, answer.json.get("errors")), (200, None));
    assert_eq!(
        answer.json["data"]["registrarCompra"]["erros"][0]["campo"],
        json!(["chaveIdempotencia"]),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn the_header_is_the_key_of_a_single_mutation() {
    let app = TestApp::over(&shop::open().await).await;
    let variables = json!({ "input": ana() });
    let send = async |key: &str, query: &str| {
        let request = app.write_request(query, &variables).header("Idempotency-Key", key);
        crate::support::app::send(request).await
    };
    let first = send("\"k-1\"", CRIAR_CLIENTE).await;
    assert_eq!(first.json["data"]["criarCliente"]["cliente"]["id"], "cliente_121");
    let again = send("k-1", CRIAR_CLIENTE).await;
    assert_eq!(again.json["data"], first.json["data"], "quotes or not, it is the same key");
    let two = "mutation($input: CriarClienteInput!) {
        a: criarCliente(input: $input) { erros { codigo } } b: criarCliente(input: $input) { erros { codigo } } }";
    let refused = send("k-2", two).await;
    assert_eq!((refused.status, refused.codes()), (400, vec!["BAD_REQUEST".to_owned()]));
    let reading = send("k-3", "{ eu { nome } }").await;
    assert_eq!(reading.status, 400);
}

#[tokio::test]
async fn a_commit_that_is_never_answered_is_looked_up() {
    for loss in [Loss::AfterCommit, Loss::BeforeCommit] {
        let mut app = TestApp::over_proxies(&shop::open().await, DbLimits::default()).await;
        app.proxy(Store::Clientes).lose_next_commit(loss);
        let made = app.write(CRIAR_CLIENTE, ana()).await;
        // Undone by the server, a row's number is used up all the same.
        let id = made["cliente"]["id"].clone();
        assert!(id == "cliente_121" || id == "cliente_122", "{loss:?}: {made}");
        let all = app.data("{ clientes { total } }").await;
        assert_eq!(all["clientes"]["total"], shop::CLIENTES + 1, "{loss:?}: once, and only once");
    }
}

#[tokio::test]
async fn a_store_that_is_down_refuses_its_writes_and_says_so() {
    let mut app = TestApp::over_proxies(&shop::open().await, DbLimits::default()).await;
    app.proxy(Store::Catalogo).cut().await;
    let input = json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 1 });
    let answer = app.write_with(REGISTRAR_COMPRA, json!({ "input": input })).await;
    assert_eq!((answer.status, &answer.json["data"]), (200, &Value::Null));
    let error = answer.only_error();
    assert_eq!(error["extensions"], json!({ "code": "STORE_UNAVAILABLE", "store": "catalogo" }));
    assert_eq!(error["path"], json!(["registrarCompra"]));
    let count = app.data(r#"{ cliente(id: "cliente_1") { compras { total } } }"#).await;
    assert_eq!(count["cliente"]["compras"]["total"], shop::COMPRAS_DE_CADA, "nothing was written");
}

#[tokio::test]
async fn an_outcome_that_nobody_can_tell_is_called_unknown() {
    let databases = shop::open().await;
    let mut app = TestApp::over_proxies(&databases, DbLimits::default()).await;
    let mut input = ana();
    input["chaveIdempotencia"] = json!("k-1");
    app.proxy(Store::Clientes).lose_next_commit(Loss::AfterCommitForGood);
    let answer = app.write_with(CRIAR_CLIENTE, json!({ "input": input })).await;
    assert_eq!(answer.only_error()["extensions"], json!({ "code": "OUTCOME_UNKNOWN", "store": "clientes" }));
    // The same key, when the store is back, tells.
    let back = TestApp::over(&databases).await;
    assert_eq!(back.write(CRIAR_CLIENTE, input).await["cliente"]["id"], "cliente_121");
    assert_eq!(back.data("{ clientes { total } }").await["clientes"]["total"], shop::CLIENTES + 1);
}

#[tokio::test]
async fn a_key_that_is_in_flight_is_a_conflict() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    let options = Server::shared().await.options(Store::Clientes, &databases[Store::Clientes]);
    let mut other = quarteto::db::connect(&options, None).await.expect("connected").into_mysql();
    let claimed = "BEGIN; INSERT INTO `idempotency` (`user_name`, `idempotency_key`, `generated`, `operation`, `digest`) \
                   VALUES ('editor', 'k-1', FALSE, 'criarCliente', REPEAT('0', 32))";
    sqlx::raw_sql(claimed).execute(&mut other).await.expect("claimed");
    let mut input = ana();
    input["chaveIdempotencia"] = json!("k-1");
    let answer = app.write_with(CRIAR_CLIENTE, json!({ "input": input })).await;
    assert_eq!(answer.codes(), ["CONFLICT"]);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("given up");
    assert_eq!(app.write(CRIAR_CLIENTE, input).await["erros"], json!([]));
}

#[tokio::test]
async fn a_write_runs_to_its_end_when_the_client_hangs_up() {
    let databases = shop::open().await;
    let mut app = TestApp::over_proxies(&databases, patience()).await;
    let mut proxies = app.proxies.take().expect("behind proxies");
    let proxy = &mut proxies[Store::Clientes];
    proxy.hold();
    let request = app.write_request(CRIAR_CLIENTE, &json!({ "input": ana() }));
    let client = tokio::spawn(request.send());
    proxy.holds_something().await;
    client.abort();
    assert!(client.await.expect_err("hung up").is_cancelled());
    proxy.restore().await;
    let other = TestApp::over(&databases).await;
    for _ in 0..100_000 {
        let data = other.data(r#"{ clientePorEmail(email: "ana.celik@example.com") { nome } }"#).await;
        if data["clientePorEmail"].is_object() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it was never written");
}

#[tokio::test]
async fn records_are_purged_when_their_time_has_passed() {
    let databases = shop::open().await;
    let options = Server::shared().await.options(Store::Clientes, &databases[Store::Clientes]);
    let mut mysql = quarteto::db::connect(&options, None).await.expect("connected").into_mysql();
    for (key, generated, hours) in
        [("young", false, 719), ("old", false, 721), ("young-own", true, 0), ("old-own", true, 2)]
    {
        sqlx::query(
            "INSERT INTO `idempotency` (`user_name`, `idempotency_key`, `generated`, `operation`, `digest`, `result`, `created_at`) \
             VALUES ('a', ?, ?, 'criarCliente', REPEAT('0', 32), 1, CURRENT_TIMESTAMP(6) - INTERVAL ? HOUR)",
        )
        .bind(key)
        .bind(generated)
        .bind(hours)
        .execute(&mut mysql)
        .await
        .expect("inserted");
    }
    let db = Db::new(Store::Clientes, options, DbLimits::default());
    assert_eq!(record::purge(&db).await.expect("purged"), 2);
    let left: Vec<String> = sqlx::query_scalar("SELECT `idempotency_key` FROM `idempotency` ORDER BY 1")
        .fetch_all(&mut mysql)
        .await
        .expect("read");
    assert_eq!(left, ["young", "young-own"]);
}
