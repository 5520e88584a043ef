//! Access tokens: what they say and how they are written.
//!
//! A token is opaque to clients. Inside are 24 bytes that name the client, the secret that it was asked for with, when
//! and for how long, and 24 bytes of HMAC-SHA-256 over them under a key that is not in the database. Nothing is stored
//! when one is issued; that it is *still* good is read from the client's live state (docs/adr/0002-token.md).
//!
//! | bytes | what |
//! |---|---|
//! | 0 | format, 1 |
//! | 1 | id of the key |
//! | 2..6 | client number |
//! | 6..8 | number of the secret |
//! | 8..16 | issued at, microseconds |
//! | 16..19 | lifetime, seconds |
//! | 19..24 | random |
//! | 24..48 | MAC |

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use gatepost_model::{ClientNumber, Random, Timestamp};

use crate::base62;
use crate::keyring::Keyring;
use crate::plain::Plain;

/// What every access token begins with.
pub const PREFIX: &str = "gpt_";
const FORMAT: u8 = 1;
const PAYLOAD: usize = 24;
const TOKEN: usize = 48;
/// The longest lifetime that three bytes hold.
const LONGEST_SECONDS: u64 = 0xff_ffff;

/// The id by which one token can be revoked: its signed bytes.
pub type TokenId = [u8; PAYLOAD];

/// What a token says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub client: ClientNumber,
    /// The secret that it was asked for with.
    pub secret: u16,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How long it lives, in whole seconds.
    pub lifetime: Duration,
    /// Its id.
    pub id: TokenId,
}

impl Claims {
    /// The first moment at which it is no longer good.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.issued_at.plus(self.lifetime)
    }
}

/// Why a text is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not `gpt_` and 66 characters of base 62.
    #[error("this is not a Gatepost access token: they begin with gpt_ and have 70 characters")]
    Shape,
    /// The MAC is wrong, or its key is gone.
    #[error("this access token was not issued here, or has been altered")]
    Mac,
}

impl Keyring {
    /// Makes a token. Lifetimes above 194 days are cut to that.
    #[must_use]
    pub fn mint(
        &self,
        client: ClientNumber,
        secret: u16,
        issued_at: Timestamp,
        lifetime: Duration,
        random: &dyn Random,
    ) -> (Plain, Claims) {
        let (key_id, key) = self.token_key();
        let seconds = lifetime.as_secs().min(LONGEST_SECONDS);
        let mut bytes = [0u8; TOKEN];
        bytes[0] = FORMAT;
        bytes[1] = key_id;
        bytes[2..6].copy_from_slice(&client.0.to_be_bytes());
        bytes[6..8].copy_from_slice(&secret.to_be_bytes());
        bytes[8..16].copy_from_slice(&issued_at.0.to_be_bytes());
        bytes[16..19].copy_from_slice(&seconds.to_be_bytes()[5..]);
        random.fill(&mut bytes[19..PAYLOAD]);
        let tag = hmac::sign(key, &bytes[..PAYLOAD]);
        bytes[PAYLOAD..].copy_from_slice(&tag.as_ref()[..TOKEN - PAYLOAD]);
        let mut text = String::with_capacity(70);
        text.push_str(PREFIX);
        base62::encode(&bytes, &mut text);
        (Plain::new(text), read(&bytes))
    }

    /// Reads a token and checks its MAC. Whether it is expired, or its client and secret still good, is not asked here.
    ///
    /// # Errors
    /// [`TokenError`] says which of shape and MAC is wrong; a caller is told no more than that it is invalid.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let encoded = token.strip_prefix(PREFIX).ok_or(TokenError::Shape)?;
        let bytes: [u8; TOKEN] = base62::decode(encoded).ok_or(TokenError::Shape)?;
        let key = self.token_key_by_id(bytes[1]).filter(|_| bytes[0] == FORMAT).ok_or(TokenError::Mac)?;
        let tag = hmac::sign(key, &bytes[..PAYLOAD]);
        constant_time::verify_slices_are_equal(&tag.as_ref()[..TOKEN - PAYLOAD], &bytes[PAYLOAD..])
            .map_err(|_| TokenError::Mac)?;
        Ok(read(&bytes))
    }
}

fn read(bytes: &[u8; TOKEN]) -> Claims {
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte))
    };
    let mut id = [0u8; PAYLOAD];
    id.copy_from_slice(&bytes[..PAYLOAD]);
    Claims {
        client: ClientNumber(u32::try_from(number(2, 6)).unwrap_or_default()),
        secret: u16::try_from(number(6, 8)).unwrap_or_default(),
        issued_at: Timestamp(i64::try_from(number(8, 16)).unwrap_or_default()),
        lifetime: Duration::from_secs(number(16, 19)),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;
    use proptest::prelude::*;

    fn token(keyring: &Keyring, seed: u64) -> (Plain, Claims) {
        let lifetime = Duration::from_secs(259_200);
        keyring.mint(ClientNumber(7), 3, Timestamp(1_700_000_000_123_456), lifetime, &SeededRandom::new(seed))
    }

    #[test]
    fn a_token_says_what_was_put_in() {
        let keyring = Keyring::generate(&SeededRandom::new(1));
        let (plain, claims) = token(&keyring, 2);
        assert_eq!(plain.expose().len(), 70);
        assert!(plain.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        assert_eq!(keyring.verify(plain.expose()), Ok(claims));
        assert_eq!(claims.client, ClientNumber(7));
        assert_eq!(claims.secret, 3);
        assert_eq!(claims.expires_at(), Timestamp(1_700_259_200_123_456));
    }

    #[test]
    fn tokens_of_another_keyring_and_mere_texts_are_refused() {
        let keyring = Keyring::generate(&SeededRandom::new(1));
        let other = Keyring::generate(&SeededRandom::new(9));
        assert_eq!(other.verify(token(&keyring, 2).0.expose()), Err(TokenError::Mac));
        for text in ["", "gpt_", "gpt_é", "Bearer x", &"a".repeat(70), &format!("gpt_{}", "z".repeat(66))] {
            assert_eq!(keyring.verify(text), Err(TokenError::Shape), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_changed_character_fails(place in 4usize..70, letter in "[0-9A-Za-z]", seed: u64) {
            let keyring = Keyring::generate(&SeededRandom::new(1));
            let (plain, _) = token(&keyring, seed);
            let mut text = plain.expose().to_owned();
            prop_assume!(text[place..=place] != letter);
            text.replace_range(place..=place, &letter);
            prop_assert!(keyring.verify(&text).is_err());
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let keyring = Keyring::generate(&SeededRandom::new(1));
            prop_assert!(keyring.verify(&text).is_err());
            let prefixed = format!("gpt_{text}");
            prop_assert!(keyring.verify(&prefixed).is_err());
        }
    }
}
