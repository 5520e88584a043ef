//! Sending a call to a server elsewhere, with an admin token.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http::{HeaderValue, Request, StatusCode, header};

use super::call::{Call, Place};
use super::send::{Answer, body_of};
use crate::remote::Remote;

/// Where the admin token is looked for. It is never an argument: every process of a machine can read those.
pub(super) const TOKEN: &str = "GATEPOST_ADMIN_TOKEN";

/// No call takes longer: a test of a webhook URL waits for its receiver for some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, and what opens its admin API.
#[derive(Debug)]
pub(super) struct Server {
    remote: Remote,
    authorization: HeaderValue,
}

impl Server {
    /// The server at `address`, which begins with `https://`; `http://` is for this machine alone.
    ///
    /// # Errors
    /// If the address is none that the token may be sent to, or there is no token.
    pub(super) fn new(address: &str, token: Option<String>) -> anyhow::Result<Self> {
        let remote = Remote::new(address).context("--server")?;
        ensure!(
            !remote.is_readable(),
            "{} would get the admin token unencrypted, over other machines: use https://, or a tunnel and \
             http://127.0.0.1",
            remote.base()
        );
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let token = token.with_context(|| {
            format!(
                "the environment variable {TOKEN} is not set: make an admin token in Settings > API manager > API tokens, \
                 or on the server's machine with gatepost admin-token create"
            )
        })?;
        let authorization = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut authorization = authorization
            .with_context(|| format!("{TOKEN} holds characters that no admin token has (gpa_…)"))?;
        authorization.set_sensitive(true);
        Ok(Self { remote, authorization })
    }

    /// Sends a call.
    ///
    /// # Errors
    /// If it can be made on the server's own machine only, the server cannot be reached, or what is there is no Gatepost.
    /// That it refuses is an [`Answer`].
    pub(super) async fn send(&self, call: &Call) -> anyhow::Result<Answer> {
        if call.place == Place::Machine {
            bail!(
                "this is the operator's, on the machine where the server runs: run the command there, without --server"
            );
        }
        let request = Request::builder()
            .method(call.verb.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, self.authorization.clone());
        let asked = self.remote.ask(request, &call.path, body_of(call), PATIENCE);
        let reply = asked.await.context(
            "look whether the address is right and the server runs, and whether a change was made before you repeat it",
        )?;
        let body = serde_json::from_slice(&reply.body).with_context(|| {
            format!("is there a Gatepost server at {}? The answer is not JSON", self.remote.base())
        })?;
        Ok(with_remedy(Answer { status: reply.status, body }))
    }
}

/// Says what to do where the server, which knows nothing of this program's environment, cannot.
fn with_remedy(mut answer: Answer) -> Answer {
    let remedy = match answer.status {
        StatusCode::UNAUTHORIZED => {
            format!("Set {TOKEN} to a token that is good: make one in API manager > API tokens.")
        }
        StatusCode::FORBIDDEN if answer.body["name"] == "insufficient_scope" => {
            format!("Scopes of a token cannot be changed: make another one with it, and set {TOKEN} to that.")
        }
        _ => return answer,
    };
    if let Some(body) = answer.body.as_object_mut() {
        body.entry("help").or_insert_with(|| remedy.into());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str, token: Option<&str>) -> String {
        let made = Server::new(address, token.map(str::to_owned));
        made.err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn a_token_is_sent_over_tls_or_within_the_machine_only() {
        for address in [
            "https://gatepost.example.com",
            "https://10.0.0.1:8443/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert_eq!(refused(address, Some("gpa_x")), "", "{address}");
        }
        for (address, why) in [
            ("http://gatepost.example.com", "unencrypted"),
            ("http://10.0.0.1", "unencrypted"),
            ("http://localhost.example.com", "unencrypted"),
            ("gatepost.example.com", "is not a server"),
            ("ftp://gatepost.example.com", "is not a server"),
            ("https://user:gpa_x@gatepost.example.com", "leave the rest away"),
        ] {
            let said = refused(address, Some("gpa_x"));
            assert!(said.contains(why), "{address}: {said}");
        }
        for token in [None, Some(""), Some(" ")] {
            let said = refused("https://gatepost.example.com", token);
            assert!(said.contains("GATEPOST_ADMIN_TOKEN is not set"), "{said}");
        }
        assert!(refused("https://gatepost.example.com", Some("gpa_\n1")).contains("characters"));
    }
}
