//! A person's data (LGPD, article 18): everything that the four stores know of one
//! person, gathered or removed, with a protocol of what was done.
//!
//! What lives here: the gathering ([`Dados`]) and the removal, which is the one of
//! [`removal`](crate::removal), begun by an operator and kept with its protocol in one
//! transaction. What does not: SQL, which is each store's, and the words on the command
//! line (`cli/titular.rs`).
//!
//! What the stores keep beside, of nobody in particular: notes that a number was removed,
//! and records of writes, which hold digests and numbers and go by themselves.
//!
//! To add a store: a field of [`Dados`], its line in `gather`, and a step of the removal.

use std::sync::Arc;

use chrono::{SubsecRound as _, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Columns, Db, End, PerStore, Store, StoreError, Transaction, Work};
use crate::kernel::scalars::{Cep, Cpf, Date, DateTime, Decimal};
use crate::kernel::telefone;
use crate::relay::ClienteId;
use crate::removal::{Progress, Removals};
use crate::stores::clientes::titular::{self, Protocolo};
use crate::stores::{catalogo, clientes, enderecos, inventario};
use crate::writes::outbox::{self, PoliticaCompras, Task};

/// Everything that the four stores know of one person.
#[derive(Debug, Serialize)]
pub struct Dados {
    /// When it was gathered.
    pub gerado_em: DateTime,
    /// The number under which it was noted that it was gathered.
    pub protocolo: String,
    /// From `clientes`.
    pub cliente: Cliente,
    /// From `enderecos`.
    pub enderecos: Vec<Endereco>,
    /// From `inventario`, newest first.
    pub compras: Vec<Compra>,
}

/// The person.
#[derive(Debug, Serialize)]
pub struct Cliente {
    id: String,
    nome: String,
    email: String,
    cpf: Cpf,
    telefone: Option<String>,
    data_nascimento: Option<Date>,
    criado_em: DateTime,
    atualizado_em: DateTime,
}

/// Where the person lives.
#[derive(Debug, Serialize)]
pub struct Endereco {
    id: String,
    logradouro: String,
    numero: String,
    complemento: Option<String>,
    bairro: Option<String>,
    cidade: String,
    uf: String,
    cep: Cep,
    pais: String,
    criado_em: DateTime,
    atualizado_em: DateTime,
}

/// What the person has bought.
#[derive(Debug, Serialize)]
pub struct Compra {
    id: String,
    produto: String,
    /// As it is called today; none when it is no longer in the catalogue.
    nome_do_produto: Option<String>,
    quantidade: u32,
    preco_unitario: Decimal,
    adquirido_em: DateTime,
}

/// What was removed, and how far it has come.
#[derive(Debug)]
pub struct Apagado {
    /// What was noted of it.
    pub protocolo: Protocolo,
    /// Which stores have done their part; the others will, as soon as they answer.
    pub progress: Progress,
}

/// The stores, for an operator who works for one person.
pub struct Titulares {
    databases: PerStore<Db>,
    removals: Arc<Removals>,
    /// Who works, for the protocol.
    operator: String,
}

impl Titulares {
    /// Over the four databases, for `operator`, whose name is kept in protocols.
    #[must_use]
    pub fn new(databases: PerStore<Db>, operator: String) -> Self {
        Self { removals: Removals::new(databases.clone()), databases, operator }
    }

    /// Everything that is known of the person with this CPF; none when there is nobody.
    ///
    /// # Errors
    /// The store's that does not answer: what is not whole is not given out.
    pub async fn gather(&self, cpf: &Cpf) -> Result<Option<Dados>, StoreError> {
        let Some(cliente) =
            clientes::by_cpf(&self.databases[Store::Clientes], cpf, Columns::ALL, &[]).await?
        else {
            return Ok(None);
        };
        let id = cliente.id;
        let enderecos =
            enderecos::by_clientes(&self.databases[Store::Enderecos], &[id.0], Columns::ALL, &[]).await?;
        let compras = self.compras(id).await?;
        let protocolo = self.protocolo("export", id, None, (enderecos.len(), compras.len()));
        titular::keep(&self.databases[Store::Clientes], &protocolo).await?;
        Ok(Some(Dados {
            gerado_em: protocolo.feito_em,
            protocolo: protocolo.id,
            cliente: Cliente {
                id: id.to_string(),
                nome: cliente.nome.take(),
                email: cliente.email.take(),
                cpf: cliente.cpf.take(),
                telefone: cliente.telefone.take().map(|kept| telefone::shown(&kept).into_owned()),
                data_nascimento: cliente.data_nascimento.take(),
                criado_em: cliente.criado_em.take(),
                atualizado_em: cliente.atualizado_em.take(),
            },
            enderecos: enderecos.into_iter().map(Endereco::from).collect(),
            compras,
        }))
    }

    /// All purchases of a client, newest first, with what was bought.
    async fn compras(&self, cliente: ClienteId) -> Result<Vec<Compra>, StoreError> {
        let mut all = Vec::new();
        let mut last = None;
        loop {
            let rows = inventario::of_cliente(&self.databases[Store::Inventario], cliente, last).await?;
            let Some(end) = rows.last() else { return Ok(all) };
            last = Some((end.adquirido_em, end.id));
            let mut produtos: Vec<u64> = rows.iter().map(|row| row.produto.0).collect();
            produtos.sort_unstable();
            produtos.dedup();
            let items =
                catalogo::by_ids(&self.databases[Store::Catalogo], &produtos, catalogo::column::NOME, &[])
                    .await?;
            all.extend(rows.into_iter().map(|row| Compra {
                id: row.id.to_string(),
                produto: row.produto.to_string(),
                nome_do_produto:
                    items.iter().find(|item| item.id == row.produto).map(|item| item.nome.clone()),
                quantidade: row.quantidade,
                preco_unitario: row.preco_unitario,
                adquirido_em: row.adquirido_em,
            }));
        }
    }

    /// Removes everything that is known of the person with this CPF: at once from
    /// `clientes`, with the protocol, and from the other stores as soon as they answer.
    /// None when there is nobody.
    ///
    /// # Errors
    /// The store's; then nothing has changed.
    pub async fn erase(&self, cpf: &Cpf, compras: PoliticaCompras) -> Result<Option<Apagado>, StoreError> {
        let home = &self.databases[Store::Clientes];
        let Some(cliente) = clientes::by_cpf(home, cpf, Columns::KEYS, &[]).await? else {
            return Ok(None);
        };
        let id = cliente.id;
        let enderecos =
            enderecos::by_clientes(&self.databases[Store::Enderecos], &[id.0], Columns::KEYS, &[]).await?;
        let vendas = inventario::how_many_of(&self.databases[Store::Inventario], id).await?;
        let counts = (enderecos.len(), usize::try_from(vendas).unwrap_or(usize::MAX));
        let protocolo = self.protocolo("apagar", id, Some(compras), counts);
        let erased = home.transaction(&Erase { id, compras, protocolo: &protocolo }, &Arc::default()).await?;
        if !erased {
            return Ok(None);
        }
        let progress = self.removals.finish(Store::Clientes, Task::RemoverCliente, id.0).await;
        Ok(Some(Apagado { protocolo, progress }))
    }

    /// The protocol with this number, with how far it has come: whatever is left of a
    /// removal is tried again.
    ///
    /// # Errors
    /// The store's.
    pub async fn protocol(&self, id: &str) -> Result<Option<Apagado>, StoreError> {
        let home = &self.databases[Store::Clientes];
        let Some(protocolo) = titular::by_id(home, id).await? else {
            return Ok(None);
        };
        let progress = if protocolo.pedido == "apagar" {
            self.removals.finish(Store::Clientes, Task::RemoverCliente, protocolo.cliente).await
        } else {
            Progress::WHOLE
        };
        Ok(Some(Apagado { protocolo, progress }))
    }

    /// The newest protocols, at most so many.
    ///
    /// # Errors
    /// The store's.
    pub async fn protocols(&self, most: u32) -> Result<Vec<Protocolo>, StoreError> {
        titular::newest(&self.databases[Store::Clientes], most).await
    }

    fn protocolo(
        &self,
        pedido: &str,
        cliente: ClienteId,
        compras: Option<PoliticaCompras>,
        (enderecos, vendas): (usize, usize),
    ) -> Protocolo {
        Protocolo {
            id: Uuid::now_v7().to_string(),
            pedido: pedido.to_owned(),
            cliente: cliente.0,
            compras: compras.map(|policy| policy.name().to_owned()),
            // As it is kept.
            feito_em: DateTime(Utc::now().trunc_subsecs(6)),
            feito_por: self.operator.clone(),
            enderecos: enderecos as u64,
            vendas: vendas as u64,
        }
    }
}

/// The client goes, and what is left to be done elsewhere and the protocol come.
struct Erase<'a> {
    id: ClienteId,
    compras: PoliticaCompras,
    protocolo: &'a Protocolo,
}

impl Work for Erase<'_> {
    /// Whether the client was there.
    type Output = bool;

    fn name(&self) -> &'static str {
        "titular.apaga"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<bool>, StoreError> {
        if clientes::lock(tx, self.id).await?.is_none() {
            return Ok(End::Rollback(false));
        }
        clientes::delete(tx, self.id).await?;
        outbox::add(tx, Task::RemoverCliente, self.id.0, self.compras).await?;
        titular::insert(tx, self.protocolo).await?;
        Ok(End::Commit(true))
    }
}

impl From<enderecos::Registro> for Endereco {
    fn from(row: enderecos::Registro) -> Self {
        Self {
            id: row.id.to_string(),
            logradouro: row.logradouro.take(),
            numero: row.numero.take(),
            complemento: row.complemento.take(),
            bairro: row.bairro.take(),
            cidade: row.cidade.take(),
            uf: row.uf.take(),
            cep: row.cep.take(),
            pais: row.pais.take(),
            criado_em: row.criado_em.take(),
            atualizado_em: row.atualizado_em.take(),
        }
    }
}
