//! The true state of a store's tables: what the server says of them, compared with what
//! it says of freshly made ones. Which migrations ran tells what was meant; this tells
//! what there is.
//!
//! What there should be stands in `migrations/<store>/SCHEMA`, which a test writes from a
//! fresh store (`QUARTETO_TEST_REWRITE=1`) and compares on every server that it runs on. A
//! line is a column, a key, a constraint or an engine: its name, and then what it is.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use super::{AnyStore, Store};

/// What there is, or should be: by its name, what it is.
pub type Schema = BTreeMap<String, String>;

/// What should be there.
#[must_use]
pub fn expected(store: AnyStore) -> Schema {
    let text = match store {
        AnyStore::One(Store::Clientes) => include_str!("../../migrations/clientes/SCHEMA"),
        AnyStore::One(Store::Enderecos) => include_str!("../../migrations/enderecos/SCHEMA"),
        AnyStore::One(Store::Catalogo) => include_str!("../../migrations/catalogo/SCHEMA"),
        AnyStore::One(Store::Inventario) => include_str!("../../migrations/inventario/SCHEMA"),
        AnyStore::Acessos => include_str!("../../migrations/acessos/SCHEMA"),
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
/// Whatever the driver says, or that the record of migrations is another program's.
pub async fn is_migrated(mysql: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    super::migrations::has_ours(mysql).await
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
    engines(mysql, &mut schema).await?;
    columns(mysql, &mut schema).await?;
    keys(mysql, &mut schema).await?;
    constraints(mysql, &mut schema).await?;
    Ok(schema)
}

async fn engines(mysql: &mut MySqlConnection, schema: &mut Schema) -> Result<(), sqlx::Error> {
    // A table that the server cannot open has none.
    let engines: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(COALESCE(LOWER(engine), 'none') AS CHAR) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(mysql)
    .await?;
    schema.extend(engines.into_iter().map(|(table, engine)| (format!("{table} engine"), engine)));
    Ok(())
}

async fn columns(mysql: &mut MySqlConnection, schema: &mut Schema) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)").fetch_one(&mut *mysql).await?;
    let is_mariadb = version.contains("MariaDB");
    type Column = (String, String, String, Option<String>, String, Option<String>, String);
    let columns: Vec<Column> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(LOWER(column_type) AS CHAR), \
                CAST(collation_name AS CHAR), CAST(is_nullable AS CHAR), CAST(column_default AS CHAR), \
                CAST(LOWER(extra) AS CHAR) \
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(mysql)
    .await?;
    for (table, column, kind, collation, nullable, default, extra) in columns {
        let null = if nullable == "YES" { "null" } else { "not null" };
        let default = default.and_then(|text| written_default(&text, &extra, is_mariadb));
        let extra = as_expression(extra.replace("default_generated", "").trim());
        let words = [
            Some(without_width(&kind)),
            collation,
            Some(null.to_owned()),
            default.map(|default| format!("default {default}")),
            Some(extra).filter(|extra| !extra.is_empty()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        schema.insert(format!("{table}.{column}"), words.join(" "));
    }
    Ok(())
}

async fn keys(mysql: &mut MySqlConnection, schema: &mut Schema) -> Result<(), sqlx::Error> {
    // MySQL's keys may have an expression where there is no column.
    let keys: Vec<(String, String, i64, String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(index_name AS CHAR), CAST(MAX(non_unique) AS SIGNED), \
                CAST(MAX(index_type) AS CHAR), CAST(GROUP_CONCAT(CONCAT(COALESCE(column_name, 'expression'), \
                    IF(sub_part IS NULL, '', CONCAT('(', sub_part, ')'))) ORDER BY seq_in_index SEPARATOR ', ') AS CHAR) \
         FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name <> '_sqlx_migrations' \
         GROUP BY table_name, index_name",
    )
    .fetch_all(mysql)
    .await?;
    for (table, key, repeats, kind, columns) in keys {
        let kind = match (&*kind, repeats) {
            ("FULLTEXT", _) => "fulltext",
            (_, 0) => "unique",
            _ => "key",
        };
        schema.insert(format!("{table} key {key}"), format!("{kind} ({columns})"));
    }
    Ok(())
}

/// Rules beside the keys, of a table or, where rows refer to it, of another.
async fn constraints(mysql: &mut MySqlConnection, schema: &mut Schema) -> Result<(), sqlx::Error> {
    let constraints: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT CAST(table_name AS CHAR), CAST(constraint_name AS CHAR), CAST(LOWER(constraint_type) AS CHAR) \
         FROM information_schema.table_constraints \
         WHERE table_schema = DATABASE() AND constraint_type IN ('CHECK', 'FOREIGN KEY') \
         UNION ALL \
         SELECT CAST(referenced_table_name AS CHAR), CAST(constraint_name AS CHAR), \
                CAST(CONCAT('foreign key of ', table_name) AS CHAR) \
         FROM information_schema.referential_constraints \
         WHERE constraint_schema = DATABASE() AND referenced_table_name <> table_name",
    )
    .fetch_all(mysql)
    .await?;
    for (table, constraint, kind) in constraints {
        schema.insert(format!("{table} constraint {constraint}"), kind);
    }
    Ok(())
}

/// A column's default, as both servers could write it: MariaDB writes a text in quotes and
/// NULL where there is none; MySQL writes a text as it is, and says beside it when it is
/// none.
fn written_default(text: &str, extra: &str, is_mariadb: bool) -> Option<String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match is_mariadb {
        true if text == "NULL" => None,
        true if text.starts_with('\'') => Some(text.to_owned()),
        true if text.parse::<f64>().is_ok() => Some(quoted(text)),
        false if !extra.contains("default_generated") => Some(quoted(text)),
        _ => Some(as_expression(text)),
    }
}

/// An expression in one spelling of the two that the servers have.
fn as_expression(text: &str) -> String {
    text.to_ascii_lowercase()
        .replace('`', "")
        .replace("current_timestamp()", "current_timestamp")
        .replace("lcase(", "lower(")
        .replace("ucase(", "upper(")
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

/// What is missing or other than it should be, and what was added and may keep our rows
/// out, one sentence each. What else there is besides is nobody's business.
#[must_use]
pub fn differences(expected: &Schema, actual: &Schema) -> Vec<String> {
    let compare = |(name, what): (&String, &String)| match actual.get(name) {
        None => Some(format!("{name} is missing ({what})")),
        Some(there) if there != what => Some(format!("{name} is {there}, expected {what}")),
        Some(_) => None,
    };
    let ours = tables(expected);
    let added = actual.iter().filter(|(name, _)| {
        !expected.contains_key(*name) && ours.iter().any(|table| is_of_table(name, table))
    });
    let refused = added.filter_map(|(name, what)| {
        let how =
            in_the_way(name, what, |column| actual.contains_key(column) && !expected.contains_key(column))?;
        Some(format!("{name} is added ({what}): {how}"))
    });
    expected.iter().filter_map(compare).chain(refused).collect()
}

/// How what was added stands in the way of writes that know nothing of it, if it does.
fn in_the_way(name: &str, what: &str, is_added_column: impl Fn(&str) -> bool) -> Option<&'static str> {
    // MariaDB names a rule on one column like the column, and has one on each of JSON. It
    // says nothing of rows that have no value there.
    let is_on_added_column =
        |(table, constraint): (&str, &str)| is_added_column(&format!("{table}.{constraint}"));
    match name.split_once(" constraint ") {
        Some(place) if what == "check" && is_on_added_column(place) => None,
        Some(_) => Some("writes may be refused"),
        None if what.starts_with("unique ") => Some("writes may be refused"),
        None if what.ends_with(" not null") => Some("new rows are refused"),
        None => None,
    }
}

/// The part of a schema that is about one table.
#[must_use]
pub fn of_table(schema: &Schema, table: &str) -> Schema {
    let of_it = schema.iter().filter(|(name, _)| is_of_table(name, table));
    of_it.map(|(name, what)| (name.clone(), what.clone())).collect()
}

fn is_of_table(name: &str, table: &str) -> bool {
    name.strip_prefix(table).is_some_and(|rest| rest.starts_with(['.', ' ']))
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
    fn what_was_added_is_told_where_it_is_in_the_way() {
        let schema = |lines: &[(&str, &str)]| -> Schema {
            lines.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect()
        };
        let expected = schema(&[("t engine", "innodb"), ("t.a", "int not null")]);
        let mut actual = expected.clone();
        actual.extend(schema(&[
            ("t.b", "text null"),
            ("t.c", "int not null default '0'"),
            ("t.d", "int not null auto_increment"),
            ("t.e", "int not null stored generated"),
            ("t key d", "key (d)"),
            ("t.j", "longtext null"),
            ("t constraint j", "check"),
            ("tt.z", "int not null"),
            ("tt key z", "unique (z)"),
        ]));
        assert_eq!(differences(&expected, &actual), Vec::<String>::new());
        actual.extend(schema(&[
            ("t.x", "int not null"),
            ("t key y", "unique (a)"),
            ("t constraint a", "check"),
            ("t constraint z", "foreign key of tt"),
        ]));
        assert_eq!(
            differences(&expected, &actual),
            [
                "t constraint a is added (check): writes may be refused",
                "t constraint z is added (foreign key of tt): writes may be refused",
                "t key y is added (unique (a)): writes may be refused",
                "t.x is added (int not null): new rows are refused",
            ]
        );
    }

    /// As MariaDB 10.11 and MySQL 9 write them.
    #[test]
    fn a_default_is_the_same_however_a_server_writes_it() {
        for (mariadb, (mysql, extra), plain) in [
            ("'BR'", ("BR", ""), "'BR'"),
            ("1", ("1", ""), "'1'"),
            ("1.00", ("1.00", ""), "'1.00'"),
            (
                "'2020-01-01 00:00:00.000000'",
                ("2020-01-01 00:00:00.000000", ""),
                "'2020-01-01 00:00:00.000000'",
            ),
            ("current_timestamp(6)", ("CURRENT_TIMESTAMP(6)", "default_generated"), "current_timestamp(6)"),
            ("current_timestamp()", ("CURRENT_TIMESTAMP", "default_generated"), "current_timestamp"),
            ("lcase(`email`)", ("lower(`email`)", "default_generated"), "lower(email)"),
            ("'NULL'", ("NULL", ""), "'NULL'"),
        ] {
            assert_eq!(written_default(mariadb, "", true).as_deref(), Some(plain));
            assert_eq!(written_default(mysql, extra, false).as_deref(), Some(plain));
        }
        assert_eq!(written_default("NULL", "", true), None);
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
