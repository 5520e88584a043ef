//! The one way in which an error leaves: `{code, message}` as existing integrations read it (contract.md E), with a
//! stable name, a word of help, and nothing internal.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use gatepost_core::Error;
use gatepost_core::error::StoreError;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// An error as the caller gets it.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    name: &'static str,
    message: String,
    help: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// An error with a status, a stable name, and a message for the person who gets it.
    #[must_use]
    pub fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into(), help: None, headers: Vec::new() }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What exists, but not with this HTTP method: 403 as existing integrations expect (contract.md E).
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "method_not_allowed", "Method not allowed")
    }

    /// Something that went wrong here. What it was goes to the log, never to the caller.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong on our side.")
            .help("Try again. If it goes on, tell the operator the X-Request-Id of this answer.")
    }

    /// The store cannot do it now: nothing was changed, and trying again is safe.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service cannot do this right now.")
            .help("Nothing was changed. Try again after the seconds in Retry-After.")
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// The connection to the database was lost in the middle of a commit: nobody knows whether the change was made, and
    /// nothing may be said of it that could be wrong.
    #[must_use]
    pub fn uncertain() -> Self {
        let help = "The change was made as a whole or not at all: look which before you send it again.";
        Self { help: Some(help.to_owned()), name: "uncertain", ..Self::unavailable() }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { .. } => Self::new(StatusCode::BAD_REQUEST, "invalid", error.to_string()),
            Error::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string()),
            Error::Forbidden(message) => Self::new(StatusCode::FORBIDDEN, "forbidden", message),
            Error::Conflict(message) => Self::new(StatusCode::CONFLICT, "conflict", message),
            Error::Behind => {
                tracing::warn!(%error, "feed.lost");
                Self::unavailable()
            }
            Error::Store(zero @ StoreError::ZeroCharacter) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid", zero.to_string())
            }
            Error::Store(StoreError::Uncertain) => {
                tracing::warn!(error = %StoreError::Uncertain, "store.uncertain");
                Self::uncertain()
            }
            Error::Store(cause) if cause.is_transient() => {
                tracing::warn!(error = %cause, "store.unavailable");
                Self::unavailable()
            }
            Error::Store(cause) => {
                tracing::error!(error = %cause, "store.failed");
                Self::internal()
            }
            Error::Unhashable => {
                tracing::error!("a password could not be hashed: is there memory left?");
                Self::unavailable()
            }
            Error::Sealed => {
                tracing::error!(
                    "a sealed value does not open: is the key file the one that belongs to this database?"
                );
                Self::internal()
            }
        }
    }
}

#[derive(Serialize)]
struct ProblemOut<'a> {
    code: u16,
    #[serde(rename = "statusCode")]
    status_code: u16,
    name: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.status.as_u16();
        let body = ProblemOut {
            code,
            status_code: code,
            name: self.name,
            message: &self.message,
            help: self.help.as_deref(),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_which_nobody_knows_is_not_called_undone() {
        let help = |cause| Problem::from(Error::Store(cause)).help.unwrap();
        assert!(help(StoreError::Busy).contains("Nothing was changed"));
        assert!(!help(StoreError::Uncertain).contains("Nothing was changed"));
    }

    #[test]
    fn a_text_that_no_database_keeps_is_the_mistake_of_whoever_sent_it() {
        let problem = Problem::from(Error::Store(StoreError::ZeroCharacter));
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert!(problem.message.contains("U+0000"), "{problem:?}");
    }

    #[test]
    fn p9_nothing_internal_leaves() {
        for cause in [StoreError::Busy, StoreError::Io("/var/lib/x: denied".into()), StoreError::NotFound] {
            let problem = Problem::from(Error::Store(cause));
            assert!(problem.status().is_server_error());
            assert!(!format!("{} {:?}", problem.message, problem.help).contains("/var"), "{problem:?}");
        }
    }
}
