//! Pages for what went wrong. A page that may not be seen is the same 404 as one that does not exist.

use askama::Template;
use axum::body::Body;
use axum::response::{Html, IntoResponse, Response};
use gatepost_core::Error;
use gatepost_core::error::StoreError;
use gatepost_http::RequestId;
use http::StatusCode;

use crate::frame::Theme;
use crate::words::capital;

/// Why there is no page.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// There is no such page for whoever asks.
    NotFound,
    /// It answers other HTTP methods.
    WrongVerb,
    /// A form that was not sent from one of our pages (security.md, CSRF).
    Foreign,
    /// What was sent is no form of ours.
    Malformed,
    /// A text holds U+0000, which no database keeps.
    ZeroCharacter,
    /// A form that is longer than any of ours.
    TooLong,
    /// Whoever asks may not do that; the text says who may.
    Forbidden(String),
    /// A one-time link that lets nobody in any more.
    LinkEnded,
    /// Too many tries; the text says how long to wait.
    Wait(String),
    /// What was asked for does not fit the present state; the text is for whoever asked.
    Conflict(String),
    /// The store cannot do it now.
    Unavailable,
    /// Something is broken here.
    Internal,
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::LinkEnded => StatusCode::NOT_FOUND,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongVerb => StatusCode::METHOD_NOT_ALLOWED,
            Self::Foreign | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Malformed | Self::ZeroCharacter => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "There is no such page",
            Self::WrongVerb => "This page cannot be used like that",
            Self::Foreign => "This form did not come from here",
            Self::Malformed | Self::ZeroCharacter | Self::TooLong => "This form could not be read",
            Self::Forbidden(_) => "This is not yours to do",
            Self::LinkEnded => "This link does not work",
            Self::Wait(_) => "Too many tries",
            Self::Conflict(_) => "This is not possible now",
            Self::Unavailable => "This is not possible right now",
            Self::Internal => "Something went wrong on our side",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::NotFound => {
                "The address may be mistyped, what it showed may be gone, or it belongs to workspaces that you do not administer."
            }
            Self::WrongVerb => "Open it from the page that leads to it.",
            Self::Foreign => "Nothing was changed. Open the page again and send the form from there.",
            Self::Malformed => "Nothing was changed. Open the page again and send its form.",
            Self::ZeroCharacter => {
                "Nothing was changed. A text in it holds the invisible character U+0000, which cannot be kept. Go back, type that text anew instead of pasting it, and send it again."
            }
            Self::TooLong => "Nothing was changed. It is longer than any form of ours.",
            Self::LinkEnded => {
                "It was used, it was withdrawn, it has ended, or a part of it is missing. Ask whoever sent it for a new one."
            }
            Self::Conflict(text) | Self::Forbidden(text) | Self::Wait(text) => text,
            Self::Unavailable => "Nothing was changed. Wait a moment, then send it again.",
            Self::Internal => "Nothing was changed. If it goes on, tell the operator the id below.",
        }
    }

    /// The page. The guard calls this, for it knows theme and request id.
    pub(crate) fn page(&self, theme: Option<Theme>, request: Option<&RequestId>) -> Response {
        let request_id = match self {
            Self::Internal | Self::Unavailable => request.map(RequestId::as_str),
            _ => None,
        };
        let page = FailurePage { theme, title: self.title(), text: self.text(), request_id };
        match page.render() {
            Ok(html) => (self.status(), Html(html)).into_response(),
            Err(_) => self.status().into_response(),
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    theme: Option<Theme>,
    title: &'a str,
    text: &'a str,
    request_id: Option<&'a str>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::NotFound,
            Error::Forbidden(text) => Self::Forbidden(sentence(&text)),
            Error::Conflict(text) => Self::Conflict(sentence(&text)),
            Error::Invalid { problem, .. } => Self::Conflict(sentence(&problem)),
            Error::Unhashable => Self::Unavailable,
            Error::Store(StoreError::ZeroCharacter) => Self::ZeroCharacter,
            Error::Store(cause) if cause.is_transient() => {
                tracing::warn!(error = %cause, "store.unavailable");
                Self::Unavailable
            }
            error => {
                tracing::error!(%error, "page.failed");
                Self::Internal
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "page.unrendered");
        Self::Internal
    }
}

/// The guard makes a page of it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// A message of the use cases as a sentence: they begin small and have no full stop.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    capital(text) + stop
}
