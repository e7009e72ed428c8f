//! How many statements a query costs: a constant, whatever the number of rows.

use crate::support::{TestApp, json, shop};
use quarteto::db::{DbLimits, Store};

const PURCHASES: &str = "query($n: Int) { clientes(first: $n) {
    total
    nodes {
      nome
      enderecos { cidade cliente { nome } }
      compras(first: 5) { total nodes { quantidade produto { nome descricao } } }
      resumoCompras { total }
    } } }";

const PRODUCTS: &str = "query($n: Int) { clientes(first: $n) {
    nodes { produtos(first: 5) { total edges { quantidade node { nome resumoVendas { total } } } } } } }";

fn named(counts: [(&str, u64); 4]) -> Vec<(String, u64)> {
    let asked = counts.into_iter().filter(|(_, count)| *count > 0);
    asked.map(|(store, count)| (store.to_owned(), count)).collect()
}

#[tokio::test]
async fn the_same_for_1_20_and_100_parents() {
    let app = TestApp::start().await;
    for (query, expected) in [
        // clientes: the page, its total, the clients of the addresses; catalogo:
        // products, descriptions; inventario: purchases, summaries, totals
        (PURCHASES, named([("clientes", 3), ("enderecos", 1), ("catalogo", 2), ("inventario", 3)])),
        // inventario: products, their totals, their sales
        (PRODUCTS, named([("clientes", 1), ("enderecos", 0), ("catalogo", 1), ("inventario", 3)])),
    ] {
        // The first client has one address, every third has none.
        for parents in [1, 20, 100] {
            let answer = app.ask_with(query, json!({ "n": parents })).await;
            assert_eq!(answer.json.get("errors"), None);
            assert_eq!(answer.json["data"]["clientes"]["nodes"].as_array().map(Vec::len), Some(parents));
            assert_eq!(answer.statements(), expected, "{parents}");
        }
    }
}

#[tokio::test]
async fn nested_four_levels_deep() {
    let app = TestApp::start().await;
    let query = "query($n: Int) { clientes(first: $n) { nodes { compras(first: 2) { nodes { produto {
        compras(first: 2) { nodes { cliente { enderecos { cidade } } } } } } } } } }";
    for parents in [1, 20, 90] {
        let answer = app.ask_with(query, json!({ "n": parents })).await;
        assert_eq!(answer.json.get("errors"), None);
        assert_eq!(
            answer.statements(),
            named([("clientes", 2), ("enderecos", 1), ("catalogo", 1), ("inventario", 2)])
        );
    }
}

#[tokio::test]
async fn nothing_is_asked_that_nobody_selected() {
    let app = TestApp::start().await;
    for (query, expected) in [
        ("{ eu { nome } }", vec![]),
        ("{ __schema { queryType { name } } }", vec![]),
        ("{ clientes { nodes { nome } } }", vec![("clientes", 1)]),
        ("{ clientes { total } }", vec![("clientes", 2)]),
        ("{ cliente(id: 1) { id } }", vec![("clientes", 1)]),
        ("{ produtos { nodes { nome } } }", vec![("catalogo", 1)]),
        ("{ produtos { nodes { descricao } } }", vec![("catalogo", 2)]),
        (
            "{ cliente(id: 1) { produtos { edges { quantidade } } } }",
            vec![("clientes", 1), ("inventario", 1)],
        ),
        (
            "{ a: cliente(id: 1) { nome } b: cliente(id: 2) { nome } c: cliente(id: 1) { nome } }",
            vec![("clientes", 1)],
        ),
    ] {
        let expected: Vec<(String, u64)> =
            expected.into_iter().map(|(store, count)| (store.to_owned(), count)).collect();
        assert_eq!(app.ask(query).await.statements(), expected, "{query}");
    }
}

#[tokio::test]
async fn the_tally_is_what_the_wire_sees() {
    let mut app = TestApp::behind_proxies(DbLimits::default()).await;
    let answer = app.ask_with(PURCHASES, json!({ "n": 20 })).await;
    assert_eq!(answer.json.get("errors"), None);
    for (store, count) in answer.statements() {
        let store: Store = store.parse().expect("a store");
        assert_eq!(app.proxy(store).executed(), count, "{store}");
    }
}

/// BEGIN and COMMIT are not counted: nine in all, and one more for the object in the answer.
#[tokio::test]
async fn a_purchase_is_seven_statements() {
    let app = TestApp::over(&shop::open().await).await;
    let query =
        "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { erros { codigo } } }";
    let input = json!({ "cliente": "cliente_1", "produto": "produto_1", "quantidade": 1 });
    // The first of a client and of a product makes their notes.
    app.write(query, input.clone()).await;
    let answer = app.write_with(query, json!({ "input": input })).await;
    assert_eq!(answer.json.get("errors"), None);
    let expected = [("clientes", 1), ("catalogo", 1), ("inventario", 5)];
    assert_eq!(answer.statements(), expected.map(|(store, count)| (store.to_owned(), count)));
}
