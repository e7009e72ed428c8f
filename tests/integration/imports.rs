//! Files of the old databases, imported.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use csv::ByteRecord;
use quarteto::db::{Db, DbLimits, PerStore, Store};
use quarteto::import::header::Mapping;
use quarteto::import::{
    Asked, File, Format, ImportError, Layout, Observer, Options, Reader, Summary, Table, Zone, columns, run,
};
use quarteto::relay::ClienteId;

use crate::support::server::Server;
use crate::support::{Proxy, TestApp, json, shop};

/// The line and the reason of every reject.
#[derive(Default)]
struct Rejects(Vec<(u64, String)>);

impl Observer for Rejects {
    fn reached(&mut self, _: u64) {}

    fn header(&mut self, _: &[String], _: Layout) -> std::io::Result<()> {
        Ok(())
    }

    fn rejected(&mut self, line: u64, _: &ByteRecord, why: &[String]) -> std::io::Result<()> {
        self.0.push((line, why.join("; ")));
        Ok(())
    }
}

fn options() -> Options {
    let offset = FixedOffset::east_opt(0).expect("an offset");
    Options {
        mapping: Mapping::default(),
        format: Format { decimal_comma: false, zone: Zone::Offset(offset) },
        bring_back: false,
        dry_run: false,
    }
}

async fn stores(databases: &PerStore<String>) -> PerStore<Db> {
    let server = Server::shared().await;
    PerStore::from_fn(|store| Db::new(store, server.options(store, &databases[store]), DbLimits::default()))
}

fn opened<'a>(store: Store, file: &'a [u8], options: &Options) -> File<'a> {
    File::open(file, Asked::default(), columns(store), &options.mapping).expect("opened")
}

async fn import(
    stores: &PerStore<Db>,
    store: Store,
    file: impl AsRef<[u8]>,
    options: &Options,
) -> (Summary, Vec<(u64, String)>) {
    let mut rejects = Rejects::default();
    let source = opened(store, file.as_ref(), options);
    let summary = run(store, stores, source, options, &mut rejects).await.expect("imported");
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
    local.format.zone = Zone::Offset("-03:00".parse().expect("an offset"));
    assert_eq!(import(&stores, Store::Clientes, CLIENTES, &local).await, (summary(2, 2, 0, 0), vec![]));
    let enderecos = "id,id_cliente,logradouro,numero,complemento,bairro,cidade,uf,cep\n2001,1001,Rua A,s/n,,Centro,Santos,sp,11010-000\n";
    assert_eq!(import(&stores, Store::Enderecos, enderecos, &options()).await.0, summary(1, 1, 0, 0));
    let mut german = options();
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
    assert_eq!(done, summary(6, 2, 0, 4));
    let why = |line| rejects.iter().find(|reject| reject.0 == line).map(|reject| reject.1.as_str());
    assert_eq!(
        why(2),
        Some(
            "id: O identificador não é válido; ele tem a forma cliente_42.; nome: Este campo é obrigatório.; \
              email: O e-mail não é válido; ele tem a forma nome@exemplo.com.br.; cpf: O CPF não é válido; confira os 11 dígitos.; \
              data_nascimento: A data de nascimento deve estar entre 1900-01-01 e hoje."
        )
    );
    assert_eq!(
        why(3),
        Some("id: cliente_1 já existe, com outro valor em nome, email, cpf, data_nascimento.")
    );
    assert_eq!(why(5), Some("cpf: já é de cliente_1001."));
    assert_eq!(why(6), Some("email: já é de cliente_5."));
    assert_eq!(why(7), None, "the one before it with its id is not in");

    let enderecos =
        "id,id_cliente,logradouro,numero,cidade,uf,cep\n2001,999,R,1,C,SP,11010000\n2002,1,R,1,C,XX,1101\n";
    let (done, rejects) = import(&stores, Store::Enderecos, enderecos, &options()).await;
    assert_eq!((done, rejects[0].1.as_str()), (summary(2, 0, 0, 2), "id_cliente: cliente_999 não existe."));
    let compras = "id,id_cliente,id_produto,quantidade,preco_unitario,adquirido_em\n4001,999,999,1,1.00,2021-01-01 00:00:00\n4002,1,1,0,1.999,\n";
    let (done, rejects) = import(&stores, Store::Inventario, compras, &options()).await;
    assert_eq!(done, summary(2, 0, 0, 2));
    assert_eq!(rejects[0].1, "id_cliente: cliente_999 não existe.; id_produto: produto_999 não existe.");
}

#[tokio::test]
async fn the_fifty_first_address_is_rejected() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    // Client 2 has two.
    let rows: String = (1..=49).map(|n| format!("{},2,R,{n},C,SP,11010000\n", 2000 + n)).collect();
    // In another batch, where a trial has to count those before.
    let between: String = (0..600).map(|n| format!("{},3,R,1,C,SP,\n", 3000 + n)).collect();
    let last = "2100,2,R,50,C,SP,11010000\n";
    let file = format!("id,id_cliente,logradouro,numero,cidade,uf,cep\n{rows}{between}{last}");
    for dry_run in [true, false] {
        let (done, rejects) =
            import(&stores, Store::Enderecos, &file, &Options { dry_run, ..options() }).await;
        assert_eq!(done, summary(650, 48, 0, 602));
        let full = "id_cliente: cliente_2 já tem 50 endereços.";
        assert_eq!(rejects.first(), Some(&(50, full.to_owned())));
        assert_eq!(rejects.last(), Some(&(651, full.to_owned())));
    }
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
    for dry_run in [true, false] {
        let (done, rejects) =
            import(&stores, Store::Enderecos, file, &Options { dry_run, ..options() }).await;
        assert_eq!(
            (done, rejects),
            (summary(2, 1, 0, 1), vec![(3, "id_cliente: cliente_2 foi removido.".to_owned())])
        );
    }
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
        fn header(&mut self, _: &[String], _: Layout) -> std::io::Result<()> {
            Ok(())
        }
        fn rejected(&mut self, _: u64, _: &ByteRecord, why: &[String]) -> std::io::Result<()> {
            panic!("{why:?}")
        }
    }
    let ended = {
        let source = opened(Store::Catalogo, file.as_bytes(), &options());
        run(Store::Catalogo, &broken, source, &options(), &mut Cutter(&mut proxy)).await
    };
    let Err(error @ ImportError::Store { .. }) = ended else { panic!("{ended:?}") };
    let told = error.to_string();
    assert!(told.ends_with("512 rows are in, and the same command goes on from there"), "{told}");
    assert_eq!(import(&whole, Store::Catalogo, &file, &options()).await.0, summary(1500, 988, 512, 0));
}

const CPFS: [&str; 6] = [
    "862.883.667-57",
    "111.444.777-35",
    "935.411.347-80",
    "529.982.247-25",
    "390.533.447-05",
    "714.287.938-60",
];

#[tokio::test]
async fn a_bad_row_costs_itself_alone_whatever_is_wrong_with_it() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    let mut file = format!(
        "id,nome,email,cpf\n5010,Um,um@exemplo.com.br,{}\n5011,Dois, Virgula,dois@exemplo.com.br,{}\n5012\n   \n,,,\n",
        CPFS[0], CPFS[1]
    )
    .into_bytes();
    file.extend_from_slice(b"5013,Jo\xe3o,joao@exemplo.com.br,390.533.447-05\n");
    file.extend_from_slice("5014,Zé\u{200b},ze@exemplo.com.br,714.287.938-60\n".as_bytes());
    file.extend_from_slice(format!("18446744073709551615,Cem,cem@exemplo.com.br,{}\n", CPFS[1]).as_bytes());
    file.extend_from_slice(format!("9223372036854775807,Mil,mil@exemplo.com.br,{}\n", CPFS[1]).as_bytes());
    file.extend_from_slice(format!("0005015,Três,tres@exemplo.com.br,{}\n", CPFS[2]).as_bytes());
    let (done, rejects) = import(&stores, Store::Clientes, &file, &options()).await;
    assert_eq!(done, summary(8, 3, 0, 5));
    let expected = [
        (3, "a linha tem 5 campos, e o cabeçalho 4; falta pôr entre aspas um valor que contém o separador?"),
        (4, "a linha tem 1 campo, e o cabeçalho 4"),
        (
            7,
            "o campo 2 não é UTF-8; se o arquivo tem outra codificação, diga qual, como em --encoding windows-1252",
        ),
        (8, "nome: O texto contém um caractere invisível, U+200B (ZERO WIDTH SPACE); apague-o."),
        (9, "id: O identificador deve ser no máximo 9223372036854775807."),
    ];
    let told: Vec<(u64, &str)> = rejects.iter().map(|(line, why)| (*line, why.as_str())).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_purchase_with_a_key_that_is_none_is_rejected_and_the_others_are_in() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    let file = "id,id_cliente,id_produto,quantidade,preco_unitario,adquirido_em,chave_idempotencia\n\
        4001,1,1,1.0,10,2021-01-01 00:00:00,pedido-ção\n\
        4002,1,1,\"2,00\",10,31/12/2020 10:00,pedido-2\n\
        4003,1,1,2.5,10,2021-01-01 00:00:00,\n\
        4004,1,1,duas,10,0000-00-00 00:00:00,\n\
        4005,1,1,1,1.200,2021-01-01 00:00:00,\n\
        4006,1,1,1,10,2021-01-01T00:00:00,pedido-2\n";
    let (done, rejects) = import(&stores, Store::Inventario, file, &options()).await;
    let told: Vec<(u64, &str)> = rejects.iter().map(|(line, why)| (*line, why.as_str())).collect();
    assert_eq!(
        told,
        [
            (
                2,
                "chave_idempotencia: A chave de idempotência deve ter de 1 a 64 caracteres ASCII visíveis, sem espaços."
            ),
            (4, "quantidade: A quantidade deve ser um número inteiro, e não 2.5."),
            (
                5,
                "quantidade: A quantidade deve ser um número inteiro, e não duas.; \
                 adquirido_em: A data não é válida; ela tem a forma 2026-11-24 12:00:00 ou 24/11/2026 12:00."
            ),
            (
                6,
                "preco_unitario: O preço 1.200 é ambíguo: com --decimal-comma são milhares; sem, escreva duas casas decimais."
            ),
            (7, "chave_idempotencia: já é de compra_4002."),
        ]
    );
    assert_eq!(done, summary(6, 1, 0, 5));
}

/// Of two lines with one id the second meets the first, and only if that went in; in one
/// batch and in several, and in a trial as in the run.
#[tokio::test]
async fn a_line_that_comes_twice_is_there_already() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    let between: String = (0..600).map(|n| format!("{},Banco {n},1.00\n", 6000 + n)).collect();
    let file = format!(
        "id,nome,preco\n\
         5001,Mesa,10.00\n\
         5001,Mesa,10\n\
         5002,Mesa,grátis\n\
         5002,Mesa,20.00\n\
         5001,Mesa,11.00\n\
         {between}\
         5001,Mesa,10.00\n\
         5001,Mesas,10.00\n"
    );
    let differs = |column| format!("id: produto_5001 já existe, com outro valor em {column}.");
    let expected = (
        summary(607, 602, 2, 3),
        vec![
            (4, "preco: O preço não é válido; ele tem a forma 1234.50.".to_owned()),
            (6, differs("preco")),
            (608, differs("nome")),
        ],
    );
    for dry_run in [true, false] {
        let done = import(&stores, Store::Catalogo, &file, &Options { dry_run, ..options() }).await;
        assert_eq!(done, expected, "dry run: {dry_run}");
    }
}

/// Also of a row that is ill-formed it is told what it refers to in vain and whose values
/// it has.
#[tokio::test]
async fn everything_that_is_wrong_with_a_row_is_told_at_once() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    for (store, file, expected) in [
        (
            Store::Clientes,
            "Código;Nome;E-mail;CPF;Celular\n901;;cliente5@example.com;529.982.247-25;12\n",
            "nome: Este campo é obrigatório.; telefone: O telefone não é válido: ele tem dígitos de menos. Ele tem a forma \
             (11) 91234-5678 ou +351 912 345 678.; email: já é de cliente_5.",
        ),
        (
            Store::Enderecos,
            "id,cliente,rua,numero,cidade,estado,cep,pais\n901,cliente_999,R,1,C,SP,11,Brasil\n",
            "cep: O CEP não é válido; ele tem 8 dígitos, como 01310-100.; id_cliente: cliente_999 não existe.",
        ),
        (
            Store::Inventario,
            "id,id_cliente,id_produto,quantidade,preco_unitario,adquirido_em\n901,\"999,0\",998.0,1.000,1.00,31/02/2020\n",
            "quantidade: O número 1.000 é ambíguo; escreva 1 ou 1000.; adquirido_em: O dia 31/02/2020 não existe; a data tem \
             a forma 2026-11-24 12:00:00 ou 24/11/2026 12:00.; id_cliente: cliente_999 não existe.; id_produto: produto_998 \
             não existe.",
        ),
    ] {
        let (done, rejects) = import(&stores, store, file, &options()).await;
        assert_eq!((done, rejects), (summary(1, 0, 0, 1), vec![(2, expected.to_owned())]), "{store}");
    }
}

/// What stands in the store is what counts, so the trial meets the rows before it and
/// the store's own, in one batch and in several.
#[tokio::test]
async fn a_dry_run_is_the_run() {
    let (dry_shop, real_shop) = (shop::open().await, shop::open().await);
    let (dry_stores, real_stores) = (stores(&dry_shop).await, stores(&real_shop).await);
    let cpf = |number: u32| quarteto::kernel::scalars::Cpf::from_base(600_000 + number).digits().to_owned();
    let mut file = String::from("id,nome,email,cpf\n");
    for number in 0..1_200_u32 {
        // Every seventh has the e-mail of one far before it, every eleventh a CPF.
        let email = if number % 7 == 6 { number / 2 } else { number };
        let other = if number % 11 == 10 { number / 3 } else { number };
        file.push_str(&format!("{},N,n{email}@exemplo.com,{}\n", 5000 + number, cpf(other)));
    }
    file.push_str(&format!("9000,N,Cliente5@example.com,{}\n", cpf(5_000)));
    let dry = import(&dry_stores, Store::Clientes, &file, &Options { dry_run: true, ..options() }).await;
    let real = import(&real_stores, Store::Clientes, &file, &options()).await;
    assert_eq!(dry, real);
    assert!(real.0.rejected > 100 && real.0.inserted > 900, "{:?}", real.0);
    let app = TestApp::over(&dry_shop).await;
    assert_eq!(
        app.data("{ clientes { total } }").await["clientes"]["total"],
        shop::CLIENTES,
        "nothing is in"
    );
}

#[tokio::test]
async fn who_was_removed_stays_removed_unless_told_otherwise() {
    let databases = shop::open().await;
    let (app, stores) = (TestApp::over(&databases).await, stores(&databases).await);
    let remove = "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { idRemovido erros { codigo } } }";
    app.write(remove, json!({ "id": "2", "compras": "MANTER" })).await;
    let remove = "mutation($input: RemoverProdutoInput!) { removerProduto(input: $input) { idRemovido erros { codigo } } }";
    let produto = "id,nome,preco\n77,Banco,10\n";
    assert_eq!(import(&stores, Store::Catalogo, produto, &options()).await.0, summary(1, 1, 0, 0));
    let gone = app.write(remove, json!({ "id": "77" })).await;
    assert_eq!(gone["idRemovido"], "produto_77", "{gone}");
    let cliente = "id,nome,email,cpf\n2,Caio,caio@exemplo.com,52998224725\n";
    for (store, file, id) in
        [(Store::Clientes, cliente, "cliente_2"), (Store::Catalogo, produto, "produto_77")]
    {
        for dry_run in [true, false] {
            let (done, rejects) = import(&stores, store, file, &Options { dry_run, ..options() }).await;
            assert_eq!(done, summary(1, 0, 0, 1));
            let why = &rejects[0].1;
            let begins = format!("id: {id} foi removido em 20");
            assert!(why.starts_with(&begins) && why.ends_with("; com --bring-back ele volta."), "{why}");
        }
        let back = Options { bring_back: true, ..options() };
        assert_eq!(import(&stores, store, file, &back).await.0, summary(1, 1, 0, 0));
    }
    // They are whole again: nothing is stray, and they can be written about.
    let add = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { uf } erros { codigo } } }";
    let input = json!({ "cliente": "2", "logradouro": "R", "numero": "1", "cidade": "C", "uf": "SP", "cep": "01310100" });
    assert_eq!(app.write(add, input).await, json!({ "endereco": { "uf": "SP" }, "erros": [] }));
    let buy = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { total } erros { codigo } } }";
    let input = json!({ "cliente": "2", "produto": "77", "quantidade": 1 });
    assert_eq!(app.write(buy, input).await, json!({ "compra": { "total": "10.00" }, "erros": [] }));
    assert_eq!(crate::check::check(&app, false).await, []);
}

#[tokio::test]
async fn a_table_of_an_old_database_is_a_source() {
    let databases = shop::open().await;
    let stores = stores(&databases).await;
    let server = Server::shared().await;
    let old = server.empty_databases().await;
    shop::sql(
        &old,
        Store::Catalogo,
        "CREATE TABLE `Catálogo` (`id` INT NOT NULL AUTO_INCREMENT PRIMARY KEY, `nome` VARCHAR(100), `descricao` VARCHAR(255), \
           `preco` FLOAT, `peso` DOUBLE, `ativo` BIT(1), `foto` BLOB) ENGINE=MyISAM DEFAULT CHARSET=latin1; \
         INSERT INTO `Catálogo` VALUES (1001,'Mesa de jatobá','6 lugares',1299.9,0.1,b'1',NULL), (1002,'Luminária',NULL,12345.67,1,b'0','x'), \
           (1003,NULL,'sem nome',10,1,b'1',NULL), (1004,'Um terço','',33.333333,1,b'1',NULL)",
    )
    .await;
    let from = server.options(Store::Catalogo, &old[Store::Catalogo]);
    let mut read = options();
    read.mapping.renamed = BTreeMap::from([("ativo".to_owned(), "disponivel".to_owned())]);
    read.mapping.ignored = vec!["peso".to_owned()];
    let refused = Table::open(&from, "catalogo", &read.mapping).await.expect_err("bytes").to_string();
    assert_eq!(
        refused,
        "the old database cannot be read: the column foto holds bytes and no text; leave it out with --ignore foto"
    );
    read.mapping.ignored.push("foto".to_owned());
    let refused = Table::open(&from, "produtos", &read.mapping).await.expect_err("no table").to_string();
    assert_eq!(
        refused,
        "the old database cannot be read: it has no table produtos; it has Catálogo; say which with --table NAME"
    );
    let table = Table::open(&from, "catalogo", &read.mapping).await.expect("opened");
    let mut rejects = Rejects::default();
    let done = run(Store::Catalogo, &stores, table, &read, &mut rejects).await.expect("imported");
    assert_eq!(done, summary(4, 2, 0, 2));
    assert_eq!(
        rejects.0,
        [
            (3, "nome: Este campo é obrigatório.".to_owned()),
            (4, "preco: O preço pode ter no máximo duas casas decimais.".to_owned())
        ]
    );
    let app = TestApp::over(&databases).await;
    let data = app
        .data("{ a: produto(id: 1001) { nome descricao preco disponivel } b: produto(id: 1002) { nome descricao preco disponivel } }")
        .await;
    assert_eq!(
        data,
        json!({ "a": { "nome": "Mesa de jatobá", "descricao": "6 lugares", "preco": "1299.90", "disponivel": true },
            "b": { "nome": "Luminária", "descricao": null, "preco": "12345.67", "disponivel": false } })
    );
}

/// What is written out comes in again, to the last value.
#[tokio::test]
async fn an_export_is_a_file_that_an_import_reads() {
    let (from, to) = (shop::open().await, Server::shared().await.databases().await);
    shop::sql(
        &from,
        Store::Catalogo,
        "UPDATE catalogo SET nome = 'A \"B\"; C', descricao = 'um,\ndois' WHERE id = 3; \
         UPDATE catalogo SET nome = 'NULL', descricao = '\\\\N' WHERE id = 4; \
         UPDATE catalogo SET nome = '=1+1', descricao = '=\"a\"' WHERE id = 5; \
         UPDATE catalogo SET nome = '007', descricao = CONCAT('-', REPEAT('x', 300)) WHERE id = 6",
    )
    .await;
    shop::sql(&from, Store::Inventario, "UPDATE inventario SET chave_idempotencia = 'pedido-1' WHERE id = 3")
        .await;
    let (old, new) = (stores(&from).await, stores(&to).await);
    for store in Store::ALL {
        let mut file = Vec::new();
        let rows =
            quarteto::import::export(store, &old[store], Reader::Program, &mut file).await.expect("exported");
        let (done, rejects) = import(&new, store, &file, &options()).await;
        assert_eq!((done, rejects), (summary(rows, rows, 0, 0), vec![]), "{store}");
        assert_eq!(import(&new, store, &file, &options()).await.0, summary(rows, 0, rows, 0), "{store}");
        let mut again = Vec::new();
        quarteto::import::export(store, &new[store], Reader::Program, &mut again).await.expect("exported");
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&file), "{store}");
        // As a spreadsheet is to have it, it says the same.
        let mut sheet = Vec::new();
        quarteto::import::export(store, &old[store], Reader::Spreadsheet, &mut sheet)
            .await
            .expect("exported");
        let mut comma = options();
        comma.format.decimal_comma = true;
        let (done, rejects) = import(&new, store, &sheet, &comma).await;
        assert_eq!((done, rejects), (summary(rows, 0, rows, 0), vec![]), "{store}");
        if store == Store::Catalogo {
            let sheet = String::from_utf8_lossy(&sheet);
            for shown in [
                "\r\n4;\"=\"\"NULL\"\"\";\"=\"\"\\N\"\"\";",
                "\r\n5;\"=\"\"=1+1\"\"\";\"=\"\"=\"\"\"\"a\"\"\"\"\"\"\";",
                "\r\n6;\"=\"\"007\"\"\"; -xxx",
                "\u{feff}id;nome;descricao;preco;",
            ] {
                assert!(sheet.contains(shown), "{shown} in {sheet}");
            }
        }
    }
}

/// As a person in the shop does it: import, mend the rejects, import those.
#[tokio::test]
async fn the_rejects_have_the_form_of_the_file_and_can_be_fed_back() {
    let databases = shop::open().await;
    let server = Server::shared().await;
    let folder = tempfile::tempdir().expect("a folder");
    let quarteto = |arguments: &[&str]| {
        let mut command = crate::program::quarteto(folder.path());
        for (store, name) in databases.iter() {
            command.env(store.url_variable(), server.url(name));
        }
        crate::program::run(command.args(arguments))
    };
    let text = "sep=;\r\nid;nome;preço\r\n901;Maçã;\"1.200,00\"\r\n902;;\"10\"\r\n903;Pão;grátis\r\n";
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    std::fs::write(folder.path().join("p.csv"), &windows).expect("written");
    let done = quarteto(&["import", "catalogo", "p.csv", "--decimal-comma", "--json"]);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "{\"read\":3,\"inserted\":1,\"known\":0,\"rejected\":2}\n",
        "{done:?}"
    );
    assert_eq!(done.status.code(), Some(3));
    let rejects = folder.path().join("p.csv.rejects.csv");
    let written = std::fs::read(&rejects).expect("rejects");
    let (rejected, _, _) = encoding_rs::WINDOWS_1252.decode(&written);
    assert_eq!(
        rejected,
        "id;nome;preço;line;reason\r\n902;;10;4;nome: Este campo é obrigatório.\r\n\
         903;Pão;grátis;5;\"preco: O preço não é válido; ele tem a forma 1.234,50.\"\r\n"
    );
    let mended = rejected.replace("902;;", "902;Pera;").replace("grátis", "0,50");
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(&mended);
    std::fs::write(&rejects, &windows).expect("written");
    let done = quarteto(&["import", "catalogo", "p.csv.rejects.csv", "--decimal-comma", "--json"]);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "{\"read\":2,\"inserted\":2,\"known\":0,\"rejected\":0}\n",
        "{done:?}"
    );
    let app = TestApp::over(&databases).await;
    let data = app.data("{ nodes(ids: [\"produto_901\", \"produto_902\", \"produto_903\"]) { ... on Produto { nome preco } } }").await;
    assert_eq!(
        data["nodes"],
        json!([{ "nome": "Maçã", "preco": "1200.00" }, { "nome": "Pera", "preco": "10.00" }, { "nome": "Pão", "preco": "0.50" }])
    );
    // No run writes over what somebody may have mended, nor over anything else.
    let again = quarteto(&["import", "catalogo", "p.csv", "--decimal-comma"]);
    let told = "the rejected rows are in p.csv.rejects-2.csv\n";
    assert_eq!(String::from_utf8_lossy(&again.stderr), told, "{again:?}");
    assert_eq!(std::fs::read(&rejects).expect("there"), windows.into_owned());
    let again = quarteto(&["import", "catalogo", "p.csv", "--decimal-comma", "--dry-run"]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), told, "the same are the same file: {again:?}");
    std::fs::write(folder.path().join("p.csv.rejects.csv"), "id;nome;preço;line;reason\n904;;1;2;x\n")
        .expect("written");
    let again = quarteto(&["import", "catalogo", "p.csv.rejects.csv"]);
    assert_eq!(
        String::from_utf8_lossy(&again.stderr),
        "the rejected rows are in p.csv.rejects-3.csv\n",
        "{again:?}"
    );
    for path in ["p.csv", "p.csv.rejects.csv"] {
        let refused = quarteto(&["import", "catalogo", "p.csv", "--rejects", path]);
        assert_eq!(
            String::from_utf8_lossy(&refused.stderr),
            format!("quarteto: --rejects {path}: is there already; name a new file\n")
        );
    }
    let refused = quarteto(&["export", "catalogo", "p.csv"]);
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "quarteto: p.csv: is there already; name a new file\n"
    );
    // What the person says must be about the file.
    let refused = quarteto(&["import", "catalogo", "p.csv", "--map", "custo=preco"]);
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "quarteto: p.csv: --map custo: the file has no such column; it has `id`, `nome`, `preço`\n"
    );
}

/// Four URLs that lead to one place by different names.
#[tokio::test(flavor = "multi_thread")]
async fn one_database_under_two_names_is_told_before_anything_is_written() {
    let server = Server::shared().await;
    let databases = server.empty_databases().await;
    let proxy = Proxy::start(server.target()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = crate::program::quarteto(folder.path());
    for (store, name) in databases.iter() {
        command.env(store.url_variable(), server.url(name));
    }
    command.env("QUARTETO_CATALOGO_URL", server.url_through(proxy.port(), &databases[Store::Clientes]));
    let refused = crate::program::run(command.arg("migrate"));
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "quarteto: QUARTETO_CLIENTES_URL and QUARTETO_CATALOGO_URL lead to the same database; each store needs one of its own, \
         and nothing was written\n"
    );
    for store in Store::ALL {
        let mut mysql = quarteto::db::connect(&server.options(store, &databases[store]), None)
            .await
            .expect("a connection");
        let tables = quarteto::db::schema::table_names(mysql.mysql()).await.expect("listed");
        assert_eq!(tables, Vec::<String>::new());
    }
}
