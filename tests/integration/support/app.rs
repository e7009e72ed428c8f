//! The application, served for a test, and what it answers.

use std::sync::Arc;

use quarteto::auth::{Logins, Rights, UsersFile, hash};
use quarteto::config::{Config, ConnectionLimits, Subgraph};
use quarteto::db::{AnyStore, Db, DbLimits, PerStore, Present, ReplicaLimits, Store, options};
use quarteto::http::{AllowedOrigins, App, Handle, HttpLimits, Tls, router, serve};
use quarteto::kernel::Papel;
use quarteto::peers::Steps;
use quarteto::reload::Reloaded as _;
use quarteto::removal::Removals;
use quarteto::stores::acessos::{Acessos, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use super::server::Server;
use super::split::Split;
use super::{Proxy, shop};

pub const PASSWORD: &str = "segredo-dos-testes";

/// The origin whose pages may ask.
pub const ORIGIN: &str = "https://app.example.com";

/// A server on a free port.
pub struct TestApp {
    base: String,
    http: reqwest::Client,
    logins: Arc<Logins>,
    users: UsersFile,
    _folder: TempDir,
    /// One a store, when the application goes through them.
    pub proxies: Option<PerStore<Proxy>>,
    /// Stops the server.
    pub handle: Handle,
    /// Ends when it has stopped.
    pub serving: JoinHandle<std::io::Result<()>>,
    /// Finishes removals; a test says when.
    pub removals: Arc<Removals>,
    /// Counts; a test says when it writes.
    pub acessos: Acessos,
    /// The subgraphs that writes go to, when the graph is split; this application looks at the
    /// same databases.
    pub split: Option<Split>,
    twice: bool,
}

/// In which shape the graph is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// One program.
    #[default]
    Merged,
    /// A program a subgraph, which reach each other over HTTP.
    Split,
}

/// What an application is served with.
#[derive(Default)]
pub struct Served {
    pub bounds: HttpLimits,
    pub connections: ConnectionLimits,
    pub tls: Option<Arc<Tls>>,
    pub stores: DbLimits,
    /// The URL of a store `acessos`; in memory without.
    pub acessos: Option<String>,
    /// From when on an operation is slow; a default when 0.
    pub slow_micros: u64,
    /// In which shape.
    pub shape: Shape,
    /// URLs of replicas, which are watched.
    pub replicas: PerStore<Vec<String>>,
    pub replica_limits: ReplicaLimits,
    /// The bounds of the subgraphs, where they are other than those of the whole.
    pub behind: Option<HttpLimits>,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub text: String,
    /// The body, read.
    pub json: Value,
}

impl TestApp {
    /// Over the shared shop.
    pub async fn start() -> Self {
        Self::over(shop::shared().await).await
    }

    /// Over the shared shop, with other bounds.
    pub async fn with(bounds: HttpLimits) -> Self {
        Self::served(Served { bounds, ..Served::default() }).await
    }

    /// Over the shared shop, served otherwise.
    pub async fn served(served: Served) -> Self {
        let (server, databases) = (Server::shared().await, shop::shared().await);
        let urls = PerStore::from_fn(|store| server.url(&databases[store]));
        Self::serve_with(&urls, None, served).await
    }

    /// Over databases of one's own.
    pub async fn over(databases: &PerStore<String>) -> Self {
        Self::over_with(databases, HttpLimits { origins: listed_origin(), ..HttpLimits::default() }).await
    }

    /// Likewise, with other bounds.
    pub async fn over_with(databases: &PerStore<String>, bounds: HttpLimits) -> Self {
        let server = Server::shared().await;
        let urls = PerStore::from_fn(|store| server.url(&databases[store]));
        Self::serve_with(&urls, None, Served { bounds, ..Served::default() }).await
    }

    /// Over databases of one's own, in a shape.
    pub async fn shaped(databases: &PerStore<String>, shape: Shape) -> Self {
        let server = Server::shared().await;
        let urls = PerStore::from_fn(|store| server.url(&databases[store]));
        let bounds = HttpLimits { origins: listed_origin(), ..HttpLimits::default() };
        Self::serve_with(&urls, None, Served { bounds, shape, ..Served::default() }).await
    }

    /// Over databases of one's own, for more writers than there are connections.
    pub async fn patient(databases: &PerStore<String>, shape: Shape) -> Self {
        let server = Server::shared().await;
        let urls = PerStore::from_fn(|store| server.url(&databases[store]));
        let bounds = HttpLimits { request: std::time::Duration::from_secs(120), ..HttpLimits::default() };
        Self::serve_with(&urls, None, Served { bounds, stores: patience(), shape, ..Served::default() }).await
    }

    /// Over stores at these URLs, which may lead nowhere.
    pub async fn at(urls: &PerStore<String>) -> Self {
        Self::serve_with(urls, None, Served::default()).await
    }

    /// Likewise, served otherwise.
    pub async fn at_with(urls: &PerStore<String>, served: Served) -> Self {
        Self::serve_with(urls, None, served).await
    }

    /// Over databases of one's own, which are replicas of themselves, so that there are numbers
    /// of some.
    pub async fn with_replicas(databases: &PerStore<String>) -> Self {
        let server = Server::shared().await;
        let urls = PerStore::from_fn(|store| server.url(&databases[store]));
        let replicas = PerStore::from_fn(|store| vec![urls[store].clone()]);
        let bounds = HttpLimits { origins: listed_origin(), ..HttpLimits::default() };
        Self::serve_with(&urls, None, Served { bounds, replicas, ..Served::default() }).await
    }

    /// Over the shared shop, through a proxy a store.
    pub async fn behind_proxies(limits: DbLimits) -> Self {
        Self::counted(HttpLimits { origins: listed_origin(), ..HttpLimits::default() }, limits).await
    }

    /// Likewise, with other bounds.
    pub async fn counted(bounds: HttpLimits, stores: DbLimits) -> Self {
        Self::through_proxies(shop::shared().await, bounds, stores).await
    }

    /// As [`over_proxies`](Self::over_proxies), with bounds of one's own.
    pub async fn over_proxies_with(
        databases: &PerStore<String>,
        bounds: HttpLimits,
        stores: DbLimits,
    ) -> Self {
        Self::through_proxies(databases, bounds, stores).await.once()
    }

    /// Over databases of one's own, through a proxy a store.
    pub async fn over_proxies(databases: &PerStore<String>, stores: DbLimits) -> Self {
        Self::through_proxies(databases, HttpLimits::default(), stores).await
    }

    /// Likewise, in a shape.
    pub async fn shaped_over_proxies(databases: &PerStore<String>, stores: DbLimits, shape: Shape) -> Self {
        let (urls, proxies) = Self::proxied(databases).await;
        Self::serve_with(&urls, Some(proxies), Served { stores, shape, ..Served::default() }).await
    }

    /// Over databases of one's own, through a proxy a store: the merged graph with the bounds of
    /// every program, and subgraphs with those of programs that a router asks.
    pub async fn to_be_routed(databases: &PerStore<String>) -> Self {
        let (urls, proxies) = Self::proxied(databases).await;
        let mut config = Config::default();
        config.federation.store = Subgraph::Clientes;
        let behind = Some(HttpLimits::of(&config).expect("bounds"));
        // A statement that another test has made wait is not what is compared.
        let stores = patience();
        let served = Served { stores, behind, shape: Shape::Split, ..Served::default() };
        Self::serve_with(&urls, Some(proxies), served).await.once()
    }

    async fn through_proxies(databases: &PerStore<String>, bounds: HttpLimits, stores: DbLimits) -> Self {
        let (urls, proxies) = Self::proxied(databases).await;
        Self::serve_with(&urls, Some(proxies), Served { bounds, stores, ..Served::default() }).await
    }

    async fn proxied(databases: &PerStore<String>) -> (PerStore<String>, PerStore<Proxy>) {
        let server = Server::shared().await;
        let mut proxies = Vec::new();
        for _ in Store::ALL {
            proxies.push(Proxy::start(server.target()).await);
        }
        let mut proxies = proxies.into_iter();
        let proxies = PerStore::from_fn(|_| proxies.next().expect("four"));
        let urls = PerStore::from_fn(|store| server.url_through(proxies[store].port(), &databases[store]));
        (urls, proxies)
    }

    async fn serve_with(urls: &PerStore<String>, proxies: Option<PerStore<Proxy>>, served: Served) -> Self {
        let Served {
            bounds,
            connections,
            tls,
            stores,
            acessos,
            slow_micros,
            shape,
            replicas,
            replica_limits,
            behind,
        } = served;
        let folder = tempfile::tempdir().expect("a folder");
        let users = UsersFile::at(folder.path().join("users"));
        let hash = shared_hash().await;
        for (nome, papel) in [("leitor", Papel::Leitor), ("editor", Papel::Editor), ("admin", Papel::Admin)] {
            users.add(nome, &hash, papel).expect("added");
        }
        users.add("servico", &hash, Rights::Serves).expect("added");
        let logins = Arc::new(Logins::open(users.clone()).expect("users"));
        let read = |store, url: &String| options(store, url).expect("a URL of ours");
        let databases = PerStore::from_fn(|store| {
            let replicas = replicas[store].iter().map(|url| read(store, url)).collect();
            Db::replicated(store, read(store, &urls[store]), stores, replicas, replica_limits)
        });
        let watched: Vec<Db> = databases.iter().map(|(_, db)| db.clone()).collect();
        // Until the test ends, and its runtime with it.
        tokio::spawn(async move {
            futures_util::future::join_all(watched.iter().map(Db::watch_replicas)).await;
        });
        let split = match shape {
            Shape::Merged => None,
            Shape::Split => {
                let behind = behind.as_ref().unwrap_or(&bounds);
                Some(Split::start(&databases, stores.breaker, &logins, behind).await)
            }
        };
        let removals = match &split {
            None => Removals::new(databases.clone()),
            // What is left to do is done by the siblings, and by nobody else.
            Some(split) => {
                let steps = Steps::new(&Present::default(), &split.siblings);
                Removals::across(databases.clone().into(), steps)
            }
        };
        let acessos = served_acessos(acessos, &databases, stores, slow_micros);
        let app =
            App::new(databases, &removals, &acessos, Arc::clone(&logins), bounds).expect("a valid schema");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let handle = Handle::new();
        let stop = handle.clone();
        let serving =
            tokio::spawn(
                async move { serve(listener, router(app), tls.as_deref(), connections, stop).await },
            );
        let http = reqwest::Client::builder().build().expect("a client");
        Self {
            base,
            http,
            logins,
            users,
            _folder: folder,
            proxies,
            handle,
            serving,
            removals,
            acessos,
            split,
            twice: true,
        }
    }

    /// The users file; changes count after [`reload_users`](Self::reload_users).
    pub fn users(&self) -> &UsersFile {
        &self.users
    }

    /// Reads the users file again: whether it could be used.
    pub fn reload_users(&self) -> bool {
        self.logins.read().map(|take| take()).is_ok()
    }

    /// The proxy before a store.
    pub fn proxy(&mut self, store: Store) -> &mut Proxy {
        &mut self.proxies.as_mut().expect("behind proxies")[store]
    }

    /// Statements that have reached the stores, counted on the wire.
    pub fn executed(&self) -> u64 {
        self.proxies.as_ref().expect("behind proxies").iter().map(|(_, proxy)| proxy.executed()).sum()
    }

    /// `HOST:PORT`
    pub fn address(&self) -> &str {
        self.base.split_once("://").expect("a URL").1
    }

    /// `http://HOST:PORT`
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request as `leitor`, to be changed before it is sent.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).basic_auth("leitor", Some(PASSWORD))
    }

    /// A request without a login.
    pub fn anonymous(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Writes, as `editor`.
    pub async fn write_with(&self, mutation: &str, variables: Value) -> Answer {
        send(self.write_request(mutation, &variables)).await
    }

    /// Likewise, to be changed before it is sent.
    pub fn write_request(&self, mutation: &str, variables: &Value) -> reqwest::RequestBuilder {
        let base = match &self.split {
            None => &*self.base,
            Some(split) => split.base(Split::of_mutation(mutation)),
        };
        let request = self.http.post(format!("{base}/graphql"));
        let request = request.basic_auth("editor", Some(PASSWORD)).header("X-Apollo-Tracing", "1");
        request
            .header("Accept", "application/graphql-response+json")
            .json(&json!({ "query": mutation, "variables": variables }))
    }

    /// What a mutation without errors answers.
    pub async fn write(&self, mutation: &str, input: Value) -> Value {
        let answer = self.write_with(mutation, json!({ "input": input })).await;
        assert_eq!(answer.json.get("errors"), None, "{mutation}: {}", answer.json);
        let data = answer.json["data"].as_object().expect("data");
        data.values().next().expect("a payload").clone()
    }

    /// Asks with everything there is to ask with.
    ///
    /// Without tracing other code makes the answer, so it is asked that way too,
    /// and must be the same. Not behind proxies, where everything that is asked
    /// counts: there see [`ask_plainly`](Self::ask_plainly).
    pub async fn ask_with(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let request = self.request(reqwest::Method::POST, "/graphql");
        let answer = send(request.header("X-Apollo-Tracing", "1").json(&body)).await;
        if self.twice && self.proxies.is_none() {
            self.ask_plainly(query, variables).await.assert_same(&answer);
        }
        answer
    }

    /// Asks without tracing.
    pub async fn ask_plainly(&self, query: &str, variables: Value) -> Answer {
        let request = self.request(reqwest::Method::POST, "/graphql");
        send(request.json(&json!({ "query": query, "variables": variables }))).await
    }

    /// With an [`ask_with`](Self::ask_with) that asks once: other requests are under
    /// way, or every one is counted.
    pub fn once(mut self) -> Self {
        self.twice = false;
        self
    }

    /// Asks, and tells what it cost.
    pub async fn ask(&self, query: &str) -> Answer {
        self.ask_with(query, json!({})).await
    }

    /// The data of an answer without errors.
    pub async fn data(&self, query: &str) -> Value {
        let answer = self.ask(query).await;
        assert_eq!(answer.json.get("errors"), None, "{query}");
        answer.json["data"].clone()
    }

    /// The only error of an answer, without its request id.
    pub async fn error(&self, query: &str) -> Value {
        self.ask(query).await.only_error()
    }
}

fn served_acessos(
    url: Option<String>,
    databases: &PerStore<Db>,
    limits: DbLimits,
    slow_micros: u64,
) -> Acessos {
    let options = url.map(|url| options(AnyStore::Acessos, &url).expect("a URL of ours"));
    let db = options.map(|options| Db::new(AnyStore::Acessos, options, limits));
    let mut settings = Settings::default();
    if slow_micros > 0 {
        settings.slow_micros = slow_micros;
    }
    Acessos::new(db, databases.clone().into(), settings)
}

/// Limits that no slow machine reaches.
pub fn patience() -> DbLimits {
    let long = std::time::Duration::from_secs(60);
    DbLimits { acquire: long, statement: long, ..DbLimits::default() }
}

/// Sends a request and reads the answer, which may be no JSON.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let json = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    Answer { status, headers, text, json }
}

impl Answer {
    /// The errors, without their request ids.
    pub fn errors(&self) -> Vec<Value> {
        let mut errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        for error in &mut errors {
            let extensions = error["extensions"].as_object_mut().expect("extensions");
            let id = extensions.remove("requestId").expect("a request id");
            assert_eq!(Some(id.as_str().expect("text")), self.header("x-request-id"));
        }
        errors
    }

    /// That this answer and `other` differ in nothing but the extensions, and the
    /// order in which stores have failed.
    pub fn assert_same(&self, other: &Self) {
        assert_eq!((self.status, &self.json["data"]), (other.status, &other.json["data"]));
        let errors = |answer: &Self| {
            let mut errors: Vec<_> = answer.errors().iter().map(Value::to_string).collect();
            errors.sort();
            errors
        };
        assert_eq!(errors(self), errors(other));
        // The keys are in the order of the selection, which JSON that was read no
        // longer has.
        let data = |answer: &Self| {
            let (_, data) = answer.text.split_once("\"data\":")?;
            Some(data.split(",\"extensions\":{\"").next()?.trim_end_matches('}').to_owned())
        };
        assert_eq!(data(self), data(other));
    }

    /// The only error, without its request id.
    pub fn only_error(&self) -> Value {
        let mut errors = self.errors();
        assert_eq!(errors.len(), 1, "{}", self.json);
        errors.remove(0)
    }

    /// The codes of the errors.
    pub fn codes(&self) -> Vec<String> {
        let code = |error: Value| error["extensions"]["code"].as_str().expect("a code").to_owned();
        self.errors().into_iter().map(code).collect()
    }

    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Statements per store, in the order of the stores.
    pub fn statements(&self) -> Vec<(String, u64)> {
        let stores = self.json["extensions"]["quarteto"]["stores"].as_array().expect("a report");
        let pair = |store: &Value| {
            (
                store["nome"].as_str().expect("a name").to_owned(),
                store["consultas"].as_u64().expect("a number"),
            )
        };
        stores.iter().map(pair).collect()
    }
}

/// The one origin whose pages may ask.
pub fn listed_origin() -> AllowedOrigins {
    AllowedOrigins::parse(ORIGIN).expect("an origin")
}

/// Hashing takes long on purpose, so it is done once.
async fn shared_hash() -> quarteto::auth::Hash {
    static HASH: OnceCell<quarteto::auth::Hash> = OnceCell::const_new();
    HASH.get_or_init(|| async { hash(PASSWORD).expect("hashed") }).await.clone()
}
