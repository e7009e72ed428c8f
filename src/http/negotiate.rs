//! Which media type an answer has (for GraphQL by GraphQL over HTTP, section
//! "Accept"), and which content coding it may have (RFC 9110, section 12.5.3).

use axum::http::{HeaderMap, HeaderValue};

use super::fields::{ACCEPT, ACCEPT_ENCODING};

/// The two media types of a GraphQL answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status says how it went.
    GraphqlResponse,
    /// `application/json`: a well-formed request is answered with 200.
    Json,
}

impl Media {
    /// The `Content-Type`.
    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The type that the request likes best; nothing when it accepts neither.
    /// Without `Accept`, and for wildcards, plain JSON, which older clients
    /// expect.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(ACCEPT) {
            return Some(Self::Json);
        }
        let ranges = ranges(headers);
        let json = quality(&ranges, "application/json");
        let response = quality(&ranges, "application/graphql-response+json");
        match (json, response) {
            (0, 0) => None,
            // A tie is between equals named, or between wildcards.
            (json, response) if response > json => Some(Self::GraphqlResponse),
            (json, response) if json > response => Some(Self::Json),
            _ if ranges.iter().any(|range| range.media == "application/graphql-response+json") => {
                Some(Self::GraphqlResponse)
            }
            _ => Some(Self::Json),
        }
    }

    /// Whether the request asks for a page, as a browser's address bar does.
    pub(super) fn wants_html(headers: &HeaderMap) -> bool {
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        accepted.is_some_and(|accepted| {
            let mut ranges = accepted.split(',').filter_map(Range::parse);
            ranges.any(|range| range.media.eq_ignore_ascii_case("text/html") && range.quality > 0)
        })
    }
}

/// One media range of an `Accept` header.
struct Range<'a> {
    media: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|media| media.contains('/'))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = match weight.map(str::parse::<f32>) {
            None => 1000,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            Some(Ok(weight)) if (0.0..=1.0).contains(&weight) => (weight * 1000.0) as u16,
            Some(_) => return None,
        };
        Some(Self { media, quality })
    }

    /// How exactly the range names `media`: 0 for not at all.
    fn precision(&self, media: &str) -> u8 {
        if self.media.eq_ignore_ascii_case(media) {
            3
        } else if self.media.eq_ignore_ascii_case("application/*") {
            2
        } else if self.media == "*/*" {
            1
        } else {
            0
        }
    }
}

/// Whether the request likes one media type better than the other.
pub(super) fn prefers(headers: &HeaderMap, one: &str, other: &str) -> bool {
    let ranges = ranges(headers);
    quality(&ranges, one) > quality(&ranges, other)
}

fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(Range::parse).collect()
}

/// The quality of `media`: that of the most precise range that covers it.
fn quality(ranges: &[Range<'_>], media: &str) -> u16 {
    let covering = ranges.iter().filter(|range| range.precision(media) > 0);
    covering.max_by_key(|range| range.precision(media)).map_or(0, |range| range.quality)
}

/// Whether an answer may be written in some way: in a coding of ours, or in none.
/// The layer that compresses finds out only when all is done.
pub(super) fn has_coding(headers: &HeaderMap) -> bool {
    !headers.contains_key(ACCEPT_ENCODING)
        || ["identity", "gzip", "br"].into_iter().any(|coding| takes_coding(headers, coding))
}

/// Whether the client says that it takes this coding. `identity` is taken unless
/// it is refused by name or by `*`.
pub(super) fn takes_coding(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings = values.flat_map(|value| value.split(','));
    let mut by_wildcard = coding == "identity";
    for entry in codings {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let taken = !parts.any(|part| matches!(part, "q=0" | "q=0." | "q=0.0" | "q=0.00" | "q=0.000"));
        if name.eq_ignore_ascii_case(coding) {
            return taken;
        }
        if name == "*" {
            by_wildcard = taken;
        }
    }
    by_wildcard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_by_name_or_wildcard() {
        for (accepted, gzip, any) in [
            ("", false, true),
            ("gzip", true, true),
            ("GZIP;q=0.5", true, true),
            ("br, gzip;q=0", false, true),
            ("*", true, true),
            ("*;q=0", false, false),
            ("*, gzip;q=0", false, true),
            ("zstd, identity;q=0", false, false),
            ("zstd;q=0.1, *; q=0", false, false),
            ("gzip, identity;q=0", true, true),
            ("br, *;q=0.000", false, true),
            ("identity, *;q=0", false, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(
                (takes_coding(&headers, "gzip"), has_coding(&headers)),
                (gzip, any),
                "Accept-Encoding: {accepted}"
            );
        }
        assert!(has_coding(&HeaderMap::new()));
    }

    fn of(accept: &str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).expect("a header"));
        Media::of(&headers)
    }

    #[test]
    fn the_best_liked_type_wins() {
        use Media::{GraphqlResponse, Json};
        for (accept, expected) in [
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json;q=0.9", Some(Json)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(GraphqlResponse),
            ),
            ("text/html, */*;q=0.1", Some(Json)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("nonsense", None),
        ] {
            assert_eq!(of(accept), expected, "{accept}");
        }
        assert_eq!(Media::of(&HeaderMap::new()), Some(Json));
    }
}
