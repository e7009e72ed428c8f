//! The one place that every error of an operation passes on its way out: it gets
//! a code and the request's id, and loses what the client may not know.
//!
//! Resolvers fail with [`GraphError`](crate::kernel::GraphError), whose sentences
//! are fixed and whose code is set. What has no code comes from the executor,
//! whose sentences speak of the schema and of the client's own values alone. An
//! error that carries a source was made from a failure of a library: its text
//! could say anything, so it goes to the log and the client gets
//! `Internal error.`

use async_graphql::ServerError;

use super::messages::HINT;
use crate::kernel::{code, code_of};

/// All that is said of a mistake of ours.
pub(super) const INTERNAL_SENTENCE: &str = "Internal error.";

/// Completes and masks `errors`. Hints at names in the schema are for those who
/// may ask for the schema.
pub(super) fn mask(errors: &mut [ServerError], id: &str, may_introspect: bool) {
    for error in errors {
        if error.source.is_some() {
            tracing::error!(error = error.message, "an error without a code of ours");
            INTERNAL_SENTENCE.clone_into(&mut error.message);
            error.extensions = None;
            error.extensions.get_or_insert_default().set("code", code::INTERNAL);
        }
        if !may_introspect && let Some(at) = error.message.find(HINT) {
            error.message.truncate(at);
        }
        let missing = code_of(error).is_none();
        // Before execution errors are about the document, in it about a value.
        let fallback =
            if error.path.is_empty() { code::GRAPHQL_VALIDATION_FAILED } else { code::BAD_USER_INPUT };
        let values = error.extensions.get_or_insert_default();
        if missing {
            values.set("code", fallback);
        }
        values.set("requestId", id);
        error.source = None;
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use serde_json::json;

    use super::*;

    struct Query;

    #[Object]
    impl Query {
        fn leaks(&self) -> async_graphql::Result<i32> {
            "SELECT * FROM clientes.cadastro".parse::<i32>()?;
            Err(std::io::Error::other("10.0.0.7:3306 refused").into())
        }
    }

    async fn masked(query: &str, may_introspect: bool) -> serde_json::Value {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let mut answer = schema.execute(query).await;
        mask(&mut answer.errors, "id-1", may_introspect);
        serde_json::to_value(&answer.errors).expect("JSON")
    }

    #[tokio::test]
    async fn what_a_library_says_is_not_told() {
        let errors = masked("{ leaks }", true).await;
        assert_eq!(errors[0]["message"], "Internal error.");
        assert_eq!(errors[0]["extensions"], json!({ "code": "INTERNAL", "requestId": "id-1" }));
        assert_eq!(errors[0]["path"], json!(["leaks"]));
    }

    #[tokio::test]
    async fn hints_are_for_those_who_may_see_the_schema() {
        for query in
            ["{ leak }", "{ leaks @skipp(if: true) }", "{ leaks @skip(iff: true) }", "{ leaks(a: 1) }"]
        {
            assert!(!masked(query, false).await.to_string().contains("id you mean"), "{query}");
        }
        let errors = masked("{ leak }", true).await;
        assert_eq!(errors[0]["message"], "Unknown field \"leak\" on type \"Query\". Did you mean \"leaks\"?");
    }
}
