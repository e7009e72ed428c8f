//! Which status an answer has, by the setting `http.status_codes`.

use axum::http::StatusCode;

use crate::config::StatusCodes;
use crate::http::negotiate::Media;
use crate::kernel::{code, code_of};
use crate::operation::Answer;

/// Of a body that is JSON but no GraphQL request.
pub(super) const fn of_misshapen(codes: StatusCodes) -> StatusCode {
    match codes {
        StatusCodes::Audit => StatusCode::BAD_REQUEST,
        StatusCodes::Draft2026 => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Of an answer, and the media type that it is labelled with.
pub(super) fn of_answer(answer: &Answer, media: Media, codes: StatusCodes) -> (StatusCode, Media) {
    let ran_out = answer.errors.first().and_then(code_of) == Some(code::DEADLINE_EXCEEDED);
    let status = match codes {
        _ if ran_out => StatusCode::SERVICE_UNAVAILABLE,
        StatusCodes::Audit => of_answer_by_audit(answer, media),
        StatusCodes::Draft2026 => of_answer_by_draft(answer),
    };
    // A client that takes plain JSON alone gets the same status; by the draft only
    // what succeeded is labelled as such.
    let labelled = match codes {
        StatusCodes::Draft2026 if !status.is_success() => Media::GraphqlResponse,
        _ => media,
    };
    (status, labelled)
}

/// With the GraphQL media type the status tells whether the document was
/// executed; with plain JSON a well-formed request is answered with 200.
fn of_answer_by_audit(answer: &Answer, media: Media) -> StatusCode {
    match media {
        Media::GraphqlResponse if !answer.is_executed() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn of_answer_by_draft(answer: &Answer) -> StatusCode {
    let first = answer.errors.first();
    match (answer.is_executed(), first) {
        (true, None) => StatusCode::OK,
        (true, Some(_)) => StatusCode::from_u16(294).unwrap_or(StatusCode::OK),
        (false, Some(error)) if code_of(error) == Some(code::GRAPHQL_PARSE_FAILED) => StatusCode::BAD_REQUEST,
        (false, _) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
