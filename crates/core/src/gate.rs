//! The gate: whether a request may pass.
//!
//! [`decide`] is one pure function with a trace of every check. The live path calls it, and so does whatever explains a
//! past request or tries out a change, so they cannot disagree. Checks run in the order of [`Check::ALL`]; the first
//! that fails decides (design.md "The gate", security.md 3.2).

use std::cmp::Ordering;
use std::net::IpAddr;

use gatepost_keys::{Claims, TokenError, mask};
use gatepost_model::limit::{Quota, Window};
use gatepost_model::{ApiClient, ApiVersion, ClientStatus, SecretState, Timestamp, Workspace};

/// How far ahead of this node's clock a token may have been issued: another node's clock may be fast.
pub const CLOCK_SKEW_SECONDS: u64 = 60;

/// What the gate looks at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// One `Authorization` header of the right form, no token elsewhere.
    Shape,
    /// The token: issued here, not expired, not revoked.
    Token,
    /// The client: there, active, its secret not cut off.
    Client,
    /// The address is on the client's allow list.
    Address,
    /// The `business` header names a workspace that the client is enabled for.
    Workspace,
    /// The client has requests left in this window.
    RateLimit,
    /// The path names a version that exists.
    Version,
    /// The route exists.
    Route,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Self; 8] = [
        Self::Shape,
        Self::Token,
        Self::Client,
        Self::Address,
        Self::Workspace,
        Self::RateLimit,
        Self::Version,
        Self::Route,
    ];

    /// As it stands in traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "request shape",
            Self::Token => "token",
            Self::Client => "client",
            Self::Address => "address",
            Self::Workspace => "workspace",
            Self::RateLimit => "rate limit",
            Self::Version => "version",
            Self::Route => "route",
        }
    }
}

/// Why a check failed: the true reason, for the client's owner. What the caller is told is [`Reason::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// More than one `Authorization` header.
    SeveralAuthorizations,
    /// An `Authorization` header without `Bearer` and a token.
    MalformedAuthorization,
    /// A token in the query.
    TokenInQuery,
    /// More than one `business` header.
    SeveralBusinessHeaders,
    /// No `Authorization` header.
    NoToken,
    /// Not the form of a token.
    UnreadableToken,
    /// Not issued here, or altered.
    ForgedToken,
    /// Its lifetime is over.
    ExpiredToken,
    /// Issued later than the clock allows.
    TokenFromTheFuture,
    /// Revoked singly.
    RevokedToken,
    /// Issued before the client's tokens were all cut off.
    TokenBeforeCut,
    /// Its secret was cut off.
    KilledSecret,
    /// Its secret came to its end.
    EndedSecret,
    /// The client was deleted.
    NoClient,
    /// The client is disabled.
    DisabledClient,
    /// The client was revoked.
    RevokedClient,
    /// The address is not on the allow list.
    ForeignAddress,
    /// No `business` header, or an empty one.
    NoWorkspace,
    /// The named workspace is not one of the client's, or does not exist: the caller is not told which.
    ForeignWorkspace,
    /// No request left in this window.
    OverLimit,
    /// The path names a version that does not exist.
    UnknownVersion,
    /// The route does not exist, or not with this HTTP method.
    UnknownRoute,
}

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It passed.
    Passed,
    /// It failed, and so did the request.
    Failed(Reason),
    /// An earlier one failed.
    NotReached,
}

/// The findings of every check, in the order of [`Check::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace([Finding; 8]);

impl Trace {
    /// Each check with its finding.
    pub fn iter(&self) -> impl Iterator<Item = (Check, Finding)> + '_ {
        Check::ALL.into_iter().zip(self.0)
    }

    /// The trace of a request that was refused for this reason at this check.
    #[must_use]
    pub fn stopped(at: Check, reason: Reason) -> Self {
        Self(Check::ALL.map(|check| match (check as u8).cmp(&(at as u8)) {
            Ordering::Less => Finding::Passed,
            Ordering::Equal => Finding::Failed(reason),
            Ordering::Greater => Finding::NotReached,
        }))
    }

    /// The check that failed, and why.
    #[must_use]
    pub fn failure(&self) -> Option<(Check, Reason)> {
        self.iter().find_map(|(check, finding)| match finding {
            Finding::Failed(reason) => Some((check, reason)),
            Finding::Passed | Finding::NotReached => None,
        })
    }
}

/// What the `Authorization` headers and the query say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nothing.
    Missing,
    /// One header with a token.
    Token(&'a str),
    /// Something that the shape check refuses.
    Bad(Reason),
}

/// What the `business` headers say, spaces around the value taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Business<'a> {
    /// No header, or an empty one.
    Missing,
    /// One header.
    Named(&'a str),
    /// More than one.
    Several,
}

/// A request, as the gate sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What was sent to authenticate.
    pub credential: Credential<'a>,
    /// What the token says, once its MAC was checked; only looked at where there is a token.
    pub claims: Result<Claims, TokenError>,
    /// Which workspace was named.
    pub business: Business<'a>,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The version that the path names: none if it names none, an error if there is no such version.
    pub version: Result<Option<ApiVersion>, ()>,
    /// Whether the route exists with this HTTP method.
    pub route_exists: bool,
}

/// What the gate decided.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// How each check ended.
    pub trace: Trace,
    /// The workspace, if that check was passed.
    pub workspace: Option<&'a Workspace>,
    /// What is left of the limit, if that check was reached.
    pub quota: Option<Quota>,
    /// The version to answer in: the path's, or else the client's.
    pub version: ApiVersion,
}

impl Verdict<'_> {
    /// Why the request was refused, if it was.
    #[must_use]
    pub fn refusal(&self) -> Option<Reason> {
        self.trace.failure().map(|(_, reason)| reason)
    }
}

/// Decides on a request, given the state of the client that its token names (none if there is no such client).
///
/// `window` is the client's rate-limit window and `limit` its limit; a request that reaches that check is counted.
pub fn decide<'a>(
    request: &Request<'_>,
    client: Option<&'a ApiClient>,
    window: &mut Window,
    limit: u32,
    now: Timestamp,
) -> Verdict<'a> {
    let mut verdict = Verdict {
        trace: Trace([Finding::NotReached; 8]),
        workspace: None,
        quota: None,
        version: client.map_or(ApiVersion::NEWEST, |client| client.api_version),
    };
    for (check, place) in Check::ALL.into_iter().zip(0..) {
        let found = match (check, client) {
            (Check::Shape, _) => shape(request),
            (Check::Token, client) => token(request, client, now),
            (Check::Client, None) => Err(Reason::NoClient),
            (Check::Client, Some(client)) => active(request, client, now),
            (Check::Address, Some(client)) => address(request, client),
            (Check::Workspace, Some(client)) => {
                workspace(request, client).map(|found| verdict.workspace = Some(found))
            }
            (Check::RateLimit, _) => {
                let quota = window.take(limit, now);
                verdict.quota = Some(quota);
                pass(quota.allowed, Reason::OverLimit)
            }
            (Check::Version, _) => request
                .version
                .map(|named| verdict.version = named.unwrap_or(verdict.version))
                .map_err(|()| Reason::UnknownVersion),
            (Check::Route, _) => pass(request.route_exists, Reason::UnknownRoute),
            (Check::Address | Check::Workspace, None) => Err(Reason::NoClient),
        };
        match found {
            Ok(()) => verdict.trace.0[place] = Finding::Passed,
            Err(reason) => {
                verdict.trace.0[place] = Finding::Failed(reason);
                break;
            }
        }
    }
    verdict
}

const fn pass(passed: bool, otherwise: Reason) -> Result<(), Reason> {
    if passed { Ok(()) } else { Err(otherwise) }
}

fn shape(request: &Request<'_>) -> Result<(), Reason> {
    match (request.credential, request.business) {
        (Credential::Bad(reason), _) => Err(reason),
        (_, Business::Several) => Err(Reason::SeveralBusinessHeaders),
        (Credential::Missing | Credential::Token(_), _) => Ok(()),
    }
}

fn token(request: &Request<'_>, client: Option<&ApiClient>, now: Timestamp) -> Result<(), Reason> {
    if request.credential == Credential::Missing {
        return Err(Reason::NoToken);
    }
    let claims = request.claims.map_err(|error| match error {
        TokenError::Shape => Reason::UnreadableToken,
        TokenError::Mac => Reason::ForgedToken,
    })?;
    let ahead = claims.issued_at.since(now).as_secs();
    pass(ahead <= CLOCK_SKEW_SECONDS, Reason::TokenFromTheFuture)?;
    pass(now < claims.expires_at(), Reason::ExpiredToken)?;
    let revoked =
        client.is_some_and(|client| client.revoked_tokens.iter().any(|token| token.id == claims.id));
    pass(!revoked, Reason::RevokedToken)
}

fn active(request: &Request<'_>, client: &ApiClient, now: Timestamp) -> Result<(), Reason> {
    match client.status {
        ClientStatus::Active => {}
        ClientStatus::Disabled => return Err(Reason::DisabledClient),
        ClientStatus::Revoked => return Err(Reason::RevokedClient),
    }
    let claims = request.claims.map_err(|_| Reason::UnreadableToken)?;
    pass(claims.issued_at >= client.not_before, Reason::TokenBeforeCut)?;
    match client.secret(claims.secret).map(|secret| secret.state(now)) {
        Some(SecretState::Active | SecretState::Expiring) => Ok(()),
        Some(SecretState::Expired) => Err(Reason::EndedSecret),
        Some(SecretState::Killed) | None => Err(Reason::KilledSecret),
    }
}

fn address(request: &Request<'_>, client: &ApiClient) -> Result<(), Reason> {
    let inside = client.allow_list.is_empty() || client.allow_list.contains(request.address);
    pass(inside, Reason::ForeignAddress)
}

fn workspace<'a>(request: &Request<'_>, client: &'a ApiClient) -> Result<&'a Workspace, Reason> {
    match request.business {
        Business::Missing => Err(Reason::NoWorkspace),
        Business::Several => Err(Reason::SeveralBusinessHeaders),
        Business::Named(name) => client.workspace(name).ok_or(Reason::ForeignWorkspace),
    }
}

impl Reason {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::SeveralAuthorizations
            | Self::MalformedAuthorization
            | Self::TokenInQuery
            | Self::SeveralBusinessHeaders
            | Self::NoWorkspace
            | Self::ForeignWorkspace => 400,
            Self::NoToken
            | Self::UnreadableToken
            | Self::ForgedToken
            | Self::ExpiredToken
            | Self::TokenFromTheFuture
            | Self::RevokedToken
            | Self::TokenBeforeCut
            | Self::KilledSecret
            | Self::EndedSecret
            | Self::NoClient
            | Self::DisabledClient
            | Self::RevokedClient => 401,
            Self::ForeignAddress | Self::UnknownVersion | Self::UnknownRoute => 403,
            Self::OverLimit => 429,
        }
    }

    /// The stable name in the answer's `name` field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeveralAuthorizations
            | Self::MalformedAuthorization
            | Self::TokenInQuery
            | Self::SeveralBusinessHeaders => "invalid_request",
            Self::NoWorkspace | Self::ForeignWorkspace => "workspace_not_enabled",
            Self::NoToken => "unauthorized",
            Self::ForeignAddress => "ip_not_allowed",
            Self::UnknownVersion | Self::UnknownRoute => "method_not_allowed",
            Self::OverLimit => "rate_limited",
            _ => "invalid_token",
        }
    }

    /// The text for the caller. It tells *expired* from *invalid*, and no more (security.md A3).
    #[must_use]
    pub fn message(self, business: Business<'_>) -> String {
        match self {
            Self::SeveralAuthorizations => "There is more than one Authorization header.".into(),
            Self::MalformedAuthorization => {
                "The Authorization header is not of the form Bearer <token>.".into()
            }
            Self::TokenInQuery => "The access token is in the query.".into(),
            Self::SeveralBusinessHeaders => "There is more than one business header.".into(),
            Self::NoWorkspace | Self::ForeignWorkspace => {
                let named = match business {
                    Business::Named(name) => name,
                    Business::Missing | Business::Several => "undefined",
                };
                // Who mixes up the headers sends a token here: it must not come back in a text that ends up in a log.
                let named = mask(named);
                let shown: String = named.chars().take(100).filter(|letter| !letter.is_control()).collect();
                format!("Business {shown} is not enabled for this client.")
            }
            Self::ForeignAddress => "This address may not use this client.".into(),
            Self::UnknownVersion | Self::UnknownRoute => "Method not allowed".into(),
            Self::OverLimit => "Too many requests".into(),
            _ => "Unauthorized".into(),
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::SeveralAuthorizations => "Send the Authorization header once.",
            Self::MalformedAuthorization => {
                "Send the header Authorization: Bearer gpt_… with the token from /oauth/token."
            }
            Self::TokenInQuery => {
                "Send the token in the header Authorization: Bearer gpt_… and nowhere else: addresses end up in logs."
            }
            Self::SeveralBusinessHeaders => {
                "Send the business header once, with the subdomain of one workspace."
            }
            Self::NoWorkspace => {
                "The token is good. Add the header business: <subdomain of a workspace that this client is enabled for>."
            }
            Self::ForeignWorkspace => {
                "The token is good. Check the spelling of the business header, or tick the workspace on the client's page under Settings > API manager."
            }
            Self::NoToken => "Ask for a token at /oauth/token and send it as Authorization: Bearer gpt_….",
            Self::ExpiredToken => {
                "The access token expired. Ask for a new one at /oauth/token with the same client id and secret."
            }
            Self::ForeignAddress => {
                "The client's allow list does not hold the address that this request came from."
            }
            Self::UnknownVersion => "The versions are v1, v1.7, v1.8, v1.9, v1.10 and v1.11.",
            Self::UnknownRoute => "There is no such path, or not with this HTTP method.",
            Self::OverLimit => "Wait for as many seconds as the Retry-After header says.",
            _ => "The access token is invalid. Ask for a new one at /oauth/token.",
        }
    }

    /// The true reason, for the client's owner.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::UnreadableToken => "The text after Bearer is not a Gatepost access token.",
            Self::ForgedToken => "The token was not issued by this deployment, or was altered on the way.",
            Self::ExpiredToken => "The token's lifetime is over.",
            Self::TokenFromTheFuture => "The token was issued later than this node's clock says it is now.",
            Self::RevokedToken => "This one token was revoked.",
            Self::TokenBeforeCut => "The token was issued before all of the client's tokens were cut off.",
            Self::KilledSecret => "The secret that this token was asked for with was cut off.",
            Self::EndedSecret => {
                "The secret that this token was asked for with came to its end after a rotation. The tool still uses the old secret, or has not asked for a token with the new one."
            }
            Self::NoClient => "The client of this token was deleted.",
            Self::DisabledClient => "The client is disabled.",
            Self::RevokedClient => "The client was revoked.",
            Self::ForeignWorkspace => {
                "The business header names a workspace that the client is not enabled for, or that does not exist."
            }
            Self::OverLimit => "The client has used up its requests for this hour.",
            other => other.help(),
        }
    }
}

#[cfg(test)]
mod tests;
