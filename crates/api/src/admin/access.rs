//! Who may call the admin API. The one place that decides it: no call of [`super::calls`] is routed without passing
//! here, and a handler that was reached in another way finds no [`Administrator`] and answers nothing.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatepost_core::admin_tokens::{Admitted, NotAdmitted, Scope};
use gatepost_core::{Actor, Gatepost};
use gatepost_http::Problem;
use gatepost_http::caller::{Caller, UNKNOWN};
use gatepost_model::User;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// What a call needs of an admin token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// That it is good.
    Token,
    /// This scope too.
    Scope(Scope),
    /// No token is enough: the call is about the machine or about every workspace. Over the network it does not exist.
    Operator,
}

/// Somebody who may make the call: for the audit trail, and to look through their eyes.
#[derive(Clone, Debug)]
pub(super) struct Administrator {
    pub(super) actor: Actor,
    /// What bounds their view; nothing bounds the operator's.
    pub(super) sees_as: Option<User>,
}

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| {
            tracing::error!("a call of the admin API was routed past its guard");
            Problem::internal()
        })
    }
}

/// The guard of the Unix socket and of the command line's own process: whoever calls there has been let in by the
/// operating system.
pub(super) async fn admit_operator(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Administrator { actor: Actor::Cli, sees_as: None });
    next.run(request).await
}

/// The guard of one call on a listener that the network can reach.
pub(super) async fn admit_token(
    State((gatepost, needs)): State<(Arc<Gatepost>, Needs)>,
    mut request: Request,
    next: Next,
) -> Response {
    let from = request.extensions().get::<Caller>().map_or(UNKNOWN, |caller| caller.0);
    match admitted(&gatepost, needs, request.headers(), from).await {
        Ok(administrator) => {
            request.extensions_mut().insert(administrator);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admitted(
    gatepost: &Gatepost,
    needs: Needs,
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<Administrator, Problem> {
    let Some(token) = bearer(headers) else {
        return Err(unauthorized("This call needs an admin token in Authorization: Bearer …", "Bearer"));
    };
    let Admitted { bearer, user, scopes } = gatepost.admit_token(from, token).await.map_err(not_admitted)?;
    match needs {
        Needs::Token => {}
        Needs::Scope(scope) if scopes.contains(&scope) => {}
        Needs::Scope(scope) => return Err(lacks(scope)),
        Needs::Operator => return Err(super::absent()),
    }
    Ok(Administrator { actor: Actor::Token(bearer), sees_as: Some(user) })
}

/// RFC 6750 section 2.1: the scheme in any case, one header only.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().filter(|_| sent.next().is_none())?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn not_admitted(refusal: NotAdmitted) -> Problem {
    match refusal {
        NotAdmitted::Invalid => unauthorized(
            "The admin token is not valid: it was never issued, has expired or was cut off",
            "Bearer error=\"invalid_token\"",
        ),
        NotAdmitted::Wait(wait) => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many calls: wait for as many seconds as the Retry-After header says",
        )
        .header(header::RETRY_AFTER, wait.as_secs().max(1).into()),
        NotAdmitted::Failed(error) => Problem::from(error),
    }
}

fn unauthorized(message: &str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// RFC 6750 section 3.1: 403, with the scope that is missing.
fn lacks(scope: Scope) -> Problem {
    let name = scope.as_str();
    let problem = Problem::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        format!("This call needs an admin token with the scope {name}"),
    );
    match HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{name}\"")) {
        Ok(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}
