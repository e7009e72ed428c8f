//! Logins: right, wrong, missing, malformed, changed.

use quarteto::auth::hash;
use quarteto::kernel::Papel;
use reqwest::Method;

use crate::support::app::{PASSWORD, send};
use crate::support::{TestApp, json};

const BODY: &str = r#"{"query":"{ eu { nome papel } }"}"#;

fn post(app: &TestApp) -> reqwest::RequestBuilder {
    app.anonymous(Method::POST, "/graphql").header("Content-Type", "application/json").body(BODY)
}

#[tokio::test]
async fn the_requester_is_in_the_context() {
    let app = TestApp::start().await;
    for (nome, papel) in [("leitor", "LEITOR"), ("admin", "ADMIN")] {
        let answer = send(post(&app).basic_auth(nome, Some(PASSWORD))).await;
        assert_eq!(answer.json, json!({ "data": { "eu": { "nome": nome, "papel": papel } } }));
        // Once more, from memory.
        assert_eq!(send(post(&app).basic_auth(nome, Some(PASSWORD))).await.json, answer.json);
    }
}

#[tokio::test]
async fn everything_but_health_asks_for_a_login() {
    let app = TestApp::start().await;
    for path in
        ["/", "/graphql", "/graphiql", "/ide/playground.js", "/schema.graphql", "/nothing", "/healthz/x"]
    {
        let answer = send(app.anonymous(Method::GET, path)).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Quarteto\", charset=\"UTF-8\""));
        assert_eq!(
            answer.only_error(),
            json!({ "message": "A login is required: HTTP Basic.", "extensions": { "code": "UNAUTHENTICATED" } })
        );
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(send(app.anonymous(Method::GET, path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn wrong_and_malformed_credentials() {
    let app = TestApp::start().await;
    let wrong = "Wrong user or password.";
    for (nome, password) in
        [("leitor", "errada"), ("ninguem", PASSWORD), ("", ""), ("leitor", ""), ("LEITOR", PASSWORD)]
    {
        let answer = send(post(&app).basic_auth(nome, Some(password))).await;
        assert_eq!((answer.status, &answer.only_error()["message"]), (401, &json!(wrong)), "{nome}");
    }
    let malformed = "The Authorization header is not HTTP Basic credentials.";
    let long = format!("Basic {}", "A".repeat(5000));
    for header in ["Basic", "Basic !!!", "Bearer abc", "basic bm9jb2xvbg==", "Basic /////w==", &long] {
        let answer = send(post(&app).header("Authorization", header)).await;
        assert_eq!(
            (answer.status, &answer.only_error()["message"]),
            (401, &json!(malformed)),
            "{header:.20}"
        );
    }
}

#[tokio::test]
async fn a_changed_users_file_counts_at_once() {
    let app = TestApp::start().await;
    let login = |password: &'static str| send(post(&app).basic_auth("leitor", Some(password)));
    assert_eq!(login(PASSWORD).await.status, 200);
    app.users().set_password("leitor", &hash("outra-senha").expect("hashed")).expect("changed");
    app.reload_users();
    assert_eq!(login(PASSWORD).await.status, 401, "the remembered login is forgotten");
    assert_eq!(login("outra-senha").await.status, 200);
    app.users().remove("leitor").expect("removed");
    app.reload_users();
    assert_eq!(login("outra-senha").await.status, 401);
}

#[tokio::test]
async fn a_half_written_users_file_keeps_the_old_users() {
    let app = TestApp::start().await;
    std::fs::write(app.users().path(), "leitor:$argon2id$v=19$m=19").expect("written");
    app.reload_users();
    assert_eq!(send(post(&app).basic_auth("leitor", Some(PASSWORD))).await.status, 200);
}

#[tokio::test]
async fn users_of_htpasswd_log_in_as_readers() {
    let app = TestApp::start().await;
    let bcrypt = bcrypt::hash("feito-por-htpasswd", 4).expect("hashed").replacen("$2b$", "$2y$", 1);
    std::fs::write(app.users().path(), format!("# by hand\n\nzoé:{bcrypt}\n")).expect("written");
    app.reload_users();
    let answer = send(post(&app).basic_auth("zoé", Some("feito-por-htpasswd"))).await;
    assert_eq!(answer.json, json!({ "data": { "eu": { "nome": "zoé", "papel": "LEITOR" } } }));
    let file = app.users();
    assert!(file.add("zoé", &hash("abcdefgh").expect("hashed"), Papel::Admin).is_err(), "is there already");
}

#[tokio::test]
async fn a_guesser_is_slowed_down_while_the_user_goes_on() {
    let app = TestApp::start().await;
    assert_eq!(send(post(&app).basic_auth("leitor", Some(PASSWORD))).await.status, 200);
    let mut statuses = Vec::new();
    for guess in 0..12 {
        let answer = send(post(&app).basic_auth("leitor", Some(format!("palpite-{guess}")))).await;
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).expect("a wait");
            assert!((1..=30).contains(&wait), "{wait}");
            let told = format!("Too many logins have failed; try again in {wait} s.");
            assert_eq!(answer.only_error()["message"], told);
            assert_eq!(answer.codes(), ["RATE_LIMITED"]);
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    // Remembered, and another name from the same address.
    assert_eq!(send(post(&app).basic_auth("leitor", Some(PASSWORD))).await.status, 200);
    assert_eq!(send(post(&app).basic_auth("admin", Some(PASSWORD))).await.status, 200);
}

/// Whoever is refused before the body was read is told that the connection ends: the next
/// request on it would be lost.
#[tokio::test]
async fn a_refusal_before_the_body_ends_the_connection() {
    let app = TestApp::start().await;
    for (request, status) in [
        (post(&app), 401),
        (post(&app).basic_auth("leitor", Some("errada")), 401),
        (app.request(Method::POST, "/nothing").body(BODY), 404),
        (app.request(Method::POST, "/schema.graphql").body(BODY), 405),
        (app.request(Method::POST, "/graphql").header("Content-Type", "text/plain").body(BODY), 415),
    ] {
        let answer = send(request).await;
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
    }
    let kept = send(app.anonymous(Method::GET, "/graphql")).await;
    assert_eq!((kept.status, kept.header("connection")), (401, None), "there is no body");
    let read = send(app.request(Method::POST, "/graphql").json(&json!({ "query": "{" }))).await;
    assert_eq!((read.status, read.header("connection")), (200, None), "it was read");
}

/// An open tab with an old password repeats it for ever, and a right login gets in all the
/// same, also when it is no longer remembered.
#[tokio::test]
async fn the_same_wrong_password_again_is_one_guess() {
    let app = TestApp::start().await;
    for _ in 0..300 {
        assert_eq!(send(post(&app).basic_auth("leitor", Some("a de ontem"))).await.status, 401);
    }
    assert_eq!(send(post(&app).basic_auth("leitor", Some(PASSWORD))).await.status, 200);
    // Guessed at from this address, and not remembered since the file has changed.
    for guess in 0..10 {
        send(post(&app).basic_auth("leitor", Some(format!("palpite-{guess}")))).await;
    }
    assert_eq!(send(post(&app).basic_auth("leitor", Some("mais um"))).await.status, 429);
    app.users().set_password("admin", &hash("outra-senha").expect("hashed")).expect("changed");
    assert!(app.reload_users());
    assert_eq!(send(post(&app).basic_auth("leitor", Some(PASSWORD))).await.status, 200);
}

/// At each byte: what is cut is refused, unless what is left is whole lines.
#[tokio::test]
async fn a_users_file_that_is_cut_anywhere_does_not_count() {
    let app = TestApp::start().await;
    let whole = std::fs::read(app.users().path()).expect("there");
    for end in 0..whole.len() {
        std::fs::write(app.users().path(), &whole[..end]).expect("written");
        let is_whole_lines = end > 0 && whole[end - 1] == b'\n';
        assert_eq!(app.reload_users(), is_whole_lines, "cut at {end}");
    }
    std::fs::write(app.users().path(), &whole).expect("written");
    assert!(app.reload_users());
    assert_eq!(send(post(&app).basic_auth("admin", Some(PASSWORD))).await.status, 200);
}

/// A Mac writes a letter and its accent, a form writes one letter.
#[tokio::test]
async fn a_name_and_a_password_are_the_same_however_their_accents_are_typed() {
    let app = TestApp::start().await;
    let password = "maçã-com-canela";
    app.users().add("jose\u{301}", &hash(password).expect("hashed"), Papel::Editor).expect("added");
    app.reload_users();
    for (nome, password) in [("josé", password), ("jose\u{301}", "mac\u{327}a\u{303}-com-canela")] {
        let answer = send(post(&app).basic_auth(nome, Some(password))).await;
        assert_eq!(answer.json, json!({ "data": { "eu": { "nome": "josé", "papel": "EDITOR" } } }), "{nome}");
    }
    assert_eq!(send(post(&app).basic_auth("jose", Some(password))).await.status, 401);
    for nome in ["josé", "rita ", " rita", "ri\u{200b}ta", "ri:ta", "#rita", ""] {
        assert!(app.users().add(nome, &hash(password).expect("hashed"), Papel::Leitor).is_err(), "{nome:?}");
    }
}
