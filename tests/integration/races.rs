//! Many writers at the same time.

use futures_util::future::join_all;

use crate::support::{Shape, TestApp, Value, in_both_shapes, json, shop};

in_both_shapes!(
    fifty_racing_clients_with_one_cpf_are_one_client,
    twenty_retries_of_one_key_are_one_purchase,
    the_fiftieth_address_is_added_once,
    of_updates_that_saw_the_same_moment_one_is_kept,
);

async fn all(app: &TestApp, mutation: &str, inputs: Vec<Value>) -> Vec<Value> {
    join_all(inputs.into_iter().map(|input| app.write(mutation, input))).await
}

async fn fifty_racing_clients_with_one_cpf_are_one_client(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let mutation = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } erros { codigo campo } } }";
    let input =
        |n: usize| json!({ "nome": "Ana", "email": format!("ana{n}@example.com"), "cpf": "52998224725" });
    let payloads = all(&app, mutation, (0..50).map(input).collect()).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        payloads.iter().partition(|payload| payload["cliente"].is_object());
    assert_eq!((made.len(), refused.len()), (1, 49));
    for payload in refused {
        assert_eq!(payload["erros"], json!([{ "codigo": "JA_CADASTRADO", "campo": ["cpf"] }]));
    }
    assert_eq!(app.data("{ clientes { total } }").await["clientes"]["total"], shop::CLIENTES + 1);
}

async fn twenty_retries_of_one_key_are_one_purchase(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let mutation = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id total } erros { codigo } } }";
    let input =
        json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 1, "chaveIdempotencia": "um" });
    let payloads = all(&app, mutation, vec![input; 20]).await;
    for payload in &payloads {
        assert_eq!(*payload, payloads[0]);
    }
    assert!(payloads[0]["compra"].is_object());
    let count = app.data(r#"{ cliente(id: "cliente_1") { compras { total } } }"#).await;
    assert_eq!(count["cliente"]["compras"]["total"], shop::COMPRAS_DE_CADA + 1);
}

async fn the_fiftieth_address_is_added_once(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let mutation = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id } erros { codigo } } }";
    let input = |n: usize| json!({ "cliente": "cliente_3", "logradouro": "R", "numero": n.to_string(), "cidade": "C", "uf": "SP", "cep": "11010000" });
    let payloads = all(&app, mutation, (0..60).map(input).collect()).await;
    let made = payloads.iter().filter(|payload| payload["endereco"].is_object()).count();
    assert_eq!(made, 50);
    let there = app.data(r#"{ cliente(id: "cliente_3") { enderecos { id } } }"#).await;
    assert_eq!(there["cliente"]["enderecos"].as_array().map(Vec::len), Some(50));
}

async fn of_updates_that_saw_the_same_moment_one_is_kept(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let seen = app.data(r#"{ produto(id: "produto_1") { atualizadoEm } }"#).await;
    let mutation = "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { produto { preco } erros { codigo } } }";
    let input = |n: usize| json!({ "id": "produto_1", "preco": format!("{n}.00"), "atualizadoEm": seen["produto"]["atualizadoEm"] });
    let payloads = all(&app, mutation, (1..=20).map(input).collect()).await;
    let kept: Vec<&Value> = payloads.iter().filter(|payload| payload["produto"].is_object()).collect();
    assert_eq!(kept.len(), 1);
    let now = app.data(r#"{ produto(id: "produto_1") { preco } }"#).await;
    assert_eq!(now["produto"], kept[0]["produto"]);
}
