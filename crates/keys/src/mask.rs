//! Taking secrets out of texts that strangers wrote: people put a token into a path, or a secret into the wrong header,
//! and what is kept or shown of such a request must not hold it (security.md S12).

use std::borrow::Cow;

use crate::{admin_token, secret, signature, token};

const PREFIXES: [&str; 4] = [secret::PREFIX, token::PREFIX, signature::PREFIX, admin_token::PREFIX];

/// The text with `…` in place of what follows the beginning of any secret, token or signing key.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let first = |text: &str| {
        let ends = PREFIXES.iter().filter_map(|prefix| Some(text.find(prefix)? + prefix.len()));
        ends.min()
    };
    let mut rest = text;
    let mut masked = String::new();
    while let Some(end) = first(rest) {
        let (before, after) = rest.split_at(end);
        masked.push_str(before);
        masked.push('…');
        rest = after
            .trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "_+/=".contains(letter));
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_secrets_are_taken_out_and_nothing_else() {
        for (text, masked) in [
            ("/v1.11/tasks", "/v1.11/tasks"),
            ("the-ceramic-school", "the-ceramic-school"),
            ("gpt_0Aa", "gpt_…"),
            ("/tasks/gpt_0Aa?x=gps_1&y=whsec_a+b/c=", "/tasks/gpt_…?x=gps_…&y=whsec_…"),
            ("gpc_visible gps_", "gpc_visible gps_…"),
            ("xgps_gpt_a b", "xgps_… b"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }
}
