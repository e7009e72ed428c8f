//! Schemas: made, checked, refused.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use quarteto::db::migrations::{MigrationError, SchemaState, check};
use quarteto::db::schema;
use quarteto::db::{AnyStore, PerStore, Store, connect, not_apart, options};
use quarteto::local::LocalDatabase;
use quarteto::stores::migrate;
use sqlx::mysql::MySqlConnectOptions;
use tokio::net::TcpListener;

use crate::support::server::Server;
use crate::support::{Proxy, TestApp};

async fn execute(options: &MySqlConnectOptions, sql: &'static str) {
    let mut connection = connect(options, None).await.expect("a connection").into_mysql();
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("executed");
}

#[tokio::test]
async fn several_processes_may_migrate_at_once_and_again() {
    let server = Server::shared().await;
    let names = server.empty_databases().await;
    for store in Store::ALL {
        let options = server.options(store, &names[store]);
        assert!(matches!(check(store, &options).await, Ok(SchemaState::Behind(1..))));
        let racing = (0..4).map(|_| migrate(store, &options));
        let applied: usize = futures_util::future::join_all(racing)
            .await
            .into_iter()
            .map(|done| done.expect("migrated"))
            .sum();
        assert!(applied > 0, "by one of them");
        assert!(matches!(check(store, &options).await, Ok(SchemaState::Current)));
        assert!(matches!(migrate(store, &options).await, Ok(0)));
    }
}

#[tokio::test]
async fn a_crash_in_mid_migration_is_mended_by_the_next_run() {
    let server = Server::shared().await;
    let names = server.databases().await;
    let options = server.options(Store::Clientes, &names[Store::Clientes]);
    execute(&options, "UPDATE _sqlx_migrations SET success = FALSE").await;
    assert!(matches!(check(Store::Clientes, &options).await, Ok(SchemaState::Behind(1..))));
    assert!(matches!(migrate(Store::Clientes, &options).await, Ok(1..)));
    assert!(matches!(check(Store::Clientes, &options).await, Ok(SchemaState::Current)));
}

#[tokio::test]
async fn a_newer_or_a_changed_schema_is_refused() {
    let server = Server::shared().await;
    let names = server.databases().await;
    let options = server.options(Store::Catalogo, &names[Store::Catalogo]);
    execute(&options, "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (999, 'x', TRUE, 'x', 0)").await;
    let error = migrate(Store::Catalogo, &options).await.expect_err("refused");
    assert!(matches!(error, MigrationError::Newer { version: 999, .. }));
    assert!(error.to_string().contains("upgrade the program"));
    execute(&options, "UPDATE _sqlx_migrations SET version = 998 WHERE version = 999; DELETE FROM _sqlx_migrations WHERE version = 998; UPDATE _sqlx_migrations SET checksum = 'x'").await;
    assert!(matches!(
        migrate(Store::Catalogo, &options).await,
        Err(MigrationError::Changed { version: 1, .. })
    ));
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_says_what_to_do() {
    let server = Server::shared().await;
    let missing = server.options(Store::Clientes, "qt_nowhere");
    let error = migrate(Store::Clientes, &missing).await.expect_err("refused").to_string();
    assert!(error.contains("store clientes") && error.contains("create the database"), "{error}");
    let stranger = server.url("qt_nowhere").replacen("root@", "estranho:segredo@", 1);
    let stranger = options(Store::Clientes, &stranger).expect("a URL");
    let error = migrate(Store::Clientes, &stranger).await.expect_err("refused").to_string();
    assert!(error.contains("check the user and password") && !error.contains("segredo"), "{error}");
    let closed = options(Store::Clientes, "mysql://root@127.0.0.1:1/clientes").expect("a URL");
    let error = migrate(Store::Clientes, &closed).await.expect_err("refused").to_string();
    assert!(error.contains("is the server running"), "{error}");
}

/// Whatever keeps us from a server, the server is named, and no password.
#[tokio::test]
async fn a_server_that_is_silent_or_not_safe_is_named() {
    let server = Server::shared().await;
    let proxy = Proxy::start(server.target()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let silent = silent.local_addr().expect("bound").port();
    for (port, parameters, place) in [
        (proxy.port(), "?ssl-mode=VERIFY_IDENTITY", proxy.port()),
        (proxy.port(), "?ssl-mode=VERIFY_CA", proxy.port()),
        (silent, "", silent),
    ] {
        let url = format!("mysql://root:segredo@127.0.0.1:{port}/qt_nowhere{parameters}");
        let options = options(Store::Clientes, &url).expect("a URL");
        let error = migrate(Store::Clientes, &options).await.expect_err("refused").to_string();
        assert!(error.starts_with("store clientes: cannot connect: "), "{error}");
        assert!(error.contains(&format!("127.0.0.1:{place}: ")) && !error.contains("segredo"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_table_is_the_store_s_trouble_and_no_other_s() {
    let server = Server::shared().await;
    let names = server.databases().await;
    let options = server.options(Store::Enderecos, &names[Store::Enderecos]);
    execute(&options, "DROP TABLE endereco").await;
    let app = TestApp::over(&names).await;
    let answer = app.ask("{ clientes { total } enderecos { total } }").await;
    assert_eq!(answer.codes(), ["STORE_UNAVAILABLE"]);
    assert_eq!(answer.json["data"]["clientes"]["total"], 0);
}

/// What the server says of a fresh store is what is kept beside its migrations.
#[tokio::test]
async fn the_kept_schemas_are_those_of_fresh_stores() {
    let (server, databases) = (Server::shared().await, Server::shared().await.databases().await);
    let acessos = server.acessos().await;
    for store in AnyStore::ALL {
        let options = match store {
            AnyStore::One(store) => server.options(store, &databases[store]),
            AnyStore::Acessos => options(store, &server.url(&acessos)).expect("a URL of ours"),
        };
        let mut mysql = connect(&options, None).await.expect("a connection").into_mysql();
        let actual = schema::actual(&mut mysql).await.expect("read");
        let file = format!("{}/migrations/{store}/SCHEMA", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("QUARTETO_TEST_REWRITE").is_some() {
            std::fs::write(&file, schema::printed(&actual)).expect("written");
        } else {
            assert_eq!(schema::printed(&schema::expected(store)), schema::printed(&actual), "{store}");
        }
    }
}

#[tokio::test]
async fn a_table_that_was_changed_by_hand_is_told_to_the_last_index() {
    let (server, databases) = (Server::shared().await, Server::shared().await.databases().await);
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    execute(
        &options,
        "ALTER TABLE catalogo DROP KEY catalogo_preco, MODIFY preco FLOAT NULL, \
         MODIFY id BIGINT UNSIGNED NOT NULL, ALTER disponivel DROP DEFAULT, \
         MODIFY criado_em DATETIME(6) NOT NULL DEFAULT '2020-01-01 00:00:00', \
         MODIFY atualizado_em DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), \
         DROP KEY catalogo_nome, ADD KEY catalogo_nome (nome(10), id)",
    )
    .await;
    let state = check(Store::Catalogo, &options).await.expect("looked at");
    assert_eq!(
        state,
        SchemaState::Differs(
            [
                "catalogo key catalogo_nome is key (nome(10), id), expected key (nome, id)",
                "catalogo key catalogo_preco is missing (key (preco, id))",
                "catalogo.atualizado_em is datetime(6) not null default current_timestamp(6) on update current_timestamp(6), \
                 expected datetime(6) not null default current_timestamp(6)",
                "catalogo.criado_em is datetime(6) not null default '2020-01-01 00:00:00.000000', \
                 expected datetime(6) not null default current_timestamp(6)",
                "catalogo.disponivel is tinyint not null, expected tinyint not null default '1'",
                "catalogo.id is bigint unsigned not null, expected bigint unsigned not null auto_increment",
                "catalogo.preco is float null, expected decimal(12,2) not null",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

/// What was added to a table: what a row of ours can be written beside is nobody's
/// business.
#[tokio::test]
async fn what_was_added_is_told_where_it_keeps_rows_out() {
    let (server, databases) = (Server::shared().await, Server::shared().await.databases().await);
    let options = server.options(Store::Catalogo, &databases[Store::Catalogo]);
    execute(
        &options,
        "ALTER TABLE catalogo ADD COLUMN cor VARCHAR(20), ADD KEY catalogo_cor (cor(5)), \
         ADD COLUMN peso INT NOT NULL DEFAULT 0, ADD COLUMN dobro DECIMAL(14,2) AS (preco * 2) VIRTUAL, \
         ADD COLUMN ficha JSON; \
         CREATE TABLE loja (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, nome VARCHAR(20) NOT NULL UNIQUE)",
    )
    .await;
    assert_eq!(check(Store::Catalogo, &options).await.expect("looked at"), SchemaState::Current);
    execute(
        &options,
        "ALTER TABLE catalogo ADD COLUMN loja INT NOT NULL, ADD UNIQUE KEY um_nome (nome), \
         ADD CONSTRAINT caro CHECK (preco > 1), ADD CONSTRAINT da_loja FOREIGN KEY (id) REFERENCES loja (id); \
         CREATE TABLE vitrine (item BIGINT UNSIGNED NOT NULL PRIMARY KEY, CONSTRAINT do_item FOREIGN KEY (item) REFERENCES catalogo (id))",
    )
    .await;
    let state = check(Store::Catalogo, &options).await.expect("looked at");
    assert_eq!(
        state,
        SchemaState::Differs(
            [
                "catalogo constraint caro is added (check): writes may be refused",
                "catalogo constraint da_loja is added (foreign key): writes may be refused",
                "catalogo constraint do_item is added (foreign key of vitrine): writes may be refused",
                "catalogo key um_nome is added (unique (nome)): writes may be refused",
                "catalogo.loja is added (int not null): new rows are refused",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

#[tokio::test]
async fn tables_of_somebody_else_are_named_and_left_as_they_are() {
    let server = Server::shared().await;
    let names = server.empty_databases().await;
    for (store, table, begins) in [
        (
            Store::Clientes,
            "CREATE TABLE cadastro (codigo MEDIUMINT UNSIGNED NOT NULL PRIMARY KEY, nome VARCHAR(120) CHARACTER SET latin1 NOT NULL) ENGINE=MyISAM",
            "store clientes: the table `cadastro` is not Quarteto's, and nothing was changed: cadastro engine is myisam, expected innodb; ",
        ),
        (
            Store::Enderecos,
            "CREATE TABLE `Endereço` (`ID` INT NOT NULL AUTO_INCREMENT PRIMARY KEY, `rua` VARCHAR(100))",
            "store enderecos: the table `Endereço` is not Quarteto's, and nothing was changed: `Endereço` should be called `endereco`; ",
        ),
    ] {
        let options = server.options(store, &names[store]);
        execute(&options, table).await;
        for _ in 0..2 {
            let refused = migrate(store, &options).await.expect_err("refused").to_string();
            assert!(refused.starts_with(begins), "{refused}");
            assert!(refused.contains("`quarteto adopt`"), "{refused}");
            assert!(!refused.contains("rename"), "{refused}");
            assert!(check(store, &options).await.is_err());
        }
        let mut mysql = connect(&options, None).await.expect("a connection").into_mysql();
        let (tables,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()")
                .fetch_one(&mut mysql)
                .await
                .expect("counted");
        assert_eq!(tables, 1, "nothing was made");
    }
}

#[tokio::test]
async fn all_tables_of_somebody_else_are_named_and_how_to_be_rid_of_them() {
    let server = Server::shared().await;
    let names = server.empty_databases().await;
    let options = server.options(Store::Clientes, &names[Store::Clientes]);
    execute(&options, "CREATE TABLE outbox (id INT PRIMARY KEY); CREATE TABLE titular (id INT PRIMARY KEY)")
        .await;
    let refused = migrate(Store::Clientes, &options).await.expect_err("refused").to_string();
    assert!(
        refused.starts_with(
            "store clientes: the tables `outbox`, `titular` are not Quarteto's, and nothing was changed: outbox "
        ),
        "{refused}"
    );
    assert!(refused.contains("; titular key titular_feito_em is missing"), "{refused}");
    assert!(
        refused.ends_with("; rename `outbox`, `titular`, or give the store a database of its own"),
        "{refused}"
    );
    execute(&options, "CREATE TABLE Cadastro (id INT PRIMARY KEY)").await;
    let refused = migrate(Store::Clientes, &options).await.expect_err("refused").to_string();
    assert!(refused.contains("the tables `Cadastro`, `outbox`, `titular` are not Quarteto's"), "{refused}");
    assert!(
        refused.ends_with(
            "; `quarteto adopt` takes the rows of `Cadastro` in, and so does `quarteto import --from`; \
             rename `outbox`, `titular`, or give the store a database of its own"
        ),
        "{refused}"
    );
}

/// A record of migrations that is another program's, or another store's.
#[tokio::test]
async fn a_record_of_migrations_that_is_not_ours_is_told() {
    const RECORD: &str = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
        execution_time BIGINT NOT NULL); \
        INSERT INTO _sqlx_migrations VALUES (1, 'create users', DEFAULT, TRUE, 'x', 0), (20240101120000, 'roles', DEFAULT, TRUE, 'y', 0)";
    let server = Server::shared().await;
    let (names, ours) = (server.empty_databases().await, server.databases().await);
    let stranger = "store clientes: the table `_sqlx_migrations` is another program's, and nothing was changed: \
                    its first migration is 1 `create users`; give the store a database of its own";
    for (options, record, told) in [
        (server.options(Store::Clientes, &names[Store::Clientes]), RECORD, stranger),
        (
            server.options(Store::Clientes, &names[Store::Enderecos]),
            "CREATE TABLE _sqlx_migrations (id INT)",
            "store clientes: the table `_sqlx_migrations` is another program's, and nothing was changed: \
             it has no column `version`; give the store a database of its own",
        ),
        (
            server.options(Store::Clientes, &ours[Store::Catalogo]),
            "DO 0",
            "store clientes: this is the database of the store catalogo, and nothing was changed; \
             correct QUARTETO_CLIENTES_URL",
        ),
    ] {
        execute(&options, record).await;
        let refused = migrate(Store::Clientes, &options).await.expect_err("refused").to_string();
        assert_eq!(refused, told);
        assert_eq!(check(Store::Clientes, &options).await.expect_err("refused").to_string(), told);
    }
    // Nor does an adoption take such a table for one of ours.
    let mut mysql = connect(&server.options(Store::Clientes, &names[Store::Clientes]), None)
        .await
        .expect("a connection")
        .into_mysql();
    let refused = schema::is_migrated(&mut mysql).await.expect_err("refused").to_string();
    assert!(refused.contains("another program's"), "{refused}");
    let ours = server.options(Store::Clientes, &ours[Store::Clientes]);
    let mut mysql = connect(&ours, None).await.expect("a connection").into_mysql();
    assert!(schema::is_migrated(&mut mysql).await.expect("looked at"));
}

/// A server whose data folder is called `link`, whatever it is.
async fn server_at(link: &Path, folder: &Path) -> LocalDatabase {
    let _ = std::fs::remove_file(link);
    symlink(folder.join("mariadb"), link).expect("linked");
    let place = format!("--datadir={}", link.display());
    LocalDatabase::start(folder, &[&place]).await.expect("a server of its own")
}

/// Two containers are called alike, listen alike, and keep their data in folders called
/// alike.
#[tokio::test]
async fn two_servers_that_look_alike_are_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("data");
    let one = server_at(&link, &folder.path().join("one")).await;
    let other = server_at(&link, &folder.path().join("other")).await;
    let at = |server: &LocalDatabase, store, database| {
        options(store, &server.url(database)).expect("a URL of ours")
    };
    let stores = |enderecos: &LocalDatabase| {
        PerStore::from_fn(|store| match store {
            Store::Enderecos => at(enderecos, store, "clientes"),
            other => at(&one, other, other.database()),
        })
    };
    assert_eq!(not_apart(&stores(&other)).await, None);
    assert_eq!(not_apart(&stores(&one)).await, Some((Store::Clientes, Store::Enderecos)));
}

/// As long as a store may take before it is written to; and not for ever.
#[tokio::test]
async fn a_slow_store_is_asked_and_one_that_is_down_is_passed_over() {
    let server = Server::shared().await;
    let names = server.empty_databases().await;
    let mut proxy = Proxy::start(server.target()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let silent = silent.local_addr().expect("bound").port();
    let urls = PerStore::from_fn(|store| match store {
        Store::Clientes => server.url(&names[store]),
        Store::Enderecos => "mysql://root@127.0.0.1:1/enderecos".to_owned(),
        Store::Catalogo => format!("mysql://root@127.0.0.1:{silent}/catalogo"),
        Store::Inventario => server.url_through(proxy.port(), &names[Store::Clientes]),
    });
    let stores = PerStore::from_fn(|store| options(store, &urls[store]).expect("a URL"));
    proxy.hold();
    let slow = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.restore().await;
    };
    let (found, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(30), not_apart(&stores)), slow);
    assert_eq!(found.expect("in bounded time"), Some((Store::Clientes, Store::Inventario)));
}
