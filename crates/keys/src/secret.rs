//! Client secrets: their shape, their checksum.
//!
//! `gps_`, 43 characters of base 62 (256 bits), 3 characters of checksum: 50 in all, within `[A-Za-z0-9_]`, because
//! tools that exist check for 5 to 50 characters of that class (contract.md B). The regular expression for scanners is
//! `gps_[0-9A-Za-z]{46}`. The checksum is CRC-32/ISO-HDLC over everything before it, modulo 62³; it tells a typing
//! mistake or a false find from a secret without any look-up (security.md S2, S3) and protects nothing.

use gatepost_model::Random;
use gatepost_model::ids;

use crate::base62;
use crate::plain::Plain;

/// What every secret begins with.
pub const PREFIX: &str = "gps_";
const RANDOM_CHARACTERS: usize = 43;
const CHECK_CHARACTERS: usize = 3;
const CHECK_VALUES: u32 = 62 * 62 * 62;

/// Makes a secret.
#[must_use]
pub fn generate(random: &dyn Random) -> Plain {
    generate_with(PREFIX, random)
}

/// Makes a text of the same shape with another prefix of four characters.
pub(crate) fn generate_with(prefix: &str, random: &dyn Random) -> Plain {
    let mut text = String::with_capacity(50);
    text.push_str(prefix);
    text.push_str(&ids::base62(RANDOM_CHARACTERS, random));
    let check = checksum(text.as_bytes());
    text.push_str(&check);
    Plain::new(text)
}

/// Whether `text` has the shape and checksum of a secret.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    is_well_formed_with(PREFIX, text)
}

/// Whether `text` has that shape and checksum with this prefix.
pub(crate) fn is_well_formed_with(prefix: &str, text: &str) -> bool {
    if text.len() != prefix.len() + RANDOM_CHARACTERS + CHECK_CHARACTERS || !text.is_ascii() {
        return false;
    }
    let (body, check) = text.split_at(text.len() - CHECK_CHARACTERS);
    let letters = body.get(prefix.len()..).unwrap_or_default();
    body.starts_with(prefix)
        && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && check == checksum(body.as_bytes())
}

/// The last four characters: what pages show so that people can tell secrets apart.
#[must_use]
pub fn hint(secret: &Plain) -> String {
    let text = secret.expose();
    text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
}

fn checksum(bytes: &[u8]) -> String {
    base62::number(crc32(bytes) % CHECK_VALUES, CHECK_CHARACTERS)
}

/// CRC-32/ISO-HDLC, bit by bit: fifty bytes now and then need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::{SeededRandom, SystemRandom};

    #[test]
    fn crc_matches_its_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn s2_shape_and_checksum() {
        for seed in 0..50 {
            let secret = generate(&SeededRandom::new(seed));
            let text = secret.expose();
            assert_eq!(text.len(), 50);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            assert!(is_well_formed(text));
            assert_eq!(hint(&secret), text[46..]);
            let mut wrong = text.to_owned();
            wrong.replace_range(10..11, if &text[10..11] == "a" { "b" } else { "a" });
            assert!(!is_well_formed(&wrong), "one wrong character is seen");
        }
        for bad in ["", "gps_", "gps_ä", &"x".repeat(50), &format!("gps_{}", "é".repeat(23))] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn s2_published_vector() {
        assert!(is_well_formed(&format!(
            "gps_{}{}",
            "0".repeat(43),
            checksum(format!("gps_{}", "0".repeat(43)).as_bytes())
        )));
    }

    #[test]
    fn s1_secrets_come_from_the_given_randomness_and_differ() {
        assert_ne!(generate(&SystemRandom), generate(&SystemRandom));
        assert_eq!(generate(&SeededRandom::new(1)), generate(&SeededRandom::new(1)));
    }
}
