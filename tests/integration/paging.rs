//! Pages: every row once, forwards and backwards, over ties.

use crate::support::{TestApp, Value, json, shop};

/// Walks a connection to its end and returns the ids in the order in which the
/// connection has them.
async fn walk(app: &TestApp, field: &str, selection: &str, forwards: bool, size: usize) -> Vec<String> {
    let (amount, cursor) = if forwards { ("first", "after") } else { ("last", "before") };
    let query = format!(
        "query($size: Int, $cursor: String) {{ {} }}",
        selection.replace("…", &format!("{amount}: $size, {cursor}: $cursor"))
    );
    let (mut ids, mut at) = (Vec::new(), Value::Null);
    loop {
        let answer = app.ask_with(&query, json!({ "size": size, "cursor": at })).await;
        let connection =
            answer.json["data"].pointer(field).unwrap_or_else(|| panic!("{}", answer.json)).clone();
        let page: Vec<String> = connection["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| node["id"].as_str().expect("an id").to_owned())
            .collect();
        let info = &connection["pageInfo"];
        let more = if forwards {
            ids.extend(page);
            at = info["endCursor"].clone();
            &info["hasNextPage"]
        } else {
            ids.splice(0..0, page);
            at = info["startCursor"].clone();
            &info["hasPreviousPage"]
        };
        if more == &json!(false) {
            return ids;
        }
        assert!(ids.len() < 2000, "the walk does not end");
    }
}

const INFO: &str = "nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

#[tokio::test]
async fn every_order_gives_every_row_once_in_both_directions() {
    let app = TestApp::start().await;
    let mut listings: Vec<(String, String, u64)> = ["ID", "NOME_ASC", "NOME_DESC", "MAIS_RECENTES"]
        .map(|order| {
            ("/clientes".into(), format!("clientes(ordem: {order}, …) {{ {INFO} }}"), shop::CLIENTES)
        })
        .into();
    listings.extend(["ID", "NOME_ASC", "PRECO_ASC", "PRECO_DESC", "MAIS_RECENTES"].map(|order| {
        ("/produtos".into(), format!("produtos(ordem: {order}, …) {{ {INFO} }}"), shop::PRODUTOS)
    }));
    listings.push(("/enderecos".into(), format!("enderecos(…) {{ {INFO} }}"), 120));
    listings.push((
        "/compras".into(),
        format!("compras(…) {{ {INFO} }}"),
        shop::CLIENTES * shop::COMPRAS_DE_CADA,
    ));
    listings.push(("/cliente/compras".into(), format!("cliente(id: 5) {{ compras(…) {{ {INFO} }} }}"), 7));
    listings.push(("/produto/compras".into(), format!("produto(id: 5) {{ compras(…) {{ {INFO} }} }}"), 21));
    listings.push(("/cliente/produtos".into(), format!("cliente(id: 5) {{ produtos(…) {{ {INFO} }} }}"), 1));
    for (field, selection, count) in listings {
        let whole = walk(&app, &field, &selection, true, 100).await;
        let mut distinct = whole.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len() as u64, count, "{selection}");
        for (forwards, size) in [(true, 7), (true, 1), (false, 7), (false, 100)] {
            if size == 1 && count > 200 {
                continue;
            }
            assert_eq!(
                walk(&app, &field, &selection, forwards, size).await,
                whole,
                "{selection} {forwards} {size}"
            );
        }
    }
}

#[tokio::test]
async fn orders_are_what_they_say() {
    let app = TestApp::start().await;
    let data = app
        .data(
            "{ a: clientes(ordem: NOME_ASC, first: 2) { nodes { nome id } } b: clientes(ordem: NOME_DESC, first: 2) { nodes { nome id } }
               c: produtos(ordem: PRECO_DESC, first: 2) { nodes { preco id } } d: produtos(ordem: PRECO_ASC, first: 2) { nodes { preco id } }
               e: clientes(ordem: MAIS_RECENTES, first: 1) { nodes { id } } f: compras(first: 1) { nodes { id } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "a": { "nodes": [{ "nome": "Ana Conceição", "id": "cliente_5" }, { "nome": "Ana Conceição", "id": "cliente_10" }] },
            "b": { "nodes": [{ "nome": "Érica 🎉 Nunes", "id": "cliente_119" }, { "nome": "Érica 🎉 Nunes", "id": "cliente_114" }] },
            "c": { "nodes": [{ "preco": "17.90", "id": "produto_39" }, { "preco": "17.90", "id": "produto_31" }] },
            "d": { "nodes": [{ "preco": "10.90", "id": "produto_8" }, { "preco": "10.90", "id": "produto_16" }] },
            "e": { "nodes": [{ "id": "cliente_120" }] },
            "f": { "nodes": [{ "id": "compra_840" }] },
        })
    );
}

#[tokio::test]
async fn a_window_between_two_cursors() {
    let app = TestApp::start().await;
    let edges = app.data("{ clientes(first: 10) { edges { cursor node { id } } } }").await;
    let cursor = |n: usize| edges["clientes"]["edges"][n]["cursor"].as_str().expect("a cursor").to_owned();
    let query = "query($a: String, $b: String) { clientes(after: $a, before: $b, first: 3) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } }";
    let answer = app.ask_with(query, json!({ "a": cursor(1), "b": cursor(5) })).await;
    assert_eq!(
        answer.json["data"]["clientes"],
        json!({ "nodes": [{ "id": "cliente_3" }, { "id": "cliente_4" }, { "id": "cliente_5" }],
                "pageInfo": { "hasNextPage": false, "hasPreviousPage": true } })
    );
}

#[tokio::test]
async fn sizes_out_of_range_are_refused() {
    let app = TestApp::start().await;
    for (arguments, message) in [
        ("first: 0", "`first` must be between 1 and 100, not 0."),
        ("first: -1", "`first` must be between 1 and 100, not -1."),
        ("first: 101", "`first` must be between 1 and 100, not 101."),
        ("last: 1000", "`last` must be between 1 and 100, not 1000."),
        ("first: 1, last: 1", "`first` and `last` cannot be combined; give one of them."),
    ] {
        for field in ["clientes", "enderecos", "produtos", "compras"] {
            let error = app.error(&format!("{{ {field}({arguments}) {{ total }} }}")).await;
            assert_eq!(error["message"], message);
            assert_eq!(error["extensions"], json!({ "code": "PAGINACAO_INVALIDA" }));
        }
    }
    let nested = app.error("{ cliente(id: 1) { nome compras(first: 0) { total } } }").await;
    assert_eq!(nested["path"], json!(["cliente", "compras"]));
}

#[tokio::test]
async fn cursors_of_elsewhere_are_refused() {
    let app = TestApp::start().await;
    let data = app.data("{ clientes(first: 1) { pageInfo { endCursor } } }").await;
    let cursor = data["clientes"]["pageInfo"]["endCursor"].as_str().expect("a cursor");
    for selection in [
        format!("clientes(ordem: NOME_ASC, after: \"{cursor}\")"),
        format!("compras(after: \"{cursor}\")"),
        "clientes(after: \"zzz\")".to_owned(),
        "clientes(before: \"\")".to_owned(),
    ] {
        let answer = app.ask(&format!("{{ {selection} {{ total }} }}")).await;
        assert_eq!(answer.codes(), ["CURSOR_INVALIDO"], "{selection}");
        assert_eq!(answer.statements(), [], "{selection}");
    }
}
