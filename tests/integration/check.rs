//! `quarteto check`: what it finds, what it mends, and what it leaves.

#[cfg(feature = "failpoints")]
use quarteto::db::PerStore;
use quarteto::db::Store;
use quarteto::removal::check::{Finding, Observer, Position};
use serde_json::json;

use crate::support::TestApp;
#[cfg(feature = "failpoints")]
use crate::support::server::Server;
use crate::support::shop::{self, sql};

/// Everything that was found, as a person reads it.
#[derive(Default)]
pub struct Findings(pub Vec<(String, Option<&'static str>)>, Vec<Position>);

impl Observer for Findings {
    fn found(&mut self, finding: &Finding, repair: Option<&'static str>) {
        self.0.push((finding.to_string(), repair));
    }

    fn reached(&mut self, position: Position) {
        self.1.push(position);
    }
}

pub async fn check(app: &TestApp, repair: bool) -> Vec<(String, Option<&'static str>)> {
    let mut findings = Findings::default();
    app.removals.check(Position::START, repair, &mut findings).await.expect("checked");
    findings.0
}

#[tokio::test]
async fn a_shop_as_it_should_be_is_clean_and_so_is_one_after_removals() {
    let app = TestApp::over(&shop::open().await).await;
    assert_eq!(check(&app, false).await, []);
    let remover = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido } }";
    app.write(remover, json!({ "id": "2" })).await;
    app.write(remover, json!({ "id": "3", "compras": "REMOVER" })).await;
    assert_eq!(check(&app, false).await, []);
}

#[tokio::test]
async fn what_fits_nowhere_is_found_and_mended_by_the_rules() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    // Somebody has worked on the databases by hand.
    sql(&databases, Store::Clientes, "DELETE FROM `cadastro` WHERE `id` = 1").await;
    sql(&databases, Store::Catalogo, "DELETE FROM `catalogo` WHERE `id` = 40").await;
    sql(
        &databases,
        Store::Enderecos,
        "INSERT INTO `cliente_guard` (`id`, `removed_at`) VALUES (5, CURRENT_TIMESTAMP(6))",
    )
    .await;
    sql(
        &databases,
        Store::Inventario,
        "INSERT INTO `idempotency` (`user_name`, `idempotency_key`, `generated`, `operation`, `digest`) VALUES ('a', 'b', FALSE, 'x', REPEAT('0', 32))",
    )
    .await;
    sql(
        &databases,
        Store::Clientes,
        "INSERT INTO `outbox` (`task`, `target`, `policy`, `parked_at`, `last_error`) VALUES ('remover_cliente', 900, 'manter', CURRENT_TIMESTAMP(6), 'why not')",
    )
    .await;

    let found: Vec<String> = check(&app, false).await.into_iter().map(|(finding, _)| finding).collect();
    let orphans = found.iter().filter(|finding| finding.contains("cliente_1, who does not exist")).count();
    let lost =
        found.iter().filter(|finding| finding.contains("is of produto_40, which does not exist")).count();
    assert_eq!((orphans, lost), (1 + 7, 21), "{found:#?}");
    assert_eq!(found[0], "store clientes: remover_cliente 900 is parked after 0 attempts: why not");
    assert!(found.contains(&"store enderecos takes cliente_5 for removed, but it exists".to_owned()));
    assert!(found.contains(&"store inventario: 1 idempotency records say nothing of an effect".to_owned()));
    assert_eq!(found.len(), 8 + 21 + 3);

    let mended = check(&app, true).await;
    let left: Vec<_> = mended.iter().filter(|(_, repair)| repair.is_none()).collect();
    assert!(left.iter().all(|(finding, _)| finding.contains("produto_40")), "{left:#?}");
    let after = check(&app, false).await;
    assert_eq!(after.len(), 21, "only what nothing can bring back: {after:#?}");
    let kept = app.data(r#"{ compras(filtro: { cliente: "1" }) { total } enderecos(filtro: { cliente: "1" }) { total } }"#).await;
    assert_eq!(
        kept,
        json!({ "compras": { "total": 7 }, "enderecos": { "total": 0 } }),
        "a sale stays, an address goes"
    );
}

#[tokio::test]
async fn a_walk_goes_on_where_it_was() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    sql(&databases, Store::Clientes, "DELETE FROM `cadastro` WHERE `id` = 1").await;
    let mut findings = Findings::default();
    let from: Position = "compras:1".parse().expect("a position");
    app.removals.check(from, false, &mut findings).await.expect("checked");
    assert_eq!(findings.0.len(), 6, "not the address, and not the first purchase: {:#?}", findings.0);
    assert_eq!(findings.1.last().map(ToString::to_string).as_deref(), Some("compras:840"));
}

/// What another program does at a point of ours, with the test's thread standing
/// still. Points are everybody's, so other threads pass.
#[cfg(feature = "failpoints")]
fn meanwhile(
    point: &'static str,
    databases: &PerStore<String>,
    statements: &'static [(Store, &'static str)],
) {
    let (me, databases) = (std::thread::current().id(), databases.clone());
    let act = move || {
        if std::thread::current().id() != me {
            return;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(async {
                    for (store, text) in statements {
                        sql(&databases, *store, text).await;
                    }
                });
            });
        });
    };
    fail::cfg_callback(point, act).expect("a point");
}

/// A product that nobody has bought.
#[cfg(feature = "failpoints")]
const PRODUCT: (Store, &str) = (
    Store::Catalogo,
    "INSERT INTO `catalogo` (`id`, `nome`, `preco`, `disponivel`) VALUES (90, 'Banco', 10, TRUE)",
);

#[cfg(feature = "failpoints")]
const NOTE: (Store, &str) = (
    Store::Inventario,
    "INSERT INTO `produto_guard` (`id`, `removed_at`) VALUES (90, CURRENT_TIMESTAMP(6)) \
     ON DUPLICATE KEY UPDATE `removed_at` = CURRENT_TIMESTAMP(6)",
);

/// A removal that began and that nobody goes on with for now.
#[cfg(feature = "failpoints")]
const BEGUN: (Store, &str) = (
    Store::Inventario,
    "INSERT INTO `outbox` (`task`, `target`, `policy`, `due_at`) \
     VALUES ('remover_produto', 90, 'manter', '9999-01-01')",
);

#[cfg(feature = "failpoints")]
const DELETED: (Store, &str) = (Store::Catalogo, "DELETE FROM `catalogo` WHERE `id` = 90");

#[cfg(feature = "failpoints")]
const ENDED: (Store, &str) = (Store::Inventario, "DELETE FROM `outbox` WHERE `target` = 90");

#[cfg(feature = "failpoints")]
async fn is_noted(databases: &PerStore<String>) -> bool {
    let options = Server::shared().await.options(Store::Inventario, &databases[Store::Inventario]);
    let mut mysql = quarteto::db::connect(&options, None).await.expect("connected").into_mysql();
    let text = "SELECT `removed_at` IS NOT NULL FROM `produto_guard` WHERE `id` = 90";
    sqlx::query_scalar(text).fetch_one(&mut mysql).await.expect("a note")
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn the_note_of_a_removal_that_ends_while_it_is_looked_at_is_no_stray_one() {
    let databases = shop::open().await;
    let app = TestApp::over(&databases).await;
    for (store, text) in [PRODUCT, NOTE, BEGUN] {
        sql(&databases, store, text).await;
    }
    // Between the look at the outbox and the look at the catalogue.
    meanwhile("check::nobody_removes", &databases, &[DELETED, ENDED]);
    let found = check(&app, false).await;
    fail::remove("check::nobody_removes");
    assert_eq!(found.len(), 1, "the removal was under way when it began: {found:#?}");
    assert!(found[0].0.contains("remover_produto 90 is open"), "{found:#?}");
    assert!(is_noted(&databases).await);
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_stray_note_that_a_removal_makes_its_own_meanwhile_is_not_taken_back() {
    let app_over = async |meanwhile_done: &'static [(Store, &'static str)]| {
        let databases = shop::open().await;
        let app = TestApp::over(&databases).await;
        for (store, text) in [PRODUCT, NOTE] {
            sql(&databases, store, text).await;
        }
        meanwhile("check::stray", &databases, meanwhile_done);
        let found = check(&app, true).await;
        fail::remove("check::stray");
        (found, is_noted(&databases).await)
    };
    // Nothing happens: it is taken back.
    let (found, noted) = app_over(&[]).await;
    assert_eq!((found.len(), found[0].1, noted), (1, Some("took the note back"), false), "{found:#?}");
    // It is under way, or over.
    for done in [&[BEGUN][..], &[BEGUN, DELETED], &[BEGUN, DELETED, ENDED]] {
        let (found, noted) = app_over(done).await;
        assert_eq!((found, noted), (vec![], true), "{done:?}");
    }
}
