//! Conditional requests (RFC 9110, section 13), for all that is shown by GET.
//!
//! Tags are weak: one text has one tag, however it is packed on the way. A strong
//! one would have to differ between codings (section 8.8.3.3), and whoever packs
//! an answer later, as nginx and CDNs do, makes it weak anyway.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use headers::{ETag, HeaderMapExt as _, IfMatch, IfNoneMatch};

use super::answer::refusal;
use super::fields::IF_MATCH;
use super::request_id::RequestId;
use crate::kernel::code;

/// The browser that asked may keep it, and asks again before it is used.
const REVALIDATED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What a client that already has something is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The whole answer.
    Whole,
    /// That what it has is what there is.
    Same,
    /// That its condition does not hold.
    Failed,
}

/// Completes the answer to a GET or HEAD: gives it the tag of `bytes`, and sends
/// it away without its body when the client has it (304) or asks for another
/// (412). Dates play no part: nothing here has one, and then they are ignored
/// (sections 13.1.3 and 13.1.4).
pub(super) fn conditional(
    mut response: Response<Body>,
    bytes: &[u8],
    asked: &HeaderMap,
    id: Option<&RequestId>,
) -> Response<Body> {
    let tag = tag(bytes);
    match verdict(asked, tag.as_ref()) {
        Verdict::Whole => {}
        Verdict::Same => {
            // What a 200 would say (section 15.4.5), but for what it would say of
            // its body.
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_ENCODING);
        }
        Verdict::Failed => return failed("If-Match names another answer than there is.", id),
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, REVALIDATED);
    if let Some(tag) = tag {
        headers.typed_insert(tag);
    }
    response
}

/// Refuses a POST under the condition that something is unchanged: what a POST
/// asks has no tag, so the condition cannot hold (section 13.1.1), and who sets it
/// would rather see nothing done. Other conditions a POST always meets.
pub(super) const REFUSED_WRITE: &str =
    "If-Match cannot hold for an operation sent by POST; mutations take `atualizadoEm` for that.";

/// Whether a POST is to be refused with [`REFUSED_WRITE`].
pub(super) fn refuses_write(asked: &HeaderMap) -> bool {
    asked.contains_key(IF_MATCH)
}

fn failed(sentence: &str, id: Option<&RequestId>) -> Response<Body> {
    refusal(StatusCode::PRECONDITION_FAILED, code::BAD_REQUEST, sentence, id)
}

/// In the order of section 13.2.2.
fn verdict(headers: &HeaderMap, tag: Option<&ETag>) -> Verdict {
    let Some(tag) = tag else { return Verdict::Whole };
    if headers.typed_get::<IfMatch>().is_some_and(|condition| !condition.precondition_passes(tag)) {
        return Verdict::Failed;
    }
    match headers.typed_get::<IfNoneMatch>() {
        Some(condition) if !condition.precondition_passes(tag) => Verdict::Same,
        _ => Verdict::Whole,
    }
}

/// Of a body, before it is packed.
fn tag(bytes: &[u8]) -> Option<ETag> {
    format!("W/\"{}\"", &blake3::hash(bytes).to_hex()[..32]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_it_is_not_sent_it_again() {
        use Verdict::{Failed, Same, Whole};
        let tag: ETag = "W/\"a,b\"".parse().expect("a tag");
        for (conditions, expected) in [
            (&[][..], Whole),
            (&[("if-none-match", "W/\"a,b\"")], Same),
            (&[("if-none-match", "\"a,b\"")], Same),
            (&[("if-none-match", "*")], Same),
            (&[("if-none-match", "\"x\", W/\"a,b\"")], Same),
            (&[("if-none-match", "\"x\" ,\"a,b\",\"y\"")], Same),
            (&[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")], Same),
            (&[("if-none-match", "\"a\", \"b\"")], Whole),
            (&[("if-none-match", "w/\"a,b\"")], Whole),
            (&[("if-none-match", "a,b")], Whole),
            (&[("if-none-match", "")], Whole),
            // Dates are of no use, beside a tag or alone.
            (&[("if-modified-since", "Sat, 01 Jan 2050 00:00:00 GMT")], Whole),
            (&[("if-none-match", "\"x\""), ("if-modified-since", "Sat, 01 Jan 2050 00:00:00 GMT")], Whole),
            (&[("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT")], Whole),
            // A weak tag is never strongly the same.
            (&[("if-match", "*")], Whole),
            (&[("if-match", "*"), ("if-none-match", "*")], Same),
            (&[("if-match", "W/\"a,b\"")], Failed),
            (&[("if-match", "\"a,b\"")], Failed),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a,b\"")], Failed),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in conditions {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(verdict(&headers, Some(&tag)), expected, "{conditions:?}");
        }
    }
}
