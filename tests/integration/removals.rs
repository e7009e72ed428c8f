//! Removals that cross stores: done, pending, refused, and raced.

use std::time::Duration;

use futures_util::future::{join, join_all};
use quarteto::db::{BreakerLimits, Db, DbLimits, End, Store, StoreError, Transaction, Work};
use quarteto::writes::guard::Guarded;
use tokio::sync::Notify;

use crate::support::app::patience;
use crate::support::server::Server;
use crate::support::{Shape, TestApp, Value, in_both_shapes, json, shop};

const REMOVER_CLIENTE: &str = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) {
    cliente { id nome } idRemovido enderecos compras erros { codigo campo } } }";
const REMOVER_PRODUTO: &str = "mutation($input: RemoverProdutoInput!) { removerProduto(input: $input) {
    produto { id } idRemovido catalogo erros { codigo campo } } }";

/// What every store has about client 2, who has two addresses and seven
/// purchases.
const ALL_OF_2: &str = r#"{ cliente(id: "2") { id } enderecos(filtro: { cliente: "2" }) { total }
    compras(filtro: { cliente: "2" }) { total nodes { cliente { id } } } }"#;

in_both_shapes!(
    a_client_goes_with_its_addresses_and_the_sales_stay,
    a_client_goes_with_its_purchases_when_told_to,
    a_product_that_was_bought_stays_and_another_goes,
    a_store_that_is_down_is_finished_when_it_is_back,
    many_workers_do_each_removal_once,
    what_is_added_while_its_client_goes_is_refused_or_goes_too,
    a_product_is_either_bought_or_removed,
    an_address_that_comes_after_its_client_has_gone_is_refused,
    a_purchase_that_comes_after_its_client_has_gone_is_refused,
);

fn limits() -> DbLimits {
    DbLimits {
        breaker: BreakerLimits { rest: Duration::from_millis(20), ..BreakerLimits::default() },
        ..DbLimits::default()
    }
}

async fn a_client_goes_with_its_addresses_and_the_sales_stay(shape: Shape) {
    let app = TestApp::shaped(&shop::open().await, shape).await;
    let removed = app.write(REMOVER_CLIENTE, json!({ "id": "cliente_2" })).await;
    assert_eq!(
        removed,
        json!({ "cliente": { "id": "cliente_2", "nome": "Caio Silva" }, "idRemovido": "cliente_2",
            "enderecos": "CONCLUIDA", "compras": "MANTIDA", "erros": [] })
    );
    let sale = json!({ "cliente": null });
    assert_eq!(
        app.data(ALL_OF_2).await,
        json!({ "cliente": null, "enderecos": { "total": 0 }, "compras": { "total": 7, "nodes": vec![sale; 7] } })
    );
    assert_eq!(app.removals.round().await, 0, "nothing is left to do");
    let again = app.write(REMOVER_CLIENTE, json!({ "id": "cliente_2" })).await;
    assert_eq!(again["erros"], json!([{ "codigo": "NAO_ENCONTRADO", "campo": ["id"] }]));
}

async fn a_client_goes_with_its_purchases_when_told_to(shape: Shape) {
    let app = TestApp::shaped(&shop::open().await, shape).await;
    let removed = app.write(REMOVER_CLIENTE, json!({ "id": "cliente_2", "compras": "REMOVER" })).await;
    assert_eq!(removed["compras"], "CONCLUIDA");
    assert_eq!(
        app.data(ALL_OF_2).await,
        json!({ "cliente": null, "enderecos": { "total": 0 }, "compras": { "total": 0, "nodes": [] } })
    );
}

async fn a_product_that_was_bought_stays_and_another_goes(shape: Shape) {
    let app = TestApp::shaped(&shop::open().await, shape).await;
    let refused = app.write(REMOVER_PRODUTO, json!({ "id": "produto_1" })).await;
    assert_eq!(
        refused,
        json!({ "produto": null, "idRemovido": null, "catalogo": null,
            "erros": [{ "codigo": "PRODUTO_COM_COMPRAS", "campo": ["id"] }] })
    );
    let made = app
        .write(
            "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id } erros { codigo } } }",
            json!({ "nome": "Banco", "preco": "10.00" }),
        )
        .await;
    let id = made["produto"]["id"].clone();
    let removed = app.write(REMOVER_PRODUTO, json!({ "id": id })).await;
    assert_eq!(
        removed,
        json!({ "produto": { "id": id }, "idRemovido": id, "catalogo": "CONCLUIDA", "erros": [] })
    );
    let gone = app.ask_with("query($id: ID!) { produto(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(gone.json["data"]["produto"], Value::Null);
}

async fn a_store_that_is_down_is_finished_when_it_is_back(shape: Shape) {
    let mut app = TestApp::shaped_over_proxies(&shop::open().await, limits(), shape).await;
    app.proxy(Store::Enderecos).cut().await;
    let removed = app.write(REMOVER_CLIENTE, json!({ "id": "cliente_2", "compras": "REMOVER" })).await;
    assert_eq!(removed["enderecos"], "PENDENTE");
    assert_eq!(removed["compras"], "CONCLUIDA", "the other store did not wait for it");
    assert_eq!(removed["erros"], json!([]));
    app.proxy(Store::Enderecos).restore().await;
    until_done(&app).await;
    assert_eq!(
        app.data(ALL_OF_2).await,
        json!({ "cliente": null, "enderecos": { "total": 0 }, "compras": { "total": 0, "nodes": [] } })
    );
}

/// Works through the outbox until nothing is open; the row's own pause is cut
/// short, as `quarteto check --repair` does.
async fn until_done(app: &TestApp) {
    for _ in 0..10_000 {
        app.removals.hasten().await.expect("hastened");
        app.removals.round().await;
        if app.removals.open().await.expect("read").is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it was never done: {:?}", app.removals.open().await);
}

async fn many_workers_do_each_removal_once(shape: Shape) {
    let databases = shop::open().await;
    let mut app = TestApp::shaped_over_proxies(&databases, limits(), shape).await;
    let others = join_all((0..3).map(|_| TestApp::shaped(&databases, shape))).await;
    app.proxy(Store::Enderecos).cut().await;
    for id in 1..=20 {
        let removed = app.write(REMOVER_CLIENTE, json!({ "id": id.to_string() })).await;
        assert_eq!(removed["enderecos"], "PENDENTE");
    }
    app.proxy(Store::Enderecos).restore().await;
    app.removals.hasten().await.expect("hastened");
    let worked: usize = join_all(others.iter().map(|other| other.removals.round())).await.into_iter().sum();
    assert_eq!(worked, 20, "each was taken by one of them");
    assert!(app.removals.open().await.expect("read").is_empty());
}

async fn what_is_added_while_its_client_goes_is_refused_or_goes_too(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let adicionar = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id } erros { codigo } } }";
    let comprar = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id } erros { codigo } } }";
    for cliente in 1..=20_u64 {
        let id = format!("cliente_{cliente}");
        let endereco = json!({ "cliente": id, "logradouro": "R", "numero": "1", "cidade": "C", "uf": "SP", "cep": "11010000" });
        let compra = json!({ "cliente": id, "produto": "produto_1", "quantidade": 1 });
        let added = join_all((0..4).map(|_| app.write(adicionar, endereco.clone())));
        let bought = join_all((0..4).map(|_| app.write(comprar, compra.clone())));
        let removed = app.write(REMOVER_CLIENTE, json!({ "id": id, "compras": "REMOVER" }));
        let ((added, bought), removed) = join(join(added, bought), removed).await;
        assert_eq!(removed["erros"], json!([]));
        for payload in added.iter().chain(&bought) {
            let refused = payload["erros"] == json!([{ "codigo": "NAO_ENCONTRADO" }]);
            assert!(refused || payload["erros"] == json!([]), "{payload}");
        }
    }
    until_done(&app).await;
    for cliente in 1..=20_u64 {
        let query = format!(
            "{{ enderecos(filtro: {{ cliente: \"{cliente}\" }}) {{ total }} compras(filtro: {{ cliente: \"{cliente}\" }}) {{ total }} }}"
        );
        assert_eq!(app.data(&query).await, json!({ "enderecos": { "total": 0 }, "compras": { "total": 0 } }));
    }
}

async fn a_product_is_either_bought_or_removed(shape: Shape) {
    let app = TestApp::patient(&shop::open().await, shape).await;
    let criar = "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id } erros { codigo } } }";
    let comprar = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id produto { id } } erros { codigo } } }";
    for _ in 0..20 {
        let made = app.write(criar, json!({ "nome": "Banco", "preco": "10.00" })).await;
        let id = made["produto"]["id"].clone();
        let compra = json!({ "cliente": "cliente_1", "produto": id, "quantidade": 1 });
        let (bought, removed) =
            join(app.write(comprar, compra), app.write(REMOVER_PRODUTO, json!({ "id": id }))).await;
        match removed["idRemovido"].as_str() {
            Some(_) => assert_eq!(bought["erros"], json!([{ "codigo": "NAO_ENCONTRADO" }]), "{removed}"),
            None => {
                assert_eq!(removed["erros"][0]["codigo"], "PRODUTO_COM_COMPRAS");
                assert_eq!(bought["compra"]["produto"]["id"], id);
            }
        }
    }
}

/// A transaction that has locked both notes, until it is told to end.
struct Buying {
    holds: Notify,
    end: Notify,
}

impl Work for Buying {
    type Output = (bool, bool);

    fn name(&self) -> &'static str {
        "teste.compra"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<(bool, bool)>, StoreError> {
        let removed = Guarded::share_pair(tx, 4_001, 4_002).await?;
        self.holds.notify_one();
        self.end.notified().await;
        Ok(End::Rollback(removed))
    }
}

/// A transaction that wants a note for itself.
struct Removing(Guarded, u64);

impl Work for Removing {
    type Output = ();

    fn name(&self) -> &'static str {
        "teste.remocao"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        self.0.lock(tx, self.1).await.map(|_| End::Rollback(()))
    }
}

/// Both notes are locked by the one statement that reads them, those that are new and those
/// that were there.
#[tokio::test]
async fn who_buys_holds_the_notes_on_the_client_and_on_the_product() {
    let databases = shop::open().await;
    let options = Server::shared().await.options(Store::Inventario, &databases[Store::Inventario]);
    let calm = Db::new(Store::Inventario, options.clone(), patience());
    let hasty = DbLimits { statement: Duration::from_millis(300), ..DbLimits::default() };
    let hasty = Db::new(Store::Inventario, options, hasty);
    let tally = std::sync::Arc::default();
    for there in [false, true] {
        let buying = Buying { holds: Notify::new(), end: Notify::new() };
        let others = async {
            buying.holds.notified().await;
            for (guarded, id) in [(Guarded::Cliente, 4_001), (Guarded::Produto, 4_002)] {
                let refused = hasty.transaction(&Removing(guarded, id), &tally).await;
                assert!(refused.is_err(), "{guarded:?}, there before: {there}");
            }
            buying.end.notify_one();
        };
        let (bought, ()) = join(calm.transaction(&buying, &tally), others).await;
        assert_eq!(bought.expect("both held"), (false, false));
        // Its notes were undone with it; the next time they are there.
        for (guarded, id) in [(Guarded::Cliente, 4_001), (Guarded::Produto, 4_002)] {
            let table = if guarded == Guarded::Cliente { "cliente_guard" } else { "produto_guard" };
            let text = format!("INSERT IGNORE INTO `{table}` (`id`) VALUES ({id})");
            shop::sql(&databases, Store::Inventario, &text).await;
            assert!(
                calm.transaction(&Removing(guarded, id), &tally).await.is_ok(),
                "nobody holds it any more"
            );
        }
    }
}

/// A write that has looked at the other stores and is on its way to its own, while
/// a removal runs from its beginning to its end.
async fn held_back(
    shape: Shape,
    store: Store,
    (mutation, input): (&str, Value),
    (removal, removed): (&str, Value),
) -> (Value, TestApp) {
    let databases = shop::open().await;
    let (mut slow, app) = (
        TestApp::shaped_over_proxies(&databases, patience(), shape).await,
        TestApp::shaped(&databases, shape).await,
    );
    let mut proxies = slow.proxies.take().expect("behind proxies");
    let proxy = &mut proxies[store];
    proxy.hold();
    let write = slow.write(mutation, input);
    let remove = async {
        proxy.holds_something().await;
        let gone = app.write(removal, removed).await;
        assert_eq!(gone["erros"], json!([]));
        proxy.restore().await;
    };
    let (written, ()) = join(write, remove).await;
    until_done(&app).await;
    (written, app)
}

async fn an_address_that_comes_after_its_client_has_gone_is_refused(shape: Shape) {
    let adicionar = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id } erros { codigo campo } } }";
    let endereco = json!({ "cliente": "cliente_2", "logradouro": "R", "numero": "1", "cidade": "C", "uf": "SP", "cep": "11010000" });
    let removal = (REMOVER_CLIENTE, json!({ "id": "2" }));
    let (written, app) = held_back(shape, Store::Enderecos, (adicionar, endereco), removal).await;
    assert_eq!(
        written,
        json!({ "endereco": null, "erros": [{ "codigo": "NAO_ENCONTRADO", "campo": ["cliente"] }] })
    );
    assert_eq!(app.data(ALL_OF_2).await["enderecos"]["total"], 0);
}

async fn a_purchase_that_comes_after_its_client_has_gone_is_refused(shape: Shape) {
    let comprar = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id } erros { codigo campo } } }";
    let compra = json!({ "cliente": "cliente_2", "produto": "produto_1", "quantidade": 1 });
    for compras in ["MANTER", "REMOVER"] {
        let removal = (REMOVER_CLIENTE, json!({ "id": "2", "compras": compras }));
        let (written, _) = held_back(shape, Store::Inventario, (comprar, compra.clone()), removal).await;
        assert_eq!(
            written,
            json!({ "compra": null, "erros": [{ "codigo": "NAO_ENCONTRADO", "campo": ["cliente"] }] })
        );
    }
}
