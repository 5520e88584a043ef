//! The OAuth 2 face: token, revocation and introspection endpoints, and the metadata that names them.
//!
//! RFC 6749 (client credentials), 7009, 7662 and 8414, in both dialects at once: the members that the standards name and
//! the camelCase ones that existing integrations read (contract.md B). Each endpoint also answers under a version
//! prefix, because existing integrations ask there.

mod error;
mod form;
mod introspect;
mod metadata;
mod revoke;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use gatepost_core::Gatepost;
use gatepost_model::ApiVersion;

use self::error::OauthError;
pub(crate) use self::token::TokenOut;

/// The one scope there is: access is scoped by workspace, not by area (contract A15).
const SCOPE: &str = "api";

/// The endpoints.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    let mut router = Router::new().route("/.well-known/oauth-authorization-server", get(metadata::document));
    for prefix in
        [""].into_iter().map(String::from).chain(ApiVersion::ALL.map(|version| format!("/{version}")))
    {
        router = router
            .route(&format!("{prefix}/oauth/token"), post(token::post).fallback(only_post))
            .route(&format!("{prefix}/oauth/token/"), post(token::post).fallback(only_post))
            .route(&format!("{prefix}/oauth/revoke"), post(revoke::post).fallback(only_post))
            .route(&format!("{prefix}/oauth/introspect"), post(introspect::post).fallback(only_post))
            .route(&format!("{prefix}/oauth/{{*rest}}"), any(nothing_there));
    }
    router.with_state(gatepost)
}

async fn only_post() -> Response {
    OauthError::OnlyPost.into_response()
}

async fn nothing_there() -> Response {
    OauthError::NothingThere.into_response()
}

type Shared = State<Arc<Gatepost>>;
