//! New signing keys for a webhook URL.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use gatepost_core::Gatepost;
use gatepost_core::signing_keys::Rotation;
use gatepost_model::SigningScheme;

use super::client::{ShownValue, changeable};
use super::password::{self, Check};
use super::url::{Over, at, page_address, page_of};
use super::{Answer, changed};
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::Form;
use crate::session::Visit;

/// `POST /clients/{id}/urls/{url}/key/rotate`: answers with the new key.
pub(super) async fn rotate_key(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    if let Check::Asks(problem) = password::check(&gatepost, &visit, &form).await? {
        let problem = problem.unwrap_or_else(|| String::from("Enter your password."));
        let over = Over { password: Some(problem), ..Over::default() };
        return page_of(&gatepost, &visit, &client, &url, &over).await;
    }
    let hours: u64 = form.text("overlap").parse().map_err(|_| Failure::Malformed)?;
    let scheme = SigningScheme::from_name(form.text("scheme")).ok_or(Failure::Malformed)?;
    let rotation =
        Rotation { scheme: Some(scheme), overlap: Duration::from_secs(hours.saturating_mul(3600)) };
    let (client, value) =
        gatepost.rotate_signing_key(&visit.actor(), at(&client, &url, &form), rotation).await?;
    let label = match scheme {
        SigningScheme::Hmac => "New signing key",
        SigningScheme::Ed25519 => "New public key",
    };
    let shown = ShownValue {
        label: label.to_owned(),
        value,
        hint: "Put it into the receiver before the old one ends. Until then each webhook carries both signatures.",
        copied: "key",
    };
    let over = Over { shown: Some(shown), ..Over::default() };
    page_of(&gatepost, &visit, &client, &url, &over).await
}

/// `POST /clients/{id}/urls/{url}/key/end`
pub(super) async fn end_keys(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path((id, url)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let client = changeable(gatepost.managed_client(visit.user(), &id).await?)?;
    gatepost.end_old_signing_keys(&visit.actor(), at(&client, &url, &form)).await?;
    changed(&gatepost, Flash::OldKeysEnded, &page_address(&client, &url))
}
