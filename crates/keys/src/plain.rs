//! A text that must not be seen by chance.

use std::fmt;

use zeroize::Zeroizing;

/// A secret, token or key in the clear. Neither `Debug` nor `Display` shows it, and its memory is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(Zeroizing<String>);

impl Plain {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for the one place where it is shown or compared on purpose.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_debug_shows_nothing() {
        assert_eq!(format!("{:?}", Plain::new(String::from("gps_x"))), "Plain(…)");
    }
}
