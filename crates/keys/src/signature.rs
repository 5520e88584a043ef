//! Webhook signatures as the Standard Webhooks specification has them, over id, timestamp and body: HMAC-SHA-256 (`v1`), or
//! Ed25519 (`v1a`).

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost_model::Random;

use crate::plain::Plain;

/// What every key of HMAC begins with,
pub const PREFIX: &str = "whsec_";
/// and the private
pub const PRIVATE_PREFIX: &str = "whsk_";
/// and public keys of Ed25519.
pub const PUBLIC_PREFIX: &str = "whpk_";

const KEY_BYTES: usize = 32;

/// A key that signs webhooks, ready for use.
#[derive(Clone, Debug)]
pub struct WebhookKey(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Hmac(Arc<hmac::Key>),
    Ed25519(Arc<Ed25519KeyPair>),
}

/// Both halves of a key of Ed25519.
#[derive(Clone, Debug)]
pub struct SigningPair {
    /// `whsk_…`: signs.
    pub private: Plain,
    /// `whpk_…`: checks, and is no secret.
    pub public: String,
}

/// A text that is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook signing key is whsec_ and 24 to 64 bytes, or whsk_ and the 32 bytes of an Ed25519 seed, in base64"
)]
pub struct InvalidWebhookKey;

impl WebhookKey {
    /// Makes a key of HMAC and returns its `whsec_…` text.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Plain {
        let mut bytes = [0u8; KEY_BYTES];
        random.fill(&mut bytes);
        Plain::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// Makes a key of Ed25519. Its private text is the seed (RFC 8032, 5.1.5).
    ///
    /// # Panics
    /// Never: any 32 bytes are a seed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "any 32 bytes are a seed")]
    pub fn generate_pair(random: &dyn Random) -> SigningPair {
        let mut seed = [0u8; KEY_BYTES];
        random.fill(&mut seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        SigningPair {
            private: Plain::new(format!("{PRIVATE_PREFIX}{}", STANDARD.encode(seed))),
            public: format!("{PUBLIC_PREFIX}{}", STANDARD.encode(pair.public_key())),
        }
    }

    /// Reads a `whsec_…` or `whsk_…` text.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookKey> {
        let decoded = |encoded| STANDARD.decode(encoded).map_err(|_| InvalidWebhookKey);
        if let Some(encoded) = text.strip_prefix(PRIVATE_PREFIX) {
            let pair =
                Ed25519KeyPair::from_seed_unchecked(&decoded(encoded)?).map_err(|_| InvalidWebhookKey)?;
            return Ok(Self(Kind::Ed25519(Arc::new(pair))));
        }
        let bytes = decoded(text.strip_prefix(PREFIX).ok_or(InvalidWebhookKey)?)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidWebhookKey);
        }
        Ok(Self(Kind::Hmac(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))))
    }

    /// One signature, `v1,…` or `v1a,…`; several are joined by spaces in the `webhook-signature` header.
    #[must_use]
    pub fn sign(&self, webhook_id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        let head = format!("{webhook_id}.{timestamp_seconds}.");
        match &self.0 {
            Kind::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                context.update(head.as_bytes());
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            }
            Kind::Ed25519(pair) => {
                format!("v1a,{}", STANDARD.encode(pair.sign(&[head.as_bytes(), body].concat())))
            }
        }
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
    fn whoever_holds_the_public_key_can_check_a_signature() {
        let SigningPair { private, public } = WebhookKey::generate_pair(&SeededRandom::new(1));
        let signature = WebhookKey::parse(private.expose()).unwrap().sign("evt_1", 9, b"{}");
        let public = STANDARD.decode(public.strip_prefix(PUBLIC_PREFIX).unwrap()).unwrap();
        let signature = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let public = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, public);
        assert!(public.verify(b"evt_1.9.{}", &signature).is_ok());
        assert!(public.verify(b"evt_1.10.{}", &signature).is_err());
        assert!(WebhookKey::parse("whsk_AAAA").is_err());
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
