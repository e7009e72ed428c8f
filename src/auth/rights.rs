//! What a login may be used for.

use std::fmt;
use std::str::FromStr;

use crate::kernel::Papel;

/// What a login may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// It asks the graph, with this papel.
    Asks(Papel),
    /// It watches: sees `/metrics` and nothing else.
    Watches,
    /// It is another subgraph of the same graph, or a router that composes it: asks for entities
    /// and for the SDL of a subgraph, and has steps of removals done.
    Serves,
}

impl Rights {
    const WATCHES: &'static str = "MONITOR";
    const SERVES: &'static str = "SERVICO";

    /// The word in the users file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asks(papel) => papel.name(),
            Self::Watches => Self::WATCHES,
            Self::Serves => Self::SERVES,
        }
    }
}

impl From<Papel> for Rights {
    fn from(papel: Papel) -> Self {
        Self::Asks(papel)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = Papel::ALL.map(Self::Asks).into_iter().chain([Self::Watches, Self::Serves]);
        let mut named = all.filter(|rights| rights.name().eq_ignore_ascii_case(text));
        named.next().ok_or_else(|| {
            let known = "LEITOR, EDITOR, ADMIN, MONITOR, SERVICO";
            format!("`{text}` is not a papel; the papeis are {known}")
        })
    }
}
