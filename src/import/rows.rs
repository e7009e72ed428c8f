//! What a row of each store is made of, what must hold for it, and whether it is
//! there already.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use chrono::{FixedOffset, NaiveDateTime, TimeZone as _, Utc};
use csv::StringRecord;
use sqlx::mysql::MySqlConnection;

use super::header::{Column, Header};
use crate::db::{Db, PerStore, Store, StoreError};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::relay::{ClienteId, CompraId, EnderecoId, ProdutoId};
use crate::stores::catalogo::{self, NovoProduto};
use crate::stores::clientes::{self, NovoCliente};
use crate::stores::enderecos::{self, MOST_ADDRESSES, NovoEndereco, Uf};
use crate::stores::inventario::{self, NovaCompra};
use crate::writes::guard::Guarded;
use crate::writes::rules::{self, Checked};
use crate::writes::{Checks, CodigoErro};

/// How values are written in the file.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Prices are written `1.234,50`.
    pub decimal_comma: bool,
    /// The offset of moments that say none.
    pub offset: FixedOffset,
}

/// A record of the file, by the names of our columns.
pub(super) struct Fields<'a> {
    pub header: &'a Header,
    pub record: &'a StringRecord,
    pub format: Format,
}

impl Fields<'_> {
    fn required<T>(
        &self,
        checks: &mut Checks,
        column: &'static str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        checks.required(column, self.header.value(self.record, column).unwrap_or_default(), rule)
    }

    fn optional<T>(
        &self,
        checks: &mut Checks,
        column: &'static str,
        rule: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        checks.optional(column, self.header.value(self.record, column), rule)
    }

    fn price(&self) -> impl FnOnce(&str) -> Checked<Decimal> + use<> {
        let comma = self.format.decimal_comma;
        move |text| match comma {
            true => rules::preco(&with_point(text).unwrap_or_default()),
            false => rules::preco(text),
        }
    }

    /// A moment of the past: RFC 3339, or as MySQL writes it.
    fn moment(&self) -> impl FnOnce(&str) -> Checked<DateTime> + use<> {
        let offset = self.format.offset;
        move |text| {
            let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
            match local.ok().and_then(|local| offset.from_local_datetime(&local).single()) {
                Some(moment) => rules::momento_passado(&moment.to_rfc3339()),
                None => rules::momento_passado(text),
            }
        }
    }
}

/// `1.234,50` as `1234.50`; nothing when a point stands where no thousands end, so
/// that a price with a point is not taken for a hundred times as much.
fn with_point(text: &str) -> Option<String> {
    let (whole, cents) = text.split_once(',').unwrap_or((text, ""));
    let (first, thousands) = whole.split_once('.').map_or((whole, None), |(first, rest)| (first, Some(rest)));
    let groups: Vec<&str> = thousands.map(|rest| rest.split('.').collect()).unwrap_or_default();
    let sound = groups.is_empty() || (first.len() <= 3 && groups.iter().all(|group| group.len() == 3));
    let point = if cents.is_empty() { "" } else { "." };
    sound.then(|| format!("{first}{}{point}{cents}", groups.concat()))
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
        let id = fields.required(checks, "id", rules::id::<ClienteId>);
        let nome = fields.required(checks, "nome", rules::line(120));
        let email = fields.required(checks, "email", rules::email);
        let cpf = fields.required(checks, "cpf", rules::cpf);
        let telefone = fields.optional(checks, "telefone", rules::telefone);
        let today = Utc::now().date_naive();
        let data_nascimento = fields.optional(checks, "data_nascimento", rules::data_nascimento(today));
        let criado_em = fields.optional(checks, "criado_em", fields.moment()).unwrap_or_else(now);
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
        let id = fields.required(checks, "id", rules::id::<EnderecoId>);
        let cliente = fields.required(checks, "id_cliente", rules::id::<ClienteId>);
        let logradouro = fields.required(checks, "logradouro", rules::line(160));
        let numero = fields.required(checks, "numero", rules::line(20));
        let complemento = fields.optional(checks, "complemento", rules::line(80));
        let bairro = fields.optional(checks, "bairro", rules::line(80));
        let cidade = fields.required(checks, "cidade", rules::line(80));
        let uf = fields.required(checks, "uf", uf);
        let cep = fields.required(checks, "cep", rules::cep);
        let pais = fields.optional(checks, "pais", rules::pais).unwrap_or_else(|| "BR".to_owned());
        let criado_em = fields.optional(checks, "criado_em", fields.moment()).unwrap_or_else(now);
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

fn uf(text: &str) -> Checked<String> {
    let letters = text.to_ascii_uppercase();
    match Uf::parse(&letters) {
        Some(uf) => Ok(uf.letters().to_owned()),
        None => Err((CodigoErro::Invalido, "A UF não é válida; ela tem duas letras, como SP.".to_owned())),
    }
}

impl Row for NovoProduto {
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
        let id = fields.required(checks, "id", rules::id::<ProdutoId>);
        let nome = fields.required(checks, "nome", rules::line(160));
        let descricao = fields.optional(checks, "descricao", rules::lines(10_000));
        let preco = fields.required(checks, "preco", fields.price());
        let disponivel = fields.optional(checks, "disponivel", flag).unwrap_or(true);
        let criado_em = fields.optional(checks, "criado_em", fields.moment()).unwrap_or_else(now);
        Some(Self { id: id?, nome: nome?, descricao, preco: preco?, disponivel, criado_em })
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
        let id = fields.required(checks, "id", rules::id::<CompraId>);
        let cliente = fields.required(checks, "id_cliente", rules::id::<ClienteId>);
        let produto = fields.required(checks, "id_produto", rules::id::<ProdutoId>);
        let units = |text: &str| rules::quantidade(text.parse().unwrap_or_default());
        let quantidade = fields.required(checks, "quantidade", units);
        let preco_unitario = fields.required(checks, "preco_unitario", fields.price());
        let adquirido_em = fields.required(checks, "adquirido_em", fields.moment());
        let chave_idempotencia = fields.optional(checks, "chave_idempotencia", rules::line(64));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_become_points_only_where_points_are_thousands() {
        for (text, point) in [("1.234,50", "1234.50"), ("10,5", "10.5"), ("1.234.567", "1234567"), ("7", "7")]
        {
            assert_eq!(with_point(text).as_deref(), Some(point));
        }
        for text in ["1234.50", "1.23,4", "1234.567,00"] {
            assert_eq!(with_point(text), None, "{text}");
        }
    }
}
