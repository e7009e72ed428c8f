//! Whole answers over the four stores.

use crate::support::{TestApp, json, shop};

#[tokio::test]
async fn a_cliente_with_addresses_and_purchases() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ cliente(id: "cliente_2") {
                id nome email cpf telefone dataNascimento criadoEm atualizadoEm
                enderecos { id logradouro numero complemento bairro cidade uf cep pais criadoEm cliente { id } }
                compras(first: 2) {
                  total
                  pageInfo { hasNextPage hasPreviousPage }
                  edges { node { id quantidade precoUnitario total adquiridoEm produto { id nome preco disponivel descricao } } }
                }
            } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "cliente": {
            "id": "cliente_2", "nome": "Caio Silva", "email": "cliente2@example.com", "cpf": "00000010235",
            "telefone": "11900000002", "dataNascimento": "1952-06-15",
            "criadoEm": "2026-01-01T00:00:00Z", "atualizadoEm": "2026-01-01T00:00:00Z",
            "enderecos": [
                { "id": "endereco_2", "logradouro": "Rua das Acácias", "numero": "20", "complemento": null,
                  "bairro": "Centro", "cidade": "Santo André", "uf": "SP", "cep": "01310002", "pais": "BR",
                  "criadoEm": "2026-01-01T02:00:00Z", "cliente": { "id": "cliente_2" } },
                { "id": "endereco_3", "logradouro": "Rua das Acácias", "numero": "21", "complemento": "fundos",
                  "bairro": "Centro", "cidade": "São Paulo", "uf": "SP", "cep": "01310002", "pais": "BR",
                  "criadoEm": "2026-01-01T02:00:00Z", "cliente": { "id": "cliente_2" } },
            ],
            "compras": {
                "total": 7,
                "pageInfo": { "hasNextPage": true, "hasPreviousPage": false },
                "edges": [
                    { "node": { "id": "compra_722", "quantidade": 3, "precoUnitario": "13.90", "total": "41.70",
                        "adquiridoEm": "2026-01-31T02:00:00Z",
                        "produto": { "id": "produto_3", "nome": "Estante 3", "preco": "13.90", "disponivel": true, "descricao": null } } },
                    { "node": { "id": "compra_602", "quantidade": 3, "precoUnitario": "13.90", "total": "41.70",
                        "adquiridoEm": "2026-01-26T02:00:00Z",
                        "produto": { "id": "produto_3", "nome": "Estante 3", "preco": "13.90", "disponivel": true, "descricao": null } } },
                ],
            },
        } })
    );
}

#[tokio::test]
async fn the_distinct_products_of_a_cliente_and_what_was_bought_of_each() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ cliente(id: "1") {
                produtos { total nodes { id } edges { node { id nome } quantidade total primeiraCompraEm ultimaCompraEm } }
                resumoCompras { compras unidades total primeiraEm ultimaEm }
            } }"#,
        )
        .await;
    // Client 1 has the purchases 1, 121, …, 721, and each is of product 2.
    assert_eq!(
        data,
        json!({ "cliente": {
            "produtos": { "total": 1, "nodes": [{ "id": "produto_2" }], "edges": [{
                "node": { "id": "produto_2", "nome": "Abajur 2" }, "quantidade": 14, "total": "180.60",
                "primeiraCompraEm": "2026-01-01T01:00:00Z", "ultimaCompraEm": "2026-01-31T01:00:00Z",
            }] },
            "resumoCompras": { "compras": 7, "unidades": 14, "total": "180.60",
                "primeiraEm": "2026-01-01T01:00:00Z", "ultimaEm": "2026-01-31T01:00:00Z" },
        } })
    );
}

#[tokio::test]
async fn a_produto_and_its_sales() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ produto(id: "produto_4") { nome descricao preco
                compras(first: 1) { nodes { id cliente { nome } } }
                resumoVendas { compras unidades total } } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "produto": { "nome": "Mesa de jantar 4", "descricao": "Madeira de demolição, número 4", "preco": "14.90",
            "compras": { "nodes": [{ "id": "compra_803", "cliente": { "nome": "Débora Silva" } }] },
            "resumoVendas": { "compras": 21, "unidades": 42, "total": "625.80" } } })
    );
}

#[tokio::test]
async fn a_cliente_without_anything() {
    let app = TestApp::start().await;
    let databases = crate::support::server::Server::shared().await.databases().await;
    let empty = TestApp::over(&databases).await;
    assert_eq!(
        empty.data("{ clientes { total nodes { id } pageInfo { hasNextPage startCursor } } cliente(id: 1) { id } }").await,
        json!({ "clientes": { "total": 0, "nodes": [], "pageInfo": { "hasNextPage": false, "startCursor": null } }, "cliente": null })
    );
    // Clients whose number divides by three have no address.
    assert_eq!(
        app.data("{ cliente(id: 3) { enderecos { id } } }").await,
        json!({ "cliente": { "enderecos": [] } })
    );
}

#[tokio::test]
async fn look_ups_by_unique_values() {
    let app = TestApp::start().await;
    let data = app
        .data(
            r#"{ a: clientePorCpf(cpf: "000.000.102-35") { id } b: clientePorCpf(cpf: "52998224725") { id }
                 c: clientePorEmail(email: " CLIENTE7@example.com ") { id } d: clientePorEmail(email: "x@y") { id } }"#,
        )
        .await;
    assert_eq!(data, json!({ "a": { "id": "cliente_2" }, "b": null, "c": { "id": "cliente_7" }, "d": null }));
}

#[tokio::test]
async fn anything_by_its_global_id() {
    let app = TestApp::start().await;
    let answer = app
        .ask(
            r#"{ nodes(ids: ["compra_1", "cliente_1", "zzz_1", "endereco_1", "cliente_9999", "produto_1"]) {
                __typename id ... on Cliente { nome } ... on Compra { produto { id } } }
               node(id: "produto_3") { ... on Produto { nome } } }"#,
        )
        .await;
    assert_eq!(
        answer.json["data"],
        json!({ "nodes": [
            { "__typename": "Compra", "id": "compra_1", "produto": { "id": "produto_2" } },
            { "__typename": "Cliente", "id": "cliente_1", "nome": "Bruno Sá" },
            null,
            { "__typename": "Endereco", "id": "endereco_1" },
            null,
            { "__typename": "Produto", "id": "produto_1" },
        ], "node": { "nome": "Estante 3" } })
    );
    let error = answer.only_error();
    assert_eq!(error["path"], json!(["nodes", 2]));
    assert_eq!(error["extensions"], json!({ "code": "ID_INVALIDO" }));
    let many: Vec<String> = (1..=101).map(|n| format!("\"cliente_{n}\"")).collect();
    let error = app.error(&format!("{{ nodes(ids: [{}]) {{ id }} }}", many.join(","))).await;
    assert_eq!(error["message"], "`ids` must have at most 100 entries, not 101.");
}

#[tokio::test]
async fn ids_of_the_wrong_kind_say_so() {
    let app = TestApp::start().await;
    let error = app.error(r#"{ cliente(id: "endereco_42") { id } }"#).await;
    assert_eq!(
        error,
        json!({
            "message": "`id`: `endereco_42` is the id of type Endereco; type Cliente is expected here, as in `cliente_42`.",
            "locations": [{ "line": 1, "column": 3 }], "path": ["cliente"], "extensions": { "code": "ID_INVALIDO" },
        })
    );
}

#[tokio::test]
async fn emoji_and_accents_come_back_as_they_were() {
    let app = TestApp::start().await;
    let data = app.data("{ cliente(id: 4) { nome } }").await;
    assert_eq!(data, json!({ "cliente": { "nome": "Érica 🎉 Nunes" } }));
    assert_eq!(shop::nome(4), "Érica 🎉 Nunes");
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_selection() {
    let app = TestApp::start().await;
    let query = r#"{ cliente(id: 1) { resumoCompras { total compras } nome compras(first: 1) { pageInfo { hasNextPage } edges { node { id } } } enderecos { id } id } eu { papel nome } }"#;
    let request = app.request(reqwest::Method::POST, "/graphql").json(&json!({ "query": query }));
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    assert_eq!(
        text,
        r#"{"data":{"cliente":{"resumoCompras":{"total":"180.60","compras":7},"nome":"Bruno Sá","compras":{"pageInfo":{"hasNextPage":true},"edges":[{"node":{"id":"compra_721"}}]},"enderecos":[{"id":"endereco_1"}],"id":"cliente_1"},"eu":{"papel":"LEITOR","nome":"leitor"}}}"#
    );
}
