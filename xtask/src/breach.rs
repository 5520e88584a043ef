//! What a check found, and how it is told.

use std::fmt;

use anyhow::{Result, bail};

/// One broken rule: where, what is wrong there, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) place: String,
    pub(crate) what: String,
    pub(crate) mend: String,
}

impl Breach {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), mend: mend.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    mend: {}", self.place, self.what, self.mend)
    }
}

/// Prints every breach, and fails when there is one.
pub(crate) fn report(check: &str, breaches: &[Breach]) -> Result<()> {
    for breach in breaches {
        println!("{breach}");
    }
    match breaches.len() {
        0 => {
            println!("{check}: ok");
            Ok(())
        }
        1 => bail!("{check}: 1 breach, told above"),
        many => bail!("{check}: {many} breaches, told above"),
    }
}
