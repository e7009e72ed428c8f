//! What an operation may be and what an answer may hold: a table of documents with
//! the most objects, bytes and memory that each takes, beside operations that are
//! within everything; and the property that holds for all that a generator makes.

use std::num::NonZeroU32;
use std::time::Duration;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::ExtendedType;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use quarteto::config::Rate;
use quarteto::db::DbLimits;
use quarteto::http::HttpLimits;
use quarteto::kernel::AnswerLimits;
use quarteto::operation::DocumentLimits;
use reqwest::Method;

use crate::support::app::send;
use crate::support::{TestApp, Value, json};

/// Objects in an answer, each root and entry of a list among them.
fn objects(value: &Value) -> u64 {
    match value {
        Value::Object(members) => 1 + members.values().map(objects).sum::<u64>(),
        Value::Array(items) => items.iter().map(objects).sum(),
        _ => 0,
    }
}

async fn ask(app: &TestApp, query: &str) -> crate::support::app::Answer {
    let request = app.request(Method::POST, "/graphql").header("Accept", "application/graphql-response+json");
    send(request.json(&json!({ "query": query }))).await
}

/// Rounds from a client to its addresses and back.
fn rounds(rounds: usize) -> String {
    let (open, close) = ("enderecos { cliente { ".repeat(rounds), "} }".repeat(rounds));
    format!("{{ cliente(id: 2) {{ {open} id {close} }} }}")
}

#[tokio::test]
async fn what_would_grow_without_end_is_refused_before_a_store_is_asked() {
    let app = TestApp::counted(HttpLimits::default(), DbLimits::default()).await;
    let circle = |times: usize| {
        format!(
            "{{ __schema {{ types {{ {} name {} }} }} }}",
            "possibleTypes { interfaces { ".repeat(times),
            "} }".repeat(times)
        )
    };
    let aliased = |field: &str| (0..199).map(|number| format!("a{number}: {field} ")).collect::<String>();
    for (query, code) in [
        (rounds(3), "LIMITE_CUSTO"),
        (rounds(4), "LIMITE_CUSTO"),
        (rounds(11), "LIMITE_CUSTO"),
        (format!("{{ nodes(ids: [{}]) {{ ... on Cliente {{ enderecos {{ cliente {{ enderecos {{ id }} }} }} }} }} }}", "\"cliente_1\" ".repeat(100)), "LIMITE_CUSTO"),
        (circle(2), "LIMITE_PROFUNDIDADE"),
        (circle(8), "LIMITE_PROFUNDIDADE"),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".into(), "LIMITE_PROFUNDIDADE"),
        ("{ __type(name: \"Query\") { inputFields { type { fields { type { interfaces { name } } } } } } }".into(), "LIMITE_PROFUNDIDADE"),
        (format!("{{ produtos(first: 100) {{ nodes {{ {} }} }} }}", aliased("descricao")), "LIMITE_CUSTO"),
        (format!("{{ clientes(first: 100) {{ nodes {{ compras(first: 1) {{ {} }} }} }} }}", aliased("total")), "LIMITE_CUSTO"),
    ] {
        let answer = ask(&app, &query).await;
        assert_eq!((answer.status, answer.codes()), (400, vec![code.to_owned()]), "{query}");
        assert_eq!((answer.json.get("data"), app.executed()), (None, 0), "{query}");
    }
}

#[tokio::test]
async fn an_answer_that_holds_too_much_ends_with_one_error() {
    let (objects, fields, bytes) = (20, 60, 900);
    let answer = AnswerLimits { objects, fields, bytes };
    let app = TestApp::with(HttpLimits { answer, ..HttpLimits::default() }).await;
    let error = |what: &str| {
        json!([{
            "message": format!("The answer would hold more than {what}; ask for smaller pages, or fewer fields."),
            "extensions": { "code": "LIMITE_CUSTO" },
        }])
    };
    for (query, what) in [
        // Walked: a page, a level below it, and what a store gives later.
        ("{ clientes(first: 30) { nodes { id } } }", "20 objects"),
        ("{ clientes(first: 10) { nodes { compras(first: 3) { nodes { id } } } } }", "20 objects"),
        ("{ clientes(first: 15) { nodes { resumoCompras { compras } } } }", "20 objects"),
        (
            "{ produtos(first: 15) { nodes { a: disponivel b: disponivel c: disponivel d: disponivel e: disponivel } } }",
            "60 fields",
        ),
        ("{ clientes(first: 15) { nodes { nome email cpf telefone } } }", "900 bytes"),
        // Executed: fragments on an interface, a key twice, introspection.
        (
            "{ nodes(ids: [\"cliente_1\", \"cliente_2\", \"cliente_3\", \"cliente_4\", \"cliente_5\", \"cliente_6\", \"cliente_7\", \"cliente_8\", \"cliente_9\", \"cliente_10\", \"cliente_11\", \"cliente_12\", \"cliente_13\", \"cliente_14\", \"cliente_15\", \"cliente_16\", \"cliente_17\", \"cliente_18\", \"cliente_19\", \"cliente_20\", \"cliente_21\"]) { id } }",
            "20 objects",
        ),
        (
            "{ clientes(first: 11) { nodes { email email cpf telefone a_name_that_is_long: nome } } }",
            "900 bytes",
        ),
        ("{ __schema { types { name } } }", "20 objects"),
        ("{ __type(name: \"Cliente\") { fields { name description } } }", "900 bytes"),
    ] {
        let found = ask(&app, query).await;
        assert_eq!((found.status, &found.json["data"]), (200, &Value::Null), "{query}");
        assert_eq!(json!(found.errors()), error(what), "{query}");
        // Traced, the executor makes all of it, and each field counts as ten.
        let traced = app.request(Method::POST, "/graphql").header("X-Apollo-Tracing", "1");
        let traced = send(traced.json(&json!({ "query": query }))).await;
        assert_eq!(
            (&traced.json["data"], traced.codes()),
            (&Value::Null, vec!["LIMITE_CUSTO".to_owned()]),
            "{query}"
        );
    }
    for query in [
        "{ clientes(first: 8) { nodes { id } } }",
        "{ clientes(first: 3) { nodes { id compras(first: 1) { nodes { id } } } } }",
        "{ clientes(first: 5) { nodes { nome email } pageInfo { hasNextPage } } }",
        "{ eu { nome } __type(name: \"UF\") { name } }",
    ] {
        let found = ask(&app, query).await;
        assert_eq!((found.status, found.json.get("errors")), (200, None), "{query}: {}", found.text);
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_too_much_is_told_to_have_been_executed() {
    let databases = crate::support::server::Server::shared().await.databases().await;
    let answer = AnswerLimits { bytes: 60, ..AnswerLimits::default() };
    let app = TestApp::over_with(&databases, HttpLimits { answer, ..HttpLimits::default() }).await.once();
    let write = "mutation($n: String!) { criarProduto(input: {nome: $n, preco: \"1\"}) { produto { nome } erros { codigo } } }";
    let answer = app.write_with(write, json!({ "n": "x".repeat(100) })).await;
    assert_eq!(
        (answer.status, &answer.json["data"], answer.codes()),
        (200, &Value::Null, vec!["LIMITE_CUSTO".to_owned()])
    );
    assert_eq!(app.data("{ produtos { total } }").await, json!({ "produtos": { "total": 1 } }));
}

#[tokio::test]
async fn a_write_that_was_committed_is_never_answered_as_not_executed() {
    let databases = crate::support::server::Server::shared().await.databases().await;
    let app = TestApp::over(&databases).await.once();
    let novo = |key: &str| {
        format!(
            "criarProduto(input: {{nome: \"x\", preco: \"1\", chaveIdempotencia: \"{key}\"}}) {{ produto {{ id }} erros {{ codigo campo }} }}"
        )
    };
    let both = format!("mutation {{ a: {} b: {} }}", novo("a"), novo("com espaço"));
    let answer = app.write_with(&both, json!({})).await;
    assert_eq!((answer.status, answer.json.get("errors")), (200, None), "{}", answer.text);
    assert_eq!(
        answer.json["data"],
        json!({
            "a": { "produto": { "id": "produto_1" }, "erros": [] },
            "b": { "produto": null, "erros": [{ "codigo": "INVALIDO", "campo": ["chaveIdempotencia"] }] },
        })
    );
    // The key of the first, for something else: an error of the second that nulls all.
    let other = format!("mutation {{ c: {} d: {} }}", novo("c"), novo("a").replace("\"1\"", "\"2\""));
    let answer = app.write_with(&other, json!({})).await;
    assert_eq!((answer.status, &answer.json["data"]), (200, &Value::Null));
    assert_eq!(answer.codes(), ["IDEMPOTENCY_MISMATCH"]);
    assert_eq!(
        app.data("{ produtos { total } }").await,
        json!({ "produtos": { "total": 2 } }),
        "c was committed"
    );
}

/// Documents of the schema, some of them wrong, with what they may cost unknown.
#[derive(Clone, Debug)]
struct Generated {
    query: String,
    variables: Value,
}

fn generated(schema: &Schema, dice: &mut Dice) -> Generated {
    let mut writer = Writer { schema, dice, fragments: Vec::new(), selections: 0 };
    let body = writer.set("Query", 0);
    let mut query = format!("query A($n: Int, $i: ID = \"cliente_1\", $v: Boolean = true) {body}");
    if !body.contains("$n") || !body.contains("$i") || !body.contains("$v") {
        query = format!(
            "{} a_: cliente(id: $i) {{ id @include(if: $v) compras(first: $n) {{ nodes {{ id }} }} }} }}",
            query.trim_end_matches('}')
        );
    }
    for fragment in writer.fragments {
        query.push_str(&fragment);
    }
    let n = [json!(null), json!(1), json!(7), json!(100), json!(101), json!(-1), json!("x")][dice.roll(7)]
        .clone();
    Generated { query, variables: json!({ "n": n, "i": "cliente_2" }) }
}

/// Numbers from a seed.
struct Dice(Vec<u32>, usize);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.1 += 1;
        self.0[self.1 % self.0.len()] as usize % sides
    }
}

struct Writer<'a, 'd> {
    schema: &'a Schema,
    dice: &'d mut Dice,
    fragments: Vec<String>,
    selections: usize,
}

impl Writer<'_, '_> {
    fn set(&mut self, owner: &str, depth: usize) -> String {
        let fields: Vec<_> = match &self.schema.types[owner] {
            ExtendedType::Object(found) => found.fields.values().cloned().collect(),
            ExtendedType::Interface(found) => found.fields.values().cloned().collect(),
            _ => Vec::new(),
        };
        let mut set = String::from("{ __typename ");
        for _ in 0..=self.dice.roll(4) {
            let field = &fields[self.dice.roll(fields.len())];
            let returned = field.ty.inner_named_type();
            let is_object =
                matches!(self.schema.types[returned], ExtendedType::Object(_) | ExtendedType::Interface(_));
            self.selections += 1;
            if self.selections > 60 || (is_object && depth > 8) {
                continue;
            }
            let name = &field.name;
            let arguments: Vec<String> = field
                .arguments
                .iter()
                .filter_map(|argument| self.argument(&argument.name, &argument.ty))
                .collect();
            let arguments =
                if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
            let inner = if is_object { self.set(returned, depth + 1) } else { String::new() };
            let piece = format!("f{}: {name}{arguments} {inner} ", self.selections);
            match self.dice.roll(6) {
                0 => set.push_str(&format!("... on {owner} {{ {piece} }} ")),
                1 => {
                    let number = self.fragments.len();
                    self.fragments.push(format!(" fragment F{number} on {owner} {{ {piece} }}"));
                    set.push_str(&format!("...F{number} "));
                }
                _ => set.push_str(&piece),
            }
        }
        set.push('}');
        set
    }

    fn argument(&mut self, name: &str, ty: &Type) -> Option<String> {
        let value = match (name, self.dice.roll(4)) {
            ("first", 0) => "$n".to_owned(),
            ("first", 1) => ["1", "5", "20", "100", "0"][self.dice.roll(5)].to_owned(),
            ("id", 0) => "$i".to_owned(),
            ("id", _) => format!(
                "\"{}_{}\"",
                ["cliente", "endereco", "produto", "compra"][self.dice.roll(4)],
                1 + self.dice.roll(9)
            ),
            ("ids", _) => "[\"cliente_2\", \"produto_3\", \"compra_1\", $i]".to_owned(),
            ("cpf", _) => "\"000.000.102-35\"".to_owned(),
            ("email", _) => "\"cliente2@example.com\"".to_owned(),
            ("name", _) => "\"Cliente\"".to_owned(),
            _ if ty.is_non_null() => "\"x\"".to_owned(),
            _ => return None,
        };
        Some(format!("{name}: {value}"))
    }
}

/// The property: a document with its variables is refused before a store is asked, or
/// its answer stays within the budget.
#[tokio::test]
async fn whatever_is_asked_is_refused_or_within_the_budget() {
    let schema = Schema::parse_and_validate(quarteto::schema::merged_sdl(), "").expect("valid");
    let answer = AnswerLimits { objects: 300, fields: 1_500, bytes: 20_000 };
    let bounds = HttpLimits { answer, cost: Some(400), ..HttpLimits::default() };
    let app = TestApp::counted(bounds, DbLimits::default()).await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (mut refused, mut cut, mut answered) = (0, 0, 0);
    for _ in 0..400 {
        let rolls = prop::collection::vec(any::<u32>(), 200).new_tree(&mut runner).expect("rolls").current();
        let asked = generated(&schema, &mut Dice(rolls, 0));
        let before = app.executed();
        let request =
            app.request(Method::POST, "/graphql").header("Accept", "application/graphql-response+json");
        let found = send(request.json(&json!({ "query": asked.query, "variables": asked.variables }))).await;
        match found.json.get("data") {
            None => {
                refused += 1;
                assert_eq!((found.status, app.executed()), (400, before), "{asked:?}");
            }
            Some(Value::Null) => {
                cut += 1;
                assert!(found.codes().iter().all(|code| code == "LIMITE_CUSTO"), "{asked:?} {}", found.text);
            }
            Some(data) => {
                answered += 1;
                assert!(objects(data) <= 301 && found.text.len() < 20_000 + 1_001 * 400, "{asked:?}");
                assert!(data.to_string().len() <= 20_100, "{asked:?}");
            }
        }
    }
    println!("{refused} refused, {cut} cut, {answered} answered");
    assert!(refused > 20 && answered > 20, "{refused} refused, {cut} cut, {answered} answered");
}

#[tokio::test]
async fn names_of_operations_cannot_fill_the_metrics() {
    let app = TestApp::start().await;
    let long = "A".repeat(200_000);
    for number in 0..20 {
        let bodies = [
            json!({ "query": "{", "operationName": format!("{long}{number}") }),
            json!({ "query": "{ eu { nome } }", "operationName": format!("{long}{number}") }),
            json!({ "query": "{ eu { nome } }", "operationName": "(other)" }),
        ];
        for body in bodies {
            send(app.request(Method::POST, "/graphql").json(&body)).await;
        }
    }
    let long = format!("query {} {{ eu {{ nome }} }}", "B".repeat(5_000));
    send(app.request(Method::POST, "/graphql").json(&json!({ "query": long }))).await;
    let numbers = send(app.request(Method::GET, "/metrics")).await.text;
    assert!(numbers.len() < 100_000, "{}", numbers.len());
    let name = |name: &str, count: u32| {
        format!("quarteto_operations_by_name_total{{operation=\"{name}\"}} {count}\n")
    };
    for line in [name("(unknown)", 60), name("(other)", 0), name(&format!("{}…", "B".repeat(64)), 1)] {
        assert_eq!(numbers.matches(&line).count(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_rate_counts_what_the_types_say() {
    let some = |number| NonZeroU32::new(number).expect("not zero");
    let rate = Some(Rate { per_minute: some(1), burst: some(100) });
    let app = TestApp::with(HttpLimits { rate, ..HttpLimits::default() }).await;
    let answer = ask(&app, "{ cliente(id: 1) { enderecos { cidade } } }").await;
    assert_eq!(answer.header("ratelimit"), Some("\"cost\";r=49;t=3060"));
    let limits = DocumentLimits::default();
    assert_eq!((limits.depth, limits.kept_bytes), (24, 8 << 20));
    let _ = Duration::ZERO;
}
