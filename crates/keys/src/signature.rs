//! Webhook signatures as the Standard Webhooks specification has them: HMAC-SHA-256 over id, timestamp and body.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost_model::Random;

use crate::plain::Plain;

/// What every signing key begins with.
pub const PREFIX: &str = "whsec_";
const KEY_BYTES: usize = 32;

/// A key that signs webhooks, ready for use.
#[derive(Clone, Debug)]
pub struct WebhookKey(hmac::Key);

/// A text that is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook signing key is whsec_ and 24 to 64 bytes in base64")]
pub struct InvalidWebhookKey;

impl WebhookKey {
    /// Makes a key and returns its `whsec_…` text.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Plain {
        let mut bytes = [0u8; KEY_BYTES];
        random.fill(&mut bytes);
        Plain::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// Reads a `whsec_…` text.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookKey> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidWebhookKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidWebhookKey)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidWebhookKey);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// One signature, `v1,…`; several are joined by spaces in the `webhook-signature` header.
    #[must_use]
    pub fn sign(&self, webhook_id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(webhook_id.as_bytes());
        context.update(b".");
        context.update(timestamp_seconds.to_string().as_bytes());
        context.update(b".");
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }

    /// Whether one of the signatures in `header` is this key's over the same id, timestamp and body.
    #[must_use]
    pub fn verify(&self, webhook_id: &str, timestamp_seconds: i64, body: &[u8], header: &str) -> bool {
        let expected = self.sign(webhook_id, timestamp_seconds, body);
        header.split(' ').any(|given| {
            aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;
    use proptest::prelude::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_specifications_vector_is_met() {
        let key = WebhookKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn generated_keys_parse_and_others_do_not() {
        let text = WebhookKey::generate(&SeededRandom::new(1));
        assert!(WebhookKey::parse(text.expose()).is_ok());
        for bad in ["", "whsec_", "whsec_AAAA", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(WebhookKey::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn signatures_verify_and_any_changed_byte_fails(body in proptest::collection::vec(any::<u8>(), 1..200), place: usize, id in "[a-z_0-9]{1,30}") {
            let key = WebhookKey::parse(WebhookKey::generate(&SeededRandom::new(5)).expose()).unwrap();
            let other = WebhookKey::parse(WebhookKey::generate(&SeededRandom::new(6)).expose()).unwrap();
            let header = format!("{} {}", other.sign(&id, 9, &body), key.sign(&id, 9, &body));
            prop_assert!(key.verify(&id, 9, &body, &header));
            prop_assert!(!key.verify(&id, 10, &body, &header));
            let mut changed = body.clone();
            let place = place % changed.len();
            changed[place] ^= 1;
            prop_assert!(!key.verify(&id, 9, &changed, &header));
        }
    }
}
