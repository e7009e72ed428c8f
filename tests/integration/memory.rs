//! The memory that strangers can make the program take, read from the system while the
//! program itself runs: what one request takes at the most, and what is kept.

use std::path::Path;

use reqwest::Method;

use crate::program::Serving;
use crate::support::{Value, json};

/// The most that one request may take, in bytes. What the limits allow by themselves:
/// 500,000 fields of some 110 bytes, 16 MiB of texts in them, the same as JSON in a
/// buffer that doubles, and the rows that they came from.
const MOST: u64 = 192 << 20;

struct Program {
    serving: Serving,
    base: String,
    password: String,
    http: reqwest::Client,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let serving = Serving::start(folder);
        let base = serving.word_after("Playground");
        let password = serving.first_password();
        Self { serving, base, password, http: reqwest::Client::new() }
    }

    async fn ask(&self, query: &str) -> (usize, Value) {
        let request = self.http.request(Method::POST, format!("{}graphql", self.base));
        let request = request.basic_auth("admin", Some(&self.password)).json(&json!({ "query": query }));
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        (text.len(), serde_json::from_str(&text).expect("JSON"))
    }

    /// Resident bytes now, and at the most since [`forget_peak`](Self::forget_peak).
    fn resident(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.id())).expect("there");
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
            line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") << 10
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.serving.id()), "5").expect("reset");
    }
}

fn aliased(field: &str, times: usize) -> String {
    (0..times).map(|number| format!("a{number}: {field} ")).collect()
}

/// What is over a limit says so; what is within is answered, and both take so much.
#[tokio::test]
async fn one_request_takes_so_much_memory_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path());
    program.ask("{ eu { nome } }").await;
    let compras = |fields: &str| {
        format!(
            "{{ clientes(first: 100) {{ nodes {{ compras(first: 5) {{ nodes {{ produto {{ \
             compras(first: 20) {{ nodes {{ {fields} }} }} }} }} }} }} }} }}"
        )
    };
    let long = |times: usize| {
        (0..times).map(|number| format!("{}{number}: total ", "a".repeat(200))).collect::<String>()
    };
    let rounds = "enderecos { cliente { enderecos { id cliente { nome } } } }";
    for (query, most_bytes, code) in [
        (compras("id quantidade precoUnitario total adquiridoEm"), 4 << 20, None),
        (compras(&aliased("adquiridoEm", 199)), 1 << 10, Some("LIMITE_CUSTO")),
        (compras(&aliased("quantidade", 199)), 1 << 10, Some("LIMITE_CUSTO")),
        (compras(&long(100)), 1 << 10, Some("LIMITE_CUSTO")),
        (compras("cliente { nome email }"), 1 << 10, Some("LIMITE_CUSTO")),
        (format!("{{ produtos(first: 90) {{ nodes {{ {} }} }} }}", aliased("descricao", 20)), 2 << 20, None),
        (format!("{{ produtos(first: 100) {{ nodes {{ {} }} }} }}", aliased("nome", 199)), 3 << 20, None),
        (format!("{{ clientes(first: 3) {{ nodes {{ {rounds} }} }} }}"), 1 << 20, None),
        (format!("{{ clientes(first: 30) {{ nodes {{ {rounds} }} }} }}"), 1 << 10, Some("LIMITE_CUSTO")),
        (format!("{{ __schema {{ types {{ {} }} }} }}", aliased("description", 199)), 4 << 20, None),
        (include_str!("introspection.graphql").to_owned(), 1 << 20, None),
    ] {
        let before = program.resident().0;
        program.forget_peak();
        let (bytes, answer) = program.ask(&query).await;
        let peak = program.resident().1;
        let name: String = query.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(90).collect();
        println!("{:>5} MiB, {bytes:>8} bytes: {name}", peak.saturating_sub(before) >> 20);
        assert_eq!(answer["errors"][0]["extensions"]["code"].as_str(), code, "{name}: {}", answer["errors"]);
        assert!(bytes <= most_bytes, "{name}: {bytes} bytes");
        assert!(peak.saturating_sub(before) <= MOST, "{name}: {} MiB", peak.saturating_sub(before) >> 20);
    }
    program.serving.stop();
}

#[tokio::test]
async fn documents_weigh_what_they_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path());
    // Some 400 KB each as they are kept, 10 KB as they are written.
    let document = |number: usize| format!("query D{number} {{ eu {{ {} }} }}", "nome ".repeat(1_900));
    for number in 0..30 {
        program.ask(&document(number)).await;
    }
    let before = program.resident().0;
    for number in 30..430 {
        let (_, answer) = program.ask(&document(number)).await;
        assert_eq!(answer["data"]["eu"]["nome"], "admin");
    }
    let grown = program.resident().0.saturating_sub(before);
    println!("grown by {} MiB", grown >> 20);
    // Weighed by their text, all of them would be kept: 160 MiB.
    assert!(grown <= 64 << 20, "grown by {} MiB", grown >> 20);
    program.serving.stop();
}
