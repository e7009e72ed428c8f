//! The part of `Produto` that this store owns.

use std::sync::Arc;

use async_graphql::{Context, Object};

use super::{Catalogo, DescricaoDe, Item, column};
use crate::db::Columns;
use crate::executor::{Reads, StoreField, ready};
use crate::kernel::scalars::{DateTime, Decimal};
use crate::kernel::sizes::{LONG_TEXT, cost};
use crate::kernel::{ContextExt as _, GraphResult};

/// A product's own data.
pub struct ProdutoCatalogo(pub Arc<Item>);

#[Object]
impl ProdutoCatalogo {
    /// Name.
    async fn nome(&self) -> &str {
        &self.0.nome
    }

    /// Description, when there is one.
    #[graphql(directive = cost::apply(LONG_TEXT))]
    async fn descricao(&self, ctx: &Context<'_>) -> StoreField<String> {
        let text = descricoes(ctx, vec![self]);
        StoreField::found(async { Ok(text.await?.pop().flatten().map(|text| text.to_string())) }).await
    }

    /// Price today; a purchase keeps the price of its own day.
    async fn preco(&self) -> Decimal {
        *self.0.preco
    }

    /// Whether it can be bought.
    async fn disponivel(&self) -> bool {
        *self.0.disponivel
    }

    /// When the product was listed.
    async fn criado_em(&self) -> DateTime {
        *self.0.criado_em
    }

    /// When the product's own data last changed.
    async fn atualizado_em(&self) -> DateTime {
        *self.0.atualizado_em
    }
}

/// The description of each, when there is one.
async fn descricoes(
    ctx: &Context<'_>,
    produtos: Vec<&ProdutoCatalogo>,
) -> GraphResult<Vec<Option<Arc<str>>>> {
    let of = produtos.iter().map(|produto| DescricaoDe(produto.0.id)).collect();
    Ok(ctx.data_unchecked::<Catalogo>().descricao.load_all(ctx.scope(), of).await?)
}

impl Reads for ProdutoCatalogo {
    fn reads(field: &str) -> Columns {
        match field {
            "nome" => column::NOME,
            "preco" => column::PRECO,
            "disponivel" => column::DISPONIVEL,
            "criadoEm" => column::CRIADO_EM,
            "atualizadoEm" => column::ATUALIZADO_EM,
            _ => Columns::KEYS,
        }
    }
}

ready! {
    impl ProdutoCatalogo, |produto, request| {
        "nome" => produto.0.nome,
        "preco" => produto.0.preco,
        "disponivel" => produto.0.disponivel,
        "criadoEm" => produto.0.criado_em,
        "atualizadoEm" => produto.0.atualizado_em,
    }
    leads |produtos| {
        "descricao" => Some(produtos.leaf(descricoes)),
    }
}
