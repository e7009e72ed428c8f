//! Newest means the newest moment, and not the last that was entered.

use quarteto::db::Store;

use crate::support::server::Server;
use crate::support::{TestApp, Value, json, shop};

/// Purchases of client 1, of product 1: entered in one order, made in another, some at
/// the same moment, some long before 1970 and after 2038.
const ENTERED: [(u64, &str); 8] = [
    (900_001, "2015-01-01 10:00:00.000000"),
    (900_002, "1958-05-01 00:00:00.000000"),
    (900_003, "2026-01-01 00:00:00.500000"),
    (900_004, "2015-01-01 10:00:00.000000"),
    (900_005, "2099-12-31 23:59:59.999999"),
    (900_006, "2015-01-01 10:00:00.000001"),
    (900_007, "1901-01-01 00:00:00.000000"),
    (900_008, "2015-01-01 10:00:00.000000"),
];

/// The same, newest first.
const NEWEST: [u64; 8] = [900_005, 900_003, 900_006, 900_008, 900_004, 900_001, 900_002, 900_007];

async fn app() -> TestApp {
    let databases = Server::shared().await.databases().await;
    shop::sql(
        &databases,
        Store::Clientes,
        "INSERT INTO cadastro (id, nome, email, cpf) VALUES (1, 'A', 'a@b.cd', '52998224725')",
    )
    .await;
    shop::sql(&databases, Store::Catalogo, "INSERT INTO catalogo (id, nome, preco) VALUES (1, 'P', 10)")
        .await;
    for (id, moment) in ENTERED {
        let insert = format!("INSERT INTO inventario VALUES ({id}, 1, 1, 1, 10.00, '{moment}', NULL)");
        shop::sql(&databases, Store::Inventario, &insert).await;
    }
    TestApp::over(&databases).await
}

/// What a page holds: its ids, and its `pageInfo`.
fn page(connection: &Value) -> (Vec<u64>, Value) {
    let id = |node: &Value| node["id"].as_str().and_then(|id| id.strip_prefix("compra_")?.parse().ok());
    let nodes = connection["nodes"].as_array().expect("nodes");
    (nodes.iter().map(|node| id(node).expect("an id")).collect(), connection["pageInfo"].clone())
}

#[tokio::test]
async fn everywhere_and_in_both_directions() {
    let app = app().await;
    for (field, path) in [
        ("compras(ARGS) { BODY }", &["compras"][..]),
        ("compras(filtro: { cliente: 1 }, ARGS) { BODY }", &["compras"]),
        ("compras(filtro: { produto: 1, de: \"1900-01-01T00:00:00Z\" }, ARGS) { BODY }", &["compras"]),
        ("cliente(id: 1) { compras(ARGS) { BODY } }", &["cliente", "compras"]),
        ("produto(id: 1) { compras(ARGS) { BODY } }", &["produto", "compras"]),
    ] {
        for size in [1, 2, 3, 8] {
            for (count, cursor, far, more) in [
                ("first", "after", "endCursor", "hasNextPage"),
                ("last", "before", "startCursor", "hasPreviousPage"),
            ] {
                let (mut seen, mut place) = (Vec::new(), String::new());
                loop {
                    let args = format!("{count}: {size}{place}");
                    let body = "nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }";
                    let query = format!("{{ {} }}", field.replace("ARGS", &args).replace("BODY", body));
                    let data = app.data(&query).await;
                    let (mut ids, info) = page(path.iter().fold(&data, |value, step| &value[*step]));
                    assert!(ids.len() <= size, "{query}");
                    if count == "last" {
                        ids.reverse();
                    }
                    seen.extend(ids);
                    if info[more] == json!(false) {
                        break;
                    }
                    place = format!(", {cursor}: {}", info[far]);
                }
                if count == "last" {
                    seen.reverse();
                }
                assert_eq!(seen, NEWEST, "{field}, {count}: {size}");
            }
        }
    }
}

#[tokio::test]
async fn a_moment_of_a_javascript_date_holds_its_own_row() {
    let app = app().await;
    // `new Date("2026-01-01T00:00:00.500Z").toISOString()`, and a row that is finer.
    for (de, ate, expected) in [
        ("2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00.500Z", &[900_003][..]),
        ("2015-01-01T10:00:00.000Z", "2015-01-01T10:00:00.000Z", &[900_006, 900_008, 900_004, 900_001]),
        ("2015-01-01T10:00:00.000001Z", "2015-01-01T10:00:00.000001Z", &[900_006]),
        ("2099-12-31T23:59:59.999Z", "2099-12-31T23:59:59.999Z", &[900_005]),
        ("1901-01-01T00:00:00Z", "1958-12-31T00:00:00Z", &[900_002, 900_007]),
    ] {
        let query = "query($f: CompraFiltro) { compras(filtro: $f) { nodes { id } } }";
        let answer = app.ask_with(query, json!({ "f": { "de": de, "ate": ate } })).await;
        let ids: Vec<Value> = expected.iter().map(|id| json!({ "id": format!("compra_{id}") })).collect();
        assert_eq!(answer.json["data"]["compras"]["nodes"], json!(ids), "{de} {ate}");
    }
}

#[tokio::test]
async fn a_lock_survives_a_javascript_date_and_a_blank_one_is_none() {
    let app = app().await;
    let update = "mutation($input: AtualizarClienteInput!) { atualizarCliente(input: $input) {
        cliente { atualizadoEm } erros { codigo campo mensagem } } }";
    let mut seen = app.data("{ cliente(id: 1) { atualizadoEm } }").await["cliente"]["atualizadoEm"].clone();
    for round in 0..3 {
        let moment =
            chrono::DateTime::parse_from_rfc3339(seen.as_str().expect("a moment")).expect("RFC 3339");
        let of_a_date = moment.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let input = json!({ "id": "1", "nome": format!("N{round}"), "atualizadoEm": of_a_date });
        let written = app.write(update, input.clone()).await;
        assert_eq!(written["erros"], json!([]), "{of_a_date}");
        let late = app.write(update, input).await;
        assert_eq!(late["erros"][0]["codigo"], "CONFLITO", "the same again is late");
        seen = written["cliente"]["atualizadoEm"].clone();
    }
    for (mutation, input) in [
        (update, "AtualizarClienteInput"),
        (
            "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { erros { codigo campo mensagem } } }",
            "P",
        ),
        (
            "mutation($input: AtualizarEnderecoInput!) { atualizarEndereco(input: $input) { erros { codigo campo mensagem } } }",
            "E",
        ),
    ] {
        for blank in ["", "  "] {
            let refused = app.write(mutation, json!({ "id": "1", "atualizadoEm": blank })).await;
            let erro = json!([{ "codigo": "INVALIDO", "campo": ["atualizadoEm"],
                "mensagem": "A data e hora não é válida; ela tem a forma 2026-11-24T12:00:00Z." }]);
            assert_eq!(refused["erros"], erro, "{input}");
        }
    }
}

#[tokio::test]
async fn amounts_have_two_decimals_and_are_taken_as_text_and_number_alike() {
    let app = app().await;
    let correct = "mutation($input: CorrigirCompraInput!) { corrigirCompra(input: $input) {
        compra { precoUnitario total } erros { codigo campo } } }";
    let free = app.write(correct, json!({ "id": "900001", "precoUnitario": "0.00", "quantidade": 3 })).await;
    assert_eq!(free["compra"], json!({ "precoUnitario": "0.00", "total": "0.00" }));
    let update = "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { produto { preco } erros { codigo } } }";
    for (given, shown) in [
        (json!("10"), "10.00"),
        (json!(10), "10.00"),
        (json!("10.5"), "10.50"),
        (json!(10.5), "10.50"),
        (json!(1e2), "100.00"),
        (json!(0.1), "0.10"),
        (json!(0), "0.00"),
        (json!(1e9), "1000000000.00"),
        (json!(9_999_999_999.99), "9999999999.99"),
    ] {
        let written = app.write(update, json!({ "id": "1", "preco": given })).await;
        assert_eq!(written["produto"]["preco"], shown, "{given}");
        let query = "query($p: Decimal) { produtos(filtro: { precoMin: $p, precoMax: $p }) { total } }";
        let found = app.ask_with(query, json!({ "p": given })).await;
        assert_eq!(found.json["data"]["produtos"]["total"], 1, "{given}: {}", found.text);
        let query = format!("{{ produtos(filtro: {{ precoMin: {given}, precoMax: {given} }}) {{ total }} }}");
        assert_eq!(app.data(&query).await["produtos"]["total"], 1, "{given}");
    }
    // Beyond what a column holds it is told, however a serialiser writes it.
    let query = "query($p: Decimal) { produtos(filtro: { precoMin: $p }) { total } }";
    let refused = app.ask_with(query, json!({ "p": 1e20 })).await;
    assert_eq!(
        refused.only_error()["message"],
        "`filtro.precoMin` must be at most 9999999999.99, not 100000000000000000000.00."
    );
}
