//! Who asks.

use std::sync::Arc;

use async_graphql::{Enum, Object};

/// What a user may do: each may do what those before it may. Whoever watches is no reader with
/// less, but the order says so all the same: what asks for a papel asks for at least LEITOR, so
/// that nothing is open to MONITOR by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
pub enum Papel {
    /// Watches: sees `/metrics` and nothing else, so it never asks anything here.
    Monitor,
    /// Reads.
    Leitor,
    /// Also writes.
    Editor,
    /// Also sees accesses and manages.
    Admin,
}

impl Papel {
    /// As it stands in the users file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monitor => "MONITOR",
            Self::Leitor => "LEITOR",
            Self::Editor => "EDITOR",
            Self::Admin => "ADMIN",
        }
    }
}

impl std::str::FromStr for Papel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Monitor, Self::Leitor, Self::Editor, Self::Admin]
            .into_iter()
            .find(|papel| papel.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is not a papel; the papeis are MONITOR, LEITOR, EDITOR, ADMIN"))
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
