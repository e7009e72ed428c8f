//! The schemas that are kept beside the code: what is served, and what each
//! store would serve alone.

use std::path::Path;

use quarteto::db::Store;
use quarteto::schema;

/// Compares with the file, or rewrites it.
fn keep(path: &str, sdl: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("QUARTETO_TEST_REWRITE").is_some() {
        std::fs::write(&file, sdl).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == sdl, "{path} is not what the program serves; `make schema` rewrites it");
}

#[test]
fn the_merged_schema_is_the_one_that_is_kept() {
    keep("schema.graphql", &schema::merged_sdl());
}

#[test]
fn every_store_builds_its_subgraph() {
    for store in Store::ALL {
        let sdl = schema::subgraph_sdl(store);
        assert!(sdl.contains("@key(fields: \"id\")"), "{store}");
        keep(&format!("subgraphs/{store}.graphql"), &sdl);
    }
    keep("subgraphs/nos.graphql", &schema::nos_sdl());
}
