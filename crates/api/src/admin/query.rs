//! Reading the parameters of a list.

use axum::extract::{FromRequestParts, Query};
use gatepost_core::Page;
use gatepost_http::Problem;
use http::request::Parts;
use serde::de::DeserializeOwned;

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
