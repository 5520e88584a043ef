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
        let credentials = form.required_credentials(issuer)?;
        if form.get("scope").is_some_and(|scope| scope != SCOPE) {
            return Err(OauthError::InvalidScope);
        }
        let issued = gatepost.issue_token(&credentials, form.address()).await;
        issued.map_err(|refused| OauthError::from_refused(refused, issuer))
    };
    match answer.await {
        Ok(issued) => {
            json_response(StatusCode::OK, serde_json::to_string(&TokenOut::from(&issued)).unwrap_or_default())
        }
        Err(error) => error.into_response(),
    }
}

/// Both dialects at once. No `statusCode` and no `status`: existing integrations take either for a failure.
#[derive(Serialize)]
pub(crate) struct TokenOut {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: &'static str,
    #[serde(rename = "accessToken")]
    access_token_camel: String,
    #[serde(rename = "accessTokenExpiresAt")]
    expires_at: String,
    #[serde(rename = "tokenType")]
    token_type_camel: &'static str,
    client: ClientOut,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientOut {
    id: String,
    user_id: String,
    businesses: Vec<String>,
    grants: [&'static str; 1],
}

impl From<&Issued> for TokenOut {
    fn from(issued: &Issued) -> Self {
        let token = issued.token.expose();
        let businesses = issued.client.workspaces.iter().map(|workspace| workspace.subdomain.to_string());
        Self {
            access_token: token.to_owned(),
            token_type: "Bearer",
            expires_in: issued.claims.lifetime.as_secs(),
            scope: SCOPE,
            access_token_camel: token.to_owned(),
            expires_at: issued.claims.expires_at().iso(),
            token_type_camel: "Bearer",
            client: ClientOut {
                id: issued.client.id.clone(),
                user_id: issued.client.created_by.clone(),
                businesses: businesses.collect(),
                grants: ["client_credentials"],
            },
        }
    }
}
