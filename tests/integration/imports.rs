//! Files of the old databases, imported.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use csv::StringRecord;
use quarteto::db::{Db, DbLimits, PerStore, Store};
use quarteto::import::header::Mapping;
use quarteto::import::{Format, ImportError, Observer, Options, Summary, run};
use quarteto::relay::ClienteId;

use crate::support::server::Server;
use crate::support::{Proxy, TestApp, json, shop};

/// The line and the reason of every reject.
#[derive(Default)]
struct Rejects(Vec<(u64, String)>);

impl Observer for Rejects {
    fn reached(&mut self, _: u64) {}

    fn header(&mut self, _: &StringRecord) -> std::io::Result<()> {
        Ok(())
    }

    fn rejected(&mut self, line: u64, _: &StringRecord, why: &str) -> std::io::Result<()> {
        self.0.push((line, why.to_owned()));
        Ok(())
    }
}

fn options() -> Options {
    let offset = FixedOffset::east_opt(0).expect("an offset");
    Options {
        delimiter: b',',
        mapping: Mapping::default(),
        format: Format { decimal_comma: false, offset },
        dry_run: false,
    }
}

async fn stores(databases: &PerStore<String>) -> PerStore<Db> {
    let server = Server::shared().await;
    PerStore::from_fn(|store| Db::new(store, server.options(store, &databases[store]), DbLimits::default()))
}

async fn import(
    stores: &PerStore<Db>,
    store: Store,
    file: &str,
    options: &Options,
) -> (Summary, Vec<(u64, String)>) {
    let mut rejects = Rejects::default();
    let summary = run(store, stores, file.as_bytes(), options, &mut rejects).await.expect("imported");
    (summary, rejects.0)
}

fn summary(read: u64, inserted: u64, known: u64, rejected: u64) -> Summary {
    Summary { read, inserted, known, rejected }
}

const CLIENTES: &str = "\u{feff}ID,Nome,E-mail,CPF,Telefone,Data Nascimento,Criado em
1001,Ana Çelik,ana@example.com,529.982.247-25,(11) 91234-5678,1990-02-28,2020-01-02 03:04:05
1002,\"Lima, Bruno\",bruno@example.com,111.444.777-35,NULL,,2020-01-02T03:04:05Z
";

#[tokio::test]
async fn the_four_files_of_a_shop_become_one_graph() {
    let databases = shop::open().await;
    let (app, stores) = (TestApp::over(&databases).await, stores(&databases).await);
    let mut local = options();
    local.mapping.renamed = BTreeMap::from([("E-mail".to_owned(), "email".to_owned())]);
    local.format.offset = "-03:00".parse().expect("an offset");
    assert_eq!(import(&stores, Store::Clientes, CLIENTES, &local).await, (summary(2, 2, 0, 0), vec![]));
    let enderecos = "id,id_cliente,logradouro,numero,complemento,bairro,cidade,uf,cep\n2001,1001,Rua A,s/n,,Centro,Santos,sp,11010-000\n";
    assert_eq!(import(&stores, Store::Enderecos, enderecos, &options()).await.0, summary(1, 1, 0, 0));
    let mut german = options();
    german.delimiter = b';';
    german.format.decimal_comma = true;
    german.mapping.ignored = vec!["foto".to_owned()];
    let catalogo =
        "id;nome;descricao;preco;disponivel;foto\n3001;Banco;\"De duas\nlinhas\";1.234,50;não;x.png\n";
    assert_eq!(import(&stores, Store::Catalogo, catalogo, &german).await.0, summary(1, 1, 0, 0));
    let compras = "id,id_cliente,id_produto,quantidade,preco_unitario,adquirido_em,chave_idempotencia\n4001,1001,3001,2,10.00,2021-05-06 07:08:09.5,velha-1\n";
    assert_eq!(import(&stores, Store::Inventario, compras, &options()).await.0, summary(1, 1, 0, 0));
    let query = r#"{ cliente(id: "1001") { nome cpf telefone dataNascimento criadoEm
        enderecos { id uf cep pais }
        compras { nodes { id total adquiridoEm produto { nome descricao preco disponivel } } } }
        outro: cliente(id: "1002") { nome telefone criadoEm } }"#;
    assert_eq!(
        app.data(query).await,
        json!({
            "cliente": { "nome": "Ana Çelik", "cpf": "52998224725", "telefone": "11912345678",
                "dataNascimento": "1990-02-28", "criadoEm": "2020-01-02T06:04:05Z",
                "enderecos": [{ "id": "endereco_2001", "uf": "SP", "cep": "11010000", "pais": "BR" }],
                "compras": { "nodes": [{ "id": "compra_4001", "total": "20.00", "adquiridoEm": "2021-05-06T07:08:09.500Z",
                    "produto": { "nome": "Banco", "descricao": "De duas\nlinhas", "preco": "1234.50", "disponivel": false } }] } },
            "outro": { "nome": "Lima, Bruno", "telefone": null, "criadoEm": "2020-01-02T03:04:05Z" }
        })
    );
    // Again: nothing happens. And what is made next has a number of its own.
    assert_eq!(import(&stores, Store::Clientes, CLIENTES, &local).await.0, summary(2, 0, 2, 0));
    let made = app
        .write(
            "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id } erros { codigo } } }",
            json!({ "nome": "N", "email": "n@example.com", "cpf": "39053344705" }),
        )
        .await;
    assert_eq!(made["cliente"]["id"], "cliente_1003");
}

#[tokio::test]
async fn what_does_not_fit_is_rejected_with_its_line_and_why() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    let clientes = "id,nome,email,cpf,data_nascimento
x,,ana@,11111111111,2999-01-01
1,Outra,outra@example.com,52998224725,
1001,Ana,ana@example.com,52998224725,
1002,Bia,bia@example.com,52998224725,
1003,Cai,cliente5@example.com,11144477735,
1003,Dan,dan@example.com,39053344705,
";
    let (done, rejects) = import(&stores, Store::Clientes, clientes, &options()).await;
    assert_eq!(done, summary(6, 1, 0, 5));
    let why = |line| rejects.iter().find(|reject| reject.0 == line).map(|reject| reject.1.as_str());
    assert_eq!(
        why(2),
        Some(
            "id: O identificador não é válido; ele tem a forma cliente_42.; nome: Este campo é obrigatório.; \
              email: O e-mail não é válido; ele tem a forma nome@exemplo.com.br.; cpf: O CPF não é válido; confira os 11 dígitos.; \
              data_nascimento: A data de nascimento deve estar entre 1900-01-01 e hoje."
        )
    );
    assert_eq!(why(3), Some("id: another row has this id"));
    assert_eq!(why(5), Some("cpf: another row has this value"));
    assert_eq!(why(6), Some("email: another row has this value"));
    assert_eq!(why(7), Some("id: the file has this id twice"));

    let enderecos =
        "id,id_cliente,logradouro,numero,cidade,uf,cep\n2001,999,R,1,C,SP,11010000\n2002,1,R,1,C,XX,1101\n";
    let (done, rejects) = import(&stores, Store::Enderecos, enderecos, &options()).await;
    assert_eq!(
        (done, rejects[1].1.as_str()),
        (summary(2, 0, 0, 2), "id_cliente: cliente_999 does not exist")
    );
    let compras = "id,id_cliente,id_produto,quantidade,preco_unitario,adquirido_em\n4001,999,999,1,1.00,2021-01-01 00:00:00\n4002,1,1,0,1.999,\n";
    let (done, rejects) = import(&stores, Store::Inventario, compras, &options()).await;
    assert_eq!(done, summary(2, 0, 0, 2));
    assert_eq!(
        rejects[1].1,
        "id_cliente: cliente_999 does not exist; id_produto: produto_999 does not exist"
    );
}

#[tokio::test]
async fn the_fifty_first_address_is_rejected() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    // Client 2 has two.
    let rows: String = (1..=49).map(|n| format!("{},2,R,{n},C,SP,11010000\n", 2000 + n)).collect();
    let file = format!("id,id_cliente,logradouro,numero,cidade,uf,cep\n{rows}");
    let (done, rejects) = import(&stores, Store::Enderecos, &file, &options()).await;
    assert_eq!(
        (done, rejects),
        (summary(49, 48, 0, 1), vec![(50, "id_cliente: cliente_2 has 50 addresses already".to_owned())])
    );
}

#[tokio::test]
async fn nothing_is_added_to_a_client_whose_removal_has_begun() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    // The client is still there for the look before, and gone for the write.
    quarteto::stores::enderecos::forget_cliente(&stores[Store::Enderecos], ClienteId(2))
        .await
        .expect("forgotten");
    let file =
        "id,id_cliente,logradouro,numero,cidade,uf,cep\n2001,1,R,1,C,SP,11010000\n2002,2,R,1,C,SP,11010000\n";
    let (done, rejects) = import(&stores, Store::Enderecos, file, &options()).await;
    assert_eq!((done, rejects), (summary(2, 1, 0, 1), vec![(3, "id_cliente: has been removed".to_owned())]));
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let databases = shop::open().await;
    let (app, stores) = (TestApp::over(&databases).await, stores(&databases).await);
    let file = "id,nome,email,cpf\n1001,Ana,ana@example.com,52998224725\n1,Outra,o@example.com,11144477735\n";
    let dry = Options { dry_run: true, ..options() };
    assert_eq!(import(&stores, Store::Clientes, file, &dry).await.0, summary(2, 1, 0, 1));
    assert_eq!(app.data("{ clientes { total } }").await["clientes"]["total"], shop::CLIENTES);
}

#[tokio::test]
async fn an_import_that_was_interrupted_is_run_again() {
    let databases = shop::open().await;
    let server = Server::shared().await;
    let mut proxy = Proxy::start(server.target()).await;
    let url = server.url_through(proxy.port(), &databases[Store::Catalogo]);
    let through = quarteto::db::options(Store::Catalogo, &url).expect("a URL");
    let whole = stores(&databases).await;
    let broken = PerStore::from_fn(|store| match store {
        Store::Catalogo => Db::new(store, through.clone(), DbLimits::default()),
        _ => whole[store].clone(),
    });
    let rows: String = (1..=1500).map(|n| format!("{},Banco {n},1.00\n", 5000 + n)).collect();
    let file = format!("id,nome,preco\n{rows}");
    /// Cuts the line after the first batch.
    struct Cutter<'a>(&'a mut Proxy);
    impl Observer for Cutter<'_> {
        fn reached(&mut self, _: u64) {
            self.0.lose_everything();
        }
        fn header(&mut self, _: &StringRecord) -> std::io::Result<()> {
            Ok(())
        }
        fn rejected(&mut self, _: u64, _: &StringRecord, why: &str) -> std::io::Result<()> {
            panic!("{why}")
        }
    }
    let ended = run(Store::Catalogo, &broken, file.as_bytes(), &options(), &mut Cutter(&mut proxy)).await;
    let Err(error @ ImportError::Store { .. }) = ended else { panic!("{ended:?}") };
    let told = error.to_string();
    assert!(told.ends_with("512 rows are in, and the same command goes on from there"), "{told}");
    assert_eq!(import(&whole, Store::Catalogo, &file, &options()).await.0, summary(1500, 988, 512, 0));
}
