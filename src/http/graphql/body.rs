//! The body of a POST: of the right type, whole, in time, unpacked, and never
//! larger than allowed, neither on the wire nor unpacked.

use std::convert::Infallible;
use std::error::Error;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower::{ServiceExt as _, service_fn};
use tower_http::decompression::{DecompressionBody, RequestDecompression};

use super::Refused;
use crate::http::App;
use crate::http::fields::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

/// The codings that a body may have, as the layer that unpacks it spells them.
const CODINGS: [&str; 3] = ["gzip", "deflate", "br"];

/// What [`CODINGS`] says, for `Accept-Encoding` (RFC 9110, section 12.5.3).
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, deflate, br");

/// The body as it was before it was packed.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    is_json(headers)?;
    let coding = coding(headers)?;
    let most = app.limits.body_bytes;
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    match tokio::time::timeout(app.limits.body, whole(body, coding, most)).await {
        Ok(read) => read,
        Err(_) => {
            let limit = app.limits.body.as_millis();
            let message = format!("The body did not come within {limit} ms (http.body_ms).");
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

async fn whole(body: Body, coding: Option<&'static str>, most: usize) -> Result<Bytes, Refused> {
    let body = match coding {
        None => body,
        Some(coding) => unpacked(Body::new(Limited::new(body, most)), coding).await,
    };
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_of_length(&*error) => Err(too_large(most)),
        Err(_) => {
            let message = match coding {
                Some(coding) => format!("The body is not whole, or not {coding}, as Content-Encoding says."),
                None => "The body did not come whole.".to_owned(),
            };
            Err(Refused::new(StatusCode::BAD_REQUEST, message))
        }
    }
}

fn too_large(most: usize) -> Refused {
    let message = format!("The body must come whole and have at most {most} bytes, also when unpacked.");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// Whether a limit stands behind an error, at whatever depth: readers wrap errors,
/// and [`std::io::Error`] hides what it wraps from [`Error::source`].
fn is_of_length(error: &(dyn Error + 'static)) -> bool {
    let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<LengthLimitError>()
        || within.is_some_and(|error| is_of_length(error))
        || error.source().is_some_and(is_of_length)
}

/// Unpacks while it is read.
async fn unpacked(body: Body, coding: &'static str) -> Body {
    let mut request = Request::new(body);
    request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    let take = |request: Request<DecompressionBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    };
    match RequestDecompression::new(service_fn(take)).oneshot(request).await {
        Ok(response) => Body::new(response.into_body()),
        Err(never) => match never {},
    }
}

/// The one coding that the body has, if any (RFC 9110, section 8.4).
fn coding(headers: &HeaderMap) -> Result<Option<&'static str>, Refused> {
    let refuse = || {
        let message = "Content-Encoding may be one of gzip, deflate and br, once, or absent.";
        Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).with(ACCEPT_ENCODING, ACCEPTED)
    };
    let mut found = None;
    for value in headers.get_all(CONTENT_ENCODING) {
        let names = value.to_str().map_err(|_| refuse())?.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
            // Section 8.4.1.3: the old name of gzip.
            let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
            let known = CODINGS.into_iter().find(|coding| coding.eq_ignore_ascii_case(name));
            if found.replace(known.ok_or_else(refuse)?).is_some() {
                return Err(refuse());
            }
        }
    }
    Ok(found)
}

/// Only JSON, in UTF-8: any other type could come from a form on a foreign page,
/// with the browser's credentials.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
    let refuse = |message: &str| Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, more) = (types.next(), types.next());
    if more.is_some() {
        return refuse("There must be one Content-Type: application/json.");
    }
    let mut parts = first.and_then(|value| value.to_str().ok()).unwrap_or_default().split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return refuse("Content-Type must be application/json.");
    }
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        Some(charset) if !is_utf8(charset) => refuse("The charset must be UTF-8."),
        _ => Ok(()),
    }
}

/// Both names that are in use; only the first is registered.
fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name))
}
