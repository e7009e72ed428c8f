//! `quarteto doctor`, and the other commands beside a program that serves.

use quarteto::db::Store;

use crate::program::{Serving, quarteto, run};
use crate::support::server::Server;
use crate::support::{Value, json, shop};

/// What it finds, as `check outcome`, and all of it.
fn found(output: &std::process::Output) -> (Vec<String>, Vec<Value>) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let word = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let short = all.iter().map(|one| format!("{} {}", word(one, "check"), word(one, "outcome"))).collect();
    (short, all)
}

#[test]
fn beside_a_program_that_serves_its_private_database_everything_is_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = quarteto(folder.path());
    command.env("QUARTETO_METRICS_LISTEN", "0");
    let serving = Serving::started(command, folder.path(), &["--demo", "--log", "warn"]);
    let base = serving.word_after("listens on http://");
    let metrics = serving.word_after("Metrics     http://").replace("/metrics", "");
    let mut command = quarteto(folder.path());
    command.env("QUARTETO_LISTEN", &base).env("QUARTETO_METRICS_LISTEN", &metrics);
    let looked = run(command.args(["doctor", "--json"]));
    let (short, all) = found(&looked);
    assert_eq!(looked.status.code(), Some(0), "{all:?}");
    let mut expected = vec!["settings well", "port well", "metrics well", "users well", "stores well"];
    for store in [
        "store clientes well",
        "store enderecos well",
        "store catalogo well",
        "store inventario well",
        "store acessos well",
    ] {
        expected.extend([store; 3]);
    }
    assert_eq!(short, expected, "{all:?}");
    assert_eq!(all[1]["found"], format!("a Quarteto serves on {base}"));
    assert_eq!(all[2]["found"], format!("a Quarteto serves on {metrics}"));
    assert_eq!(all[4]["found"], "the private database of the Quarteto that serves");
    let people = run(quarteto(folder.path()).arg("doctor").env("QUARTETO_LISTEN", &base));
    let text = String::from_utf8_lossy(&people.stdout).into_owned();
    assert!(text.contains("✓ store catalogo: schema current, to the last index\n"), "{text}");
    // So do the others.
    for (arguments, said) in [
        (&["check"][..], "Everything fits.\n"),
        (&["migrate", "--check"], "clientes: up to date\n"),
        (&["export", "catalogo"], "id,nome,descricao,preco,disponivel,criado_em\n"),
        (&["titular", "protocolo"], ""),
    ] {
        let done = run(quarteto(folder.path()).args(arguments));
        assert!(done.status.success(), "{arguments:?} {done:?}");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(text.contains(said), "{arguments:?} {text}");
    }
    serving.stop();
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let databases = shop::open().await;
    let server = Server::shared().await;
    let reader = &databases[Store::Enderecos];
    server
        .script(&format!(
            "DROP USER IF EXISTS '{reader}'@'%'; CREATE USER '{reader}'@'%' IDENTIFIED BY 'so-leio'; \
             GRANT SELECT ON `{reader}`.* TO '{reader}'@'%'"
        ))
        .await;
    shop::sql(
        &databases,
        Store::Catalogo,
        "ALTER TABLE catalogo DROP KEY `catalogo_nome`, MODIFY nome VARCHAR(50)",
    )
    .await;
    shop::sql(&databases, Store::Clientes, "DELETE FROM _sqlx_migrations WHERE version > 2").await;
    let mut as_reader = url::Url::parse(&server.url(reader)).expect("a URL");
    as_reader.set_username(reader).and_then(|()| as_reader.set_password(Some("so-leio"))).expect("set");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut command = quarteto(folder.path());
    for store in Store::ALL {
        command.env(
            store.url_variable(),
            match store {
                Store::Enderecos => as_reader.to_string(),
                Store::Inventario => "mysql://a:geheim@127.0.0.1:1/inventario".to_owned(),
                _ => server.url(&databases[store]),
            },
        );
    }
    command.env("QUARTETO_LISTEN", taken.local_addr().expect("bound").to_string());
    let seen_by_all = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    command.env("QUARTETO_METRICS_LISTEN", seen_by_all.local_addr().expect("bound").to_string());
    command.env("QUARTETO_LISTNE", "1").env("QUARTETO_BEHIND_PROXY", "true");
    command.env("QUARTETO_TLS_CERT", "nada.pem").env("QUARTETO_TLS_KEY", "nada.pem");
    let looked = run(command.args(["doctor", "--json"]));
    let (short, all) = found(&looked);
    assert_eq!(looked.status.code(), Some(3), "{all:?}");
    let about = |check: &str, outcome: &str| {
        let found = all.iter().find(|one| one["check"] == check && one["outcome"] == outcome);
        found.unwrap_or_else(|| panic!("{check} {outcome} in {short:?}")).clone()
    };
    for (check, outcome, found, remedy) in [
        (
            "settings",
            "doubtful",
            "QUARTETO_LISTNE is not a setting; did you mean QUARTETO_LISTEN?",
            "remove it, or correct its name",
        ),
        (
            "proxies",
            "doubtful",
            "all clients count as one address, that of the proxy",
            "name the proxy in http.trusted_proxies",
        ),
        ("store clientes", "wrong", "5 migrations are missing", "`quarteto migrate`"),
    ] {
        let one = about(check, outcome);
        assert_eq!((&one["found"], &one["remedy"]), (&json!(found), &json!(remedy)));
    }
    let says = |check: &str, outcome: &str, part: &str| {
        let one = about(check, outcome);
        assert!(one.to_string().contains(part), "{part} in {one}");
    };
    says("port", "wrong", "choose another with --listen");
    says("metrics", "wrong", "choose another with http.metrics_listen");
    says("metrics", "doubtful", "without a login and in the clear");
    says("certificate", "wrong", "nada.pem");
    says("users", "wrong", "quarteto user add");
    says("store enderecos", "wrong", "its user may not write");
    says("store enderecos", "wrong", "GRANT SELECT, INSERT, UPDATE, DELETE");
    says("store catalogo", "doubtful", "catalogo.nome is varchar(50)");
    says("store inventario", "wrong", "cannot be reached: ");
    says("store inventario", "wrong", "QUARTETO_INVENTARIO_URL");
    let whole = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(!whole.contains("geheim") && !whole.contains("so-leio"), "{whole}");
}
