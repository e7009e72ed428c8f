//! Rows that another program has written against the rules of the tables: each costs
//! itself alone.

use std::sync::Arc;

use quarteto::db::{
    Db, DbLimits, End, Fault, PerStore, Statement, Store, StoreError, Transaction, Unreadable, Work,
};
use quarteto::local::LocalDatabase;
use quarteto::stores;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use crate::support::app::Answer;
use crate::support::server::Server;
use crate::support::{TestApp, Value, json, shop};

/// A session that checks nothing, as old programs have it.
const LOOSE: &str = "SET SESSION sql_mode = ''; ";

fn told(store: &str, id: u64) -> Value {
    json!(format!(
        "The store `{store}` has the row {id} that cannot be read, since another program has written it; it is left out."
    ))
}

/// What is asked for in order to be met, but is not what is looked at.
fn without(key: &str, data: &Value) -> Value {
    match data {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != key)
            .map(|(name, value)| (name.clone(), without(key, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| without(key, item)).collect(),
        other => other.clone(),
    }
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
            "{ clientes(first: 3, after: AFTER) { nodes { id criadoEm } pageInfo { hasNextPage } } }",
            json!({ "clientes": { "nodes": [{ "id": "cliente_6" }, { "id": "cliente_8" }], "pageInfo": { "hasNextPage": true } } }),
            "clientes",
            7,
        ),
        ("{ cliente(id: 7) { id criadoEm } }", json!({ "cliente": null }), "clientes", 7),
        ("{ cliente(id: 109) { nome atualizadoEm } }", json!({ "cliente": null }), "clientes", 109),
        (
            "{ cliente(id: 1) { nome enderecos { criadoEm } } }",
            json!({ "cliente": { "nome": "Bruno Sá", "enderecos": [] } }),
            "enderecos",
            1,
        ),
        (
            "{ produtos(filtro: { busca: \"jantar\" }, first: 1) { nodes { atualizadoEm } pageInfo { hasNextPage } } }",
            json!({ "produtos": { "nodes": [], "pageInfo": { "hasNextPage": true } } }),
            "catalogo",
            4,
        ),
        ("{ compra(id: 840) { id } }", json!({ "compra": null }), "inventario", 840),
    ] {
        let after = app.data("{ clientes(first: 5) { pageInfo { endCursor } } }").await;
        let after = after["clientes"]["pageInfo"]["endCursor"].to_string();
        let answer = app.ask(&query.replace("AFTER", &after)).await;
        assert_eq!(without("criadoEm", &answer.json["data"]), data, "{query}");
        let error = answer.only_error();
        assert_eq!(error["message"], told(store, id), "{query}");
        assert_eq!(error["extensions"], json!({ "code": "STORE_UNREADABLE", "store": store }), "{query}");
    }
    // Who does not ask for what is spoilt in a row has the row.
    let unspoilt = "{ a: cliente(id: 7) { id nome } b: cliente(id: 109) { id email } c: cliente(id: 1) { enderecos { id uf } }
        produto(id: 4) { nome criadoEm } clientes(first: 8) { nodes { cpf } } compra(id: 4) { produto { disponivel } } }";
    let whole = app.data(unspoilt).await;
    assert_eq!(whole["a"]["id"], "cliente_7");
    assert_eq!(whole["b"]["id"], "cliente_109");
    assert_eq!(whole["c"]["enderecos"].as_array().map(Vec::len), Some(1), "{whole}");
    assert!(whole["produto"].is_object(), "{whole}");
    assert_eq!(whole["clientes"]["nodes"].as_array().map(Vec::len), Some(8), "{whole}");
    // The store is well, and its other rows are answered.
    assert_eq!(
        app.data("{ cliente(id: 8) { id } produto(id: 5) { id } }").await["produto"]["id"],
        "produto_5"
    );
}

/// Tables whose rules another program has loosened, and what it wrote then.
const LOOSENED: [(Store, &str); 4] = [
    (
        Store::Clientes,
        "ALTER TABLE cadastro MODIFY nome VARCHAR(120) NULL, MODIFY cpf VARCHAR(20) NULL; \
         UPDATE cadastro SET nome = NULL WHERE id = 9; UPDATE cadastro SET cpf = NULL WHERE id = 10; \
         UPDATE cadastro SET cpf = 'sem CPF' WHERE id = 11; \
         ALTER TABLE cadastro MODIFY telefone VARBINARY(20) NULL; UPDATE cadastro SET telefone = NULL; \
         UPDATE cadastro SET telefone = X'FF' WHERE id = 14",
    ),
    (
        Store::Enderecos,
        "ALTER TABLE endereco MODIFY id_cliente BIGINT UNSIGNED NULL, MODIFY cidade VARCHAR(80) NULL; \
         UPDATE endereco SET cidade = NULL WHERE id = 2; UPDATE endereco SET id_cliente = NULL WHERE id = 4",
    ),
    (
        Store::Catalogo,
        "ALTER TABLE catalogo MODIFY preco DECIMAL(40,2) NULL, MODIFY disponivel TINYINT NULL; \
         UPDATE catalogo SET preco = 123456789012345678901234567890123 WHERE id = 5; \
         UPDATE catalogo SET preco = NULL WHERE id = 6; UPDATE catalogo SET disponivel = NULL WHERE id = 7",
    ),
    (
        Store::Inventario,
        "ALTER TABLE inventario MODIFY quantidade BIGINT UNSIGNED NULL, MODIFY preco_unitario DECIMAL(12,2) NULL; \
         UPDATE inventario SET quantidade = 5000000000 WHERE id = 12; \
         UPDATE inventario SET quantidade = NULL WHERE id = 13; UPDATE inventario SET preco_unitario = NULL WHERE id = 15",
    ),
];

/// That an answer tells of this row alone.
fn assert_told(answer: &Answer, store: &str, id: u64, query: &str) {
    let error = answer.only_error();
    assert_eq!(error["message"], told(store, id), "{query}");
    assert_eq!(error["extensions"], json!({ "code": "STORE_UNREADABLE", "store": store }), "{query}");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_row_it_costs_itself_alone() {
    let databases = shop::open().await;
    for (store, text) in LOOSENED {
        shop::sql(&databases, store, &format!("{LOOSE}{text}")).await;
    }
    let app = TestApp::over(&databases).await;
    for (query, data, store, id) in [
        ("{ cliente(id: 9) { id nome } }", json!({ "cliente": null }), "clientes", 9),
        ("{ cliente(id: 10) { cpf } }", json!({ "cliente": null }), "clientes", 10),
        // Bytes that are no text, in a column that takes them.
        ("{ cliente(id: 14) { telefone } }", json!({ "cliente": null }), "clientes", 14),
        (
            "{ cliente(id: 2) { nome enderecos { id cidade } } }",
            json!({ "cliente": { "nome": "Caio Silva", "enderecos": [{ "id": "endereco_3" }] } }),
            "enderecos",
            2,
        ),
        ("{ endereco(id: 4) { id } }", json!({ "endereco": null }), "enderecos", 4),
        // More digits than an amount has.
        ("{ produto(id: 5) { preco } }", json!({ "produto": null }), "catalogo", 5),
        ("{ produto(id: 6) { preco } }", json!({ "produto": null }), "catalogo", 6),
        ("{ produto(id: 7) { disponivel } }", json!({ "produto": null }), "catalogo", 7),
        // More than an Int holds.
        ("{ compra(id: 12) { quantidade } }", json!({ "compra": null }), "inventario", 12),
        ("{ compra(id: 13) { quantidade } }", json!({ "compra": null }), "inventario", 13),
        ("{ compra(id: 15) { total } }", json!({ "compra": null }), "inventario", 15),
    ] {
        let answer = app.ask(query).await;
        assert_eq!(without("cidade", &answer.json["data"]), data, "{query}");
        assert_told(&answer, store, id, query);
    }
    // A page by the column that is spoilt, and sums over it.
    for query in [
        "{ produtos(first: 40, ordem: PRECO_ASC) { nodes { id } } }",
        "{ produtos(last: 40, ordem: PRECO_DESC) { nodes { id } } }",
        "{ clientes(first: 40, ordem: NOME_ASC) { nodes { id compras(first: 3) { nodes { id } } resumoCompras { compras unidades total } } } }",
        "{ enderecos(first: 40) { nodes { id cliente { id } } } }",
        "{ compras(first: 40) { nodes { id produto { id resumoVendas { unidades total } } } } }",
    ] {
        let answer = app.ask(query).await;
        assert!(answer.codes().iter().all(|code| code == "STORE_UNREADABLE"), "{query}: {}", answer.json);
        let listing = answer.json["data"].as_object().and_then(|data| data.values().next());
        let nodes = listing.and_then(|listing| listing["nodes"].as_array()).map_or(0, Vec::len);
        assert!(nodes >= 37, "{query}: {nodes}");
    }
    // What is a text is shown as it stands.
    assert_eq!(app.data("{ cliente(id: 11) { cpf } }").await["cliente"]["cpf"], "sem CPF");
    assert_eq!(
        app.data("{ cliente(id: 8) { id } produto(id: 4) { id } compra(id: 14) { id } }").await["compra"]["id"],
        "compra_14"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_not_changed_and_says_why() {
    let databases = shop::open().await;
    for (store, text) in LOOSENED {
        shop::sql(&databases, store, &format!("{LOOSE}{text}")).await;
    }
    let app = TestApp::over(&databases).await;
    for (mutation, input, store, id) in [
        ("atualizarCliente", json!({ "id": "9", "nome": "Ana Luz" }), "clientes", 9),
        ("atualizarEndereco", json!({ "id": "2", "numero": "7" }), "enderecos", 2),
        ("atualizarProduto", json!({ "id": "6", "nome": "Mesa" }), "catalogo", 6),
        ("corrigirCompra", json!({ "id": "12", "quantidade": 1 }), "inventario", 12),
    ] {
        let text = format!(
            "mutation ($input: {}{}Input!) {{ {mutation}(input: $input) {{ erros {{ codigo campo }} }} }}",
            mutation[..1].to_uppercase(),
            &mutation[1..]
        );
        let answer = app.write_with(&text, json!({ "input": input })).await;
        assert_told(&answer, store, id, mutation);
        let erros = &answer.json["data"][mutation]["erros"];
        assert_eq!(*erros, json!([{ "codigo": "NAO_ENCONTRADO", "campo": ["id"] }]), "{mutation}");
    }
}

/// A transaction that goes on without the row that it asked for.
struct Blind;

impl Work for Blind {
    type Output = usize;

    fn name(&self) -> &'static str {
        "blind"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<usize>, StoreError> {
        tx.write(Statement::new("blind.write", "UPDATE cadastro SET nome = 'Outro' WHERE id = 8")).await?;
        let text = "SELECT id, nome FROM cadastro WHERE id IN (8, 9) ORDER BY id";
        let rows: Vec<(u64, String)> = tx.read(Statement::new("blind.read", text)).await?;
        Ok(End::Commit(rows.len()))
    }
}

#[tokio::test]
async fn what_was_decided_without_a_row_that_is_there_is_undone() {
    let databases = shop::open().await;
    shop::sql(&databases, LOOSENED[0].0, &format!("{LOOSE}{}", LOOSENED[0].1)).await;
    let options = Server::shared().await.options(Store::Clientes, &databases[Store::Clientes]);
    let (db, tally) = (Db::new(Store::Clientes, options, DbLimits::default()), Arc::default());
    let refused = db.transaction(&Blind, &tally).await.expect_err("undone");
    assert_eq!(refused.fault, Fault::Unreadable);
    assert_eq!(tally.unreadable_rows(), [Unreadable { store: Store::Clientes.into(), id: Some(9) }]);
    let text = "SELECT nome FROM cadastro WHERE id = 8";
    let rows: Vec<(String,)> =
        db.read(Statement::new("nome", text), &[]).await.expect("the connection is well");
    assert_ne!(rows[0].0, "Outro");
}

/// What a server says when its programs together keep too many statements.
#[tokio::test]
async fn a_server_that_keeps_no_more_statements_is_busy_and_not_sick() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = LocalDatabase::start(folder.path(), &[]).await.expect("a server of its own");
    for (store, options) in server.stores().expect("four stores").iter() {
        stores::migrate(store, options).await.expect("migrated");
    }
    let mut mysql = MySqlConnection::connect(&server.url("mysql")).await.expect("a connection");
    let mut most = async |most: u32| {
        let text = format!("SET GLOBAL max_prepared_stmt_count = {most}");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut mysql).await.expect("set");
    };
    let app = TestApp::at(&PerStore::from_fn(|store| server.url(store.database()))).await;
    let query = "{ cliente(id: 1) { id } produto(id: 1) { id } }";
    most(0).await;
    // More often than a store may fail before it is left alone.
    for _ in 0..8 {
        let answer = app.ask(query).await;
        assert_eq!(answer.codes(), ["STORE_BUSY", "STORE_BUSY"], "{}", answer.json);
    }
    let answer = app
        .write_with(
            "mutation ($input: CriarProdutoInput!) { criarProduto(input: $input) { erros { codigo } } }",
            json!({ "input": { "nome": "Mesa", "preco": "10.00" } }),
        )
        .await;
    assert_eq!(answer.codes(), ["STORE_BUSY"], "{}", answer.json);
    most(1000).await;
    assert_eq!(app.data(query).await, json!({ "cliente": null, "produto": null }));
}

/// What a text means is not the database's to say; nor is it the caller's fault, or ours.
#[tokio::test]
async fn a_uf_that_is_none_is_a_row_that_cannot_be_read() {
    let databases = shop::open().await;
    shop::sql(&databases, Store::Enderecos, "UPDATE endereco SET uf = 'ZZ' WHERE id = 1").await;
    let app = TestApp::over(&databases).await;
    let answer = app.ask("{ endereco(id: 1) { cidade uf } }").await;
    assert_eq!(answer.json["data"], json!({ "endereco": null }));
    let error = answer.only_error();
    assert_eq!(error["extensions"], json!({ "code": "STORE_UNREADABLE", "store": "enderecos" }), "{error}");
}
