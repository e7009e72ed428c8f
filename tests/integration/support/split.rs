//! The same graph as five subgraphs, each served by itself over its own store alone.

use std::sync::Arc;
use std::time::Duration;

use quarteto::auth::Logins;
use quarteto::config::{ConnectionLimits, PeerAccess, Subgraph};
use quarteto::db::{BreakerLimits, Db, PerStore, Present, Store};
use quarteto::http::{App, Handle, HttpLimits, router, serve};
use quarteto::peers::{Remote, Steps};
use quarteto::removal::Removals;
use quarteto::schema;
use quarteto::stores::acessos::{Acessos, Settings};
use tokio::net::TcpListener;

use super::app::PASSWORD;

/// All five.
pub const SUBGRAPHS: [Subgraph; 5] =
    [Subgraph::Clientes, Subgraph::Enderecos, Subgraph::Catalogo, Subgraph::Inventario, Subgraph::Nos];

/// Five subgraphs on free ports.
pub struct Split {
    bases: Vec<(Subgraph, String)>,
    handles: Vec<(Subgraph, Handle)>,
    /// How each store's subgraph is reached by others.
    pub siblings: PerStore<Option<Remote>>,
}

impl Split {
    /// Over databases, each of which one of them alone has.
    pub async fn start(
        databases: &PerStore<Db>,
        circuit: BreakerLimits,
        logins: &Arc<Logins>,
        bounds: &HttpLimits,
    ) -> Self {
        let mut listeners = Vec::new();
        for subgraph in SUBGRAPHS {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let base = format!("http://{}", listener.local_addr().expect("bound"));
            listeners.push((subgraph, base, listener));
        }
        let bases: Vec<(Subgraph, String)> =
            listeners.iter().map(|(subgraph, base, _)| (*subgraph, base.clone())).collect();
        let at = |store: Store| {
            let of_store = bases.iter().find(|(subgraph, _)| subgraph.store() == Some(store));
            of_store.map(|(_, base)| base.parse().expect("a URL"))
        };
        let access = PeerAccess {
            bases: PerStore::from_fn(at),
            user: "servico".into(),
            password: PASSWORD.into(),
            ca: None,
            patience: Duration::from_secs(30),
            circuit,
        };
        let siblings = Remote::all(Some(&access)).expect("siblings");
        let mut handles = Vec::new();
        for (subgraph, _, listener) in listeners {
            let here = match subgraph.store() {
                Some(store) => Present::only(store, databases[store].clone()),
                None => Present::default(),
            };
            // Each knows those alone that its settings would name.
            let needed = PerStore::from_fn(|store| {
                siblings[store].clone().filter(|_| subgraph.needs().contains(&store))
            });
            let removals = Removals::across(here.clone(), Steps::new(&here, &needed));
            let acessos = Acessos::new(None, here.clone(), Settings::default());
            let served =
                schema::serve(subgraph, &here, &needed, (&removals, &acessos)).expect("a valid schema");
            let app =
                App::over(served, (here, &needed), (&removals, &acessos), Arc::clone(logins), bounds.clone());
            let handle = Handle::new();
            let stop = handle.clone();
            tokio::spawn(async move {
                serve(listener, router(app), None, ConnectionLimits::default(), stop).await
            });
            handles.push((subgraph, handle));
        }
        Self { bases, handles, siblings }
    }

    /// `http://HOST:PORT` of a subgraph.
    pub fn base(&self, subgraph: Subgraph) -> &str {
        let mut all = self.bases.iter();
        &all.find(|(other, _)| *other == subgraph).expect("all five").1
    }

    /// The subgraph that has a mutation.
    pub fn of_mutation(mutation: &str) -> Subgraph {
        let has = |names: &[&str]| names.iter().any(|name| mutation.contains(&format!("{name}(")));
        match () {
            () if has(&["criarCliente", "atualizarCliente", "removerCliente"]) => Subgraph::Clientes,
            () if has(&["adicionarEndereco", "atualizarEndereco", "removerEndereco"]) => Subgraph::Enderecos,
            () if has(&["criarProduto", "atualizarProduto"]) => Subgraph::Catalogo,
            () => Subgraph::Inventario,
        }
    }

    /// Ends a subgraph.
    pub fn stop(&self, subgraph: Subgraph) {
        for (_, handle) in self.handles.iter().filter(|(other, _)| *other == subgraph) {
            handle.shutdown();
        }
    }
}
