//! Calls from browsers: the REST API may be called from any page, because what lets a caller in is a token that it has to
//! send itself, never a cookie. The token endpoint is not open in this way (security.md T19).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Also the name of the answer's header, which a browser client that exists sends with its requests (contract.md C).
const REQUEST_HEADERS: &str = "authorization, business, content-type, accept, access-control-allow-origin";
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
/// What scripts may read besides the body.
const RESPONSE_HEADERS: &str = "x-request-id, retry-after, x-ratelimit-limit, x-ratelimit-remaining, \
                                x-ratelimit-reset, ratelimit, ratelimit-policy, gatepost-api-version";
/// For how many seconds a browser need not ask again; browsers cut it to their own bound.
const MAX_AGE: &str = "7200";

/// The answer to a browser that asks whether it may send a request. It asks without a token, so the gate has no part in it.
pub(super) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    open(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    response
}

/// Lets scripts of any page read the answer.
pub(super) fn open(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
}
