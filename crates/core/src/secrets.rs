//! A client's secrets and signing keys: rotating, revealing, cutting off.

use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, Sealing, secret};
use gatepost_model::secret::MOST_LIVE_SECRETS;
use gatepost_model::{ApiClient, SigningScheme};
use serde_json::json;

use crate::access::load_managed;
use crate::audit::Note;
use crate::clients::WithSecrets;
use crate::signing_keys::scheme_of;
use crate::{Actor, Error, Gatepost};

/// The longest that an old secret may live beside a new one.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);

/// What was revealed of a client.
#[derive(Clone, Debug)]
pub struct Revealed {
    /// The client.
    pub client: ApiClient,
    /// Its live secrets that can be revealed, oldest first: number and secret.
    pub secrets: Vec<(u16, Plain)>,
    /// The signing keys of its webhook URLs that are of HMAC: URL id and newest key.
    pub signing_keys: Vec<(String, Plain)>,
}

impl Gatepost {
    /// Makes a new secret; those that live now end after `overlap`, if they would not end before.
    ///
    /// # Errors
    /// If the client does not exist or already has five live secrets, the overlap is too long, or the store fails.
    pub async fn rotate_secret(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        overlap: Duration,
    ) -> Result<WithSecrets, Error> {
        if overlap > LONGEST_OVERLAP {
            return Err(Error::invalid("overlap", "must not be longer than 90 days"));
        }
        let plain = secret::generate(&*self.random);
        let (this, maker, made) = (Arc::clone(self), actor.clone(), plain.clone());
        let (client, ()) = self
            .change_client(actor, id, ("secret.rotate", None), move |_, client, now| {
                let end = now.plus(overlap);
                for secret in client.secrets.iter_mut().filter(|secret| secret.is_live(now)) {
                    secret.expires_at = Some(secret.expires_at.map_or(end, |set| set.min(end)));
                }
                if client.live_secrets(now).count() >= MOST_LIVE_SECRETS {
                    return Err(Error::Conflict(format!(
                        "the client already has {MOST_LIVE_SECRETS} live secrets: cut one off, or wait until one ends"
                    )));
                }
                this.add_secret(client, &made, &maker, now);
                Ok(())
            })
            .await?;
        Ok(WithSecrets { client, secret: Some(plain), signing_keys: Vec::new() })
    }

    /// Cuts one secret off together with the tokens that were asked for with it; the others are not touched.
    ///
    /// # Errors
    /// If the client or the secret does not exist, it is the client's last live one, or the store fails.
    pub async fn kill_secret(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        number: u16,
    ) -> Result<ApiClient, Error> {
        let changed = self.change_client(actor, id, ("secret.kill", None), move |_, client, now| {
            let others = client.live_secrets(now).filter(|secret| secret.number != number).count();
            let secret = client.secrets.iter_mut().find(|secret| secret.number == number);
            let secret = secret.ok_or_else(|| Error::not_found("secret", &number.to_string()))?;
            if others == 0 && secret.is_live(now) {
                return Err(Error::Conflict(String::from(
                    "this is the client's last live secret: rotate first, or disable the client",
                )));
            }
            secret.killed_at.get_or_insert(now);
            secret.sealed = None;
            Ok(())
        });
        Ok(changed.await?.0)
    }

    /// Shows a client's secrets and signing keys once more (contract A8). That it was done is kept in the audit trail.
    ///
    /// # Errors
    /// If the client does not exist, shows its secrets only once (contract A38), the key file is not the one that they
    /// were sealed with, or the store fails.
    pub async fn reveal_secrets(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Revealed, Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), id.to_owned());
        self.store
            .write(move |tx| {
                let client = load_managed(tx, &actor, &id)?;
                let mut secrets = Vec::new();
                for secret in client.live_secrets(now) {
                    if let Some(sealed) = &secret.sealed {
                        let place = Sealing::Secret(&client.id, secret.number);
                        let plain = this.keyring.open(sealed, place).map_err(|_| Error::Sealed)?;
                        secrets.push((secret.number, plain));
                    }
                }
                if secrets.is_empty() {
                    return Err(Error::Conflict(String::from(
                        "this client's secret was shown once, when it was made, and no copy is kept: rotate it to get \
                         a new one, or make a new client",
                    )));
                }
                let numbers = secrets.iter().map(|(number, _)| *number).collect::<Vec<_>>();
                let what = json!({ "secrets": numbers });
                this.note(tx, now, &Note { actor: &actor, action: "secret.reveal", subject_id: &client.id, before: None, after: Some(&what) })?;
                let signing_keys = this.signing_keys(&client)?;
                Ok(Revealed { client, secrets, signing_keys })
            })
            .await
    }

    fn signing_keys(&self, client: &ApiClient) -> Result<Vec<(String, Plain)>, Error> {
        let shared = client.webhook_urls.iter().filter(|url| scheme_of(url) == SigningScheme::Hmac);
        shared.map(|url| Ok((url.id.clone(), self.open_signing_key(url)?))).collect()
    }
}
