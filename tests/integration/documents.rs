//! Documents that are refused before any store is asked.

use crate::support::{TestApp, app::send, json};

#[tokio::test]
async fn what_cannot_be_parsed_or_validated_says_where() {
    let app = TestApp::start().await;
    let answer = app.ask("{ cliente(id: 1) { nome }").await;
    assert_eq!(answer.codes(), ["GRAPHQL_PARSE_FAILED"]);
    assert_eq!(answer.json["errors"][0]["locations"], json!([{ "line": 1, "column": 26 }]));
    let answer = app.ask("{ cliente(id: 1) { senha } }").await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    assert_eq!(answer.json["errors"][0]["message"], "Unknown field \"senha\" on type \"Cliente\".");
    assert_eq!(answer.json.get("data"), None);
}

#[tokio::test]
async fn the_introspection_of_tools_passes() {
    let app = TestApp::start().await;
    let query = include_str!("introspection.graphql");
    let body = json!({ "query": query, "operationName": "IntrospectionQuery" });
    let answer = send(app.request(reqwest::Method::POST, "/graphql").json(&body)).await;
    assert_eq!(answer.json.get("errors"), None);
    let types = answer.json["data"]["__schema"]["types"].as_array().expect("types");
    let undescribed: Vec<String> = types.iter().filter_map(undescribed).flatten().collect();
    assert_eq!(undescribed, Vec::<String>::new());
    let specified = |name: &str| {
        let scalar = types.iter().find(|found| found["name"] == name).expect("a scalar");
        scalar["specifiedByURL"].as_str().map(str::to_owned)
    };
    assert_eq!(
        specified("DateTime").as_deref(),
        Some("https://scalars.graphql.org/andimarek/date-time.html")
    );
    assert_eq!(specified("Date").as_deref(), Some("https://scalars.graphql.org/andimarek/local-date.html"));
}

/// What of a type has no description.
fn undescribed(found: &serde_json::Value) -> Option<Vec<String>> {
    let name = found["name"].as_str()?;
    if name.starts_with("__") || name == "ID" {
        return None;
    }
    let mut missing = Vec::new();
    let mut check = |what: String, node: &serde_json::Value| {
        if node["description"].as_str().is_none_or(str::is_empty) {
            missing.push(what);
        }
    };
    check(name.to_owned(), found);
    for members in ["fields", "inputFields", "enumValues"] {
        for member in found[members].as_array().into_iter().flatten() {
            let place = format!("{name}.{}", member["name"].as_str()?);
            check(place.clone(), member);
            for argument in member["args"].as_array().into_iter().flatten() {
                check(format!("{place}({})", argument["name"].as_str()?), argument);
            }
        }
    }
    Some(missing)
}
