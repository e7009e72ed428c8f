//! A shop with known rows.
//!
//! 120 clients with ties in their names, 0 to 2 addresses each, 40 products with
//! ties in their prices, 7 purchases a client. What a row holds follows from its
//! number alone, so that tests can say what they expect.

use chrono::{NaiveDate, TimeZone as _, Utc};
use quarteto::db::{PerStore, Store};
use quarteto::kernel::scalars::{Cep, Cpf, Date, DateTime, Decimal};
use quarteto::relay::{ClienteId, CompraId, EnderecoId, ProdutoId};
use quarteto::stores::{catalogo, clientes, enderecos, inventario};
use sqlx::AssertSqlSafe;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use tokio::sync::OnceCell;

use super::server::Server;

pub const CLIENTES: u64 = 120;
pub const PRODUTOS: u64 = 40;
pub const COMPRAS_DE_CADA: u64 = 7;

const NOMES: [&str; 5] = ["Ana Conceição", "Bruno Sá", "Caio Silva", "Débora Silva", "Érica 🎉 Nunes"];
const CIDADES: [(&str, &str); 3] = [("São Paulo", "SP"), ("Niterói", "RJ"), ("Santo André", "SP")];

/// The shop that all reading tests share, by database name.
pub async fn shared() -> &'static PerStore<String> {
    static SHOP: OnceCell<PerStore<String>> = OnceCell::const_new();
    SHOP.get_or_init(|| async { open().await }).await
}

/// A shop of one's own.
pub async fn open() -> PerStore<String> {
    let server = Server::shared().await;
    let databases = server.databases().await;
    fill(&PerStore::from_fn(|store| server.options(store, &databases[store]))).await;
    databases
}

/// Puts the rows into migrated databases, wherever they are.
pub async fn fill(stores: &PerStore<MySqlConnectOptions>) {
    let connect = async |store| {
        let connection = quarteto::db::connect(&stores[store], None).await.expect("a connection");
        connection.into_mysql()
    };
    fill_clientes(&mut connect(Store::Clientes).await).await;
    fill_enderecos(&mut connect(Store::Enderecos).await).await;
    fill_catalogo(&mut connect(Store::Catalogo).await).await;
    fill_inventario(&mut connect(Store::Inventario).await).await;
}

async fn connect(server: &Server, databases: &PerStore<String>, store: Store) -> MySqlConnection {
    let options = server.options(store, &databases[store]);
    let connection = quarteto::db::connect(&options, None).await.expect("a connection");
    connection.into_mysql()
}

/// Runs a statement by hand.
pub async fn sql(databases: &PerStore<String>, store: Store, text: &str) {
    let mut mysql = connect(Server::shared().await, databases, store).await;
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut mysql).await.expect(text);
}

pub fn nome(cliente: u64) -> &'static str {
    NOMES[usize::try_from(cliente).expect("small") % NOMES.len()]
}

pub fn preco(produto: u64) -> String {
    format!("{}.90", 10 + produto % 8)
}

pub fn produto_da_compra(compra: u64) -> u64 {
    compra % PRODUTOS + 1
}

pub fn adquirido_em(compra: u64) -> DateTime {
    moment(compra)
}

fn moment(hour: u64) -> DateTime {
    let start = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a moment");
    DateTime(start + chrono::Duration::hours(i64::try_from(hour).expect("small")))
}

async fn fill_clientes(mysql: &mut MySqlConnection) {
    let rows: Vec<_> = (1..=CLIENTES)
        .map(|number| clientes::NovoCliente {
            id: ClienteId(number),
            nome: nome(number).to_owned(),
            email: format!("cliente{number}@example.com"),
            cpf: Cpf::from_base(u32::try_from(number).expect("small") + 100),
            telefone: (number % 2 == 0).then(|| format!("+551190000{number:04}")),
            data_nascimento: (number % 4 != 0).then(|| {
                let year = 1950 + i32::try_from(number % 50).expect("small");
                Date(NaiveDate::from_ymd_opt(year, 6, 15).expect("a day"))
            }),
            criado_em: moment(number / 3),
        })
        .collect();
    clientes::insert_many(mysql, &rows).await.expect("inserted");
}

async fn fill_enderecos(mysql: &mut MySqlConnection) {
    let mut rows = Vec::new();
    for cliente in 1..=CLIENTES {
        for which in 0..cliente % 3 {
            let id = u64::try_from(rows.len()).expect("small") + 1;
            let (cidade, uf) = CIDADES[usize::try_from((cliente + which) % 3).expect("small")];
            rows.push(enderecos::NovoEndereco {
                id: EnderecoId(id),
                cliente: ClienteId(cliente),
                logradouro: "Rua das Acácias".into(),
                numero: format!("{}", cliente * 10 + which),
                complemento: (which == 1).then(|| "fundos".into()),
                bairro: Some("Centro".into()),
                cidade: cidade.into(),
                uf: uf.into(),
                cep: Cep::parse(&format!("0131{:04}", cliente % 10)).expect("a CEP"),
                pais: "BR".into(),
                criado_em: moment(cliente),
            });
        }
    }
    enderecos::insert_many(mysql, &rows).await.expect("inserted");
}

async fn fill_catalogo(mysql: &mut MySqlConnection) {
    let nomes = ["Mesa de jantar", "Cadeira", "Abajur", "Estante"];
    let rows: Vec<_> = (1..=PRODUTOS)
        .map(|number| catalogo::NovoProduto {
            id: ProdutoId(number),
            nome: format!("{} {number}", nomes[usize::try_from(number).expect("small") % 4]),
            descricao: (number % 3 != 0).then(|| format!("Madeira de demolição, número {number}")),
            preco: Decimal::parse(&preco(number)).expect("a price"),
            disponivel: number % 10 != 0,
            criado_em: moment(number),
        })
        .collect();
    catalogo::insert_many(mysql, &rows).await.expect("inserted");
}

async fn fill_inventario(mysql: &mut MySqlConnection) {
    let rows: Vec<_> = (1..=CLIENTES * COMPRAS_DE_CADA)
        .map(|number| inventario::NovaCompra {
            id: CompraId(number),
            cliente: ClienteId((number - 1) % CLIENTES + 1),
            produto: ProdutoId(produto_da_compra(number)),
            quantidade: u32::try_from(number % 3).expect("small") + 1,
            preco_unitario: Decimal::parse(&preco(produto_da_compra(number))).expect("a price"),
            adquirido_em: adquirido_em(number),
            chave_idempotencia: None,
        })
        .collect();
    inventario::insert_many(mysql, &rows).await.expect("inserted");
}
