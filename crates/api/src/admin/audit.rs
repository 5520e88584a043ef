//! The audit trail.

use axum::extract::State;
use axum::response::Response;
use gatepost_core::audit_search::{Kind, Wanted};
use gatepost_core::view;
use gatepost_http::Problem;
use gatepost_model::ids;
use serde::Deserialize;

use super::Shared;
use super::access::Administrator;
use super::clients::seen_client;
use super::members::invalid;
use super::query::{Parameters, checked_limit, continued, time};

/// Which entries: `before` is the id of the last one of the page before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    subject: Option<String>,
    person: Option<String>,
    kind: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// The names of the kinds.
pub(super) const KIND_NAMES: &[&str] =
    &["created", "changed", "shown", "rotated", "stopped", "deliveries", "sign-ins", "refused"];

/// `GET /audit`: newest first.
pub(super) async fn list(
    State(gatepost): Shared,
    Administrator { sees_as, .. }: Administrator,
    Parameters(Listed { subject, person, kind, since, until, before, limit }): Parameters<Listed>,
) -> Result<Response, Problem> {
    // Entries name a client by its id; people may name it by its client id as well.
    let subject = match subject {
        Some(id) if id.starts_with(ids::CLIENT_ID) => {
            Some(seen_client(&gatepost, sees_as.as_ref(), &id).await?.id)
        }
        other => other,
    };
    let named = |name: String| {
        let unknown = || invalid("kind", format!("must be one of {}", KIND_NAMES.join(", ")));
        Kind::from_name(&name).ok_or_else(unknown)
    };
    let kind = kind.map(named).transpose()?;
    let (since, until) = (time("since", since)?, time("until", until)?);
    let wanted = Wanted { subject, person, kind, since, until };
    let place = (before, checked_limit(limit)? as usize);
    let seen = gatepost.audit_seen_by(sees_as.as_ref(), wanted, place).await?;
    Ok(continued(seen.rows.iter().map(view::audit).collect(), seen.next.as_deref()))
}
