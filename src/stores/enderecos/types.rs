//! `Endereco`, and the part of `Cliente` that this store adds.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::resolver_utils::EnumType as _;
use async_graphql::{Context, Enum, ID, Object};

use super::table::column;
use super::{Enderecos, EnderecosDe, MOST_ADDRESSES, Registro};
use crate::batching::Wanted;
use crate::db::{Columns, Fault, Store, StoreError};
use crate::executor::{Reads, Selection, StoreField, Walked, WalkedList, ready};
use crate::kernel::scalars::{Cep, DateTime};
use crate::kernel::sizes::at_most;
use crate::kernel::{ContextExt as _, GraphResult, Json, Written};
use crate::relay::{ClienteId, EnderecoId, GlobalId as _};
use crate::stores::references::Graph;
use crate::text::folded;

/// An address in the graph `G`.
pub struct Endereco<G> {
    row: Arc<Registro>,
    graph: PhantomData<fn() -> G>,
}

/// An address of a client.
#[Object(name = "Endereco")]
impl<G: Graph> Endereco<G> {
    /// Global id, as in `endereco_7`.
    #[graphql(name = "id")]
    async fn global_id(&self) -> ID {
        self.row.id.to_id()
    }

    /// Whose address it is; null when that client no longer exists, or (with an
    /// error) when the store `clientes` is down.
    async fn cliente(&self, ctx: &Context<'_>) -> StoreField<Walked<G::Cliente>> {
        StoreField::found(G::cliente(ctx, self.row.cliente)).await
    }

    /// Street.
    async fn logradouro(&self) -> &str {
        &self.row.logradouro
    }

    /// House number, or `s/n`.
    async fn numero(&self) -> &str {
        &self.row.numero
    }

    /// Flat, block, reference.
    async fn complemento(&self) -> Option<&str> {
        self.row.complemento.as_deref()
    }

    /// Quarter.
    async fn bairro(&self) -> Option<&str> {
        self.row.bairro.as_deref()
    }

    /// City.
    async fn cidade(&self) -> &str {
        &self.row.cidade
    }

    /// Federal unit.
    async fn uf(&self) -> GraphResult<Uf> {
        Uf::parse(&self.row.uf).ok_or_else(|| {
            // Nothing that the caller could mend.
            let (id, uf) = (self.row.id, &*self.row.uf);
            tracing::error!(%id, uf, "a row of `endereco` has no valid UF");
            StoreError::new(Store::Enderecos, Fault::Unreadable, "a row has no valid UF").into()
        })
    }

    /// Postal code.
    async fn cep(&self) -> &Cep {
        &self.row.cep
    }

    /// Country, as two letters (ISO 3166-1).
    async fn pais(&self) -> &str {
        &self.row.pais
    }

    /// When the address was registered.
    async fn criado_em(&self) -> DateTime {
        *self.row.criado_em
    }

    /// When the address last changed.
    async fn atualizado_em(&self) -> DateTime {
        *self.row.atualizado_em
    }
}

impl<G> Reads for Endereco<G> {
    fn reads(field: &str) -> Columns {
        match field {
            "logradouro" => column::LOGRADOURO,
            "numero" => column::NUMERO,
            "complemento" => column::COMPLEMENTO,
            "bairro" => column::BAIRRO,
            "cidade" => column::CIDADE,
            "uf" => column::UF,
            "cep" => column::CEP,
            "pais" => column::PAIS,
            "criadoEm" => column::CRIADO_EM,
            "atualizadoEm" => column::ATUALIZADO_EM,
            _ => Columns::KEYS,
        }
    }
}

ready! {
    impl{G: Graph} Endereco<G>, |endereco, request| {
        "id" => endereco.row.id,
        "logradouro" => endereco.row.logradouro,
        "numero" => endereco.row.numero,
        "complemento" => endereco.row.complemento,
        "bairro" => endereco.row.bairro,
        "cidade" => endereco.row.cidade,
        "uf" if let Some(uf) = Uf::parse(&endereco.row.uf) => uf,
        "cep" => endereco.row.cep,
        "pais" => endereco.row.pais,
        "criadoEm" => endereco.row.criado_em,
        "atualizadoEm" => endereco.row.atualizado_em,
    }
    leads |enderecos| {
        "cliente" => enderecos.one(|ctx, enderecos| {
            let ids = enderecos.iter().map(|endereco| endereco.row.cliente).collect();
            G::clientes(ctx, ids, Selection::Below(ctx))
        }),
    }
}

impl<G: Graph> Endereco<G> {
    /// The address of a row that has been read.
    #[must_use]
    pub fn of(row: Arc<Registro>) -> Self {
        Self { row, graph: PhantomData }
    }

    /// The address with this id: one load.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(ctx: &Context<'_>, id: EnderecoId) -> GraphResult<Option<Self>> {
        let store = ctx.data_unchecked::<Enderecos>();
        let wanted = Wanted { key: id, columns: Selection::Below(ctx).columns::<Self>() };
        Ok(store.por_id.load(ctx.scope(), wanted).await?.map(Self::of))
    }

    /// What the interface `Node` asks for.
    ///
    /// # Errors
    /// None.
    #[expect(clippy::unused_async, reason = "the interface awaits it")]
    pub async fn id(&self, _: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(self.row.id.to_id())
    }
}

/// A client's addresses.
pub struct ClienteEnderecos<G> {
    cliente: ClienteId,
    graph: PhantomData<fn() -> G>,
}

#[Object]
impl<G: Graph> ClienteEnderecos<G> {
    /// The client's addresses, oldest first, at most 50; null, with an error,
    /// when the store `enderecos` is down.
    #[graphql(directive = at_most::apply(MOST_ADDRESSES))]
    async fn enderecos(&self, ctx: &Context<'_>) -> StoreField<WalkedList<Vec<Endereco<G>>>> {
        let enderecos = enderecos_of(ctx, vec![self]);
        StoreField::all(async { Ok(enderecos.await?.pop().unwrap_or_default()) }).await
    }
}

/// The addresses of each.
async fn enderecos_of<G: Graph>(
    ctx: &Context<'_>,
    clientes: Vec<&ClienteEnderecos<G>>,
) -> GraphResult<Vec<Vec<Endereco<G>>>> {
    let of = clientes.iter().map(|cliente| EnderecosDe(cliente.cliente)).collect();
    let wanted = Wanted::all(of, Selection::Below(ctx).columns::<Endereco<G>>());
    let found = ctx.data_unchecked::<Enderecos>().do_cliente.load_all(ctx.scope(), wanted).await?;
    let enderecos = |rows: Vec<Arc<Registro>>| rows.into_iter().map(Endereco::of).collect();
    Ok(found.into_iter().map(|rows| rows.map_or_else(Vec::new, enderecos)).collect())
}

ready! {
    impl{G: Graph} ClienteEnderecos<G>, |cliente, request| {}
    leads |clientes| {
        "enderecos" => clientes.all(enderecos_of),
    }
}

impl<G> ClienteEnderecos<G> {
    /// The part of the client with this id: free.
    #[must_use]
    pub fn with_id(cliente: ClienteId) -> Self {
        Self { cliente, graph: PhantomData }
    }
}

/// The 27 federal units of Brazil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(name = "UF")]
pub enum Uf {
    /// Acre.
    Ac,
    /// Alagoas.
    Al,
    /// Amapá.
    Ap,
    /// Amazonas.
    Am,
    /// Bahia.
    Ba,
    /// Ceará.
    Ce,
    /// Distrito Federal.
    Df,
    /// Espírito Santo.
    Es,
    /// Goiás.
    Go,
    /// Maranhão.
    Ma,
    /// Mato Grosso.
    Mt,
    /// Mato Grosso do Sul.
    Ms,
    /// Minas Gerais.
    Mg,
    /// Pará.
    Pa,
    /// Paraíba.
    Pb,
    /// Paraná.
    Pr,
    /// Pernambuco.
    Pe,
    /// Piauí.
    Pi,
    /// Rio de Janeiro.
    Rj,
    /// Rio Grande do Norte.
    Rn,
    /// Rio Grande do Sul.
    Rs,
    /// Rondônia.
    Ro,
    /// Roraima.
    Rr,
    /// Santa Catarina.
    Sc,
    /// São Paulo.
    Sp,
    /// Sergipe.
    Se,
    /// Tocantins.
    To,
}

impl Written for Uf {
    fn write(&self, json: &mut Json) {
        match Self::items().iter().find(|item| item.value == *self) {
            Some(item) => json.name(item.name),
            None => json.null(),
        }
    }
}

impl Uf {
    const ALL: [Self; 27] = [
        Self::Ac,
        Self::Al,
        Self::Ap,
        Self::Am,
        Self::Ba,
        Self::Ce,
        Self::Df,
        Self::Es,
        Self::Go,
        Self::Ma,
        Self::Mt,
        Self::Ms,
        Self::Mg,
        Self::Pa,
        Self::Pb,
        Self::Pr,
        Self::Pe,
        Self::Pi,
        Self::Rj,
        Self::Rn,
        Self::Rs,
        Self::Ro,
        Self::Rr,
        Self::Sc,
        Self::Sp,
        Self::Se,
        Self::To,
    ];

    /// Two letters, as in the table.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Ac => "AC",
            Self::Al => "AL",
            Self::Ap => "AP",
            Self::Am => "AM",
            Self::Ba => "BA",
            Self::Ce => "CE",
            Self::Df => "DF",
            Self::Es => "ES",
            Self::Go => "GO",
            Self::Ma => "MA",
            Self::Mt => "MT",
            Self::Ms => "MS",
            Self::Mg => "MG",
            Self::Pa => "PA",
            Self::Pb => "PB",
            Self::Pr => "PR",
            Self::Pe => "PE",
            Self::Pi => "PI",
            Self::Rj => "RJ",
            Self::Rn => "RN",
            Self::Rs => "RS",
            Self::Ro => "RO",
            Self::Rr => "RR",
            Self::Sc => "SC",
            Self::Sp => "SP",
            Self::Se => "SE",
            Self::To => "TO",
        }
    }

    /// Its name.
    const fn name(self) -> &'static str {
        match self {
            Self::Ac => "Acre",
            Self::Al => "Alagoas",
            Self::Ap => "Amapá",
            Self::Am => "Amazonas",
            Self::Ba => "Bahia",
            Self::Ce => "Ceará",
            Self::Df => "Distrito Federal",
            Self::Es => "Espírito Santo",
            Self::Go => "Goiás",
            Self::Ma => "Maranhão",
            Self::Mt => "Mato Grosso",
            Self::Ms => "Mato Grosso do Sul",
            Self::Mg => "Minas Gerais",
            Self::Pa => "Pará",
            Self::Pb => "Paraíba",
            Self::Pr => "Paraná",
            Self::Pe => "Pernambuco",
            Self::Pi => "Piauí",
            Self::Rj => "Rio de Janeiro",
            Self::Rn => "Rio Grande do Norte",
            Self::Rs => "Rio Grande do Sul",
            Self::Ro => "Rondônia",
            Self::Rr => "Roraima",
            Self::Sc => "Santa Catarina",
            Self::Sp => "São Paulo",
            Self::Se => "Sergipe",
            Self::To => "Tocantins",
        }
    }

    /// Reads the name, however it is typed.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = folded(name);
        Self::ALL.into_iter().find(|uf| folded(uf.name()) == name)
    }

    /// Reads the two letters.
    #[must_use]
    pub fn parse(letters: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|uf| uf.letters() == letters)
    }
}
