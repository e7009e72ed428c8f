//! Filters that stay inside one store.

use crate::support::{TestApp, json};

#[tokio::test]
async fn clientes_by_name_and_birth() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ a: clientes(filtro: { nomeContem: "SILVA" }) { total }
                 b: clientes(filtro: { nomeContem: "conceicao" }) { total }
                 c: clientes(filtro: { nomeContem: "%a" }) { total }
                 d: clientes(filtro: { nascidoDe: "1952-06-15", nascidoAte: "1952-06-15" }) { nodes { id } }
                 e: clientes(filtro: { nascidoAte: "1900-01-01" }) { total nodes { id } }
                 f: clientes(filtro: { nomeContem: "🎉 N", nascidoDe: "1999-01-01" }, ordem: NOME_DESC) { nodes { id nome } } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "a": { "total": 48 }, "b": { "total": 24 }, "c": { "total": 0 },
            // 52 and 100 divide by four: no day of birth.
            "d": { "nodes": [{ "id": "cliente_2" }, { "id": "cliente_102" }] },
            "e": { "total": 0, "nodes": [] },
            "f": { "nodes": [{ "id": "cliente_99", "nome": "Érica 🎉 Nunes" }, { "id": "cliente_49", "nome": "Érica 🎉 Nunes" }] } })
    );
}

#[tokio::test]
async fn enderecos_by_place() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ a: enderecos(filtro: { cliente: "cliente_2" }) { nodes { id } }
                 b: enderecos(filtro: { uf: RJ }) { total nodes { uf } }
                 c: enderecos(filtro: { cidade: "sao paulo", uf: SP }, first: 1) { nodes { cidade } }
                 d: enderecos(filtro: { cidade: "São Paulo", uf: RJ }) { total }
                 e: enderecos(filtro: { cep: "01310-002" }, first: 1) { nodes { cep } } }"#,
        )
        .await;
    assert_eq!(data["a"], json!({ "nodes": [{ "id": "endereco_2" }, { "id": "endereco_3" }] }));
    assert_eq!(data["b"]["total"].as_u64().map(|total| total > 0), Some(true));
    assert_eq!(data["c"], json!({ "nodes": [{ "cidade": "São Paulo" }] }));
    assert_eq!(data["d"], json!({ "total": 0 }));
    assert_eq!(data["e"], json!({ "nodes": [{ "cep": "01310002" }] }));
}

#[tokio::test]
async fn produtos_by_full_text_and_price() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ a: produtos(filtro: { busca: "mesa" }) { total }
                 b: produtos(filtro: { busca: "MESA demolicao" }) { total }
                 c: produtos(filtro: { busca: "jan" }) { total }
                 d: produtos(filtro: { busca: "mesa", precoMin: "14.90", precoMax: 15 }, ordem: PRECO_ASC) { nodes { nome preco } }
                 e: produtos(filtro: { disponivel: false }) { nodes { id } }
                 f: produtos(filtro: { busca: "-mesa +(de)" }) { total }
                 g: produtos(filtro: { precoMax: "10.90" }) { total } }"#,
        )
        .await;
    let tables: Vec<_> = [4, 12, 20, 28, 36]
        .map(|n| json!({ "nome": format!("Mesa de jantar {n}"), "preco": "14.90" }))
        .into();
    assert_eq!(
        data,
        json!({
            "a": { "total": 10 }, "b": { "total": 7 }, "c": { "total": 10 },
            "d": { "nodes": tables },
            "e": { "nodes": [{ "id": "produto_10" }, { "id": "produto_20" }, { "id": "produto_30" }, { "id": "produto_40" }] },
            "f": { "total": 10 }, "g": { "total": 5 },
        })
    );
}

#[tokio::test]
async fn compras_by_who_what_and_when() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ a: compras(filtro: { cliente: "cliente_1" }) { total }
                 b: compras(filtro: { produto: 2 }) { total }
                 c: compras(filtro: { cliente: "1", produto: "produto_3" }) { total }
                 d: compras(filtro: { de: "2026-01-01T01:00:00Z", ate: "2026-01-01T00:00:00-03:00" }) { nodes { id } }
                 e: compras(filtro: { de: "2030-01-01T00:00:00Z" }) { total } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "a": { "total": 7 }, "b": { "total": 21 }, "c": { "total": 0 },
            "d": { "nodes": [{ "id": "compra_3" }, { "id": "compra_2" }, { "id": "compra_1" }] }, "e": { "total": 0 } })
    );
}

#[tokio::test]
async fn impossible_filters_name_the_field_and_the_rule() {
    let app = TestApp::start().await;
    for (selection, code, message) in [
        (
            "clientes(filtro: { nomeContem: \" a \" })",
            "BAD_USER_INPUT",
            "`filtro.nomeContem` must have 2 to 120 characters.",
        ),
        (
            "clientes(filtro: { nascidoDe: \"2000-01-02\", nascidoAte: \"2000-01-01\" })",
            "BAD_USER_INPUT",
            "`filtro.nascidoDe` must not be later than `filtro.nascidoAte`.",
        ),
        (
            "produtos(filtro: { precoMin: 2, precoMax: \"1.99\" })",
            "BAD_USER_INPUT",
            "`filtro.precoMin` must not be greater than `filtro.precoMax`.",
        ),
        (
            "produtos(filtro: { busca: \"+-*\" })",
            "BAD_USER_INPUT",
            "`filtro.busca` must have 1 to 10 words, of letters or digits, and at most 200 characters.",
        ),
        (
            "compras(filtro: { de: \"2026-01-02T00:00:00Z\", ate: \"2026-01-01T00:00:00Z\" })",
            "BAD_USER_INPUT",
            "`filtro.de` must not be later than `filtro.ate`.",
        ),
        (
            "produtos(filtro: { precoMax: \"-5\" })",
            "BAD_USER_INPUT",
            "`filtro.precoMax` must be at least 0.00, not -5.00.",
        ),
        (
            "produtos(filtro: { precoMin: 10000000000 })",
            "BAD_USER_INPUT",
            "`filtro.precoMin` must be at most 9999999999.99, not 10000000000.00.",
        ),
        (
            "produtos(filtro: { precoMin: 1e20 })",
            "BAD_USER_INPUT",
            "`filtro.precoMin` must be at most 9999999999.99, not 100000000000000000000.00.",
        ),
        (
            "compras(filtro: { ate: \"0001-01-01T00:00:00Z\" })",
            "BAD_USER_INPUT",
            "`filtro.ate` must be at least 1000-01-01T00:00:00Z, not 0001-01-01T00:00:00Z.",
        ),
        (
            "clientes(filtro: { nascidoAte: \"0001-01-01\" })",
            "BAD_USER_INPUT",
            "`filtro.nascidoAte` must be at least 1000-01-01, not 0001-01-01.",
        ),
        (
            "compras(filtro: { cliente: \"produto_1\" })",
            "ID_INVALIDO",
            "`filtro.cliente`: `produto_1` is the id of type Produto; type Cliente is expected here, as in `cliente_42`.",
        ),
        (
            "enderecos(filtro: { cidade: \"\" })",
            "BAD_USER_INPUT",
            "`filtro.cidade` must have 1 to 80 characters.",
        ),
    ] {
        let answer = app.ask(&format!("{{ {selection} {{ total }} }}")).await;
        assert_eq!(answer.statements(), [], "{selection}");
        let error = answer.only_error();
        assert_eq!(error["message"], message);
        assert_eq!(error["extensions"], json!({ "code": code }));
    }
}

#[tokio::test]
async fn scalars_that_cannot_be_read_say_why() {
    let app = TestApp::start().await;
    for (selection, rule) in [
        ("clientePorCpf(cpf: \"111.111.111-11\") { id }", "a CPF of one repeated digit does not exist"),
        ("clientePorCpf(cpf: 52998224725) { id }", "expected a CPF as a string"),
        ("enderecos(filtro: { cep: \"123\" }) { total }", "a CEP has 8 digits, as in 01310-100"),
        (
            "clientes(filtro: { nascidoDe: \"2023-02-29\" }) { total }",
            "a Date looks like 2026-11-24 and exists in the calendar",
        ),
        ("compras(filtro: { de: \"ontem\" }) { total }", "a DateTime is RFC 3339 with an offset"),
        ("produtos(filtro: { precoMin: \"1,5\" }) { total }", "a Decimal is digits with an optional point"),
    ] {
        let answer = app.ask(&format!("{{ {selection} }}")).await;
        let error = answer.only_error();
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(rule), "{message}");
        assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT" }), "{message}");
        assert_eq!(answer.json.get("data"), None, "the request is at fault");
    }
}
