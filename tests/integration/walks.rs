//! Two ways to one answer: the executor's, which times every field, and ours,
//! which is cheap. Every `ask` of the other tests compares them as well.

use std::time::Duration;

use quarteto::db::{BreakerLimits, DbLimits, Store};

use crate::support::{TestApp, json};

/// Documents that make a walk turn aside, or look as if they did.
const UNUSUAL: &[&str] = &[
    "{ clientes(first: 3) { __typename nodes { __typename id tipo: __typename } } }",
    "query($sim: Boolean = true, $nao: Boolean = false) { clientes(first: 2) { nodes {
        id @include(if: $nao) nome @skip(if: $nao) cpf @include(if: $sim)
        enderecos @skip(if: $sim) { id } ... @include(if: $sim) { email } ... @skip(if: $sim) { telefone } } } }",
    "{ clientes(first: 3) { nodes { ...A ...B ... { telefone } ... on Cliente { email } } } }
     fragment A on Cliente { id nome ...B } fragment B on Cliente { cpf }",
    // An interface's fragment, and one that does not apply.
    "{ clientes(first: 3) { nodes { ... on Node { id } nome ... on Cliente { ... on Node { __typename } } } } }",
    "{ nodes(ids: [\"cliente_1\", \"produto_1\", \"compra_1\", \"cliente_9999\"]) { __typename id
        ... on Cliente { nome compras(first: 1) { nodes { id } } } ... on Produto { preco } ... on Compra { quantidade } } }",
    // One key selected twice, whole and in pieces.
    "{ clientes(first: 3) { nodes { nome nome enderecos { cidade } enderecos { cep cidade }
        compras(first: 2) { nodes { id } } compras(first: 2) { nodes { quantidade } total } } } }",
    "{ cliente(id: \"cliente_1\") { nome } cliente(id: \"cliente_1\") { email compras(first: 1) { total } } }",
    "{ node(id: \"cliente_1\") { ... on Cliente { compras(first: 2) { total } } ... on Node { id }
        ... on Produto { compras(first: 2) { nodes { id } } } ... on Cliente { compras(first: 2) { nodes { id } } } } }",
    // Every leaf.
    "{ clientes(first: 5) { nodes { id nome email cpf telefone dataNascimento idade criadoEm atualizadoEm
        enderecos { id logradouro numero complemento bairro cidade uf cep pais criadoEm atualizadoEm }
        compras(first: 3) { edges { cursor node { id quantidade precoUnitario total adquiridoEm
            produto { id nome preco disponivel descricao criadoEm atualizadoEm
                resumoVendas { compras unidades total primeiraEm ultimaEm } } } } }
        produtos(first: 2) { edges { cursor quantidade total primeiraCompraEm ultimaCompraEm } } } } }",
    // More keys than are looked at one by one, and one of them twice.
    "{ clientes(first: 2) { nodes { a: id b: id c: id d: id e: id f: id g: id h: id i: id j: id k: id l: id m: id n: id
        o: id p: id q: id r: nome s: nome r: nome } } }",
    "{ clientes(first: 2) { nodes { id } edges { cursor node { id } } } }",
    // Cursors alone, whose columns nobody selects.
    "{ clientes(first: 3, ordem: NOME_ASC) { edges { cursor } } produtos(first: 3, ordem: PRECO_DESC) { pageInfo { endCursor } } }",
    "{ clientes(first: 3, ordem: MAIS_RECENTES) { __typename } produtos(first: 3, ordem: NOME_ASC) { edges { __typename } } }",
    "{ clientes(first: 2) { edges { node { nome } } edges { cursor node { email } } } }",
    // More than a join of the executor keeps in order by itself.
    "{ clientes(first: 100) { nodes { id enderecos { id cliente { nome } } compras(first: 1) { nodes { produto { nome } } } } } }",
    "{ clientes(first: 0) { nodes { id } } }",
    "{ cliente(id: \"cliente_3\") { enderecos { id } compras(first: 3) { total edges { cursor node { total produto { descricao } } } } } }",
    "{ cliente(id: \"cliente_3\") { produtos(first: 2) { total edges { quantidade node { nome } } nodes { id } } resumoCompras { total compras } } }",
    "{ cliente(id: \"cliente_9999\") { nome } produto(id: \"produto_1\") { compras(first: 2) { nodes { cliente { nome } } } resumoVendas { total } } }",
    // Failures of fields, in lists and below them.
    "{ clientes(first: 40) { nodes { id compras(first: 101) { nodes { id } } } } }",
    "{ clientes(first: 2) { nodes { compras(after: \"x\") { total } produtos(last: 0) { total } } } }",
];

#[tokio::test]
async fn whatever_is_selected() {
    let app = TestApp::start().await.once();
    for query in UNUSUAL {
        let traced = app.ask_with(query, json!({})).await;
        assert!(traced.json["data"].is_object(), "{query}: {}", traced.json);
        app.ask_plainly(query, json!({})).await.assert_same(&traced);
    }
}

/// Statements read no more columns than are asked for: each field by each way to it, alone.
#[tokio::test]
async fn whichever_field_is_alone() {
    const CLIENTE: &[&str] = &[
        "__typename",
        "id",
        "nome",
        "email",
        "cpf",
        "telefone",
        "dataNascimento",
        "idade",
        "criadoEm",
        "atualizadoEm",
        "enderecos { id }",
        "compras(first: 1) { nodes { id } }",
        "produtos(first: 1) { total }",
        "resumoCompras { total }",
    ];
    const PRODUTO: &[&str] = &[
        "__typename",
        "id",
        "nome",
        "descricao",
        "preco",
        "disponivel",
        "criadoEm",
        "atualizadoEm",
        "compras(first: 1) { total }",
        "resumoVendas { compras }",
    ];
    const ENDERECO: &[&str] = &[
        "__typename",
        "id",
        "logradouro",
        "numero",
        "complemento",
        "bairro",
        "cidade",
        "uf",
        "cep",
        "pais",
        "criadoEm",
        "atualizadoEm",
        "cliente { id }",
    ];
    let app = TestApp::start().await.once();
    let one = app.ask("{ cliente(id: \"1\") { cpf email } }").await;
    let (cpf, email) =
        (one.json["data"]["cliente"]["cpf"].clone(), one.json["data"]["cliente"]["email"].clone());
    let by_cpf = format!("{{ clientePorCpf(cpf: {cpf}) {{ _ }} }}");
    let by_email = format!("{{ clientePorEmail(email: {email}) {{ _ }} }}");
    for (fields, ways) in [
        (
            CLIENTE,
            &[
                "{ cliente(id: \"1\") { _ } }",
                "{ clientes(first: 3) { nodes { _ } } }",
                "{ clientes(first: 3, ordem: NOME_DESC) { edges { cursor node { _ } } } }",
                "{ clientes(first: 3, ordem: MAIS_RECENTES) { pageInfo { endCursor } nodes { _ } } }",
                "{ clientes(first: 3) { ...P } } fragment P on ClienteConnection { edges { ...E } nodes { id } }
                 fragment E on ClienteEdge { node { ... on Cliente { ...C } } } fragment C on Cliente { _ }",
                "{ node(id: \"cliente_1\") { ... on Produto { nome } ... on Cliente { _ } } }",
                "{ nodes(ids: [\"cliente_1\", \"produto_1\", \"cliente_2\"]) { id ... on Cliente { _ } } }",
                "{ compras(first: 3) { nodes { cliente { _ } } } enderecos(first: 3) { nodes { cliente { _ } } } }",
                // Others who ask for others.
                "{ a: cliente(id: \"1\") { _ } b: cliente(id: \"1\") { nome } c: cliente(id: \"2\") { email } }",
                "query ($no: Boolean = false) { cliente(id: \"1\") { id ... @skip(if: $no) { _ } } }",
                "query ($no: Boolean = false) { cliente(id: \"1\") { id ... @include(if: $no) { _ } } }",
                &*by_cpf,
                &*by_email,
                "{ _entities(representations: [{__typename: \"Cliente\", id: \"cliente_1\"},
                    {__typename: \"Produto\", id: \"produto_1\"}]) { ... on Cliente { _ } ... on Produto { preco } } }",
            ][..],
        ),
        (
            PRODUTO,
            &[
                "{ produto(id: \"1\") { _ } }",
                "{ produtos(first: 3, ordem: PRECO_DESC) { edges { cursor node { _ } } } }",
                "{ produtos(first: 3, ordem: NOME_ASC) { nodes { _ } pageInfo { startCursor } } }",
                "{ produtos(first: 3, ordem: MAIS_RECENTES) { nodes { _ } pageInfo { startCursor } } }",
                "{ compras(first: 3) { nodes { produto { _ } } } }",
                "{ cliente(id: \"3\") { produtos(first: 2) { nodes { _ } edges { node { _ } } } } }",
                "{ node(id: \"produto_1\") { ... on Node { ... on Produto { _ } } } }",
            ],
        ),
        (
            ENDERECO,
            &[
                "{ endereco(id: \"1\") { _ } }",
                "{ enderecos(first: 3) { edges { cursor node { _ } } } }",
                "{ enderecos(first: 3) { nodes { _ } } }",
                "{ clientes(first: 3) { nodes { enderecos { _ } } } }",
                "{ a: cliente(id: \"1\") { enderecos { _ } } b: cliente(id: \"1\") { enderecos { cep } } }",
                "{ nodes(ids: [\"endereco_1\", \"cliente_1\"]) { ... on Endereco { _ } ... on Cliente { nome } } }",
            ],
        ),
    ] {
        for (field, way) in fields.iter().flat_map(|field| ways.iter().map(move |way| (field, way))) {
            let query = way.replace("_ }", &format!("{field} }}"));
            let whole = app.ask_with(&query, json!({})).await;
            assert!(whole.json["errors"].is_null(), "{query}: {}", whole.json);
            app.ask_plainly(&query, json!({})).await.assert_same(&whole);
        }
    }
}

const DEEP: &str = "{ clientes(first: 50) { nodes { nome enderecos { cidade cliente { email } }
    compras(first: 3) { total nodes { quantidade produto { nome descricao resumoVendas { total } } } }
    produtos(first: 2) { total edges { node { nome } } } } } }";

#[tokio::test]
async fn in_as_many_statements() {
    let app = TestApp::behind_proxies(DbLimits::default()).await;
    // Not products by two ways: whether their answers come together is chance.
    let deep = DEEP.replace("produtos(first: 2) { total edges { node { nome } } }", "");
    for query in UNUSUAL.iter().copied().chain([&*deep]) {
        let before = app.executed();
        app.ask_with(query, json!({})).await;
        let between = app.executed();
        app.ask_plainly(query, json!({})).await;
        assert_eq!(app.executed() - between, between - before, "{query}");
    }
}

#[tokio::test]
async fn with_a_store_down() {
    let breaker = BreakerLimits { rest: Duration::from_millis(20), ..BreakerLimits::default() };
    let mut app = TestApp::behind_proxies(DbLimits { breaker, ..DbLimits::default() }).await;
    for store in Store::ALL {
        app.proxy(store).cut().await;
        let traced = app.ask_with(DEEP, json!({})).await;
        assert!(!traced.errors().is_empty());
        app.ask_plainly(DEEP, json!({})).await.assert_same(&traced);
        app.proxy(store).restore().await;
        while app.ask_plainly(DEEP, json!({})).await.json.get("errors").is_some() {
            tokio::task::yield_now().await;
        }
    }
}

/// A document is validated once, the values of its variables each time.
#[tokio::test]
async fn with_a_document_that_was_valid_before() {
    let app = TestApp::start().await;
    let query = "query($id: ID!, $n: Int = 2, $after: String, $com: Boolean = true) {
        cliente(id: $id) { nome @include(if: $com) compras(first: $n, after: $after) { total nodes { id } } } }";
    let valid = json!({ "id": "cliente_3", "n": 1, "after": null, "com": true });
    app.ask_with(query, valid.clone()).await;
    for (name, value, code) in [
        ("id", json!(4), None),
        ("id", json!(null), Some("BAD_USER_INPUT")),
        ("id", json!(true), Some("BAD_USER_INPUT")),
        ("id", json!(["cliente_3"]), Some("BAD_USER_INPUT")),
        ("id", json!("produto_3"), Some("ID_INVALIDO")),
        ("n", json!(null), None),
        ("n", json!("1"), Some("BAD_USER_INPUT")),
        ("n", json!(1.5), Some("BAD_USER_INPUT")),
        ("n", json!(101), Some("PAGINACAO_INVALIDA")),
        ("n", json!(3_000_000_000_u64), Some("BAD_USER_INPUT")),
        ("after", json!("x"), Some("CURSOR_INVALIDO")),
        ("after", json!(1), Some("BAD_USER_INPUT")),
        ("com", json!(false), None),
        ("com", json!("sim"), Some("BAD_USER_INPUT")),
    ] {
        let mut variables = valid.clone();
        variables[name] = value.clone();
        let answer = app.ask_with(query, variables).await;
        assert_eq!(answer.codes().first().map(String::as_str), code, "{name}: {value}: {}", answer.json);
    }
}
