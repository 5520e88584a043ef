//! The gate before a request: reads what the headers say, lets [`gatepost_core::gate`] decide, and renders a refusal.

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use gatepost_core::Gatepost;
use gatepost_core::gate::{Business, Credential, Reason};
use gatepost_core::journal::Refusal;
use gatepost_core::tokens::{Admission, Asked};
use gatepost_model::client::LastUsed;
use gatepost_model::limit::{Quota, WINDOW};
use gatepost_model::{ApiClient, ApiVersion, Timestamp, WorkspaceNumber};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{Caller, Problem, RequestId, caller};

/// The header that names the workspace.
pub const BUSINESS: HeaderName = HeaderName::from_static("business");

/// A request that passed the gate. No handler sees a raw token; this is what there is to know of the caller.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The client.
    pub client: Arc<ApiClient>,
    /// The workspace that it acts in.
    pub workspace: WorkspaceNumber,
    /// The version to answer in.
    pub version: ApiVersion,
    /// What is left of its limit.
    pub quota: Quota,
    /// Where it calls from.
    pub address: IpAddr,
    /// When it was let in.
    pub at: Timestamp,
}

impl Admitted {
    /// Adds the limit headers to the answer, and says in which version it is.
    #[must_use]
    pub fn decorate(&self, mut response: Response) -> Response {
        let version = HeaderValue::from_static(self.version.as_str());
        response.headers_mut().insert("gatepost-api-version", version);
        limit_headers(response.headers_mut(), &self.quota, self.at);
        response
    }
}

/// Asks the gate. `version` is the one that the path names (an error if there is no such version), `route_exists`
/// whether there is something at the path for this HTTP method: that, too, is the gate's to judge, in its turn.
///
/// # Errors
/// The answer that refuses the request, complete with headers.
pub async fn admit(
    gatepost: &Gatepost,
    parts: &Parts,
    version: Result<Option<ApiVersion>, ()>,
    route_exists: bool,
) -> Result<Admitted, Response> {
    let now = gatepost.now();
    let address = parts.extensions.get::<Caller>().map_or(caller::UNKNOWN, |caller| caller.0);
    let (credential, business) = (credential(parts), business(&parts.headers));
    let asked = Asked { credential, business, address, version, route_exists };
    let (client, admission) =
        gatepost.admit(asked, now).await.map_err(|error| Problem::from(error).into_response())?;
    match (admission.trace.failure(), client, admission.workspace, admission.quota) {
        (None, Some(client), Some(workspace), Some(quota)) => {
            let name = match business {
                Business::Named(name) => Some(name.to_owned()),
                Business::Missing | Business::Several => None,
            };
            gatepost.note_use(client.number, LastUsed { at: now, address, workspace: name });
            Ok(Admitted { client, workspace, version: admission.version, quota, address, at: now })
        }
        (Some((_, reason)), client, ..) => {
            remember(gatepost, parts, &asked, client.as_deref(), &admission, now);
            Err(refuse(reason, business, admission.quota, now))
        }
        // The gate passes no request without a client, a workspace and a quota.
        (None, ..) => Err(Problem::internal().into_response()),
    }
}

/// Finds `Bearer <token>` anywhere in the value, because a client that exists sends `Authorization::  Bearer <token>`,
/// which reads as the value `:  Bearer <token>` (contract.md B).
fn credential(parts: &Parts) -> Credential<'_> {
    if parts.uri.query().is_some_and(names_token) {
        return Credential::Bad(Reason::TokenInQuery);
    }
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), more) = (values.next(), values.next()) else {
        return Credential::Missing;
    };
    if more.is_some() {
        return Credential::Bad(Reason::SeveralAuthorizations);
    }
    match value.to_str().ok().and_then(bearer) {
        Some(token) => Credential::Token(token),
        None => Credential::Bad(Reason::MalformedAuthorization),
    }
}

fn names_token(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("access_token"))
}

fn bearer(value: &str) -> Option<&str> {
    const SCHEME: &str = "bearer";
    let rest = value.trim_start_matches([':', ' ', '\t']);
    let (scheme, token) = rest.split_at_checked(SCHEME.len())?;
    let token = token.strip_prefix([' ', '\t'])?.trim_matches([' ', '\t']);
    let one_word = !token.is_empty() && !token.contains([' ', '\t', ',']);
    (scheme.eq_ignore_ascii_case(SCHEME) && one_word).then_some(token)
}

fn business(headers: &HeaderMap) -> Business<'_> {
    let mut values = headers.get_all(BUSINESS).iter();
    let (Some(value), more) = (values.next(), values.next()) else {
        return Business::Missing;
    };
    if more.is_some() {
        return Business::Several;
    }
    // Bytes that are not text cannot be a subdomain; the lossless way to say so is a name that no workspace has.
    match value.to_str().map(str::trim) {
        Ok("") => Business::Missing,
        Ok(name) => Business::Named(name),
        Err(_) => Business::Named("�"),
    }
}

fn refuse(reason: Reason, business: Business<'_>, quota: Option<Quota>, now: Timestamp) -> Response {
    let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut problem = Problem::new(status, reason.name(), reason.message(business)).help(reason.help());
    if let Some(challenge) = challenge(reason) {
        problem = problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    let mut response = problem.into_response();
    if let Some(quota) = quota {
        limit_headers(response.headers_mut(), &quota, now);
        if reason == Reason::OverLimit {
            response.headers_mut().insert(header::RETRY_AFTER, quota.retry_after(now).into());
        }
    }
    response
}

/// The challenges of RFC 6750 section 3 (security.md A1 to A3).
const fn challenge(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::NoToken => Some(r#"Bearer realm="api""#),
        Reason::ExpiredToken => {
            Some(r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#)
        }
        Reason::SeveralAuthorizations | Reason::MalformedAuthorization | Reason::TokenInQuery => Some(
            r#"Bearer realm="api", error="invalid_request", error_description="Send one Authorization header of the form Bearer token""#,
        ),
        other if other.status() == 401 => Some(
            r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#,
        ),
        _ => None,
    }
}

/// Both families of limit headers: `X-RateLimit-*` (reset in seconds since the epoch) and the IETF draft's
/// `RateLimit-Policy` and `RateLimit` (reset in seconds from now).
fn limit_headers(headers: &mut HeaderMap, quota: &Quota, now: Timestamp) {
    let left = quota.retry_after(now);
    headers.insert("x-ratelimit-limit", quota.limit.into());
    headers.insert("x-ratelimit-remaining", quota.remaining.into());
    headers.insert("x-ratelimit-reset", (quota.resets_at.0.div_euclid(1_000_000) + 1).into());
    let policy = format!("\"client\";q={};w={}", quota.limit, WINDOW.as_secs());
    let state = format!("\"client\";r={};t={left}", quota.remaining);
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

/// Keeps a refusal so that it can be explained: no body, no query, no secret.
fn remember(
    gatepost: &Gatepost,
    parts: &Parts,
    asked: &Asked<'_>,
    client: Option<&ApiClient>,
    admission: &Admission,
    now: Timestamp,
) {
    let (Some((check, reason)), Some(id)) = (admission.trace.failure(), parts.extensions.get::<RequestId>())
    else {
        return;
    };
    if !gatepost.has_room_for_refusals() {
        return;
    }
    gatepost.note_refusal(Refusal {
        id: id.as_str().to_owned(),
        at: now,
        client: client.map(|client| client.number),
        workspace: match asked.business {
            Business::Named(name) => Some(name.chars().take(100).collect()),
            Business::Missing | Business::Several => None,
        },
        verb: parts.method.as_str().chars().take(20).collect(),
        path: parts.uri.path().chars().take(300).collect(),
        status: reason.status(),
        refused_by: check.as_str().to_owned(),
        detail: reason.explanation().to_owned(),
        address: asked.address.to_string(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a5_bearer_in_any_case_and_the_doubled_colon() {
        for value in ["Bearer gpt_x", "bearer gpt_x", "BEARER\tgpt_x ", ":  Bearer gpt_x"] {
            assert_eq!(bearer(value), Some("gpt_x"), "{value}");
        }
        for value in
            ["", "Bearer", "Bearer ", "Basic gpt_x", "Bearer a b", "gpt_x", "Bearer a,Bearer b", "Béarer x"]
        {
            assert_eq!(bearer(value), None, "{value}");
        }
    }

    #[test]
    fn a8_business_header_shapes() {
        let mut headers = HeaderMap::new();
        assert_eq!(business(&headers), Business::Missing);
        headers.append(BUSINESS, " shop ".parse().unwrap());
        assert_eq!(business(&headers), Business::Named("shop"));
        headers.append(BUSINESS, "shop".parse().unwrap());
        assert_eq!(business(&headers), Business::Several);
        headers.insert(BUSINESS, "".parse().unwrap());
        assert_eq!(business(&headers), Business::Missing);
    }

    #[test]
    fn a4_tokens_in_the_query_are_seen() {
        assert!(names_token("a=1&access_token=x"));
        assert!(!names_token("q=access_token"));
    }
}
