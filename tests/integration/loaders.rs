//! Every loader under our scheduler and under async-graphql's own `DataLoader`,
//! which is the oracle: the same keys, the same answers.

use std::fmt::Debug;
use std::sync::Arc;

use async_graphql::connection::CursorType as _;
use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use quarteto::batching::{Batch, Key, Rows, Scheduler, Scopes, Wanted};
use quarteto::db::{Columns, Db, DbLimits, Store};
use quarteto::kernel::scalars::DateTime;
use quarteto::relay::{ClienteId, CompraId, Cursor, EnderecoId, KeyKind, Page, PageArgs, ProdutoId, SortKey};
use quarteto::stores::catalogo::{Catalogo, DescricaoDe};
use quarteto::stores::clientes::Clientes;
use quarteto::stores::enderecos::{Enderecos, EnderecosDe};
use quarteto::stores::inventario::{
    ComprasDoCliente, ComprasDoProduto, Inventario, PageKey, ProdutosDoCliente, ResumoDoCliente,
    ResumoDoProduto, TotalDeProdutos,
};

use crate::support::server::Server;
use crate::support::shop;

async fn rows<S>(store: Store) -> Rows<S> {
    let (server, databases) = (Server::shared().await, shop::shared().await);
    Rows::new(Db::new(store, server.options(store, &databases[store]), DbLimits::default()))
}

/// Asks both for `keys` and compares, over several rounds of random keys: some are
/// absent, some repeated, and now and then there are more than one call takes.
async fn agree<L, K>(rows: L, keys: impl Strategy<Value = K>)
where
    L: Batch<K> + Clone,
    L::Value: Debug,
    K: Key + Debug,
{
    let mut runner = TestRunner::deterministic();
    let ours = Scheduler::new(rows.clone());
    let stock = DataLoader::new(rows, TokioSpawner::current(), TokioTimer::default());
    let rounds = vec(keys, 0..=300);
    let mut found = 0;
    for _ in 0..8 {
        let asked = rounds.new_tree(&mut runner).expect("keys").current();
        let scope = Scopes::default().open();
        let loads = asked.iter().map(|key| ours.load(&scope, *key));
        let answers = scope.run(join_all(loads)).await;
        // Whoever asks the stock one for more than a call takes must say so in pieces.
        for (keys, answers) in asked.chunks(L::MOST).zip(answers.chunks(L::MOST)) {
            let expected = stock.load_many(keys.iter().copied()).await.expect("loaded");
            for (key, answer) in keys.iter().zip(answers) {
                let answer = answer.as_ref().expect("loaded").as_ref();
                assert_eq!(format!("{answer:?}"), format!("{:?}", expected.get(key)), "{}: {key:?}", L::NAME);
                found += usize::from(answer.is_some());
            }
        }
    }
    assert!(found > 0, "{}: something should have been found", L::NAME);
}

/// Numbers with some beyond the last.
fn up_to(last: u64) -> impl Strategy<Value = u64> {
    0..=last + last / 8 + 1
}

/// Pages of a parent: from either end, after and before any place that `place` makes
/// of a number.
fn pages(parents: u64, kind: KeyKind, place: fn(u64) -> SortKey) -> impl Strategy<Value = (u64, Page)> {
    let cursor = move || proptest::option::of(up_to(shop::CLIENTES * shop::COMPRAS_DE_CADA));
    (up_to(parents), any::<bool>(), 1..8_i32, cursor(), cursor()).prop_map(
        move |(parent, forward, rows, after, before)| {
            let cursor = |id: u64| Cursor::new("TEST", place(id), id).encode_cursor();
            let args = PageArgs {
                first: forward.then_some(rows),
                after: after.map(cursor),
                last: (!forward).then_some(rows),
                before: before.map(cursor),
            };
            (parent, Page::new(&args, "TEST", kind).expect("a page"))
        },
    )
}

/// Pages by number, upwards.
fn by_id(parents: u64) -> impl Strategy<Value = PageKey<()>> {
    let pages = pages(parents, KeyKind::Id, |_| SortKey::Id);
    pages.prop_map(|(parent, page)| PageKey::new(parent, &page, false))
}

/// Pages by moment, downwards.
fn newest_first(parents: u64) -> impl Strategy<Value = PageKey<DateTime>> {
    let pages = pages(parents, KeyKind::Moment, |id| SortKey::Moment(shop::adquirido_em(id)));
    pages.prop_map(|(parent, page)| PageKey::new(parent, &page, true))
}

/// All columns of rows by their numbers.
fn whole<K: Key + Debug>(last: u64, key: fn(u64) -> K) -> impl Strategy<Value = Wanted<K>> {
    up_to(last).prop_map(move |id| Wanted { key: key(id), columns: Columns::ALL })
}

#[tokio::test]
async fn every_loader_finds_what_the_stock_one_finds() {
    let clientes = rows::<Clientes>(Store::Clientes).await;
    agree(clientes, whole(shop::CLIENTES, ClienteId)).await;

    let enderecos = rows::<Enderecos>(Store::Enderecos).await;
    agree(enderecos.clone(), whole(shop::CLIENTES, EnderecoId)).await;
    agree(enderecos, whole(shop::CLIENTES, |id| EnderecosDe(ClienteId(id)))).await;

    let catalogo = rows::<Catalogo>(Store::Catalogo).await;
    agree(catalogo.clone(), whole(shop::PRODUTOS, ProdutoId)).await;
    agree(catalogo, up_to(shop::PRODUTOS).prop_map(|id| DescricaoDe(ProdutoId(id)))).await;

    let inventario = rows::<Inventario>(Store::Inventario).await;
    agree(inventario.clone(), up_to(shop::CLIENTES * shop::COMPRAS_DE_CADA).prop_map(CompraId)).await;
    agree(inventario.clone(), newest_first(shop::CLIENTES).prop_map(ComprasDoCliente)).await;
    agree(inventario.clone(), newest_first(shop::PRODUTOS).prop_map(ComprasDoProduto)).await;
    agree(inventario.clone(), by_id(shop::CLIENTES).prop_map(ProdutosDoCliente)).await;
    agree(inventario.clone(), up_to(shop::CLIENTES).prop_map(|id| TotalDeProdutos(ClienteId(id)))).await;
    agree(inventario.clone(), up_to(shop::CLIENTES).prop_map(|id| ResumoDoCliente(ClienteId(id)))).await;
    agree(inventario, up_to(shop::PRODUTOS).prop_map(|id| ResumoDoProduto(ProdutoId(id)))).await;
}

#[tokio::test]
async fn what_a_loader_reads_is_on_the_tally_of_whom_it_serves() {
    let scheduler = Scheduler::new(rows::<Clientes>(Store::Clientes).await);
    let scope = Scopes::default().open();
    // Whatever they want of it, one client is read once.
    let loads = [(1, Columns::ALL), (2, Columns::at(1)), (2, Columns::at(2)), (9999, Columns::KEYS)];
    let loads = loads.map(|(id, columns)| scheduler.load(&scope, Wanted { key: ClienteId(id), columns }));
    let answers = scope.run(join_all(loads)).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Some(_)))).count(), 3);
    let tally: Vec<_> =
        Arc::clone(scope.tally()).stores().map(|store| (store.statements, store.rows)).collect();
    assert_eq!(tally, [(1, 2)]);
}

/// A batch reads what any of those whom it serves wants, and no more.
#[tokio::test]
async fn a_batch_reads_the_columns_that_are_wanted() {
    let scheduler = Scheduler::new(rows::<Clientes>(Store::Clientes).await);
    let scope = Scopes::default().open();
    let (nome, email) = (Columns::at(1), Columns::at(2));
    for (wanted, expected) in [
        (vec![(1, nome), (2, nome)], &["nome"][..]),
        (vec![(1, nome), (1, email)], &["nome", "email"]),
        (vec![(1, nome), (2, email), (3, Columns::KEYS)], &["nome", "email"]),
        (vec![(1, Columns::KEYS)], &[]),
    ] {
        let keys = wanted.iter().map(|(id, columns)| Wanted { key: ClienteId(*id), columns: *columns });
        let found = scope.run(scheduler.load_all(&scope, keys.collect())).await.expect("loaded");
        assert_eq!(found.len(), wanted.len());
        for ((id, _), found) in wanted.iter().zip(&found) {
            let found = found.as_ref().expect("there");
            assert_eq!(found.id, ClienteId(*id));
            let shown = format!("{found:?}");
            let fields =
                ["nome", "email", "cpf", "telefone", "data_nascimento", "criado_em", "atualizado_em"];
            let read = fields.into_iter().filter(|field| !shown.contains(&format!(" {field}: unread")));
            assert_eq!(read.collect::<Vec<_>>(), expected, "{shown}");
        }
    }
}

/// What is spoilt in a row is nothing to those who are served by the same batch and did not ask
/// for it.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_to_those_who_want_it() {
    let (server, databases) = (Server::shared().await, shop::open().await);
    let spoil = "SET SESSION sql_mode = ''; UPDATE cadastro SET criado_em = '0000-00-00' WHERE id IN (3, 7)";
    shop::sql(&databases, Store::Clientes, spoil).await;
    let db = Db::new(
        Store::Clientes,
        server.options(Store::Clientes, &databases[Store::Clientes]),
        DbLimits::default(),
    );
    let scheduler = Scheduler::new(Rows::<Clientes>::new(db));
    let (nome, criado_em) = (Columns::at(1), Columns::at(6));
    let asked =
        [vec![(7, nome)], vec![(7, criado_em), (8, criado_em)], vec![(8, criado_em)], vec![(3, criado_em)]];
    let scopes = Scopes::default();
    let scopes: Vec<_> = asked.iter().map(|_| scopes.open()).collect();
    // All of them are under way before any is answered.
    let loads = asked.iter().zip(&scopes).map(|(asked, scope)| {
        let wanted = asked.iter().map(|(id, columns)| Wanted { key: ClienteId(*id), columns: *columns });
        scope.run(scheduler.load_all(scope, wanted.collect()))
    });
    let found = join_all(loads).await;
    let ids = found.iter().map(|found| {
        let found = found.as_ref().expect("loaded");
        found.iter().map(|row| row.as_ref().map(|row| row.id.0)).collect::<Vec<_>>()
    });
    assert_eq!(ids.collect::<Vec<_>>(), [vec![Some(7)], vec![None, Some(8)], vec![Some(8)], vec![None]]);
    let told = scopes.iter().map(|scope| {
        scope.tally().unreadable_rows().iter().map(|row| row.id.unwrap_or_default()).collect::<Vec<_>>()
    });
    assert_eq!(told.collect::<Vec<_>>(), [vec![], vec![7], vec![], vec![3]]);
}
