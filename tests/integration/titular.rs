//! A person's data: gathered whole, removed whole, with a protocol that tells nothing of
//! the person.

use quarteto::db::{Db, DbLimits, PerStore, Store, options};
use quarteto::kernel::scalars::Cpf;
use quarteto::removal::Progress;
use quarteto::titular::Titulares;
use quarteto::writes::outbox::PoliticaCompras;

use crate::support::app::patience;
use crate::support::server::Server;
use crate::support::{Proxy, TestApp, Value, json, shop};

async fn databases(names: &PerStore<String>) -> PerStore<Db> {
    let server = Server::shared().await;
    PerStore::from_fn(|store| Db::new(store, server.options(store, &names[store]), DbLimits::default()))
}

/// The CPF of a client of the shop.
fn cpf(cliente: u32) -> Cpf {
    Cpf::from_base(cliente + 100)
}

#[tokio::test]
async fn all_that_is_known_of_a_person_is_gathered() {
    let names = shop::open().await;
    shop::sql(&names, Store::Catalogo, "DELETE FROM catalogo WHERE id = 3").await;
    let titulares = Titulares::new(databases(&names).await, "rita".into());
    let dados = titulares.gather(&cpf(2)).await.expect("gathered").expect("somebody");
    let mut json = serde_json::to_value(&dados).expect("JSON");
    let protocolo = json["protocolo"].take();
    json["gerado_em"].take();
    let compras = json["compras"].take();
    assert_eq!(
        json,
        json!({
            "gerado_em": null, "protocolo": null, "compras": null,
            "cliente": { "id": "cliente_2", "nome": "Caio Silva", "email": "cliente2@example.com",
                "cpf": cpf(2).digits(), "telefone": "11900000002", "data_nascimento": "1952-06-15",
                "criado_em": "2026-01-01T00:00:00Z", "atualizado_em": "2026-01-01T00:00:00Z" },
            "enderecos": [
                { "id": "endereco_2", "logradouro": "Rua das Acácias", "numero": "20", "complemento": null, "bairro": "Centro",
                  "cidade": "Santo André", "uf": "SP", "cep": "01310002", "pais": "BR",
                  "criado_em": "2026-01-01T02:00:00Z", "atualizado_em": "2026-01-01T02:00:00Z" },
                { "id": "endereco_3", "logradouro": "Rua das Acácias", "numero": "21", "complemento": "fundos", "bairro": "Centro",
                  "cidade": "São Paulo", "uf": "SP", "cep": "01310002", "pais": "BR",
                  "criado_em": "2026-01-01T02:00:00Z", "atualizado_em": "2026-01-01T02:00:00Z" } ]
        })
    );
    let ids: Vec<&Value> = compras.as_array().expect("a list").iter().map(|compra| &compra["id"]).collect();
    assert_eq!(
        json!(ids),
        json!([
            "compra_722",
            "compra_602",
            "compra_482",
            "compra_362",
            "compra_242",
            "compra_122",
            "compra_2"
        ])
    );
    assert_eq!(
        compras[6],
        json!({ "id": "compra_2", "produto": "produto_3", "nome_do_produto": null, "quantidade": 3,
            "preco_unitario": "13.90", "adquirido_em": "2026-01-01T02:00:00Z" })
    );
    let kept = titulares.protocols(10).await.expect("listed");
    assert_eq!(json!(kept[0].id), protocolo);
    assert_eq!(
        (
            kept.len(),
            &*kept[0].pedido,
            kept[0].cliente,
            &*kept[0].feito_por,
            kept[0].enderecos,
            kept[0].vendas
        ),
        (1, "export", 2, "rita", 2, 7)
    );
    let nobody = titulares.gather(&Cpf::from_base(999_999)).await.expect("asked");
    assert!(nobody.is_none());
    assert_eq!(titulares.protocols(10).await.expect("listed").len(), 1, "nothing is noted of nobody");
}

#[tokio::test]
async fn a_person_who_has_bought_for_years_is_gathered_whole() {
    let names = shop::open().await;
    shop::sql(
        &names,
        Store::Inventario,
        "INSERT INTO inventario (id_cliente, id_produto, quantidade, preco_unitario, adquirido_em) \
         SELECT 2, b.id_produto, 1, 1, '2020-01-01' FROM inventario a JOIN inventario b ON b.id <= 3",
    )
    .await;
    let titulares = Titulares::new(databases(&names).await, "rita".into());
    let dados = titulares.gather(&cpf(2)).await.expect("gathered").expect("somebody");
    let json = serde_json::to_value(&dados).expect("JSON");
    let ids: std::collections::HashSet<&str> = json["compras"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|compra| compra["id"].as_str())
        .collect();
    assert_eq!(ids.len(), 7 + 840 * 3);
}

#[tokio::test]
async fn a_person_is_removed_and_the_sales_stay_or_go() {
    for (policy, purchases) in [(PoliticaCompras::Manter, json!(7)), (PoliticaCompras::Remover, json!(0))] {
        let names = shop::open().await;
        let titulares = Titulares::new(databases(&names).await, "rita".into());
        let done = titulares.erase(&cpf(2), policy).await.expect("removed").expect("somebody");
        assert_eq!(done.progress, Progress::WHOLE);
        let kept = titulares.protocol(&done.protocolo.id).await.expect("found").expect("kept").protocolo;
        assert_eq!(
            (&*kept.pedido, kept.cliente, kept.compras.as_deref(), kept.enderecos, kept.vendas),
            ("apagar", 2, Some(policy.name()), 2, 7)
        );
        let app = TestApp::over(&names).await;
        let data = app
            .data("{ cliente(id: 2) { id } enderecos(filtro: { cliente: 2 }) { total } compras(filtro: { cliente: 2 }) { total } }")
            .await;
        assert_eq!(
            data,
            json!({ "cliente": null, "enderecos": { "total": 0 }, "compras": { "total": purchases } })
        );
        // Again: there is nobody any more.
        assert!(titulares.erase(&cpf(2), policy).await.expect("asked").is_none());
        assert!(titulares.protocol("nonsense").await.expect("asked").is_none());
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_told_and_done_later() {
    let names = shop::open().await;
    let server = Server::shared().await;
    let mut proxy = Proxy::start(server.target()).await;
    let url = server.url_through(proxy.port(), &names[Store::Inventario]);
    let databases = PerStore::from_fn(|store| {
        let options = match store {
            Store::Inventario => options(store, &url).expect("a URL"),
            _ => server.options(store, &names[store]),
        };
        Db::new(store, options, patience())
    });
    let titulares = Titulares::new(databases, "rita".into());
    proxy.cut().await;
    let refused = titulares.gather(&cpf(2)).await.expect_err("not whole");
    assert_eq!(refused.store, Store::Inventario);
    let refused = titulares.erase(&cpf(2), PoliticaCompras::Manter).await.expect_err("not counted");
    assert_eq!(refused.store, Store::Inventario);
    assert!(titulares.protocols(10).await.expect("listed").is_empty(), "nothing has changed");
}

/// As an operator does it.
#[tokio::test]
async fn the_command_asks_first_and_says_what_was_done() {
    let (server, names) = (Server::shared().await, shop::open().await);
    let folder = tempfile::tempdir().expect("a folder");
    let quarteto = |arguments: &[&str]| {
        let mut command = crate::program::quarteto(folder.path());
        for (store, name) in names.iter() {
            command.env(store.url_variable(), server.url(name));
        }
        let output = crate::program::run(command.args(["titular", "--by", "rita"]).args(arguments));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (cpf, other) = (cpf(2), Cpf::from_base(999_999));
    let (code, out, _) = quarteto(&["export", cpf.digits()]);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &json["cliente"]["nome"]), (Some(0), &json!("Caio Silva")));
    assert_eq!(
        quarteto(&["export", other.digits()]),
        (Some(3), String::new(), "no client has this CPF\n".into())
    );
    assert_eq!(
        quarteto(&["export", "52998224724"]),
        (Some(1), String::new(), "quarteto: the check digits of this CPF do not match\n".into())
    );
    let asked = "quarteto: nobody can be asked here; if it shall be done, say so with --yes\n";
    assert_eq!(quarteto(&["apagar", cpf.digits()]), (Some(1), String::new(), asked.into()));
    let (code, out, _) = quarteto(&["apagar", cpf.digits(), "--yes"]);
    assert_eq!(code, Some(0));
    assert!(out.ends_with(" apagar cliente_2 by rita: 2 enderecos, 7 compras (manter)\n"), "{out}");
    let (_, listed, _) = quarteto(&["protocolo"]);
    assert!(listed.starts_with(&out) && listed.lines().count() == 2, "{listed}");
    let id = out.split(' ').next().expect("a number");
    assert_eq!(quarteto(&["protocolo", id]), (Some(0), out.clone(), String::new()));
    assert_eq!(quarteto(&["apagar", cpf.digits(), "--yes"]).0, Some(3), "nobody any more");
}
