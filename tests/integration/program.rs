//! The program itself, as an operator runs it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use reqwest::Method;

pub(crate) fn quarteto(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarteto"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTETO_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("QUARTETO_DATA_DIR", folder.join("data"));
    command
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("it runs")
}

fn error_of(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `quarteto serve`; stopped as an operator stops it.
pub(crate) struct Serving {
    child: Child,
    folder: PathBuf,
    lines: Vec<String>,
}

impl Serving {
    /// Starts it and reads what it says until it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &["--log", "warn"])
    }

    pub(crate) fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["--demo"], arguments].concat();
        Self::started(quarteto(folder), folder, &arguments)
    }

    /// Starts it with settings of its own.
    pub(crate) fn started(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        command.stderr(std::fs::File::create(Self::log(folder)).expect("a file"));
        let command = command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            let last = line.contains("Try ");
            lines.push(line);
            if last {
                return Self { child, folder: folder.to_owned(), lines };
            }
        }
        let log = std::fs::read_to_string(Self::log(folder)).expect("a log");
        panic!("it ended early: {lines:?} {:?}\n{log}", child.wait());
    }

    /// Where its log goes.
    pub(crate) fn log(folder: &Path) -> PathBuf {
        folder.join("log")
    }

    pub(crate) fn word_after(&self, label: &str) -> String {
        let line =
            self.lines.iter().find(|line| line.contains(label)).unwrap_or_else(|| panic!("{:?}", self.lines));
        let rest = line.split_once(label).expect("found").1;
        rest.split_whitespace().next().expect("a word").to_owned()
    }

    /// The password of the first user, which is nowhere but in a file for its owner.
    pub(crate) fn first_password(&self) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.folder.join("data").join("first-password");
        assert_eq!(self.word_after("with the password in"), file.display().to_string());
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let password = std::fs::read_to_string(&file).expect("text").trim_end().to_owned();
        assert!(!self.lines.concat().contains(&password));
        password
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a machine does that loses its power.
    pub(crate) fn kill(mut self) {
        self.signal("-KILL");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// `quarteto user`: whether it went well, and what it said, which is never the
/// password.
pub(crate) fn user(folder: &Path, arguments: &[&str], password: &str) -> (bool, String) {
    let mut command = quarteto(folder);
    command.arg("user").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(password.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!text.contains("senha-secreta"), "{text}");
    (output.status.success(), text)
}

pub(crate) async fn ask(base: &str, login: &str, query: &str) -> serde_json::Value {
    let (user, password) = login.split_once(':').expect("a login");
    let request = reqwest::Client::new()
        .request(Method::POST, format!("{base}graphql"))
        .basic_auth(user, Some(password))
        .json(&serde_json::json!({ "query": query }));
    request.send().await.expect("an answer").json().await.expect("json")
}

/// Until `/metrics` shows how the outboxes stand.
async fn until_the_worker_has_looked(base: &str, login: &str) {
    let (user, password) = login.split_once(':').expect("a login");
    let client = reqwest::Client::new();
    for _ in 0..10_000 {
        let request = client.get(format!("{base}metrics")).basic_auth(user, Some(password));
        let numbers = request.send().await.expect("an answer").text().await.expect("text");
        if numbers.contains("\nquarteto_outbox_open{store=\"clientes\"} 0\n") {
            return;
        }
    }
    panic!("the worker does not look at the outboxes");
}

#[tokio::test]
async fn the_first_run_makes_everything_and_the_next_ones_keep_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Serving::start(folder.path());
    let base = first.word_after("Playground");
    let login = format!("admin:{}", first.first_password());
    let query = r#"{ eu { papel } clientes { total } cliente(id: "cliente_1") { enderecos { id } compras { total } } }"#;
    let answer = ask(&base, &login, query).await;
    assert_eq!(answer["data"]["eu"]["papel"], "ADMIN");
    assert_eq!(answer["data"]["clientes"]["total"], 200);
    assert!(answer["data"]["cliente"]["compras"]["total"].as_u64().is_some_and(|total| total > 0));
    until_the_worker_has_looked(&base, &login).await;

    // A second program on the same data is refused.
    let twice = run(quarteto(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    assert!(error_of(&twice).contains("another Quarteto is using the data folder"), "{twice:?}");

    // Killed without a word: its server goes too, and the next run takes over.
    let mut first = first;
    first.child.kill().expect("killed");
    first.child.wait().expect("gone");
    let second = Serving::start(folder.path());
    assert!(!second.lines.iter().any(|line| line.contains("first-password")), "{:?}", second.lines);
    let base = second.word_after("Playground");
    assert_eq!(ask(&base, &login, query).await, answer);
    second.stop();
    let log = std::fs::read_to_string(Serving::log(folder.path())).expect("a log");
    assert_eq!(log, "", "an orderly end is no warning");

    // Stopped: nothing is left running on the data.
    let socket = folder.path().join("data").join("mariadb.sock");
    assert!(std::os::unix::net::UnixStream::connect(socket).is_err());
    let check = run(quarteto(folder.path()).args(["migrate", "--check"]));
    assert!(check.status.success(), "{check:?}");
    let again = run(quarteto(folder.path()).arg("seed"));
    assert!(error_of(&again).contains("clientes"), "{again:?}");
}

#[test]
fn with_a_certificate_it_speaks_https_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    let settings = "[http]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n";
    std::fs::write(folder.path().join("q.toml"), settings).expect("written");
    let serving = Serving::start_with(folder.path(), &["--config", "q.toml"]);
    let base = serving.word_after("Playground");
    assert!(base.starts_with("https://127.0.0.1:"), "{base}");
    serving.stop();
}

#[tokio::test]
async fn the_log_tells_each_operation_and_at_debug_each_statement() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start_with(folder.path(), &["--log", "debug", "--log-format", "json"]);
    let base = serving.word_after("Playground");
    let login = format!("admin:{}", serving.first_password());
    let answer = ask(
        &base,
        &login,
        r#"query Ficha { cliente(id: "zzz") { id } clientes(first: 3) { nodes { enderecos { cidade } } } }"#,
    )
    .await;
    let id = answer["errors"][0]["extensions"]["requestId"].as_str().expect("an id").to_owned();
    serving.stop();
    let lines = logged(folder.path());
    let about = |message: &str| -> Vec<&serde_json::Value> {
        let ours = |line: &&serde_json::Value| {
            line["message"] == message && line["spans"][0]["request.id"] == id.as_str()
        };
        lines.iter().filter(ours).collect()
    };
    let [operation] = about("operation")[..] else { panic!("one line an operation: {lines:?}") };
    assert_eq!(operation["graphql.operation.name"], "Ficha");
    assert_eq!(operation["graphql.operation.type"], "query");
    assert_eq!(operation["user.name"], "admin");
    assert!(operation["ms"].is_f64() && operation["target"].is_string(), "{operation}");
    assert_eq!(operation["statements"], 2);
    assert_eq!(operation["errors"], 1);
    assert_eq!(operation["code"], "ID_INVALIDO");
    for store in ["clientes", "enderecos"] {
        let used = &operation["stores"][store];
        assert!(used["statements"] == 1 && used["ms"].is_f64(), "{operation}");
    }
    let statements = about("statement");
    let path = |line: &serde_json::Value| -> Vec<String> {
        let spans = line["spans"].as_array().expect("spans");
        spans.iter().map(|span| span["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(path(statements[0]), ["request", "operation", "statement"]);
    assert_eq!(path(statements[1]), ["request", "operation", "batch", "statement"]);
    assert_eq!(statements[1]["spans"][1]["graphql.operation.name"], "Ficha");
    let [start] = lines.iter().filter(|line| line["message"] == "serving").collect::<Vec<_>>()[..] else {
        panic!("one start: {lines:?}")
    };
    assert_eq!((&start["version"], &start["stores"]), (&env!("CARGO_PKG_VERSION").into(), &"private".into()));
    let settings = start["settings"].as_str().expect("text");
    assert!(settings.contains("log.format=json") && !settings.contains("http.body_bytes"), "{settings}");
    let span = &statements[1]["spans"][3];
    assert_eq!(span["db.namespace"], "enderecos");
    assert_eq!(span["db.operation.name"], "enderecos.do_cliente");
    assert!(span["rows"].as_u64().is_some_and(|rows| rows > 0) && span["micros"].is_u64(), "{span}");
}

/// The lines of a log that is written as JSON.
pub(crate) fn logged(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(Serving::log(folder)).expect("a log");
    text.lines().map(|line| serde_json::from_str(&without_twins(line)).expect("JSON")).collect()
}

/// A line in whose objects no key comes twice.
fn without_twins(line: &str) -> String {
    let parsed: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let count = |text: &str| text.matches("\":").count();
    assert_eq!(count(&parsed.to_string()), count(line), "{line}");
    line.to_owned()
}

#[tokio::test]
async fn what_is_not_trusted_is_answered_and_logged_while_it_is_only_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    let documents = folder.path().join("documents");
    std::fs::create_dir(&documents).expect("made");
    std::fs::write(documents.join("quem.graphql"), "query Quem { eu { nome } }").expect("written");
    let settings = format!("[documents]\npath = {documents:?}\nmode = \"log-unknown\"\n");
    std::fs::write(folder.path().join("watch.toml"), settings).expect("written");
    assert!(user(folder.path(), &["add", "ana"], "senha-secreta").0);
    let serving = Serving::start_with(folder.path(), &["--config", "watch.toml", "--log-format", "json"]);
    let base = serving.word_after("Playground");
    for query in ["query Quem { eu { nome } }", "query Outra { eu { nome papel } }"] {
        let answer = ask(&base, "ana:senha-secreta", query).await;
        assert_eq!(answer["data"]["eu"]["nome"], "ana", "{answer}");
    }
    serving.stop();
    let lines = logged(folder.path());
    let told: Vec<_> = lines.iter().filter(|line| line["message"] == "operation is not trusted").collect();
    let [line] = told[..] else { panic!("one line: {lines:?}") };
    assert_eq!(
        [&line["level"], &line["graphql.operation.name"], &line["user.name"]],
        ["WARN", "Outra", "ana"],
        "{line}"
    );
}

#[test]
fn a_port_that_is_taken_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let error = error_of(&run(quarteto(folder.path()).args(["serve", "--listen", &address])));
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
    assert!(!folder.path().join("data").exists(), "nothing was started for it");
}

#[test]
fn bad_settings_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |variables: &[(&str, &str)], arguments: &[&str]| {
        error_of(&run(quarteto(folder.path()).args(arguments).envs(variables.iter().copied())))
    };
    let error = refused(&[("QUARTETO_CLIENTES_URL", "mysql://a@b/c")], &["serve", "--listen", "127.0.0.1:0"]);
    assert!(error.contains("QUARTETO_ENDERECOS_URL"), "{error}");
    let error = refused(&[], &["config", "--config", "missing.toml"]);
    assert!(error.contains("missing.toml does not exist"), "{error}");
    let error = refused(&[("QUARTETO_LOG", "a=b=c")], &["config"]);
    assert!(error.contains("log.filter"), "{error}");
    std::fs::write(folder.path().join("typo.toml"), "[http]\nlistne = \"x\"\n").expect("written");
    let error = refused(&[], &["config", "--config", "typo.toml"]);
    assert!(error.contains("listne"), "{error}");
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let error = refused(&[("QUARTETO_DOCUMENTS", "missing")], &listen);
    assert!(error.contains("documents.path: missing"), "{error}");
    let error = refused(&[("QUARTETO_DOCUMENTS_MODE", "strict")], &listen);
    assert!(error.contains("documents.mode (from QUARTETO_DOCUMENTS_MODE)"), "{error}");
    let error = refused(&[("QUARTETO_STATUS_CODES", "draft")], &listen);
    assert!(error.contains("http.status_codes") && error.contains("draft-2026"), "{error}");
    std::fs::write(folder.path().join("a-file"), "").expect("written");
    let error = refused(&[("QUARTETO_DATA_DIR", "a-file/data")], &["serve", "--listen", "127.0.0.1:0"]);
    assert!(error.contains("--data-dir"), "{error}");
    let output = run(quarteto(folder.path()).args(["schema", "--store", "vendas"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn variables_of_others_stop_nothing_and_mistakes_are_told_of_once() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = quarteto(folder.path());
    command.args(["config", "--log-format", "json"]);
    // What Kubernetes sets beside a service `quarteto`, and a stranger's.
    for (name, value) in [
        ("QUARTETO_SERVICE_HOST", "10.0.0.1"),
        ("QUARTETO_SERVICE_PORT", "4000"),
        ("QUARTETO_PORT", "tcp://10.0.0.1:4000"),
        ("QUARTETO_PORT_4000_TCP", "tcp://10.0.0.1:4000"),
        ("QUARTETO_PORT_4000_TCP_ADDR", "10.0.0.1"),
        ("QUARTETO_LIMITS_COST", "7"),
        ("QUARTETO_DO_VIZINHO", "x"),
    ] {
        command.env(name, value);
    }
    command.env("ESTRANHA", std::ffi::OsStr::from_bytes(b"\xff"));
    let output = run(&mut command);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("limits.cost = 20000\n    from default;"), "{text}");
    let log = String::from_utf8(output.stderr).expect("text");
    let mut said: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| line["message"].as_str().expect("a message").to_owned())
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "QUARTETO_DO_VIZINHO is not a setting and does nothing; `quarteto config` lists them all",
            "QUARTETO_LIMITS_COST is not a setting; did you mean QUARTETO_LIMIT_COST?",
        ]
    );
    command.env("QUARTETO_LISTEN", std::ffi::OsStr::from_bytes(b"\xff"));
    let error = error_of(&run(&mut command));
    assert!(error.contains("http.listen (from QUARTETO_LISTEN): the value is not UTF-8"), "{error}");
}

#[test]
fn a_server_of_ones_own_that_is_down_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = quarteto(folder.path());
    for store in quarteto::db::Store::ALL {
        command.env(store.url_variable(), format!("mysql://root@127.0.0.1:1/{store}"));
    }
    let error = error_of(&run(command.arg("migrate")));
    for store in quarteto::db::Store::ALL {
        assert!(error.contains(&format!("store {store}: cannot connect")), "{error}");
    }
}

#[test]
fn settings_are_shown_with_their_source() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("q.toml"), "[http]\nlisten = \"127.0.0.1:5000\"\nbody_bytes = 2048\n")
        .expect("written");
    let mut command = quarteto(folder.path());
    command.args(["config", "--config", "q.toml", "--log", "debug"]);
    command.env("QUARTETO_LISTEN", "127.0.0.1:6000").env("QUARTETO_CLIENTES_URL", "mysql://u:segredo@h/d");
    let output = run(&mut command);
    let text = String::from_utf8(output.stdout).expect("text");
    for line in [
        "http.listen = 127.0.0.1:6000\n    from QUARTETO_LISTEN;",
        "http.body_bytes = 2048\n    from file q.toml;",
        "log.filter = debug\n    from the flag for log.filter;",
        "stores.connections = 10\n    from default;",
        "stores.clientes_url = mysql://u:***@h/d\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("segredo"));
}

#[test]
fn users_are_managed_without_showing_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let user = |arguments: &[&str], password: &str| user(folder.path(), arguments, password);
    assert_eq!(
        user(&["add", "ana", "--papel", "EDITOR"], "senha-secreta\n"),
        (true, "ana added as EDITOR\n".into())
    );
    assert_eq!(user(&["add", "bia"], "senha-secreta"), (true, "bia added as LEITOR\n".into()));
    assert_eq!(user(&["list"], ""), (true, "ana\tEDITOR\nbia\tLEITOR\n".into()));
    for (arguments, password, message) in [
        (&["add", "ana"][..], "senha-secreta", "exists already"),
        (&["add", "x:y"], "senha-secreta", "no colon"),
        (&["add", "c"], "curta", "at least 8 characters"),
        (&["passwd", "zé"], "senha-secreta", "there is no user `zé`"),
        (&["remove", "zé"], "", "there is no user `zé`"),
    ] {
        let (success, text) = user(arguments, password);
        assert!(!success && text.contains(message), "{text}");
    }
    assert_eq!(user(&["passwd", "ana"], "senha-secreta-2"), (true, "password of ana changed\n".into()));
    assert_eq!(user(&["remove", "bia"], ""), (true, "bia removed\n".into()));
    assert_eq!(user(&["list"], ""), (true, "ana\tEDITOR\n".into()));
    let file = folder.path().join("data").join("users");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    std::fs::write(&file, "broken line\n").expect("written");
    let (success, text) = user(&["list"], "");
    assert!(!success && text.contains("line 1"), "{text}");
}
