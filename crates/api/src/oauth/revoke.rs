//! `POST /oauth/revoke`: ends one token (RFC 7009).

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gatepost_core::tokens::Revocation;
use http::{Request, StatusCode};

use super::Shared;
use super::error::{OauthError, json_response};
use super::form::Form;

/// Revokes a token of the client that asks. A token that is unknown, or dead already, is not an error; one of another
/// client is, and nothing is done to it. `token_type_hint` may say what it likes: there is one type of token.
pub(super) async fn post(State(gatepost): Shared, request: Request<Body>) -> Response {
    let answer = async {
        let form = Form::read(request).await?;
        let client = form.authenticate(&gatepost).await?;
        let token = form.get("token").ok_or(OauthError::Missing("token"))?;
        match gatepost.revoke_token(&client, token).await? {
            Revocation::Done => Ok(()),
            Revocation::NotYours => Err(OauthError::ForeignToken),
        }
    };
    match answer.await {
        Ok(()) => json_response(StatusCode::OK, String::from("{}")),
        Err(error) => error.into_response(),
    }
}
