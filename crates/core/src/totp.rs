//! Codes of an authenticator: RFC 6238 with SHA-1, six digits, steps of 30 seconds, which is what every authenticator
//! speaks; and recovery codes for when it is lost.

use aws_lc_rs::{constant_time, hmac};
use gatepost_model::{Random, Timestamp};

/// How long a code is shown.
const STEP_SECONDS: i64 = 30;

/// The authenticator's clock may be a step ahead or behind (RFC 6238 section 5.2).
const STEPS_ASIDE: i64 = 1;

/// 160 bits, as RFC 4226 section 4 advises.
const SECRET_BYTES: usize = 20;

/// How many recovery codes a user gets at a time.
pub const RECOVERY_CODES: usize = 10;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret, in base 32 as authenticators read it.
pub(crate) fn new_secret(random: &dyn Random) -> String {
    let mut bytes = [0u8; SECRET_BYTES];
    random.fill(&mut bytes);
    to_base32(&bytes)
}

/// What an authenticator reads from a picture.
pub(crate) fn link(secret: &str, email: &str) -> String {
    let account: String = email.bytes().map(percent_encoded).collect();
    format!("otpauth://totp/Gatepost:{account}?secret={secret}&issuer=Gatepost")
}

/// The step of time whose code this is, if it is one of the present.
pub(crate) fn step_of(secret: &str, code: &str, now: Timestamp) -> Option<i64> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &from_base32(secret));
    let present = now.seconds().div_euclid(STEP_SECONDS);
    let given: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    let steps = present - STEPS_ASIDE..=present + STEPS_ASIDE;
    steps
        .filter(|step| {
            let right = code_at(&key, *step);
            constant_time::verify_slices_are_equal(right.as_bytes(), given.as_bytes()).is_ok()
        })
        .max()
}

/// New recovery codes: twelve characters each, in three groups.
pub(crate) fn recovery_codes(random: &dyn Random) -> Vec<String> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0u8; 8];
        random.fill(&mut bytes);
        let text = to_base32(&bytes).to_ascii_lowercase();
        codes.push(format!("{}-{}-{}", &text[..4], &text[4..8], &text[8..12]));
    }
    codes
}

/// A recovery code as it is hashed: however it was typed.
pub(crate) fn plain_recovery_code(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

fn code_at(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    // RFC 4226 section 5.3: the low four bits of the last byte say where the code begins.
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0xf);
    let word = bytes.iter().skip(offset).take(4).fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

fn to_base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit(held >> bits));
        }
    }
    if bits > 0 {
        text.push(digit(held << (5 - bits)));
    }
    text
}

fn digit(value: u32) -> char {
    let index = usize::try_from(value & 31).unwrap_or(0);
    char::from(BASE32[index])
}

fn from_base32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0u32, 0);
    for value in text.bytes().filter_map(|byte| BASE32.iter().position(|known| *known == byte)) {
        held = (held << 5) | u32::try_from(value).unwrap_or(0);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap_or(0));
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

fn percent_encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::SeededRandom;

    /// RFC 6238 appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = to_base32(b"12345678901234567890");
        assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(step_of(&secret, code, now), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_a_step_aside_and_no_more() {
        let secret = to_base32(b"12345678901234567890");
        let at = |seconds| step_of(&secret, "28 70 82", Timestamp::from_seconds(seconds));
        assert_eq!(at(29), Some(1), "shown a step early");
        assert_eq!(at(89), Some(1));
        assert_eq!(at(90), None);
        assert_eq!(step_of(&secret, "", Timestamp::from_seconds(59)), None);
        assert_eq!(step_of(&secret, "287083", Timestamp::from_seconds(59)), None);
    }

    #[test]
    fn base32_goes_there_and_back() {
        let random = SeededRandom::new(3);
        for length in 0..40 {
            let mut bytes = vec![0u8; length];
            random.fill(&mut bytes);
            assert_eq!(from_base32(&to_base32(&bytes)), bytes);
        }
        assert_eq!(new_secret(&random).len(), 32);
    }

    #[test]
    fn recovery_codes_can_be_typed_in_any_way() {
        let codes = recovery_codes(&SeededRandom::new(5));
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(codes.iter().all(|code| code.len() == 14));
        let typed = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(plain_recovery_code(&typed), plain_recovery_code(&codes[0]));
    }

    #[test]
    fn the_link_names_issuer_and_account() {
        assert_eq!(
            link("ABC", "ines+x@ceramics.example"),
            "otpauth://totp/Gatepost:ines%2Bx@ceramics.example?secret=ABC&issuer=Gatepost"
        );
    }
}
