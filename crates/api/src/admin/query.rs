//! Reading the parameters of a list.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::response::{IntoResponse, Response};
use gatepost_core::Page;
use gatepost_http::Problem;
use gatepost_model::Timestamp;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::members::{bad, invalid};

/// Entries of one page unless the caller asks for another number.
const PAGE: u32 = 100;

/// The most entries of one page.
const LONGEST_PAGE: u32 = 1_000;

/// The parameters of a request. `T` refuses those that it does not know.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => Err(bad(error.body_text())),
        }
    }
}

/// How many entries are asked for.
pub(super) fn checked_limit(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if (1..=LONGEST_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(invalid("limit", format!("must be from 1 to {LONGEST_PAGE}")))
}

/// A page of a newest-first list.
pub(super) fn page(before: Option<String>, limit: Option<u32>) -> Result<Page, Problem> {
    Ok(Page { before, limit: checked_limit(limit)? })
}

/// A point in time: ISO 8601, or a date.
pub(super) fn time(name: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let wrong = || invalid(name, "must be a time like 2026-03-12T00:38:14.642Z, or a date like 2026-03-12");
    text.map(|text| Timestamp::parse_iso(&text).ok_or_else(wrong)).transpose()
}

/// A page of a list. Where it may go on says the header `Link` (RFC 8288): rows that are not the caller's to see are left
/// out, so a short page need not be the last.
pub(super) fn continued(rows: Vec<Value>, next: Option<&str>) -> Response {
    let mut response = Json(Value::Array(rows)).into_response();
    let link = next.map(|before| HeaderValue::from_str(&format!("<?before={before}>; rel=\"next\"")));
    if let Some(Ok(link)) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
