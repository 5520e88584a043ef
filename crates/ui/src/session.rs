//! Whoever asks for a page.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::response::{IntoResponse, Response};
use gatepost_core::sessions::Visitor;
use gatepost_core::{Actor, Gatepost};
use gatepost_http::Caller;
use gatepost_model::{Timestamp, User};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::cookies;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::frame::Theme;
use crate::returning;

/// Somebody who is signed in, at this page. Every page but those for signing in takes one, so none can be seen without.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) visitor: Visitor,
    pub(crate) theme: Option<Theme>,
    pub(crate) flash: Option<Flash>,
    pub(crate) now: Timestamp,
    pub(crate) clients: u64,
    /// Whether htmx asks, which takes a part of the page for the answer.
    pub(crate) wants_part: bool,
}

impl Visit {
    pub(crate) const fn user(&self) -> &User {
        &self.visitor.user
    }

    pub(crate) fn actor(&self) -> Actor {
        self.visitor.actor()
    }
}

/// Why a visit did not come about.
pub(crate) enum Turned {
    /// Signing in comes first, and leads back.
    Away { to: String, by_script: bool },
    /// It could not be found out.
    Failed(Failure),
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        match self {
            // A redirect would be followed by the script, and the sign-in page shown inside another.
            Self::Away { to, by_script: true } => {
                let name = HeaderName::from_static("hx-redirect");
                (StatusCode::UNAUTHORIZED, [(name, value(&to))]).into_response()
            }
            Self::Away { to, by_script: false } => {
                (StatusCode::SEE_OTHER, [(header::LOCATION, value(&to))]).into_response()
            }
            Self::Failed(failure) => failure.into_response(),
        }
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(crate::BASE))
}

impl FromRequestParts<Arc<Gatepost>> for Visit {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, gatepost: &Arc<Gatepost>) -> Result<Self, Turned> {
        let wants_part =
            parts.headers.contains_key("hx-request") && !parts.headers.contains_key("hx-boosted");
        let caller = caller(parts);
        let visitor = match cookies::session(gatepost, &parts.headers) {
            Some(token) => gatepost.visitor(caller.0, token).await.map_err(failed)?,
            None => None,
        };
        let Some(visitor) = visitor else {
            let to = returning::sign_in(&came_for(parts));
            return Err(Turned::Away { to, by_script: parts.headers.contains_key("hx-request") });
        };
        let clients = gatepost.count_managed_clients(&visitor.user).await.map_err(failed)?;
        Ok(Self {
            visitor,
            theme: Theme::read(&parts.headers),
            flash: Flash::read(&parts.headers),
            now: gatepost.now(),
            clients,
            wants_part,
        })
    }
}

fn failed(error: gatepost_core::Error) -> Turned {
    Turned::Failed(error.into())
}

/// The page that was asked for; what was sent to it is gone, so after a form it is the first one.
fn came_for(parts: &Parts) -> String {
    if !parts.method.is_safe() {
        return String::from(crate::BASE);
    }
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    uri.path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// Where a request comes from. The listener says so for each.
pub(crate) fn caller(parts: &Parts) -> Caller {
    parts.extensions.get::<Caller>().copied().unwrap_or(Caller([127, 0, 0, 1].into()))
}
