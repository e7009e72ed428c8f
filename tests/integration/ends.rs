//! How the program begins and ends, as a supervisor sees it: it lives before its stores
//! answer, it says that it will stop before it does, and its exit code says how it ended.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use quarteto::db::{Access, Db, DbLimits, Store, UrlFile};
use quarteto::reload::Reloaded as _;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::quarteto;
use crate::support::server::Server;
use crate::support::{Proxy, Value, json, shop};

/// A running program.
pub(crate) struct Running {
    child: Child,
    pub(crate) base: String,
}

impl Running {
    /// Over stores at `urls`, listening where nobody else does.
    fn start(folder: &Path, urls: impl Fn(Store) -> String, variables: &[(&str, &str)]) -> Self {
        Self::start_at(folder, None, urls, variables)
    }

    /// As [`start`](Self::start), at a port of an earlier one.
    pub(crate) fn start_at(
        folder: &Path,
        port: Option<u16>,
        urls: impl Fn(Store) -> String,
        variables: &[(&str, &str)],
    ) -> Self {
        let port = port.unwrap_or_else(free_port);
        if !folder.join("data").join("users").exists() {
            assert!(run_user(folder).success());
        }
        let mut command = quarteto(folder);
        for store in Store::ALL {
            command.env(store.url_variable(), urls(store));
        }
        command.envs(variables.iter().copied());
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log"));
        let log = log.expect("a file");
        command.args(["serve", "--listen", &port.to_string()]).stdout(Stdio::null()).stderr(log);
        Self { child: command.spawn().expect("it starts"), base: format!("http://127.0.0.1:{port}") }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.base.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
    }

    /// The exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// What it answers, as soon as it listens.
    async fn ask(&self, path: &str) -> (u16, Value) {
        for _ in 0..1_000_000 {
            if let Ok(answer) = reqwest::get(format!("{}{path}", self.base)).await {
                let status = answer.status().as_u16();
                let text = answer.text().await.expect("a body");
                return (status, serde_json::from_str(&text).unwrap_or(Value::String(text)));
            }
            tokio::task::yield_now().await;
        }
        panic!("it does not listen");
    }

    pub(crate) async fn until_ready(&self, status: &str) {
        for _ in 0..1_000_000 {
            if self.ask("/readyz").await.1["status"] == status {
                return;
            }
        }
        panic!("never {status}");
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

fn run_user(folder: &Path) -> std::process::ExitStatus {
    use std::io::Write as _;
    let mut command = quarteto(folder);
    command.args(["user", "add", "ana", "--papel", "ADMIN"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(b"senha-secreta").expect("written");
    child.wait().expect("it ends")
}

async fn over_a_shop(folder: &Path, variables: &[(&str, &str)]) -> Running {
    let databases = shop::open().await;
    let server = Server::shared().await;
    Running::start(folder, |store| server.url(&databases[store]), variables)
}

#[tokio::test]
async fn it_lives_before_its_stores_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let running = Running::start(folder.path(), |store| format!("mysql://a:b@127.0.0.1:{port}/{store}"), &[]);
    assert_eq!(running.ask("/healthz").await, (200, json!("ok\n")));
    assert_eq!(running.ask("/readyz").await, (503, json!({ "status": "starting" })));
    let (status, answer) = running.ask("/graphql").await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("STARTING")));
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(143), "there was nothing to finish");
}

#[tokio::test]
async fn it_says_that_it_will_stop_and_a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = over_a_shop(folder.path(), &[("QUARTETO_UNREADY_MS", "600000")]).await;
    running.until_ready("up").await;
    running.signal("-TERM");
    running.until_ready("draining").await;
    let (status, answer) = running.ask("/readyz").await;
    assert_eq!((status, &answer["stores"]["clientes"]), (503, &json!({ "status": "up" })));
    // Whoever comes is still served.
    let request = reqwest::Client::new()
        .request(Method::POST, format!("{}/graphql", running.base))
        .basic_auth("ana", Some("senha-secreta"))
        .json(&json!({ "query": "{ eu { nome } }" }));
    let answer: Value = request.send().await.expect("answered").json().await.expect("JSON");
    assert_eq!(answer, json!({ "data": { "eu": { "nome": "ana" } } }));
    running.signal("-INT");
    assert_eq!(running.ended(), Some(130));
}

#[tokio::test]
async fn what_has_not_finished_in_time_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits =
        [("QUARTETO_DRAIN_MS", "50"), ("QUARTETO_BODY_MS", "600000"), ("QUARTETO_REQUEST_MS", "600000")];
    let running = over_a_shop(folder.path(), &limits).await;
    running.until_ready("up").await;
    let _slow = held(&running).await;
    running.signal("-INT");
    assert_eq!(running.ended(), Some(4));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(log.contains("some requests or writes did not finish in time connections=1"), "{log}");
}

/// When it is full and while it ends, the operator still sees the numbers.
#[tokio::test]
async fn the_operators_address_answers_under_load_and_to_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = format!("127.0.0.1:{}", free_port());
    let running = over_a_shop(
        folder.path(),
        &[
            ("QUARTETO_METRICS_LISTEN", &*metrics),
            ("QUARTETO_REQUESTS", "1"),
            ("QUARTETO_UNREADY_MS", "0"),
            ("QUARTETO_DRAIN_MS", "600000"),
            ("QUARTETO_BODY_MS", "600000"),
            ("QUARTETO_REQUEST_MS", "600000"),
        ],
    )
    .await;
    running.until_ready("up").await;
    let _slow = held(&running).await;
    let (status, answer) = running.ask("/metrics").await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("OVERLOADED")));
    let see = async |path: &str| {
        let answer = reqwest::get(format!("http://{metrics}{path}")).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let (status, numbers) = see("/metrics").await;
    assert_eq!(status, 200);
    assert!(numbers.contains("quarteto_http_requests_in_flight 2\n"), "the slow one and the look: {numbers}");
    running.signal("-TERM");
    while TcpStream::connect(running.base.trim_start_matches("http://")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(see("/metrics").await.0, 200);
    let (status, ready) = see("/readyz").await;
    assert!(status == 503 && ready.contains("\"status\":\"draining\""), "{status} {ready}");
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(143));
}

/// A request that is under way, and stays so.
async fn held(running: &Running) -> TcpStream {
    let address = running.base.trim_start_matches("http://");
    let mut slow = TcpStream::connect(address).await.expect("connected");
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5hOnNlbmhhLXNlY3JldGE=\r\n\
        Content-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
    slow.write_all(head.as_bytes()).await.expect("sent");
    let mut told = [0; 25];
    slow.read_exact(&mut told).await.expect("told to go on");
    slow
}

const REMOVER: &str =
    "mutation($input: RemoverClienteInput!) { removerCliente(input: $input) { enderecos erros { codigo } } }";

/// Whoever stops in the middle of a removal, frozen or killed, is followed by another, or by
/// itself when it starts again, as soon as its lease has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_whose_owner_stops_is_finished_by_the_next() {
    for killed in [false, true] {
        let (folder, other) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let databases = shop::open().await;
        let server = Server::shared().await;
        let url = |store: Store| server.url(&databases[store]);
        // Its step in `enderecos` hangs, while it holds the lease and renews it.
        let proxy = Proxy::start(server.target()).await;
        let through = server.url_through(proxy.port(), &databases[Store::Enderecos]);
        let patient = [("QUARTETO_STORE_STATEMENT_MS", "600000"), ("QUARTETO_UNREADY_MS", "0")];
        let url_of_first =
            |store: Store| if store == Store::Enderecos { through.clone() } else { url(store) };
        let first = Running::start(folder.path(), url_of_first, &patient);
        first.until_ready("up").await;
        proxy.hold();
        let request = reqwest::Client::new()
            .post(format!("{}/graphql", first.base))
            .basic_auth("ana", Some("senha-secreta"))
            .json(&json!({ "query": REMOVER, "variables": { "input": { "id": "2" } } }));
        let answer: Value = request.send().await.expect("answered").json().await.expect("JSON");
        assert_eq!(answer["data"]["removerCliente"], json!({ "enderecos": "PENDENTE", "erros": [] }));
        let begun = std::time::Instant::now();
        if killed {
            first.signal("-KILL");
        } else {
            first.signal("-STOP");
        }
        let next = match killed {
            true => Running::start_at(folder.path(), Some(first.port()), url, &patient[1..]),
            false => Running::start(other.path(), url, &patient[1..]),
        };
        next.until_ready("up").await;
        let mut mysql =
            quarteto::db::connect(&server.options(Store::Enderecos, &databases[Store::Enderecos]), None)
                .await
                .expect("a connection");
        let left = "SELECT COUNT(*) FROM endereco WHERE id_cliente = 2";
        while sqlx::query_scalar::<_, i64>(left).fetch_one(mysql.mysql()).await.expect("counted") > 0 {
            tokio::task::yield_now().await;
        }
        println!("killed: {killed}; finished by the next after {:.1} s", begun.elapsed().as_secs_f64());
        next.signal("-TERM");
        assert_eq!(next.ended(), Some(0));
        first.signal("-KILL");
        first.ended();
    }
}

/// Refused origins are named with the remedy, and a log that cannot be written is counted.
#[tokio::test]
async fn the_log_names_refused_origins_and_counts_what_it_loses() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = over_a_shop(folder.path(), &[("QUARTETO_LOG_FORMAT", "json")]).await;
    running.until_ready("up").await;
    let client = reqwest::Client::new();
    for _ in 0..5 {
        let preflight = client
            .request(Method::OPTIONS, format!("{}/graphql", running.base))
            .header("Origin", "http://localhost:5173")
            .header("Access-Control-Request-Method", "POST");
        preflight.send().await.expect("answered");
    }
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<&Value> = lines.iter().filter(|line| line["origin"] == "http://localhost:5173").collect();
    let [line] = told[..] else { panic!("once: {log}") };
    assert_eq!((&line["level"], &line["times"]), (&json!("WARN"), &json!(1)));
    assert!(line["message"].as_str().is_some_and(|told| told.contains("QUARTETO_ALLOWED_ORIGINS")), "{line}");
}

#[tokio::test]
async fn lines_of_the_log_that_are_lost_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = folder.path().join("log");
    std::os::unix::fs::symlink("/dev/full", &full).expect("linked");
    let running = over_a_shop(folder.path(), &[]).await;
    running.until_ready("up").await;
    let client = reqwest::Client::new();
    loop {
        let request =
            client.get(format!("{}/metrics", running.base)).basic_auth("ana", Some("senha-secreta"));
        let numbers = request.send().await.expect("answered").text().await.expect("text");
        let lost = numbers.lines().find_map(|line| line.strip_prefix("quarteto_log_lines_lost_total "));
        if lost.expect("counted").parse::<u64>().expect("a number") > 0 {
            break;
        }
    }
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(0));
}

/// At each byte: a URL that was cut is none, or one that the server refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_cut_anywhere_does_not_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let databases = shop::open().await;
    let server = Server::shared().await;
    let (file, whole) = (folder.path().join("url"), server.url(&databases[Store::Catalogo]));
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    std::fs::write(&file, &whole).expect("written");
    let db = Db::new(Store::Catalogo, Access::from_file(options, file.clone()), DbLimits::default());
    let url = UrlFile::of(&db).expect("a file");
    let database = || db.options().get_database().map(str::to_owned);
    for end in 0..whole.len() {
        std::fs::write(&file, &whole[..end]).expect("written");
        if let Ok(take) = url.read() {
            take();
        }
        assert_eq!(
            database().as_deref(),
            Some(&*databases[Store::Catalogo]),
            "cut at {end}: {}",
            &whole[..end]
        );
    }
    std::fs::write(&file, whole.replace(&databases[Store::Catalogo], &databases[Store::Clientes]))
        .expect("written");
    url.read().expect("whole")();
    assert_eq!(database().as_deref(), Some(&*databases[Store::Clientes]));
}

/// The URL's file is read again when the server refuses the old password, so that no request
/// meets the change.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_rotated_is_noticed_by_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let databases = shop::open().await;
    let server = Server::shared().await;
    let name = &databases[Store::Clientes];
    let grant = format!(
        "DROP USER IF EXISTS '{name}'@'%'; CREATE USER '{name}'@'%' IDENTIFIED BY 'antiga'; GRANT ALL ON `{name}`.* TO '{name}'@'%'; FLUSH PRIVILEGES"
    );
    server.script(&grant).await;
    let file = folder.path().join("url");
    let url = |password: &str| {
        let mut url = url::Url::parse(&server.url(name)).expect("a URL");
        url.set_username(name).and_then(|()| url.set_password(Some(password))).expect("set");
        url.to_string()
    };
    std::fs::write(&file, url("antiga")).expect("written");
    let running = Running::start(
        folder.path(),
        |store| match store {
            Store::Clientes => String::new(),
            _ => server.url(&databases[store]),
        },
        &[("QUARTETO_CLIENTES_URL_FILE", file.to_str().expect("plain"))],
    );
    running.until_ready("up").await;
    let client = reqwest::Client::new();
    let ask = || async {
        let request = client
            .post(format!("{}/graphql", running.base))
            .basic_auth("ana", Some("senha-secreta"))
            .json(&json!({ "query": "{ cliente(id: 2) { nome } }" }));
        request.send().await.expect("answered").json::<Value>().await.expect("JSON")
    };
    let right = json!({ "data": { "cliente": { "nome": "Caio Silva" } } });
    assert_eq!(ask().await, right);
    std::fs::write(&file, url("nova")).expect("written");
    server.script(&format!("ALTER USER '{name}'@'%' IDENTIFIED BY 'nova'")).await;
    // Its connections are ended, so that each next one needs the password.
    let options = server.options(Store::Clientes, name);
    let mut mysql = quarteto::db::connect(&options, None).await.expect("a connection");
    for _ in 0..20 {
        let open: Vec<(u64,)> =
            sqlx::query_as("SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE user = ?")
                .bind(name)
                .fetch_all(mysql.mysql())
                .await
                .expect("listed");
        for (id,) in open {
            // One may have gone by itself.
            let _ = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("KILL {id}"))).execute(mysql.mysql()).await;
        }
        assert_eq!(ask().await, right);
    }
    running.signal("-TERM");
    assert_eq!(running.ended(), Some(0));
}
