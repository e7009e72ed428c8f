//! HTTP itself (RFC 9110), as tables: methods, conditions, what pages of other
//! origins may send, and what a body may be.

use std::io::Write as _;

use reqwest::{Method, RequestBuilder};

use quarteto::http::HttpLimits;

use crate::support::app::{ORIGIN, PASSWORD, listed_origin, send};
use crate::support::{TestApp, json};

const QUERY: &str = r#"{"query":"{ eu { nome } }"}"#;

/// `{ eu { nome } }` by GET.
const READ: &str = "/graphql?query=%7Beu%7Bnome%7D%7D";

/// A mutation, of nothing that there is.
const WRITE: &str = "/graphql?query=mutation%7Bnada%7D";

/// Adds headers to a request.
fn with(request: RequestBuilder, headers: &[(&'static str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    let long = "/graphql?query=%7Bclientes(first:100)%7Bnodes%7Bnome%20email%20cpf%7D%7D%7D";
    let page = ("Accept", "text/html");
    for (path, headers, status) in [
        ("/", &[][..], 200),
        ("/graphiql", &[], 200),
        ("/ide/react.js", &[], 200),
        ("/ide/react.js", &[("Accept-Encoding", "gzip")], 200),
        ("/ide/nada.js", &[], 404),
        ("/schema.graphql", &[], 200),
        ("/schema.graphql", &[("Accept-Encoding", "gzip")], 200),
        ("/schema.graphql", &[("If-None-Match", "*")], 304),
        ("/metrics", &[], 200),
        ("/healthz", &[], 200),
        ("/readyz", &[], 200),
        ("/nothing", &[], 404),
        ("/graphql", &[], 400),
        ("/graphql", &[page], 200),
        (READ, &[], 200),
        (READ, &[("If-None-Match", "*")], 304),
        (READ, &[("Accept", "text/plain")], 406),
        (READ, &[("Accept-Encoding", "identity;q=0")], 406),
        (READ, &[("Content-Type", "text/plain")], 415),
        (READ, &[("Sec-Fetch-Site", "cross-site")], 403),
        (READ, &[("Origin", ORIGIN)], 200),
        (READ, &[("Authorization", "Basic bm9ib2R5")], 401),
        (WRITE, &[], 405),
        (long, &[("Accept-Encoding", "br")], 200),
        ("/graphql?query=%7B", &[("Accept", "application/graphql-response+json")], 400),
    ] {
        let ask = |method| {
            let login = headers.iter().all(|(name, _)| *name != "Authorization");
            let request = if login { app.request(method, path) } else { app.anonymous(method, path) };
            send(with(request, headers).header("X-Request-Id", "o-mesmo"))
        };
        let (get, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
        assert_eq!((get.status, head.status), (status, status), "{path} {headers:?}");
        assert_eq!(head.text, "", "{path}");
        let shown = |answer: &crate::support::app::Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            // The numbers have changed meanwhile, and with them their length.
            if path == "/metrics" {
                headers.remove("content-length");
            }
            // How the body is framed, which is not there.
            headers.remove("transfer-encoding");
            headers
        };
        assert_eq!(shown(&get), shown(&head), "{path} {headers:?}");
    }
}

#[tokio::test]
async fn nothing_but_a_post_reads_a_body_or_writes() {
    let app = TestApp::start().await;
    for method in [Method::HEAD, Method::GET] {
        // With the body of a mutation, as EDITOR: the URL alone counts.
        let request = app.anonymous(method.clone(), "/graphql").basic_auth("editor", Some(PASSWORD));
        let body = r#"{"query":"mutation { criarProduto(input: {nome: \"x\", preco: \"x\"}) { erros { codigo } } }"}"#;
        let answer = send(request.header("Content-Type", "application/json").body(body)).await;
        assert_eq!(answer.status, 400, "{method}");
        let written = send(app.request(method.clone(), WRITE)).await;
        assert_eq!((written.status, written.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
}

#[tokio::test]
async fn every_path_says_which_methods_it_takes() {
    let app = TestApp::start().await;
    let paths = ["/", "/graphiql", "/ide/react.js", "/schema.graphql", "/metrics", "/healthz", "/readyz"];
    for (path, allow) in
        paths.map(|path| (path, "GET, HEAD")).into_iter().chain([("/graphql", "GET, HEAD, POST")])
    {
        for method in ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "POST"] {
            if path == "/graphql" && method == "POST" {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let answer = send(app.request(method.clone(), path)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
            assert_eq!(answer.codes(), ["BAD_REQUEST"], "{method} {path}");
        }
        let options = send(app.request(Method::OPTIONS, path)).await;
        assert_eq!((options.status, options.header("allow")), (200, Some(allow)), "OPTIONS {path}");
    }
}

#[tokio::test]
async fn a_client_that_has_the_answer_is_told_so() {
    let app = TestApp::start().await;
    for path in [READ, "/schema.graphql", "/", "/graphql", "/graphiql", "/ide/react.js", "/ide/favicon.png"] {
        let ask = |method: Method, headers: &[(&'static str, &str)]| {
            let request = app.request(method, path);
            let request = if path == READ { request } else { request.header("Accept", "text/html,*/*") };
            send(with(request, headers))
        };
        let whole = ask(Method::GET, &[]).await;
        let tag = whole.header("etag").expect("a tag").to_owned();
        let opaque =
            tag.strip_prefix("W/").unwrap_or_else(|| panic!("{path}: one tag for all codings: {tag}"));
        for coding in ["gzip", "br", "identity"] {
            let packed = app.request(Method::GET, path).header("Accept", "text/html,*/*");
            let packed = packed.header("Accept-Encoding", coding).send().await.expect("an answer");
            if path != READ {
                assert_eq!(packed.headers()["etag"], *tag, "{path} {coding}");
            }
        }
        let list = format!("\"x\", {opaque}, W/\"y\"");
        for (headers, status) in [
            (&[("If-None-Match", &*tag)][..], 304),
            (&[("If-None-Match", opaque)], 304),
            (&[("If-None-Match", &list)], 304),
            (&[("If-None-Match", "*")], 304),
            (&[("If-None-Match", "\"x\"")], 200),
            (&[("If-None-Match", opaque), ("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")], 304),
            (&[("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT")], 200),
            (&[("If-Match", "*")], 200),
            (&[("If-Match", opaque)], 412),
            (&[("Range", "bytes=0-3")], 200),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let answer = ask(method.clone(), headers).await;
                assert_eq!(answer.status, status, "{method} {path} {headers:?}");
                if status != 304 {
                    continue;
                }
                assert_eq!(answer.text, "", "{path}");
                for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                    assert_eq!(answer.header(name), whole.header(name), "{name} of {path}");
                }
                for name in ["content-type", "content-encoding", "content-length"] {
                    assert_eq!(answer.header(name), None, "{name} of {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_post_is_done_whatever_the_client_has_and_never_under_if_match() {
    let app = TestApp::start().await;
    let post = |name: &'static str, value: &str| {
        let request = app.request(Method::POST, "/graphql").header("Content-Type", "application/json");
        send(request.header(name, value).body(QUERY))
    };
    for (name, value, status) in [
        ("If-None-Match", "*", 200),
        ("If-None-Match", "\"x\"", 200),
        ("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT", 200),
        ("If-Match", "*", 412),
        ("If-Match", "\"x\"", 412),
    ] {
        let answer = post(name, value).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.header("etag"), None);
    }
}

#[tokio::test]
async fn answers_name_what_they_depend_on() {
    let app = TestApp::start().await;
    let graphql = "accept, accept-encoding, authorization, origin, sec-fetch-site, x-apollo-tracing, \
                   x-quarteto-explain, apollo-require-preflight, x-apollo-operation-name, graphql-require-preflight";
    let page = "accept-encoding, authorization, origin";
    for (path, vary) in [
        (READ, graphql),
        ("/graphql", graphql),
        ("/", page),
        ("/ide/react.js", page),
        ("/schema.graphql", page),
        ("/metrics", "accept, accept-encoding, authorization, origin"),
        ("/healthz", "accept-encoding, origin"),
    ] {
        for request in [app.request(Method::GET, path), app.anonymous(Method::GET, path)] {
            let answer = send(request.header("Accept-Encoding", "identity").header("Origin", ORIGIN)).await;
            let all: Vec<_> = answer.headers.get_all("vary").iter().collect();
            assert_eq!(all, [vary], "{path} {}", answer.status);
        }
    }
}

#[tokio::test]
async fn pages_may_send_and_read_whatever_means_something() {
    let app = TestApp::start().await;
    let request = app.anonymous(Method::OPTIONS, "/graphql").header("Origin", ORIGIN);
    let answer = send(request.header("Access-Control-Request-Method", "POST")).await;
    let names = |field: &str| -> Vec<String> {
        answer.header(field).unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect()
    };
    assert_eq!(names("access-control-allow-methods"), ["GET", "HEAD", "POST"]);
    let allowed = names("access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "content-encoding",
        "idempotency-key",
        "if-none-match",
        "x-request-id",
        "x-apollo-tracing",
        "apollo-require-preflight",
        "graphql-require-preflight",
        "x-apollo-operation-name",
        "x-apollo-operation-id",
        "apollographql-client-name",
        "apollographql-client-version",
        "graphql-client-name",
        "graphql-client-version",
        "traceparent",
        "tracestate",
    ] {
        assert!(allowed.iter().any(|allowed| allowed == name), "{name} in {allowed:?}");
    }
    let answer = send(app.request(Method::GET, READ).header("Origin", ORIGIN)).await;
    let shown = answer.header("access-control-expose-headers").expect("a list");
    for name in ["etag", "x-request-id", "retry-after", "ratelimit", "ratelimit-policy", "allow"] {
        assert!(shown.split(',').any(|shown| shown.trim() == name), "{name} in {shown}");
    }
}

/// Packs a text.
fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(text.as_bytes()).expect("in memory");
    packer.finish().expect("in memory")
}

fn deflate(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(text.as_bytes()).expect("in memory");
    packer.finish().expect("in memory")
}

/// [`QUERY`], packed by brotli.
const BROTLI: &[u8] = b"\x0b\x0d\x80{\"query\":\"{ eu { nome } }\"}\x03";

#[tokio::test]
async fn a_body_may_be_packed_and_is_bounded_all_the_same() {
    let app = TestApp::with(HttpLimits { body_bytes: 64 << 10, ..HttpLimits::default() }).await;
    let blanks = |count| format!(r#"{{"query":"{{ eu {{ nome }} }}{}"}}"#, " ".repeat(count));
    let (bomb, large) = (gzip(&blanks(8 << 20)), gzip(&blanks(60_000)));
    assert!(bomb.len() < 16 << 10, "{} bytes", bomb.len());
    let (packed, zlib) = (gzip(QUERY), deflate(QUERY));
    // A file of several members is one text (RFC 1952, section 2.2).
    let (head, tail) = QUERY.split_at(10);
    let members = [gzip(head), gzip(tail)].concat();
    let (twice, trailing) = ([gzip(QUERY), gzip(QUERY)].concat(), [&packed[..], b"more"].concat());
    let (zlib_trailing, brotli_trailing) = ([&zlib[..], b"more"].concat(), [BROTLI, b"more"].concat());
    let taken = Some("gzip, deflate, br");
    for (coding, body, status, accepted, reason) in [
        ("gzip", &packed[..], 200, None, ""),
        ("GZip", &packed, 200, None, ""),
        ("x-gzip", &packed, 200, None, ""),
        ("identity, gzip", &packed, 200, None, ""),
        ("deflate", &zlib, 200, None, ""),
        ("br", BROTLI, 200, None, ""),
        ("identity", QUERY.as_bytes(), 200, None, ""),
        ("gzip", &large, 200, None, ""),
        ("gzip", &bomb, 413, None, "also when unpacked"),
        ("zstd", &packed, 415, taken, "gzip, deflate and br"),
        ("gzip, br", &packed, 415, taken, "gzip, deflate and br"),
        ("gzip, gzip", &packed, 415, taken, "gzip, deflate and br"),
        ("aes128gcm", &packed, 415, taken, "gzip, deflate and br"),
        ("gzip", QUERY.as_bytes(), 400, None, "not gzip alone"),
        ("br", &packed, 400, None, "not br alone"),
        ("gzip", &packed[..packed.len() / 2], 400, None, "not whole"),
        ("gzip", &[], 400, None, ""),
        ("gzip", &members, 200, None, ""),
        ("gzip", &twice, 400, None, "nothing after it"),
        ("gzip", &trailing, 400, None, "not gzip alone"),
        ("deflate", &zlib_trailing, 400, None, "not deflate alone"),
        ("br", &brotli_trailing, 400, None, "not br alone"),
    ] {
        let request = app.request(Method::POST, "/graphql").header("Content-Type", "application/json");
        let answer = send(request.header("Content-Encoding", coding).body(body.to_vec())).await;
        assert_eq!((answer.status, answer.header("accept-encoding")), (status, accepted), "{coding}");
        if status == 200 {
            assert_eq!(answer.json, json!({ "data": { "eu": { "nome": "leitor" } } }), "{coding}");
        } else {
            let error = answer.only_error();
            assert!(error["message"].as_str().expect("a message").contains(reason), "{coding}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_once() {
    let app = TestApp::with(HttpLimits { batch: 5, ..HttpLimits::default() }).await;
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let to_bytes = if big { u16::to_be_bytes } else { u16::to_le_bytes };
        text.encode_utf16().flat_map(to_bytes).collect()
    };
    let bom = "\u{feff}".to_owned() + QUERY;
    let two = format!("{QUERY}\n{QUERY}");
    let (little, big, marked) = (utf16(QUERY, false), utf16(QUERY, true), utf16(&bom, false));
    let json = "application/json";
    for (media, body, status, message) in [
        (json, bom.as_bytes(), 200, ""),
        ("application/json; charset=utf8", QUERY.as_bytes(), 200, ""),
        ("application/json;charset=\"UTF8\"", QUERY.as_bytes(), 200, ""),
        ("application/json; charset=\"Utf-8\"", QUERY.as_bytes(), 200, ""),
        ("application/json; charset=utf-16", QUERY.as_bytes(), 415, "The charset must be UTF-8."),
        ("application/json; charset=latin1", QUERY.as_bytes(), 415, "The charset must be UTF-8."),
        (json, b"", 400, "The body is empty; it must be a JSON object with `query`."),
        (json, b" \r\n\t", 400, "The body is empty; it must be a JSON object with `query`."),
        (json, "\u{feff}".as_bytes(), 400, "The body is empty; it must be a JSON object with `query`."),
        (json, &little, 400, "The body is not UTF-8; it looks like UTF-16 or UTF-32."),
        (json, &big, 400, "The body is not UTF-8; it looks like UTF-16 or UTF-32."),
        (json, &marked, 400, "The body is not UTF-8; it looks like UTF-16 or UTF-32."),
        (
            json,
            b"null",
            400,
            "The body must be a JSON object with `query` (a string) and, if wanted, `operationName` (a string), \
             `variables` and `extensions` (objects): invalid type: null, expected a JSON object at line 1 column 4.",
        ),
        (
            json,
            two.as_bytes(),
            400,
            "The body must be one JSON object and nothing after it; there is more at line 2 column 1.",
        ),
        (
            json,
            br#"{"query":"{ eu { nome } }"},"#,
            400,
            "The body must be one JSON object and nothing after it; there is more at line 1 column 28.",
        ),
        (
            json,
            b"{\"query\":\"\xff\"}",
            400,
            "The body is not JSON: invalid unicode code point at line 1 column 11.",
        ),
        (
            json,
            br#"{"doc_id":"a1"}"#,
            400,
            "The id of a trusted document is sent as `documentId`, not as `doc_id`.",
        ),
        (json, br#"{"doc_id":"a1","query":"{ eu { nome } }"}"#, 200, ""),
    ] {
        let shown = String::from_utf8_lossy(body).into_owned();
        let request = app.request(Method::POST, "/graphql").header("Content-Type", media);
        let answer = send(request.body(body.to_vec())).await;
        assert_eq!(answer.status, status, "{media} {shown}");
        if status != 200 {
            assert_eq!(answer.only_error()["message"], message, "{media} {shown}");
        }
    }
    for (query, message) in [
        ("query=%7Beu%7Bnome%7D%7D&variables=%FF", "The query string is not UTF-8 once its % are decoded."),
        ("query=%7Beu%7Bnome(x:%22%C3%22)%7D%7D", "The query string is not UTF-8 once its % are decoded."),
        ("doc_id=a1", "The id of a trusted document is sent as `documentId`, not as `doc_id`."),
    ] {
        let answer = send(app.request(Method::GET, &format!("/graphql?{query}"))).await;
        assert_eq!((answer.status, &answer.only_error()["message"]), (400, &json!(message)), "{query}");
    }
    // In a list each has its own answer; a list in a list is no operation.
    let body = r#"[["{ eu { nome } }"],{"doc_id":"a1"},{"query":"{ eu { nome } }"}]"#;
    let request = app.request(Method::POST, "/graphql").header("Content-Type", json);
    let answer = send(request.body(body)).await;
    let codes: Vec<_> = (0..3).map(|place| &answer.json[place]["errors"][0]["extensions"]["code"]).collect();
    assert_eq!(codes, [&json!("BAD_REQUEST"), &json!("BAD_REQUEST"), &json!(null)], "{}", answer.json);
}

#[tokio::test]
async fn an_answer_is_packed_as_every_client_can_read_it() {
    let app = TestApp::with(HttpLimits { origins: listed_origin(), ..HttpLimits::default() }).await;
    let query = json!({ "query": "{ clientes(first: 100) { nodes { nome email cpf } } }" });
    for (accepted, coding) in [
        // Clients that say zstd and cannot read it are many; none needs it.
        ("zstd", None),
        ("zstd, gzip, br", Some("br")),
        ("zstd;q=1, gzip;q=0.5", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip", Some("gzip")),
        ("deflate", None),
        ("identity", None),
    ] {
        let request = app.request(Method::POST, "/graphql").header("Accept-Encoding", accepted);
        let answer = request.json(&query).send().await.expect("an answer");
        let used = answer.headers().get("content-encoding").and_then(|value| value.to_str().ok());
        assert_eq!((answer.status().as_u16(), used), (200, coding), "{accepted}");
    }
    // What cannot be written is refused before it is done.
    for accepted in ["identity;q=0", "zstd, identity;q=0", "*;q=0"] {
        let request = app.request(Method::POST, "/graphql").header("Accept-Encoding", accepted);
        let answer = send(request.json(&query)).await;
        assert_eq!((answer.status, answer.codes()), (406, vec!["BAD_REQUEST".to_owned()]), "{accepted}");
    }
}
