//! The true state of a store's tables: what the server says of them, compared with what
//! it says of freshly made ones. Which migrations ran tells what was meant; this tells
//! what there is.
//!
//! What there should be stands in `migrations/<store>/SCHEMA`, which a test writes from a
//! fresh store (`QUARTETO_TEST_REWRITE=1`) and compares on every server that it runs on. A
//! line is a column, a key or an engine: its name, and then what it is.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use super::Store;

/// What there is, or should be: by its name, what it is.
pub type Schema = BTreeMap<String, String>;

/// What should be there.
#[must_use]
pub fn expected(store: Store) -> Schema {
    let text = match store {
        Store::Clientes => include_str!("../../migrations/clientes/SCHEMA"),
        Store::Enderecos => include_str!("../../migrations/enderecos/SCHEMA"),
        Store::Catalogo => include_str!("../../migrations/catalogo/SCHEMA"),
        Store::Inventario => include_str!("../../migrations/inventario/SCHEMA"),
    };
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, what)| (name.into(), what.into()))
        .collect()
}

/// As it stands in a file.
#[must_use]
pub fn printed(schema: &Schema) -> String {
    schema.iter().map(|(name, what)| format!("{name}: {what}\n")).collect()
}

/// The tables of the database that a connection is to, by name.
///
/// # Errors
/// Whatever the driver says.
pub async fn table_names(mysql: &mut MySqlConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name",
    )
    .fetch_all(mysql)
    .await
}

/// Whether any migration of ours has begun there.
///
/// # Errors
/// Whatever the driver says.
pub async fn is_migrated(mysql: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    if !table_names(mysql).await?.iter().any(|name| name == "_sqlx_migrations") {
        return Ok(false);
    }
    let applied: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations").fetch_one(mysql).await?;
    Ok(applied > 0)
}

/// Gives a table another name, at once.
///
/// # Errors
/// Whatever the driver says; then it has its own.
pub async fn rename(mysql: &mut MySqlConnection, from: &str, to: &str) -> Result<(), sqlx::Error> {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let text = format!("RENAME TABLE {} TO {}", quoted(from), quoted(to));
    sqlx::raw_sql(AssertSqlSafe(text)).execute(mysql).await.map(|_| ())
}

/// What the server says of every table of its database but the record of migrations, in
/// words that MariaDB and MySQL share.
///
/// # Errors
/// Whatever the driver says.
pub async fn actual(mysql: &mut MySqlConnection) -> Result<Schema, sqlx::Error> {
    let mut schema = Schema::new();
    let engines: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(LOWER(engine) AS CHAR) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *mysql)
    .await?;
    schema.extend(engines.into_iter().map(|(table, engine)| (format!("{table} engine"), engine)));
    let columns: Vec<(String, String, String, Option<String>, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(LOWER(column_type) AS CHAR), \
                CAST(collation_name AS CHAR), CAST(is_nullable AS CHAR) \
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *mysql)
    .await?;
    for (table, column, kind, collation, nullable) in columns {
        let collation = collation.map(|collation| format!(" {collation}")).unwrap_or_default();
        let null = if nullable == "YES" { "null" } else { "not null" };
        schema.insert(format!("{table}.{column}"), format!("{}{collation} {null}", without_width(&kind)));
    }
    let keys: Vec<(String, String, i64, String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(index_name AS CHAR), CAST(MAX(non_unique) AS SIGNED), \
                CAST(MAX(index_type) AS CHAR), CAST(GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', ') AS CHAR) \
         FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name <> '_sqlx_migrations' \
         GROUP BY table_name, index_name",
    )
    .fetch_all(&mut *mysql)
    .await?;
    for (table, key, repeats, kind, columns) in keys {
        let kind = match (&*kind, repeats) {
            ("FULLTEXT", _) => "fulltext",
            (_, 0) => "unique",
            _ => "key",
        };
        schema.insert(format!("{table} key {key}"), format!("{kind} ({columns})"));
    }
    Ok(schema)
}

/// The width at which older servers would show a whole number, which means nothing.
fn without_width(kind: &str) -> String {
    match kind.split_once('(') {
        Some((name, rest)) if name.ends_with("int") => {
            format!("{name}{}", rest.split_once(')').map_or("", |(_, after)| after))
        }
        _ => kind.to_owned(),
    }
}

/// What is missing or other than it should be, one sentence each. What is there besides
/// is nobody's business, as long as rows can be written without it.
#[must_use]
pub fn differences(expected: &Schema, actual: &Schema) -> Vec<String> {
    let compare = |(name, what): (&String, &String)| match actual.get(name) {
        None => Some(format!("{name} is missing ({what})")),
        Some(there) if there != what => Some(format!("{name} is {there}, expected {what}")),
        Some(_) => None,
    };
    expected.iter().filter_map(compare).collect()
}

/// The part of a schema that is about one table.
#[must_use]
pub fn of_table(schema: &Schema, table: &str) -> Schema {
    let is_of = |name: &str| name.strip_prefix(table).is_some_and(|rest| rest.starts_with(['.', ' ']));
    schema.iter().filter(|(name, _)| is_of(name)).map(|(name, what)| (name.clone(), what.clone())).collect()
}

/// The tables that a schema is about.
#[must_use]
pub fn tables(schema: &Schema) -> Vec<&str> {
    schema.keys().filter_map(|name| name.strip_suffix(" engine")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_a_sentence() {
        let schema = |lines: &[(&str, &str)]| -> Schema {
            lines.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect()
        };
        let expected =
            schema(&[("t engine", "innodb"), ("t.a", "bigint unsigned not null"), ("t key x", "unique (a)")]);
        let actual = schema(&[("t engine", "myisam"), ("t.a", "int null"), ("t.b", "text null")]);
        assert_eq!(
            differences(&expected, &actual),
            [
                "t engine is myisam, expected innodb",
                "t key x is missing (unique (a))",
                "t.a is int null, expected bigint unsigned not null"
            ]
        );
        assert_eq!(differences(&expected, &expected), Vec::<String>::new());
        assert_eq!(tables(&expected), ["t"]);
        assert_eq!(of_table(&schema(&[("t.a", "x"), ("tt.a", "y")]), "t"), schema(&[("t.a", "x")]));
    }

    #[test]
    fn a_width_means_nothing() {
        for (kind, plain) in [
            ("bigint(20) unsigned", "bigint unsigned"),
            ("tinyint(1)", "tinyint"),
            ("varchar(20)", "varchar(20)"),
            ("decimal(12,2)", "decimal(12,2)"),
            ("int", "int"),
        ] {
            assert_eq!(without_width(kind), plain);
        }
    }
}
