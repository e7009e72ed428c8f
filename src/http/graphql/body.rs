//! The body of a POST: of the right type, whole, in time, unpacked, and never
//! larger than allowed, neither on the wire nor unpacked.

use std::io::{self, Read as _};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::Refused;
use crate::http::App;
use crate::http::fields::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

/// A coding that a body may have.
#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// Their names, for `Accept-Encoding` (RFC 9110, section 12.5.3).
const TAKEN: HeaderValue = HeaderValue::from_static("gzip, deflate, br");

/// The body as it was before it was packed.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    is_json(headers)?;
    let coding = coding(headers)?;
    let most = app.limits.body_bytes;
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let bytes = match tokio::time::timeout(app.limits.body, to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| too_large(most))?,
        Err(_) => {
            let limit = app.limits.body.as_millis();
            let message = format!("The body did not come within {limit} ms (http.body_ms).");
            return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    match coding {
        None => Ok(bytes),
        Some(coding) => coding.unpack(&bytes, most),
    }
}

fn too_large(most: usize) -> Refused {
    let message = format!("The body must come whole and have at most {most} bytes, also when unpacked.");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match () {
            // Section 8.4.1.3: its old name.
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") => Some(Self::Deflate),
            () if is("br") => Some(Self::Brotli),
            () => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }

    /// Unpacks all of it, and stops as soon as it is too much.
    fn unpack(self, packed: &[u8], most: usize) -> Result<Bytes, Refused> {
        let mut rest = packed;
        let unpacked = match self {
            Self::Gzip => up_to(MultiGzDecoder::new(&mut rest), most),
            Self::Deflate => up_to(ZlibDecoder::new(&mut rest), most),
            Self::Brotli => up_to(brotli_decompressor::Decompressor::new(&mut rest, 4096), most),
        };
        match unpacked {
            Ok(plain) if plain.len() > most => Err(too_large(most)),
            Ok(plain) if rest.is_empty() => Ok(plain.into()),
            _ => {
                let name = self.name();
                let message =
                    format!("The body is not whole, or not {name} alone, as Content-Encoding says.");
                Err(Refused::new(StatusCode::BAD_REQUEST, message))
            }
        }
    }
}

/// One byte more than `most` shows that there is too much.
fn up_to(mut unpacking: impl io::Read, most: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = unpacking.by_ref().take(most as u64 + 1).read_to_end(&mut plain)?;
    if read <= most {
        // Brotli's tells that something is left over when it is asked once more.
        _ = unpacking.read(&mut [0])?;
    }
    Ok(plain)
}

/// The one coding that the body has, if any (RFC 9110, section 8.4).
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refused> {
    let refuse = || {
        let message = "Content-Encoding may be one of gzip, deflate and br, once, or absent.";
        Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).with(ACCEPT_ENCODING, TAKEN)
    };
    let mut found = None;
    for value in headers.get_all(CONTENT_ENCODING) {
        let names = value.to_str().map_err(|_| refuse())?.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
            if found.replace(Coding::named(name).ok_or_else(refuse)?).is_some() {
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
