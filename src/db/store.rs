//! The names of the four stores.

use std::fmt;

/// One of the four independent stores. Everything that is kept per store is
/// keyed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// Who: the register of clients.
    Clientes,
    /// Where: their addresses.
    Enderecos,
    /// What is sold: the product catalogue.
    Catalogo,
    /// Which client bought which product.
    Inventario,
}

impl Store {
    /// All four, in the order in which they are migrated and listed.
    pub const ALL: [Self; 4] = [Self::Clientes, Self::Enderecos, Self::Catalogo, Self::Inventario];

    /// The word used everywhere: config section, span, error, `--store`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clientes => "clientes",
            Self::Enderecos => "enderecos",
            Self::Catalogo => "catalogo",
            Self::Inventario => "inventario",
        }
    }

    /// The store's database on a server that holds all four (the names of the
    /// original system).
    #[must_use]
    pub const fn database(self) -> &'static str {
        match self {
            Self::Clientes => "clientes",
            Self::Enderecos => "enderecos",
            Self::Catalogo => "catalogo_produtos",
            Self::Inventario => "inventario_produtos",
        }
    }

    /// Its table (the names of the original system).
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Clientes => "cadastro",
            Self::Enderecos => "endereco",
            Self::Catalogo => "catalogo",
            Self::Inventario => "inventario",
        }
    }

    /// The environment variable that holds this store's URL.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        match self {
            Self::Clientes => "QUARTETO_CLIENTES_URL",
            Self::Enderecos => "QUARTETO_ENDERECOS_URL",
            Self::Catalogo => "QUARTETO_CATALOGO_URL",
            Self::Inventario => "QUARTETO_INVENTARIO_URL",
        }
    }

    /// The environment variable that holds the URLs of its replicas.
    #[must_use]
    pub const fn replica_url_variable(self) -> &'static str {
        match self {
            Self::Clientes => "QUARTETO_CLIENTES_REPLICA_URL",
            Self::Enderecos => "QUARTETO_ENDERECOS_REPLICA_URL",
            Self::Catalogo => "QUARTETO_CATALOGO_REPLICA_URL",
            Self::Inventario => "QUARTETO_INVENTARIO_REPLICA_URL",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// Any store that a connection leads to: one of the four, or the one in which the program
/// notes who asked what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnyStore {
    /// One of the four.
    One(Store),
    /// Accesses: no entity of the graph lives there, and nothing fails for want of it.
    Acessos,
}

impl AnyStore {
    /// All five, in the order in which they are migrated.
    pub const ALL: [Self; 5] = [
        Self::One(Store::Clientes),
        Self::One(Store::Enderecos),
        Self::One(Store::Catalogo),
        Self::One(Store::Inventario),
        Self::Acessos,
    ];

    /// The word used everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One(store) => store.name(),
            Self::Acessos => "acessos",
        }
    }

    /// Its database on a server that holds all of them.
    #[must_use]
    pub const fn database(self) -> &'static str {
        match self {
            Self::One(store) => store.database(),
            Self::Acessos => "acessos",
        }
    }

    /// The table that its rows stand in; none where there is not a single one.
    #[must_use]
    pub const fn table(self) -> Option<&'static str> {
        match self {
            Self::One(store) => Some(store.table()),
            Self::Acessos => None,
        }
    }

    /// The environment variable that holds its URL.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        match self {
            Self::One(store) => store.url_variable(),
            Self::Acessos => "QUARTETO_ACESSOS_URL",
        }
    }
}

impl std::str::FromStr for AnyStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|store| store.name() == text).ok_or_else(|| {
            format!(
                "`{text}` is not a store; the stores are clientes, enderecos, catalogo, inventario, acessos"
            )
        })
    }
}

impl From<Store> for AnyStore {
    fn from(store: Store) -> Self {
        Self::One(store)
    }
}

impl PartialEq<Store> for AnyStore {
    fn eq(&self, store: &Store) -> bool {
        *self == Self::One(*store)
    }
}

impl fmt::Display for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Store {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|store| store.name() == text).ok_or_else(|| {
            format!("`{text}` is not a store; the stores are clientes, enderecos, catalogo, inventario")
        })
    }
}

/// One value for each store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerStore<T>([T; 4]);

impl<T> PerStore<T> {
    /// Builds the four values by asking `make` for each.
    pub fn from_fn(mut make: impl FnMut(Store) -> T) -> Self {
        Self(Store::ALL.map(&mut make))
    }

    /// As [`from_fn`](Self::from_fn), stopping at the first failure.
    ///
    /// # Errors
    /// That failure.
    pub fn try_from_fn<E>(mut make: impl FnMut(Store) -> Result<T, E>) -> Result<Self, E> {
        let [a, b, c, d] = Store::ALL;
        Ok(Self([make(a)?, make(b)?, make(c)?, make(d)?]))
    }

    /// The four, with their names, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Store, &mut T)> {
        Store::ALL.into_iter().zip(&mut self.0)
    }

    /// The four, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Store, &T)> {
        Store::ALL.into_iter().zip(&self.0)
    }
}

impl<T> std::ops::Index<Store> for PerStore<T> {
    type Output = T;

    fn index(&self, store: Store) -> &T {
        &self.0[store.index()]
    }
}

impl<T> std::ops::IndexMut<Store> for PerStore<T> {
    fn index_mut(&mut self, store: Store) -> &mut T {
        &mut self.0[store.index()]
    }
}

/// The databases that this program has: all four, that of the one store that it serves, or none.
#[derive(Clone, Debug, Default)]
pub struct Present(PerStore<Option<super::Db>>);

impl Present {
    /// Of one store alone.
    #[must_use]
    pub fn only(store: Store, db: super::Db) -> Self {
        let mut this = Self::default();
        this.0[store] = Some(db);
        this
    }

    /// That of a store, where it is here.
    #[must_use]
    pub fn get(&self, store: Store) -> Option<&super::Db> {
        self.0[store].as_ref()
    }

    /// Those that are here, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Store, &super::Db)> {
        self.0.iter().filter_map(|(store, db)| Some((store, db.as_ref()?)))
    }

    /// All four, where they are.
    #[must_use]
    pub fn all(&self) -> Option<PerStore<super::Db>> {
        PerStore::try_from_fn(|store| self.get(store).cloned().ok_or(())).ok()
    }
}

impl From<PerStore<super::Db>> for Present {
    fn from(all: PerStore<super::Db>) -> Self {
        Self(PerStore(all.0.map(Some)))
    }
}
