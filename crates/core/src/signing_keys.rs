//! The keys that sign what is sent to a webhook URL: of HMAC, or of Ed25519, whose private half nobody is ever shown.

use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, Sealing, WebhookKey};
use gatepost_model::{ApiClient, SigningKey, SigningScheme, Timestamp, WebhookUrl};

use crate::webhook_urls::UrlAt;
use crate::{Actor, Error, Gatepost};

/// The longest that an old signing key may sign beside a new one.
pub const LONGEST_KEY_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long it does unless something else is said.
pub const USUAL_KEY_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// A new key, and how long the old ones sign beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The kind of the new key; that of the newest one so far if none is named.
    pub scheme: Option<SigningScheme>,
    /// How long each webhook carries the old signatures as well.
    pub overlap: Duration,
}

/// A key that was just made.
pub(crate) struct MadeKey {
    /// As it is stored.
    pub(crate) stored: SigningKey,
    /// What the receiver needs to check signatures: the key of HMAC, or the public half.
    pub(crate) shown: Plain,
}

impl Gatepost {
    /// Makes a new signing key, and gives what the receiver needs of it. The old one signs beside it for as long as the
    /// overlap says, so that each webhook carries both signatures; a key that was ending already ends no later than it would
    /// have.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, the overlap is too long, or the store fails.
    pub async fn rotate_signing_key(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        rotation: Rotation,
    ) -> Result<(ApiClient, Plain), Error> {
        let Rotation { scheme, overlap } = rotation;
        if overlap > LONGEST_KEY_OVERLAP {
            return Err(Error::invalid("overlap", "must not be longer than 7 days"));
        }
        let this = Arc::clone(self);
        let url_id = at.url.to_owned();
        let rotate = move |url: &mut WebhookUrl, now: Timestamp| {
            let scheme = scheme.unwrap_or_else(|| scheme_of(url));
            let made = this.new_signing_key(scheme, &url_id);
            end_keys(url, now.plus(overlap), now);
            url.signing_keys.insert(0, made.stored);
            Ok(made.shown)
        };
        self.change_url(actor, at, "signing-key.rotate", rotate).await
    }

    /// Ends every signing key of a webhook URL but the newest now.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, or the store fails.
    pub async fn end_old_signing_keys(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
    ) -> Result<ApiClient, Error> {
        let end = |url: &mut WebhookUrl, _| {
            url.signing_keys.truncate(1);
            Ok(())
        };
        Ok(self.change_url(actor, at, "signing-key.end", end).await?.0)
    }

    /// A new key for the webhook URL with this id.
    pub(crate) fn new_signing_key(&self, scheme: SigningScheme, url_id: &str) -> MadeKey {
        let (signs, public_key) = match scheme {
            SigningScheme::Hmac => (WebhookKey::generate(&*self.random), None),
            SigningScheme::Ed25519 => {
                let pair = WebhookKey::generate_pair(&*self.random);
                (pair.private, Some(pair.public))
            }
        };
        let sealed = self.keyring.seal(&signs, Sealing::SigningKey(url_id), &*self.random);
        let shown = public_key.clone().map_or(signs, Plain::new);
        MadeKey { stored: SigningKey { sealed, public_key, expires_at: None }, shown }
    }

    /// A webhook URL's newest key of HMAC.
    pub(crate) fn open_signing_key(&self, url: &WebhookUrl) -> Result<Plain, Error> {
        let key = url.signing_keys.first();
        let key = key.ok_or_else(|| Error::not_found("signing key", &url.id))?;
        self.keyring.open(&key.sealed, Sealing::SigningKey(&url.id)).map_err(|_| Error::Sealed)
    }
}

/// What a webhook URL is signed with from now on.
#[must_use]
pub fn scheme_of(url: &WebhookUrl) -> SigningScheme {
    url.signing_keys.first().map_or(SigningScheme::Hmac, SigningKey::scheme)
}

/// Has the keys end at `end` at the latest, and forgets those that have ended by `now`.
fn end_keys(url: &mut WebhookUrl, end: Timestamp, now: Timestamp) {
    for key in &mut url.signing_keys {
        key.expires_at = Some(key.expires_at.map_or(end, |set| set.min(end)));
    }
    url.signing_keys.retain(|key| key.expires_at.is_none_or(|end| now < end));
}
