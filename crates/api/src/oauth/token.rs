//! `POST /oauth/token`: client credentials for an access token (contract A26, RFC 6749 section 4.4).

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gatepost_core::tokens::Issued;
use http::{Request, StatusCode};
use serde::Serialize;

use super::error::{OauthError, json_response};
use super::form::Form;
use super::{SCOPE, Shared};

/// Issues a token. No `business` header is needed here (contract.md B).
pub(super) async fn post(State(gatepost): Shared, request: Request<Body>) -> Response {
    let issuer = &gatepost.settings().public_url;
    let answer = async {
        let form = Form::read(request).await?;
        match form.get("grant_type") {
            None => return Err(OauthError::Missing("grant_type")),
            Some("client_credentials") => {}
            Some(_) => return Err(OauthError::UnsupportedGrant),
        }
        let credentials =
            form.credentials()?.ok_or_else(|| OauthError::InvalidClient { issuer: issuer.clone() })?;
        if form.get("scope").is_some_and(|scope| scope != SCOPE) {
            return Err(OauthError::InvalidScope);
        }
        let issued = gatepost.issue_token(&credentials, form.address()).await;
        issued.map_err(|refused| OauthError::from_refused(refused, issuer))
    };
    match answer.await {
        Ok(issued) => json_response(StatusCode::OK, body(&issued)),
        Err(error) => error.into_response(),
    }
}

/// Both dialects at once. No `statusCode` and no `status`: existing integrations take either for a failure.
#[derive(Serialize)]
struct TokenOut<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    scope: &'static str,
    #[serde(rename = "accessToken")]
    access_token_camel: &'a str,
    #[serde(rename = "accessTokenExpiresAt")]
    expires_at: String,
    #[serde(rename = "tokenType")]
    token_type_camel: &'static str,
    client: ClientOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientOut<'a> {
    id: &'a str,
    user_id: &'a str,
    businesses: Vec<&'a str>,
    grants: [&'static str; 1],
}

/// The answer's body.
pub(crate) fn body(issued: &Issued) -> String {
    let token = issued.token.expose();
    let out = TokenOut {
        access_token: token,
        token_type: "Bearer",
        expires_in: issued.claims.lifetime.as_secs(),
        scope: SCOPE,
        access_token_camel: token,
        expires_at: issued.claims.expires_at().iso(),
        token_type_camel: "Bearer",
        client: ClientOut {
            id: &issued.client.id,
            user_id: &issued.client.created_by,
            businesses: issued
                .client
                .workspaces
                .iter()
                .map(|workspace| workspace.subdomain.as_str())
                .collect(),
            grants: ["client_credentials"],
        },
    };
    serde_json::to_string(&out).unwrap_or_default()
}
