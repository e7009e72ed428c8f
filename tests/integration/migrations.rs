//! Schemas: made, checked, refused.

use quarteto::db::migrations::{MigrationError, SchemaState, check};
use quarteto::db::schema;
use quarteto::db::{Store, connect, options};
use quarteto::stores::migrate;
use sqlx::mysql::MySqlConnectOptions;

use crate::support::TestApp;
use crate::support::server::Server;

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
    for store in Store::ALL {
        let options = server.options(store, &databases[store]);
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
        "ALTER TABLE catalogo DROP KEY catalogo_preco, MODIFY preco FLOAT NULL, ADD COLUMN cor VARCHAR(20), ADD KEY catalogo_cor (cor)",
    )
    .await;
    let state = check(Store::Catalogo, &options).await.expect("looked at");
    assert_eq!(
        state,
        SchemaState::Differs(vec![
            "catalogo key catalogo_preco is missing (key (preco, id))".to_owned(),
            "catalogo.preco is float null, expected decimal(12,2) not null".to_owned(),
        ])
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
            "store enderecos: the table `Endereço` is not Quarteto's, and nothing was changed: it is called `Endereço`, expected `endereco`; ",
        ),
    ] {
        let options = server.options(store, &names[store]);
        execute(&options, table).await;
        for _ in 0..2 {
            let refused = migrate(store, &options).await.expect_err("refused").to_string();
            assert!(refused.starts_with(begins), "{refused}");
            assert!(refused.contains("`quarteto adopt`"), "{refused}");
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
