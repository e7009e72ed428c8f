//! How the database does a statement: its EXPLAIN, without the values that it was asked with.

use serde_json::{Map, Value};

use super::statement::intern;
use super::{Db, Statement};

/// Members whose texts are names of the schema or words of the database. All other texts are
/// left out: conditions show the values that were bound.
const WORDS: [&str; 13] = [
    "access_type",
    "index_access_type",
    "index_name",
    "join_type",
    "key",
    "key_length",
    "message",
    "possible_keys",
    "query_type",
    "ref",
    "schema_name",
    "table_name",
    "used_key_parts",
];

/// Members that are large and say nothing about how a statement is done.
const LEFT_OUT: [&str; 2] = ["used_columns", "cost_info"];

impl Db {
    /// How the database does a statement that reads, as it says in JSON (MariaDB and MySQL have
    /// members of their own); none of one that writes, or when the store does not answer.
    pub async fn explain(&self, statement: &Statement) -> Option<Value> {
        if !statement.text.starts_with("SELECT") || self.resting_because().is_some() {
            return None;
        }
        let mut asked = statement.clone();
        asked.text = intern(format!("EXPLAIN FORMAT=JSON {}", statement.text));
        let rows = self.attempt::<(String,)>(&asked).await.ok()?;
        let (text,) = rows.into_iter().next()?.ok()?;
        Some(without_values(serde_json::from_str(&text).ok()?))
    }
}

fn without_values(plan: Value) -> Value {
    match plan {
        Value::Object(members) => {
            let kept = members.into_iter().filter_map(|(name, value)| {
                let is_word = WORDS.contains(&name.as_str());
                let kept = match value {
                    _ if LEFT_OUT.contains(&name.as_str()) => return None,
                    Value::String(_) if !is_word => return None,
                    Value::Array(items) if !is_word => Value::Array(
                        items.into_iter().filter(|item| !item.is_string()).map(without_values).collect(),
                    ),
                    Value::Object(_) => without_values(value),
                    other => other,
                };
                Some((name, kept))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_that_was_bound_is_left() {
        let plan = json!({"query_block": {
            "select_id": 1, "operation": "Filter: (cpf = '52998224725')",
            "nested_loop": [{"table": {
                "table_name": "cadastro", "key": "cpf", "used_key_parts": ["cpf"], "ref": ["const"], "rows": 1,
                "attached_condition": "cadastro.cpf = '52998224725'", "ranges": ["(52998224725)"],
                "used_columns": ["id"]
            }}]
        }});
        let left = json!({"query_block": {
            "select_id": 1,
            "nested_loop": [{"table": {
                "table_name": "cadastro", "key": "cpf", "used_key_parts": ["cpf"], "ref": ["const"], "rows": 1,
                "ranges": []
            }}]
        }});
        assert_eq!(without_values(plan), left);
    }
}
