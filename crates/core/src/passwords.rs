//! Passwords of people: what they may be, and their slow hashes.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use gatepost_keys::Plain;
use gatepost_model::Random;
use tokio::sync::Semaphore;

use crate::Error;

/// The shortest password, in characters. There are no rules about which characters (ASVS 6.2.1, 6.2.5).
pub const SHORTEST_PASSWORD: usize = 12;
/// The longest password, in bytes: hashing takes longer the longer it is.
pub const LONGEST_PASSWORD: usize = 256;

/// 19 MiB, twice over, on one lane: what OWASP advises for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Hashes under way at once: each takes its memory, and a flood of sign-ins must not take it all.
const AT_ONCE: usize = 2;

const SALT_BYTES: usize = 16;

/// Hashes passwords on threads for blocking work, a few at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash of a new password, as a PHC string.
    pub(crate) async fn hash(&self, password: &Plain, random: &dyn Random) -> Result<String, Error> {
        let mut salt = [0u8; SALT_BYTES];
        random.fill(&mut salt);
        let password = password.clone();
        self.in_turn(move || {
            let hash = hasher()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|_| Error::Unhashable)
        })
        .await?
    }

    /// Whether this is the password of the hash. Without a hash it takes as long, and the answer is no.
    pub(crate) async fn is_right(&self, password: &Plain, hash: Option<String>) -> Result<bool, Error> {
        // Nobody has set such a password: what it would take to hash it, an attacker may not take.
        if password.expose().len() > LONGEST_PASSWORD {
            return Ok(false);
        }
        let password = password.clone();
        self.in_turn(move || {
            let hasher = hasher()?;
            let given = password.expose().as_bytes();
            match hash {
                Some(hash) => Ok(hasher.verify_password(given, hash.as_str()).is_ok()),
                None => {
                    let hash = hasher.hash_password_with_salt(given, &[0; SALT_BYTES]);
                    std::hint::black_box(hash).map(|_| false).map_err(|_| Error::Unhashable)
                }
            }
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Unhashable)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| Error::Unhashable)
    }
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| Error::Unhashable)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A password that somebody may have.
pub(crate) fn checked_password(password: &Plain, email: &str) -> Result<(), Error> {
    let text = password.expose();
    if text.chars().count() < SHORTEST_PASSWORD {
        return Err(Error::invalid("password", format!("use at least {SHORTEST_PASSWORD} characters")));
    }
    if text.len() > LONGEST_PASSWORD {
        return Err(Error::invalid("password", format!("use at most {LONGEST_PASSWORD} bytes")));
    }
    let mut characters = text.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) || text.eq_ignore_ascii_case(email) {
        return Err(Error::invalid("password", "choose one that nobody would guess"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;

    fn plain(text: &str) -> Plain {
        Plain::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = Passwords::default();
        let random = SeededRandom::new(1);
        let password = plain("wheel and kiln");
        let hash = passwords.hash(&password, &random).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!hash.contains("kiln"));
        assert_ne!(hash, passwords.hash(&password, &random).await.unwrap(), "each has its own salt");
        assert!(passwords.is_right(&password, Some(hash.clone())).await.unwrap());
        assert!(!passwords.is_right(&plain("wheel and kilns"), Some(hash)).await.unwrap());
        assert!(!passwords.is_right(&password, None).await.unwrap());
        assert!(!passwords.is_right(&password, Some(String::from("nonsense"))).await.unwrap());
    }

    #[test]
    fn passwords_are_judged_by_length_and_by_being_guessable() {
        for good in ["wheel and kiln", &"ab".repeat(128), "пароль из слов"] {
            assert!(checked_password(&plain(good), "a@example.org").is_ok(), "{good}");
        }
        for bad in ["short", "aaaaaaaaaaaaaa", "Ines@Ceramics.example", &"ab".repeat(129)] {
            let error = checked_password(&plain(bad), "ines@ceramics.example").unwrap_err();
            assert!(matches!(&error, Error::Invalid { field: "password", .. }), "{error}");
            assert!(!error.to_string().contains(bad));
        }
    }
}
