//! `POST /oauth/introspect`: what a client may know of its own token (RFC 7662).

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use serde_json::json;

use super::error::{OauthError, json_response};
use super::form::Form;
use super::{SCOPE, Shared};

/// Says whether a token is good. One that is expired, revoked, unknown or another client's is `{"active":false}` and
/// nothing else.
pub(super) async fn post(State(gatepost): Shared, request: Request<Body>) -> Response {
    let issuer = &gatepost.settings().public_url;
    let answer = async {
        let form = Form::read(request).await?;
        let client = form.authenticate(&gatepost).await?;
        let token = form.get("token").ok_or(OauthError::Missing("token"))?;
        Ok(match gatepost.introspect_token(&client, token) {
            None => json!({ "active": false }),
            Some(claims) => json!({
                "active": true,
                "client_id": client.client_id,
                "sub": client.id,
                "iss": issuer,
                "scope": SCOPE,
                "token_type": "Bearer",
                "iat": claims.issued_at.seconds(),
                "exp": claims.expires_at().seconds(),
                "businesses": client
                    .workspaces
                    .iter()
                    .map(|workspace| workspace.subdomain.as_str())
                    .collect::<Vec<_>>(),
            }),
        })
    };
    match answer.await {
        Ok(body) => json_response(StatusCode::OK, body.to_string()),
        Err::<_, OauthError>(error) => error.into_response(),
    }
}
