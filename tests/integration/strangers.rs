//! Rows that another program has written against the rules of the tables: each costs
//! itself alone.

use quarteto::db::Store;

use crate::support::{TestApp, Value, json, shop};

/// A session that checks nothing, as old programs have it.
const LOOSE: &str = "SET SESSION sql_mode = ''; ";

fn told(store: &str, id: u64) -> Value {
    json!(format!(
        "The store `{store}` has the row {id} that cannot be read, since another program has written it; it is left out."
    ))
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_itself_alone() {
    let databases = shop::open().await;
    for (store, text) in [
        (
            Store::Clientes,
            "UPDATE cadastro SET criado_em = '0000-00-00' WHERE id = 7; UPDATE cadastro SET atualizado_em = '0000-00-00' WHERE id = 109",
        ),
        (Store::Enderecos, "UPDATE endereco SET criado_em = '0000-00-00' WHERE id = 1"),
        (Store::Catalogo, "UPDATE catalogo SET atualizado_em = '0000-00-00' WHERE id = 4"),
        (Store::Inventario, "UPDATE inventario SET adquirido_em = '0000-00-00' WHERE id = 840"),
    ] {
        shop::sql(&databases, store, &format!("{LOOSE}{text}")).await;
    }
    let app = TestApp::over(&databases).await;
    for (query, data, store, id) in [
        (
            "{ clientes(first: 3, after: AFTER) { nodes { id } pageInfo { hasNextPage } } }",
            json!({ "clientes": { "nodes": [{ "id": "cliente_6" }, { "id": "cliente_8" }], "pageInfo": { "hasNextPage": true } } }),
            "clientes",
            7,
        ),
        ("{ cliente(id: 7) { id nome } }", json!({ "cliente": null }), "clientes", 7),
        ("{ cliente(id: 109) { id nome } }", json!({ "cliente": null }), "clientes", 109),
        (
            "{ cliente(id: 1) { nome enderecos { id } } }",
            json!({ "cliente": { "nome": "Bruno Sá", "enderecos": [] } }),
            "enderecos",
            1,
        ),
        (
            "{ produtos(filtro: { busca: \"jantar\" }, first: 1) { nodes { id } pageInfo { hasNextPage } } }",
            json!({ "produtos": { "nodes": [], "pageInfo": { "hasNextPage": true } } }),
            "catalogo",
            4,
        ),
        ("{ compra(id: 840) { id } }", json!({ "compra": null }), "inventario", 840),
    ] {
        let after = app.data("{ clientes(first: 5) { pageInfo { endCursor } } }").await;
        let after = after["clientes"]["pageInfo"]["endCursor"].to_string();
        let answer = app.ask(&query.replace("AFTER", &after)).await;
        assert_eq!(answer.json["data"], data, "{query}");
        let error = answer.only_error();
        assert_eq!(error["message"], told(store, id), "{query}");
        assert_eq!(error["extensions"], json!({ "code": "STORE_UNREADABLE", "store": store }), "{query}");
    }
    // The store is well, and its other rows are answered.
    assert_eq!(
        app.data("{ cliente(id: 8) { id } produto(id: 5) { id } }").await["produto"]["id"],
        "produto_5"
    );
}
