//! What stands in `deploy/` for containers, Kubernetes and systemd: what no tool that checks their form can know. The
//! objects are those that `scripts/deploy-json` prints; `make tools-deploy` installs what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use quarteto::config::{Config, settings};
use reqwest::Method;

use crate::support::app::send;
use crate::support::{TestApp, Value};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Each subgraph, and the peers that it asks.
const PEERS: [(&str, &[&str]); 5] = [
    ("clientes", &["enderecos", "inventario"]),
    ("enderecos", &["clientes"]),
    ("catalogo", &[]),
    ("inventario", &["clientes", "catalogo"]),
    ("nos", &[]),
];

/// The last accesses and the last traces may take so long after everything else.
const LAST_WORDS_MS: u64 = 3_000 + 2_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every file of text below a folder, but for secrets that somebody has made, and what was installed.
fn files(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().unwrap_or_default();
        if entry.is_dir() && name != "secrets" && name != "node_modules" {
            files(&entry, found);
        } else if entry.is_file()
            && let Ok(text) = std::fs::read_to_string(&entry)
        {
            found.push((entry, text));
        }
    }
}

fn deploy() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root().join("deploy"), &mut found);
    found
}

fn script(name: &str) -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
    let mut command = Command::new(root().join(name));
    command.env("CARGO_TARGET_DIR", target);
    command
}

fn succeed(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

fn all() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| {
        serde_json::from_slice(&succeed(&mut script("scripts/deploy-json"))).expect("what it prints is JSON")
    })
}

/// The objects of a kustomization that are of a kind, by name.
fn objects(of: &str, kind: &str) -> BTreeMap<&'static str, &'static Value> {
    let list = all()[of].as_array().expect("objects").iter().filter(|object| object["kind"] == kind);
    list.map(|object| (text(&object["metadata"]["name"]), object)).collect()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn list(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

fn services() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let services = all()["compose"]["services"].as_object().expect("services");
    services.iter().map(|(name, service)| (&**name, service))
}

/// A place where the program runs: whose it is, and its variables.
struct Place {
    name: String,
    command: &'static str,
    variables: BTreeMap<&'static str, &'static str>,
    container: &'static Value,
    /// How long it may take to end.
    grace_ms: Option<u64>,
}

impl Place {
    fn setting(&self, variable: &str) -> u64 {
        let default = || {
            let config = serde_json::to_value(Config::default()).expect("plain");
            let setting = settings().find(|setting| setting.variable == variable).expect("a setting");
            let (section, name) = setting.key.split_once('.').expect("a key");
            config[section][name].as_u64().expect("a number")
        };
        self.variables.get(variable).map_or_else(default, |value| value.parse().expect("a number"))
    }

    fn port(&self, variable: &str) -> u64 {
        let listen = self.variables[variable];
        listen.strip_prefix("0.0.0.0:").expect("every address").parse().expect("a port")
    }

    fn is_https(&self) -> bool {
        self.variables.contains_key("QUARTETO_TLS_CERT")
    }

    /// Which stores' URLs it is given.
    fn stores(&self) -> BTreeSet<String> {
        let urls = self.variables.keys().filter_map(|name| name.strip_suffix("_URL_FILE"));
        urls.filter_map(|name| name.strip_prefix("QUARTETO_")).map(str::to_lowercase).collect()
    }

    fn peers(&self) -> BTreeSet<String> {
        let peers = self.variables.keys().filter_map(|name| name.strip_suffix("_PEER"));
        peers.filter_map(|name| name.strip_prefix("QUARTETO_")).map(str::to_lowercase).collect()
    }
}

/// In Kubernetes, and in compose.
fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for (of, kind) in [("merged", "Deployment"), ("split", "Deployment"), ("migrate", "Job")] {
        for (name, object) in objects(of, kind) {
            let pod = &object["spec"]["template"]["spec"];
            let container = &pod["containers"][0];
            if !text(&container["image"]).starts_with("quarteto:") {
                continue;
            }
            let variables = list(&container["env"]).map(|env| (text(&env["name"]), text(&env["value"])));
            places.push(Place {
                name: format!("{of}/{name}"),
                command: text(&container["args"][0]),
                variables: variables.collect(),
                container,
                grace_ms: pod["terminationGracePeriodSeconds"].as_u64().map(|seconds| seconds * 1_000),
            });
        }
    }
    for (name, service) in services() {
        if !text(&service["image"]).starts_with("quarteto:") {
            continue;
        }
        let variables = service["environment"].as_object().expect("variables").iter();
        let mut variables: BTreeMap<_, _> = variables.map(|(name, value)| (&**name, text(value))).collect();
        // The image says so.
        variables.entry("QUARTETO_LISTEN").or_insert("0.0.0.0:4000");
        let grace =
            service["stop_grace_period"].as_str().map(|grace| grace.strip_suffix('s').expect("seconds"));
        places.push(Place {
            name: format!("compose/{name}"),
            command: text(&service["command"][0]),
            variables,
            container: service,
            grace_ms: grace.map(|seconds| seconds.parse::<u64>().expect("a number") * 1_000),
        });
    }
    assert_eq!(places.len(), 1 + 5 + 1 + 1 + 5 + 1, "merged, split, migrate, the same in compose");
    places
}

/// What the recipes of `deploy/federation/` read, and the program does not.
const OF_ROUTERS: [&str; 6] = [
    "QUARTETO_SUPERGRAPH",
    "QUARTETO_GATEWAY_HOST",
    "QUARTETO_GATEWAY_PORT",
    "QUARTETO_GATEWAY_PLANNER",
    "QUARTETO_GATEWAY_UPSTREAM_MS",
    "QUARTETO_PROGRAM",
];

#[test]
fn every_variable_that_is_named_is_a_setting() {
    let known = |name: &str| {
        let is = |setting: &quarteto::config::Setting| {
            let file = name.strip_suffix("_FILE").filter(|_| setting.is_secret);
            setting.variable == name || file == Some(setting.variable)
        };
        name == "QUARTETO_CONFIG"
            || name.ends_with("_SUBGRAPH")
            || OF_ROUTERS.contains(&name)
            || settings().any(is)
    };
    let mut count = 0;
    for (path, text) in deploy() {
        for (at, _) in text.match_indices("QUARTETO_") {
            let is_name =
                |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
            let name: String = text[at..].chars().take_while(|letter| is_name(*letter)).collect();
            // As in QUARTETO_…, which means them all.
            if name != "QUARTETO_" {
                assert!(known(&name), "{}: {name} is no setting", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

/// The program would start with them, and would encrypt or know who does.
#[test]
fn the_settings_of_each_place_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    for place in places() {
        let variables = place.variables.iter().map(|(name, value)| {
            if !name.ends_with("_FILE") || *name == "QUARTETO_USERS_FILE" {
                return (OsString::from(name), OsString::from(value));
            }
            let file = folder.path().join(value.replace('/', "-"));
            std::fs::write(&file, format!("mysql://quarteto@{name}/store")).expect("written");
            (OsString::from(name), file.into_os_string())
        });
        let loaded = Config::load(None, &BTreeMap::new(), variables);
        let loaded = loaded.unwrap_or_else(|error| panic!("{}: {error}", place.name));
        assert_eq!(loaded.notices, [""; 0], "{}", place.name);
        if place.command == "serve" {
            loaded.config.http.check_exposure().unwrap_or_else(|error| panic!("{}: {error}", place.name));
            loaded.config.federation.peers().unwrap_or_else(|error| panic!("{}: {error}", place.name));
            assert!(place.variables.contains_key("QUARTETO_USERS_FILE"), "{}", place.name);
        }
    }
}

#[tokio::test]
async fn probes_name_routes_that_are_there() {
    let app = TestApp::start().await;
    let mut probes = 0;
    for place in places().iter().filter(|place| place.container["image"].is_string()) {
        for (probe, path) in
            [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
        {
            let get = &place.container[probe]["httpGet"];
            if get.is_null() {
                continue;
            }
            let said = (text(&get["path"]), text(&get["port"]));
            assert_eq!(said, (path, "http"), "{}: {probe}", place.name);
            let scheme = get["scheme"].as_str().unwrap_or("HTTP");
            assert_eq!(scheme == "HTTPS", place.is_https(), "{}: {probe}", place.name);
            assert_eq!(send(app.anonymous(Method::GET, path)).await.status, 200, "{path}");
            probes += 1;
        }
    }
    assert_eq!(probes, 6 * 3, "three for each Deployment");
}

#[test]
fn an_end_fits_into_the_time_for_it() {
    // What comes after the settings is not one.
    for (file, line) in [
        ("src/cli/serve.rs", "const LAST_WORDS: Duration = Duration::from_secs(3);"),
        ("src/insight/traces/mod.rs", "const PATIENCE: Duration = Duration::from_secs(2);"),
    ] {
        assert!(read(file).contains(line), "{file}: what has become of `{line}`?");
    }
    for place in places().iter().filter(|place| place.command == "serve") {
        let needed =
            place.setting("QUARTETO_UNREADY_MS") + place.setting("QUARTETO_DRAIN_MS") + LAST_WORDS_MS;
        let given = place.grace_ms.unwrap_or_else(|| panic!("{} says no time", place.name));
        assert!(given > needed, "{}: {given} ms for {needed} ms", place.name);
        // There is time for a request that has just begun.
        assert!(place.setting("QUARTETO_DRAIN_MS") >= place.setting("QUARTETO_REQUEST_MS"), "{}", place.name);
    }
    let unit = read("deploy/systemd/quarteto.service");
    let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).expect("a line");
    let http = Config::default().http;
    let needed = http.unready() + http.drain();
    let given = std::time::Duration::from_secs(stop.parse().expect("seconds"));
    assert!(given > needed + std::time::Duration::from_millis(LAST_WORDS_MS), "{given:?} for {needed:?}");
    assert!(!unit.contains("QUARTETO_UNREADY_MS=") && !unit.contains("QUARTETO_DRAIN_MS="));
}

#[test]
fn ports_are_the_same_everywhere() {
    let image = read("deploy/container/Containerfile");
    assert!(image.contains("ENV QUARTETO_LISTEN=0.0.0.0:4000 ") && image.contains("\nEXPOSE 4000 9464\n"));
    for place in places().iter().filter(|place| place.command == "serve") {
        let ports = (place.port("QUARTETO_LISTEN"), place.port("QUARTETO_METRICS_LISTEN"));
        assert_eq!(ports, (4000, 9464), "{}", place.name);
        let named = list(&place.container["ports"]).filter(|port| port.is_object());
        let named: BTreeMap<&str, u64> = named
            .map(|port| (text(&port["name"]), port["containerPort"].as_u64().expect("a number")))
            .collect();
        let expected = BTreeMap::from([("http", 4000), ("metrics", 9464)]);
        assert!(place.name.starts_with("compose/") || named == expected, "{}: {named:?}", place.name);
        for port in list(&place.container["ports"]).filter_map(Value::as_str) {
            assert_eq!(port, "127.0.0.1:4000:4000", "{}: this machine alone", place.name);
        }
    }
    for of in ["merged", "split"] {
        for (name, service) in objects(of, "Service") {
            let port = &service["spec"]["ports"][0];
            assert_eq!((port["port"].as_u64(), text(&port["targetPort"])), (Some(4000), "http"), "{name}");
        }
    }
    let unit = read("deploy/systemd/quarteto.service");
    assert!(
        unit.contains("QUARTETO_LISTEN=127.0.0.1:4000") && unit.contains("METRICS_LISTEN=127.0.0.1:9464")
    );
}

#[test]
fn images_are_of_this_version_and_of_a_known_one() {
    let mut count = 0;
    for (path, text) in deploy() {
        for (at, sign) in
            [" quarteto:", "=quarteto:", "\"quarteto:"].iter().flat_map(|sign| text.match_indices(sign))
        {
            let tag: String = text[at + sign.len()..]
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || ['.', '-'].contains(letter))
                .collect();
            if tag.starts_with(|letter: char| letter.is_ascii_digit()) {
                assert_eq!(tag.trim_end_matches('.'), VERSION, "{}", path.display());
                count += 1;
            }
        }
        for tag in text.lines().filter_map(|line| line.trim().strip_prefix("newTag: ")) {
            assert_eq!(tag, VERSION, "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
    let label = format!("org.opencontainers.image.version=\"{VERSION}\"");
    assert!(read("deploy/container/Containerfile").contains(&label), "{label}");
    let images = services().map(|(_, service)| text(&service["image"]));
    let routers = objects("split", "Deployment")["router"];
    for image in images.chain([text(&routers["spec"]["template"]["spec"]["containers"][0]["image"])]) {
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{image} has no tag"));
        assert!(tag.starts_with(|letter: char| letter.is_ascii_digit()), "{image}");
    }
}

#[test]
fn no_secret_is_kept_here() {
    for (path, text) in deploy() {
        let here = path.display();
        assert!(!text.contains("-----BEGIN"), "{here} holds a key");
        assert!(!text.contains("\nkind: Secret"), "{here} holds a secret");
        for (at, _) in text.match_indices("mysql://") {
            let url: String = text[at..].chars().take_while(|letter| !letter.is_whitespace()).collect();
            let password =
                url.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
            // A command that reads one, or the word that stands for one.
            let is_none = password.is_none_or(|(_, word)| word.starts_with("$(") || word == "PASSWORD");
            assert!(is_none, "{here}: {url}");
        }
    }
    for place in places() {
        for (name, value) in &place.variables {
            let secret = settings().any(|setting| setting.is_secret && setting.variable == *name);
            assert!(!secret && !name.ends_with("PASSWORD"), "{}: {name} is in the clear", place.name);
            assert!(!name.ends_with("_FILE") || value.starts_with("/run/"), "{}: {name}", place.name);
        }
    }
    for (name, service) in services() {
        for (variable, _) in service["environment"].as_object().into_iter().flatten() {
            assert!(!variable.contains("PASSWORD") || variable.ends_with("_FILE"), "{name}: {variable}");
        }
    }
    assert!(read(".gitignore").lines().any(|line| line == "/deploy/compose/secrets"));
}

/// Whether a selector chooses somebody with these labels.
fn chooses(selector: &Value, labels: &BTreeMap<&str, &str>) -> bool {
    let by_label = selector["matchLabels"].as_object().into_iter().flatten();
    let mut by_label = by_label.map(|(key, value)| labels.get(&**key).copied() == value.as_str());
    let mut by_expression = selector["matchExpressions"].as_array().into_iter().flatten().map(|expression| {
        assert_eq!(expression["operator"], "In");
        let label = labels.get(expression["key"].as_str().expect("a key")).copied();
        let values = expression["values"].as_array().expect("values");
        label.is_some_and(|label| values.iter().any(|value| value == label))
    });
    by_label.all(|is| is) && by_expression.all(|is| is)
}

/// Somebody on the network: their namespace and labels.
type Who<'a> = (&'a str, BTreeMap<&'a str, &'a str>);

/// Whether the policies of a kustomization let somebody of its namespace send to, or receive from, somebody.
fn allowed(of: &str, here: &Who<'_>, direction: &str, there: &Who<'_>, port: u64) -> bool {
    let (rules, ends) = if direction == "Egress" { ("egress", "to") } else { ("ingress", "from") };
    objects(of, "NetworkPolicy").values().any(|policy| {
        let spec = &policy["spec"];
        let counts = list(&spec["policyTypes"]).any(|kind| kind == direction);
        counts
            && chooses(&spec["podSelector"], &here.1)
            && list(&spec[rules]).any(|rule| {
                assert!(
                    rule["ports"].is_array() && rule[ends].is_array(),
                    "a rule without an end is for all"
                );
                let to = list(&rule[ends]).any(|end| {
                    assert!(end["ipBlock"].is_null());
                    let namespace = BTreeMap::from([("kubernetes.io/metadata.name", there.0)]);
                    let in_it = match &end["namespaceSelector"] {
                        Value::Null => there.0 == here.0,
                        selector => chooses(selector, &namespace),
                    };
                    in_it && chooses(&end["podSelector"], &there.1)
                });
                to && list(&rule["ports"]).any(|open| open["port"] == port)
            })
    })
}

#[test]
fn each_reaches_its_own_database_and_its_peers_and_nobody_else() {
    let pod = |name: &'static str| -> Who<'static> {
        ("quarteto", BTreeMap::from([("app.kubernetes.io/component", name)]))
    };
    let database =
        |name: &'static str| -> Who<'static> { ("db", BTreeMap::from([("quarteto/store", name)])) };
    let stores = ["clientes", "enderecos", "catalogo", "inventario", "acessos"];
    let mut asks: BTreeMap<&str, BTreeSet<String>> = PEERS
        .iter()
        .map(|(name, peers)| (*name, peers.iter().map(|peer| (*peer).to_owned()).collect()))
        .collect();
    // The table is what each is told.
    for place in
        places().iter().filter(|place| place.command == "serve" && !place.name.ends_with("/quarteto"))
    {
        let (_, name) = place.name.split_once('/').expect("a name");
        assert_eq!(place.peers(), asks[name], "{}", place.name);
        let own = stores.into_iter().filter(|store| *store == name || *store == "acessos");
        assert_eq!(place.stores(), own.map(str::to_owned).collect(), "{}", place.name);
        assert_eq!(place.variables["QUARTETO_SERVE_STORE"], name);
        let logs_in = place.variables.contains_key("QUARTETO_PEER_PASSWORD_FILE");
        assert_eq!(logs_in, !asks[name].is_empty(), "{}", place.name);
        for peer in &asks[name] {
            let scheme = if place.is_https() { "https" } else { "http" };
            let variable = format!("QUARTETO_{}_PEER", peer.to_uppercase());
            assert_eq!(place.variables[&*variable], format!("{scheme}://{peer}:4000"));
        }
    }
    asks.insert("router", PEERS.iter().map(|(name, _)| (*name).to_owned()).collect());
    // Labels of pods are those that the policies mean.
    for (name, deployment) in objects("split", "Deployment") {
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/component"], name);
    }
    let names: Vec<&'static str> = PEERS.iter().map(|(name, _)| *name).chain(["router"]).collect();
    let outside: [Who<'_>; 3] =
        [("ingress-nginx", BTreeMap::new()), ("monitoring", BTreeMap::new()), ("other", BTreeMap::new())];
    for from in &names {
        for to in &names {
            let goes = allowed("split", &pod(from), "Egress", &pod(to), 4000)
                && allowed("split", &pod(to), "Ingress", &pod(from), 4000);
            let says = asks[from].contains(*to);
            assert_eq!(goes, says, "{from} asks {to}");
            assert_eq!(allowed("split", &pod(from), "Egress", &pod(to), 4000), says, "{from} to {to}");
            assert_eq!(allowed("split", &pod(to), "Ingress", &pod(from), 4000), says, "{to} from {from}");
            assert!(!allowed("split", &pod(to), "Ingress", &pod(from), 9464), "{to} from {from}");
        }
        for store in stores {
            let own = store == *from || (store == "acessos" && *from != "router");
            assert_eq!(
                allowed("split", &pod(from), "Egress", &database(store), 3306),
                own,
                "{from} to {store}"
            );
        }
        for who in &outside {
            let enters = who.0 == "ingress-nginx" && *from == "router";
            let watches = who.0 == "monitoring" && *from != "router";
            assert_eq!(allowed("split", &pod(from), "Ingress", who, 4000), enters, "{} to {from}", who.0);
            assert_eq!(allowed("split", &pod(from), "Ingress", who, 9464), watches, "{} to {from}", who.0);
            assert!(!allowed("split", &pod(from), "Egress", who, 443), "{from} to {}", who.0);
        }
    }
    let merged = pod("merged");
    for store in stores {
        assert!(allowed("merged", &merged, "Egress", &database(store), 3306), "{store}");
    }
    assert!(allowed("merged", &merged, "Ingress", &outside[0], 4000));
    assert!(allowed("merged", &merged, "Ingress", &outside[1], 9464));
    assert!(!allowed("merged", &merged, "Ingress", &outside[0], 9464));
    assert!(!allowed("merged", &merged, "Ingress", &outside[2], 4000));
    assert!(!allowed("merged", &merged, "Egress", &outside[2], 443));
    // What nothing is said of is shut.
    for of in ["merged", "split", "migrate"] {
        let spec = &objects(of, "NetworkPolicy")["nothing"]["spec"];
        assert_eq!(spec, &serde_json::json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }));
    }
}

/// The pods of a kustomization, with what makes them.
fn pods() -> impl Iterator<Item = (String, &'static Value, &'static Value)> {
    let kinds = [("merged", "Deployment"), ("split", "Deployment"), ("migrate", "Job")];
    kinds.into_iter().flat_map(|(of, kind)| {
        let pod = move |(name, object): (_, &'static Value)| {
            (format!("{of}/{name}"), object, &object["spec"]["template"]["spec"])
        };
        objects(of, kind).into_iter().map(pod)
    })
}

#[test]
fn pods_may_do_little_and_get_what_they_ask_for() {
    for (name, _, pod) in pods() {
        let context = &pod["securityContext"];
        assert_eq!(context["runAsNonRoot"], true, "{name}");
        assert!(
            context["runAsUser"].as_u64().is_some_and(|user| user > 0),
            "{name}: a number that is not root's"
        );
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        for container in list(&pod["containers"]) {
            let context = &container["securityContext"];
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["capabilities"], serde_json::json!({ "drop": ["ALL"] }), "{name}");
            for kind in ["requests", "limits"] {
                for what in ["cpu", "memory"] {
                    assert!(container["resources"][kind][what].is_string(), "{name}: {kind} of {what}");
                }
            }
            // A single file would not follow its secret; and each is there, and is used.
            let mounts: BTreeSet<_> =
                list(&container["volumeMounts"]).map(|mount| &mount["name"]).collect_texts();
            let volumes = list(&pod["volumes"]).map(|volume| &volume["name"]).collect_texts();
            assert_eq!(mounts, volumes, "{name}");
            assert!(list(&container["volumeMounts"]).all(|mount| mount["subPath"].is_null()), "{name}");
        }
    }
    for (name, service) in services().filter(|(name, _)| !name.starts_with("db-")) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert!(!text(&service["user"]).starts_with('0'), "{name}");
    }
}

/// Texts of a list as a set.
trait Texts {
    fn collect_texts(self) -> BTreeSet<&'static str>;
}

impl<I: Iterator<Item = &'static Value>> Texts for I {
    fn collect_texts(self) -> BTreeSet<&'static str> {
        self.map(text).collect()
    }
}

#[test]
fn each_deployment_has_its_service_its_budget_and_its_autoscaler() {
    for of in ["merged", "split"] {
        let deployments = objects(of, "Deployment");
        let labels = |deployment: &'static Value| -> BTreeMap<&'static str, &'static str> {
            let labels = deployment["spec"]["template"]["metadata"]["labels"].as_object().expect("labels");
            labels.iter().map(|(key, value)| (&**key, text(value))).collect()
        };
        for kind in ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"] {
            let names: Vec<_> = objects(of, kind).into_keys().collect();
            assert_eq!(names, deployments.keys().copied().collect::<Vec<_>>(), "{of}: {kind}");
        }
        let chosen = |selector: &Value| -> Vec<&'static str> {
            let all = deployments.iter().filter(|(_, deployment)| chooses(selector, &labels(deployment)));
            all.map(|(name, _)| *name).collect()
        };
        for (name, deployment) in &deployments {
            let spec = &deployment["spec"];
            assert!(spec["replicas"].is_null(), "{name}: that is the autoscaler's");
            assert_eq!(chosen(&spec["selector"]), [*name]);
            let service = &objects(of, "Service")[name]["spec"]["selector"];
            assert_eq!(chosen(&serde_json::json!({ "matchLabels": service })), [*name]);
            assert_eq!(chosen(&objects(of, "PodDisruptionBudget")[name]["spec"]["selector"]), [*name]);
            let scaled = &objects(of, "HorizontalPodAutoscaler")[name]["spec"];
            assert_eq!(
                (text(&scaled["scaleTargetRef"]["name"]), scaled["minReplicas"].as_u64()),
                (*name, Some(2))
            );
            let pod = &spec["template"]["spec"];
            let spread: Vec<_> = list(&pod["topologySpreadConstraints"]).collect();
            assert!(
                !spread.is_empty() && spread.iter().all(|one| chosen(&one["labelSelector"]) == [*name]),
                "{name}"
            );
            assert!(objects(of, "ServiceAccount").contains_key(text(&pod["serviceAccountName"])), "{name}");
        }
        // One way in.
        let backends =
            objects(of, "Ingress").into_values().flat_map(|ingress| list(&ingress["spec"]["rules"]));
        let backends = backends
            .flat_map(|rule| list(&rule["http"]["paths"]))
            .map(|path| &path["backend"]["service"]["name"]);
        let entered = if of == "merged" { "quarteto" } else { "router" };
        assert_eq!(backends.collect_texts(), BTreeSet::from([entered]));
    }
}

/// A store's URL leads to a service on a network that its reader is on too, and nobody is on a network without need.
#[test]
fn compose_makes_the_secrets_that_it_names_and_they_lead_somewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (make, program) = (folder.path().join("make-secrets"), folder.path().join("program"));
    std::fs::copy(root().join("deploy/compose/make-secrets"), &make).expect("copied");
    // Stands for the program: what it is asked is written into the users file.
    std::fs::write(&program, "#!/bin/sh\nread -r password || true\necho \"$4 $5 $6 $7\" >>\"$2\"\n")
        .expect("written");
    succeed(Command::new("chmod").arg("755").arg(&program));
    succeed(Command::new(&make).env("QUARTETO", &program));
    let secret = |name: &str| std::fs::read_to_string(folder.path().join("secrets").join(name)).expect(name);
    assert_eq!(secret("users"), "add admin --papel ADMIN\nadd servico --papel SERVICO\n");
    let kept = secret("clientes.serve.url");
    succeed(Command::new(&make).env("QUARTETO", &program));
    assert_eq!(secret("clientes.serve.url"), kept, "what is there is kept");
    succeed(Command::new(&make).args(["user", "add", "ana", "--papel", "LEITOR"]).env("QUARTETO", &program));
    assert!(secret("users").ends_with("add ana --papel LEITOR\n"));

    let defined = all()["compose"]["secrets"].as_object().expect("secrets");
    let mut used = BTreeSet::new();
    for (name, service) in services() {
        let mut networks: BTreeSet<&str> = list(&service["networks"]).collect_texts();
        for entry in list(&service["secrets"]) {
            let source = text(if entry.is_string() { entry } else { &entry["source"] });
            let target = entry["target"].as_str().unwrap_or(source);
            used.insert(source);
            assert_eq!(defined[source]["file"], format!("secrets/{source}"));
            let value = secret(source);
            assert!(!value.is_empty());
            if let Some(store) =
                source.strip_suffix(".serve.url").or_else(|| source.strip_suffix(".migrate.url"))
            {
                let user = if name == "migrate" { "quarteto_migrate" } else { "quarteto_serve" };
                let url = url::Url::parse(&value).expect("a URL");
                let host = format!("db-{store}");
                assert_eq!(
                    (url.username(), url.host_str(), url.path()),
                    (user, Some(&*host), &*format!("/{store}"))
                );
                let kind = if name == "migrate" { "migrate" } else { "serve" };
                assert_eq!(url.password(), Some(&*secret(&format!("{store}.{kind}"))));
                assert!(networks.remove(&*host), "{name} is on the network of {host}");
                assert_eq!(target, store);
            }
        }
        networks.remove(name);
        assert!(
            networks.is_subset(&BTreeSet::from(["front", "peers"])),
            "{name} reaches {networks:?} for nothing"
        );
    }
    assert_eq!(used, defined.keys().map(String::as_str).collect());
    for (name, network) in all()["compose"]["networks"].as_object().expect("networks") {
        assert_eq!(network["internal"] == true, name != "front", "{name}");
    }
}

#[test]
fn units_name_the_credentials_that_they_load() {
    for name in ["quarteto.service", "quarteto-migrate.service"] {
        let unit = read(&format!("deploy/systemd/{name}"));
        let loaded = unit.lines().filter_map(|line| line.strip_prefix("LoadCredential=")?.split_once(':'));
        let loaded: BTreeSet<String> = loaded.map(|(credential, _)| credential.to_owned()).collect();
        let named = unit
            .lines()
            .filter_map(|line| line.strip_prefix("Environment=QUARTETO_")?.split_once("_URL_FILE=%d/"));
        let named: BTreeSet<String> = named
            .map(|(store, credential)| {
                assert_eq!(store.to_lowercase(), credential);
                credential.to_owned()
            })
            .collect();
        assert_eq!((loaded.len(), &loaded), (5, &named), "{name}");
    }
}

/// The program that `make static` builds, where one is named; else this one, with its libraries beside it.
#[test]
fn the_program_starts_in_a_folder_with_nothing_but_itself_and_its_certificate() {
    let mut check = script("scripts/chroot-check");
    match std::env::var_os("QUARTETO_STATIC_BINARY") {
        Some(binary) => check.arg("--static").arg(binary),
        None => check.arg(env!("CARGO_BIN_EXE_quarteto")),
    };
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
        check.env_remove(name);
    }
    succeed(&mut check);
}
