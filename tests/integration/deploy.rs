//! What stands in `deploy/`: that it names nothing that is not there, and that Prometheus reads
//! what is served.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use quarteto::auth::Rights;
use reqwest::Method;

use crate::docs::anchor;
use crate::program::{Serving, quarteto};
use crate::support::app::{PASSWORD, send};
use crate::support::{TestApp, Value, shop};

const RULES: &str = "deploy/prometheus/quarteto.rules.yml";
const DASHBOARD: &str = "deploy/grafana/quarteto.json";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Labels that Prometheus adds by itself.
const BY_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// A number as docs/metrics.md lists it.
#[derive(Clone)]
struct Listed {
    labels: BTreeSet<String>,
    meaning: String,
}

/// Every number, as it is written in an expression.
fn listed() -> BTreeMap<String, Listed> {
    let mut all = BTreeMap::new();
    for row in read("docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[0].trim_end_matches('`');
        let labels = cells[2].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let mut listed = Listed { labels: labels.collect(), meaning: cells[3].to_owned() };
        match cells[1] {
            "histogram" => {
                for end in ["_sum", "_count"] {
                    all.insert(format!("{name}{end}"), listed.clone());
                }
                listed.labels.insert("le".to_owned());
                all.insert(format!("{name}_bucket"), listed);
            }
            _ => _ = all.insert(name.to_owned(), listed),
        }
    }
    all
}

/// What is asked of Prometheus, and the labels that are shown of the answer.
struct Asked {
    of: String,
    expression: String,
    shown: BTreeSet<String>,
}

impl Asked {
    /// The metrics, each with the labels that are asked of it and their values.
    fn named(&self) -> Vec<(&str, Vec<(&str, &str)>)> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut found = Vec::new();
        for prefix in ["quarteto_", "process_"] {
            for (place, _) in self.expression.match_indices(prefix) {
                if self.expression[..place].ends_with(is_name) {
                    continue;
                }
                let rest = &self.expression[place..];
                let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
                let inside =
                    rest[end..].strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or("");
                let labels = inside.split(',').filter_map(|part| part.split_once('='));
                let label = |text: &'_ str| text.trim().trim_end_matches('!').len();
                let labels = labels.map(|(name, value)| {
                    (&name.trim()[..label(name)], value.trim_start_matches('~').trim_matches('"'))
                });
                found.push((&rest[..end], labels.collect()));
            }
        }
        found
    }

    /// The labels that an aggregation keeps; none when nothing is aggregated.
    fn grouped(&self) -> BTreeSet<&str> {
        let lists = self.expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
        lists.flat_map(|list| list.split(',').map(str::trim)).collect()
    }

    fn is_aggregated(&self) -> bool {
        let words = ["sum", "max", "min", "topk", "histogram_quantile"];
        words.iter().any(|word| self.expression.trim_start().starts_with(word))
    }
}

/// An alert: its name, its expression, and the whole of it.
struct Alert {
    name: String,
    expression: String,
    text: String,
}

impl Alert {
    fn all() -> Vec<Self> {
        let rules = read(RULES);
        let alerts = rules.split("- alert: ").skip(1).map(|text| {
            let (_, rest) = text.split_once("expr:").expect("an expression");
            let (expression, _) = rest.split_once("\n        for:").expect("for how long");
            Self {
                name: text.lines().next().expect("a name").to_owned(),
                expression: expression.trim_start_matches([' ', '|']).to_owned(),
                text: text.to_owned(),
            }
        });
        alerts.collect()
    }

    /// A line of it.
    fn says(&self, key: &str) -> &str {
        let line = self.text.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_else(|| panic!("{} has no {key}", self.name)).trim()
    }
}

/// The words after `sign`, as `{{ $labels.store }}` has after `$labels.`.
fn words_after(text: &str, sign: &str) -> BTreeSet<String> {
    let rests = text.split(sign).skip(1);
    let word =
        |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned);
    rests.filter_map(word).collect()
}

/// Everything that rules and dashboard ask.
fn asked() -> Vec<Asked> {
    let alerts = Alert::all().into_iter().map(|alert| Asked {
        shown: words_after(&alert.text, "$labels."),
        of: alert.name,
        expression: alert.expression,
    });
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list").iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("a list").iter();
        targets.map(|target| Asked {
            of: panel["title"].to_string(),
            expression: target["expr"].as_str().expect("text").to_owned(),
            shown: words_after(target["legendFormat"].as_str().expect("text"), "{{"),
        })
    });
    let variables = dashboard["templating"]["list"].as_array().expect("a list").iter();
    let variables = variables.filter_map(|variable| variable["definition"].as_str()).map(|text| Asked {
        of: "a variable".to_owned(),
        expression: text.to_owned(),
        shown: BTreeSet::new(),
    });
    alerts.chain(panels.collect::<Vec<_>>()).chain(variables).collect()
}

/// Whether a label of a metric may have this value.
fn is_known(metric: &Listed, label: &str, value: &str) -> bool {
    match label {
        "kind" => listed()["quarteto_operations_total"].meaning.contains(&format!("`{value}`")),
        "outcome" | "state" => metric.meaning.contains(&format!("`{value}`")),
        "code" => read("docs/frontends.md").contains(&format!("`{value}`")),
        "status" => value.parse().is_ok_and(|status: u16| (100..600).contains(&status)),
        "job" => ["prometheus.yml", "prometheus-login.yml"]
            .iter()
            .all(|file| read(&format!("deploy/prometheus/{file}")).contains(&format!("job_name: {value}\n"))),
        "instance" => value == "$instance",
        _ => false,
    }
}

#[tokio::test]
async fn rules_and_dashboard_name_numbers_that_there_are() {
    let app = TestApp::with_replicas(&shop::open().await).await.once();
    app.removals.look().await;
    // What is counted for the first time is there from then on.
    app.ask("query Uma { eu { nome } }").await;
    app.ask("{ nada }").await;
    let page = send(app.request(Method::GET, "/metrics")).await.text;
    let served: BTreeSet<&str> = page.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let listed = listed();
    let mut names = BTreeSet::new();
    for asked in asked() {
        let (of, mut labels) = (&asked.of, BTreeSet::from(BY_PROMETHEUS.map(str::to_owned)));
        for (name, pairs) in asked.named() {
            let metric = listed.get(name).unwrap_or_else(|| panic!("{of}: {name} is not in docs/metrics.md"));
            assert!(served.contains(name), "{of}: {name} is not served");
            for (label, value) in pairs {
                let is_there = BY_PROMETHEUS.contains(&label) || metric.labels.contains(label);
                assert!(is_there, "{of}: {name} has no label {label}");
                for value in value.split('|') {
                    assert!(is_known(metric, label, value), "{of}: {name} is never {label}={value:?}");
                }
            }
            labels.extend(metric.labels.iter().cloned());
            names.insert(name.to_owned());
        }
        let grouped = asked.grouped();
        for label in &grouped {
            assert!(labels.contains(*label), "{of}: there is no {label} to group by");
        }
        for label in &asked.shown {
            let is_left =
                if asked.is_aggregated() { grouped.contains(&**label) } else { labels.contains(label) };
            assert!(is_left, "{of}: nothing is left of the label {label}");
        }
    }
    // Whatever is counted can be seen or is told of.
    let apart = ["quarteto_idempotency_records_purged_total", "quarteto_outbox_looked_timestamp_seconds"];
    for name in listed.keys().filter(|name| !name.ends_with("_sum") && !name.ends_with("_count")) {
        assert!(names.contains(name) || apart.contains(&&**name), "nobody looks at {name}");
    }
}

#[test]
fn a_dashboard_says_what_it_shows() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list");
    let mut taken = BTreeSet::new();
    for (number, panel) in panels.iter().enumerate() {
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}", panel["title"]);
        assert_eq!(panel["id"], number + 1);
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} is not alone at {x}, {y}", panel["title"]);
            }
        }
    }
}

/// Whom it wakes, when, and what to do then; and each is tried.
#[test]
fn every_alert_is_whole_and_leads_to_a_heading() {
    let tried = read("deploy/prometheus/quarteto.test.yml");
    let document = read("docs/metrics.md");
    let mut names = BTreeSet::new();
    for alert in Alert::all() {
        let name = &alert.name;
        let severity = alert.says("labels:");
        let severity = severity.trim_start_matches("{ severity: ").trim_end_matches(" }");
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        assert!(alert.says("for:").ends_with('m'), "{name}");
        for key in ["summary:", "description:"] {
            assert!(alert.says(key).ends_with(".\""), "{name}: {key} is no sentence");
        }
        let (file, heading) = alert.says("runbook_url:").split_once('#').expect("a heading");
        assert_eq!((file, heading), ("docs/metrics.md", &*anchor(name)), "{name}");
        let (_, section) = document.split_once(&format!("\n### {name}\n\n")).expect("its heading");
        assert!(section.starts_with(&format!("*{severity}.* ")), "{name} is a {severity}");
        let tries: Vec<&str> =
            tried.split("- alertname: ").filter(|text| text.starts_with(&format!("{name}\n"))).collect();
        let fires = |text: &&&str| !text.contains("exp_alerts: []");
        let (firing, silent) = (tries.iter().filter(fires).count(), tries.len());
        assert!(firing > 0 && silent > firing, "{name} is tried where it fires, and where it does not");
        assert!(names.insert(anchor(name)), "{name} twice");
    }
    let headings = document.lines().filter(|line| line.starts_with("### "));
    assert_eq!(headings.map(anchor).collect::<BTreeSet<_>>(), names, "a heading without its alert");
}

/// What Prometheus' own tool says.
fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("promtool: {error}; `make tools-prometheus` installs it");
    });
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn prometheus_reads_the_page_and_understands_the_dashboard() {
    let app = TestApp::start().await.once();
    app.ask("query Uma { eu { nome } }").await;
    let page = send(app.request(Method::GET, "/metrics")).await.text;
    promtool(&["check", "metrics"], &page);
    // As rules, since there is a check for those.
    let rules = asked().into_iter().filter(|asked| !asked.expression.starts_with("label_values")).enumerate();
    let rules = rules.map(
        |(number, asked)| serde_json::json!({ "record": format!("a:{number}"), "expr": asked.expression }),
    );
    let rules = serde_json::json!({ "groups": [{ "name": "all", "rules": rules.collect::<Vec<_>>() }] });
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), rules.to_string()).expect("written");
    promtool(&["check", "rules", file.path().to_str().expect("plain")], "");
}

#[tokio::test]
async fn whoever_watches_sees_the_numbers_and_nothing_else() {
    let app = TestApp::start().await;
    let hash = quarteto::auth::hash(PASSWORD).expect("hashed");
    app.users().add("prometheus", &hash, Rights::Watches).expect("added");
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
