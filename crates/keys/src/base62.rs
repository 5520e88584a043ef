//! Bytes as letters and digits, so that a double click selects a whole token.
//!
//! Eight bytes become eleven characters, block by block: fixed width, no big-number arithmetic.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BLOCK_BYTES: usize = 8;
const BLOCK_CHARACTERS: usize = 11;

/// The value of each character, 255 for those outside the alphabet.
const VALUES: [u8; 256] = {
    let mut values = [255u8; 256];
    let mut index = 0;
    while index < 62 {
        values[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    values
};

/// Appends `bytes`, whose length must be a multiple of eight; a rest is left out.
pub fn encode(bytes: &[u8], into: &mut String) {
    for block in bytes.chunks_exact(BLOCK_BYTES) {
        let mut value = block.iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        let mut characters = [b'0'; BLOCK_CHARACTERS];
        for place in characters.iter_mut().rev() {
            *place = ALPHABET[(value % 62) as usize];
            value /= 62;
        }
        into.extend(characters.iter().map(|byte| char::from(*byte)));
    }
}

/// Reads exactly `N` bytes (a multiple of eight). Each value has one spelling only: anything else is none.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N / BLOCK_BYTES * BLOCK_CHARACTERS {
        return None;
    }
    let mut bytes = [0u8; N];
    for (block, out) in text.chunks_exact(BLOCK_CHARACTERS).zip(bytes.chunks_exact_mut(BLOCK_BYTES)) {
        let mut value = 0u64;
        for character in block {
            let digit = VALUES[usize::from(*character)];
            if digit == 255 {
                return None;
            }
            value = value.checked_mul(62)?.checked_add(u64::from(digit))?;
        }
        out.copy_from_slice(&value.to_be_bytes());
    }
    Some(bytes)
}

/// `value` in exactly `width` characters, most significant first; higher digits are dropped.
#[must_use]
pub fn number(mut value: u32, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for place in digits.iter_mut().rev() {
        *place = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_block_fits_and_more_is_refused() {
        let mut text = String::new();
        encode(&[255; 8], &mut text);
        assert_eq!(text, "LygHa16AHYF");
        assert_eq!(decode::<8>(&text), Some([255; 8]));
        assert_eq!(decode::<8>("LygHa16AHYG"), None);
        assert_eq!(decode::<8>("zzzzzzzzzzz"), None);
        assert_eq!(decode::<8>("LygHa16AHY_"), None);
        assert_eq!(decode::<8>("short"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in any::<[u8; 48]>()) {
            let mut text = String::new();
            encode(&bytes, &mut text);
            prop_assert_eq!(text.len(), 66);
            prop_assert_eq!(decode::<48>(&text), Some(bytes));
        }
    }
}
