//! What is counted: by whom which operation was asked, and what it took.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Faixas;
use crate::db::{PerStore, Tally};

/// The signature of an operation: the same for all texts that ask the same in the same order
/// under the same name, whatever values stand in them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Assinatura([u8; 16]);

impl Assinatura {
    /// Of what is counted together, since there is too much of it.
    pub const OUTRAS: Self = Self([0; 16]);

    /// Of what was refused before it could be read.
    pub const ILEGIVEL: Self = Self([0xff; 16]);

    /// Of a text that is printed in the one way.
    #[must_use]
    pub fn of(printed: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(printed.as_bytes()).as_bytes()[..16]);
        Self(id)
    }
}

impl fmt::Display for Assinatura {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Assinatura {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Assinatura {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// The name of what is counted together. No name of GraphQL has parentheses.
pub const OUTRAS: &str = "(other)";

/// The name of what was refused before it could be read.
pub const ILEGIVEL: &str = "(unread)";

/// An operation as it is known by its signature. Nobody's data is in it: no value that stood
/// in the text, no alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documento {
    /// Its signature.
    pub id: Assinatura,
    /// Its name, if it has one.
    pub nome: Option<Arc<str>>,
    /// `query` or `mutation`.
    pub tipo: Arc<str>,
    /// Printed in the one way; empty when it is too long to be kept.
    pub texto: Arc<str>,
    /// What of the schema stands in it: `Cliente.cpf`, `Query.clientes(filtro:)`,
    /// `ClienteFiltro.uf`, `UF.SP`.
    pub campos: Arc<[Arc<str>]>,
}

impl Documento {
    /// Bytes that it takes, as near as can be told.
    #[must_use]
    pub fn bytes(&self) -> usize {
        256 + self.texto.len() + self.campos.iter().map(|campo| campo.len() + 48).sum::<usize>()
    }
}

/// Who asks what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chave {
    /// Which operation.
    pub assinatura: Assinatura,
    /// The program that asks.
    pub programa: Arc<str>,
    /// Its version.
    pub versao: Arc<str>,
    /// Its login.
    pub usuario: Arc<str>,
}

/// [`Chave`] as it comes with a request: most have an account already, and nothing is copied
/// for them.
#[derive(Clone, Copy, Debug, Hash)]
pub struct DeQuem<'a> {
    /// Which operation.
    pub assinatura: Assinatura,
    /// The program that asks.
    pub programa: &'a str,
    /// Its version.
    pub versao: &'a str,
    /// Its login.
    pub usuario: &'a str,
}

impl hashbrown::Equivalent<Chave> for DeQuem<'_> {
    fn equivalent(&self, chave: &Chave) -> bool {
        self.assinatura == chave.assinatura
            && *self.programa == *chave.programa
            && *self.versao == *chave.versao
            && *self.usuario == *chave.usuario
    }
}

impl From<&DeQuem<'_>> for Chave {
    fn from(quem: &DeQuem<'_>) -> Self {
        Self {
            assinatura: quem.assinatura,
            programa: quem.programa.into(),
            versao: quem.versao.into(),
            usuario: quem.usuario.into(),
        }
    }
}

impl Chave {
    /// All that is counted together.
    #[must_use]
    pub fn outras() -> Self {
        let outras: Arc<str> = OUTRAS.into();
        Self {
            assinatura: Assinatura::OUTRAS,
            programa: Arc::clone(&outras),
            versao: "".into(),
            usuario: outras,
        }
    }
}

/// What operations asked of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uso {
    /// Statements.
    pub instrucoes: u64,
    /// Rows that they read or changed.
    pub linhas: u64,
    /// Microseconds that were waited for them.
    pub micros: u64,
    /// How many failed.
    pub falhas: u64,
}

/// What operations took together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Soma {
    /// How often they were asked.
    pub chamadas: u64,
    /// How often the answer had an error.
    pub com_erro: u64,
    /// How often nothing was executed; these are among `com_erro`.
    pub recusadas: u64,
    /// Microseconds until the answer.
    pub micros: u64,
    /// The longest.
    pub maior_micros: u64,
    /// What they might have cost.
    pub custo: u64,
    /// Objects in the answers.
    pub objetos: u64,
    /// Bytes of the answers, before they were compressed.
    pub bytes: u64,
    /// What they asked of each store.
    pub stores: PerStore<Uso>,
    /// How long they took.
    pub faixas: Faixas,
}

impl Soma {
    /// Adds what others took.
    pub(super) fn merge(&mut self, other: &Self) {
        self.chamadas += other.chamadas;
        self.com_erro += other.com_erro;
        self.recusadas += other.recusadas;
        self.micros += other.micros;
        self.maior_micros = self.maior_micros.max(other.maior_micros);
        self.custo = self.custo.saturating_add(other.custo);
        self.objetos += other.objetos;
        self.bytes += other.bytes;
        for ((_, own), (_, other)) in self.stores.iter_mut().zip(other.stores.iter()) {
            own.instrucoes += other.instrucoes;
            own.linhas += other.linhas;
            own.micros += other.micros;
            own.falhas += other.falhas;
        }
        self.faixas.merge(&other.faixas);
    }

    /// Adds what a request asked of the stores.
    pub(super) fn add_stores(&mut self, tally: &Tally) {
        for asked in tally.stores() {
            // What is asked about accesses is not the shop's.
            let crate::db::AnyStore::One(store) = asked.store else { continue };
            let uso = &mut self.stores[store];
            uso.instrucoes += u64::from(asked.statements);
            uso.linhas += asked.rows;
            uso.micros += u64::try_from(asked.time.as_micros()).unwrap_or(u64::MAX);
            uso.falhas += u64::from(asked.failures);
        }
    }

    /// All stores together.
    #[must_use]
    pub fn uso(&self) -> Uso {
        let mut all = Uso::default();
        for (_, uso) in self.stores.iter() {
            all.instrucoes += uso.instrucoes;
            all.linhas += uso.linhas;
            all.micros += uso.micros;
            all.falhas += uso.falhas;
        }
        all
    }
}

/// An error in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Falha {
    /// `extensions.code`.
    pub codigo: Arc<str>,
    /// Where, as fields of the schema: `clientes.nodes.enderecos`; empty when it is about
    /// the whole operation.
    pub caminho: Arc<str>,
    /// The store's name; empty when it is about none.
    pub store: Arc<str>,
}
