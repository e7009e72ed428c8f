//! The subgraphs, each by itself, as a router asks them; and the merged graph as a subgraph of a
//! larger one.

use quarteto::config::Subgraph;
use quarteto::db::{DbLimits, Store};
use reqwest::Method;

use crate::support::app::{Answer, PASSWORD, send};
use crate::support::split::{SUBGRAPHS, Split};
use crate::support::{Shape, TestApp, Value, json, shop};

const ENTITIES: &str = "query($representations: [_Any!]!) { _entities(representations: $representations) { \
                        __typename ... on Cliente { id enderecos { cidade } } ... on Endereco { cidade } } }";

async fn split() -> TestApp {
    TestApp::shaped(shop::shared().await, Shape::Split).await
}

impl TestApp {
    fn subgraphs(&self) -> &Split {
        self.split.as_ref().expect("split")
    }

    /// Asks a subgraph as `leitor`.
    async fn ask_subgraph(&self, subgraph: Subgraph, query: &str, variables: Value) -> Answer {
        self.ask_subgraph_as("leitor", subgraph, query, variables).await
    }

    async fn ask_subgraph_as(&self, user: &str, subgraph: Subgraph, query: &str, variables: Value) -> Answer {
        let request = reqwest::Client::new()
            .post(format!("{}/graphql", self.subgraphs().base(subgraph)))
            .basic_auth(user, Some(PASSWORD))
            // As Grafbase's router writes it.
            .header(
                "Accept",
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
            );
        send(request.json(&json!({ "query": query, "variables": variables }))).await
    }
}

fn representation(of: &str, id: impl std::fmt::Display) -> Value {
    json!({ "__typename": of, "id": format!("{}_{id}", of.to_lowercase()) })
}

#[tokio::test]
async fn each_subgraph_has_what_its_store_has_and_says_what_it_is() {
    let app = split().await;
    for subgraph in SUBGRAPHS {
        let answer = app.ask_subgraph(subgraph, "{ _service { sdl } }", json!({})).await;
        let sdl = answer.json["data"]["_service"]["sdl"].as_str().expect("SDL");
        let kept = format!("{}/subgraphs/{}.graphql", env!("CARGO_MANIFEST_DIR"), subgraph.name());
        assert_eq!(sdl, std::fs::read_to_string(kept).expect("kept"), "{}", subgraph.name());
    }
    let merged = app.ask("{ _service { sdl } }").await;
    assert_eq!(merged.json["data"]["_service"]["sdl"], quarteto::schema::merged_sdl_to_compose());
    for (subgraph, query, data) in [
        (
            Subgraph::Clientes,
            "{ cliente(id: 2) { id nome } }",
            json!({ "cliente": { "id": "cliente_2", "nome": "Caio Silva" } }),
        ),
        (
            Subgraph::Enderecos,
            "{ enderecos(filtro: { cliente: 2 }) { total nodes { cliente { id } } } }",
            json!({ "enderecos": { "total": 2, "nodes": vec![json!({ "cliente": { "id": "cliente_2" } }); 2] } }),
        ),
        (Subgraph::Catalogo, "{ produto(id: 1) { id } }", json!({ "produto": { "id": "produto_1" } })),
        (
            Subgraph::Inventario,
            "{ compras(filtro: { cliente: 2 }) { total } }",
            json!({ "compras": { "total": 7 } }),
        ),
        (
            Subgraph::Nos,
            r#"{ node(id: "compra_9") { __typename id } eu { nome papel } }"#,
            json!({ "node": { "__typename": "Compra", "id": "compra_9" }, "eu": { "nome": "leitor", "papel": "LEITOR" } }),
        ),
    ] {
        let answer = app.ask_subgraph(subgraph, query, json!({})).await;
        assert_eq!(answer.json, json!({ "data": data }), "{query}");
    }
}

/// What another store has is not there.
#[tokio::test]
async fn no_subgraph_has_what_another_store_has() {
    let app = split().await;
    for (subgraph, query) in [
        (Subgraph::Clientes, "{ cliente(id: 2) { enderecos { cidade } } }"),
        (Subgraph::Enderecos, "{ cliente(id: 2) { id } }"),
        (Subgraph::Catalogo, "{ acessos { __typename } }"),
        (Subgraph::Inventario, "{ produto(id: 1) { id } }"),
        (Subgraph::Nos, "{ clientes { total } }"),
        (Subgraph::Nos, "{ _entities(representations: []) { __typename } }"),
        (Subgraph::Catalogo, "mutation { removerProduto(input: { id: 1 }) { idRemovido } }"),
        (Subgraph::Nos, "mutation { criarProduto(input: { nome: \"\", preco: 1 }) { erros { codigo } } }"),
    ] {
        let answer = app.ask_subgraph(subgraph, query, json!({})).await;
        assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"], "{query}");
    }
}

#[tokio::test]
async fn entities_come_in_the_order_asked_and_each_fails_for_itself() {
    let app = split().await;
    let asked = json!([
        representation("Cliente", 2),
        representation("Endereco", 1),
        representation("Cliente", 2),
        { "__typename": "Cliente", "id": "produto_1" },
        { "__typename": "Produto", "id": "produto_1" },
        { "__typename": "Cliente" },
        { "id": "cliente_1" },
        { "__typename": "Nada", "id": "1" },
        7,
        representation("Endereco", 999_999),
        // A whole number is an ID, too.
        { "__typename": "Cliente", "id": 3 },
    ]);
    let answer = app.ask_subgraph(Subgraph::Enderecos, ENTITIES, json!({ "representations": asked })).await;
    let caio = json!({ "__typename": "Cliente", "id": "cliente_2",
        "enderecos": app.data("{ cliente(id: 2) { enderecos { cidade } } }").await["cliente"]["enderecos"] });
    let first = app.data("{ endereco(id: 1) { __typename cidade } }").await["endereco"].clone();
    let none = json!({ "__typename": "Cliente", "id": "cliente_3", "enderecos": [] });
    assert_eq!(
        answer.json["data"]["_entities"],
        json!([caio, first, caio, null, null, null, null, null, null, null, none])
    );
    let errors: Vec<Value> = answer
        .errors()
        .iter()
        .map(|error| json!([error["path"], error["extensions"]["code"], error["message"]]))
        .collect();
    let bad = |place: usize, code: &str, message: &str| json!([["_entities", place], code, message]);
    assert_eq!(
        errors,
        [
            bad(
                3,
                "ID_INVALIDO",
                "`representations`: `produto_1` is the id of type Produto; type Cliente is expected here, as in `cliente_42`."
            ),
            bad(4, "BAD_USER_INPUT", "`representations`: `Produto` is no entity of this subgraph."),
            bad(5, "BAD_USER_INPUT", "`representations`: `id` is missing, a string."),
            bad(6, "BAD_USER_INPUT", "`representations`: `__typename` is missing, a string."),
            bad(7, "BAD_USER_INPUT", "`representations`: `Nada` is no entity of this subgraph."),
            bad(8, "BAD_USER_INPUT", "`representations`: each must be an object with `__typename` and `id`."),
        ]
    );
    // What does not exist is null without an error, as in the merged graph.
    assert_eq!(answer.json["data"]["_entities"][9], Value::Null);
    let nothing = app.ask_subgraph(Subgraph::Enderecos, ENTITIES, json!({ "representations": [] })).await;
    assert_eq!(nothing.json, json!({ "data": { "_entities": [] } }));
    // Literals instead of variables, as some routers write them.
    let literal = r#"{ _entities(representations: [{ __typename: "Produto", id: "produto_1" }, { __typename: "Produto", id: 2 }]) { ... on Produto { id } } }"#;
    let answer = app.ask_subgraph(Subgraph::Catalogo, literal, json!({})).await;
    assert_eq!(
        answer.json,
        json!({ "data": { "_entities": [{ "id": "produto_1" }, { "id": "produto_2" }] } })
    );
}

/// A router sends a client's key with the mutation, and with what it asks for its payload.
#[tokio::test]
async fn a_key_may_come_with_entities_and_with_no_other_question() {
    let app = split().await;
    let entities = "{ _entities(representations: [{ __typename: \"Cliente\", id: \"cliente_2\" }]) { ... on Cliente { nome } } }";
    for (query, status, codes) in [
        (entities, 200, vec![]),
        ("{ cliente(id: 2) { nome } }", 400, vec!["BAD_REQUEST"]),
        ("{ a: _service { sdl } cliente(id: 2) { nome } }", 400, vec!["BAD_REQUEST"]),
    ] {
        let request = reqwest::Client::new()
            .post(format!("{}/graphql", app.subgraphs().base(Subgraph::Clientes)))
            .basic_auth("leitor", Some(PASSWORD))
            .header("Idempotency-Key", "pedido-7");
        let answer = send(request.json(&json!({ "query": query }))).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (status, codes.iter().map(ToString::to_string).collect()),
            "{query}"
        );
    }
}

/// The merged graph is one subgraph of somebody's larger graph.
#[tokio::test]
async fn the_merged_graph_has_entities_too_and_shows_them_to_nobody_else() {
    let app = TestApp::start().await;
    let query = "query($representations: [_Any!]!) { _entities(representations: $representations) { \
                 ... on Cliente { nome compras(first: 1) { nodes { produto { id } } } } ... on Node { id } } }";
    let asked =
        json!([representation("Cliente", 2), representation("Compra", 1), representation("Cliente", 999)]);
    let answer = app.ask_with(query, json!({ "representations": asked })).await;
    assert_eq!(answer.json.get("errors"), None);
    let entities = &answer.json["data"]["_entities"];
    assert_eq!(entities[0]["nome"], "Caio Silva");
    assert_eq!(entities[0]["id"], "cliente_2");
    assert_eq!(entities[1], json!({ "id": "compra_1" }));
    assert_eq!(entities[2], Value::Null);
    let shown = app.data("{ __schema { queryType { fields { name } } types { name } } }").await.to_string();
    assert!(
        !shown.contains("_entities") && !shown.contains("_Any") && !shown.contains("_Service"),
        "{shown}"
    );
    assert!(!quarteto::schema::merged_sdl().contains("_entities"));
}

/// As many statements as for one, and no more than the rows of the answer.
#[tokio::test]
async fn a_thousand_entities_are_a_few_statements() {
    let app = TestApp::shaped_over_proxies(shop::shared().await, DbLimits::default(), Shape::Split).await;
    let count = async |of: &str, ids: Vec<u64>, subgraph: Subgraph, query: &str| {
        let before = app.executed();
        let asked: Vec<Value> = ids.iter().map(|id| representation(of, id)).collect();
        let answer = app.ask_subgraph(subgraph, query, json!({ "representations": asked })).await;
        assert_eq!(answer.json.get("errors"), None, "{of}");
        let entities = answer.json["data"]["_entities"].as_array().expect("a list");
        assert_eq!(entities.len(), ids.len());
        app.executed() - before
    };
    for (of, subgraph, query) in [
        (
            "Cliente",
            Subgraph::Clientes,
            "query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Cliente { nome } } }",
        ),
        ("Cliente", Subgraph::Enderecos, ENTITIES),
        ("Endereco", Subgraph::Enderecos, ENTITIES),
        (
            "Produto",
            Subgraph::Catalogo,
            "query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Produto { nome preco } } }",
        ),
        (
            "Compra",
            Subgraph::Inventario,
            "query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Compra { total cliente { id } produto { id } } } }",
        ),
    ] {
        let one = count(of, vec![1], subgraph, query).await;
        assert_eq!(one, 1, "{of}");
        // Twice the same, as routers that do not look ask. Of clients with all their addresses no
        // more than the merged graph would tell of at once.
        let half = if query == ENTITIES { 190 } else { 500 };
        let thousand = (1..=half).chain(1..=half).collect();
        assert_eq!(count(of, thousand, subgraph, query).await, 1, "{of}");
    }
}

#[tokio::test]
async fn a_store_that_is_down_nulls_the_entities_that_need_it() {
    let mut app = TestApp::shaped_over_proxies(shop::shared().await, DbLimits::default(), Shape::Split).await;
    app.proxy(Store::Enderecos).cut().await;
    let asked = json!({ "representations": [representation("Cliente", 1), representation("Endereco", 1), representation("Cliente", 2)] });
    let answer = app.ask_subgraph(Subgraph::Enderecos, ENTITIES, asked).await;
    let stub = |id: u64| json!({ "__typename": "Cliente", "id": format!("cliente_{id}"), "enderecos": null });
    assert_eq!(answer.json["data"]["_entities"], json!([stub(1), null, stub(2)]));
    let mut told: Vec<String> = answer
        .errors()
        .iter()
        .map(|error| format!("{} {}", error["path"], error["extensions"]["code"].as_str().expect("a code")))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            r#"["_entities",0,"enderecos"] STORE_UNAVAILABLE"#,
            r#"["_entities",1] STORE_UNAVAILABLE"#,
            r#"["_entities",2,"enderecos"] STORE_UNAVAILABLE"#,
        ]
    );
}

/// Who may ask what of a subgraph.
#[tokio::test]
async fn a_sibling_asks_for_entities_and_steps_and_for_nothing_else() {
    let app = split().await;
    let entities =
        "{ _entities(representations: [{ __typename: \"Cliente\", id: \"cliente_2\" }]) { __typename } }";
    for (query, codes) in [
        (entities, vec![]),
        ("{ _service { sdl } }", vec![]),
        ("{ cliente(id: 2) { nome } }", vec!["FORBIDDEN"]),
        ("{ a: _service { sdl } cliente(id: 2) { nome } }", vec!["FORBIDDEN"]),
        ("{ ...F } fragment F on Query { cliente(id: 2) { nome } }", vec!["FORBIDDEN"]),
        ("{ __schema { queryType { name } } }", vec!["FORBIDDEN"]),
        ("mutation { removerCliente(input: { id: 2 }) { idRemovido } }", vec!["FORBIDDEN"]),
    ] {
        let answer = app.ask_subgraph_as("servico", Subgraph::Clientes, query, json!({})).await;
        assert_eq!(answer.codes(), codes, "{query}");
    }
    let at = |subgraph, path: &str| format!("{}{path}", app.subgraphs().base(subgraph));
    let http = reqwest::Client::new();
    for path in ["/", "/metrics", "/schema.graphql", "/graphiql"] {
        let asked = http.get(at(Subgraph::Clientes, path)).basic_auth("servico", Some(PASSWORD));
        assert_eq!(send(asked).await.status, 403, "{path}");
    }
    let step = json!({ "step": "delete_produto", "produto": 4_000_000 });
    let steps = "/internal/steps";
    let told = async |user: &str, subgraph, body: &Value| {
        let asked = http.post(at(subgraph, steps)).basic_auth(user, Some(PASSWORD)).json(body);
        let answer = send(asked).await;
        (answer.status, answer.json)
    };
    assert_eq!(told("servico", Subgraph::Catalogo, &step).await, (200, json!({ "left": "nothing" })));
    // May be repeated.
    assert_eq!(told("servico", Subgraph::Catalogo, &step).await.0, 200);
    assert_eq!(told("servico", Subgraph::Clientes, &step).await.0, 421);
    assert_eq!(told("servico", Subgraph::Nos, &step).await.0, 421);
    for user in ["leitor", "editor", "admin"] {
        assert_eq!(told(user, Subgraph::Catalogo, &step).await.0, 403, "{user}");
    }
    for body in [json!({}), json!({ "step": "drop_all" }), json!({ "step": "delete_produto" }), json!([step])]
    {
        let (status, answer) = told("servico", Subgraph::Catalogo, &body).await;
        assert_eq!(
            (status, &answer["errors"][0]["extensions"]["code"]),
            (400, &json!("BAD_REQUEST")),
            "{body}"
        );
    }
    let anonymous = http.post(at(Subgraph::Catalogo, steps)).json(&step);
    assert_eq!(send(anonymous).await.status, 401);
    let foreign = http.post(at(Subgraph::Catalogo, steps)).basic_auth("servico", Some(PASSWORD));
    let foreign = foreign.header("Origin", "https://evil.example").json(&step);
    assert_eq!(send(foreign).await.status, 403);
    let get = http.get(at(Subgraph::Catalogo, steps)).basic_auth("servico", Some(PASSWORD));
    let get = send(get).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    // The schema is for those who may have it, also by this way.
    let merged = app.request(Method::POST, steps).json(&step);
    assert_eq!(send(merged).await.status, 403);
}

/// What a write must know of a sibling, which may be down.
#[tokio::test]
async fn a_sibling_that_is_down_is_a_store_that_is_down() {
    let app = TestApp::shaped(&shop::open().await, Shape::Split).await;
    let comprar = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { total cliente { id } } erros { codigo campo } } }";
    let input = |cliente: u64, produto: u64| json!({ "cliente": cliente.to_string(), "produto": produto.to_string(), "quantidade": 1 });
    let bought = app.write(comprar, input(1, 1)).await;
    assert_eq!(bought["compra"]["cliente"]["id"], "cliente_1");
    let refused = app.write(comprar, input(999_999, 999_999)).await;
    assert_eq!(
        refused["erros"],
        json!([{ "codigo": "NAO_ENCONTRADO", "campo": ["cliente"] }, { "codigo": "NAO_ENCONTRADO", "campo": ["produto"] }])
    );
    app.subgraphs().stop(Subgraph::Catalogo);
    let failed = loop {
        let answer = app.write_with(comprar, json!({ "input": input(1, 1) })).await;
        if answer.json.get("errors").is_some() {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(failed.codes(), ["STORE_UNAVAILABLE"]);
    assert_eq!(failed.json["errors"][0]["extensions"]["store"], "catalogo");
    // What needs nobody is done.
    let corrigir = "mutation($input: CorrigirCompraInput!) { corrigirCompra(input: $input) { compra { quantidade } erros { codigo } } }";
    let corrected = app.write(corrigir, json!({ "id": "compra_1", "quantidade": 3 })).await;
    assert_eq!(corrected, json!({ "compra": { "quantidade": 3 }, "erros": [] }));
}

#[tokio::test]
async fn health_is_that_of_the_store_that_is_here() {
    let app = split().await;
    for subgraph in SUBGRAPHS {
        let answer =
            send(reqwest::Client::new().get(format!("{}/readyz", app.subgraphs().base(subgraph)))).await;
        let stores = match subgraph.store() {
            Some(store) => json!({ store.name(): { "status": "up" } }),
            None => json!({}),
        };
        assert_eq!((answer.status, answer.json), (200, json!({ "status": "up", "stores": stores })));
    }
}
