//! What the OAuth endpoints answer when they do not do what was asked: one table of statuses and texts.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use gatepost_core::Error;
use gatepost_core::tokens::Refused;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// An answer that refuses, in the shape of RFC 6749 section 5.2 and in that of existing integrations at once.
#[derive(Clone, Debug)]
pub(super) enum OauthError {
    /// Another HTTP method than POST.
    OnlyPost,
    /// No such endpoint.
    NothingThere,
    /// Not `application/x-www-form-urlencoded`: a JSON body, say.
    ContentType,
    /// The body is larger than any token request, or did not arrive.
    Body,
    /// A parameter that stands more than once.
    Repeated(String),
    /// A parameter that must be there.
    Missing(&'static str),
    /// Credentials in the query.
    InQuery,
    /// An `Authorization` header that is not `Basic` with an id and a secret.
    BadBasic,
    /// Credentials in the header and in the body.
    TwoWays,
    /// Another grant than client credentials.
    UnsupportedGrant,
    /// A scope that no client has.
    InvalidScope,
    /// The token is another client's.
    ForeignToken,
    /// The client could not be authenticated: always the same bytes, whatever the reason (security.md T9).
    InvalidClient {
        /// The realm of the challenge: the issuer.
        issuer: String,
    },
    /// Too many failed attempts.
    TooMany(Duration),
    /// Something failed here.
    Unavailable,
}

impl OauthError {
    /// What a failed authentication comes to.
    pub(super) fn from_refused(refused: Refused, issuer: &str) -> Self {
        match refused {
            Refused::InvalidClient(_) => Self::InvalidClient { issuer: issuer.to_owned() },
            Refused::Wait(wait) => Self::TooMany(wait),
            Refused::Failed(error) => error.into(),
        }
    }

    /// Status, `error` code, and `message`.
    fn parts(&self) -> (StatusCode, &'static str, String) {
        let bad = |message: &str| (StatusCode::BAD_REQUEST, "invalid_request", message.to_owned());
        match self {
            Self::OnlyPost => (
                StatusCode::METHOD_NOT_ALLOWED,
                "invalid_request",
                String::from("Invalid request: method must be POST"),
            ),
            Self::NothingThere => (
                StatusCode::NOT_FOUND,
                "invalid_request",
                String::from(
                    "There is no such endpoint: use /oauth/token, /oauth/revoke or /oauth/introspect",
                ),
            ),
            Self::ContentType => bad("Invalid request: content must be application/x-www-form-urlencoded"),
            Self::Body => bad("Invalid request: the body is too large, or is not UTF-8"),
            Self::Repeated(name) => bad(&format!("Invalid request: `{name}` stands more than once")),
            Self::Missing(name) => bad(&format!("Missing parameter: `{name}`")),
            Self::InQuery => bad("Invalid request: credentials belong into the body, never into the address"),
            Self::BadBasic => bad(
                "Invalid request: the Authorization header must be Basic with client id and client secret",
            ),
            Self::TwoWays => {
                bad("Invalid request: send the credentials in the header or in the body, not in both")
            }
            Self::UnsupportedGrant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                String::from("Unsupported grant type: `grant_type` must be client_credentials"),
            ),
            Self::InvalidScope => (
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                String::from("Invalid scope: leave `scope` out, or ask for api"),
            ),
            Self::ForeignToken => bad("Invalid request: the token was issued to another client"),
            Self::InvalidClient { .. } => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                String::from(
                    "Invalid client: client id or client secret is wrong, or the client may not be used",
                ),
            ),
            Self::TooMany(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                String::from(
                    "Too many failed attempts: wait for as many seconds as the Retry-After header says",
                ),
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                String::from("The service cannot do this right now: try again, it is safe to repeat"),
            ),
        }
    }
}

impl From<Error> for OauthError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "oauth.failed");
        Self::Unavailable
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = json!({
            "error": code,
            "error_description": description(&message),
            "statusCode": status.as_u16(),
            "status": status.as_u16(),
            "code": status.as_u16(),
            "name": code,
            "message": message,
        });
        let mut response = json_response(status, body.to_string());
        let headers = response.headers_mut();
        match self {
            Self::OnlyPost => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            Self::InvalidClient { issuer } => {
                let challenge = format!("Basic realm=\"{issuer}\", charset=\"UTF-8\"");
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    headers.insert(header::WWW_AUTHENTICATE, value);
                }
            }
            Self::TooMany(wait) => {
                headers.insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
            }
            Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// The characters that RFC 6749 allows in `error_description`: no quotes, no backslash, nothing beyond ASCII.
fn description(message: &str) -> String {
    message
        .chars()
        .filter(|letter| matches!(letter, ' '..='!' | '#'..='[' | ']'..='~'))
        .map(|letter| if letter == '`' { '\'' } else { letter })
        .collect()
}

/// A JSON answer that nobody may keep (RFC 6749 section 5.1).
pub(super) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t18_descriptions_hold_only_allowed_characters() {
        let hostile = OauthError::Repeated(String::from("a\"b\\c\nü"));
        let (_, _, message) = hostile.parts();
        assert!(
            description(&message)
                .bytes()
                .all(|byte| { matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e) })
        );
    }
}
