//! What a row of each store is made of, what must hold for it, and whether it is
//! there already.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use chrono::Utc;
use sqlx::mysql::MySqlConnection;

use super::header::{Column, Header};
use super::values::{self, Format, is_zero_date};
use crate::db::{Db, PerStore, Store, StoreError};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::{ClienteId, CompraId, EnderecoId, GlobalId, ProdutoId};
use crate::stores::catalogo::{self, NovoProduto};
use crate::stores::clientes::{self, NovoCliente};
use crate::stores::enderecos::{self, MOST_ADDRESSES, NovoEndereco, Uf};
use crate::stores::inventario::{self, NovaCompra};
use crate::text::email_key;
use crate::writes::guard::Guarded;
use crate::writes::outbox::Task;
use crate::writes::rules::{self, Checked};
use crate::writes::{Checks, CodigoErro, record};

/// A row of the source, by the names of our columns.
pub(super) struct Fields<'a> {
    pub header: &'a Header,
    pub values: &'a [Option<String>],
    pub format: Format,
}

impl Fields<'_> {
    fn required<T>(
        &self,
        checks: &mut Checks,
        column: &'static str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        checks.required(column, self.header.value(self.values, column).unwrap_or_default(), rule)
    }

    fn optional<T>(
        &self,
        checks: &mut Checks,
        column: &'static str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        checks.optional(column, self.header.value(self.values, column), rule)
    }

    /// A value that may be absent, which a date of zeros says, too.
    fn dated<T>(
        &self,
        checks: &mut Checks,
        column: &'static str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        let text = self.header.value(self.values, column).filter(|text| !is_zero_date(text));
        checks.optional(column, text, rule)
    }

    fn price(&self) -> impl FnOnce(&str) -> Checked<Decimal> + use<> {
        let format = self.format;
        move |text| format.price(text)
    }

    fn moment(&self) -> impl FnOnce(&str) -> Checked<DateTime> + use<> {
        let format = self.format;
        move |text| format.moment(text)
    }
}

/// The greatest id that a row may bring: beyond it a table has no number left for what
/// comes next.
const MOST_ID: u64 = i64::MAX as u64;

/// An id as files write it: `7`, `cliente_7`, `007`.
fn identifier<T: GlobalId>(text: &str) -> Checked<T> {
    let zeros = text.len() - text.trim_start_matches('0').len();
    let is_padded = zeros > 0 && zeros < text.len() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id: T = rules::id(if is_padded { &text[zeros..] } else { text })?;
    if id.number() > MOST_ID {
        let mensagem = format!("O identificador deve ser no máximo {MOST_ID}.");
        return Err((CodigoErro::ForaDaFaixa, mensagem));
    }
    Ok(id)
}

/// A key by the rule of the mutations.
fn chave(text: &str) -> Checked<String> {
    if record::is_key(text) {
        return Ok(text.to_owned());
    }
    let mensagem = "A chave de idempotência deve ter de 1 a 64 caracteres ASCII visíveis, sem espaços.";
    Err((CodigoErro::Invalido, mensagem.to_owned()))
}

/// The columns that a file for this store may have.
#[must_use]
pub const fn columns(store: Store) -> &'static [Column] {
    match store {
        Store::Clientes => NovoCliente::COLUMNS,
        Store::Enderecos => NovoEndereco::COLUMNS,
        Store::Catalogo => NovoProduto::COLUMNS,
        Store::Inventario => NovaCompra::COLUMNS,
    }
}

/// Where the removal of a row leaves its notes, and where it is under way.
pub(super) struct Notes {
    /// Whose notes.
    pub about: Guarded,
    /// The stores that have them.
    pub stores: &'static [Store],
    /// Where a removal begins, and what it is called there.
    pub removal: (Store, Task),
}

/// A row that can be imported.
pub(super) trait Row: Send + Sync + Sized {
    const STORE: Store;
    const COLUMNS: &'static [Column];

    /// From a record; what is wrong with it goes to `checks`.
    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self>;

    /// Its number.
    fn number(&self) -> u64;

    /// The numbers of those that are there already, with whether they are the
    /// same.
    fn known(
        databases: &PerStore<Db>,
        rows: &[&Self],
    ) -> impl Future<Output = Result<HashMap<u64, bool>, StoreError>> + Send;

    /// What keeps rows from being imported that are well-formed: by number, why.
    fn refused(
        databases: &PerStore<Db>,
        rows: &[&Self],
    ) -> impl Future<Output = Result<HashMap<u64, String>, StoreError>> + Send;

    /// The rows of other stores that it refers to.
    fn references(&self) -> Vec<(Guarded, u64)> {
        Vec::new()
    }

    /// Values that no other row may have, by column.
    fn unique(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What it costs, where it is a product.
    fn price(&self) -> Option<Decimal> {
        None
    }

    /// Where it is noted that such a row was removed; and by which task.
    const NOTES: Option<Notes> = None;

    /// Inserts them all.
    fn insert(
        mysql: &mut MySqlConnection,
        rows: &[Self],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

const fn required(name: &'static str) -> Column {
    Column { name, required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, required: false }
}

fn now() -> DateTime {
    DateTime(Utc::now())
}

fn numbers<R: Row>(rows: &[&R]) -> Vec<u64> {
    rows.iter().map(|row| row.number()).collect()
}

/// Those of `wanted` that are not there.
fn missing(wanted: &HashSet<u64>, there: &[u64]) -> HashSet<u64> {
    let there: HashSet<u64> = there.iter().copied().collect();
    wanted.difference(&there).copied().collect()
}

async fn missing_clientes(databases: &PerStore<Db>, ids: HashSet<u64>) -> Result<HashSet<u64>, StoreError> {
    let list: Vec<u64> = ids.iter().copied().collect();
    Ok(missing(&ids, &clientes::existing(&databases[Store::Clientes], &list).await?))
}

impl Row for NovoCliente {
    const NOTES: Option<Notes> = Some(Notes {
        about: Guarded::Cliente,
        stores: &[Store::Enderecos, Store::Inventario],
        removal: (Store::Clientes, Task::RemoverCliente),
    });
    const STORE: Store = Store::Clientes;
    const COLUMNS: &'static [Column] = &[
        required("id"),
        required("nome"),
        required("email"),
        required("cpf"),
        optional("telefone"),
        optional("data_nascimento"),
        optional("criado_em"),
    ];

    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self> {
        let id = fields.required(checks, "id", identifier::<ClienteId>);
        let nome = fields.required(checks, "nome", rules::line(120));
        let email = fields.required(checks, "email", rules::email);
        let cpf = fields.required(checks, "cpf", rules::cpf);
        let telefone = fields.optional(checks, "telefone", rules::telefone);
        let today = Utc::now().date_naive();
        let data_nascimento =
            fields.dated(checks, "data_nascimento", |text| values::day(text, rules::data_nascimento(today)));
        let criado_em = fields.dated(checks, "criado_em", fields.moment()).unwrap_or_else(now);
        Some(Self { id: id?, nome: nome?, email: email?, cpf: cpf?, telefone, data_nascimento, criado_em })
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, bool>, StoreError> {
        let there = clientes::by_ids(&databases[Store::Clientes], &numbers(rows), &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            (&new.nome, &new.email, &new.cpf, &new.telefone, new.data_nascimento)
                == (&old.nome, &old.email, &old.cpf, &old.telefone, old.data_nascimento)
        }))
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("email", email_key(&self.email)), ("cpf", self.cpf.digits().to_owned())]
    }

    /// Its unique values are the database's to judge, when it is inserted.
    async fn refused(_: &PerStore<Db>, _: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        Ok(HashMap::new())
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        clientes::insert_many(mysql, rows).await
    }
}

impl Row for NovoEndereco {
    const STORE: Store = Store::Enderecos;
    const COLUMNS: &'static [Column] = &[
        required("id"),
        required("id_cliente"),
        required("logradouro"),
        required("numero"),
        optional("complemento"),
        optional("bairro"),
        required("cidade"),
        required("uf"),
        required("cep"),
        optional("pais"),
        optional("criado_em"),
    ];

    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self> {
        let id = fields.required(checks, "id", identifier::<EnderecoId>);
        let cliente = fields.required(checks, "id_cliente", identifier::<ClienteId>);
        let logradouro = fields.required(checks, "logradouro", rules::line(160));
        let numero = fields.required(checks, "numero", rules::line(20));
        let complemento = fields.optional(checks, "complemento", rules::line(80));
        let bairro = fields.optional(checks, "bairro", rules::line(80));
        let cidade = fields.required(checks, "cidade", rules::line(80));
        let uf = fields.required(checks, "uf", uf);
        let cep = fields.required(checks, "cep", rules::cep);
        let pais = fields.optional(checks, "pais", rules::pais).unwrap_or_else(|| "BR".to_owned());
        let criado_em = fields.dated(checks, "criado_em", fields.moment()).unwrap_or_else(now);
        Some(Self {
            id: id?,
            cliente: cliente?,
            logradouro: logradouro?,
            numero: numero?,
            complemento,
            bairro,
            cidade: cidade?,
            uf: uf?,
            cep: cep?,
            pais,
            criado_em,
        })
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, bool>, StoreError> {
        let there = enderecos::by_ids(&databases[Store::Enderecos], &numbers(rows), &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            (new.cliente, &new.logradouro, &new.numero, &new.complemento, &new.bairro)
                == (old.cliente, &old.logradouro, &old.numero, &old.complemento, &old.bairro)
                && (&new.cidade, &new.uf, &new.cep, &new.pais) == (&old.cidade, &old.uf, &old.cep, &old.pais)
        }))
    }

    async fn refused(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        let clients: HashSet<u64> = rows.iter().map(|row| row.cliente.0).collect();
        let gone = missing_clientes(databases, clients.clone()).await?;
        let list: Vec<u64> = clients.into_iter().collect();
        let counts = enderecos::counts(&databases[Store::Enderecos], &list).await?;
        let mut counts: HashMap<u64, u64> = counts.into_iter().collect();
        let mut refused = HashMap::new();
        for row in rows {
            let count = counts.entry(row.cliente.0).or_default();
            if gone.contains(&row.cliente.0) {
                refused.insert(row.number(), format!("id_cliente: {} does not exist", row.cliente));
            } else if *count >= MOST_ADDRESSES {
                let why = format!("id_cliente: {} has {MOST_ADDRESSES} addresses already", row.cliente);
                refused.insert(row.number(), why);
            } else {
                *count += 1;
            }
        }
        Ok(refused)
    }

    fn references(&self) -> Vec<(Guarded, u64)> {
        vec![(Guarded::Cliente, self.cliente.0)]
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        enderecos::insert_many(mysql, rows).await
    }
}

/// A federal unit, by its letters or its name.
fn uf(text: &str) -> Checked<String> {
    match Uf::parse(&text.to_ascii_uppercase()).or_else(|| Uf::named(text)) {
        Some(uf) => Ok(uf.letters().to_owned()),
        None => Err((CodigoErro::Invalido, "A UF não é válida; ela tem duas letras, como SP.".to_owned())),
    }
}

impl Row for NovoProduto {
    const NOTES: Option<Notes> = Some(Notes {
        about: Guarded::Produto,
        stores: &[Store::Inventario],
        removal: (Store::Inventario, Task::RemoverProduto),
    });
    const STORE: Store = Store::Catalogo;
    const COLUMNS: &'static [Column] = &[
        required("id"),
        required("nome"),
        optional("descricao"),
        required("preco"),
        optional("disponivel"),
        optional("criado_em"),
    ];

    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self> {
        let id = fields.required(checks, "id", identifier::<ProdutoId>);
        let nome = fields.required(checks, "nome", rules::line(160));
        let descricao = fields.optional(checks, "descricao", rules::lines(10_000));
        let preco = fields.required(checks, "preco", fields.price());
        let disponivel = fields.optional(checks, "disponivel", flag).unwrap_or(true);
        let criado_em = fields.dated(checks, "criado_em", fields.moment()).unwrap_or_else(now);
        Some(Self { id: id?, nome: nome?, descricao, preco: preco?, disponivel, criado_em })
    }

    fn price(&self) -> Option<Decimal> {
        Some(self.preco)
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, bool>, StoreError> {
        let db = &databases[Store::Catalogo];
        let there = catalogo::by_ids(db, &numbers(rows), &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        let texts: HashMap<u64, String> =
            catalogo::descricoes(db, &numbers(rows), &[]).await?.into_iter().collect();
        Ok(compared(rows, &there, |new, old| {
            (&new.nome, new.preco, new.disponivel) == (&old.nome, old.preco, old.disponivel)
                && new.descricao.as_ref() == texts.get(&new.id.0)
        }))
    }

    async fn refused(_: &PerStore<Db>, _: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        Ok(HashMap::new())
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        catalogo::insert_many(mysql, rows).await
    }
}

fn flag(text: &str) -> Checked<bool> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "sim" | "s" | "t" => Ok(true),
        "0" | "false" | "nao" | "não" | "n" | "f" => Ok(false),
        _ => Err((CodigoErro::Invalido, "O valor deve ser 1 ou 0.".to_owned())),
    }
}

impl Row for NovaCompra {
    const STORE: Store = Store::Inventario;
    const COLUMNS: &'static [Column] = &[
        required("id"),
        required("id_cliente"),
        required("id_produto"),
        required("quantidade"),
        required("preco_unitario"),
        required("adquirido_em"),
        optional("chave_idempotencia"),
    ];

    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self> {
        let id = fields.required(checks, "id", identifier::<CompraId>);
        let cliente = fields.required(checks, "id_cliente", identifier::<ClienteId>);
        let produto = fields.required(checks, "id_produto", identifier::<ProdutoId>);
        let quantidade = fields.required(checks, "quantidade", values::quantity);
        let preco_unitario = fields.required(checks, "preco_unitario", fields.price());
        let adquirido_em = fields.required(checks, "adquirido_em", |text| match is_zero_date(text) {
            true => fields.moment()(""),
            false => fields.moment()(text),
        });
        let chave_idempotencia = fields.optional(checks, "chave_idempotencia", chave);
        Some(Self {
            id: id?,
            cliente: cliente?,
            produto: produto?,
            quantidade: quantidade?,
            preco_unitario: preco_unitario?,
            adquirido_em: adquirido_em?,
            chave_idempotencia,
        })
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, bool>, StoreError> {
        let there = inventario::by_ids(&databases[Store::Inventario], &numbers(rows), &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            (new.cliente, new.produto, new.quantidade, new.preco_unitario)
                == (old.cliente, old.produto, old.quantidade, old.preco_unitario)
        }))
    }

    async fn refused(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        let clients = missing_clientes(databases, rows.iter().map(|row| row.cliente.0).collect()).await?;
        let products: HashSet<u64> = rows.iter().map(|row| row.produto.0).collect();
        let list: Vec<u64> = products.iter().copied().collect();
        let products = missing(&products, &catalogo::existing(&databases[Store::Catalogo], &list).await?);
        let mut refused = HashMap::new();
        for row in rows {
            let mut why = Vec::new();
            if clients.contains(&row.cliente.0) {
                why.push(format!("id_cliente: {} does not exist", row.cliente));
            }
            if products.contains(&row.produto.0) {
                why.push(format!("id_produto: {} does not exist", row.produto));
            }
            if !why.is_empty() {
                refused.insert(row.number(), why.join("; "));
            }
        }
        Ok(refused)
    }

    fn references(&self) -> Vec<(Guarded, u64)> {
        vec![(Guarded::Cliente, self.cliente.0), (Guarded::Produto, self.produto.0)]
    }

    fn unique(&self) -> Vec<(&'static str, String)> {
        self.chave_idempotencia.iter().map(|chave| ("chave_idempotencia", chave.clone())).collect()
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        inventario::insert_many(mysql, rows).await
    }
}

fn compared<R: Row, O>(
    rows: &[&R],
    there: &HashMap<u64, O>,
    same: impl Fn(&R, &O) -> bool,
) -> HashMap<u64, bool> {
    let pair = |row: &&R| there.get(&row.number()).map(|old| (row.number(), same(row, old)));
    rows.iter().filter_map(pair).collect()
}
