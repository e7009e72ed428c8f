//! What a row of each store is made of, what must hold for it, and whether it is
//! there already.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use chrono::Utc;
use sqlx::mysql::MySqlConnection;

use super::header::{Column, Header};
use super::values::{self, Format, is_zero_date};
use crate::db::{Columns, Db, PerStore, Store, StoreError};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::{ClienteId, CompraId, EnderecoId, GlobalId, ProdutoId};
use crate::stores::catalogo::{self, NovoProduto};
use crate::stores::clientes::{self, NovoCliente};
use crate::stores::enderecos::{self, MOST_ADDRESSES, NovoEndereco, Uf};
use crate::stores::inventario::{self, NovaCompra};
use crate::text::{email_key, folded};
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

    /// A value, where it can be read.
    fn readable<T>(&self, column: &str, rule: impl FnOnce(&str) -> Checked<T>) -> Option<T> {
        rule(self.header.value(self.values, column)?).ok()
    }

    /// What the row refers to, as far as it can be read.
    fn references(&self) -> Vec<(Guarded, u64)> {
        let cliente = self.readable("id_cliente", identifier::<ClienteId>).map(|id| (Guarded::Cliente, id.0));
        let produto = self.readable("id_produto", identifier::<ProdutoId>).map(|id| (Guarded::Produto, id.0));
        cliente.into_iter().chain(produto).collect()
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
    let text = values::whole(text)?;
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

/// A value that no other row may have, and its column.
pub(super) type Unique = (&'static str, String);

/// What a row has to do with others: told of one that is ill-formed, too, as far as it can
/// be read, so that everything that is wrong with it is told at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Ties {
    /// Its own number.
    pub number: Option<u64>,
    /// The rows of other stores that it refers to.
    pub references: Vec<(Guarded, u64)>,
    /// Values that no other row may have.
    pub unique: Vec<Unique>,
}

impl Ties {
    /// Those of a row that is well-formed.
    pub(super) fn of<R: Row>(row: &R) -> Self {
        Self { number: Some(row.number()), references: row.references(), unique: row.unique() }
    }
}

/// A row that can be imported.
pub(super) trait Row: Send + Sync + Sized {
    const STORE: Store;
    const COLUMNS: &'static [Column];
    /// What its id begins with, as in `cliente_7`.
    const PREFIX: &'static str;
    /// Where it is noted that such a row was removed; and by which task.
    const NOTES: Option<Notes> = None;

    /// From a record; what is wrong with it goes to `checks`.
    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self>;

    /// Its ties, from a record of which something else cannot be read.
    fn ties(fields: &Fields<'_>) -> Ties;

    /// Its number.
    fn number(&self) -> u64;

    /// The rows of other stores that it refers to.
    fn references(&self) -> Vec<(Guarded, u64)> {
        Vec::new()
    }

    /// Values that no other row may have.
    fn unique(&self) -> Vec<Unique> {
        Vec::new()
    }

    /// What it costs, where it is a product.
    fn price(&self) -> Option<Decimal> {
        None
    }

    /// The numbers of those that are there already, with the columns in which they differ.
    fn known(
        databases: &PerStore<Db>,
        rows: &[&Self],
    ) -> impl Future<Output = Result<Known, StoreError>> + Send;

    /// Who has such values already.
    fn owners(
        databases: &PerStore<Db>,
        values: &[&Unique],
    ) -> impl Future<Output = Result<HashMap<Unique, u64>, StoreError>> + Send;

    /// What else keeps rows from being imported that are well-formed: by number, why.
    fn refused(
        databases: &PerStore<Db>,
        rows: &[&Self],
    ) -> impl Future<Output = Result<HashMap<u64, String>, StoreError>> + Send;

    /// Inserts them all.
    fn insert(
        mysql: &mut MySqlConnection,
        rows: &[Self],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Rows that are there already, by number: the columns in which they differ.
pub(super) type Known = HashMap<u64, Vec<&'static str>>;

/// The id of what a row refers to, as it is shown.
pub(super) fn shown(guarded: Guarded, number: u64) -> String {
    let prefix = match guarded {
        Guarded::Cliente => ClienteId::PREFIX,
        Guarded::Produto => ProdutoId::PREFIX,
    };
    format!("{prefix}_{number}")
}

fn now() -> DateTime {
    DateTime(Utc::now())
}

fn numbers<R: Row>(rows: &[&R]) -> Vec<u64> {
    rows.iter().map(|row| row.number()).collect()
}

/// Those of `ids` that do not exist.
pub(super) async fn missing(
    databases: &PerStore<Db>,
    guarded: Guarded,
    ids: &[u64],
) -> Result<HashSet<u64>, StoreError> {
    let there = match guarded {
        Guarded::Cliente => clientes::existing(&databases[Store::Clientes], ids).await?,
        Guarded::Produto => catalogo::existing(&databases[Store::Catalogo], ids).await?,
    };
    let there: HashSet<u64> = there.into_iter().collect();
    Ok(ids.iter().copied().filter(|id| !there.contains(id)).collect())
}

/// Those of `values` in `column`, for a look-up.
fn of_column<'v>(values: &[&'v Unique], column: &str) -> Vec<&'v str> {
    values.iter().filter(|(of, _)| *of == column).map(|(_, value)| value.as_str()).collect()
}

fn owned(column: &'static str, found: Vec<(u64, String)>) -> impl Iterator<Item = (Unique, u64)> {
    found.into_iter().map(move |(id, value)| ((column, value), id))
}

impl Row for NovoCliente {
    const NOTES: Option<Notes> = Some(Notes {
        about: Guarded::Cliente,
        stores: &[Store::Enderecos, Store::Inventario],
        removal: (Store::Clientes, Task::RemoverCliente),
    });
    const STORE: Store = Store::Clientes;
    const PREFIX: &'static str = ClienteId::PREFIX;
    const COLUMNS: &'static [Column] = &[
        Column::required("id").also(&["codigo"]),
        Column::required("nome").also(&["nome completo"]),
        Column::required("email").also(&["mail"]),
        Column::required("cpf").also(&["documento"]),
        Column::optional("telefone").also(&["fone", "celular"]),
        Column::optional("data_nascimento").also(&["nascimento"]),
        Column::optional("criado_em").also(&["cadastro em", "cadastrado em"]),
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

    fn ties(fields: &Fields<'_>) -> Ties {
        let email = fields.readable("email", rules::email).map(|email| ("email", email_key(&email)));
        let cpf = fields.readable("cpf", rules::cpf).map(|cpf| ("cpf", cpf.digits().to_owned()));
        let number = fields.readable("id", identifier::<ClienteId>).map(|id| id.0);
        Ties { number, references: Vec::new(), unique: email.into_iter().chain(cpf).collect() }
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<Known, StoreError> {
        let there = clientes::by_ids(&databases[Store::Clientes], &numbers(rows), Columns::ALL, &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            vec![
                ("nome", new.nome == *old.nome),
                ("email", new.email == *old.email),
                ("cpf", new.cpf == *old.cpf),
                ("telefone", new.telefone == *old.telefone),
                ("data_nascimento", new.data_nascimento == *old.data_nascimento),
            ]
        }))
    }

    fn unique(&self) -> Vec<Unique> {
        vec![("email", email_key(&self.email)), ("cpf", self.cpf.digits().to_owned())]
    }

    async fn owners(
        databases: &PerStore<Db>,
        values: &[&Unique],
    ) -> Result<HashMap<Unique, u64>, StoreError> {
        let db = &databases[Store::Clientes];
        let emails = clientes::with_emails(db, &of_column(values, "email")).await?;
        let cpfs = clientes::with_cpfs(db, &of_column(values, "cpf")).await?;
        Ok(owned("email", emails).chain(owned("cpf", cpfs)).collect())
    }

    async fn refused(_: &PerStore<Db>, _: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        Ok(HashMap::new())
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        clientes::insert_many(mysql, rows).await
    }
}

impl Row for NovoEndereco {
    const STORE: Store = Store::Enderecos;
    const PREFIX: &'static str = EnderecoId::PREFIX;
    const COLUMNS: &'static [Column] = &[
        Column::required("id").also(&["codigo"]),
        Column::required("id_cliente").also(&["cliente"]),
        Column::required("logradouro").also(&["rua"]),
        Column::required("numero"),
        Column::optional("complemento"),
        Column::optional("bairro"),
        Column::required("cidade").also(&["municipio"]),
        Column::required("uf").also(&["estado"]),
        Column::required("cep").also(&["cod postal"]),
        Column::optional("pais"),
        Column::optional("criado_em"),
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
        let pais = fields.optional(checks, "pais", pais).unwrap_or_else(|| "BR".to_owned());
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

    fn ties(fields: &Fields<'_>) -> Ties {
        let number = fields.readable("id", identifier::<EnderecoId>).map(|id| id.0);
        Ties { number, references: fields.references(), unique: Vec::new() }
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn owners(_: &PerStore<Db>, _: &[&Unique]) -> Result<HashMap<Unique, u64>, StoreError> {
        Ok(HashMap::new())
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<Known, StoreError> {
        let there =
            enderecos::by_ids(&databases[Store::Enderecos], &numbers(rows), Columns::ALL, &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            vec![
                ("id_cliente", new.cliente == old.cliente),
                ("logradouro", new.logradouro == *old.logradouro),
                ("numero", new.numero == *old.numero),
                ("complemento", new.complemento == *old.complemento),
                ("bairro", new.bairro == *old.bairro),
                ("cidade", new.cidade == *old.cidade),
                ("uf", new.uf == *old.uf),
                ("cep", new.cep == *old.cep),
                ("pais", new.pais == *old.pais),
            ]
        }))
    }

    async fn refused(databases: &PerStore<Db>, rows: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        let clients: HashSet<u64> = rows.iter().map(|row| row.cliente.0).collect();
        let list: Vec<u64> = clients.into_iter().collect();
        let counts = enderecos::counts(&databases[Store::Enderecos], &list).await?;
        let mut counts: HashMap<u64, u64> = counts.into_iter().collect();
        let mut refused = HashMap::new();
        for row in rows {
            let count = counts.entry(row.cliente.0).or_default();
            if *count >= MOST_ADDRESSES {
                refused.insert(row.number(), full(row.cliente.0));
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

/// Why a client gets no further address.
pub(super) fn full(cliente: u64) -> String {
    format!("id_cliente: {} já tem {MOST_ADDRESSES} endereços.", shown(Guarded::Cliente, cliente))
}

/// A country, by its letters or, where it is this one, by its name.
fn pais(text: &str) -> Checked<String> {
    match folded(text).as_str() {
        "brasil" | "brazil" | "bra" => Ok("BR".to_owned()),
        _ => rules::pais(text),
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
    const PREFIX: &'static str = ProdutoId::PREFIX;
    const COLUMNS: &'static [Column] = &[
        Column::required("id").also(&["codigo"]),
        Column::required("nome").also(&["titulo"]),
        Column::optional("descricao"),
        Column::required("preco").also(&["valor"]),
        Column::optional("disponivel").also(&["ativo"]),
        Column::optional("criado_em"),
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

    fn ties(fields: &Fields<'_>) -> Ties {
        let number = fields.readable("id", identifier::<ProdutoId>).map(|id| id.0);
        Ties { number, ..Ties::default() }
    }

    fn price(&self) -> Option<Decimal> {
        Some(self.preco)
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn owners(_: &PerStore<Db>, _: &[&Unique]) -> Result<HashMap<Unique, u64>, StoreError> {
        Ok(HashMap::new())
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<Known, StoreError> {
        let db = &databases[Store::Catalogo];
        let there = catalogo::by_ids(db, &numbers(rows), Columns::ALL, &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        let texts: HashMap<u64, String> =
            catalogo::descricoes(db, &numbers(rows), &[]).await?.into_iter().collect();
        Ok(compared(rows, &there, |new, old| {
            vec![
                ("nome", new.nome == *old.nome),
                ("descricao", new.descricao.as_ref() == texts.get(&new.id.0)),
                ("preco", new.preco == *old.preco),
                ("disponivel", new.disponivel == *old.disponivel),
            ]
        }))
    }

    async fn refused(_: &PerStore<Db>, _: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        Ok(HashMap::new())
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        catalogo::insert_many(mysql, rows).await
    }
}

/// Yes or no, as programs and spreadsheets of here write it.
fn flag(text: &str) -> Checked<bool> {
    match values::without_zeros(&folded(text)) {
        "1" | "true" | "t" | "verdadeiro" | "v" | "sim" | "s" | "yes" | "y" => Ok(true),
        "0" | "false" | "f" | "falso" | "nao" | "n" | "no" => Ok(false),
        _ => Err((CodigoErro::Invalido, "O valor deve ser 1 ou 0, sim ou não.".to_owned())),
    }
}

impl Row for NovaCompra {
    const STORE: Store = Store::Inventario;
    const PREFIX: &'static str = CompraId::PREFIX;
    const COLUMNS: &'static [Column] = &[
        Column::required("id").also(&["codigo"]),
        Column::required("id_cliente").also(&["cliente"]),
        Column::required("id_produto").also(&["produto"]),
        Column::required("quantidade").also(&["qtd"]),
        Column::required("preco_unitario"),
        Column::required("adquirido_em").also(&["quando", "comprado em"]),
        Column::optional("chave_idempotencia"),
    ];

    fn read(fields: &Fields<'_>, checks: &mut Checks) -> Option<Self> {
        let id = fields.required(checks, "id", identifier::<CompraId>);
        let cliente = fields.required(checks, "id_cliente", identifier::<ClienteId>);
        let produto = fields.required(checks, "id_produto", identifier::<ProdutoId>);
        let quantidade = fields.required(checks, "quantidade", |text| fields.format.quantity(text));
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

    fn ties(fields: &Fields<'_>) -> Ties {
        let chave = fields.readable("chave_idempotencia", chave).map(|chave| ("chave_idempotencia", chave));
        let number = fields.readable("id", identifier::<CompraId>).map(|id| id.0);
        Ties { number, references: fields.references(), unique: chave.into_iter().collect() }
    }

    fn number(&self) -> u64 {
        self.id.0
    }

    async fn known(databases: &PerStore<Db>, rows: &[&Self]) -> Result<Known, StoreError> {
        let there = inventario::by_ids(&databases[Store::Inventario], &numbers(rows), &[]).await?;
        let there: HashMap<u64, _> = there.into_iter().map(|row| (row.id.0, row)).collect();
        Ok(compared(rows, &there, |new, old| {
            vec![
                ("id_cliente", new.cliente == old.cliente),
                ("id_produto", new.produto == old.produto),
                ("quantidade", new.quantidade == old.quantidade),
                ("preco_unitario", new.preco_unitario == old.preco_unitario),
            ]
        }))
    }

    async fn refused(_: &PerStore<Db>, _: &[&Self]) -> Result<HashMap<u64, String>, StoreError> {
        Ok(HashMap::new())
    }

    async fn owners(
        databases: &PerStore<Db>,
        values: &[&Unique],
    ) -> Result<HashMap<Unique, u64>, StoreError> {
        let chaves = of_column(values, "chave_idempotencia");
        let found = inventario::with_chaves(&databases[Store::Inventario], &chaves).await?;
        Ok(owned("chave_idempotencia", found).collect())
    }

    fn references(&self) -> Vec<(Guarded, u64)> {
        vec![(Guarded::Cliente, self.cliente.0), (Guarded::Produto, self.produto.0)]
    }

    fn unique(&self) -> Vec<Unique> {
        self.chave_idempotencia.iter().map(|chave| ("chave_idempotencia", chave.clone())).collect()
    }

    async fn insert(mysql: &mut MySqlConnection, rows: &[Self]) -> Result<(), sqlx::Error> {
        inventario::insert_many(mysql, rows).await
    }
}

/// Those of `rows` that are `there`, with the columns in which they differ: those of which
/// `same` says so.
fn compared<R: Row, O>(
    rows: &[&R],
    there: &HashMap<u64, O>,
    same: impl Fn(&R, &O) -> Vec<(&'static str, bool)>,
) -> Known {
    let pair = |row: &&R| {
        let compared = same(row, there.get(&row.number())?);
        let differing = compared.into_iter().filter(|(_, is_same)| !is_same).map(|(column, _)| column);
        Some((row.number(), differing.collect()))
    };
    rows.iter().filter_map(pair).collect()
}
