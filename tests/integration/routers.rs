//! Real routers before the five subgraphs, beside the merged graph over the same rows: what is asked
//! of one is asked of all, and must come to the same. What does not stands in [`DIFFERENCES`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use quarteto::config::Subgraph;
use quarteto::db::{PerStore, Store};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::docs::{examples, read};
use crate::support::app::{PASSWORD, patience, send};
use crate::support::routers::{Composed, Kind, Router, command, laid_out, succeed};
use crate::support::{Shape, TestApp, Value, demo, json, shop};
use crate::telemetry::{rig, traceparent};

use Kind::{Grafbase, Hive, HiveRust};
use What::{Codes, Data, Times};

/// Where a router's answer is another, and why.
struct Difference {
    routers: &'static [Kind],
    /// What of it differs.
    what: &'static [What],
    /// What is asked.
    asked: &'static [&'static str],
    reason: &'static str,
}

/// What of an answer differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// What it says.
    Data,
    /// In which order it says it.
    Order,
    /// The codes of its errors.
    Codes,
    /// How often it says a code.
    Times,
}

const ALL: &[Kind] = &[Hive, HiveRust, Grafbase];

const DIFFERENCES: &[Difference] = &[
    Difference {
        routers: ALL,
        what: &[Data],
        asked: &[
            "a missing node by its key alone",
            "nodes of which some are missing, by keys alone",
            "a missing node by a nullable field of its store",
            "a missing node by a field of another store",
            "example 1",
        ],
        reason: "`nos` has no store, so it gives a stub of whatever an id names; only a field that must not be null \
                 shows that there is nothing.",
    },
    Difference {
        routers: &[HiveRust],
        what: &[Data],
        asked: &[
            "a missing node by a field of its store",
            "nodes of which some are missing",
            "what is left of its purchases",
            "nodes and all, without the store clientes",
            "nodes and all, without the store catalogo",
            "nodes and all, without the store inventario",
            "nodes and all, without the subgraph catalogo",
        ],
        reason: "What is asked of an interface it leaves out where it is null and must not be.",
    },
    Difference {
        routers: ALL,
        what: &[Data],
        asked: &["a product removed"],
        reason: "Fields of `catalogo` are asked of `catalogo`, in which the product is gone; `idRemovido` says which.",
    },
    Difference {
        routers: ALL,
        what: &[Data],
        asked: &["a scalar that does not fit"],
        reason: "No router knows what a Decimal may be: the field fails whose subgraph says so, and not all.",
    },
    Difference {
        routers: &[Hive, Grafbase],
        what: &[Data],
        asked: &["a CPF that is none"],
        reason: "Likewise: `data` is there, and the field in it is null.",
    },
    Difference {
        routers: &[HiveRust],
        what: &[Times],
        asked: &[
            "by nobody",
            "clients and all, without the subgraph catalogo",
            "purchases and all, without the subgraph catalogo",
        ],
        reason: "One error for each request to a subgraph, not for each place or each answer.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Codes],
        asked: &[
            "a CPF that is none",
            "a scalar that does not fit",
            "by nobody",
            "by somebody else",
            "a write by nobody",
            "a question with a key",
            "a key that is none",
            "a client and all, without the subgraph catalogo",
            "clients and all, without the subgraph catalogo",
            "purchases and all, without the subgraph catalogo",
            "nodes and all, without the subgraph catalogo",
            "a write and all, without the subgraph catalogo",
        ],
        reason: "It does not read what comes with a status of 4xx, and says SUBGRAPH_REQUEST_ERROR.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Codes],
        asked: &[
            "a field that is none",
            "what is no document",
            "a page by what does not fit",
            "a page by another order",
            "a variable that is missing",
            "a client without an input",
            "ids that are numbers",
        ],
        reason: "It refuses by codes of its own, which no setting changes.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Data],
        asked: &["ids that are numbers"],
        reason: "It takes no number for an ID in a document.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Data],
        asked: &["a question with a key"],
        reason: "The question is sent, and refused by its subgraph: `data` is there, and the field in it is null.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Data, Codes],
        asked: &["two writes with a key"],
        reason: "Each of the two subgraphs sees one mutation with the key, and does it.",
    },
    Difference {
        routers: &[Grafbase],
        what: &[Data],
        asked: &["what was bought"],
        reason: "The two writes before it were done.",
    },
];

/// What a router is not asked, and why.
const NOT_ASKED: &[(Kind, &str, &str)] = &[(
    Grafbase,
    "fragments on the interface",
    "It plans for ever where an object is looked at as its interface, on a whole core.",
)];

/// JSON in the order in which it came.
#[derive(Clone, Debug, PartialEq)]
enum Ordered {
    One(Value),
    Many(Vec<Ordered>),
    Named(Vec<(String, Ordered)>),
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Ordered;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
                Ok(Ordered::One(json!(value)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
                Ok(Ordered::One(json!(value)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Ordered, E> {
                Ok(Ordered::One(json!(value)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Ordered, E> {
                Ok(Ordered::One(json!(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
                Ok(Ordered::One(json!(value)))
            }

            fn visit_unit<E>(self) -> Result<Ordered, E> {
                Ok(Ordered::One(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ordered, A::Error> {
                let mut many = Vec::new();
                while let Some(item) = list.next_element()? {
                    many.push(item);
                }
                Ok(Ordered::Many(many))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut named = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    named.push(pair);
                }
                Ok(Ordered::Named(named))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Ordered {
    /// Without the order of its names.
    fn sorted(&self) -> Self {
        match self {
            Self::One(value) => Self::One(value.clone()),
            Self::Many(many) => Self::Many(many.iter().map(Self::sorted).collect()),
            Self::Named(named) => {
                let mut named: Vec<_> =
                    named.iter().map(|(name, value)| (name.clone(), value.sorted())).collect();
                named.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Named(named)
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Self> {
        let Self::Named(named) = self else { return None };
        named.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of asking.
struct Outcome {
    /// No data and null are one: the draft of GraphQL over HTTP tells them apart by the status.
    data: Ordered,
    codes: Vec<String>,
    text: String,
}

impl Outcome {
    fn differences(&self, other: &Self) -> Vec<What> {
        let mut found = Vec::new();
        if self.data != other.data {
            found.push(if self.data.sorted() == other.data.sorted() { What::Order } else { What::Data });
        }
        let distinct = |outcome: &Self| outcome.codes.iter().cloned().collect::<BTreeSet<_>>();
        if distinct(self) != distinct(other) {
            found.push(What::Codes);
        } else if self.codes != other.codes {
            found.push(What::Times);
        }
        found
    }
}

/// A request.
#[derive(Clone)]
struct Asked {
    name: String,
    query: String,
    variables: Value,
    /// Nobody when empty.
    user: &'static str,
    headers: Vec<(&'static str, &'static str)>,
}

fn asked(name: &str, query: &str) -> Asked {
    let user = if query.trim_start().starts_with("mutation") { "editor" } else { "leitor" };
    Asked { name: name.into(), query: query.into(), variables: json!({}), user, headers: Vec::new() }
}

impl Asked {
    fn with(mut self, variables: Value) -> Self {
        self.variables = variables;
        self
    }

    fn by(mut self, user: &'static str) -> Self {
        self.user = user;
        self
    }

    fn key(mut self, key: &'static str) -> Self {
        self.headers.push(("Idempotency-Key", key));
        self
    }

    async fn of(&self, base: &str) -> Outcome {
        let mut request = reqwest::Client::new().post(format!("{base}/graphql"));
        if !self.user.is_empty() {
            request = request.basic_auth(self.user, Some(PASSWORD));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let request =
            request.timeout(PATIENCE).json(&json!({ "query": self.query, "variables": self.variables }));
        let answer = match request.send().await {
            Ok(response) => response.text().await,
            Err(error) => Err(error),
        };
        // No answer is an outcome, too.
        let text =
            answer.unwrap_or_else(|_| r#"{ "errors": [{ "extensions": { "code": "NO_ANSWER" } }] }"#.into());
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let whole: Ordered =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.name));
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let code = |error: Value| error["extensions"]["code"].as_str().unwrap_or("none").to_owned();
        let mut codes: Vec<String> = errors.into_iter().map(code).collect();
        codes.sort();
        let data = whole.get("data").cloned().unwrap_or(Ordered::One(Value::Null));
        Outcome { data, codes, text }
    }
}

/// The merged graph, and a router each before subgraphs, all over rows of their own that are the same.
struct Lockstep {
    merged: TestApp,
    routed: Vec<(TestApp, Composed, Router)>,
    found: BTreeSet<(String, Kind, What)>,
    shown: String,
    names: BTreeSet<String>,
}

/// Routers are large programs, and this machine may be small.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Lockstep {
    /// Over shops of their own.
    async fn over(open: impl AsyncFn() -> PerStore<String>) -> Self {
        let merged = TestApp::over_proxies(&open().await, patience()).await.once();
        let mut routed = Vec::new();
        for kind in Kind::here() {
            let app = TestApp::to_be_routed(&open().await).await;
            let composed = Composed::of(&app).await;
            let router = composed.route(kind).await;
            routed.push((app, composed, router));
        }
        let (found, shown, names) = Default::default();
        Self { merged, routed, found, shown, names }
    }

    /// Asks all of them.
    async fn ask(&mut self, asked: &Asked) {
        assert!(self.names.insert(asked.name.clone()), "twice: {}", asked.name);
        let merged = asked.of(self.merged.base()).await;
        for (_, _, router) in &self.routed {
            if NOT_ASKED.iter().any(|(kind, name, _)| (*kind, *name) == (router.kind, &*asked.name)) {
                continue;
            }
            let routed = asked.of(router.base()).await;
            for what in merged.differences(&routed) {
                self.found.insert((asked.name.clone(), router.kind, what));
                let (kind, name, query) = (router.kind, &asked.name, &asked.query);
                let _ = writeln!(
                    self.shown,
                    "{kind:?}: {name}: {what:?}\n{query}\nmerged: {:.900}\nrouter: {:.900}\n",
                    merged.text, routed.text
                );
            }
        }
    }

    /// Cuts a store off, everywhere.
    async fn cut(&mut self, store: Store) {
        self.merged.proxy(store).cut().await;
        for (app, _, _) in &mut self.routed {
            app.proxy(store).cut().await;
        }
    }

    async fn restore(&mut self, store: Store) {
        self.merged.proxy(store).restore().await;
        for (app, _, _) in &mut self.routed {
            app.proxy(store).restore().await;
        }
    }

    /// That nothing differed but what is listed, and all of that did.
    fn end(self) {
        let kinds: Vec<Kind> = self.routed.iter().map(|(_, _, router)| router.kind).collect();
        let mut listed = BTreeSet::new();
        for difference in DIFFERENCES {
            assert!(!difference.reason.is_empty());
            for asked in difference.asked.iter().filter(|asked| self.names.contains(**asked)) {
                for kind in difference.routers.iter().filter(|kind| kinds.contains(kind)) {
                    let of = |what: &What| ((*asked).to_owned(), *kind, *what);
                    listed.extend(difference.what.iter().map(of));
                }
            }
        }
        let new: Vec<_> = self.found.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&self.found).collect();
        assert!(new.is_empty() && gone.is_empty(), "{}\nnew: {new:#?}\ngone: {gone:#?}", self.shown);
    }
}

/// Nested, paged, filtered, and in every way of writing.
const READS: &[(&str, &str)] = &[
    (
        "four levels across all stores",
        "{ cliente(id: \"cliente_1\") { nome enderecos { cidade cliente { email } } compras(first: 3) { total nodes { id total produto { nome preco compras(first: 2) { nodes { cliente { nome enderecos { cep } } } } } } } resumoCompras { compras total } } }",
    ),
    (
        "from a product",
        "{ produto(id: \"produto_6\") { nome resumoVendas { unidades total } compras(first: 5) { nodes { quantidade cliente { nome resumoCompras { total } enderecos { uf } } } pageInfo { hasNextPage endCursor } } } }",
    ),
    (
        "from an address",
        "{ enderecos(first: 4, filtro: { uf: SP }) { total nodes { cep cliente { nome compras(first: 1) { nodes { produto { nome descricao } } } } } } }",
    ),
    (
        "from a purchase",
        "{ compras(first: 3) { nodes { adquiridoEm cliente { nome cpf } produto { nome preco disponivel } } } }",
    ),
    (
        "purchases of a product in a time",
        "{ compras(first: 5, filtro: { produto: \"produto_6\", de: \"2020-01-01T00:00:00-03:00\" }) { total nodes { id cliente { id } produto { id } } } }",
    ),
    (
        "the last page",
        "{ clientes(last: 3, ordem: NOME_DESC) { nodes { nome enderecos { numero } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor } } }",
    ),
    (
        "clients by name",
        "{ clientes(first: 5, filtro: { nomeContem: \"silva\", nascidoDe: \"1960-01-01\" }, ordem: NOME_ASC) { total edges { cursor node { nome dataNascimento idade produtos(first: 2) { total edges { quantidade total primeiraCompraEm node { nome preco } } nodes { id } } } } } }",
    ),
    (
        "products by words and price",
        "{ produtos(first: 4, filtro: { busca: \"mesa\", precoMin: 10, precoMax: \"1500.00\", disponivel: true }, ordem: PRECO_DESC) { nodes { nome preco descricao resumoVendas { compras } } } }",
    ),
    (
        "aliases and fragments",
        "query Tela { a: cliente(id: \"cliente_1\") { ...C } b: cliente(id: \"cliente_3\") { ...C apelido: nome } p: produto(id: \"produto_2\") { ...P } } fragment C on Cliente { nome casas: enderecos { cidade } compras(first: 1) { nodes { produto { ...P } } } } fragment P on Produto { nome valor: preco }",
    ),
    (
        "one field in many words",
        "{ x: produtos(first: 2) { nodes { id } } y: produtos(last: 2) { nodes { id nome } } clientes(first: 2) { nodes { id } edges { node { nome } } } }",
    ),
    (
        "fragments on the interface",
        "{ clientes(first: 2) { nodes { ... on Node { id } ... on Cliente { nome } __typename } } }",
    ),
    (
        "nodes over four types",
        "{ nodes(ids: [\"cliente_1\", \"produto_6\", \"compra_9\", \"endereco_2\", \"cliente_1\", \"cliente_2\"]) { __typename id ... on Cliente { nome compras(first: 1) { nodes { id } } } ... on Produto { preco resumoVendas { total } } ... on Compra { total cliente { nome } } ... on Endereco { cidade cliente { nome } } } }",
    ),
    (
        "nodes of which some are missing",
        "{ nodes(ids: [\"cliente_999999\", \"produto_1\", \"produto_999999\"]) { id ... on Cliente { nome } ... on Produto { nome } } }",
    ),
    (
        "nodes of which some are missing, by keys alone",
        "{ nodes(ids: [\"cliente_999999\", \"produto_1\"]) { __typename id } }",
    ),
    ("a missing node by its key alone", "{ node(id: \"cliente_999999\") { __typename id } }"),
    (
        "a missing node by a field of its store",
        "{ node(id: \"cliente_999999\") { id ... on Cliente { nome } } }",
    ),
    (
        "a missing node by a nullable field of its store",
        "{ node(id: \"cliente_999999\") { id ... on Cliente { telefone } } }",
    ),
    (
        "a missing node by a field of another store",
        "{ node(id: \"cliente_999999\") { id ... on Cliente { enderecos { id } compras(first: 1) { total } } } }",
    ),
    (
        "what is missing",
        "{ cliente(id: \"cliente_999999\") { nome enderecos { id } } produto(id: \"produto_999999\") { nome } compra(id: \"compra_999999\") { total } endereco(id: \"endereco_999999\") { cep } }",
    ),
    ("ids that are numbers", "{ cliente(id: 1) { nome } produto(id: \"6\") { nome } }"),
    ("who asks", "{ eu { nome papel } cliente(id: \"cliente_1\") { nome } }"),
    ("only who asks", "{ eu { nome papel } }"),
    (
        "all of a client",
        "{ cliente(id: \"cliente_2\") { id nome email cpf telefone dataNascimento idade } clientePorCpf(cpf: \"529.982.247-25\") { id } clientePorEmail(email: \"nobody@example.com\") { id } }",
    ),
    (
        "the kind of an answer",
        "{ __typename clientes(first: 1) { __typename nodes { __typename } pageInfo { __typename } } }",
    ),
    ("an id that is none", "{ cliente(id: \"cliente_x\") { nome } }"),
    ("an id of another type", "{ produto(id: \"cliente_1\") { nome } eu { nome } }"),
    ("a node that is none", "{ node(id: \"nada\") { id } }"),
    (
        "a node among others that is none",
        "{ nodes(ids: [\"cliente_1\", \"nada\", \"produto_1\"]) { id ... on Produto { nome } } }",
    ),
    (
        "pages below clients that are too large",
        "{ clientes(first: 2) { nodes { nome compras(first: 101) { total } } } }",
    ),
    ("a page that is too large", "{ clientes(first: 101) { nodes { id } } }"),
    ("both ends of a page", "{ clientes(first: 1, last: 1) { nodes { id } } eu { nome } }"),
    ("a cursor that is none", "{ clientes(first: 1, after: \"x\") { nodes { id } } }"),
    ("a CPF that is none", "{ clientePorCpf(cpf: \"123\") { id } }"),
    ("a field that is none", "{ cliente(id: \"cliente_1\") { nome apelido } }"),
    ("what is no document", "{ cliente(id: \"cliente_1\") { nome }"),
    (
        "directives",
        "query($sim: Boolean = true, $nao: Boolean = false) { cliente(id: \"cliente_1\") { id @include(if: $nao) nome @skip(if: $nao) enderecos @skip(if: $sim) { id } ... @include(if: $sim) { compras(first: 1) { total } } } }",
    ),
];

/// With variables.
fn reads_with_variables() -> Vec<Asked> {
    let page = "query($n: Int, $depois: String, $antes: String, $ultimas: Int, $filtro: ClienteFiltro, $ordem: ClienteOrdem) {
        clientes(first: $n, after: $depois, last: $ultimas, before: $antes, filtro: $filtro, ordem: $ordem) {
            nodes { id nome compras(first: $n) { nodes { produto { nome } } } } pageInfo { hasNextPage hasPreviousPage } } }";
    let scalars = "query($cep: CEP, $cpf: CPF!, $min: Decimal, $de: DateTime, $uf: UF, $ids: [ID!]!) {
        enderecos(filtro: { cep: $cep, uf: $uf }, first: 2) { nodes { cep uf } } clientePorCpf(cpf: $cpf) { nome }
        produtos(filtro: { precoMin: $min }, first: 2, ordem: PRECO_ASC) { nodes { preco } }
        compras(filtro: { de: $de }, first: 2) { nodes { adquiridoEm } } nodes(ids: $ids) { id ... on Produto { nome } } }";
    let ids = json!(["produto_1", "produto_2"]);
    vec![
        asked("a page by variables", page).with(json!({ "n": 2, "ordem": "NOME_ASC", "filtro": { "nomeContem": "silva" } })),
        asked("a page by nothing", page).with(json!({})),
        asked("a page by nulls", page).with(json!({ "n": null, "filtro": null, "ordem": null, "depois": null })),
        asked("a page by what does not fit", page).with(json!({ "n": "2" })),
        asked("a page by another order", page).with(json!({ "n": 2, "ordem": "NADA" })),
        asked("scalars", scalars).with(json!({ "cep": "01310-100", "cpf": "529.982.247-25", "min": "99.9", "de": "2026-01-01T00:00:00.5-03:00", "uf": "SP", "ids": ids })),
        asked("scalars as numbers", scalars).with(json!({ "cpf": "52998224725", "min": 99.9, "ids": ids })),
        asked("a scalar that does not fit", scalars).with(json!({ "cpf": "52998224725", "min": "muito", "ids": ids })),
        asked("a variable that is missing", scalars).with(json!({ "cpf": "52998224725" })),
    ]
}

/// A page after the other, each router by its own cursors.
async fn pages(base: &str, forward: bool) -> Vec<Value> {
    let query = match forward {
        true => {
            "query($c: String) { p: clientes(first: 7, after: $c, ordem: NOME_ASC) { nodes { id enderecos { id } } pageInfo { more: hasNextPage next: endCursor } } }"
        }
        false => {
            "query($c: String) { p: clientes(last: 7, before: $c, ordem: NOME_ASC) { nodes { id enderecos { id } } pageInfo { more: hasPreviousPage next: startCursor } } }"
        }
    };
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let outcome = asked("", query).with(json!({ "c": cursor })).of(base).await;
        let page: Value = serde_json::from_str(&outcome.text).expect("JSON");
        seen.push(page["data"]["p"]["nodes"].clone());
        if page["data"]["p"]["pageInfo"]["more"] != true {
            return seen;
        }
        cursor = page["data"]["p"]["pageInfo"]["next"].clone();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_is_answered_as_by_the_merged_graph() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut all = Lockstep::over(async || demo::shared().await.clone()).await;
    for (name, query) in READS {
        all.ask(&asked(name, query)).await;
    }
    for asked in reads_with_variables() {
        all.ask(&asked).await;
    }
    all.ask(&asked("by nobody", "{ eu { nome } cliente(id: \"cliente_1\") { nome } }").by("")).await;
    all.ask(&asked("by somebody else", "{ eu { nome } }").by("ninguem")).await;
    for forward in [true, false] {
        let merged = pages(all.merged.base(), forward).await;
        assert_eq!(merged.len(), 29);
        for (_, _, router) in &all.routed {
            assert!(pages(router.base(), forward).await == merged, "{:?}", router.kind);
        }
    }
    // What a browser sends to other sites without asking them is not taken.
    for (_, _, router) in all.routed.iter().filter(|(_, _, router)| router.kind != Grafbase) {
        let form = reqwest::Client::new().post(format!("{}/graphql", router.base())).body("query={eu{nome}}");
        let form = form.header("Content-Type", "application/x-www-form-urlencoded");
        let plain = reqwest::Client::new().post(format!("{}/graphql", router.base()));
        for request in [form, plain.body(r#"{"query":"{eu{nome}}"}"#)] {
            let answer = send(request.basic_auth("leitor", Some(PASSWORD))).await;
            assert_eq!(answer.status, 415, "{:?}: {}", router.kind, answer.text);
        }
    }
    // Two who ask the same at the same moment are two.
    let (reader, editor) = (asked("", "{ eu { nome } }"), asked("", "{ eu { nome } }").by("editor"));
    for (_, _, router) in &all.routed {
        for _ in 0..20 {
            let (one, other) = tokio::join!(reader.of(router.base()), editor.of(router.base()));
            assert!(
                one.text.contains("leitor") && other.text.contains("editor"),
                "{one:?} {other:?}",
                one = one.text,
                other = other.text
            );
        }
    }
    all.end();
}

const COMPRAR: &str = "mutation($input: RegistrarCompraInput!) { registrarCompra(input: $input) { compra { id quantidade total cliente { nome resumoCompras { compras } enderecos { cidade } } produto { nome resumoVendas { unidades } } } erros { codigo mensagem campo } } }";

fn writes() -> Vec<Asked> {
    let criar_cliente = "mutation($input: CriarClienteInput!) { criarCliente(input: $input) { cliente { id nome cpf telefone enderecos { id } compras(first: 1) { total } produtos(first: 1) { total } resumoCompras { total } } erros { codigo mensagem campo } } }";
    let atualizar_cliente = "mutation($input: AtualizarClienteInput!) { atualizarCliente(input: $input) { cliente { id nome telefone enderecos { cidade } compras(first: 2) { nodes { produto { nome } } } } erros { codigo campo } } }";
    let adicionar = "mutation($input: AdicionarEnderecoInput!) { adicionarEndereco(input: $input) { endereco { id cep complemento pais cliente { nome enderecos { id cidade } compras(first: 1) { nodes { produto { nome } } } } } erros { codigo campo } } }";
    let atualizar_endereco = "mutation($input: AtualizarEnderecoInput!) { atualizarEndereco(input: $input) { endereco { cidade cliente { nome } } erros { codigo campo } } }";
    let criar_produto = "mutation($input: CriarProdutoInput!) { criarProduto(input: $input) { produto { id nome preco descricao disponivel resumoVendas { unidades } compras(first: 1) { total } } erros { codigo campo } } }";
    let atualizar_produto = "mutation($input: AtualizarProdutoInput!) { atualizarProduto(input: $input) { produto { nome preco resumoVendas { unidades } compras(first: 1) { nodes { cliente { nome } } } } erros { codigo campo } } }";
    let corrigir = "mutation($input: CorrigirCompraInput!) { corrigirCompra(input: $input) { compra { quantidade total produto { nome } cliente { nome } } erros { codigo campo } } }";
    let ana = json!({ "nome": "Ana Çelik 🎉", "email": "ana.celik@example.com", "cpf": "529.982.247-25", "telefone": "(11) 91234-5678", "dataNascimento": "1990-02-28" });
    let compra = |quantidade: u32| json!({ "input": { "cliente": "cliente_2", "produto": "produto_6", "quantidade": quantidade } });
    let com_chave = json!({ "input": { "cliente": "cliente_2", "produto": "produto_6", "quantidade": 2, "chaveIdempotencia": "pedido-7" } });
    let casa = json!({ "cliente": "cliente_5", "logradouro": "Rua A", "numero": "7", "cidade": "Olinda", "uf": "PE", "cep": "53020-140" });
    let input = |value: &Value| json!({ "input": value });
    vec![
        asked("a client", criar_cliente).with(input(&ana)),
        asked("the same client", criar_cliente).with(input(&ana)),
        asked("a client with everything wrong", criar_cliente).with(json!({ "input": { "nome": " ", "email": "a@", "cpf": "529.982.247-24", "telefone": "12", "dataNascimento": "2999-01-01" } })),
        asked("a client without an input", "mutation { criarCliente { erros { codigo } } }"),
        asked("a client changed", atualizar_cliente).with(json!({ "input": { "id": "cliente_3", "nome": "Outra", "telefone": null } })),
        asked("a client changed that is missing", atualizar_cliente).with(json!({ "input": { "id": "cliente_999999", "nome": "Outra" } })),
        asked("a client changed since", atualizar_cliente).with(json!({ "input": { "id": "cliente_3", "nome": "X", "atualizadoEm": "2020-01-01T00:00:00Z" } })),
        asked("an address", adicionar).with(input(&casa)),
        asked("an address of nobody", adicionar).with(json!({ "input": { "cliente": "cliente_999999", "logradouro": "Rua A", "numero": "7", "cidade": "Olinda", "uf": "PE", "cep": "53020140" } })),
        asked("an address changed", atualizar_endereco).with(json!({ "input": { "id": "endereco_1", "cidade": "Recife" } })),
        asked("an address removed", "mutation { removerEndereco(input: { id: \"endereco_2\" }) { endereco { cidade cliente { nome } } idRemovido erros { codigo } } }"),
        asked("an address removed again", "mutation { removerEndereco(input: { id: \"endereco_2\" }) { endereco { cidade cliente { nome } } idRemovido erros { codigo } } }"),
        asked("a product", criar_produto).with(json!({ "input": { "nome": "Banco", "preco": "99.9", "descricao": "De madeira\nmaciça" } })),
        asked("a product changed", atualizar_produto).with(json!({ "input": { "id": "produto_6", "preco": 18, "descricao": null } })),
        asked("a purchase", COMPRAR).with(compra(1)),
        asked("a purchase by literals", "mutation { registrarCompra(input: { cliente: \"cliente_2\", produto: \"produto_6\", quantidade: 3, chaveIdempotencia: \"pedido-8\" }) { compra { id total cliente { nome } produto { nome } } erros { codigo } } }"),
        asked("a purchase with everything wrong", COMPRAR).with(json!({ "input": { "cliente": "cliente_999999", "produto": "produto_999999", "quantidade": 1 } })),
        asked("a purchase with a key", COMPRAR).with(com_chave.clone()),
        asked("the same purchase with the same key", COMPRAR).with(com_chave.clone()),
        asked("another purchase with that key", COMPRAR).with(json!({ "input": { "cliente": "cliente_2", "produto": "produto_6", "quantidade": 9, "chaveIdempotencia": "pedido-7" } })),
        asked("a purchase corrected", corrigir).with(json!({ "input": { "id": "compra_1", "quantidade": 3 } })),
        asked("a purchase corrected that is missing", corrigir).with(json!({ "input": { "id": "compra_999999", "quantidade": 3 } })),
        asked("a purchase cancelled", "mutation { cancelarCompra(input: { id: \"compra_4\" }) { compra { quantidade cliente { nome } produto { nome } } idRemovido erros { codigo } } }"),
        asked("a purchase cancelled, by its key alone", "mutation { cancelarCompra(input: { id: \"compra_5\" }) { compra { id } idRemovido erros { codigo } } }"),
        asked("a product removed, by its key alone", "mutation { criarProduto(input: { nome: \"Y\", preco: 1 }) { erros { codigo } } removerProduto(input: { id: \"produto_62\" }) { produto { id } idRemovido erros { codigo } } }"),
        asked("a product removed", "mutation { removerProduto(input: { id: \"produto_61\" }) { produto { id nome } idRemovido erros { codigo } } }"),
        asked("a product removed that was bought", "mutation { removerProduto(input: { id: \"produto_6\" }) { produto { nome } idRemovido erros { codigo } } }"),
        asked("a client removed", "mutation { removerCliente(input: { id: \"cliente_2\" }) { cliente { nome enderecos { id } } idRemovido enderecos compras erros { codigo } } }"),
        asked("what is left of its purchases", "{ compras(first: 3, filtro: { produto: \"produto_6\" }) { nodes { id cliente { nome } produto { nome } } } node(id: \"compra_4\") { ... on Compra { total } } }"),
        asked("a client removed with its purchases", "mutation { removerCliente(input: { id: \"cliente_7\", compras: REMOVER }) { cliente { nome compras(first: 1) { total } resumoCompras { compras } } idRemovido enderecos compras erros { codigo } } }"),
        asked("two writes of one store", "mutation { a: atualizarCliente(input: { id: \"cliente_8\", nome: \"A\" }) { cliente { nome } } b: atualizarCliente(input: { id: \"cliente_8\", nome: \"B\" }) { cliente { nome compras(first: 1) { total } } } }"),
        asked("writes of three stores", "mutation { a: criarProduto(input: { nome: \"Z\", preco: 1 }) { produto { id } } b: atualizarCliente(input: { id: \"cliente_8\", nome: \"C\" }) { cliente { nome enderecos { id } } } c: criarProduto(input: { nome: \"\", preco: 1 }) { erros { codigo } } d: corrigirCompra(input: { id: \"compra_9\", quantidade: 1 }) { compra { produto { nome } } } }"),
        asked("a write by a reader", COMPRAR).with(compra(1)).by("leitor"),
        asked("a write by nobody", COMPRAR).with(compra(1)).by(""),
        asked("what is left", "{ compras(first: 5) { total nodes { cliente { nome } produto { nome } quantidade } } clientes(first: 1) { total } produtos(last: 3) { total nodes { nome } } enderecos(last: 2) { total nodes { cidade } } }"),
    ]
}

/// With the header.
fn writes_with_a_key() -> Vec<Asked> {
    let compra = |quantidade: u32| json!({ "input": { "cliente": "cliente_9", "produto": "produto_9", "quantidade": quantidade } });
    vec![
        asked("a purchase with a key by header", COMPRAR).with(compra(1)).key("chave-1"),
        asked("the same with the same key by header", COMPRAR).with(compra(1)).key("chave-1"),
        asked("another with that key by header", COMPRAR).with(compra(2)).key("chave-1"),
        asked("two writes with a key", "mutation { a: atualizarCliente(input: { id: \"cliente_8\", nome: \"D\" }) { cliente { nome } } b: criarProduto(input: { nome: \"W\", preco: 1 }) { produto { id } } }").key("chave-2"),
        asked("a question with a key", "{ clientes(first: 1) { total } }").key("chave-3"),
        asked("a key that is none", COMPRAR).with(compra(1)).key("com espaço"),
        asked("what was bought", "{ compras(filtro: { cliente: \"cliente_9\" }, first: 3) { total nodes { quantidade produto { nome } } } cliente(id: \"cliente_8\") { nome } }"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_written_is_written_as_by_the_merged_graph() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut all = Lockstep::over(demo::open).await;
    for asked in writes().iter().chain(&writes_with_a_key()) {
        all.ask(asked).await;
    }
    all.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_give_the_answers_that_stand_beside_them() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut all = Lockstep::over(demo::open).await;
    let frontends = read("docs/frontends.md");
    let (whole, rest) = frontends.split_once("## When a store is down").expect("the heading");
    let (down, after) = rest.split_once("\n## ").expect("one more heading");
    let texts = [whole, &read("README.md"), &read("docs/queries.md"), after, down];
    let mut number = 0;
    for text in texts {
        if text == down {
            all.cut(Store::Catalogo).await;
        }
        for (query, _) in examples(text) {
            number += 1;
            let name = format!("example {number}");
            all.ask(&asked(&name, &query)).await;
        }
    }
    assert!(number >= 14);
    all.end();
}

/// Asked while something is down.
const PARTS: &[(&str, &str)] = &[
    (
        "a client and all",
        "{ cliente(id: \"cliente_1\") { nome enderecos { cidade } compras(first: 1) { nodes { total produto { nome } } } } }",
    ),
    (
        "clients and all",
        "{ clientes(first: 3) { nodes { nome enderecos { cidade } resumoCompras { total } compras(first: 2) { total nodes { produto { nome } } } } } eu { nome } }",
    ),
    ("purchases and all", "{ compras(first: 2) { nodes { total cliente { nome } produto { nome } } } }"),
    (
        "addresses and all",
        "{ enderecos(first: 2) { nodes { cidade cliente { nome resumoCompras { total } } } } }",
    ),
    (
        "nodes and all",
        "{ nodes(ids: [\"cliente_1\", \"produto_1\", \"compra_1\"]) { id ... on Cliente { nome } ... on Produto { nome } ... on Compra { total } } }",
    ),
    (
        "a write and all",
        "mutation { corrigirCompra(input: { id: \"compra_1\", quantidade: 2 }) { compra { quantidade cliente { nome } produto { nome } } erros { codigo } } }",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_store_or_a_subgraph_that_is_down_leaves() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut all = Lockstep::over(demo::open).await;
    for store in Store::ALL {
        all.cut(store).await;
        for (name, query) in PARTS {
            all.ask(&asked(&format!("{name}, without the store {store}"), query)).await;
        }
        all.restore(store).await;
        let whole = PARTS[1].1;
        for base in all.routed.iter().map(|(_, _, router)| router.base()).chain([all.merged.base()]) {
            while !asked("", whole).of(base).await.codes.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }
    // A subgraph that is gone is, to a client, a store that is.
    all.cut(Store::Catalogo).await;
    for (app, _, router) in &all.routed {
        app.split.as_ref().expect("split").stop(Subgraph::Catalogo);
        let begun = Instant::now();
        while reqwest::get(app.split.as_ref().expect("split").base(Subgraph::Catalogo)).await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", router.kind);
            tokio::task::yield_now().await;
        }
    }
    for (name, query) in PARTS {
        all.ask(&asked(&format!("{name}, without the subgraph catalogo"), query)).await;
    }
    all.end();
}

/// It takes what is sent and says nothing: after its time it is down, and the others answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subgraph_that_hangs_is_down_after_its_time() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let app = TestApp::to_be_routed(shop::shared().await).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut composed = Composed::of(&app).await;
    let elsewhere = format!("http://{}", silent.local_addr().expect("bound"));
    composed.moved(app.split.as_ref().expect("split").base(Subgraph::Catalogo), &elsewhere);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = silent.accept().await {
            held.push(connection);
        }
    });
    for kind in [Hive, HiveRust] {
        let router = composed.route(kind).await;
        for (query, data, code) in [
            (
                "{ produto(id: \"produto_2\") { nome } cliente(id: \"cliente_1\") { id } }",
                json!({ "produto": null, "cliente": { "id": "cliente_1" } }),
                "STORE_UNAVAILABLE",
            ),
            (
                "mutation { atualizarProduto(input: { id: \"produto_2\", preco: \"9.99\" }) { erros { codigo } } }",
                json!(null),
                "OUTCOME_UNKNOWN",
            ),
        ] {
            let answer = send(
                reqwest::Client::new()
                    .post(format!("{}/graphql", router.base()))
                    .basic_auth("editor", Some(PASSWORD))
                    .json(&json!({ "query": query })),
            )
            .await;
            let expected = json!([{ "code": code, "store": "catalogo" }]);
            let errors = answer.json["errors"].as_array().cloned().unwrap_or_default();
            let told: Vec<Value> = errors.into_iter().map(|error| error["extensions"].clone()).collect();
            assert_eq!((&answer.json["data"], json!(told)), (&data, expected), "{kind:?}: {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn composed_it_is_the_merged_graph() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let app = TestApp::to_be_routed(shop::shared().await).await;
    let composed = Composed::of(&app).await;
    let execution = std::fs::read(composed.for_cosmo().await).expect("written");
    let execution: Value = serde_json::from_slice(&execution).expect("JSON");
    assert_eq!(execution["engineConfig"]["datasourceConfigurations"].as_array().map(Vec::len), Some(5));
    for router in composed.route_all().await {
        let mut same = command("node");
        same.arg(laid_out().join("same-schema.mjs"));
        same.args([app.base(), router.base()].map(|base| format!("{base}/graphql")));
        same.env("QUARTETO_LOGIN", format!("leitor:{PASSWORD}"));
        let said = succeed(same).await;
        let mut left: BTreeSet<&str> = said.lines().collect();
        // What an operation costs stands in the schemas that are composed, and is no router's affair.
        for directive in ["only there: directive @cost", "only there: directive @listSize"] {
            assert!(left.remove(directive), "{:?}: {said}", router.kind);
        }
        if router.kind == Grafbase {
            // It forgets some descriptions.
            left.retain(|line| !line.starts_with("described otherwise: "));
        }
        assert!(left.is_empty(), "{:?}: {said}", router.kind);
    }
}

/// What the merged graph answers at its limits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_merged_graph_answers_at_its_limits_routers_do_too() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let databases = shop::open().await;
    // Seven purchases a client become 112.
    for _ in 0..4 {
        shop::sql(&databases, Store::Inventario, MORE).await;
    }
    let app = TestApp::to_be_routed(&databases).await;
    let composed = Composed::of(&app).await;
    let routers = composed.route_all().await;
    for query in AT_THE_LIMITS {
        let with = |n: u32| asked(query, &query.replace("$n", &n.to_string()));
        // The most that the merged graph answers.
        let (mut fits, mut too_much) = (1, 101);
        while too_much - fits > 1 {
            let n = u32::midpoint(fits, too_much);
            match &*with(n).of(app.base()).await.codes {
                [] => fits = n,
                [code] if code == "LIMITE_CUSTO" => too_much = n,
                other => panic!("{query}: {n}: {other:?}"),
            }
        }
        let merged = with(fits).of(app.base()).await;
        for router in &routers {
            let routed = with(fits).of(router.base()).await;
            let differences = merged.differences(&routed);
            assert!(
                differences.is_empty(),
                "{:?}: {query}: {fits}: {differences:?} {:.600}",
                router.kind,
                routed.text
            );
        }
    }
}

/// With as much as fits instead of `$n`.
const AT_THE_LIMITS: &[&str] = &[
    "{ clientes(first: 100) { nodes { nome compras(first: $n) { nodes { quantidade produto { nome preco } } } } } }",
    "{ clientes(first: $n) { nodes { nome enderecos { cidade cep cliente { email } } } } }",
    "{ produtos(first: 40) { nodes { nome compras(first: $n) { nodes { total cliente { nome } } } } } }",
    "{ produtos(first: 40) { nodes { nome compras(first: $n) { nodes { total cliente { nome resumoCompras { total } } } } } } }",
    "{ compras(first: $n) { nodes { cliente { nome compras(first: $n) { nodes { produto { nome } } } } } } }",
    "{ clientes(first: 100) { nodes { compras(first: $n) { nodes { produto { nome compras(first: 5) { nodes { cliente { nome } } } } } } } } }",
];

/// As many purchases again.
const MORE: &str = "INSERT INTO inventario (id_cliente, id_produto, quantidade, preco_unitario, adquirido_em)
    SELECT id_cliente, id_produto, quantidade, preco_unitario, adquirido_em FROM inventario";

/// A caller's trace goes through the router into every store.
#[tokio::test]
async fn one_trace_spans_the_router_and_the_stores() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let rig = rig(100, 600_000).await;
    let app = TestApp::shaped(shop::shared().await, Shape::Split).await;
    let composed = Composed::of(&app).await;
    for (number, kind) in (1..).zip(Kind::here()) {
        let router = composed.route(kind).await;
        let query = "{ eu { nome } cliente(id: \"cliente_2\") { nome enderecos { cidade } compras(first: 1) { nodes { produto { nome } } } } }";
        let request = reqwest::Client::new().post(format!("{}/graphql", router.base()));
        let request =
            request.basic_auth("leitor", Some(PASSWORD)).header("traceparent", traceparent(number, "01"));
        let answer = send(request.header("X-Request-Id", "pedido-1").json(&json!({ "query": query }))).await;
        assert_eq!(answer.json.get("errors"), None, "{kind:?}: {}", answer.text);
        // A statement of each store, and a request to each subgraph.
        let begun = Instant::now();
        loop {
            let seen = rig.trace(number).await;
            let names: BTreeSet<&str> = seen.iter().map(|span| span.name.as_str()).collect();
            let requests = seen.iter().filter_map(|span| span.attributes.get("request.id"));
            let requests: Vec<&Value> = requests.collect();
            assert!(requests.iter().all(|id| **id == "pedido-1"), "{kind:?}: {requests:?}");
            if STATEMENTS.iter().all(|name| names.contains(name)) && requests.len() >= 5 {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{kind:?}: {names:?} {requests:?}");
        }
    }
}

const STATEMENTS: [&str; 4] =
    ["clientes.por_id", "enderecos.do_cliente", "inventario.compras_do_cliente", "catalogo.por_id"];
