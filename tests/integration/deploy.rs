//! What stands in `deploy/`: that it names nothing that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quarteto::kernel::Papel;
use reqwest::Method;

use crate::program::{Serving, quarteto};
use crate::support::app::{PASSWORD, send};
use crate::support::{TestApp, Value};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every number that docs/metrics.md lists, as it is written in an expression, and its labels.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for row in read("docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[0].trim_end_matches('`');
        let labels: BTreeSet<String> =
            cells[2].split(',').map(|label| label.trim().trim_matches('`').to_owned()).collect();
        match cells[1] {
            "histogram" => {
                for end in ["_bucket", "_sum", "_count"] {
                    let mut labels = labels.clone();
                    labels.insert("le".to_owned());
                    all.insert(format!("{name}{end}"), labels);
                }
            }
            _ => _ = all.insert(name.to_owned(), labels),
        }
    }
    all
}

/// The metrics of an expression, each with the labels that are asked of it.
fn named(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for prefix in ["quarteto_", "process_"] {
        for (place, _) in expression.match_indices(prefix) {
            if expression[..place].ends_with(is_name) {
                continue;
            }
            let rest = &expression[place..];
            let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            let inside = rest[end..].strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or("");
            let labels = inside.split(',').filter_map(|part| part.split(['=', '!']).next());
            let labels = labels.map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
            found.push((rest[..end].to_owned(), labels.collect()));
        }
    }
    found
}

fn exprs(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if ["expr", "query", "definition"].contains(&&**name) => {
                        found.push(text.clone());
                    }
                    other => exprs(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| exprs(item, found)),
        _ => {}
    }
}

#[test]
fn rules_and_dashboard_name_numbers_that_there_are() {
    let listed = listed();
    let rules = read("deploy/prometheus/quarteto.rules.yml");
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/quarteto.json")).expect("JSON");
    let mut expressions = vec![rules];
    exprs(&dashboard, &mut expressions);
    let mut names = BTreeSet::new();
    for (name, labels) in expressions.iter().flat_map(|expression| named(expression)) {
        let known = listed.get(&name).unwrap_or_else(|| panic!("{name} is not in docs/metrics.md"));
        for label in labels {
            let by_prometheus = ["instance", "job"].contains(&&*label);
            assert!(by_prometheus || known.contains(&label), "{name} has no label {label}");
        }
        names.insert(name);
    }
    assert!(names.len() > 20, "{names:?}");
    // Each panel says what it shows.
    for panel in dashboard["panels"].as_array().expect("a list") {
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}", panel["title"]);
    }
}

#[test]
fn every_alert_leads_to_a_heading() {
    let rules = read("deploy/prometheus/quarteto.rules.yml");
    let links: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(links.len(), rules.matches("- alert:").count());
    for link in links {
        let (file, heading) = link.split_once('#').expect("a heading");
        let slug = |line: &str| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            kept.chars()
                .filter_map(|letter| match letter {
                    ' ' => Some('-'),
                    letter if letter.is_alphanumeric() || letter == '-' => Some(letter),
                    _ => None,
                })
                .collect::<String>()
        };
        let text = read(file);
        assert!(text.lines().any(|line| line.starts_with('#') && slug(line) == heading), "{link}");
    }
}

#[tokio::test]
async fn whoever_watches_sees_the_numbers_and_nothing_else() {
    let app = TestApp::start().await;
    let hash = quarteto::auth::hash(PASSWORD).expect("hashed");
    app.users().add("prometheus", &hash, Papel::Monitor).expect("added");
    assert!(app.reload_users());
    let ask = async |method: Method, path: &str| {
        let request = app.anonymous(method, path).basic_auth("prometheus", Some(PASSWORD));
        send(request.json(&serde_json::json!({ "query": "{ eu { nome } }" }))).await
    };
    assert_eq!(ask(Method::GET, "/metrics").await.status, 200);
    for (method, path) in [
        (Method::POST, "/graphql"),
        (Method::GET, "/graphql?query={eu{nome}}"),
        (Method::GET, "/"),
        (Method::GET, "/graphiql"),
        (Method::GET, "/painel"),
        (Method::GET, "/painel/painel.js"),
        (Method::GET, "/schema.graphql"),
        (Method::GET, "/metrics/"),
        (Method::GET, "/nothing"),
    ] {
        let answer = ask(method, path).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN".to_owned()]), "{path}");
    }
}

#[tokio::test]
async fn the_operators_address_has_the_numbers_without_a_login_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = quarteto(folder.path());
    command.env("QUARTETO_METRICS_LISTEN", "0");
    let serving = Serving::started(command, folder.path(), &["--log", "warn"]);
    let url = serving.word_after("Metrics");
    let base = url.strip_suffix("/metrics").expect("a path").to_owned();
    let client = reqwest::Client::new();
    let get = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let (status, numbers) = get("/metrics").await;
    assert!(status == 200 && numbers.contains("quarteto_accesses_lost_total 0"), "{status} {numbers}");
    assert_eq!(get("/healthz").await.0, 200);
    assert_eq!(get("/readyz").await.0, 200);
    for path in ["/", "/graphql", "/painel", "/schema.graphql", "/ide/react.js"] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
    let (_, told) = get("/nothing").await;
    assert!(told.contains("This address has /metrics, /healthz and /readyz, and nothing else."), "{told}");
    serving.stop();
    let log = || std::fs::read_to_string(Serving::log(folder.path())).expect("a log");
    assert!(!log().contains("http.metrics_listen"), "nobody else reaches it: {}", log());
    let mut command = quarteto(folder.path());
    command.env("QUARTETO_METRICS_LISTEN", "0.0.0.0:0");
    Serving::started(command, folder.path(), &["--log", "warn"]).stop();
    assert!(
        log().contains("http.metrics_listen: whoever reaches this address sees the metrics"),
        "{}",
        log()
    );
    // A port that is taken is told before anything is started.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    for (listen, told) in [
        (&*address, "http.metrics_listen: cannot listen"),
        (&*address, "something listens there already; choose another port with http.metrics_listen"),
        ("192.0.2.1:9464", "this machine has no such address; choose another with http.metrics_listen"),
        ("nowhere", "http.metrics_listen: `nowhere`"),
    ] {
        let mut command = quarteto(folder.path());
        let output = crate::program::run(
            command.env("QUARTETO_METRICS_LISTEN", listen).args(["serve", "--listen", "0"]),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
}
