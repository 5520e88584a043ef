//! `ETag` and `If-Match`: two people must not undo each other's changes unseen (security.md P8).

use axum::Json;
use axum::response::{IntoResponse, Response};
use gatepost_http::Problem;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::members::invalid;

/// What a change was made for, if that is said and is not `*`: the text within the quotes.
pub(super) fn if_match(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::IF_MATCH).filter(|value| value.as_bytes() != b"*")?;
    Some(value.to_str().unwrap_or_default().trim().trim_matches('"').to_owned())
}

/// The revision of a client that a change was made for: in the body, or as `If-Match`.
pub(super) fn revision(headers: &HeaderMap, member: Option<i64>) -> Result<Option<i64>, Problem> {
    let Some(tag) = if_match(headers) else { return Ok(member) };
    let header = tag.parse().map_err(|_| invalid("If-Match", "must be the ETag of the client"))?;
    if member.is_some_and(|member| member != header) {
        return Err(invalid("revision", "must be the one of If-Match, if both are sent"));
    }
    Ok(Some(header))
}

/// An answer with a tag that can be sent back as `If-Match`.
pub(super) fn tagged(tag: impl std::fmt::Display, body: Value) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
