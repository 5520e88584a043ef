//! Admin tokens: their shape and their two parts.
//!
//! `gpa_`, 43 characters of base 62 (256 bits), 3 characters of checksum, as client secrets have
//! ([`crate::secret`]). The first twelve random characters find the token's row, the keyed hash over the whole
//! text proves it: so no key has to be the newest one, and comparing takes the same time whatever the answer.

use gatepost_model::Random;

use crate::plain::Plain;
use crate::secret;

/// What every admin token begins with.
pub const PREFIX: &str = "gpa_";
const FINDING_CHARACTERS: usize = 12;

/// Makes an admin token.
#[must_use]
pub fn generate(random: &dyn Random) -> Plain {
    secret::generate_with(PREFIX, random)
}

/// The part by which a token's row is found, if `text` has the shape and checksum of an admin token.
#[must_use]
pub fn finder(text: &str) -> Option<&str> {
    secret::is_well_formed_with(PREFIX, text)
        .then(|| text.get(PREFIX.len()..PREFIX.len() + FINDING_CHARACTERS))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;

    #[test]
    fn p6_admin_tokens_and_client_secrets_are_never_taken_for_each_other() {
        let random = SeededRandom::new(1);
        let (token, secret) = (generate(&random), secret::generate(&random));
        assert_eq!(finder(token.expose()), token.expose().get(4..16));
        assert_eq!(finder(secret.expose()), None);
        assert!(!secret::is_well_formed(token.expose()));
        assert_eq!(finder(&token.expose()[..49]), None);
        for text in ["", "gpa_", "gpa_é"] {
            assert_eq!(finder(text), None, "{text}");
        }
    }
}
