//! `GET /.well-known/oauth-authorization-server`: where everything is (RFC 8414).

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::error::json_response;
use super::{SCOPE, Shared};

/// The document. Everything in it works (security.md D2).
pub(super) async fn document(State(gatepost): Shared) -> Response {
    let issuer = &gatepost.settings().public_url;
    let methods = ["client_secret_post", "client_secret_basic"];
    let body = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": [SCOPE],
    });
    let mut response = json_response(StatusCode::OK, body.to_string());
    let cache = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    response.headers_mut().remove(header::PRAGMA);
    response
}
