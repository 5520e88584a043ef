//! Showing one secret or one signing key once more. That it was done is kept in the audit trail (security.md S6, P4).

use std::sync::Arc;

use gatepost_keys::{Plain, Sealing};
use gatepost_model::SigningScheme;
use serde_json::json;

use crate::access::load_managed;
use crate::audit::Note;
use crate::signing_keys::scheme_of;
use crate::{Actor, Error, Gatepost};

impl Gatepost {
    /// Shows one of a client's secrets (contract A8).
    ///
    /// # Errors
    /// If the client or the secret does not exist for the actor, no copy of it is kept (contract A38), the key file is not
    /// the one that it was sealed with, or the store fails.
    pub async fn reveal_secret(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        number: u16,
    ) -> Result<Plain, Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), id.to_owned());
        self.store
            .write(move |tx| {
                let client = load_managed(tx, &actor, &id)?;
                let secret = client.secret(number).filter(|secret| secret.is_live(now));
                let secret = secret.ok_or_else(|| Error::not_found("secret", &number.to_string()))?;
                let sealed = secret.sealed.as_ref().ok_or_else(|| {
                    Error::Conflict(String::from(
                        "this secret was shown once, when it was made, and no copy is kept: rotate it to get a new one",
                    ))
                })?;
                let place = Sealing::Secret(&client.id, number);
                let plain = this.keyring.open(sealed, place).map_err(|_| Error::Sealed)?;
                let what = json!({ "secrets": [number] });
                let (action, subject_id) = ("secret.reveal", client.id.as_str());
                this.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after: Some(&what) })?;
                Ok(plain)
            })
            .await
    }

    /// Shows the newest signing key of one of a client's webhook URLs.
    ///
    /// # Errors
    /// If the client or the URL does not exist for the actor, the key is one of Ed25519, the key file is not the one that it
    /// was sealed with, or the store fails.
    pub async fn reveal_signing_key(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        url_id: &str,
    ) -> Result<Plain, Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), id.to_owned());
        let url_id = url_id.to_owned();
        self.store
            .write(move |tx| {
                let client = load_managed(tx, &actor, &id)?;
                let url = client.webhook_url(&url_id);
                let url = url.ok_or_else(|| Error::not_found("webhook URL", &url_id))?;
                if scheme_of(url) == SigningScheme::Ed25519 {
                    return Err(Error::Conflict(String::from(
                        "this URL has a public key, which is no secret; its private half is shown to nobody",
                    )));
                }
                let plain = this.open_signing_key(url)?;
                let what = json!({ "webhookUrl": url.id });
                let (action, subject_id) = ("signing-key.reveal", client.id.as_str());
                this.note(
                    tx,
                    now,
                    &Note { actor: &actor, action, subject_id, before: None, after: Some(&what) },
                )?;
                Ok(plain)
            })
            .await
    }
}
