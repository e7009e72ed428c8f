//! The store `acessos`: who asks what, how long it takes, and what goes wrong. Every
//! operation is counted, none is sampled; and nothing that is counted is anybody's data: no
//! value of a variable, none that stood in a text, no address.
//!
//! | file | subject |
//! | --- | --- |
//! | [`soma`], [`faixas`] | what is counted, and how long calls took |
//! | [`minuto`], [`livro`] | the last minutes, in bounded memory |
//! | [`lenta`] | slow operations with their statements |
//! | [`keeper`] | the one task that writes, puts together and deletes |
//! | [`table`] | the tables and every statement about them |
//! | [`janela`] | a window of time, from the tables and from memory |
//! | [`types`], [`query`] | what the graph shows of it |
//!
//! Without a database of its own the last hours stay in memory. With one, all instances of
//! the program write there, each rows of its own.

mod faixas;
mod janela;
mod keeper;
mod lenta;
mod livro;
mod minuto;
mod query;
mod soma;
mod table;
mod types;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use chrono::Utc;

pub use faixas::Faixas;
pub use janela::{Janela, Passo, Pergunta, Relatorio};
pub use keeper::{Guarda, PERIOD};
pub use lenta::{Instrucao, Lenta, explain};
pub use livro::Perda;
pub use query::ConsultasAcessos;
pub use soma::{Assinatura, Chave, DeQuem, Documento, Falha, ILEGIVEL, OUTRAS, Soma, Uso};
pub use table::Instancia;

use crate::db::{Db, Present, StoreError, Tally};
use livro::Livro;

/// Counts accesses, and tells of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Acessos(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    livro: Livro,
    db: Option<Db>,
    /// The stores that slow statements were asked of.
    stores: Present,
    instancia: Instancia,
    settings: Settings,
    schema: OnceLock<Esquema>,
}

/// The parts of the schema by name, and why those that are deprecated are so.
pub type Esquema = BTreeMap<Arc<str>, Option<Arc<str>>>;

/// How accesses are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From how many microseconds on an operation is slow.
    pub slow_micros: u64,
    /// How long what is counted is kept.
    pub guarda: Guarda,
}

impl Default for Settings {
    fn default() -> Self {
        Self { slow_micros: 500_000, guarda: Guarda::default() }
    }
}

/// Bytes of what a client says of itself.
const LONGEST_NAME: usize = 64;

/// An operation that has ended.
pub struct Acesso<'a> {
    /// What it asked; none when it could not be read.
    pub documento: Option<&'a Arc<Documento>>,
    /// The program that asked, as it calls itself.
    pub programa: &'a str,
    /// Its version.
    pub versao: &'a str,
    /// Its login.
    pub usuario: &'a Arc<str>,
    /// The id of the request.
    pub pedido: &'a str,
    /// When it came.
    pub begun: Instant,
    /// Until the answer, in microseconds.
    pub micros: u64,
    /// What it might have cost.
    pub custo: u64,
    /// Objects in the answer.
    pub objetos: u64,
    /// Bytes of the answer.
    pub bytes: u64,
    /// How it ended: a word of a fixed list.
    pub resultado: &'static str,
    /// The errors of the answer.
    pub falhas: Vec<(Falha, u64)>,
    /// Input fields and values of enums that came in variables.
    pub entradas: &'a [Arc<str>],
    /// What it asked of the stores.
    pub tally: &'a Tally,
}

impl Acessos {
    /// Counts from now on; into `db`, where there is one.
    #[must_use]
    pub fn new(db: Option<Db>, stores: Present, settings: Settings) -> Self {
        let now = Utc::now().timestamp();
        let instancia = Instancia {
            id: uuid::Uuid::now_v7().simple().to_string().into(),
            nome: host().into(),
            versao: env!("CARGO_PKG_VERSION").into(),
            inicio: now,
            ultimo: now,
            perdidas: 0,
        };
        let livro = Livro::new(db.is_some(), now);
        Self(Arc::new(Inner { livro, db, stores, instancia, settings, schema: OnceLock::new() }))
    }

    /// Counts an operation. It takes microseconds, waits for nobody and cannot fail.
    pub fn note(&self, acesso: Acesso<'_>) {
        let (programa, versao, usuario) =
            (named(acesso.programa), named(acesso.versao), named(acesso.usuario));
        let quem = DeQuem {
            assinatura: acesso.documento.map_or(Assinatura::ILEGIVEL, |documento| documento.id),
            programa: &programa,
            versao: &versao,
            usuario: &usuario,
        };
        let now = Utc::now();
        if acesso.micros >= self.0.settings.slow_micros {
            self.0.livro.slow(Lenta {
                id: uuid::Uuid::now_v7(),
                quando: now,
                instancia: Arc::clone(&self.0.instancia.id),
                chave: Chave::from(&quem),
                pedido: acesso.pedido.into(),
                resultado: acesso.resultado.into(),
                micros: acesso.micros,
                custo: acesso.custo,
                instrucoes: Instrucao::all(acesso.tally.ran(), acesso.begun),
            });
        }
        self.0.livro.note(now.timestamp(), &quem, acesso.documento, |conta| {
            let soma = &mut conta.soma;
            soma.chamadas += 1;
            soma.com_erro += u64::from(acesso.resultado != "ok");
            soma.recusadas += u64::from(acesso.resultado == "refused");
            soma.micros += acesso.micros;
            soma.maior_micros = soma.maior_micros.max(acesso.micros);
            soma.custo = soma.custo.saturating_add(acesso.custo);
            soma.objetos += acesso.objetos;
            soma.bytes += acesso.bytes;
            soma.faixas.add(acesso.micros);
            soma.add_stores(acesso.tally);
            for (falha, vezes) in acesso.falhas {
                conta.fail(falha, vezes);
            }
            for campo in acesso.entradas {
                conta.given(campo, 1);
            }
        });
    }

    /// Tells which parts the schema has that is served; the first word counts.
    pub fn knows_schema(&self, schema: Esquema) {
        let _ = self.0.schema.set(schema);
    }

    /// The parts of the schema that is served.
    #[must_use]
    pub fn schema(&self) -> &Esquema {
        static NONE: Esquema = Esquema::new();
        self.0.schema.get().unwrap_or(&NONE)
    }

    /// This run of the program.
    #[must_use]
    pub fn instancia(&self) -> &Instancia {
        &self.0.instancia
    }

    /// The stores, for whoever shows how they are.
    #[must_use]
    pub fn stores(&self) -> &Present {
        &self.0.stores
    }

    /// Where they are kept, where they are.
    #[must_use]
    pub fn db(&self) -> Option<&Db> {
        self.0.db.as_ref()
    }

    /// Whether there is a store to keep them.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.0.db.is_some()
    }

    /// What was counted and is nowhere any more.
    #[must_use]
    pub fn lost(&self) -> Perda {
        self.0.livro.lost()
    }
}

/// Whether accesses can be kept there: writes, and changes nothing.
///
/// # Errors
/// The store's.
pub async fn try_out(db: &Db) -> Result<(), StoreError> {
    let nothing = table::Resumo { passo: Passo::Hora, over: 0, again: None };
    db.transaction(&nothing, &Arc::default()).await.map(|_| ())
}

/// What a client calls itself, bounded and printable.
fn named(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if short.len() + letter.len_utf8() > LONGEST_NAME {
            break;
        }
        short.push(letter);
    }
    Cow::Owned(short.trim().to_owned())
}

/// What this machine calls itself.
fn host() -> String {
    let from_system = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = from_system.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "-".to_owned() } else { name.chars().take(128).collect() }
}

#[cfg(test)]
impl Acessos {
    /// Over stores that lead nowhere.
    pub(crate) fn of_nothing() -> Self {
        Self::new(None, Present::default(), Settings::default())
    }
}
