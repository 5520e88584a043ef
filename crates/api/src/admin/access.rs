//! Who may call the admin API. The one place that decides it: every handler that changes or reveals something takes an
//! [`Administrator`].

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use gatepost_core::Actor;
use http::request::Parts;

/// Somebody who may manage the whole deployment, for the audit trail.
///
/// The router is served on a Unix socket that only the server's own user can open, and inside the command line's own
/// process, so whoever calls has been let in by the operating system. A listener that the network can reach must not
/// serve this router before this extractor asks for a token.
pub(super) struct Administrator(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Actor::Cli))
    }
}
