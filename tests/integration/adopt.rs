//! Old databases, adopted where they are: every row is accounted for, and nothing of the
//! old is lost.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use quarteto::db::{PerStore, Store};

use crate::program::{quarteto, run};
use crate::support::server::Server;
use crate::support::{TestApp, Value, json, shop};

const SERVICES: &str = include_str!("old/services.sql");
const MESSY: &str = include_str!("old/messy.sql");

/// The databases of `script`, under names of their own; `names` are those in it.
async fn old(script: &str, names: [&str; 4]) -> PerStore<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let fresh = names.map(|name| format!("qt_old{number}_{name}"));
    let mut script = script.to_owned();
    for (name, fresh) in names.iter().zip(&fresh) {
        script =
            script.replace(&format!("`{name}`"), name).replace(&format!(" {name}."), &format!(" `{fresh}`."));
        script = script.replace(&format!("DATABASE {name} "), &format!("DATABASE `{fresh}` "));
    }
    Server::shared().await.script(&script).await;
    let mut fresh = fresh.into_iter();
    PerStore::from_fn(|_| fresh.next().expect("four"))
}

/// `quarteto` over these databases, in `folder`.
fn over(server: &Server, databases: &PerStore<String>, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = quarteto(folder);
    for (store, name) in databases.iter() {
        command.env(store.url_variable(), server.url(name));
    }
    run(command.args(arguments))
}

/// The lines of a JSON report, by store: table, read, inserted, known, rejected.
fn report(output: &Output) -> Vec<(String, Value, [u64; 4])> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).expect(line);
        let count = |name: &str| line[name].as_u64().expect("a number");
        let counts = ["read", "inserted", "known", "rejected"].map(count);
        (line["store"].as_str().expect("a store").to_owned(), line["table"].clone(), counts)
    };
    text.lines().map(line).collect()
}

/// What was rejected of a store: each row's number, and why.
fn rejects(folder: &Path, store: &str) -> Vec<(String, String)> {
    let file = folder.join(format!("{store}.rejects.csv"));
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).expect("rejects");
    let names = reader.headers().expect("a header").clone();
    let place = |name: &str| names.iter().position(|there| there.eq_ignore_ascii_case(name));
    let (id, reason) = (place("id").or(place("codigo")).expect("an id"), place("reason").expect("a reason"));
    reader
        .records()
        .map(|row| row.expect("a row"))
        .map(|row| (row[id].to_owned(), row[reason].to_owned()))
        .collect()
}

fn pairs(rejects: &[(String, String)]) -> Vec<(&str, &str)> {
    rejects.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect()
}

/// 1 to 100,000, as `seq`.
const NUMBERS: &str = "\
WITH digit (d) AS (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) \
SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 1 AS seq \
FROM digit a, digit b, digit c, digit e, digit f";

const OF_SERVICES: [&str; 5] = [
    "--json",
    "--set=inventario.quantidade=1",
    "--set=inventario.preco_unitario=@catalogo",
    "--set=inventario.adquirido_em=@agora",
    "adopt",
];

fn services_arguments(more: &[&'static str]) -> Vec<&'static str> {
    let mut arguments = vec!["adopt"];
    arguments.extend(&OF_SERVICES[..4]);
    arguments.extend(more);
    arguments
}

#[tokio::test]
async fn the_four_services_are_adopted_and_every_row_is_accounted_for() {
    let server = Server::shared().await;
    let databases =
        old(SERVICES, ["Clientes", "Endereços", "Catalogo_produtos", "Inventário_Produtos"]).await;
    let folder = tempfile::tempdir().expect("a folder");
    // migrate names what there is, and changes nothing.
    let refused = over(server, &databases, folder.path(), &["migrate"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for table in ["Cadastro", "Endereço", "Catálogo", "Inventário"] {
        assert!(
            told.contains(&format!("the table `{table}` is not Quarteto's, and nothing was changed")),
            "{told}"
        );
    }
    // What is left to be said is asked before anything is renamed.
    let asked = over(server, &databases, folder.path(), &["adopt"]);
    let told = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(told.contains("our columns quantidade, preco_unitario, adquirido_em are not in it"), "{told}");

    let rehearsed = over(server, &databases, folder.path(), &services_arguments(&["--dry-run"]));
    let counts = |counts: [[u64; 4]; 4], suffix: &str| {
        let tables = ["Cadastro", "Endereço", "Catálogo", "Inventário"];
        let stores = ["clientes", "enderecos", "catalogo", "inventario"];
        let line = |at: usize| (stores[at].to_owned(), json!(format!("{}{suffix}", tables[at])), counts[at]);
        (0..4).map(line).collect::<Vec<_>>()
    };
    let expected = [[8, 3, 0, 5], [6, 3, 0, 3], [7, 4, 0, 3], [9, 5, 0, 4]];
    assert_eq!(report(&rehearsed), counts(expected, ""), "{rehearsed:?}");
    let rehearsed_rejects = rejects(folder.path(), "clientes");
    let adopted = over(server, &databases, folder.path(), &services_arguments(&[]));
    assert_eq!(report(&adopted), counts(expected, "_antes_de_adotar"), "{adopted:?}");
    assert_eq!(adopted.status.code(), Some(3));

    let clientes = rejects(folder.path(), "clientes");
    assert_eq!(clientes, rehearsed_rejects, "the trial tells the truth");
    assert_eq!(
        pairs(&clientes),
        [
            ("4", "cpf: O CPF não é válido; confira os 11 dígitos."),
            ("5", "email: já é de cliente_2."),
            (
                "6",
                "nome: Este campo é obrigatório.; telefone: O telefone não é válido: ele tem dígitos de menos. Ele tem a forma (11) 91234-5678 ou +351 912 345 678."
            ),
            ("7", "email: O e-mail não é válido; ele tem a forma nome@exemplo.com.br."),
            (
                "8",
                "email: Este campo é obrigatório.; telefone: O telefone não é válido: esse número não existe. Ele tem a forma (11) 91234-5678 ou +351 912 345 678."
            ),
        ]
    );
    assert_eq!(
        pairs(&rejects(folder.path(), "enderecos")),
        [
            ("4", "id_cliente: cliente_99 não existe."),
            ("5", "uf: A UF não é válida; ela tem duas letras, como SP."),
            ("6", "cep: O CEP não é válido; ele tem 8 dígitos, como 01310-100."),
        ]
    );
    assert_eq!(
        pairs(&rejects(folder.path(), "catalogo")),
        [
            ("5", "preco: O preço deve estar entre 0.00 e 9999999999.99."),
            ("6", "nome: Este campo é obrigatório."),
            ("7", "preco: O preço pode ter no máximo duas casas decimais."),
        ]
    );
    assert_eq!(
        pairs(&rejects(folder.path(), "inventario")),
        [
            ("6", "id_cliente: cliente_99 não existe."),
            ("7", "preco_unitario: Este campo é obrigatório.; id_produto: produto_77 não existe."),
            ("8", "id_cliente: Este campo é obrigatório."),
            ("9", "id_cliente: cliente_4 não existe."),
        ]
    );

    let app = TestApp::over(&databases).await;
    let data = app
        .data(
            r#"{ clientes { nodes { id nome cpf email telefone enderecos { logradouro numero cidade uf cep }
                   compras { nodes { id quantidade precoUnitario produto { nome } } } } } }"#,
        )
        .await;
    let joao = &data["clientes"]["nodes"][0];
    assert_eq!(
        joao,
        &json!({ "id": "cliente_1", "nome": "João Peçanha", "cpf": "52998224725", "email": "joao@exemplo.com.br",
            "telefone": "11912345678",
            "enderecos": [
                { "logradouro": "Rua das Acácias", "numero": "100", "cidade": "São Paulo", "uf": "SP", "cep": "01310100" },
                { "logradouro": "Av. Brasil", "numero": "s/n", "cidade": "Rio de Janeiro", "uf": "RJ", "cep": "20040020" } ],
            "compras": { "nodes": [
                { "id": "compra_3", "quantidade": 1, "precoUnitario": "89.99", "produto": { "nome": "Luminária" } },
                { "id": "compra_2", "quantidade": 1, "precoUnitario": "89.99", "produto": { "nome": "Luminária" } },
                { "id": "compra_1", "quantidade": 1, "precoUnitario": "1299.90", "produto": { "nome": "Mesa de jatobá" } } ] } })
    );
    assert_eq!(data["clientes"]["nodes"][1]["enderecos"][0]["uf"], "PE", "Pernambuco");
    assert_eq!(data["clientes"]["nodes"][2]["nome"], "Zélia  Prado");

    // Again: all that is in is left alone; the schema is ours, and true.
    let again = over(server, &databases, folder.path(), &services_arguments(&[]));
    let expected = [[8, 0, 3, 5], [6, 0, 3, 3], [7, 0, 4, 3], [9, 0, 5, 4]];
    assert_eq!(report(&again), counts(expected, "_antes_de_adotar"), "{again:?}");
    let checked = over(server, &databases, folder.path(), &["migrate", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(server.count(&databases[Store::Clientes], "Cadastro_antes_de_adotar").await, 8, "kept");
}

#[tokio::test]
async fn another_shops_tables_are_adopted_by_a_plan() {
    let server = Server::shared().await;
    let databases = old(MESSY, ["loja_clientes", "loja_enderecos", "loja_catalogo", "loja_inventario"]).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("plano.toml"),
        r#"
[clientes]
map = { fone1 = "telefone" }
ignore = ["fone2", "ativo", "foto"]

[enderecos]
map = { endereco_completo = "logradouro" }
set = { numero = "s/n" }

[catalogo]
ignore = ["sku", "estoque"]

[inventario]
map = { valor = "total" }
"#,
    )
    .expect("written");
    let arguments =
        ["adopt", "--json", "--plan", "plano.toml", "--decimal-comma", "--time-zone", "America/Sao_Paulo"];
    let adopted = over(server, &databases, folder.path(), &arguments);
    let counts: Vec<[u64; 4]> = report(&adopted).into_iter().map(|line| line.2).collect();
    assert_eq!(counts, [[3, 1, 0, 2], [2, 1, 0, 1], [3, 2, 0, 1], [3, 1, 0, 2]], "{adopted:?}");
    assert_eq!(
        pairs(&rejects(folder.path(), "clientes")),
        [
            (
                "11",
                "telefone: O telefone não é válido: escreva só o número, sem ramal nem observação. Ele tem a forma (11) 91234-5678 ou +351 912 345 678.; data_nascimento: O dia 31/02/1980 não existe; a data tem a forma 31/12/1990 ou 1990-12-31."
            ),
            (
                "12",
                "data_nascimento: O ano de 01/01/75 tem dois dígitos, e deve ter quatro; a data tem a forma 31/12/1990 ou 1990-12-31."
            ),
        ]
    );
    assert_eq!(
        pairs(&rejects(folder.path(), "catalogo")),
        [("2", "id: produto_2 já existe, com outro valor em nome, preco.")]
    );
    let app = TestApp::over(&databases).await;
    let data = app
        .data(
            r#"{ clientes { nodes { id nome cpf telefone dataNascimento criadoEm enderecos { logradouro numero cidade cep }
                   compras { nodes { id quantidade precoUnitario total adquiridoEm } } } } produtos { nodes { id nome preco } } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({
            "clientes": { "nodes": [{ "id": "cliente_10", "nome": "MARIA DAS DORES", "cpf": "52998224725",
                "telefone": "11912345678", "dataNascimento": "1990-06-15", "criadoEm": "2012-03-04T13:00:00Z",
                "enderecos": [{ "logradouro": "Rua A, 10 - apto 2", "numero": "s/n", "cidade": "São Paulo", "cep": "01310100" }],
                "compras": { "nodes": [{ "id": "compra_1", "quantidade": 1, "precoUnitario": "1299.90", "total": "1299.90",
                    "adquiridoEm": "2012-03-04T13:30:00Z" }] } }] },
            "produtos": { "nodes": [
                { "id": "produto_1", "nome": "Mesa", "preco": "1299.90" },
                { "id": "produto_2", "nome": "Luminária", "preco": "89.99" } ] }
        })
    );
}

/// Rows that are many, and of which one in a hundred breaks a rule.
#[tokio::test]
async fn a_hundred_thousand_rows_are_accounted_for_and_an_adoption_that_was_interrupted_goes_on() {
    let server = Server::shared().await;
    let names = server.empty_databases().await;
    server
        .script(&format!(
            "CREATE TABLE `{}`.Cadastro (ID INT NOT NULL AUTO_INCREMENT PRIMARY KEY, nome VARCHAR(100), cpf VARCHAR(14), email VARCHAR(100), telefone VARCHAR(20)) ENGINE=InnoDB DEFAULT CHARSET=latin1; \
             INSERT INTO `{}`.Cadastro (nome, cpf, email) VALUES ('Ana', '52998224725', 'ana@exemplo.com'); \
             CREATE TABLE `{}`.`Catálogo` (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, nome VARCHAR(100), descricao VARCHAR(255), preco FLOAT) ENGINE=MyISAM DEFAULT CHARSET=latin1; \
             INSERT INTO `{}`.`Catálogo` (nome, descricao, preco) \
               SELECT IF(seq % 100 = 0, '', CONCAT('Peça nº ', seq)), 'de reposição', seq / 4 FROM ({NUMBERS}) AS numbers",
            names[Store::Clientes], names[Store::Clientes], names[Store::Catalogo], names[Store::Catalogo]
        ))
        .await;
    // As if it had been killed just after the first table was renamed.
    server
        .script(&format!(
            "RENAME TABLE `{0}`.Cadastro TO `{0}`.Cadastro_antes_de_adotar",
            names[Store::Clientes]
        ))
        .await;
    let folder = tempfile::tempdir().expect("a folder");
    let adopted = over(server, &names, folder.path(), &["adopt", "--json"]);
    let counts: Vec<[u64; 4]> = report(&adopted).into_iter().map(|line| line.2).collect();
    assert_eq!(counts, [[1, 1, 0, 0], [0; 4], [100_000, 99_000, 0, 1_000], [0; 4]], "{adopted:?}");
    let rejected = rejects(folder.path(), "catalogo");
    assert_eq!(rejected.len(), 1_000);
    assert!(rejected.iter().all(|(_, why)| why == "nome: Este campo é obrigatório."));
    assert_eq!(server.count(&names[Store::Catalogo], "catalogo").await, 99_000);
}

/// What is in the way is told before anything is renamed.
#[tokio::test]
async fn a_table_with_a_name_of_ours_is_told_before_anything_is_renamed() {
    let server = Server::shared().await;
    let databases = old(MESSY, ["loja_clientes", "loja_enderecos", "loja_catalogo", "loja_inventario"]).await;
    shop::sql(&databases, Store::Inventario, "CREATE TABLE outbox (id INT)").await;
    let tables = async || {
        let mut all = Vec::new();
        for store in Store::ALL {
            let options = server.options(store, &databases[store]);
            let mut mysql = quarteto::db::connect(&options, None).await.expect("a connection");
            all.extend(quarteto::db::schema::table_names(mysql.mysql()).await.expect("listed"));
        }
        all
    };
    let before = tables().await;
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "adopt",
        "--map",
        "clientes.fone1=telefone",
        "--ignore",
        "clientes.fone2",
        "--ignore",
        "clientes.ativo",
        "--ignore",
        "clientes.foto",
        "--map",
        "enderecos.endereco_completo=logradouro",
        "--set",
        "enderecos.numero=s/n",
        "--ignore",
        "catalogo.sku",
        "--ignore",
        "catalogo.estoque",
        "--map",
        "inventario.valor=total",
    ];
    let refused = over(server, &databases, folder.path(), &arguments);
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "quarteto: store inventario: `outbox` must be called otherwise, since a table of ours will have that name; nothing was \
         changed\n"
    );
    assert_eq!(tables().await, before);
}
