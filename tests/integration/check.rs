//! `quarteto check`: what it finds, what it mends, and what it leaves.

use quarteto::consistency::check::{Finding, Observer, Position};
use quarteto::db::Store;
use serde_json::json;

use crate::support::TestApp;
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
    app.consistency.check(Position::START, repair, &mut findings).await.expect("checked");
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
    app.consistency.check(from, false, &mut findings).await.expect("checked");
    assert_eq!(findings.0.len(), 6, "not the address, and not the first purchase: {:#?}", findings.0);
    assert_eq!(findings.1.last().map(ToString::to_string).as_deref(), Some("compras:840"));
}
