//! Who asks.

use std::sync::Arc;

use async_graphql::{Enum, Object};

/// What a user may do: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
pub enum Papel {
    /// Reads.
    Leitor,
    /// Also writes.
    Editor,
    /// Also sees accesses and manages.
    Admin,
}

impl Papel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Leitor, Self::Editor, Self::Admin];

    /// As it stands in the users file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leitor => "LEITOR",
            Self::Editor => "EDITOR",
            Self::Admin => "ADMIN",
        }
    }
}

/// The user of a request, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The login name.
    pub nome: Arc<str>,
    /// What they may do.
    pub papel: Papel,
}

/// The user who asks.
#[Object(name = "Usuario", shareable)]
impl Requester {
    /// The login name.
    async fn nome(&self) -> &str {
        &self.nome
    }

    /// What the user may do.
    async fn papel(&self) -> Papel {
        self.papel
    }
}
