//! The keyring: every key of a deployment, kept in one file outside the database.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use gatepost_model::Random;
use gatepost_model::secret::{Sealed, Verifier};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::plain::Plain;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The keys of a deployment. In each list the first is used for new work, the others only to read what they made.
pub struct Keyring {
    peppers: Vec<(u8, hmac::Key)>,
    tokens: Vec<(u8, hmac::Key)>,
    seals: Vec<(u8, XChaCha20Poly1305)>,
    file: KeyFile,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

/// What a sealed value belongs to. A copy that is moved to another place does not open there (security.md S5).
#[derive(Clone, Copy, Debug)]
pub enum Sealing<'a> {
    /// A client's secret: client id in the store, number of the secret.
    Secret(&'a str, u16),
    /// A webhook URL's signing key: the URL's id.
    SigningKey(&'a str),
    /// The value of a header that is sent to a webhook URL: the URL's id, the header's name.
    Header(&'a str, &'a str),
    /// What a user's authenticator computes its codes from: the user's id.
    SecondFactor(&'a str),
}

impl Sealing<'_> {
    fn associated_data(self) -> String {
        match self {
            Self::Secret(client, number) => format!("secret/{client}/{number}"),
            Self::SigningKey(url) => format!("signing-key/{url}"),
            Self::Header(url, name) => format!("header/{url}/{name}"),
            Self::SecondFactor(user) => format!("second-factor/{user}"),
        }
    }
}

/// Why a keyring or a sealed value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The file is no keyring.
    #[error("the key file cannot be read: {0}")]
    File(String),
    /// A value was sealed under a key that is not in the file, or was altered or moved.
    #[error(
        "a sealed value cannot be opened: its key is missing from the key file, or the value was altered"
    )]
    Unsealable,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    pepper: Vec<StoredKey>,
    token: Vec<StoredKey>,
    seal: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: u8,
    key: String,
}

impl StoredKey {
    fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0u8; KEY_BYTES];
        random.fill(&mut bytes);
        Self { id: 1, key: STANDARD.encode(bytes) }
    }

    fn bytes(&self, list: &str) -> Result<Vec<u8>, KeyringError> {
        let bytes = STANDARD.decode(&self.key).ok().filter(|bytes| bytes.len() == KEY_BYTES);
        bytes.ok_or_else(|| {
            KeyringError::File(format!("[[{list}]] key {} is not {KEY_BYTES} bytes in base64", self.id))
        })
    }
}

impl Keyring {
    /// A new keyring.
    ///
    /// # Panics
    /// Never: keys that were just made are well formed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "keys that were just made are well formed")]
    pub fn generate(random: &dyn Random) -> Self {
        let list = || vec![StoredKey::generate(random)];
        let file = KeyFile { pepper: list(), token: list(), seal: list() };
        Self::from_file(file).expect("keys that were just made are well formed")
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`KeyringError::File`] names what is wrong with it, never a key.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let file = toml::from_str::<KeyFile>(text)
            .map_err(|error| KeyringError::File(error.message().to_owned()))?;
        Self::from_file(file)
    }

    /// The text of the key file.
    ///
    /// # Errors
    /// If the keys cannot be written as TOML, which no keyring that was read or made here comes to.
    pub fn to_text(&self) -> Result<Plain, KeyringError> {
        let keys = toml::to_string(&self.file).map_err(|error| KeyringError::File(error.to_string()))?;
        Ok(Plain::new(format!(
            "# Gatepost's keys. Keep this file as secret as a password, and back it up apart from the database:\n\
             # with it and the database together, secrets can be revealed; without it, none can, and no token is good.\n\
             # In each list the first key is used for new work; the others only read what they made.\n\n{keys}"
        )))
    }

    fn from_file(file: KeyFile) -> Result<Self, KeyringError> {
        let mac = |list: &str, keys: &[StoredKey]| {
            non_empty(list, keys)?
                .iter()
                .map(|key| Ok((key.id, hmac::Key::new(hmac::HMAC_SHA256, &key.bytes(list)?))))
                .collect::<Result<Vec<_>, KeyringError>>()
        };
        let seals = non_empty("seal", &file.seal)?
            .iter()
            .map(|key| {
                let bytes = key.bytes("seal")?;
                let cipher = XChaCha20Poly1305::new_from_slice(&bytes)
                    .map_err(|_| KeyringError::File(String::from("a seal key has the wrong length")))?;
                Ok((key.id, cipher))
            })
            .collect::<Result<Vec<_>, KeyringError>>()?;
        Ok(Self { peppers: mac("pepper", &file.pepper)?, tokens: mac("token", &file.token)?, seals, file })
    }

    pub(crate) fn token_key(&self) -> (u8, &hmac::Key) {
        (self.tokens[0].0, &self.tokens[0].1)
    }

    pub(crate) fn token_key_by_id(&self, id: u8) -> Option<&hmac::Key> {
        self.tokens.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// The keyed hash by which `secret` will be recognised (security.md S4). Its first byte names the pepper.
    #[must_use]
    pub fn verifier(&self, secret: &str) -> Verifier {
        let (id, key) = &self.peppers[0];
        Verifier(hashed(*id, key, secret))
    }

    /// Whether `verifier` is that of `secret`. Takes the same time whatever the answer.
    #[must_use]
    pub fn recognises(&self, verifier: &Verifier, secret: &str) -> bool {
        let id = verifier.0.first().copied();
        let (id, key) = self.peppers.iter().find(|(known, _)| Some(*known) == id).unwrap_or(&self.peppers[0]);
        constant_time::verify_slices_are_equal(&hashed(*id, key, secret), &verifier.0).is_ok()
    }

    /// Encrypts `plain` so that it opens only for the same `belongs_to`.
    ///
    /// # Panics
    /// Never for texts of less than 256 GiB.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the cipher fails only beyond 256 GiB")]
    pub fn seal(&self, plain: &Plain, belongs_to: Sealing<'_>, random: &dyn Random) -> Sealed {
        let (id, cipher) = &self.seals[0];
        let mut nonce = [0u8; NONCE_BYTES];
        random.fill(&mut nonce);
        let aad = belongs_to.associated_data();
        let payload = Payload { msg: plain.expose().as_bytes(), aad: aad.as_bytes() };
        let body = cipher.encrypt(&XNonce::from(nonce), payload).expect("text of less than 256 GiB");
        let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + body.len());
        bytes.push(*id);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&body);
        Sealed(bytes)
    }

    /// Decrypts what [`Keyring::seal`] made.
    ///
    /// # Errors
    /// [`KeyringError::Unsealable`] if the key is gone, the bytes were altered, or they belong somewhere else.
    pub fn open(&self, sealed: &Sealed, belongs_to: Sealing<'_>) -> Result<Plain, KeyringError> {
        let (id, rest) = sealed.0.split_first().ok_or(KeyringError::Unsealable)?;
        let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or(KeyringError::Unsealable)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| KeyringError::Unsealable)?;
        let (_, cipher) = self.seals.iter().find(|(known, _)| known == id).ok_or(KeyringError::Unsealable)?;
        let aad = belongs_to.associated_data();
        let plain = cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: body, aad: aad.as_bytes() })
            .map_err(|_| KeyringError::Unsealable)?;
        String::from_utf8(plain).map(Plain::new).map_err(|_| KeyringError::Unsealable)
    }
}

fn non_empty<'a>(list: &str, keys: &'a [StoredKey]) -> Result<&'a [StoredKey], KeyringError> {
    if keys.is_empty() {
        return Err(KeyringError::File(format!("there is no [[{list}]] key in it")));
    }
    Ok(keys)
}

fn hashed(id: u8, key: &hmac::Key, secret: &str) -> Vec<u8> {
    let tag = hmac::sign(key, secret.as_bytes());
    let mut bytes = Vec::with_capacity(1 + tag.as_ref().len());
    bytes.push(id);
    bytes.extend_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;

    fn keyring() -> Keyring {
        Keyring::generate(&SeededRandom::new(1))
    }

    #[test]
    fn a_keyring_survives_its_file() {
        let first = keyring();
        let second = Keyring::parse(first.to_text().unwrap().expose()).unwrap();
        let sealed = first.seal(&Plain::new("x".into()), Sealing::Secret("a", 1), &SeededRandom::new(2));
        assert_eq!(second.open(&sealed, Sealing::Secret("a", 1)).unwrap().expose(), "x");
        assert!(second.recognises(&first.verifier("gps_1"), "gps_1"));
    }

    #[test]
    fn a_bad_key_file_is_explained_without_its_keys() {
        for bad in ["", "pepper = 1", "pepper=[]\ntoken=[]\nseal=[]", "[[pepper]]\nid=1\nkey='c2VjcmV0'"] {
            let error = Keyring::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with("the key file cannot be read: "), "{error}");
            assert!(!error.contains("c2VjcmV0"));
        }
    }

    #[test]
    fn s4_verifiers_are_keyed() {
        let verifier = keyring().verifier("gps_1");
        assert!(keyring().recognises(&verifier, "gps_1"));
        assert!(!keyring().recognises(&verifier, "gps_2"));
        assert!(!Keyring::generate(&SeededRandom::new(3)).recognises(&verifier, "gps_1"));
        assert!(!keyring().recognises(&Verifier(Vec::new()), "gps_1"));
    }

    #[test]
    fn s5_sealed_values_open_only_where_they_belong() {
        let sealed =
            keyring().seal(&Plain::new("gps_1".into()), Sealing::Secret("a", 1), &SeededRandom::new(2));
        assert!(!sealed.0.windows(5).any(|window| window == b"gps_1"));
        for other in [Sealing::Secret("b", 1), Sealing::Secret("a", 2), Sealing::SigningKey("a")] {
            assert_eq!(keyring().open(&sealed, other), Err(KeyringError::Unsealable));
        }
        for cut in 0..sealed.0.len() {
            assert!(keyring().open(&Sealed(sealed.0[..cut].to_vec()), Sealing::Secret("a", 1)).is_err());
        }
    }
}
