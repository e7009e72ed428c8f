//! Identity is not likeness: who is the same is decided by a key, what is found is
//! decided by what people take for alike.

use quarteto::db::Store;
use quarteto::stores::migrate;
use quarteto::text::{email_key, nfc};

use crate::support::server::Server;
use crate::support::{TestApp, Value, json, shop};

const CRIAR: &str = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) {
    cliente { id nome email telefone } erros { codigo campo mensagem } } }";
const ATUALIZAR: &str = "mutation($input: AtualizarClienteInput!) { atualizarCliente(input: $input) {
    cliente { id nome email telefone } erros { codigo campo mensagem } } }";

/// A CPF for each number.
fn cpf(number: u32) -> String {
    quarteto::kernel::scalars::Cpf::from_base(700_000 + number).digits().to_owned()
}

async fn found(app: &TestApp, email: &str) -> Value {
    let query = "query($e: String!) { clientePorEmail(email: $e) { email } }";
    app.ask_with(query, json!({ "e": email })).await.json["data"]["clientePorEmail"].clone()
}

#[tokio::test]
async fn an_address_is_its_key_and_an_accent_is_a_difference() {
    let app = TestApp::over(&shop::open().await).await;
    let kept = [
        "jose.reis@exemplo.com.br",
        "Strasse@exemplo.com",
        "contato@açaí.com.br",
        "ação@exemplo.com",
        "emoji🎉@exemplo.com",
    ];
    for (number, email) in (1..).zip(kept) {
        let input = json!({ "nome": "X", "email": email, "cpf": cpf(number) });
        assert_eq!(app.write(CRIAR, input).await["cliente"]["email"], email);
    }
    // The same, in another spelling.
    for (spelling, email) in [
        ("JOSE.REIS@EXEMPLO.COM.BR", kept[0]),
        (" jose.reis@exemplo.com.br ", kept[0]),
        ("strasse@exemplo.com", kept[1]),
        ("contato@AC\u{327}AI\u{301}.com.br", kept[2]),
        ("contato@xn--aa-4iaz.com.br", kept[2]),
        ("AC\u{327}A\u{303}O@exemplo.com", kept[3]),
    ] {
        assert_eq!(found(&app, spelling).await, json!({ "email": email }), "{spelling}");
        let taken = app.write(CRIAR, json!({ "nome": "X", "email": spelling, "cpf": cpf(90) })).await;
        let erro = json!([{ "codigo": "JA_CADASTRADO", "campo": ["email"],
            "mensagem": "Este e-mail já pertence a outro cliente." }]);
        assert_eq!(taken, json!({ "cliente": null, "erros": erro }), "{spelling}");
    }
    // Others, that only look like one.
    for (number, other) in (20..).zip([
        "jóse.réis@exemplo.com.br",
        "straße@exemplo.com",
        "contato@acai.com.br",
        "acao@exemplo.com",
        "emoji@exemplo.com",
        "ｊｏｓｅ.reis@exemplo.com.br",
    ]) {
        assert_eq!(found(&app, other).await, Value::Null, "{other}");
        let made = app.write(CRIAR, json!({ "nome": "X", "email": other, "cpf": cpf(number) })).await;
        assert_eq!((&made["cliente"]["email"], &made["erros"]), (&json!(other), &json!([])), "{other}");
    }
}

#[tokio::test]
async fn addresses_that_no_domain_could_have_are_refused() {
    let app = TestApp::start().await;
    for email in [
        "a@1.2.3.4",
        "a@exemplo.123",
        "a@b_c.com",
        "a@-b.com",
        "a@exemplo",
        "a@exemplo..com",
        "a@exem\u{ad}plo.com",
        "a\u{200b}@exemplo.com",
        "a@b@c.com",
    ] {
        let refused = app.write(CRIAR, json!({ "nome": "X", "email": email, "cpf": cpf(1) })).await;
        assert_eq!(
            (&refused["erros"][0]["codigo"], &refused["erros"][0]["campo"]),
            (&json!("INVALIDO"), &json!(["email"])),
            "{email}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_refused_in_every_text() {
    let app = TestApp::over(&shop::open().await).await;
    let told = "O texto contém um caractere invisível, U+202E (RIGHT-TO-LEFT OVERRIDE); apague-o.";
    let hidden = "a\u{202e}b";
    let cliente = json!({ "id": "1", "nome": hidden });
    let endereco = |campo: &str| {
        let mut input = json!({ "id": "1" });
        input[campo] = json!(hidden);
        input
    };
    let erro = |campo: &str| json!([{ "codigo": "INVALIDO", "campo": [campo], "mensagem": told }]);
    assert_eq!(app.write(ATUALIZAR, cliente).await["erros"], erro("nome"));
    let produto = "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { erros { codigo campo mensagem } } }";
    for campo in ["nome", "descricao"] {
        assert_eq!(app.write(produto, endereco(campo)).await["erros"], erro(campo));
    }
    let mutation = "mutation($input: AtualizarEnderecoInput!) { atualizarEndereco(input: $input) { erros { codigo campo mensagem } } }";
    for campo in ["logradouro", "numero", "complemento", "bairro", "cidade"] {
        assert_eq!(app.write(mutation, endereco(campo)).await["erros"], erro(campo));
    }
}

#[tokio::test]
async fn what_is_typed_in_parts_is_kept_and_found_as_one() {
    let app = TestApp::over(&shop::open().await).await;
    let made = app
        .write(CRIAR, json!({ "nome": "Joa\u{303}o  D\u{2019}A\u{301}vila", "email": "joa\u{303}o@exemplo.com", "cpf": cpf(1) }))
        .await;
    assert_eq!(made["cliente"]["nome"], "João  D\u{2019}Ávila", "as typed, in its normal form");
    assert_eq!(made["cliente"]["email"], "joão@exemplo.com");
    // As a variable, and in the document.
    for part in ["João D'Ávila", "joao d\u{2019}avila", "JOA\u{303}O   d´avila", "jo\u{e3}o\u{a0}d"] {
        let query = "query($n: String!) { clientes(filtro: { nomeContem: $n }) { nodes { id } } }";
        let by_variable = app.ask_with(query, json!({ "n": part })).await;
        assert_eq!(by_variable.json["data"]["clientes"]["nodes"], json!([{ "id": "cliente_121" }]), "{part}");
        let query = format!("{{ clientes(filtro: {{ nomeContem: \"{part}\" }}) {{ nodes {{ id }} }} }}");
        assert_eq!(app.data(&query).await["clientes"]["nodes"], json!([{ "id": "cliente_121" }]), "{part}");
    }
    // `%` and `_` stand for themselves.
    let query = "{ clientes(filtro: { nomeContem: \"Jo_o\" }) { nodes { id } } }";
    assert_eq!(app.data(query).await["clientes"]["nodes"], json!([]));
}

#[tokio::test]
async fn a_city_is_found_however_it_is_typed() {
    let app = TestApp::over(&shop::open().await).await;
    let add = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id cep } erros { codigo } } }";
    let made = app
        .write(
            add,
            json!({ "cliente": "3", "logradouro": "R", "numero": "1", "cidade": "Pau d\u{2019}Alho  do Sul",
            "uf": "SP", "cep": "01.310\u{a0}100" }),
        )
        .await;
    assert_eq!(made["endereco"]["cep"], "01310100");
    for cidade in ["Pau D'Alho do Sul", "PAU D´ALHO DO SUL ", "pau d\u{2019}alho  do sul"] {
        let query = "query($c: String!) { enderecos(filtro: { uf: SP, cidade: $c }) { nodes { id } } }";
        let found = app.ask_with(query, json!({ "c": cidade })).await;
        assert_eq!(
            found.json["data"]["enderecos"]["nodes"],
            json!([{ "id": made["endereco"]["id"] }]),
            "{cidade}"
        );
    }
}

#[tokio::test]
async fn telephones_are_taken_as_pasted_and_shown_as_dialled() {
    let app = TestApp::over(&shop::open().await).await;
    for (typed, shown) in [
        ("(11) 91234-5678", "11912345678"),
        ("\u{202a}+55\u{a0}11\u{2011}91234\u{2011}5678\u{202c}", "11912345678"),
        ("5511912345678", "11912345678"),
        ("0 11 3456 7890", "1134567890"),
        ("0800 123 4567", "08001234567"),
        ("+351 912 345 678", "+351912345678"),
    ] {
        let changed = app.write(ATUALIZAR, json!({ "id": "1", "telefone": typed })).await;
        assert_eq!(changed["cliente"]["telefone"], shown, "{typed}");
        // What is shown may be given back.
        let again = app.write(ATUALIZAR, json!({ "id": "1", "telefone": shown })).await;
        assert_eq!(again["cliente"]["telefone"], shown, "{typed}");
    }
    let refused = app.write(ATUALIZAR, json!({ "id": "1", "telefone": "(11) 1234-5678 ramal 12" })).await;
    assert_eq!(
        refused["erros"][0]["mensagem"],
        "O telefone não é válido: escreva só o número, sem ramal nem observação. Ele tem a forma (11) 91234-5678 ou +351 912 345 678."
    );
}

#[tokio::test]
async fn every_word_of_a_product_can_be_searched() {
    let app = TestApp::over(&shop::open().await).await;
    let create = "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id } erros { codigo } } }";
    for (nome, descricao) in [
        ("TV 4K 55\"", "Wi-Fi, nº 7"),
        ("Livro C++", "com capa dura, The Who"),
        ("Xi\u{301}cara 🍎", "para café"),
    ] {
        app.write(create, json!({ "nome": nome, "descricao": descricao, "preco": "10" })).await;
    }
    for (busca, expected) in [
        ("tv", &[41][..]),
        ("4k", &[41]),
        ("55", &[41]),
        ("wi-fi", &[41]),
        ("nº 7", &[41]),
        ("c++", &[42]),
        ("c+", &[42]),
        ("com capa", &[42]),
        ("the who", &[42]),
        ("xicara", &[43]),
        ("xi\u{301}cara", &[43]),
        ("🍎", &[43]),
        ("cafe", &[43]),
        ("tv livro", &[]),
        ("qz", &[]),
        ("2b", &[]),
    ] {
        let query = "query($b: String!) { produtos(filtro: { busca: $b }) { nodes { id } } }";
        let answer = app.ask_with(query, json!({ "b": busca })).await;
        let expected: Vec<Value> =
            expected.iter().map(|id| json!({ "id": format!("produto_{id}") })).collect();
        assert_eq!(answer.json["data"]["produtos"]["nodes"], json!(expected), "{busca}");
    }
}

/// A store as the last version left it, with what it let in.
#[tokio::test]
async fn rows_of_earlier_versions_are_brought_into_todays_form() {
    let (server, databases) = (Server::shared().await, shop::open().await);
    for (store, back) in [
        (
            Store::Clientes,
            "ALTER TABLE cadastro DROP KEY cadastro_email_chave, DROP COLUMN email_chave, DROP COLUMN nome_busca, \
             ADD UNIQUE KEY cadastro_email (email); DELETE FROM _sqlx_migrations WHERE version > 3; \
             UPDATE cadastro SET nome = CONVERT(CONCAT('Joa', _utf8mb4 x'CC83', 'o') USING utf8mb4), \
             email = 'JOAO@Exemplo.com', telefone = '(11) 91234-5678' WHERE id = 1; \
             UPDATE cadastro SET telefone = '1234' WHERE id = 2",
        ),
        (
            Store::Enderecos,
            "ALTER TABLE endereco DROP KEY endereco_uf_cidade_busca, DROP KEY endereco_cidade_busca, DROP COLUMN cidade_busca, \
             ADD KEY endereco_uf_cidade (uf, cidade, id), ADD KEY endereco_cidade (cidade, id); \
             DELETE FROM _sqlx_migrations WHERE version > 3",
        ),
        (
            Store::Catalogo,
            "ALTER TABLE catalogo DROP KEY catalogo_palavras, DROP COLUMN busca, ADD FULLTEXT KEY catalogo_busca (nome, descricao); \
             DELETE FROM _sqlx_migrations WHERE version > 2",
        ),
        (
            Store::Inventario,
            "ALTER TABLE inventario DROP KEY inventario_cliente_adquirido, DROP KEY inventario_produto_adquirido, \
             ADD KEY inventario_cliente (id_cliente, id), ADD KEY inventario_produto (id_produto, id); \
             DELETE FROM _sqlx_migrations WHERE version > 6",
        ),
    ] {
        shop::sql(&databases, store, back).await;
        let applied = migrate(store, &server.options(store, &databases[store])).await;
        assert!(matches!(applied, Ok(1..)), "{store}: {applied:?}");
        assert!(matches!(migrate(store, &server.options(store, &databases[store])).await, Ok(0)));
    }
    let app = TestApp::over(&databases).await;
    let data = app
        .data(
            r#"{ clientePorEmail(email: "joao@exemplo.com") { id nome email telefone }
                 clientes(filtro: { nomeContem: "joao" }) { nodes { id } }
                 cliente(id: 2) { telefone }
                 enderecos(filtro: { cidade: "sao paulo" }, first: 1) { nodes { cidade } }
                 produtos(filtro: { busca: "demolicao 4" }, first: 1) { nodes { nome } } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({
            "clientePorEmail": { "id": "cliente_1", "nome": "João", "email": "JOAO@Exemplo.com", "telefone": "11912345678" },
            "clientes": { "nodes": [{ "id": "cliente_1" }] },
            // No number: left as it is, and not guessed.
            "cliente": { "telefone": "1234" },
            "enderecos": { "nodes": [{ "cidade": "São Paulo" }] },
            "produtos": { "nodes": [{ "nome": "Mesa de jantar 4" }] },
        })
    );
}

#[tokio::test]
async fn clients_who_would_become_one_are_listed_and_nothing_is_guessed() {
    let (server, databases) = (Server::shared().await, shop::open().await);
    shop::sql(
        &databases,
        Store::Clientes,
        "ALTER TABLE cadastro DROP KEY cadastro_email_chave, DROP COLUMN email_chave, DROP COLUMN nome_busca, \
         ADD UNIQUE KEY cadastro_email (email); DELETE FROM _sqlx_migrations WHERE version > 3; \
         UPDATE cadastro SET email = 'a@xn--aa-4iaz.com.br' WHERE id = 7; UPDATE cadastro SET email = 'a@açaí.com.br' WHERE id = 9",
    )
    .await;
    let options = server.options(Store::Clientes, &databases[Store::Clientes]);
    for _ in 0..2 {
        let refused = migrate(Store::Clientes, &options).await.expect_err("refused").to_string();
        assert_eq!(
            refused,
            "store clientes: one e-mail address belongs to several clients: cliente_7 and cliente_9; \
             nothing was guessed: mend them and run `quarteto migrate` again"
        );
    }
    shop::sql(&databases, Store::Clientes, "UPDATE cadastro SET email = 'b@exemplo.com' WHERE id = 9").await;
    assert!(matches!(migrate(Store::Clientes, &options).await, Ok(1..)));
}

/// A row that another program inserts, which knows nothing of our columns.
#[tokio::test]
async fn rows_of_other_programs_have_a_key_and_get_their_words() {
    let (server, databases) = (Server::shared().await, shop::open().await);
    shop::sql(
        &databases,
        Store::Clientes,
        "INSERT INTO cadastro (nome, email, cpf) VALUES ('Novo', 'NOVO@exemplo.com', '52998224725')",
    )
    .await;
    shop::sql(&databases, Store::Catalogo, "INSERT INTO catalogo (nome, preco) VALUES ('Rádio AM', 10)")
        .await;
    let app = TestApp::over(&databases).await;
    let query = r#"{ clientePorEmail(email: "novo@exemplo.com") { nome } clientes(filtro: { nomeContem: "novo" }) { total }
        produtos(filtro: { busca: "am" }) { total } }"#;
    let found = |words: u64| json!({ "clientePorEmail": { "nome": "Novo" }, "clientes": { "total": 1 }, "produtos": { "total": words } });
    assert_eq!(app.data(query).await, found(0));
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    assert!(matches!(migrate(Store::Catalogo, &options).await, Ok(0)));
    assert_eq!(app.data(query).await, found(1));
}

/// Any text is refused by a rule or comes back equal in its normal form; what is kept of
/// an address is found again by it.
#[tokio::test]
async fn any_text_is_refused_or_comes_back() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    let app = TestApp::over(&shop::open().await).await;
    let mut runner = TestRunner::deterministic();
    let texts = proptest::prop_oneof![
        proptest::prelude::any::<String>(),
        "[a-zçãéA-Z '’\u{301}\u{a0}\u{200b}]{1,20}",
        "[\\PC]{1,40}",
    ];
    let (mut kept, mut refused) = (0, 0);
    for number in 0..200_u32 {
        let nome = texts.new_tree(&mut runner).expect("a text").current();
        let email = format!("{}@exemplo.com", texts.new_tree(&mut runner).expect("a text").current());
        let input = json!({ "id": number % 100 + 1, "nome": nome });
        let payload = app.write(ATUALIZAR, input).await;
        if payload["erros"] == json!([]) {
            assert_eq!(payload["cliente"]["nome"], nfc(nome.trim().to_owned()), "{nome:?}");
            kept += 1;
        } else {
            assert_eq!(payload["erros"][0]["campo"], json!(["nome"]), "{nome:?}");
            refused += 1;
        }
        let payload = app.write(ATUALIZAR, json!({ "id": number % 100 + 1, "email": email })).await;
        if payload["erros"] == json!([]) {
            let there = found(&app, &email).await;
            assert_eq!(email_key(there["email"].as_str().expect("found")), email_key(&email), "{email:?}");
        }
    }
    assert!(kept > 20 && refused > 20, "{kept} kept, {refused} refused");
}
