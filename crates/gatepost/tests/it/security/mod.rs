//! The rows of the security requirements, end to end: each test bears the id of its row. Rows about API requests begin
//! with `r_`, to be told from the statements of the mission.

mod admin_calls;
mod admin_tokens;
mod api_requests;
mod bypass;
mod introspection;
mod leaks;
mod limits;
mod metadata;
mod platform;
mod revocation;
mod secrets;
mod token_credentials;
mod token_requests;
mod webhook_headers;

use gatepost_testkit::{Answer, App, TestClient};

/// The form of a token request.
fn form(client: &TestClient) -> String {
    format!("grant_type=client_credentials&{}", credentials(client))
}

/// A client's credentials as parameters.
fn credentials(client: &TestClient) -> String {
    format!("client_id={}&client_secret={}", client.client_id, client.secret)
}

/// A client's credentials as an `Authorization` header.
fn basic(id: &str, secret: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
}

/// A secret or token with another last character.
fn altered(secret: &str) -> String {
    let (start, end) = secret.split_at(secret.len() - 1);
    format!("{start}{}", if end == "0" { '1' } else { '0' })
}

/// Posts a form to an OAuth endpoint with further headers.
async fn post(app: &App, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    app.http.send("POST", path, &[&kind, headers].concat(), form.to_owned()).await
}

/// Posts a form to an OAuth endpoint with this `Authorization` header.
async fn post_as(app: &App, path: &str, authorization: &str, form: &str) -> Answer {
    post(app, path, &[("authorization", authorization)], form).await
}

/// Posts a form to an OAuth endpoint that must refuse it: with this status and `error`.
#[track_caller]
fn refused(answer: Answer, status: u16, error: &str) -> Answer {
    let answer = answer.expect(status);
    assert_eq!(answer.json()["error"], error, "{}", answer.text());
    answer
}
