//! The pages: GraphQL Playground, GraphiQL and the panel, from files built into the program.
//! They reach no other host, and a strict policy sees to it.

use std::io::Read as _;

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};

use super::answer;
use super::conditional::conditional;
use super::negotiate::takes_coding;

/// Scripts and styles of our own and nothing else; no inline script. The IDEs write styles
/// into their markup.
const OF_IDES: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The panel writes none.
const OF_PANEL: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of the pages.
struct Asset {
    folder: Folder,
    name: &'static str,
    media: &'static str,
    bytes: &'static [u8],
    /// The vendored files are kept compressed.
    is_gzip: bool,
}

/// Where a file is, and in which path it is served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folder {
    Ide,
    Painel,
}

macro_rules! assets {
    ($folder:ident in $path:literal: $($name:literal: $media:ident $(, $gzip:literal)?;)+) => {
        &[$(Asset {
            folder: Folder::$folder,
            name: $name,
            media: $media,
            bytes: include_bytes!(concat!("../../assets/", $path, "/", $name $(, $gzip)?)),
            is_gzip: assets!(@gzip $($gzip)?),
        }),+]
    };
    (@gzip) => { false };
    (@gzip $gzip:literal) => { true };
}

const ICON: &str = "image/png";

static OF_IDE: &[Asset] = assets! { Ide in "ide":
    "playground.html": HTML;
    "graphiql.html": HTML;
    "examples.js": SCRIPT;
    "playground-init.js": SCRIPT;
    "graphiql-init.js": SCRIPT;
    "playground.js": SCRIPT, ".gz";
    "playground.css": STYLE, ".gz";
    "graphiql.js": SCRIPT, ".gz";
    "graphiql.css": STYLE, ".gz";
    "react.js": SCRIPT, ".gz";
    "react-dom.js": SCRIPT, ".gz";
    "favicon.png": ICON;
};

static OF_PAINEL: &[Asset] = assets! { Painel in "painel":
    "painel.html": HTML;
    "painel.css": STYLE;
    "words.js": SCRIPT;
    "queries.js": SCRIPT;
    "parts.js": SCRIPT;
    "views.js": SCRIPT;
    "painel.js": SCRIPT;
    "uplot.js": SCRIPT, ".gz";
    "uplot.css": STYLE;
};

fn assets() -> impl Iterator<Item = &'static Asset> {
    OF_IDE.iter().chain(OF_PAINEL)
}

/// `GET /`: GraphQL Playground.
pub(super) async fn playground(request: Request) -> Response<Body> {
    serve(Folder::Ide, "playground.html", &request)
}

/// `GET /graphiql`.
pub(super) async fn graphiql(request: Request) -> Response<Body> {
    serve(Folder::Ide, "graphiql.html", &request)
}

/// `GET /ide/{name}`: what the pages are made of.
pub(super) async fn asset(Path(name): Path<String>, request: Request) -> Response<Body> {
    part(Folder::Ide, &name, request).await
}

/// `GET /painel`: who asks what.
pub(super) async fn painel(request: Request) -> Response<Body> {
    serve(Folder::Painel, "painel.html", &request)
}

/// `GET /painel/{name}`: what the panel is made of.
pub(super) async fn of_painel(Path(name): Path<String>, request: Request) -> Response<Body> {
    part(Folder::Painel, &name, request).await
}

async fn part(folder: Folder, name: &str, request: Request) -> Response<Body> {
    let is_part = assets().any(|asset| asset.folder == folder && asset.name == name && asset.media != HTML);
    if !is_part {
        return answer::not_found(request).await;
    }
    serve(folder, name, &request)
}

fn serve(folder: Folder, name: &str, request: &Request) -> Response<Body> {
    let Some(asset) = assets().find(|asset| asset.folder == folder && asset.name == name) else {
        return Response::new(Body::empty());
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        match folder {
            Folder::Ide => OF_IDES,
            Folder::Painel => OF_PANEL,
        },
    );
    if asset.is_gzip && !takes_coding(request.headers(), "gzip") {
        *response.body_mut() = Body::from(unpacked(asset.bytes));
    } else {
        if asset.is_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Body::from(asset.bytes);
    }
    conditional(response, asset.bytes, request.headers(), request.extensions().get())
}

/// For the rare client that takes no gzip. The files are ours, so unpacking
/// them does not fail.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain);
    debug_assert!(read.is_ok(), "a file of ours");
    plain
}
