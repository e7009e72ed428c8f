//! What the documents say is what the program does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quarteto::config::{Config, settings};
use quarteto::db::{AnyStore, Db, DbLimits, PerStore, Store};
use quarteto::stores::acessos::{Acessos, Settings};

use crate::support::server::Server;
use crate::support::{TestApp, Value, demo, json};

/// Each in English and in Portuguese.
const READMES: [&str; 2] = ["README.md", "README.pt-BR.md"];
const QUERIES: [&str; 2] = ["docs/queries.md", "docs/pt-BR/consultas.md"];
const CLIENTS: [&str; 2] = ["docs/clients.md", "docs/pt-BR/clientes.md"];
const OPERATIONS: [&str; 2] = ["docs/operations.md", "docs/pt-BR/operacao.md"];
const FRONTENDS: &str = "docs/frontends.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The query of each example, and the answer that the document shows.
pub(crate) fn examples(text: &str) -> Vec<(String, String)> {
    let mut examples = Vec::new();
    for part in text.split("```graphql\n").skip(1) {
        let (query, rest) = part.split_once("```").expect("a closed block");
        let shown = rest.trim_start().strip_prefix("```json\n").expect("its answer follows");
        let (answer, _) = shown.split_once("```").expect("a closed block");
        examples.push((query.to_owned(), answer.to_owned()));
    }
    examples
}

/// Runs each example of a text and compares the answer with what is shown.
async fn check_examples(name: &str, text: &str, app: &TestApp) {
    for (query, shown) in examples(text) {
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        let asked = match query.trim_start().starts_with("mutation") {
            true => app.write_with(&query, json!({})).await,
            false => app.ask(&query).await,
        };
        let mut answer = asked.json;
        answer.as_object_mut().expect("an object").remove("extensions");
        for error in answer.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            error["extensions"]["requestId"] = "…".into();
        }
        assert_eq!(answer, shown, "{name}: {query}\n{answer:#}");
    }
}

#[tokio::test]
async fn the_examples_give_the_answers_that_stand_beside_them() {
    for (readme, queries) in READMES.into_iter().zip(QUERIES) {
        // A shop of its own: the examples change it.
        let app = TestApp::over(&demo::open().await).await;
        for (name, count) in [(readme, 1), (queries, 5)] {
            let text = read(name);
            assert_eq!(examples(&text).len(), count, "{name}");
            check_examples(name, &text, &app).await;
        }
    }
}

#[tokio::test]
async fn the_examples_for_frontends_do_so_too_with_a_store_down_where_they_say_so() {
    let text = read(FRONTENDS);
    let (whole, rest) = text.split_once("## When a store is down").expect("the heading");
    let (down, after) = rest.split_once("\n## ").expect("one more heading");
    check_examples(FRONTENDS, whole, &TestApp::over(demo::shared().await).await).await;
    check_examples(FRONTENDS, down, &TestApp::over(&demo::without(Store::Catalogo).await).await).await;
    check_examples(FRONTENDS, after, &TestApp::over(&demo::open().await).await).await;
    assert_eq!(examples(after).len(), 2);
}

#[test]
fn the_frontends_know_every_code() {
    let text = read(FRONTENDS);
    let source = read("src/kernel/error.rs");
    let codes = source.split("pub const ").skip(1).filter_map(|rest| rest.split_once(':'));
    for (code, _) in codes {
        assert!(text.contains(&format!("`{code}`")), "{FRONTENDS} does not say what {code} means");
    }
}

#[test]
fn the_clients_are_shown_as_the_tests_run_them() {
    let shown = [
        ("js", "apollo/client.mjs"),
        ("js", "urql/client.mjs"),
        ("js", "relay/src/environment.js"),
        ("ts", "codegen/codegen.ts"),
        ("python", "gql/quarteto.py"),
    ];
    for name in CLIENTS {
        let text = read(name);
        for (language, file) in shown {
            let block = format!("```{language}\n{}```\n", read(&format!("tests/clients/{file}")));
            assert!(text.contains(&block), "{name} shows another text than tests/clients/{file}");
        }
    }
}

#[test]
fn the_tables_hold_every_setting() {
    let defaults = Config::load(None, &BTreeMap::new(), std::iter::empty()).expect("defaults");
    for name in OPERATIONS {
        let text = read(name);
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("`QUARTETO_")).collect();
        let table: Vec<&&str> = rows.iter().filter(|row| row.starts_with("| `")).collect();
        assert_eq!(table.len(), settings().count(), "{name}");
        for (row, (setting, default, _)) in table.iter().zip(defaults.describe()) {
            let default = if default.is_empty() { default } else { format!("`{default}`") };
            let (key, variable, meaning) = (setting.key, setting.variable, setting.meaning);
            assert_eq!(**row, format!("| `{key}` | `{variable}` | {default} | {meaning} |"), "{name}");
        }
    }
}

/// A heading, as a link names it.
pub(crate) fn anchor(line: &str) -> String {
    let kept = line.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            letter if letter.is_alphanumeric() || letter == '-' => Some(letter),
            _ => None,
        })
        .collect()
}

#[test]
fn links_to_files_lead_somewhere() {
    let documents = [
        "README.md",
        "README.pt-BR.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "deploy/README.md",
        "deploy/federation/README.md",
        "docs/performance.md",
        "docs/scale.md",
        "docs/acessos.md",
        "docs/pt-BR/acessos.md",
        "docs/adopt.md",
        "docs/import.md",
        "docs/metrics.md",
        "docs/queries.md",
        "docs/clients.md",
        "docs/operations.md",
        "docs/pt-BR/consultas.md",
        "docs/pt-BR/clientes.md",
        "docs/pt-BR/operacao.md",
        FRONTENDS,
        "tests/clients/README.md",
    ];
    for name in documents {
        let text = read(name);
        let folder: PathBuf = root().join(name).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) =
                link.split_once('#').map_or((link, None), |(file, rest)| (file, Some(rest)));
            let file = folder.join(file);
            assert!(file.exists(), "{name}: {link}");
            if let Some(heading) = heading {
                let text = std::fs::read_to_string(file).expect("text");
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|line| anchor(line) == heading), "{name}: {link}");
            }
        }
    }
}

/// The SQL and the shell that operators copy are the same in both languages, and the SQL is
/// that which a server takes.
#[tokio::test]
async fn the_users_of_the_documents_may_migrate_and_serve() {
    let block = |name: &str| {
        let text = read(name);
        let (_, rest) = text.split_once("```sql\n").expect("a block");
        rest.split_once("```").expect("closed").0.to_owned()
    };
    let sql = block(OPERATIONS[0]);
    assert_eq!(sql, block(OPERATIONS[1]));
    let server = Server::shared().await;
    // Under names of our own, on a server that others use, too.
    let mut text = sql.replace("quarteto_", "qt_doc_");
    for store in AnyStore::ALL {
        let name = format!("qt_doc_{store}");
        text = text.replace(&format!("CREATE DATABASE {store};"), &format!("CREATE DATABASE {name};"));
        text = text.replace(&format!("ON {store}.*"), &format!("ON {name}.*"));
        server.script(&format!("DROP DATABASE IF EXISTS {name}")).await;
    }
    server.script("DROP USER IF EXISTS 'qt_doc_migrate'@'%'; DROP USER IF EXISTS 'qt_doc_serve'@'%'").await;
    server.script(&text).await;
    let options = |store: AnyStore, user: &str, password: &str| {
        let mut url = url::Url::parse(&server.url(&format!("qt_doc_{store}"))).expect("a URL");
        url.set_username(user).and_then(|()| url.set_password(Some(password))).expect("set");
        quarteto::db::options(store, url.as_str()).expect("a URL")
    };
    for store in AnyStore::ALL {
        let migrated =
            quarteto::stores::migrate(store, &options(store, "qt_doc_migrate", "choose-one")).await;
        assert!(migrated.expect("migrated") > 0);
        let serving = options(store, "qt_doc_serve", "choose-another");
        let db = Db::new(store, serving.clone(), DbLimits::default());
        let dropped = if let AnyStore::One(_) = store {
            quarteto::writes::record::try_out(&db).await.expect("it may write");
            "DROP TABLE idempotency"
        } else {
            let nowhere = PerStore::from_fn(|_| db.clone());
            let acessos = Acessos::new(Some(db), nowhere.into(), Settings::default());
            acessos.tidy(0).await.expect("it may write");
            "DROP TABLE acesso"
        };
        let mut mysql = quarteto::db::connect(&serving, None).await.expect("a connection");
        let dropped = sqlx::raw_sql(dropped).execute(mysql.mysql()).await;
        assert!(dropped.is_err(), "and may change no table");
        server.script(&format!("DROP DATABASE qt_doc_{store}")).await;
    }
}

/// `attacks::foreign_pages` lies in `tests/integration/attacks.rs`,
/// `auth::throttle::…` in `src/auth/throttle.rs`.
#[test]
fn every_promise_has_its_test() {
    let text = read("SECURITY.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("::"));
    let mut promises = 0;
    for row in rows {
        let named = row.rsplit(" | ").next().expect("a cell").split('`').filter(|part| part.contains("::"));
        for name in named {
            let (file, function) = name.rsplit_once("::").expect("a path");
            let file = file.replace("::", "/");
            let places = [format!("tests/integration/{file}.rs"), format!("src/{file}.rs")];
            let found = places.iter().filter_map(|place| std::fs::read_to_string(root().join(place)).ok());
            let signature = format!("fn {function}(");
            assert!(found.into_iter().any(|code| code.contains(&signature)), "{name}");
        }
        promises += 1;
    }
    assert!(promises > 20, "{promises}");
}
