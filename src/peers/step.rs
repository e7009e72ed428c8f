//! What a removal does in another store than its own. Each step is a transaction of its store,
//! may be repeated to the same effect, and is done when it is answered.

use serde::{Deserialize, Serialize};

use crate::db::{Db, Store, StoreError};
use crate::relay::{ClienteId, ProdutoId};
use crate::stores::{catalogo, enderecos, inventario};

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// `enderecos` notes that a client is gone, and its addresses go.
    ForgetEnderecos {
        /// Whose.
        cliente: u64,
    },
    /// `inventario` notes that a client is gone, and whether its purchases stay.
    ForgetCompras {
        /// Whose.
        cliente: u64,
        /// They stay.
        kept: bool,
    },
    /// Some of the purchases of a client who is gone go: a thousand at most.
    DeleteCompras {
        /// Whose.
        cliente: u64,
    },
    /// A product goes from `catalogo`.
    DeleteProduto {
        /// Which.
        produto: u64,
    },
}

/// What is left to do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// Nothing.
    Nothing,
    /// The same again.
    More,
}

impl Step {
    /// The client whom it is about, who is gone.
    #[must_use]
    pub const fn cliente(self) -> Option<ClienteId> {
        match self {
            Self::ForgetEnderecos { cliente }
            | Self::ForgetCompras { cliente, .. }
            | Self::DeleteCompras { cliente } => Some(ClienteId(cliente)),
            Self::DeleteProduto { .. } => None,
        }
    }

    /// The store that does it.
    #[must_use]
    pub const fn store(self) -> Store {
        match self {
            Self::ForgetEnderecos { .. } => Store::Enderecos,
            Self::ForgetCompras { .. } | Self::DeleteCompras { .. } => Store::Inventario,
            Self::DeleteProduto { .. } => Store::Catalogo,
        }
    }
}

/// Does a step in its own store, `db`.
///
/// # Errors
/// The store's.
pub async fn take(db: &Db, step: Step) -> Result<Left, StoreError> {
    match step {
        Step::ForgetEnderecos { cliente } => enderecos::forget_cliente(db, ClienteId(cliente)).await?,
        Step::ForgetCompras { cliente, kept } => {
            inventario::forget_cliente(db, ClienteId(cliente), kept).await?;
        }
        Step::DeleteCompras { cliente } => {
            let deleted = inventario::delete_some_of(db, ClienteId(cliente)).await?;
            if deleted == inventario::DELETED_AT_ONCE {
                return Ok(Left::More);
            }
        }
        Step::DeleteProduto { produto } => catalogo::delete(db, ProdutoId(produto)).await?,
    }
    Ok(Left::Nothing)
}
